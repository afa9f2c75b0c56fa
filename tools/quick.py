"""Check what changed since a commit (the last one), in under a minute: quick.py [COMMIT]

First how it is written, then the changed notebooks are run, then the tests that name a changed
file; browser tests only for live models. What does not fit into the minute is named at the end:
`make test` runs everything.
"""
import os, re, signal, subprocess, sys, time

import lint
from notebooks import LIB, NBS, ROOT, module, scoreboard

SECONDS, CORES = 55, 2


def changed(since='HEAD'):
    "Files that differ from that commit, new ones included"
    git = lambda *a: subprocess.check_output(['git', *a], cwd=ROOT, text=True).split('\n')
    names = git('diff', '--name-only', since) + git('ls-files', '-o', '--exclude-standard')
    return sorted({ROOT/n for n in names if n and (ROOT/n).is_file()})


def called(path):
    "How a test names this file: as a module, as a live model, or by its file name"
    if path.parent.name == 'demos': return rf"['\"]{path.stem}['\"]"
    name = module(path) if path.suffix == '.ipynb' else path.stem if path.parent == LIB else None
    if name: return rf'walkdl[.\s]+(import\s+)?{name}\b'
    if path.parent.name == 'tools': return rf'^(import|from)\b.*\b{path.stem}\b'
    return rf"['\"/]{re.escape(path.name)}['\"]"


def tests_of(paths):
    "Test files that are changed themselves, or name a changed file"
    tests = {t: t.read_text(encoding='utf-8') for t in sorted((ROOT/'tests').glob('test_*.py'))}
    names = [called(p) for p in paths]
    named = lambda text: any(re.search(n, text, re.M) for n in names)
    return [t for t, text in tests.items() if t in paths or named(text)]


def written(paths):
    "Faults in how the changed files are written; the types are left to `make lint`"
    kinds = dict(ruff=('.py', '.ipynb'), prettier=('.js',), eslint=('.js',))
    for check, suffixes in kinds.items():
        mine = [str(p) for p in paths if p.suffix in suffixes and p.parent != ROOT/'walkdl']
        if mine: yield from lint.news(lint.CHECKS[check](*mine), lint.known(check))


def affordable(paths, seconds):
    "Notebooks that can be run in this time, the quick ones first, and the others"
    cost = {p: scoreboard()['notebooks'].get(p.stem, {}).get('seconds', 30) for p in paths}
    now, later, left = [], [], seconds*CORES
    for p in sorted(paths, key=cost.get):
        left -= cost[p]
        (now if left >= 0 else later).append(p)
    return now, later


def run(command, seconds):
    "Exit code, or None where the time was over"
    job = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try: return job.wait(max(seconds, 1))
    except subprocess.TimeoutExpired: return None
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGTERM)
            job.wait()


def main(since='HEAD'):
    end, paths, bad, later = time.time() + SECONDS, changed(since), [], []
    left = lambda: end - time.time()
    print(f'{len(paths)} files changed', *(f'  {p.relative_to(ROOT)}' for p in paths), sep='\n')
    if faults := list(written(paths)): print(*faults, sep='\n'); bad.append('how it is written')
    books = [p for p in paths if p.suffix == '.ipynb' and p.parent == NBS]
    books, later = affordable(books, left()/2)
    check = [sys.executable, 'tools/run.py', 'check', *map(str, books)]
    if books and run(check, left()): bad.append('notebooks')
    tests = tests_of(paths)
    browser = [] if any(p.suffix in ('.js', '.css') for p in paths) else ['-m', 'not browser']
    if tests:
        how = ['-q', '-n', str(CORES), '--dist', 'loadfile', '--maxfail', '5', *browser]
        code = run([sys.executable, '-m', 'pytest', *how, *map(str, tests)], left())
        if code is None: later += tests
        elif code not in (0, 5): bad.append('tests')   # 5: nothing was left to run
    if later: print('no time for', *(f'  {p.relative_to(ROOT)}' for p in later), sep='\n')
    print(f"{'wrong: ' + ', '.join(bad) if bad else 'nothing wrong'} · {SECONDS - left():.0f} s")
    return bool(bad)


if __name__ == '__main__': sys.exit(main(*sys.argv[1:2]))
