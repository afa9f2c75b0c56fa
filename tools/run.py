"""Run notebooks in forks of one warm process, on one thread each, and save their outputs byte for byte.

  run.py run [--flags slow] [--force] [--refresh] [-j 2] [NB…]   run what changed, save outputs
  run.py check [-j 2] [NB…]                                      run all, compare with the saved outputs, save nothing
  run.py convert FILE.py…                                        py:percent text -> nbs/NAME.ipynb, outputs of unchanged cells kept
"""
import argparse, base64, importlib, io, json, os, platform, re, resource, signal, subprocess, sys, time, traceback
from pathlib import Path

THREADS = {k: '1' for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMEXPR_NUM_THREADS')}
QUIET = {'TQDM_DISABLE': '1', 'MPLBACKEND': 'module://matplotlib_inline.backend_inline', 'WALKDL_RUN': '1',
         'TF_CPP_MIN_LOG_LEVEL': '3', 'KERAS_BACKEND': 'torch', 'HF_HUB_OFFLINE': '1', 'PYTHONHASHSEED': '0', 'CUDA_VISIBLE_DEVICES': '',
         'OBJC_DISABLE_INITIALIZE_FORK_SAFETY': 'YES'}
if os.environ.get('PYTHONHASHSEED') != '0' and __name__ == '__main__':
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | THREADS | QUIET)

from notebooks import BUILD, NBS, ROOT, chapters, directives, fingerprint, ledger, read, scoreboard, source, stale

WARM = 'numpy pandas matplotlib.pyplot torch sklearn.linear_model fastai.learner'.split()
SKIP = {'slow', 'gpu', 'online'}
TIMEOUT, SLOW = 900, 7200 # seconds for a notebook, and for one that trains


def steady(x):
    "The same text on every run: no addresses in memory, no trailing blanks after a picture"
    if isinstance(x, list): return [steady(o) for o in x]
    return re.sub(r' at 0x[0-9a-fA-F]+', '', x) if isinstance(x, str) else x


def smaller(png):
    "The same picture with at most 256 colours, if that makes a smaller file"
    from PIL import Image
    old = base64.b64decode(png)
    picture, new = Image.open(io.BytesIO(old)), io.BytesIO()
    if picture.mode == 'RGBA' and picture.getchannel('A').getextrema()[0] == 255: picture = picture.convert('RGB')
    picture.quantize(256, method=2 if picture.mode == 'RGBA' else 0, dither=0).save(new, 'png', optimize=True)
    return base64.b64encode(min(old, new.getvalue(), key=len)).decode()


def normal(out):
    if 'execution_count' in out: out['execution_count'] = None
    if 'metadata' in out: out['metadata'] = {}
    if 'text' in out: out['text'] = steady(out['text'])
    for mime, value in out.get('data', {}).items():
        out['data'][mime] = smaller(value) if mime == 'image/png' else steady(value)
    return out


def wanted(cell, flags):
    d = directives(source(cell))
    return cell['cell_type'] == 'code' and d.get('eval', '').lower() != 'false' and not (SKIP - flags) & d.keys()


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


def execute(path, flags, keep_timings):
    "Run one notebook from top to bottom in this process; returns the notebook with its new outputs"
    from execnb.shell import CaptureShell
    from execnb.nbio import read_nb
    from walkdl.core import set_seed
    set_seed(0)
    nb = read_nb(path)
    os.chdir(path.parent)
    shell = CaptureShell(path, mpl_format='png')
    for cell in nb.cells:
        if not wanted(cell, flags):
            if 'slow' in directives(source(cell)): cell.outputs = []
            continue
        old, cell.outputs, cell.execution_count = cell.get('outputs', []), [], None
        shell.cell(cell)
        if shell.exc: raise RuntimeError(shell.prettytb(fname=path.name))
        new = [normal(o) for o in cell.outputs if o.get('name') != 'stderr']
        cell.outputs = old if keep_timings and old and 'timing' in directives(source(cell)) else new
        cell.metadata = {}
    return nb


def text(nb):
    from execnb.nbio import nb2str
    return nb2str(nb)


def processor_seconds():
    "Seconds of one core that this process and those it started have used: the same on a busy machine as on a quiet one"
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def megabytes(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == 'linux' else 2**20)


def job(path, args):
    "In the fork: run, then save (run) or compare (check); what it measured goes to _build/runs/"
    t0, cpu, out = time.time(), processor_seconds(), {}
    try:
        if args.command == 'check': cut_network()
        keep = args.command == 'check' or not (args.refresh or stale(path))
        fresh = text(execute(path, set(args.flags.split()), keep))
        if args.command == 'run':
            part = path.with_suffix('.part')
            part.write_text(fresh, encoding='utf-8')
            os.replace(part, path)
        else:
            result(path).with_suffix('.ipynb').write_text(fresh, encoding='utf-8')
            if fresh != path.read_text(encoding='utf-8'): out['differs'] = difference(json.loads(fresh), read(path))
            if 'differs' in out and not args.differs_ok: out['error'] = f"{path.name}: {out['differs']}"
    except BaseException as e:
        out['error'] = str(e) if isinstance(e, RuntimeError) else traceback.format_exc()
    out |= {'seconds': round(processor_seconds() - cpu, 1), 'wall': round(time.time() - t0, 1), 'mb': megabytes()}
    result(path).write_text(json.dumps(out), encoding='utf-8')


def difference(new, old):
    for i, (a, b) in enumerate(zip(new['cells'], old['cells'])):
        if a != b: return f"cell {i} gives another output than the saved one:\n{source(a)[:400]}"
    return 'another form on disk than the one that is saved: run `make course`'


def result(path): return BUILD/'runs'/f'{path.stem}.json'


def ran(path): return result(path).exists() and 'error' not in json.loads(result(path).read_text())


