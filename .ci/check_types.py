"""Do type checkers find nothing in a reader's script? `check_types.py FOLDER` installs the wheel in
FOLDER into a fresh environment, which sees the other packages of this one, and lets pyright and
mypy read `reader.py` there, as an editor would."""
import shutil, subprocess, sys, sysconfig, tempfile, venv
from pathlib import Path

# Pinned, since each release finds something new. Both come from PyPI, with the Node.js that pyright
# runs on.
checkers = 'mypy==2.4.1', 'pyright[nodejs]==1.1.414'
reader = Path(__file__).resolve().with_name('reader.py')


def run(*cmd, **kwargs):
    "Run `cmd`; show what it printed if it fails"
    res = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    if res.returncode:
        sys.exit(f'{res.stdout}\nFAILED: {" ".join(map(str, cmd[:5]))} … Mend the annotation in '
                 'the notebook that the line in reader.py uses; if that line is no longer right, '
                 'mend reader.py.')
    return res.stdout.strip()


def main(folder):
    wheel, = folder.resolve().glob('*.whl')
    with tempfile.TemporaryDirectory() as tmp:
        venv.create(tmp)
        bins = Path(tmp)/('Scripts' if sys.platform == 'win32' else 'bin')
        install = [Path(sys.executable).with_name('uv'), 'pip', 'install', '-q', '--python', tmp]
        run(*install, '--no-deps', wheel)
        run(*install, *checkers)
        site = subprocess.check_output([bins/'python', '-c',
                                        'import sysconfig; print(sysconfig.get_path("purelib"))'],
                                       text=True)
        (Path(site.strip())/'here.pth').write_text(sysconfig.get_path('purelib'), encoding='utf-8')
        # here rnnlab would be the folder, and not what is installed
        copied = shutil.copy(reader, tmp)
        print('pyright:',
              run(bins/'pyright', '--pythonpath', bins/'python', '--warnings', copied, cwd=tmp))
        print('mypy:', run(bins/'mypy', '--python-executable', bins/'python', copied, cwd=tmp))


if __name__ == '__main__': main(Path(sys.argv[1]))
