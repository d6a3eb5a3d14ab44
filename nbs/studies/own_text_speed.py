"""Measures how a long text is cut, and writes nbs/studies/results/own_text_speed.csv:
`python nbs/studies/own_text_speed.py TEXT` (TEXT: a UTF-8 file of about 100 MB; an hour). Each way
runs in a process of its own, three times in turn, with one thread, in a folder beside TEXT. What
it needs of memory is the peak of the process less what its imports had taken. The text of a
gigabyte is TEXT ten times, each time with other letters, so that its words are new."""
import json, os, shutil, subprocess, sys, time
from pathlib import Path

def peak(): # bytes that this process has held at most; `resource` would count its parent's, too
    return next(int(o.split()[1])*1024 for o in open('/proc/self/status') if o.startswith('VmHWM'))


def cut_ids(file, folder, by, again=False):
    "rnnlab.text.tokens, for the first time or again"
    from rnnlab.text import tokens
    if by == 'bpe': tokens._tokenizers()
    yield 'start'
    if not again: shutil.rmtree(folder, ignore_errors=True)
    make = tokens._subwords
    trained = 0
    def timed(*args): # what it returns has not been encoded yet
        nonlocal trained
        start = time.process_time()
        res = make(*args)
        trained = time.process_time()-start
        return res
    tokens._subwords = timed
    t = tokens.cut(file, folder, by)
    yield dict(tokens=sum(t.counts['tokens'].values()), vocab=len(t.vocab),
               train_s=round(trained, 2))


def train_ids(file, folder, by):
    "The same, and 100 batches of training"
    from fastai.callback.core import Callback, CancelFitException
    from fastai.losses import CrossEntropyLossFlat
    from rnnlab.callbacks import ModelResetter, RNNRegularizer
    from rnnlab.models import LMModel7
    from rnnlab.recipes import quiet
    from rnnlab.text.checkpoint import LMLearner
    from rnnlab.text.tokens import cut
    class Stop(Callback):
        def after_batch(self):
            if self.iter == 99: raise CancelFitException
    yield 'start'
    shutil.rmtree(folder, ignore_errors=True)
    t = cut(file, folder, by)
    model = LMModel7(len(t.vocab), 200, 2, 0.5)
    learn = LMLearner(t.dls(16, 35, 'cpu'), model, loss_func=CrossEntropyLossFlat(),
                      cbs=[ModelResetter, RNNRegularizer(2, 1), Stop])
    with quiet(learn): learn.fit(1, 1e-3)
    yield dict(tokens=sum(t.counts['tokens'].values()), vocab=len(t.vocab))


def corpus(file, folder, by):
    "rnnlab.data: the whole text in memory"
    from rnnlab.data import Corpus
    yield 'start'
    c = Corpus.from_file(file, by='mark' if by == 'word' else by, seen=0.9, min_freq=2,
                         max_size=60_000)
    yield dict(tokens=len(c), vocab=len(c.vocab))


def plain_chars(file, folder, by):
    "The shortest way in Python: a dict of characters, a list of ids, uint16 on the disk"
    import numpy as np
    yield 'start'
    text = Path(file).read_text(encoding='utf-8')
    ids = {o: i for i,o in enumerate(sorted(set(text)))}
    ids = np.array([ids[o] for o in text], np.uint16)
    ids.tofile(file+'.bin')
    yield dict(tokens=len(ids), vocab=int(ids.max())+1)


def tokenizers_alone(file, folder, by):
    "Hugging Face's tokenizers: train, then encode in batches"
    import numpy as np, tokenizers as t
    yield 'start'
    some = 2**16
    text = Path(file).read_text(encoding='utf-8')
    parts = [text[i:i+some] for i in range(0, len(text), some)]
    bpe = t.Tokenizer(t.models.BPE())
    bpe.pre_tokenizer = t.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = t.trainers.BpeTrainer(vocab_size=8000, min_frequency=2, show_progress=False,
                                    initial_alphabet=t.pre_tokenizers.ByteLevel.alphabet())
    start = time.process_time()
    bpe.train_from_iterator(parts[:int(len(parts)*0.9)], trainer)
    trained = time.process_time()-start
    n = 0
    with open(file+'.bin', 'wb') as f:
        for i in range(0, len(parts), 16):
            for o in bpe.encode_batch_fast(parts[i:i+16]):
                n += len(o.ids)
                f.write(np.array(o.ids, np.uint16))
    yield dict(tokens=n, vocab=bpe.get_vocab_size(), train_s=round(trained, 2))


ways = {'words': [('rnnlab.text.tokens', cut_ids, 'word'), ('again', cut_ids, 'word'),
                  ('rnnlab.data', corpus, 'word')],
        'characters': [('rnnlab.text.tokens', cut_ids, 'char'), ('again', cut_ids, 'char'),
                       ('rnnlab.data', corpus, 'char'), ('plain Python', plain_chars, 'char')],
        'subwords': [('rnnlab.text.tokens', cut_ids, 'bpe'), ('again', cut_ids, 'bpe'),
                     ('tokenizers', tokenizers_alone, 'bpe')]}
large = {'words': [('with 100 batches of training', train_ids, 'word')],
         'characters': [('with 100 batches of training', train_ids, 'char')]}


def measure(tokens, way, file, folder):
    "One way, in this process; what it took as JSON"
    name,f,by = next(o for o in ways[tokens]+large.get(tokens, []) if o[0] == way)
    steps = f(file, folder, by, True) if name == 'again' else f(file, folder, by)
    next(steps)
    had = peak()
    cpu = time.process_time()
    wall = time.perf_counter()
    res = next(steps)
    cpu = time.process_time()-cpu
    print(json.dumps(dict(res, cpu_s=round(cpu, 2), wall_s=round(time.perf_counter()-wall, 2),
                          memory_mb=round((peak()-had)/1e6, 1))))


def shifted(file):
    "A file of TEXT ten times, each time with the letters a–z moved on by one more"
    out = Path(file).with_suffix('.x10.txt')
    a = 'abcdefghijklmnopqrstuvwxyz'
    text = Path(file).read_text(encoding='utf-8')
    with open(out, 'w', encoding='utf-8') as f:
        for k in range(10):
            b = a[k:]+a[:k]
            f.write(text.translate(str.maketrans(a+a.upper(), b+b.upper())))
    return str(out)


def main(file, rounds=3):
    import pandas as pd
    from rnnlab.core import environment
    folder = str(Path(file).with_suffix('.ids'))
    out = Path(__file__).parent/'results'/'own_text_speed.csv'
    rows = []
    def run(what, file, k):
        for tokens,some in what.items():
            for way,*_ in some:
                command = [sys.executable, __file__, tokens, way, file, folder]
                done = subprocess.run(command, capture_output=True, text=True,
                                      env=os.environ|dict(OMP_NUM_THREADS='1'))
                got = json.loads(done.stdout.splitlines()[-1]) if not done.returncode else {}
                rows.append(dict(mb=round(os.path.getsize(file)/1e6), tokens_are=tokens, way=way,
                                 round=k, **got, **environment('cpu')))
                print(rows[-1] if got else done.stderr, flush=True)
                pd.DataFrame(rows).to_csv(out, index=False)
    run(ways, file, 0)
    run(large, shifted(file), 0)
    for k in range(1, rounds): run(ways, file, k)


if __name__ == '__main__':
    if len(sys.argv) == 2: main(sys.argv[1])
    else: measure(*sys.argv[1:])
