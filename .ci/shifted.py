"""Do the tests notice when a stored result changes?

Of each file in nbs/studies/results (or of those named), two thirds of the values in its result
columns are moved a little, in a temporary copy, and the notebooks that read the file are run until
a cell fails. Reported are files with which all of them pass, and files that nobody reads. With
`--columns` one column at a time is moved: at which does nobody look?"""
import argparse, ast, json, math, os, random, re, shutil, signal, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
import pandas as pd
from IPython.core.inputtransformer2 import TransformerManager

root = Path(__file__).resolve().parent.parent
results = Path('nbs/studies/results')
# Names and settings, which are not moved. All other columns are results.
given = set('''study recipe overrides model variant kind rnn of what how part change date dtype
    command baseline by run prompt seed seeds first_seed rep round runs epoch epochs engine together
    every way stream place position start tokens temperature lr wd p alpha beta moms tied n_hidden
    n_layers bs sl rotate reset edrop clip hard focal carry order split min_freq processes precision
    killed_epoch killed_batch quick cores simd device device_name rnnlab torch fastai python system
    '''.split())


def code_cells(nb):
    "The code cells of a notebook: (id, source)"
    cells = json.loads(nb.read_text(encoding='utf-8'))['cells']
    return [(o['id'], ''.join(o['source'])) for o in cells if o['cell_type'] == 'code']


@contextmanager
def copied():
    "A temporary copy of the working tree"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp:
        tree = Path(tmp)/'rnnlab'
        skip = '.[a-z]* __pycache__ _proc _docs build dist *.egg-info'
        shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*skip.split()))
        yield tree


def first_failure(tree, nb, limit=None):
    "The id of the first cell of a notebook that fails, 'time' after `limit` seconds, or None"
    cmd = [sys.executable, '-m', 'pytest', '-n', '0', '-x', '-q', '--no-header', tree/nb]
    if limit: cmd.append(f'--nbval-cell-timeout={limit}')
    path = os.pathsep.join([str(tree), *filter(None, [os.environ.get('PYTHONPATH')])])
    for _ in range(2):  # now and then a kernel does not start
        with subprocess.Popen(cmd, cwd=tree, env=os.environ | dict(PYTHONPATH=path), text=True,
                              encoding='utf-8', stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as p:
            try: out = p.communicate(timeout=limit)[0]
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGINT)  # pytest then ends the notebook's kernel
                p.communicate()
                return 'time'
        if p.returncode == 0: return None
        if failed := re.search(r'^FAILED \S+::Cell (\d+)', out, re.M):
            return code_cells(tree/nb)[int(failed[1])][0]
    sys.exit(f'{nb} could not be run:\n{out}')


def mentions(nb):
    "The file names in the code, as patterns: `f'results/claims_{k}.csv'` → `claims_.+.csv`"
    for _,src in code_cells(nb):
        for o in ast.walk(ast.parse(TransformerManager().transform_cell(src))):
            parts = o.values if isinstance(o, ast.JoinedStr) else [o]
            parts = [o.value if isinstance(o, ast.Constant) else None for o in parts]
            text = ''.join(o if isinstance(o, str) else '\0' for o in parts)
            yield '.+'.join(map(re.escape, text.rpartition('/')[2].split('\0')))


def find_readers():
    "For each file the notebooks that mention it, with or without `.csv`; too many costs only time"
    res = {o.name: {} for o in sorted((root/results).glob('*.csv'))}
    for nb in sorted((root/'nbs').rglob('[!.]*.ipynb')):
        for pattern in set(mentions(nb)):
            if not re.search(r'\w{3}', pattern.removesuffix('csv')): continue
            for f,found in res.items():
                if re.fullmatch(rf'{pattern}(\.csv)?', f):
                    name = nb.relative_to(root).as_posix()
                    found[name] = max(found.get(name, 0), len(pattern))
    def likely(file, nb):  # the study it is named after
        return Path(nb).stem.lstrip('0123456789_') in file, res[file][nb]
    return {f: sorted(o, key=lambda nb, f=f: likely(f, nb), reverse=True) for f,o in res.items()}


def move(table, column, rng):
    "Change two thirds of a column: numbers below 10 by 0.004, others by 1 %, texts lose a letter"
    rows = [i for i,o in table[column].items() if o]
    number = pd.to_numeric(table[column][rows], errors='coerce')
    small = 0.01 <= number.abs().max() < 10
    for i in rng.sample(rows, math.ceil(len(rows)*2/3)):
        n = number[i]
        old = table.loc[i, column]
        digits = 16 if 'e' in old else len(old.partition('.')[2])
        step = max(10**-digits, 0.004 if small else abs(n)/100)
        table.loc[i, column] = f'{n+step:.{digits}f}' if number.notna().all() else old[:-1]


def read(file): return pd.read_csv(root/results/file, dtype=str, keep_default_na=False)


def noticed(file, columns, seed, readers):
    "Move `columns` of `file`: does one of its readers fail?"
    table = read(file)
    for c in columns: move(table, c, random.Random(f'{seed} {file} {c}'))
    by = None
    with copied() as tree:
        table.to_csv(tree/results/file, index=False)
        for nb in readers:
            if by := first_failure(tree, nb): break
    what = f'{file} ({", ".join(columns)})'
    if by: print(f'noticed: {what} in {nb}, {by}', flush=True)
    else: print(f'NOT NOTICED: {what} in {", ".join(readers) or "any notebook"}', flush=True)
    return bool(by)


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('files', nargs='*', help='names such as claims_p.csv; all of them without')
    p.add_argument('--few', type=int, metavar='N', help='N files, others each day')
    p.add_argument('--columns', nargs='*', metavar='NAME', help='one at a time: these, or all')
    p.add_argument('--seed', type=int, default=0, help='which of the values are moved')
    p.add_argument('--jobs', type=int, default=2, help='how many notebooks run at once')
    args = p.parse_args()
    readers = find_readers()
    if unknown := set(args.files) - set(readers): p.error(f'no {", ".join(unknown)} in {results}')
    files = args.files or list(readers)
    if args.few: files = random.Random(date.today().toordinal()).sample(files, args.few)
    tries = []
    for f in files:
        columns = [k for k,v in read(f).items() if k not in given and any(v)]
        if args.columns is None: tries.append((f, columns))
        else: tries += [(f, [c]) for c in columns if not args.columns or c in args.columns]
    with ThreadPoolExecutor(args.jobs) as pool:
        found = list(pool.map(lambda o: noticed(*o, args.seed, readers[o[0]]), tries))
    print(f'{sum(found)} noticed, {found.count(False)} not')
    if not all(found): sys.exit('Show or assert what the notebooks say of these files.')
