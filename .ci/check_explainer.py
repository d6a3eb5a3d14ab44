"""Is the RNN Explainer right, and can everybody use it? `check_explainer.py FOLDER`, with the built
site in FOLDER, opens it in Chromium, with the network cut off. Its numbers are compared with
PyTorch's, each view is used by keyboard alone, and on a phone; axe looks at it in both colours."""
import json, sys
from pathlib import Path
import torch
from rnnlab.course.explainer import pack, pretrained
from rnnlab.course.explainer import explainer_file, unpack

def golden(name, model, ids, words, at):
    """What PyTorch computes in double precision: logits, states and gates after each word, and the
    gradient of the logit of `words` after `at` to each earlier embedding"""
    model = model.double().eval()
    if hasattr(model, 'reset'): model.reset()
    x = model.i_h(torch.tensor(ids)[None]).detach().requires_grad_()
    steps = []
    if hasattr(model, 'h_h'):
        h = torch.zeros(x.shape[-1], dtype=x.dtype)
        for o in x[0]:
            h = torch.relu(model.h_h(h + o))
            steps.append([dict(h=h)])
        logits = [model.h_o(o[0]['h']) for o in steps]
    else:
        rnn = model.rnn
        seq = x[0]
        every = []
        for l in range(rnn.num_layers):
            wi,wh,bi,bh = (getattr(rnn, f'{o}_l{l}')
                           for o in ('weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'))
            h = c = torch.zeros(x.shape[-1], dtype=x.dtype)
            out = []
            for o in seq:
                a = wi@o + bi
                b = wh@h + bh
                if rnn.mode == 'LSTM':
                    i,f,g,o = (a+b).chunk(4)
                    i,f,g,o = i.sigmoid(),f.sigmoid(),g.tanh(),o.sigmoid()
                    c = f*c + i*g
                    h = o*c.tanh()
                    out.append(dict(i=i, f=f, g=g, o=o, c=c, h=h))
                elif rnn.mode == 'GRU':
                    (ar,az,an),(br,bz,bn) = a.chunk(3),b.chunk(3)
                    r,z = (ar+br).sigmoid(),(az+bz).sigmoid()
                    n = (an + r*bn).tanh()
                    h = (1-z)*n + z*h
                    out.append(dict(r=r, z=z, n=n, h=h))
                else:
                    h = (a+b).tanh()
                    out.append(dict(h=h))
            every.append(out)
            seq = torch.stack([o['h'] for o in out])
        steps = [list(o) for o in zip(*every)]
        logits = [model.h_o(o) for o in seq]
        theirs = rnn(x.detach())[0][0] # PyTorch's own layers say the same
        assert torch.allclose(theirs, seq, rtol=1e-9, atol=1e-12)
    gradient, = torch.autograd.grad(logits[at][words], x)
    plain = lambda t: t.detach().tolist()
    return dict(logits=plain(torch.stack(logits)), gradient=plain(gradient[0, :at+1]),
                steps=[[{k: plain(v) for k,v in l.items()} for l in s] for s in steps])
