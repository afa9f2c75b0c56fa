"""The rules of the house that no single notebook can show."""
import ast, hashlib, json, os, re, shutil, subprocess, sys
from configparser import ConfigParser
from importlib import metadata
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from conftest import ROOT

MODULES = sorted('.'.join(p.relative_to(ROOT/'walkdl').with_suffix('').parts)
                 for p in (ROOT/'walkdl').rglob('*.py') if not p.stem.startswith('_'))
WEIGHTS = ROOT/'walkdl/weights'
BIN = ROOT/'.venv/bin' if (ROOT/'.venv/bin').exists() else None


def python(code, **env): return subprocess.run([sys.executable, '-c', code], cwd=ROOT, env=os.environ | env, capture_output=True, text=True)


def tracked(): return [ROOT/p for p in subprocess.check_output(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, text=True).split('\n') if p and (ROOT/p).is_file()]


def test_import_is_instant():
    "No heavy library comes with `import walkdl` (the seconds stand on the Scoreboard)"
    r = python("import sys, walkdl; print(sorted({'torch','numpy','pandas','matplotlib','fastai','IPython'} & sys.modules.keys()))")
    assert r.stdout.strip() == '[]', r.stdout + r.stderr


BLOCK = '''
import socket, importlib, sys
def no(*a, **k): raise RuntimeError('a socket was opened at import')
socket.socket.__init__ = no
for name in sys.argv[1:]:
    try: importlib.import_module(name)
    except Exception as e: print(f'{name}: {e}')
'''

def import_without_sockets(*names, **env):
    r = subprocess.run([sys.executable, '-c', BLOCK, *names], cwd=ROOT, env=os.environ | env, capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return r.stdout


def test_no_socket_at_import(): assert import_without_sockets(*(f'walkdl.{m}' for m in MODULES)) == ''


def test_a_socket_at_import_is_caught(tmp_path):
    (tmp_path/'planted.py').write_text('import socket\nsocket.socket()')
    assert import_without_sockets('planted', 'json', PYTHONPATH=str(tmp_path)) == 'planted: a socket was opened at import\n'


@pytest.mark.parametrize('name', MODULES)
def test_public_names_have_docstrings(name):
    tree = ast.parse((ROOT/'walkdl'/f'{name.replace(".", "/")}.py').read_text())
    bare = [n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith('_') and not ast.get_docstring(n)]
    assert not bare, f'walkdl.{name}: without docstring: {bare}'


def digest(folder): return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob('*')) if p.suffix in ('.py', '.ipynb')}


@pytest.mark.parametrize('command', ['nbdev_export', 'nbdev_clean'])
def test_nbdev_leaves_no_difference(command, tmp_path):
    for name in ('nbs', 'walkdl'): shutil.copytree(ROOT/name, tmp_path/name, ignore=shutil.ignore_patterns('demos', '__pycache__'))
    shutil.copy(ROOT/'settings.ini', tmp_path)
    before = digest(tmp_path)
    subprocess.run([str(BIN/command) if BIN else command], cwd=tmp_path, check=True, capture_output=True, env=os.environ | {'PYTHONPATH': str(tmp_path)})
    after = digest(tmp_path)
    assert {k for k in before | after if before.get(k) != after.get(k)} == set()


def test_nbdev_test_runs_a_notebook():
    r = subprocess.run([str(BIN/'nbdev_test') if BIN else 'nbdev_test', '--path', 'nbs/00_core.ipynb'], cwd=ROOT, capture_output=True, text=True)
    assert r.returncode == 0 and 'Success' in r.stdout, r.stdout + r.stderr


def test_nbdev_install_hooks(tmp_path):
    subprocess.run(['git', 'init', '-q', str(tmp_path)], check=True)
    (tmp_path/'nbs').mkdir()
    shutil.copy(ROOT/'settings.ini', tmp_path)
    r = subprocess.run([str(BIN/'nbdev_install_hooks') if BIN else 'nbdev_install_hooks'], cwd=tmp_path, capture_output=True, text=True, env=os.environ | {'HOME': str(tmp_path)})
    assert r.returncode == 0 and 'nbdev-merge' in (tmp_path/'.gitconfig').read_text(), r.stdout + r.stderr


def test_packages_agree_with_each_other():
    r = subprocess.run([sys.executable, '-m', 'pip', 'check'], capture_output=True, text=True)
    assert r.returncode == 0, r.stdout


def settings():
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini')
    return c['DEFAULT']


def wanted(rows, extra=''):
    "Names of requirements that count on this machine, each with its extras"
    for r in map(Requirement, rows):
        if not r.marker or r.marker.evaluate({'extra': extra}): yield canonicalize_name(r.name), tuple(r.extras) or ('',)


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
    pins = {canonicalize_name(n): v for n, v in (l.split('==') for l in (ROOT/'constraints.txt').read_text().split())}
    need = closure(rows)
    assert len(need) > 100 and not (free := need - pins.keys()), f'no pin in constraints.txt: {sorted(free)}'
    other = {n: v for n in need if (v := metadata.version(n).split('+')[0]) != pins[n]}
    assert not other, f'installed, but other versions are pinned: {other}'


INSTALLED_AS = dict(PIL='pillow', sklearn='scikit-learn', skimage='scikit-image', IPython='ipython')
GUESTS = {'google'}                                            # Colab's own


def imported(path):
    for n in ast.walk(ast.parse(path.read_text())):
        if isinstance(n, ast.Import): yield from (a.name.split('.')[0] for a in n.names)
        if isinstance(n, ast.ImportFrom) and not n.level: yield n.module.split('.')[0]


def test_requirements_say_what_is_imported():
    "What a module imports is a requirement, or of the extra that its chapter, or the one it calls, needs"
    names = {canonicalize_name(INSTALLED_AS.get(m, m)) for p in (ROOT/'walkdl').rglob('*.py') for m in imported(p)}
    names -= {canonicalize_name(n) for n in sys.stdlib_module_names | {'walkdl'} | GUESTS}
    base, learn = ({n for n, _ in wanted(settings()[k].split())} for k in ('requirements', 'learn_requirements'))
    assert not (lost := names - base - learn), f'imported, but no requirement: {lost}'
    unused = base - names - {'torchvision', 'pip'}             # fastai's and timm's half; walkdl.data runs pip
    assert not unused, f'required, but imported nowhere: {unused}'


def test_address_stands_once():
    "The repository's address is derived from settings.ini, not written into sources"
    url = settings()['git_url']
    allowed = {'README.md', 'CITATION.cff', 'index.ipynb', '_modidx.py'}
    assert [p.name for p in tracked() if p.suffix in ('.py', '.ipynb', '.js', '.md', '.qmd', '.yml') and p.name not in allowed and url in p.read_text(errors='ignore')] == []
    for name in ('README.md', 'CITATION.cff', 'nbs/index.ipynb'): assert url in (ROOT/name).read_text(), f'{name} names another address than {url}'


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
        assert card['sha256'] == hashlib.sha256(p.read_bytes()).hexdigest(), p.name
        assert {'data', 'seed', 'seconds'} <= card.keys(), f'{p.stem}: the card lacks data, seed or seconds'


def test_readme_is_made_of_the_front_page():
    from readme import readme
    assert (ROOT/'README.md').read_text() == readme(), 'README.md is not that of nbs/index.ipynb: run `make course`'
