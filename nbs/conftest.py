"Settings for the tests: a notebook a process, so one thread each, or they fight over the cores."
import os, tempfile

for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'): os.environ.setdefault(k, '1')

# nbval compares what is printed to stderr. These two come from other packages on some versions and
# say nothing about a notebook: fastai's import on new versions of torch (seen on 2.15), and
# torch.compile on Python 3.13.0. Any other warning fails its cell.
ignored = ['`torch.jit.script` is deprecated:FutureWarning', 'Guards may run slower:RuntimeWarning']
os.environ.setdefault('PYTHONWARNINGS', ','.join(f'ignore:{o}' for o in ignored))

# So do Matplotlib's, in each process, about a home folder that it cannot write its cache to: give
# it another one, once for all.
if 'MPLCONFIGDIR' not in os.environ and not os.access(os.path.expanduser('~'), os.W_OK):
    os.environ['MPLCONFIGDIR'] = tempfile.mkdtemp()


def pytest_itemcollected(item):
    """`nbdev-clean` takes out the execution counts, by which nbval tells which cells were run: here
    all were, so nbval compares all outputs"""
    if hasattr(item, 'cell') and item.cell.execution_count is None: item.cell.execution_count = 1
