"""Measures what a checkpoint costs against `torch.save` and a sync, and writes
nbs/studies/results/checkpoint_speed.csv: `python nbs/studies/checkpoint_speed.py` (some minutes,
3 GB on the disk). An AWD-LSTM of 44 million weights with Adam's state, in the middle of a fit; the
ways take turns, five times."""
import os, tempfile, time
from pathlib import Path
import pandas as pd, torch
from fastai.callback.core import Callback
from fastai.torch_core import get_model
from rnnlab.callbacks import ModelResetter, RNNRegularizer
from rnnlab.core import environment
from rnnlab.data import Corpus, Vocab, lm_dls
from rnnlab.loop import FusedAdam, FusedCrossEntropy
from rnnlab.recipes import quiet
from rnnlab.text.awd_lstm import AWDLanguageModel
from rnnlab.text.checkpoint import Checkpoints, LMLearner

vocab = Vocab(map(str, range(60_000)))
model = AWDLanguageModel(len(vocab), 400, 1152, 3)
n = sum(o.numel() for o in model.parameters())


def plain(learn, file):
    "The shortest way that a power failure can't harm"
    with open(file, 'wb') as f:
        torch.save(dict(model=get_model(learn.model).state_dict(), opt=learn.opt.state_dict()), f)
        f.flush()
        os.fsync(f.fileno())


class Measure(Callback):
    "After the second step, each way five times"
    order = Checkpoints.order+1
    def after_batch(self):
        if not self.training or self.iter != 1: return
        keep = self.learn.checkpoints
        file = keep.folder/'plain.pt'
        ways = {'torch.save and fsync': lambda: plain(self.learn, file),
                'a checkpoint': lambda: keep._write(0, 2),
                "an epoch's best": lambda: keep._write(1, 0, True)}
        self.rows = []
        for k in range(-1, 5): # the first time, files are new
            for way,write in ways.items():
                os.sync()
                start = time.perf_counter()
                write()
                row = dict(way=way, round=k, seconds=round(time.perf_counter()-start, 3), weights=n)
                if k >= 0: self.rows.append(row|environment('cpu'))
                print(row, flush=True)


with tempfile.TemporaryDirectory(dir='.') as d:
    dls = lm_dls(Corpus(torch.arange(2000)%len(vocab), vocab), sl=4, bs=4, device='cpu')
    for dl in dls: dl.batches = dl.batches[:3]
    measure = Measure()
    learn = LMLearner(dls, model, loss_func=FusedCrossEntropy(), opt_func=FusedAdam,
                      cbs=[ModelResetter, RNNRegularizer(2, 1), Checkpoints(d), measure])
    with quiet(learn): learn.fit(1, 1e-4)
out = Path(__file__).parent/'results'/'checkpoint_speed.csv'
table = pd.DataFrame(measure.rows)
table.to_csv(out, index=False)
seconds = table.groupby('way').seconds.median()
print(seconds/seconds['torch.save and fsync'])
