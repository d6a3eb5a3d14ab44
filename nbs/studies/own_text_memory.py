"""What `results/own_text_memory.csv` holds: `python nbs/studies/own_text_memory.py OUT.csv`, in a
minute and a half on a GPU. Sixty sizes of model, vocab and batch, in float32 and bf16, each trained
for 14 batches: the most memory that PyTorch had taken by then."""
import gc, sys, warnings
from itertools import product
from types import SimpleNamespace
import numpy as np, pandas as pd, torch
from fastai.callback.core import Callback, CancelFitException
from rnnlab.core import environment
from rnnlab.data import Corpus, Vocab, lm_dls
from rnnlab.recipes import quiet
from rnnlab.text.settings import TrainSettings
from rnnlab.text.train import text_learner

warnings.simplefilter('ignore')
models = [dict(model='LMModel5'), dict(model='LMModel7'), dict(model='LMModel7', n_hidden=1024),
          dict(model='LMModel8'), dict(model='AWD-LSTM')]


class Stop(Callback):
    def after_batch(self):
        if self.iter == 14: raise CancelFitException # the step is captured, and was replayed


def measured(half, vocab, kw, bs, sl):
    s = TrainSettings(bs=bs, sl=sl, half=half, epochs=1, **kw)
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, vocab, bs*sl*18+1))
    corpus = Corpus(ids, Vocab([f'w{i}' for i in range(vocab)]))
    tokens = SimpleNamespace(vocab=corpus.vocab, dls=lambda bs, sl, device: lm_dls(
        corpus, sl, bs, split=.9, device=device))
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    learn = text_learner(tokens, s, 'cuda')
    with quiet(learn): learn.fit_one_cycle(1, s.lr, cbs=[Stop])
    peak = torch.cuda.max_memory_allocated()-before
    params = sum(p.numel() for p in learn.model.parameters())
    return dict(half=half, vocab=vocab, model=s.model, n_hidden=s.n_hidden, bs=bs, sl=sl,
                params=params, peak_mb=peak/1e6, captured=not learn.captured.why)


rows = []
for half,vocab,kw,(bs,sl) in product((None,'bf16'), (100,8000,60_000), models, ((64,70),(128,128))):
    rows.append(measured(half, vocab, kw, bs, sl))
    gc.collect()
pd.DataFrame(rows).assign(**environment('cuda')).to_csv(sys.argv[1], index=False)
