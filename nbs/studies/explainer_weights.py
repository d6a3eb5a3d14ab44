"""Trains the networks of the RNN Explainer and writes nbs/source/course/explainer.safetensors:
`python nbs/studies/explainer_weights.py` (five minutes on one core). They are the chapter's
recipes with 32 units a layer, so that all fit in 1 MB, and with the dropout, rates and penalties
that suit so narrow a network. The weights after 60 epochs come from a run of their own, with the
same seed, because a one-cycle schedule has an end."""
from dataclasses import replace
import torch
from fastai.callback.core import Callback
from fastai.torch_core import no_random
from rnnlab.core import environment
from rnnlab.course.explainer import explainer_file, pack
from rnnlab.recipes import chapter_corpus, fit_recipe, quiet, recipe_learner, recipes

seed = 0
keep = 0,1,2,4,8,15
narrow = {'LMModel2': {}, 'LMModel4': {}, 'LMModel5': {}, 'LMModel6': dict(lr=2e-2),
          'LMModel7': dict(p=0.1, lr=2e-2),
          'LMModel8': dict(p=0.1, lr=2e-2, wd=0.1, alpha=2, beta=1)}
# What the class of each takes after the vocab's size
args = {'LMModel2': (32,), 'LMModel4': (32,), 'LMModel5': (32, 2), 'LMModel6': (32, 2),
        'LMModel7': (32, 2, 0.1), 'LMModel8': (32, 2, 0.1)}


class Keep(Callback):
    "Copies the weights after the epochs in `keep`, 0 being before the first"
    def before_fit(self): self.kept = {0: self.copy()}
    def after_epoch(self): self.kept[self.epoch+1] = self.copy()
    def copy(self): return {k: v.clone() for k,v in self.model.state_dict().items()}


def trained(name, epochs):
    "Weights by epoch, and the accuracy after each"
    recipe = replace(recipes[name], epochs=epochs, n_hidden=32, **narrow[name])
    with no_random(seed):
        learn = recipe_learner(recipe, device='cpu', cbs=[cb := Keep()])
        with quiet(learn): fit_recipe(learn, recipe)
    accuracy = [float(o[-1]) for o in learn.recorder.values]
    print(f'{name}, {epochs} epochs: accuracy {accuracy[-1]:.3f}', flush=True)
    return cb.kept, accuracy


def main():
    torch.set_num_threads(1)
    models = {}
    tensors = {}
    for name in narrow:
        kept,accuracy = trained(name, 15)
        states = [kept[o] for o in keep]
        said = [None, *(round(accuracy[o-1], 3) for o in keep[1:])]
        epochs = [*keep]
        if name in ('LMModel7', 'LMModel8'):
            kept,accuracy = trained(name, 60)
            states.append(kept[60])
            said.append(round(accuracy[-1], 3))
            epochs.append(60)
        tied = name in ('LMModel7', 'LMModel8')
        keys = [o for o in states[0] if not (tied and o == 'h_o.weight')]
        tensors |= {f'{name}/{k}': torch.stack([o[k] for o in states]).half() for k in keys}
        models[name] = dict(epochs=epochs, accuracy=said, args=args[name], seed=seed)
    about = dict(vocab=list(chapter_corpus().vocab), models=models,
                 command='python nbs/studies/explainer_weights.py', ran_with=environment('cpu'))
    path = explainer_file('explainer.safetensors')
    path.write_bytes(pack(tensors, about))
    print(f'{path.name}: {path.stat().st_size:,} bytes')


if __name__ == '__main__': main()
