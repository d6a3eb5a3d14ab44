"""Does the wheel work for someone who has nothing else? Builds the sdist, the wheel from the sdist, installs it without the dev
extra into a fresh environment, and trains there, outside the source tree. Compares the metadata with settings.ini."""
import subprocess, sys, tempfile, venv, zipfile
from configparser import ConfigParser
from email import message_from_bytes
from pathlib import Path
from packaging.requirements import Requirement

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


def metadata_differences(wheel):
    "What the wheel's METADATA and entry points say otherwise than settings.ini"
    with zipfile.ZipFile(wheel) as z:
        info = f"{cfg['lib_name']}-{cfg['version']}.dist-info"
        meta,scripts = message_from_bytes(z.read(f'{info}/METADATA')),z.read(f'{info}/entry_points.txt').decode()
    dev = [f'{o} and extra == "dev"' if ';' in o else f'{o}; extra == "dev"' for o in lines('dev_requirements')]
    reqs = lines('requirements') + dev
    entry = ConfigParser(delimiters=['='])
    entry.read_string(scripts)
    pairs = {'Name': cfg['lib_name'], 'Version': cfg['version'], 'Summary': cfg['description'], 'Keywords': cfg['keywords'].replace(', ', ','),
             'Author': cfg['author'], 'Author-email': cfg['author_email'], 'License-Expression': cfg['license'],
             'Requires-Python': f">={cfg['min_python']}"}
    res = [f'{k}: {meta[k]!r} in the wheel, {v!r} in settings.ini' for k,v in pairs.items() if meta[k] != v]
    lists = {'Requires-Dist': ({str(Requirement(o)) for o in meta.get_all('Requires-Dist')}, {str(Requirement(o)) for o in reqs}),
             'Project-URL': (set(meta.get_all('Project-URL')), {f"Documentation, {cfg['doc_url']}", f"Source, {cfg['git_url']}"}),
             'console scripts': ({f'{k}={v}' for k,v in entry['console_scripts'].items()}, set(lines('console_scripts')))}
    return res + [f'{k}: only in one of them: {sorted(a ^ b)}' for k,(a,b) in lists.items() if a != b]


def run(*cmd, **kwargs):
    "Run `cmd` quietly; show what it printed if it fails"
    res = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    if res.returncode: sys.exit(f'{res.stdout}\nFAILED: {" ".join(map(str, cmd[:5]))} … The lines above say why; a module that is missing '
                                'there belongs into `requirements` in settings.ini, a file into MANIFEST.in.')
    return res.stdout


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        run(sys.executable, '-m', 'build', '-o', tmp, root)
        wheel, = tmp.glob('*.whl')
        if diff := metadata_differences(wheel): sys.exit('FAILED: settings.ini and setup.py disagree:\n' + '\n'.join(diff))
        print(f'ok: {wheel.name}, built from its sdist, says what settings.ini says')
        venv.create(tmp/'venv', with_pip=True)
        python = tmp/'venv'/('Scripts' if sys.platform == 'win32' else 'bin')/'python'
        run(python, '-m', 'pip', 'install', '-c', root/'constraints.txt', wheel)
        for script in (o.split('=')[0] for o in lines('console_scripts')): run(python.with_name(script), '--help', cwd=tmp)
        run(python.with_name('rnnlab-flashcards'), '--out', 'deck.apkg', cwd=tmp) # needs the notebooks that come with the wheel
        print('ok: without the dev extra, outside the source tree,', run(python, '-I', '-c', train, cfg['version'], cwd=tmp).strip())


if __name__ == '__main__': main()
