"""What `pip install walkdl` gives: the wheel in a clean environment with the newest of what it asks for."""
import hashlib, re, shutil, subprocess, sys
from configparser import ConfigParser
import pytest
from conftest import ROOT

ENV = ROOT/'.venv-wheel'
PYTHON = ENV/'bin/python'


def sh(*args, **kw):
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True, **kw)
    assert r.returncode == 0, f"{' '.join(map(str, args))}\n{r.stdout[-2000:]}\n{r.stderr[-2000:]}"
    return r.stdout


@pytest.fixture(scope='session')
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp('dist')
    source = tmp_path_factory.mktemp('source')/'walkdl'
    skip = shutil.ignore_patterns('.*', 'node_modules', '_*', 'build', 'dist', '*.egg-info', '__pycache__')
    shutil.copytree(ROOT, source, ignore=lambda d, names: {n for n in skip(d, names) if n not in ('__init__.py', '_modidx.py')})
    sh(sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', out, source)
    return next(out.glob('*.whl'))


@pytest.fixture(scope='session')
def clean(wheel):
    "The clean environment: its third-party packages are installed once for each set of requirements, the wheel always"
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini')
    want, stamp = hashlib.sha256(c['DEFAULT']['requirements'].encode()).hexdigest(), ENV/'requirements.sha256'
    if not stamp.exists() or stamp.read_text() != want:
        shutil.rmtree(ENV, ignore_errors=True)
        sh(sys.executable, '-m', 'venv', ENV)
        torch = [l for l in (ROOT/'constraints.txt').read_text().split() if re.match(r'torch(vision)?==', l)]
        sh(PYTHON, '-m', 'pip', 'install', '--quiet', *torch, wheel)
        stamp.write_text(want)
    sh(PYTHON, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--force-reinstall', wheel)
    return PYTHON


def test_every_module_imports(clean, tmp_path):
    code = '''
import importlib, pathlib, walkdl
names = sorted(p.stem for p in pathlib.Path(walkdl.__file__).parent.glob("*.py") if not p.stem.startswith("_"))
for n in names: importlib.import_module("walkdl." + n)
print(len(names))'''
    n = sh(clean, '-W', 'ignore', '-c', code, cwd=tmp_path)
    assert int(n) == len([p for p in (ROOT/'walkdl').glob('*.py') if not p.stem.startswith('_')])


def test_wheel_installs_without_nbdev_and_its_pins(clean):
    listed = sh(clean, '-m', 'pip', 'list', '--format=freeze')
    assert not re.search(r'^(nbdev|jupyterlab)==', listed, re.M)
    assert int(re.search(r'^fastcore==(\d+)', listed, re.M)[1]) >= 2, 'the clean environment holds an old fastcore'
    assert 'No broken requirements' in sh(clean, '-m', 'pip', 'check')


def test_a_learner_gets_the_notebooks(clean, tmp_path):
    command = ENV/'bin/walkdl'
    said = sh(command, 'learn', 'walk', '--no-open', '--no_install', cwd=tmp_path)
    chapters = sorted(p.name for p in (ROOT/'nbs').glob('[0-9]*.ipynb'))
    assert sorted(p.name for p in (tmp_path/'walk').glob('*.ipynb')) == chapters, said
    assert 'Compare this machine' in sh(command, '--help', cwd=tmp_path)
    assert 'processors' in sh(command, 'doctor', cwd=tmp_path)


def test_the_live_models_travel_with_the_wheel(clean, tmp_path):
    code = 'from walkdl.cli import notebooks_dir; print(sorted(p.name for p in (notebooks_dir()/"demos").glob("*.js")))'
    assert 'base.js' in sh(clean, '-c', code, cwd=tmp_path)
