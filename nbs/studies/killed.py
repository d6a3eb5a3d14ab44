"""Kills a training at 20 random moments, compares what goes on with a training that was left alone,
and writes nbs/studies/results/killed.csv: `python nbs/studies/killed.py` (some minutes, on a CPU).
It has what makes going on hard: PyTorch's AdamW, gradients added up over three batches, and
callbacks that draw random numbers before and after the checkpoint."""
import multiprocessing, random, tempfile, time
from functools import partial
from pathlib import Path
import numpy as np, pandas as pd, torch
from fastai.callback.core import Callback
from fastai.optimizer import OptimWrapper
from rnnlab.core import environment
from rnnlab.recipes import quiet
from rnnlab.text.checkpoint import Checkpoints, load_checkpoint
from rnnlab.text.settings import TrainSettings
from rnnlab.text.train import text_learner, text_tokens

text = Path(__file__).parent.parent/'texts'/'genesis.txt'
settings = TrainSettings(bs=16, sl=32, n_hidden=64, epochs=3, accumulate=3)


class Draws(Callback):
    "Random numbers of all three kinds, of which the weights depend, in a batch's begin and end"
    def __init__(self, order): self.order = order
    def before_batch(self): self.draw = random.random()+np.random.rand()+torch.rand(1).item()
    def after_loss(self):
        if self.training: self.learn.loss_grad = self.loss_grad*self.draw
    def after_batch(self): self.before_batch()
    after_epoch = after_batch


def train(folder):
    "Begin, or go on"
    torch.set_num_threads(1)
    learn = text_learner(text_tokens(text, settings, folder), settings, 'cpu')
    learn.opt_func = partial(OptimWrapper, opt=torch.optim.AdamW)
    learn.add_cbs([Draws(-200), Draws(10*Checkpoints.order)])
    resume = (folder/'last.pt').exists()
    if not resume: torch.manual_seed(0), random.seed(0), np.random.seed(0)
    with quiet(learn):
        learn.fit_one_cycle(settings.epochs, 5e-3, cbs=Checkpoints(folder, every=4, resume=resume))


def main():
    ctx = multiprocessing.get_context('forkserver')
    ctx.set_forkserver_preload(['rnnlab.text.train'])
    def start(folder):
        p = ctx.Process(target=train, args=(folder,))
        p.start()
        return p
    def killed(folder, when):
        "Kill a training after `when` seconds; did it live?"
        p = start(folder)
        p.join(when)
        alive = p.is_alive()
        p.kill()
        p.join()
        return alive
    def at(folder): return load_checkpoint(folder/'last.pt')['at']
    rng = random.Random(0)
    rows = []
    with tempfile.TemporaryDirectory() as d:
        alone = Path(d)/'alone'
        for folder in (Path(d)/'first', alone): # the first one waits for imports
            began = time.perf_counter()
            start(folder).join()
            took = time.perf_counter()-began
        whole = load_checkpoint(alone/'last.pt')
        kills = []
        chain = 0
        while len(rows) < 20:
            folder = Path(d)/str(chain)
            seconds = rng.uniform(0, took)
            if len(rows)+len(kills) < 20 and killed(folder, seconds):
                row = dict(kill=len(rows)+len(kills)+1, training=chain+1, seconds=round(seconds, 2),
                           writing=any(folder.glob('*.part')))
                if (folder/'last.pt').exists():
                    tree = load_checkpoint(folder/'last.pt')
                    row |= dict(epoch=tree['at']['epoch'], batch=tree['at']['batch'],
                                rows_added_up=sum(o['rows'] for o in tree['sums']))
                kills.append(row)
                print(row, flush=True)
                continue
            while not (folder/'last.pt').exists() or at(folder)['epoch'] < settings.epochs:
                start(folder).join()
            tree = load_checkpoint(folder/'last.pt')
            assert tree['recorder'] == whole['recorder']
            far = max((v-tree['model'][k]).abs().max().item() for k,v in whole['model'].items())
            print('training', chain+1, 'difference', far, flush=True)
            rows += [row|dict(difference=far)|environment('cpu') for row in kills]
            kills = []
            chain += 1
    pd.DataFrame(rows).to_csv(Path(__file__).parent/'results'/'killed.csv', index=False)


if __name__ == '__main__': main()
