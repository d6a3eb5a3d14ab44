"""Are the packages fit to be published? `check_wheel.py FOLDER` looks at the sdist and the wheel in
FOLDER: is their form right, does the sdist hold what git holds? Then it installs the wheel into a
fresh environment, which holds nothing but what the wheel requires, and trains there, outside the
source tree. What needs an extra must say so there, and work once it is installed."""
import os, re, shutil, subprocess, sys, tarfile, tempfile, venv
from importlib.metadata import distribution
from importlib.util import cache_from_source
from pathlib import Path
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from repo import lines, root, settings

# What is tried in the fresh environment, in one process each, as PyTorch's import takes seconds.
# First without extras: all commands give help, a model learns, what needs an extra says so
without = '''
import contextlib, importlib.util, io, sys
import rnnlab
version,*commands = sys.argv[1:]
assert 'site-packages' in rnnlab.__file__, f'{rnnlab.__file__} is not the installed wheel'
assert rnnlab.__version__ == version, f'{rnnlab.__version__}, not {version}'
for o in 'nbdev','jupyterlab','genanki': # or the test would not see that a module needs it
    assert importlib.util.find_spec(o) is None, f'the environment has {o}'
for o in commands:
    if code := command(o, '--help'): sys.exit(f'{o} --help: exit code {code}')

from fastai.text.all import *
from rnnlab.all import *
corpus = Corpus.human_numbers()
dls = lm_dls(corpus, sl=3, bs=64, target='last', group=False)
learn = Learner(dls, LMModel1(len(corpus.vocab), 64), loss_func=F.cross_entropy, metrics=accuracy)
with learn.no_bar(), learn.no_logging():
    learn.fit_one_cycle(1, 1e-3)
    acc = learn.validate()[1]
assert acc > 0.3, f'LMModel1 reaches {acc:.4f} after one epoch: it does not learn'
from rnnlab.course.explainer import explainer_file, pretrained
pretrained()
assert explainer_file('explainer.js').is_file(), 'the wheel lacks the explainer'

try: import rnnlab.text.distributed
except ImportError as e: said = str(e)
assert 'rnnlab[train]' in said, f'without the extra, it should be named: {said}'
cards, = [o for o in commands if 'flashcards' in o]
with contextlib.redirect_stderr(io.StringIO()) as said: code = command(cards, '--out', 'deck.apkg')
said = said.getvalue()
assert code and 'rnnlab[cards]' in said, f'without the extra, it should be named: {said}'
print(f'LMModel1 learns: accuracy {acc:.4f} after one epoch')
'''

# Then with them
extras = '''
import sys
commands = sys.argv[1:]
import rnnlab.text.distributed
for name,*args in ('rnnlab-flashcards', '--out', 'deck.apkg'),('rnnlab-check',):
    path, = [o for o in commands if name in o]
    if code := command(path, *args): sys.exit(f'{name}: exit code {code}')
'''

# Runs an installed command in the process that is there
command = '''
import runpy, sys
def command(path, *args):
    sys.argv[:] = [path, *args]
    try: runpy.run_path(path, run_name='__main__')
    except SystemExit as e: return e.code
    sys.exit(f'{path} {args} does not end with an exit code')
'''

# Name and licence of each package that is installed; some put the licence's text where its name
# belongs
licences = '''
from importlib.metadata import distributions
for m in (d.metadata for d in distributions()):
    names = [m.get('License-Expression', ''), m.get('License', '')[:60]]
    names += [o for o in m.get_all('Classifier', []) if o.startswith('License')]
    print(m['Name'], ' '.join(' '.join(names).split()) or 'unknown')
'''

def run(*cmd, **kwargs):
    "Run `cmd` quietly; show what it printed if it fails"
    res = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    if res.returncode == 0: return res.stdout
    failed = ' '.join(str(o)[:60] for o in cmd[:5])
    sys.exit(f'{res.stdout}\nFAILED: {failed} … The lines above say why; a module that is missing '
             'there belongs into settings.ini: into `requirements`, or into an extra that the '
             'error names, as rnnlab[extra]; a file that is missing, into MANIFEST.in.')


