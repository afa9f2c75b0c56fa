"""Run notebooks in forks of one warm process, on one thread each, and keep their outputs.

  run.py run [--flags slow] [--force] [--refresh] [-j 2] [NB…]   run what changed, save what it says
  run.py check [-j 2] [NB…]       run all offline, compare with the saved outputs, save nothing
  run.py convert FILE.py…         py:percent text -> nbs/NAME.ipynb, outputs of unchanged cells kept

What a run gave lies in _build/runs/. A notebook itself is written only when its code, or what it
stands on, changed: on another processor the last digits differ, and they are no news.
"""
import argparse, base64, errno, fcntl, importlib, io, json, os, platform, re, resource, signal
import subprocess, sys, time, traceback
from contextlib import contextmanager, suppress
from pathlib import Path

THREADS = dict.fromkeys(('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS',
                         'NUMEXPR_NUM_THREADS'), '1')
QUIET = {'TQDM_DISABLE': '1', 'MPLBACKEND': 'module://matplotlib_inline.backend_inline',
         'WALKDL_RUN': '1', 'TF_CPP_MIN_LOG_LEVEL': '3', 'KERAS_BACKEND': 'torch',
         'HF_HUB_OFFLINE': '1', 'PYTHONHASHSEED': '0', 'PYTHONUTF8': '1',
         'CUDA_VISIBLE_DEVICES': '', 'OBJC_DISABLE_INITIALIZE_FORK_SAFETY': 'YES'}
def settle_environment():
    "Start this very command again where threads, hashes or the locale are not those of a run"
    if not (THREADS | QUIET).items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | THREADS | QUIET)


if __name__ == '__main__': settle_environment()

from notebooks import (BOARD, BUILD, NBS, ROOT, Trouble, alike, chapters, code, directives, # noqa: E402
                       entry, fingerprint, kept, ledger, models, own, read, save, scoreboard,
                       short, source, stale)

WARM = ('numpy pandas matplotlib.pyplot torch torch._dynamo sklearn.linear_model '
        'fastai.learner').split()
SKIP = {'slow', 'gpu', 'online'}
FAULTS = {'error', 'unsteady', 'differs'} # a run that saves forgives the last two
TIMEOUT, SLOW = 900, 7200 # seconds for a notebook, and for one that trains
BUSY, FULL = 75, 74 # how a fork ends that could not say more


# ---------- one notebook

def steady(x):
    "The same text on every run: no addresses in memory"
    if isinstance(x, list): return [steady(o) for o in x]
    return re.sub(r' at 0x[0-9a-fA-F]+', '', x) if isinstance(x, str) else x


def smaller(png):
    "The same picture with at most 256 colours, if that makes a smaller file"
    from PIL import Image
    old = base64.b64decode(png)
    picture, new = Image.open(io.BytesIO(old)), io.BytesIO()
    if picture.mode == 'P': return png
    if picture.mode == 'RGBA' and picture.getchannel('A').getextrema()[0] == 255:
        picture = picture.convert('RGB')
    picture.quantize(256, method=2 if picture.mode == 'RGBA' else 0, dither=0).save(
        new, 'png', optimize=True)
    return base64.b64encode(min(old, new.getvalue(), key=len)).decode()


def normal(out):
    if 'execution_count' in out: out['execution_count'] = None
    if 'metadata' in out: out['metadata'] = {}
    if 'text' in out: out['text'] = steady(out['text'])
    for kind, value in out.get('data', {}).items():
        out['data'][kind] = smaller(value) if kind == 'image/png' else steady(value)
    return out


def wanted(cell, flags):
    d = directives(source(cell))
    runs = cell['cell_type'] == 'code' and d.get('eval', '').lower() != 'false'
    return runs and not (SKIP - flags) & d.keys()


def cut_network():
    "A check runs offline: what a notebook needs must lie in the cache"
    import socket
    connect = socket.socket.connect
    def local_only(self, address):
        if isinstance(address, tuple) and address[0] not in ('127.0.0.1', 'localhost', '::1'):
            raise OSError(f'a check runs without network, but something connects to {address[0]}')
        return connect(self, address)
    socket.socket.connect = local_only
    os.environ |= {'PIP_NO_INDEX': '1', 'npm_config_offline': 'true'}


