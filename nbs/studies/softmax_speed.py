"""Compares a full with an adaptive softmax; two ways to call it:

`python nbs/studies/softmax_speed.py` times a training step, and writes
nbs/studies/results/softmax_speed.csv (10 minutes, one thread, 6 GB). Words are drawn by Zipf's
law, where rare ones are more frequent than in a real text. In each round every way takes a step in
turn.

`python nbs/studies/softmax_speed.py TEXT SEED…` trains LMModel7 on TEXT with each of them, with
all words of it in the vocab, and adds its rows to nbs/studies/results/softmax_quality.csv: on a GPU
with the defaults of rnnlab-train and bf16, on a CPU a small model."""
import sys, tempfile, time
from pathlib import Path
import pandas as pd, torch
from torch import nn
from rnnlab.core import environment
from rnnlab.loop import FusedAdam, lm_loss
from rnnlab.text.settings import TrainSettings
from rnnlab.text.train import load_model, text_model, train_text

results = Path(__file__).parent/'results'
bs = 16
sl = 35
n_hidden = 300
shares = {'1/20': (.05,), '1/20, 1/4': (.05,.25), '1/50, 1/5': (.02,.2), '1/100, 1/10': (.01,.1),
          '1/100, 1/20, 1/4': (.01,.05,.25)} # of the vocab: where clusters begin

def stepper(vocab_sz, softmax, cutoffs=None, div=2):
    "A function that takes a training step, as rnnlab-train would with its defaults for LMModel7"
    torch.manual_seed(0)
    model = text_model(vocab_sz, TrainSettings(softmax=softmax, n_hidden=n_hidden))
    if cutoffs:
        cutoffs = [int(o*vocab_sz) for o in cutoffs]
        model.h_o.layer = nn.AdaptiveLogSoftmaxWithLoss(n_hidden, vocab_sz, cutoffs, div, True)
    opt = FusedAdam(model.parameters(), 1e-3)
    odds = 1/(torch.arange(vocab_sz).double()+2.7)
    ids = torch.multinomial(odds, bs*(sl+1), replacement=True).view(bs, sl+1)
    x = ids[:,:-1].contiguous()
    y = ids[:,1:].contiguous()
    def step():
        lm_loss(model(x), y, 2, 1)[1].backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.)
        opt.step()
        opt.zero_grad()
    step() # makes Adam's state
    return step,sum(o.numel() for o in model.parameters())

def speed():
    "A row for each step that is timed"
    torch.set_num_threads(1)
    rows = []
    for vocab_sz in (10_000, 20_000, 40_000, 60_000, 100_000, 200_000):
        ways = {'full': stepper(vocab_sz, 'full'),
                **{k: stepper(vocab_sz, 'adaptive', v) for k,v in shares.items()}}
        for k in range(7 if vocab_sz < 100_000 else 5):
            for way,(step,n) in ways.items():
                cpu = time.process_time()
                wall = time.perf_counter()
                step()
                took = dict(cpu_s=round(time.process_time()-cpu, 4),
                            wall_s=round(time.perf_counter()-wall, 4))
                rows.append(dict(vocab=vocab_sz, way=way, round=k, bs=bs, sl=sl, n_hidden=n_hidden,
                                 parameters=n, **took, **environment('cpu')))
        del ways,step
        t = pd.DataFrame(rows).query('vocab == @vocab_sz').groupby('way').cpu_s.median()
        print(vocab_sz, (t/t.full).round(3).to_dict(), flush=True)
    pd.DataFrame(rows).to_csv(results/'softmax_speed.csv', index=False)

def quality(text, seeds):
    "A row for each epoch of each training"
    gpu = torch.cuda.is_available()
    s = dict(half='bf16') if gpu else dict(bs=32, sl=35, n_hidden=128, epochs=1)
    file = results/'softmax_quality.csv'
    rows = pd.read_csv(file).to_dict('records') if file.exists() else []
    for seed in seeds:
        for way in ('full','adaptive'):
            with tempfile.TemporaryDirectory() as d:
                log = train_text(text, d, softmax=way, min_freq=1, vocab=10**6, seed=seed, **s)
                model,vocab,_ = load_model(d, device='cpu')
            about = dict(text=Path(text).name, vocab=len(vocab), softmax=way, seed=seed,
                         parameters=sum(o.numel() for o in model.parameters()), settings=repr(s))
            rows += [{**about, **o, **environment()} for o in log.to_dict('records')]
            print(about, log.perplexity.min(), log.seconds.median(), flush=True)
            pd.DataFrame(rows).to_csv(file, index=False)

if __name__ == '__main__':
    if len(sys.argv) > 1: quality(sys.argv[1], map(int, sys.argv[2:]))
    else: speed()
