"""The rules of the house that no single notebook can show."""
import ast, hashlib, json, os, shutil, subprocess, sys
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from conftest import ROOT

MODULES = sorted('.'.join(p.relative_to(ROOT/'walkdl').with_suffix('').parts)
                 for p in (ROOT/'walkdl').rglob('*.py') if not p.stem.startswith('_'))
WEIGHTS = ROOT/'walkdl/weights'
BIN = Path(sys.executable).parent


def run(*command, cwd=ROOT, **env):
    return subprocess.run([str(c) for c in command], cwd=cwd, env=os.environ | env,
                          capture_output=True, text=True)


def tracked():
    listed = run('git', 'ls-files', '-co', '--exclude-standard').stdout.splitlines()
    return [ROOT/p for p in listed if (ROOT/p).is_file()]


def test_import_is_instant():
    "No heavy library comes with `import walkdl` (the seconds stand on the Scoreboard)"
    r = run(sys.executable, '-c', 'import sys, walkdl; print(*sys.modules)')
    heavy = {'torch', 'numpy', 'pandas', 'matplotlib', 'fastai', 'IPython'}
    assert r.returncode == 0 and not heavy & set(r.stdout.split()), r.stdout + r.stderr


BLOCK = '''
import socket, importlib, sys
def no(*a, **k): raise RuntimeError('a socket was opened at import')
socket.socket.__init__ = no
for name in sys.argv[1:]:
    try: importlib.import_module(name)
    except Exception as e: print(f'{name}: {e}')
'''

def import_without_sockets(*names, **env):
    r = run(sys.executable, '-c', BLOCK, *names, **env)
    assert r.returncode == 0, r.stderr
    return r.stdout


def test_no_socket_at_import():
    assert import_without_sockets(*(f'walkdl.{m}' for m in MODULES)) == ''


def test_a_socket_at_import_is_caught(tmp_path):
    (tmp_path/'planted.py').write_text('import socket\nsocket.socket()')
    said = import_without_sockets('planted', 'json', PYTHONPATH=str(tmp_path))
    assert said == 'planted: a socket was opened at import\n'


@pytest.mark.parametrize('name', MODULES)
def test_public_names_have_docstrings(name):
    tree = ast.parse((ROOT/'walkdl'/f'{name.replace(".", "/")}.py').read_text())
    defs = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    bare = [n.name for n in defs if not n.name.startswith('_') and not ast.get_docstring(n)]
    assert not bare, f'walkdl.{name}: without docstring: {bare}'


def sha(path): return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(folder):
    files = [p for p in sorted(folder.rglob('*')) if p.suffix in ('.py', '.ipynb')]
    return {p.relative_to(folder).as_posix(): sha(p) for p in files}


