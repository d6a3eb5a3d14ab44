"""Can a reader install this? Resolves README's install commands as a reader's pip would, without
what this machine's configuration adds (an index on the disk, wheels, an index of CPU builds), and
for the other systems and Pythons with uv. Reads metadata only, installs nothing of it."""
import os, re, subprocess, sys, tempfile, venv
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from repo import lines, root, settings

systems = ['linux', 'macos', 'windows']
# With constraints.txt; PyTorch has wheels of 2.13 for these
pythons = ['3.11', '3.12', '3.13', '3.14']
no_network = re.compile('Failed to establish a new connection|NameResolutionError|dns error')

env = {k: v for k,v in os.environ.items() if not k.startswith(('PIP_', 'UV_', 'PYTHONPATH'))} | {
    'PIP_CONFIG_FILE': os.devnull, 'UV_NO_CONFIG': '1', 'UV_PYTHON_DOWNLOADS': 'never',
    # PyTorch 2.13 has wheels for macOS 14 and later, on Apple's own processors
    'MACOSX_DEPLOYMENT_TARGET': '14.0'}


def run(*cmd):
    "Run `cmd` as a reader would; its output where it failed, else an empty string"
    res = subprocess.run(cmd, cwd=root, env=env, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    return res.stdout if res.returncode else ''


def pip_line():
    """What follows `pip install` in README's second block, how a developer installs; a reader's, in
    the first, asks for a part of that"""
    text = (root/'README.md').read_text(encoding='utf-8')
    blocks = re.findall(r'^```sh\n(.*?)^```', text, re.M | re.S)[:2]
    reader,developer = (re.search(r'pip install (?:-q )?(.*?) &&', b)[1].replace('"', '')
                        for b in blocks)
    assert reader.replace('[notebooks]', '[dev]') == developer, (
        f'{reader!r} and {developer!r} should differ in the extra alone')
    assert 'rnnlab[notebooks]' in lines('dev_requirements')
    return developer


def by_pip(python, args):
    "This system and this Python, by pip as a reader's"
    return run(python, '-m', 'pip', 'install', '--dry-run', *args.split())


def by_uv(system, python):
    """Another system or Python, by uv: from wheels alone, but for docopt, which has none. All
    extras at once: what suits a developer suits a reader too."""
    wanted = [o for k in settings if k.endswith('requirements') for o in lines(k)]
    with tempfile.TemporaryDirectory() as tmp:
        reqs = Path(tmp)/'requirements.in'
        reqs.write_text('\n'.join(o for o in wanted if not o.startswith('rnnlab[')))
        return run(Path(sys.executable).with_name('uv'), 'pip', 'compile', '-q', '-c',
                   'constraints.txt', '--only-binary', ':all:', '--no-binary', 'docopt',
                   '--python-platform', system, '--python-version', python, reqs, '-o',
                   f'{tmp}/out')


def main():
    line = pip_line()
    bad = 0
    with tempfile.TemporaryDirectory() as tmp, ThreadPoolExecutor(2) as pool:
        venv.create(tmp, with_pip=True)
        python = Path(tmp)/('Scripts' if sys.platform == 'win32' else 'bin')/'python'
        # a pip that reads metadata without downloading the packages themselves (23.3 and later),
        # which are gigabytes
        out = run(python, '-m', 'pip', 'install', '-q', '-U', 'pip')
        if no_network.search(out):
            print('skipped: no network, so nothing can be resolved')
            return 0
        jobs = {f'pip install {line}': pool.submit(by_pip, python, line)}
        jobs |= {f'{s}, Python {p}': pool.submit(by_uv, s, p) for s,p in product(systems, pythons)}
        for name,job in jobs.items():
            out = job.result()
            print(f'{"FAILED" if out else "ok"}: {name}', *out.splitlines()[-12:], sep='\n    ')
            bad += bool(out)
    if bad:
        print('  What is named above is held in constraints.txt or bounded in settings.ini in a '
              'way that cannot be installed.')
    return bad > 0


if __name__ == '__main__': sys.exit(main())