def execute(path, flags, before=lambda i, shell: None):
    "Run a notebook in this process, with before(i, shell) before each cell; returns what came out"
    from execnb.shell import CaptureShell
    from execnb.nbio import read_nb
    from walkdl.core import set_seed
    set_seed(0)
    nb = read_nb(path)
    os.chdir(path.parent)
    shell = CaptureShell(path, mpl_format='png')
    for i, cell in enumerate(nb.cells):
        if not wanted(cell, flags):
            if 'slow' in directives(source(cell)): cell.outputs = []
            continue
        before(i, shell)
        cell.outputs, cell.execution_count, cell.metadata = [], None, {}
        shell.cell(cell)
        if shell.exc: raise Trouble(shell.prettytb(fname=path.name))
        cell.outputs = [normal(o) for o in cell.outputs if o.get('name') != 'stderr']
    return json.loads(text(nb))


def text(nb):
    from execnb.nbio import nb2str
    return nb2str(nb)


def settle(new, saved, elsewhere):
    "Put saved outputs back where the new ones say the same: times, and elsewhere all others too"
    for a, b in zip(new['cells'], saved['cells']):
        kept_here = a['cell_type'] == 'code' and (elsewhere or 'timing' in directives(source(a)))
        if kept_here and alike(a['outputs'], b['outputs'], a): a['outputs'] = b['outputs']


def difference(new, saved, same):
    "The first cell whose outputs are not the same, as a sentence"
    for i, (a, b) in enumerate(zip(new['cells'], saved['cells'])):
        if a['cell_type'] == 'code' and not same(a['outputs'], b['outputs'], a):
            return f'cell {i}:\n{source(a)[:400]}'


def equal(new, old, cell): return 'timing' in directives(source(cell)) or new == old


@contextmanager
def unchanged(paths):
    "Whatever happens inside, these files hold afterwards what they held before"
    before = {p: p.read_bytes() for p in paths}
    try: yield
    finally:
        for p, data in before.items():
            if p.read_bytes() != data: p.write_bytes(data)


# ---------- a job in its fork

def result(path):
    "Where the figures of a notebook's last run lie; its outputs lie beside"
    name = path.stem if path.parent == NBS else f'{path.stem}-{short(str(path.parent))}'
    return BUILD/'runs'/f'{name}.json'


def outputs(path): return result(path).with_suffix('.ipynb')


@contextmanager
def alone(path):
    "One run of a notebook at a time"
    with result(path).with_suffix('.lock').open('w') as f:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB) # BlockingIOError: another has it
        yield


def machine():
    "What the last digits depend on"
    import torch
    return (f'{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}, '
            f'Python {platform.python_version()}, seconds of one core')


def job(path, args):
    "Run, then save or compare; what it measured goes to _build/runs/"
    t0, cpu = time.time(), processor_seconds()
    try: out = attempt(path, args)
    except Trouble as e: out = {'error': str(e)}
    except Exception: out = {'error': traceback.format_exc()}
    out |= {'seconds': round(processor_seconds() - cpu, 1), 'wall': round(time.time() - t0, 1),
            'mb': megabytes()}
    save(result(path), json.dumps(out))


def attempt(path, args):
    "Run a notebook; save its outputs if they are new, else compare them with the saved ones"
    code_now, why, saved = fingerprint(path), stale(path), read(path)
    renews = args.command == 'run' and bool(why or args.refresh or args.flags)
    last = kept(outputs(path)) if kept(result(path)).get('source') == code_now else {}
    result(path).unlink(missing_ok=True)
    if args.command != 'run': cut_network()
    with unchanged([] if renews else models(code(path))): new = execute(path, args.flags)
    save(outputs(path), text(new))
    if renews: renew(path, new, saved, args)
    faults = {} if why or renews else compare(path, new, saved, last)
    return {'source': code_now, 'renewed': renews, **faults}


