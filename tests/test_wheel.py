"""What `pip install walkdl` gives: sdist, wheel, and a clean environment with the newest of all."""
import hashlib, os, re, shutil, subprocess, sys, tarfile, zipfile
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path
import pytest
from conftest import ROOT

ENV = ROOT/'.venv-wheel'
PYTHON = ENV/'bin/python'
HEAVY = r'(torch|torchvision|triton|nvidia-.*|cuda-.*)$'


def sh(*args, **kw):
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True, **kw)
    assert r.returncode == 0, f"{' '.join(map(str, args))}\n{r.stdout[-2000:]}\n{r.stderr[-2000:]}"
    return r.stdout


def settings():
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini')
    return c['DEFAULT']


def sources():
    listed = sh('git', 'ls-files', '-co', '--exclude-standard', cwd=ROOT).splitlines()
    return [p for p in listed if (ROOT/p).is_file()]


@pytest.fixture(scope='session')
def built(tmp_path_factory):
    "The sdist, and the wheel that is built from nothing but it; the sources stay as they were"
    out, source = tmp_path_factory.mktemp('dist'), tmp_path_factory.mktemp('source')
    for p in sources():
        (source/p).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT/p, source/p)
    sh(sys.executable, '-m', 'build', '--no-isolation', '--outdir', out, source)
    made = {p.name for p in source.iterdir()} - {p.name for p in ROOT.iterdir()} - {'build'}
    assert all(n.endswith('.egg-info') for n in made), f'the build leaves {made} behind'
    assert not [p for p in sources() if (source/p).read_bytes() != (ROOT/p).read_bytes()]
    return next(out.glob('*.tar.gz')), next(out.glob('*.whl'))


@pytest.fixture(scope='session')
def wheel(built): return built[1]


def link(name, site):
    "The files of an installed package once more, as hard links: CUDA need not be fetched again"
    for f in metadata.distribution(name).files:
        if '..' in f.parts: continue
        to = site/f
        to.parent.mkdir(parents=True, exist_ok=True)
        try: os.link(f.locate(), to)
        except OSError: shutil.copy(f.locate(), to)


@pytest.fixture(scope='session')
def clean(wheel):
    "Third-party packages are installed once for each set of requirements, the wheel always"
    stamp = ENV/'requirements.sha256'
    want = hashlib.sha256(settings()['requirements'].encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != want:
        shutil.rmtree(ENV, ignore_errors=True)
        sh(sys.executable, '-m', 'venv', ENV)
        site = sh(PYTHON, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))').strip()
        for d in metadata.distributions():
            if re.match(HEAVY, d.name.lower()): link(d.name, Path(site))
        torch = [f'{n}=={metadata.version(n)}' for n in ('torch', 'torchvision')]
        sh(PYTHON, '-m', 'pip', 'install', '--quiet', *torch, wheel)
        stamp.write_text(want)
    only = ['--no-deps', '--no-index', '--force-reinstall']
    sh(PYTHON, '-m', 'pip', 'install', '--quiet', *only, wheel)
    return PYTHON


def test_the_wheel_holds_the_package_and_the_notebooks(built):
    "All modules, weights and chapters; neither the notebooks of the checkers nor anything else"
    sdist, wheel = built
    also = r'walkdl/(constraints\.txt|nbs/(scoreboard|images)/)'
    inside = {n for n in zipfile.ZipFile(wheel).namelist() if '.dist-info/' not in n}
    want = {p for p in sources() if re.match(r'walkdl/(.*\.py|weights/.+/.+)$', p)}
    shown = r'nbs/([^/]+\.ipynb|demos/.+|refs\.bib)$'
    want |= {f'walkdl/{p}' for p in sources() if re.match(shown, p)}
    assert not (lost := want - inside), f'not in the wheel: {sorted(lost)}'
    assert not (more := {n for n in inside - want if not re.match(also, n)}), more
    roots = {n.split('/')[1] for n in tarfile.open(sdist).getnames() if '/' in n}
    assert {'settings.ini', 'constraints.txt', 'LICENSE', 'README.md', 'walkdl', 'nbs'} <= roots


def test_each_extra_is_part_of_learn(wheel):
    files = zipfile.ZipFile(wheel)
    about = files.read(next(n for n in files.namelist() if n.endswith('METADATA'))).decode()
    extras = {}
    for need, extra in re.findall(r'^Requires-Dist: (\S+?); extra == "(\w+)"', about, re.M):
        extras.setdefault(extra, set()).add(need)
    chapters = extras.keys() - {'dev', 'learn'}
    assert len(chapters) > 5
    assert not [k for k in chapters if not extras[k] <= extras['learn']]


def test_every_module_imports(clean, tmp_path):
    code = '''
import importlib, pathlib, walkdl
root = pathlib.Path(walkdl.__file__).parent
files = [p for p in root.rglob("*.py") if not p.stem.startswith("_")]
names = [p.relative_to(root).with_suffix("").parts for p in files]
for n in names: importlib.import_module(".".join(("walkdl", *n)))
print(len(names))'''
    n = sh(clean, '-W', 'ignore', '-c', code, cwd=tmp_path)
    here = [p for p in (ROOT/'walkdl').rglob('*.py') if not p.stem.startswith('_')]
    assert int(n) == len(here)


def test_wheel_installs_without_nbdev_and_its_pins(clean):
    listed = sh(clean, '-m', 'pip', 'list', '--format=freeze')
    assert not re.search(r'^(nbdev|jupyterlab)==', listed, re.M)
    assert int(re.search(r'^fastcore==(\d+)', listed, re.M)[1]) >= 2, 'an old fastcore'
    assert 'No broken requirements' in sh(clean, '-m', 'pip', 'check')


def test_a_learner_gets_the_notebooks(clean, tmp_path):
    command = ENV/'bin/walkdl'
    said = sh(command, 'learn', 'walk', '--no-open', '--no_install', cwd=tmp_path)
    chapters = sorted(p.name for p in (ROOT/'nbs').glob('[0-9]*.ipynb'))
    assert sorted(p.name for p in (tmp_path/'walk').glob('*.ipynb')) == chapters, said
    assert 'Compare this machine' in sh(command, '--help', cwd=tmp_path)
    assert 'processors' in sh(command, 'doctor', cwd=tmp_path)


def test_the_live_models_travel_with_the_wheel(clean, tmp_path):
    code = 'from walkdl.cli import notebooks_dir; print(*(notebooks_dir()/"demos").glob("*.js"))'
    assert 'base.js' in sh(clean, '-c', code, cwd=tmp_path)
