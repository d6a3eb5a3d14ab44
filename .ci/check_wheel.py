"""Are the packages fit to be published? `check_wheel.py FOLDER` looks at the sdist and the wheel in FOLDER: is their form right, does the
sdist hold what git holds, does the metadata say what settings.ini says? Then it installs the wheel without any extra into a fresh
environment, which holds nothing but what the wheel requires, and trains there, outside the source tree."""
import os, re, shutil, subprocess, sys, tarfile, tempfile, venv, zipfile
from configparser import ConfigParser
from email import message_from_bytes
from importlib.metadata import distribution
from pathlib import Path
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

root = Path(__file__).resolve().parent.parent
ini = ConfigParser(delimiters=['='])
ini.read(root/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
lines = lambda key: [o for o in cfg[key].splitlines() if o]

train = '''
import importlib.util, sys
import rnnlab
assert 'site-packages' in rnnlab.__file__, f'{rnnlab.__file__} is not the installed wheel'
assert rnnlab.__version__ == sys.argv[1], f'rnnlab.__version__ is {rnnlab.__version__}, settings.ini says {sys.argv[1]}'
assert importlib.util.find_spec('nbdev') is None, 'the environment has nbdev: the test would not see that a module needs it'
from fastai.text.all import *
from rnnlab.all import *
corpus = Corpus.human_numbers()
dls = lm_dls(corpus, sl=3, bs=64, target='last', group=False)
learn = Learner(dls, LMModel1(len(corpus.vocab), 64), loss_func=F.cross_entropy, metrics=accuracy)
with learn.no_bar(), learn.no_logging():
    learn.fit_one_cycle(1, 1e-3)
    acc = learn.validate()[1]
assert acc > 0.3, f'LMModel1 reaches {acc:.4f} after one epoch: it does not learn'
print(f'LMModel1 learns: accuracy {acc:.4f} after one epoch')
'''

# Name and licence of each package that is installed; some put the whole text of the licence where its name belongs
licences = '''
from importlib.metadata import distributions
for m in (d.metadata for d in distributions()):
    names = [m.get('License-Expression', ''), m.get('License', '')[:60], *[o for o in m.get_all('Classifier', []) if o.startswith('License')]]
    print(m['Name'], ' '.join(' '.join(names).split()) or 'unknown')
'''

# The installed commands, one after the other in one process: PyTorch and fastai are imported once
helps = '''
import runpy, sys
for o in sys.argv[1:]:
    sys.argv[:] = [o, '--help']
    try: runpy.run_path(o, run_name='__main__')
    except SystemExit as e:
        if e.code: sys.exit(f'{o} --help: exit code {e.code}')
    else: sys.exit(f'{o} --help does not end after its help')
'''


def missing_in(sdist):
    "Files that git has and `sdist` lacks, or the other way round"
    with tarfile.open(sdist) as t: names = {o.name.partition('/')[2] for o in t if o.isfile()}
    made = {'PKG-INFO', 'setup.cfg', *[o for o in names if '.egg-info/' in o]}
    tracked = run('git', '-c', 'core.quotePath=off', 'ls-files', cwd=root).splitlines()
    return sorted((names - made) ^ {o for o in tracked if not o.startswith('.git')})


def metadata_differences(wheel):
    "What the wheel's METADATA and entry points say otherwise than settings.ini"
    with zipfile.ZipFile(wheel) as z:
        info = f"{cfg['lib_name']}-{cfg['version']}.dist-info"
        meta,scripts = message_from_bytes(z.read(f'{info}/METADATA')),z.read(f'{info}/entry_points.txt').decode()
    reqs = lines('requirements')
    for key in (k for k in cfg if k.endswith('_requirements')):
        reqs += [f"{o} {'and' if ';' in o else ';'} extra == '{key.removesuffix('_requirements')}'" for o in lines(key)]
    entry = ConfigParser(delimiters=['='])
    entry.read_string(scripts)
    pairs = {'Name': cfg['lib_name'], 'Version': cfg['version'], 'Summary': cfg['description'], 'Keywords': cfg['keywords'].replace(', ', ','),
             'Author': cfg['author'], 'License-Expression': cfg['license'],
             'Requires-Python': f">={cfg['min_python']}"}
    res = [f'{k}: {meta[k]!r} in the wheel, {v!r} in settings.ini' for k,v in pairs.items() if meta[k] != v]
    urls = {'Documentation': cfg['doc_url'], 'Source': cfg['git_url'], 'Issues': f"{cfg['git_url']}/issues",
            'Changelog': f"{cfg['git_url']}/blob/main/CHANGELOG.md"}
    lists = {'Requires-Dist': ({str(Requirement(o)) for o in meta.get_all('Requires-Dist')}, {str(Requirement(o)) for o in reqs}),
             'Project-URL': (set(meta.get_all('Project-URL')), {f'{k}, {v}' for k,v in urls.items()}),
             'console scripts': ({f'{k}={v}' for k,v in entry['console_scripts'].items()}, set(lines('console_scripts')))}
    return res + [f'{k}: only in one of them: {sorted(a ^ b)}' for k,(a,b) in lists.items() if a != b]


def run(*cmd, **kwargs):
    "Run `cmd` quietly; show what it printed if it fails"
    res = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    if res.returncode: sys.exit(f'{res.stdout}\nFAILED: {" ".join(map(str, cmd[:5]))} … The lines above say why; a module that is missing '
                                'there belongs into `requirements` in settings.ini, a file into MANIFEST.in.')
    return res.stdout


def required(reqs):
    "The names of all packages that these requirements ask for, and what they require in turn"
    todo,seen = [(Requirement(o), '') for o in reqs],set()
    while todo:
        req,extra = todo.pop()
        if req.marker and not req.marker.evaluate({'extra': extra}): continue
        for key in ((canonicalize_name(req.name), o) for o in ('', *req.extras)):
            if key in seen: continue
            seen.add(key)
            todo += [(Requirement(o), key[1]) for o in distribution(key[0]).requires or []]
    return {name for name,_ in seen}


def link(src, dst):
    "As a package installer does: the same file, if it is on the same disk"
    dst.parent.mkdir(parents=True, exist_ok=True)
    try: os.link(src, dst)
    except OSError: shutil.copy2(src, dst)


def main(folder):
    os.environ.pop('PYTHONPATH', None) # with it, pip would take this checkout for an installed rnnlab
    (sdist,),(wheel,) = folder.glob('*.tar.gz'),folder.glob('*.whl')
    run(sys.executable, '-m', 'twine', 'check', '--strict', sdist, wheel)
    run(sys.executable, '-m', 'check_wheel_contents', wheel)
    if diff := missing_in(sdist): sys.exit(f'FAILED: only in git, or only in {sdist.name} (see MANIFEST.in; build from a clean checkout):\n' + '\n'.join(diff))
    if diff := metadata_differences(wheel): sys.exit('FAILED: settings.ini and setup.py disagree:\n' + '\n'.join(diff))
    print(f'ok: {sdist.name} holds what git holds; {wheel.name} says what settings.ini says')
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        # From this environment, which pip has made: what is bound to be the same takes minutes less so. `.ci/resolve.py` resolves anew.
        venv.create(tmp/'venv')
        python = tmp/'venv'/('Scripts' if sys.platform == 'win32' else 'bin')/'python'
        site = Path(run(python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))').strip())
        for dist in map(distribution, required(lines('requirements'))):
            for o in dist.files:
                if '..' not in o.parts: link(o.locate(), site/o)
        run(sys.executable, '-m', 'pip', '--python', python, 'install', '--no-index', '--no-deps', wheel)
        named = (root/'THIRD_PARTY.md').read_text(encoding='utf-8')
        strict = re.compile(r'GPL|General Public|\bMPL|Mozilla|Propriet|unknown')
        strange = [o for o in run(python, '-c', licences).splitlines() if strict.search(o) and f' {o.split()[0]} ' not in named]
        if strange: sys.exit('FAILED: licences that THIRD_PARTY.md does not name:\n' + '\n'.join(o[:100] for o in strange))
        run(python, '-c', helps, *[python.with_name(o.split('=')[0]) for o in lines('console_scripts')], cwd=tmp)
        run(python.with_name('rnnlab-flashcards'), '--out', 'deck.apkg', cwd=tmp) # needs the notebooks that come with the wheel
        print('ok: without the dev extra, outside the source tree,', run(python, '-I', '-c', train, cfg['version'], cwd=tmp).strip())


if __name__ == '__main__': main(Path(sys.argv[1]))
