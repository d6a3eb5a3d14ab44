"""What `results/speed_loop_cpu.csv` holds: `python nbs/studies/speed_loop_cpu.py OUT.csv`, on a
machine that does nothing else; about eight minutes on two cores. All ways in turn, in one process,
five rounds, every other one in reverse order. With `parts` after it: what
`results/speed_train_profile.csv` holds, in two minutes."""
import json, sys, tempfile, time, warnings
from functools import partial
from pathlib import Path
from types import SimpleNamespace
import numpy as np, pandas as pd, torch
from fastai.text.all import *
from rnnlab.all import *
from rnnlab.core import environment, n_cores, one_thread
from rnnlab.lab.seeds import Seeds
from rnnlab.loop import forget, lm_loss, one_cycle, train, validate
from rnnlab.models import StatefulModel # noqa: F401, for the cell
from rnnlab.recipes import chapter_corpus, chapter_models, get_recipe, recipe_dls # noqa: F401
from rnnlab.text.checkpoint import Checkpoints
from rnnlab.text.train import TrainSettings, text_learner

warnings.simplefilter('ignore')
page = json.loads(Path(__file__).with_name('53_speed.ipynb').read_text(encoding='utf-8'))
exec(''.join(next(o for o in page['cells'] if o['id'] == 'speed-009')['source'])) # chapter_learner
r7 = get_recipe('LMModel7')
dls7 = recipe_dls('LMModel7', device='cpu')
sizes = (10_000, 200, 100),(100, 128, 400) # vocab, n_hidden, batches: words, characters
tiny = 100, 8, 40 # a model whose own time hardly counts


def now(): return time.perf_counter()


def learner(make, name, epochs=1):
    r = get_recipe(name)
    learn = make(name, device='cpu')
    start = now()
    with quiet(learn): learn.fit_one_cycle(epochs, r.lr, wd=r.wd)
    return (now()-start)/epochs


def chapter(make):
    return sum(learner(make, o)*get_recipe(o).epochs for o in chapter_models)


def one_seed(threads, epochs=3):
    trainer = Seeds(r7.replace(epochs=epochs), 1, 'cpu', threads=threads).start([0])
    start = now()
    trainer.fit().rows()
    return (now()-start)/epochs


def a_seed_of_20(epochs=2):
    start = now()
    run_many(r7.replace(epochs=epochs), 20, engine='fast', device='cpu')
    return (now()-start)/20/epochs


def by_train(epochs=2):
    m = r7.new_model(30)
    with one_thread():
        start = now()
        train(m, dls7, epochs, r7.lr, r7.wd, r7.moms, r7.alpha, r7.beta)
        return (now()-start)/epochs


def of_text(V, nh, n):
    "A learner as `rnnlab-train` makes it, on words that are drawn, frequent ones more often"
    p = 1/np.arange(1, V+1)
    ids = np.random.default_rng(0).choice(V, int(16*35*(n+2)/.9), p=p/p.sum())
    corpus = Corpus(torch.from_numpy(ids), Vocab([f'w{i}' for i in range(V)]))
    tokens = SimpleNamespace(vocab=corpus.vocab, dls=lambda bs, sl, device: lm_dls(
        corpus, sl, bs, split=.9, device=device))
    s = TrainSettings(bs=16, sl=35, n_hidden=nh, n_layers=2, epochs=1, alpha=2., beta=1.)
    with no_random(0): return text_learner(tokens, s, 'cpu'),s


def as_command(*size, schedule=True, checkpoints=True, now=now):
    learn,s = of_text(*size)
    with tempfile.TemporaryDirectory() as tmp, one_thread(), quiet(learn):
        start = now()
        fit = learn.fit_one_cycle if schedule else learn.fit
        fit(1, s.lr, wd=s.wd, cbs=[Checkpoints(tmp, '5m')] if checkpoints else [])
        return (now()-start)/len(learn.dls.train)


def plain(*size, now=now):
    learn,s = of_text(*size)
    m = learn.model
    n = len(learn.dls.train)
    with one_thread():
        start = now()
        opt = torch.optim.AdamW(m.parameters(), s.lr, betas=(.95, .99), eps=1e-5,
                                weight_decay=s.wd, fused=True)
        forget(m.train())
        rates = zip(*one_cycle(1, n, s.lr, (.95, .85, .95)))
        for (x,y),(lr,mom) in zip(learn.dls.train.batches, rates):
            opt.param_groups[0].update(lr=lr, betas=(mom, .99))
            lm_loss(m(x), y, 2, 1)[1].backward()
            nn.utils.clip_grad_norm_(m.parameters(), 1.)
            opt.step()
            opt.zero_grad()
        validate(m, learn.dls.valid.batches)
        return (now()-start)/n


def main(out, rounds=5):
    theirs = "the chapter's set-up"
    an_epoch = len(dls7.train)*64*16
    of = lambda r: r.epochs*len(recipe_dls(r, device='cpu').train)*r.bs*r.sl
    everything = sum(of(get_recipe(o)) for o in chapter_models)
    one = 'LMModel7, the chapter', dict(bs=64, sl=16, vocab=30)
    ways = [(*one, k, an_epoch, f) for k,f in {
        theirs: lambda: learner(chapter_learner, 'LMModel7'),
        'our Learner': lambda: learner(recipe_learner, 'LMModel7', 2),
        'Seeds, one run': lambda: one_seed(2),
        'Seeds, one run, one thread': lambda: one_seed(1),
        'Seeds, a seed of 20': a_seed_of_20,
        'train': by_train}.items()]
    ways += [('the whole chapter', one[1], k, everything, f) for k,f in {
        theirs: lambda: chapter(chapter_learner),
        'our Learner': lambda: chapter(recipe_learner)}.items()]
    for size in sizes:
        V,nh,_ = size
        ways += [(f'LMModel7 {nh}/2', dict(bs=16, sl=35, vocab=V), k, 16*35,
                  lambda f=f, size=size: f(*size))
                 for k,f in {'a plain loop': plain, 'rnnlab-train': as_command}.items()]
    for *_,f in ways[1:6:2]+ways[9:11]: f() # warm
    rows = []
    for k in range(rounds):
        for model,sizes_,way,n,f in ways if k%2 == 0 else ways[::-1]:
            rows.append(dict(model=model, **sizes_, precision='float32', way=way, round=k,
                             tokens_s=round(n/f()), **environment('cpu'), cores=n_cores()))
    pd.DataFrame(rows).to_csv(out, index=False)


def parts(out, rounds=100):
    """What the callbacks and the schedule add to a step, and the checkpoints to an epoch: the least
    processor time of many short runs, for other work on the machine only adds to it"""
    f = partial(as_command, *tiny, now=time.process_time)
    ways = {'the plain loop': partial(plain, *tiny, now=time.process_time),
            'callbacks': partial(f, schedule=False, checkpoints=False),
            'the schedule': partial(f, checkpoints=False), 'checkpoints, an epoch': f}
    least = pd.DataFrame([{k: way() for k,way in ways.items()} for _ in range(rounds)]).min()*1e6
    us = least.diff().fillna(least)
    us['checkpoints, an epoch'] *= tiny[2]
    pd.DataFrame(dict(part=us.index, us=us.round(1), **environment('cpu'))).to_csv(out, index=False)


if __name__ == '__main__': (parts if sys.argv[2:] == ['parts'] else main)(sys.argv[1])
