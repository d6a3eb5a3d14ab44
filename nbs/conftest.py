"Settings for the tests: a notebook a process, so one thread each, or they fight over the cores."
import multiprocessing, os, signal, sys, tempfile, time

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


# Each notebook has a kernel of its own, and most of them would spend five seconds of processor time
# on importing the same libraries: where Python can fork from a server, it imports them once. Not
# fastai and pandas: they look, on import, whether they are in a notebook.
libraries = ['torch', 'matplotlib.figure', 'scipy.stats', 'ipykernel.kernelapp']


def run_kernel(argv, cwd, env):
    "In the forked process: become the kernel that `argv` would start"
    os.setsid()
    os.chdir(cwd or '.')
    os.environ.clear()
    os.environ.update(env, JPY_PARENT_PID=str(os.getppid()))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # as nbval starts its kernels
    here = os.path.dirname(__file__)  # pytest's, not a kernel's
    sys.path[:] = [o for o in sys.path if o != here]
    sys.argv[:] = argv[argv.index('-m') + 1:]
    from ipykernel import kernelapp
    kernelapp.launch_new_instance()


class ForkedKernel:
    "What jupyter_client asks of the process that it starts"
    stdin = stdout = stderr = None

    def __init__(self, cmd, cwd=None, env=None, **kwargs):
        self.process = server.Process(target=run_kernel, args=(cmd, cwd, dict(env or os.environ)))
        self.process.start()
        self.pid = self.process.pid
        while self.poll() is None and os.getpgid(self.pid) != self.pid: time.sleep(.01)

    def poll(self): return self.process.exitcode
    def wait(self): return self.process.join()
    def kill(self): self.send_signal(signal.SIGKILL)
    def terminate(self): self.send_signal(signal.SIGTERM)
    def send_signal(self, which): os.kill(self.pid, which)


if 'forkserver' in multiprocessing.get_all_start_methods():
    from jupyter_client.provisioning import local_provisioner
    os.environ.setdefault('MPLBACKEND', 'module://matplotlib_inline.backend_inline')  # as a kernel
    server = multiprocessing.get_context('forkserver')
    server.set_forkserver_preload(libraries)
    local_provisioner.launch_kernel = ForkedKernel
