"""Build the site into _docs/. Each build is made beside it and takes its place when it is whole.

  site.py [build]   the pages, by smalldocs
  site.py prepare   the generated pages of nbs/: before `quarto render`, which calls it itself
  site.py lift      after `quarto render`, which calls it itself: pages to the root, less weight
  site.py check     the map of sources: a covered entry names a heading and a claim that exist
"""
import errno, json, os, shutil, subprocess, sys

import yaml
from filelock import FileLock, Timeout

import nbfilter, pages, plan
from address import site_url
from lift import lift
from notebooks import BUILD, NBS, ROOT, Trouble
from sources import source_faults, sources

STAGE, NEW, OUT = BUILD/'site', ROOT/'_docs.new', ROOT/'_docs'
APART = shutil.ignore_patterns('*.ipynb', 'demos', 'exercises', 'scoreboard', 'mutants', '.*')


def prepare():
    if bad := plan.faults(): raise Trouble('\n'.join(bad))
    pages.write()


def configuration():
    "The one configuration as smalldocs reads it: without Quarto's own steps, beside the last site"
    q = plan.configuration()
    for key in ('pre-render', 'post-render'): q['project'].pop(key)
    for key in ('execute', 'ipynb-filters'): q.pop(key)
    q['project']['output-dir'] = os.path.relpath(NEW, STAGE)
    q['format']['html']['theme'] = {'light': 'default', 'dark': 'default'}
    for key in ('html-math-method', 'respect-user-color-scheme'): q['format']['html'].pop(key)
    return q


def stage():
    "A copy of the sources: filtered notebooks, the generated pages, the configuration"
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(NBS, STAGE/'nbs', ignore=APART)
    for path in NBS.glob('*.ipynb'):
        nb = nbfilter.page(json.loads(path.read_text(encoding='utf-8')), path.name, NBS)
        (STAGE/'nbs'/path.name).write_text(json.dumps(nb, ensure_ascii=False), encoding='utf-8')
    text = yaml.safe_dump(configuration(), sort_keys=False)
    (STAGE/'_quarto.yml').write_text(text, encoding='utf-8')


def render():
    shutil.rmtree(NEW, ignore_errors=True)
    command = [sys.executable, '-m', 'smalldocs.cli', 'render', str(STAGE)]
    run = subprocess.run(command, capture_output=True, encoding='utf-8')
    if run.returncode: raise Trouble(run.stderr.strip())
    for line in run.stderr.splitlines():
        if 'broken' in line or 'warning' in line.lower(): print(line)


def swap():
    "The new site takes the place of the last one"
    old = OUT.with_name('_docs.old')
    shutil.rmtree(old, ignore_errors=True)
    if OUT.exists(): OUT.rename(old)
    NEW.rename(OUT)
    shutil.rmtree(old, ignore_errors=True)


def build():
    BUILD.mkdir(exist_ok=True)
    lock = FileLock(BUILD/'site.lock')
    try: lock.acquire(timeout=0)
    except Timeout:
        print('Another build of the site is running; this one waits for it.', flush=True)
        lock.acquire()
    try:
        prepare(); stage(); render()
        lift(NEW, site_url())
        swap()
    finally:
        shutil.rmtree(NEW, ignore_errors=True)
        lock.release()


def check():
    bad = source_faults()
    print(*bad, f'{len(sources())} entries in nbs/sources.csv, {len(bad)} faults', sep='\n')
    if bad: sys.exit(1)


def main(name):
    kept = '; the last site in _docs/ is as it was' if OUT.exists() else ''
    step = dict(build=build, prepare=prepare, lift=lambda: lift(OUT, site_url()), check=check)[name]
    try: step()
    except Trouble as e: sys.exit(f'{e}\nThe site was not built{kept}.')
    except KeyboardInterrupt: sys.exit(f'Stopped{kept}.')
    except OSError as e:
        if e.errno not in (errno.ENOSPC, errno.EDQUOT): raise
        sys.exit(f'The disk is full{kept}. Make room and build again.')


if __name__ == '__main__':
    name = next((a for a in sys.argv[1:] if not a.startswith('-')), 'build')
    if name not in ('build', 'prepare', 'lift', 'check'): sys.exit(__doc__)
    main(name)