def renew(path, new, saved, args):
    "Save the new outputs; where only a module changed, on another processor, those that are news"
    row = entry(path)
    if row.get('code') == own(path) and not args.refresh:
        settle(new, saved, elsewhere=row.get('machine') != machine())
    save(path, text(new))


def compare(path, new, saved, last):
    "What is wrong with the outputs of an unchanged notebook"
    if last and (where := difference(new, last, equal)):
        return {'unsteady': f'{path.name} gives other outputs on each run: {where}'}
    if where := difference(new, saved, alike):
        return {'differs': f'{path.name} says something else than its saved outputs, {where}'}
    return {}


def full(error): return error.errno in (errno.ENOSPC, errno.EDQUOT)


def processor_seconds():
    "Seconds of one core that this process and those it started have used, on a busy machine too"
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(w)[:2]) for w in who)


def megabytes():
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // (1024 if sys.platform == 'linux' else 2**20)


def fork(path, args, limit):
    "Start a job in a process group of its own; returns the id of both"
    pid = os.fork()
    if pid:
        with suppress(OSError): os.setpgid(pid, pid)
        return pid
    end = 1
    try:
        with suppress(OSError): os.setpgid(0, 0)
        for s in (signal.SIGTERM, signal.SIGINT): signal.signal(s, signal.SIG_DFL)
        signal.alarm(limit)
        os.nice(5)
        with alone(path): job(path, args)
        end = 0
    except BlockingIOError: end = BUSY
    except OSError as e: end = FULL if full(e) else traceback.print_exc() or 1
    except BaseException: traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(end)


def outcome(path, status, limit):
    "The figures of a job that ended, or why there are none"
    code = os.waitstatus_to_exitcode(status)
    if code == 0: return kept(result(path))
    why = {BUSY: 'another command runs this notebook; wait for it to end, then run again',
           FULL: 'no room on the disk; nothing was saved. Make room, then run again',
           -signal.SIGALRM: f'stopped after {limit} s, the limit for a notebook',
           -signal.SIGKILL: 'killed by the system, as when memory runs out'}
    return {'error': f'{path.name}: {why.get(code, f"ended with {code}")}'}


# ---------- all of them

def bar(done, total, note):
    "One line that is redrawn in a terminal, one line a notebook elsewhere"
    width, live = 24, sys.stdout.isatty()
    line = f"[{'█' * (done * width // total):<{width}}] {done}/{total}  {note}"
    end = '' if live and done < total else '\n'
    print(f'\r\033[K{line}' if live else line, end=end, flush=True)


def warm():
    sys.path.insert(0, str(ROOT))
    import warnings; warnings.simplefilter('ignore')
    for name in ['execnb.shell', *WARM]: importlib.import_module(name)
    import torch
    torch.set_num_threads(1)


def run_all(paths, args):
    "Fork a job for each notebook, args.j at a time; index, which reports on the others, waits"
    todo, live, done = list(paths), {}, {}
    limit = SLOW if 'slow' in args.flags else TIMEOUT
    try:
        while todo or live:
            while todo and len(live) < args.j and not (todo[0].stem == 'index' and live):
                path = todo.pop(0)
                live[fork(path, args, limit)] = path
            pid, status = os.wait()
            stop([pid])
            path = live.pop(pid)
            done[path] = r = outcome(path, status, limit)
            if path.parent == NBS and r.get('renewed'): record(path, r)
            bar(len(done), len(paths), f'{path.stem} · {told(path, r)}')
    finally: stop(live)
    return done


def stop(pids):
    "End jobs and whatever they started"
    for pid in pids:
        try: os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError): pass


def told(path, r):
    if 'error' in r: return 'FAILED'
    held = sum(row['kind'] in ('claim', 'better') for row in ledger(path))
    return f"{r['wall']:.0f} s · {held} claims hold"


