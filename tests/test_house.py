"""The rules of the house that no single notebook can show."""
import ast, hashlib, json, os, re, shutil, subprocess, sys
from configparser import ConfigParser
import pytest
from conftest import ROOT

MODULES = sorted(p.stem for p in (ROOT/'walkdl').glob('*.py') if not p.stem.startswith('_'))
BIN = ROOT/'.venv/bin' if (ROOT/'.venv/bin').exists() else None


def python(code, **env): return subprocess.run([sys.executable, '-c', code], cwd=ROOT, env=os.environ | env, capture_output=True, text=True)


def tracked(): return [ROOT/p for p in subprocess.check_output(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, text=True).split('\n') if p and (ROOT/p).is_file()]


def test_import_is_instant():
    "No heavy library comes with `import walkdl` (the seconds stand on the Scoreboard)"
    r = python("import sys, walkdl; print(sorted({'torch','numpy','pandas','matplotlib','fastai','IPython'} & sys.modules.keys()))")
    assert r.stdout.strip() == '[]', r.stdout + r.stderr


BLOCK = '''
import socket, importlib
def no(*a, **k): raise RuntimeError('a socket was opened at import')
socket.socket.__init__ = no
importlib.import_module({!r})
'''

@pytest.mark.parametrize('name', MODULES)
def test_no_socket_at_import(name):
    r = python(BLOCK.format(f'walkdl.{name}'))
    assert r.returncode == 0, r.stderr


def test_a_socket_at_import_is_caught(tmp_path):
    (tmp_path/'planted.py').write_text('import socket\nsocket.socket()')
    r = python(BLOCK.format('planted'), PYTHONPATH=str(tmp_path))
    assert 'a socket was opened at import' in r.stderr


@pytest.mark.parametrize('name', MODULES)
def test_public_names_have_docstrings(name):
    tree = ast.parse((ROOT/'walkdl'/f'{name}.py').read_text())
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


def test_installed_versions_are_the_pinned_ones():
    from importlib.metadata import version
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini')
    names = re.findall(r'(?:^|\s)([\w-]+)', f"{c['DEFAULT']['requirements']} {c['DEFAULT']['dev_requirements']}")
    pins = dict(l.lower().split('==') for l in (ROOT/'constraints.txt').read_text().split())
    for n in names:
        assert n.lower() in pins, f'{n} has no pin in constraints.txt'
        assert version(n).split('+')[0] == pins[n.lower()], f'{n}: {version(n)} installed, {pins[n.lower()]} pinned'


def test_address_stands_once():
    "The repository's address is derived from settings.ini, not written into sources"
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini')
    url = c['DEFAULT']['git_url']
    allowed = {'README.md', 'CITATION.cff', 'index.ipynb', '_modidx.py'}
    assert [p.name for p in tracked() if p.suffix in ('.py', '.ipynb', '.js', '.md', '.qmd', '.yml') and p.name not in allowed and url in p.read_text(errors='ignore')] == []
    for name in ('README.md', 'CITATION.cff', 'nbs/index.ipynb'): assert url in (ROOT/name).read_text(), f'{name} names another address than {url}'


def test_no_pickle_and_no_large_files():
    for p in tracked():
        assert p.suffix not in ('.pkl', '.pickle', '.pt', '.pth'), f'{p} may hold a pickle'
        assert p.stat().st_size <= 2_500_000, f'{p}: {p.stat().st_size/1e6:.1f} MB'
    weights = sum(p.stat().st_size for p in (ROOT/'walkdl/weights').glob('*'))
    assert weights <= 25_000_000


def test_each_checkpoint_has_its_card():
    for p in (ROOT/'walkdl/weights').glob('*.safetensors'):
        card = json.loads(p.with_suffix('.json').read_text())
        assert card['sha256'] == hashlib.sha256(p.read_bytes()).hexdigest(), p.name
        assert {'data', 'seed', 'seconds'} <= card.keys(), f'{p.stem}: the card lacks data, seed or seconds'


def test_an_empty_chapter_passes_the_checks(tmp_path):
    "`make chapter` lays out a notebook that runs and has the form of the others"
    r = subprocess.run([sys.executable, 'tools/chapter.py', '99_planted', 'A planted chapter', '--folder', str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr
    path = tmp_path/'99_planted.ipynb'
    r = subprocess.run([sys.executable, 'tools/run.py', 'run', str(path)], cwd=ROOT, capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr
    mirror = json.loads(path.read_text())
    kinds = [k for c in mirror['cells'] for o in c.get('outputs', []) for k in o.get('data', {}) if 'walkdl' in k]
    assert len(kinds) >= 3


def test_readme_is_made_of_the_front_page():
    from readme import readme
    assert (ROOT/'README.md').read_text() == readme(), 'README.md is not that of nbs/index.ipynb: run `make course`'