def missing_in(sdist):
    "Files that git has and `sdist` lacks, or the other way round"
    with tarfile.open(sdist) as t:
        names = {o.name.partition('/')[2] for o in t if o.isfile()}
    made = {'PKG-INFO', 'setup.cfg', *[o for o in names if '.egg-info/' in o]}
    tracked = run('git', '-c', 'core.quotePath=off', 'ls-files', cwd=root).splitlines()
    return sorted((names - made) ^ {o for o in tracked if not o.startswith('.git')})


def required(*reqs):
    "The names of all packages that these requirements ask for, and what they require in turn"
    todo = [(Requirement(o), '') for o in reqs]
    seen = set()
    while todo:
        req,extra = todo.pop()
        if req.marker and not req.marker.evaluate({'extra': extra}): continue
        for key in ((canonicalize_name(req.name), o) for o in ('', *req.extras)):
            if key in seen: continue
            seen.add(key)
            todo += [(Requirement(o), key[1]) for o in distribution(key[0]).requires or []]
    return {name for name,_ in seen} - {'rnnlab'}


def link(names, site):
    """Put packages of this environment into another's `site`, as an installer does: the same files,
    and what Python has compiled of them, or each first import there would do it again"""
    for o in (o for name in names for o in distribution(name).files if '..' not in o.parts):
        made = [Path(cache_from_source(o))] if o.suffix == '.py' else []
        for part in [o, *made]:
            old = o.locate().parent.joinpath(part.relative_to(o.parent))
            to = site/part
            if to.exists() or not old.exists(): continue
            to.parent.mkdir(parents=True, exist_ok=True)
            try: os.link(old, to)
            except OSError: shutil.copy2(old, to) # on another disk


def main(folder):
    # with it, pip would take this checkout for an installed rnnlab
    os.environ.pop('PYTHONPATH', None)
    sdist, = folder.glob('*.tar.gz')
    wheel, = folder.glob('*.whl')
    run(sys.executable, '-m', 'twine', 'check', '--strict', sdist, wheel)
    run(sys.executable, '-m', 'check_wheel_contents', wheel)
    if diff := missing_in(sdist):
        sys.exit(f'FAILED: only in git, or only in {sdist.name} (see MANIFEST.in; build from a '
                 'clean checkout):\n' + '\n'.join(diff))
    print(f'ok: {sdist.name} holds what git holds')
    with tempfile.TemporaryDirectory() as tmp:
        # From this environment, which pip has made: what is bound to be the same takes minutes less
        # so. `.ci/resolve.py` resolves anew.
        venv.create(f'{tmp}/venv')
        python = Path(tmp)/'venv'/('Scripts' if sys.platform == 'win32' else 'bin')/'python'
        purelib = run(python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))')
        site = Path(purelib.strip())
        commands = [python.with_name(o.split('=')[0]) for o in lines('console_scripts')]

        link(required('rnnlab'), site)
        run(sys.executable, '-m', 'pip', '--python', python, 'install', '--no-index', '--no-deps',
            wheel)
        learnt = run(python, '-I', '-c', command + without, settings['version'], *commands, cwd=tmp)
        print('ok: without extras, outside the source tree,', learnt.strip().splitlines()[-1])

        link(required('rnnlab[train,cards]'), site)
        named = (root/'THIRD_PARTY.md').read_text(encoding='utf-8')
        strict = re.compile(r'GPL|General Public|\bMPL|Mozilla|Propriet|unknown')
        strange = [o[:100] for o in run(python, '-c', licences).splitlines()
                   if strict.search(o) and f' {o.split()[0]} ' not in named]
        if strange:
            sys.exit('FAILED: licences that THIRD_PARTY.md does not name:\n' + '\n'.join(strange))
        link(required('rnnlab[notebooks]'), site)
        run(python, '-I', '-c', command + extras, *commands, cwd=tmp)
        print('ok: with extras; and rnnlab-check finds everything that a reader needs')


if __name__ == '__main__': main(Path(sys.argv[1]))
