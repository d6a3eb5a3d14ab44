"Settings for the test run: one notebook per process, so one thread each, or they fight over the cores."
import os

for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'): os.environ.setdefault(k, '1')


def pytest_itemcollected(item):
    "`nbdev-clean` takes out the execution counts, by which nbval tells which cells were run: here all were, so nbval compares all outputs"
    if hasattr(item, 'cell') and item.cell.execution_count is None: item.cell.execution_count = 1