@pytest.mark.parametrize('command', ['nbdev_export', 'nbdev_clean'])
def test_nbdev_leaves_no_difference(command, tmp_path):
    skip = shutil.ignore_patterns('demos', 'weights', '__pycache__')
    for name in ('nbs', 'walkdl'): shutil.copytree(ROOT/name, tmp_path/name, ignore=skip)
    shutil.copy(ROOT/'settings.ini', tmp_path)
    before = digest(tmp_path)
    r = run(BIN/command, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert r.returncode == 0, r.stderr
    after = digest(tmp_path)
    assert {k for k in before | after if before.get(k) != after.get(k)} == set()


def test_nbdev_test_runs_a_notebook():
    r = run(BIN/'nbdev_test', '--path', 'nbs/00_core.ipynb')
    assert r.returncode == 0 and 'Success' in r.stdout, r.stdout + r.stderr


def test_nbdev_install_hooks(tmp_path):
    subprocess.run(['git', 'init', '-q', str(tmp_path)], check=True)
    (tmp_path/'nbs').mkdir()
    shutil.copy(ROOT/'settings.ini', tmp_path)
    r = run(BIN/'nbdev_install_hooks', cwd=tmp_path, HOME=str(tmp_path))
    assert r.returncode == 0, r.stdout + r.stderr
    assert 'nbdev-merge' in (tmp_path/'.gitconfig').read_text()


def test_packages_agree_with_each_other():
    r = run(sys.executable, '-m', 'pip', 'check')
    assert r.returncode == 0, r.stdout


def settings():
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini')
    return c['DEFAULT']


def wanted(rows, extra=''):
    "Names of requirements that count on this machine, each with its extras"
    for r in map(Requirement, rows):
        if not r.marker or r.marker.evaluate({'extra': extra}):
            yield canonicalize_name(r.name), tuple(r.extras) or ('',)


def closure(rows):
    "All that these requirements bring with them"
    todo, done = list(wanted(rows)), set()
    while todo:
        name, extras = todo.pop()
        for extra in extras:
            if (name, extra) in done: continue
            done.add((name, extra))
            todo += wanted(metadata.requires(name) or [], extra)
    return {name for name, _ in done}


def test_all_that_is_installed_is_pinned():
    rows = f"{settings()['requirements']} {settings()['dev_requirements']} setuptools wheel".split()
    lines = (l.split('==') for l in (ROOT/'constraints.txt').read_text().split())
    pins = {canonicalize_name(n): v for n, v in lines}
    need = closure(rows)
    free = need - pins.keys()
    assert len(need) > 100 and not free, f'no pin in constraints.txt: {sorted(free)}'
    other = {n: v for n in need if (v := metadata.version(n).split('+')[0]) != pins[n]}
    assert not other, f'installed, but other versions are pinned: {other}'


INSTALLED_AS = dict(PIL='pillow', sklearn='scikit-learn', skimage='scikit-image', IPython='ipython')
GUESTS = {'google'}                                            # Colab's own


def imported(code):
    for n in ast.walk(ast.parse(code)):
        if isinstance(n, ast.Import): yield from (a.name.split('.')[0] for a in n.names)
        if isinstance(n, ast.ImportFrom) and not n.level: yield n.module.split('.')[0]


def foreign(codes):
    "Distributions that these texts import"
    names = {m for code in codes for m in imported(code)} - sys.stdlib_module_names
    return {canonicalize_name(INSTALLED_AS.get(m, m)) for m in names - {'walkdl'} - GUESTS}


def listed(*keys): return {n for k in keys for n, _ in wanted(settings()[k].split())}


def test_requirements_say_what_is_imported():
    "What a module imports is required, or stands in an extra; and nothing else is required"
    names = foreign(p.read_text() for p in (ROOT/'walkdl').rglob('*.py'))
    base = listed('requirements')
    assert not (lost := names - base - listed('learn_requirements')), f'no requirement: {lost}'
    unused = base - names - {'pip'}                            # walkdl.data runs it
    assert not unused, f'required, but imported nowhere: {unused}'


def test_the_learners_extra_suffices_for_every_notebook():
    rows = f"{settings()['requirements']} {settings()['learn_requirements']}".split()
    books = [json.loads(p.read_text()) for p in (ROOT/'nbs').glob('[0-9]*.ipynb')]
    cells = [c for book in books for c in book['cells'] if c['cell_type'] == 'code']
    codes = (''.join(c['source']) for c in cells)
    plain = ('\n'.join(l for l in code.split('\n') if l[:1] not in '!%') for code in codes)
    assert not (lost := foreign(plain) - closure(rows)), f'in no extra: {lost}'


def test_an_extra_is_named_after_a_chapter():
    extras = {k.removesuffix('_requirements') for k in settings() if k.endswith('_requirements')}
    assert extras - {'learn', 'dev'} <= set(MODULES) and len(extras) > 5


def test_address_stands_once():
    "The repository's address is derived from settings.ini, not written into sources"
    url = settings()['git_url']
    allowed = {'README.md', 'CITATION.cff', 'index.ipynb', '_modidx.py'}
    texts = ('.py', '.ipynb', '.js', '.md', '.qmd', '.yml')
    files = [p for p in tracked() if p.suffix in texts and p.name not in allowed]
    assert [p.name for p in files if url in p.read_text(errors='ignore')] == []
    for name in ('README.md', 'CITATION.cff', 'nbs/index.ipynb'):
        assert url in (ROOT/name).read_text(), f'{name} names another address than {url}'


def test_no_pickle_and_no_large_files():
    for p in tracked():
        assert p.suffix not in ('.pkl', '.pickle', '.pt', '.pth'), f'{p} may hold a pickle'
        assert p.stat().st_size <= 2_500_000, f'{p}: {p.stat().st_size/1e6:.1f} MB'
    assert 0 < sum(p.stat().st_size for p in WEIGHTS.rglob('*') if p.is_file()) <= 25_000_000


def test_each_checkpoint_has_its_card():
    files = list(WEIGHTS.rglob('*.safetensors'))
    assert files
    for p in files:
        card = json.loads(p.with_suffix('.json').read_text())
        assert card['sha256'] == sha(p), p.name
        assert {'data', 'seed', 'seconds'} <= card.keys(), p.stem


def test_readme_is_made_of_the_front_page():
    from readme import readme
    same = (ROOT/'README.md').read_text() == readme()
    assert same, 'README.md is not that of nbs/index.ipynb: run `make course`'