def record(path, r):
    "Keep the figures of the run whose outputs were saved"
    rows = ledger(path)
    r['source'] = fingerprint(path) # anew: slow cells write weights
    save(result(path), json.dumps(r))
    row = dict(machine=machine(), seconds=r['seconds'], mb=r['mb'],
               claims=sum(x['kind'] in ('claim', 'better') for x in rows),
               exercises=len({x['name'] for x in rows if x['kind'] == 'exercise'}),
               code=own(path), source=r['source'])
    save(BOARD/f'{path.stem}.json', json.dumps(row, indent=1) + '\n')


def summary(done, skipped, seconds, compared):
    "Print how it went; true if a notebook failed"
    for r in done.values():
        for k in FAULTS & r.keys(): print(f'\n── {r[k].rstrip()}')
    failed = [r for r in done.values() if (FAULTS if compared else {'error'}) & r.keys()]
    board = scoreboard()['notebooks']
    claims, exercises = (sum(b[k] for b in board.values()) for k in ('claims', 'exercises'))
    print(f'\n{len(done)} notebooks run, {skipped} unchanged · {claims} claims held'
          f' · {exercises} exercises · {seconds:.0f} s')
    if board:
        slowest = sorted(board, key=lambda k: -board[k]['seconds'])[:3]
        print('slowest: ' + ' · '.join(f"{k} {board[k]['seconds']:.0f} s" for k in slowest))
    if done: print(f'{len(done) - len(failed)} passed, {len(failed)} failed')
    return bool(failed)


def convert(files):
    for f in map(Path, files):
        nb = NBS/f.with_suffix('.ipynb').name
        cmd = [sys.executable, '-m', 'jupytext', '--from', 'py:percent', '--to', 'ipynb', '--quiet']
        update = ['--update'] if nb.exists() else []
        subprocess.run([*cmd, '-o', str(nb), *update, str(f)], check=True)
        clean(nb)


def clean(path):
    "The form in which notebooks are kept: no ids, no metadata but the kernel's"
    from execnb.nbio import read_nb
    nb = read_nb(path)
    kernel = {'display_name': 'python3', 'language': 'python', 'name': 'python3'}
    nb.metadata = {'kernelspec': kernel}
    for i, c in enumerate(nb.cells): c.metadata = {}; c.id = f'c{i:03d}'
    save(path, text(nb))


def ran(path):
    "Did this very code run here without an error?"
    last = kept(result(path))
    return 'error' not in last and last.get('source') == fingerprint(path)


def chosen(args):
    "The notebooks to run"
    paths = [Path(f).resolve() for f in args.files] or chapters()
    asked = args.files or args.force or args.refresh or args.flags
    if args.command == 'check' or asked: return paths
    todo = [p for p in paths if stale(p) or not ran(p)]
    return [p for p in todo if p.stem != 'index'] + [NBS/'index.ipynb'] if todo else []


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('command', choices=('run', 'check', 'convert'))
    p.add_argument('files', nargs='*')
    p.add_argument('--flags', default='', help="run these cells too, as in --flags 'slow gpu'")
    p.add_argument('--force', action='store_true', help='run also what did not change')
    p.add_argument('--refresh', action='store_true', help="save this machine's outputs and timings")
    p.add_argument('-j', type=int, default=2)
    args = p.parse_intermixed_args()
    args.flags = set(args.flags.split())
    return args


def start(args):
    if args.command == 'convert': return convert(args.files)
    os.environ.pop('WALKDL_SLOW', None)
    if 'slow' in args.flags: os.environ['WALKDL_SLOW'] = '1'
    todo, t0 = chosen(args), time.time()
    (BUILD/'runs').mkdir(parents=True, exist_ok=True)
    if todo: warm()
    done, skipped = run_all(todo, args), len(args.files or chapters()) - len(todo)
    return summary(done, skipped, time.time() - t0, compared=args.command != 'run')


def main():
    def stopped(*_): raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, stopped)
    try: return start(arguments())
    except KeyboardInterrupt: print('\nStopped. What had finished is saved, the rest is as it was.')
    except Trouble as e: print(e)
    except OSError as e:
        if not full(e): raise
        print('No room on the disk. Make room, then run again; nothing half-written was left.')
    return 1


if __name__ == '__main__': sys.exit(main())