def bar(done, total, note):
    "One line that is redrawn in a terminal, one line a notebook elsewhere"
    width = 24
    line = f"[{'█' * (done * width // total):<{width}}] {done}/{total}  {note}"
    print(f'\r\033[K{line}' if sys.stdout.isatty() else line, end='' if sys.stdout.isatty() and done < total else '\n', flush=True)


def warm():
    sys.path.insert(0, str(ROOT))
    import warnings; warnings.simplefilter('ignore')
    for name in ['execnb.shell', *WARM]: importlib.import_module(name)
    import torch
    torch.set_num_threads(1)


def run_all(paths, args):
    "Fork a job for each notebook, args.j at a time; index waits for the others, as it reports on them"
    (BUILD/'runs').mkdir(parents=True, exist_ok=True)
    for p in paths: result(p).unlink(missing_ok=True)
    todo, live, done = list(paths), {}, {}
    limit = SLOW if 'slow' in args.flags else TIMEOUT
    while todo or live:
        while todo and len(live) < args.j and not (todo[0].stem == 'index' and live):
            path = todo.pop(0)
            if not (pid := os.fork()):
                signal.alarm(limit)
                os.nice(5)
                job(path, args)
                sys.stdout.flush()
                os._exit(0)
            live[pid] = path
        pid, status = os.wait()
        path = live.pop(pid)
        r = json.loads(result(path).read_text()) if result(path).exists() else {'error': f'{path.name}: ended by signal {status & 127} (time limit {limit} s?)', 'seconds': 0, 'wall': 0, 'mb': 0}
        rows = ledger(path)
        r |= {'claims': sum(x['kind'] == 'claim' for x in rows), 'exercises': len({x['name'] for x in rows if x['kind'] == 'exercise'}), 'source': fingerprint(path)}
        done[path] = r
        state = 'FAILED' if 'error' in r else f"{r['claims']} claims hold"
        bar(len(done), len(paths), f"{path.stem} · {r['wall']:.0f} s · {state}")
        if args.command == 'run' and 'error' not in r and path.parent == NBS: record(path, r, args.refresh)
    return done


def record(path, r, refresh):
    "Keep the figures of this run: always in _build, in the committed scoreboard when the code changed (so a rerun changes no file)"
    mine = BUILD/'scoreboard.json'
    for file, always in ((mine, True), (NBS/'scoreboard.json', refresh)):
        board = json.loads(file.read_text()) if file.exists() else {'machine': '', 'notebooks': {}}
        entry = board['notebooks'].get(path.stem)
        if entry and entry['source'] == r['source'] and not always: continue
        board['machine'] = f'{platform.system()} {platform.machine()}, Python {platform.python_version()}, seconds of one core'
        board['notebooks'][path.stem] = {k: r[k] for k in ('seconds', 'mb', 'claims', 'exercises', 'source')}
        board['notebooks'] = dict(sorted(board['notebooks'].items()))
        file.write_text(json.dumps(board, indent=1) + '\n', encoding='utf-8')


def summary(done, skipped, seconds):
    failed = {p: r for p, r in done.items() if 'error' in r}
    for p, r in failed.items(): print(f"\n── {p.name} ──\n{r['error'].rstrip()}")
    board = scoreboard()['notebooks']
    slowest = sorted(board, key=lambda k: -board[k]['seconds'])[:3]
    print(f"\n{len(done)} notebooks run, {skipped} unchanged · {sum(b['claims'] for b in board.values())} claims held"
          f" · {sum(b['exercises'] for b in board.values())} exercises · {seconds:.0f} s")
    if slowest: print('slowest: ' + ' · '.join(f"{k} {board[k]['seconds']:.0f} s" for k in slowest))
    if len(done): print(f'{len(done) - len(failed)} passed, {len(failed)} failed')
    return bool(failed)


def convert(files):
    for f in map(Path, files):
        nb = NBS/f.with_suffix('.ipynb').name
        cmd = [sys.executable, '-m', 'jupytext', '--from', 'py:percent', '--to', 'ipynb', '--quiet', '-o', str(nb)]
        subprocess.run(cmd + (['--update'] if nb.exists() else []) + [str(f)], check=True)
        clean(nb)


def clean(path):
    "The form in which notebooks are kept: no ids, no metadata but the kernel's"
    from execnb.nbio import read_nb
    nb = read_nb(path)
    nb.metadata = {'kernelspec': {'display_name': 'python3', 'language': 'python', 'name': 'python3'}}
    for i, c in enumerate(nb.cells): c.metadata = {}; c.id = f'c{i:03d}'
    path.write_text(text(nb), encoding='utf-8')


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('command', choices=('run', 'check', 'convert'))
    p.add_argument('files', nargs='*')
    p.add_argument('--flags', default='', help="also run cells with these flags, as in --flags 'slow gpu'")
    p.add_argument('--force', action='store_true', help='run also what did not change')
    p.add_argument('--refresh', action='store_true', help='save the timings of this machine too')
    p.add_argument('--differs-ok', action='store_true', help='check: outputs may differ from the saved ones (another kind of processor)')
    p.add_argument('-j', type=int, default=2)
    args = p.parse_intermixed_args()
    if args.command == 'convert': return convert(args.files)
    paths = [Path(f).resolve() for f in args.files] or chapters()
    named = bool(args.files) or args.force or args.refresh or args.flags
    todo = [p for p in paths if args.command == 'check' or named or stale(p) or not ran(p)]
    if todo and not args.files: todo = [p for p in todo if p.stem != 'index'] + [NBS/'index.ipynb']
    t0 = time.time()
    if todo: warm()
    return summary(run_all(todo, args), len(paths) - len(todo), time.time() - t0)


if __name__ == '__main__': sys.exit(main())
