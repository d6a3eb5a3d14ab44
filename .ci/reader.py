"""What a reader may write, for check_types.py: type checkers find nothing in it, and know the types
that stand in `assert_type`."""
import torch
from torch import nn
from typing import Iterator
from torch import Tensor
from typing_extensions import assert_type
from fastai.text.all import (  # type: ignore[import-untyped]  # it has no types
    CrossEntropyLossFlat, Learner, accuracy)
from rnnlab.all import *  # pyright: ignore[reportWildcardImportFromLibrary]
from rnnlab.lstm import GRU, LSTM, LSTMCell
from rnnlab.text.awd_lstm import AWDLanguageModel, NTAverager
from rnnlab.text.checkpoint import Checkpoints, LMLearner
from rnnlab.text.settings import TrainSettings
from rnnlab.text.train import load_model

# A text and its vocab
corpus = Corpus.human_numbers()
vocab = corpus.vocab
assert_type((corpus, vocab), tuple[Corpus, Vocab])
assert_type(Corpus.from_text('one . two . three', unk=None), Corpus)
lines = Corpus.from_lines(['one', 'two'], by='char', unk=None, seen=0.5)
print(lines.vocab.decode(lines.ids), len(lines))
assert_type(tokenize('one . two'), list[str])
ids = vocab.encode('one . two')
assert_type(ids, Tensor)
assert_type(vocab.decode(ids), str)
assert_type(vocab.decode([0, 1]), str)
assert_type(vocab.join(['one', '.']), str)
assert_type([vocab[int(i)] for i in ids], list[str])
assert_type(Vocab.from_tokens(tokenize('one . two'), unk='xxunk', max_size=10), Vocab)

# Training, as the chapter does it
dls = lm_dls(corpus, sl=16, bs=64)
print(dls.train.show_batch())
for x,y in dls.valid: print(x.shape, y.shape)
learn = Learner(dls, LMModel7(len(vocab), 64, 2, 0.5), loss_func=CrossEntropyLossFlat(),
                metrics=accuracy, cbs=[ModelResetter, RNNRegularizer(alpha=2, beta=1)])
learn.fit_one_cycle(1, 1e-2, wd=0.1)

# With checkpoints, from which it goes on
saved = LMLearner(dls, LMModel6(len(vocab), 64, 2), loss_func=CrossEntropyLossFlat(),
                  metrics=accuracy)
checkpoints = Checkpoints('runs/mine', every=100, resume=True)
saved.fit_one_cycle(1, 1e-2, cbs=checkpoints)
checkpoints.acquire()
checkpoints.release()
loaded = load_model('runs/book')
assert_type(loaded, tuple[nn.Module, Vocab, TrainSettings])

# The models
xb = torch.randint(len(vocab), (4, 16))
print(LMModel1(30, 64)(xb[:, :3]).argmax(-1))
for m in (LMModel2(30, 64), LMModel3(30, 64), LMModel4(30, 64), LMModel5(30, 64, 2),
          LMModel6(30, 64, 2, rnn=LSTM)):
    print(type(m).__name__, m(xb).shape)
model = LMModel8(len(vocab), 64, 2, 0.5, rnn=GRU)
logits,raw,dropped = model(xb)
print(logits.shape, raw.shape, model(xb).logits.shape, model.h.shape)
model.reset()
assert_type(LSTMCell(3, 5).torch_weights()['weight_ih'], Tensor)
awd = AWDLanguageModel(30, 64, 96, 2, pad_token=None)
awd.load_state_dict(awd.state_dict())
awd.load_fastai(awd.fastai_state_dict())
average = NTAverager(awd.parameters())
with average.averaged() as on: print(on)
average.load_state_dict(average.state_dict())

# Text
assert_type(generate_text(model, vocab, 'one . two', n=10, greedy=True), str)
assert_type(generate_text(model, vocab, ['one . two', 'three'], n=10, seed=0, temperature=0.8,
                          top_k=None), list[str])
assert_type(stream(model, vocab, 'one', n=None, seed=0), Iterator[str])
assert_type(next(stream(model, vocab, ['one', 'two'])), list[str])
