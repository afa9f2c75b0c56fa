"""The runner: what makes a notebook stale, when its file is written, and how it fails."""
import errno, json, os, shutil, signal, subprocess, sys, time
from argparse import Namespace
import pytest
from conftest import ROOT
import gates, mutants, notebooks, run
from notebooks import Trouble, alike, fingerprint, imported, read, same_text, save

ARGS = Namespace(command='run', flags=set(), refresh=False)


def cell(source, text=None):
    outs = [dict(output_type='stream', name='stdout', text=text)] if text else []
    return dict(cell_type='code', id='c', metadata={}, execution_count=None, source=source,
                outputs=outs)


def plant(path, *cells):
    cells = [dict(c, id=f'c{i:03d}') for i, c in enumerate(cells)]
    nb = dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)
    save(path, json.dumps(nb))
    return path


def command(*args, tool='run', cwd=ROOT, **kw):
    return subprocess.run([sys.executable, f'tools/{tool}.py', *map(str, args)], cwd=cwd,
                          capture_output=True, text=True, **kw)


@pytest.fixture
def house(tmp_path, monkeypatch):
    "A house of one chapter, whose outputs are saved and whose code has not changed"
    places = dict(NBS='nbs', BOARD='nbs/scoreboard', BUILD='_build', MODELS='nbs/demos/models')
    for name, place in places.items():
        for tool in (notebooks, run):
            if hasattr(tool, name): monkeypatch.setattr(tool, name, tmp_path/place)
    monkeypatch.setattr(run, 'machine', lambda: 'this one')
    path = plant(tmp_path/'nbs/10_x.ipynb', cell('print(2.7)', '2.70\n'))
    (tmp_path/'_build/runs').mkdir(parents=True)
    settled(path)
    return path


def settled(path, machine='this one'):
    row = dict(machine=machine, code=notebooks.own(path), source=fingerprint(path), seconds=1, mb=1,
               claims=0, exercises=0)
    save(notebooks.BOARD/f'{path.stem}.json', json.dumps(row))


def runs_to(monkeypatch, text, args=ARGS):
    "Let a run of the chapter give this text"
    def execute(path, flags):
        nb = read(path)
        nb['cells'][0]['outputs'] = cell('', text)['outputs']
        return nb
    monkeypatch.setattr(run, 'execute', execute)
    monkeypatch.setattr(run, 'cut_network', lambda: None)
    return run.attempt(next(notebooks.NBS.glob('1*.ipynb')), args)


# ---------- what is written

def test_a_run_of_unchanged_code_writes_no_notebook(house, monkeypatch):
    before = house.read_bytes()
    assert runs_to(monkeypatch, '2.71\n') == {'source': fingerprint(house), 'renewed': False}
    assert house.read_bytes() == before and '2.71' in run.outputs(house).read_text()
    assert 'differs' in runs_to(monkeypatch, '3.20\n') and house.read_bytes() == before


def test_changed_code_saves_what_it_says(house, monkeypatch):
    plant(house, cell('print(2.71)', '2.70\n'))
    assert runs_to(monkeypatch, '2.71\n')['renewed'] and '2.71\\n' in house.read_text()


@pytest.mark.parametrize('machine, said', [('this one', '2.71'), ('another', '2.70')])
def test_another_processor_keeps_what_is_alike(house, monkeypatch, machine, said):
    settled(house, machine)
    monkeypatch.setattr(notebooks, 'fingerprint', lambda p: 'a module changed')
    runs_to(monkeypatch, '2.71\n')
    assert f'{said}\\n' in house.read_text()


def test_times_are_no_news(house, monkeypatch):
    plant(house, cell('#| timing: true\nprint(2.7)', '2.70 s\n'))
    settled(house)
    monkeypatch.setattr(notebooks, 'fingerprint', lambda p: 'a module changed')
    runs_to(monkeypatch, '9.10 s\n')
    assert '2.70' in house.read_text()
    runs_to(monkeypatch, '9.10 s\n', Namespace(command='run', flags=set(), refresh=True))
    assert '9.10' in house.read_text()


def test_a_second_run_that_says_something_else_is_told(house, monkeypatch):
    runs_to(monkeypatch, '2.70\n')
    save(run.result(house), json.dumps({'source': fingerprint(house)}))
    assert 'on each run' in runs_to(monkeypatch, '2.71\n')['unsteady']


def test_models_are_put_back(tmp_path):
    model = tmp_path/'m.onnx'
    model.write_bytes(b'saved')
    with run.unchanged([model]): model.write_bytes(b'other digits')
    assert model.read_bytes() == b'saved'


# ---------- alike

@pytest.mark.parametrize('a, b, same', [
    ('0.971 right', '0.969 right', True), ('0.971 right', '0.891 right', False),
    ('2.7', '2.8', True), ('97 right', '97 wrong', False), ('3 of 5', '4 of 5', False),
    ('1,234', '1,250', True), ('1,234', '1,434', False),
    ('1.2e-07', '2.3e-07', True), ('0.01', '0.05', False), ('nan', '1', False),
    ('-0.5', '0.5', False)])
def test_alike_is_strict(a, b, same):
    assert same_text(a, b) is same
    assert alike(cell('', a)['outputs'], cell('', b)['outputs'], cell('')) is same


def test_a_cell_states_another_tolerance():
    a, b = (cell('', t)['outputs'] for t in ('0.5', '0.6'))
    assert not alike(a, b, cell('x')) and alike(a, b, cell('#| tolerance: .3\nx'))
    assert alike(a, b, cell('#| timing: true\nx'))


# ---------- the fingerprint

def test_an_edited_cell_is_stale_and_a_described_picture_is_not(house):
    before = fingerprint(house)
    plant(house, cell('#| fig-alt: "A line"\nprint(2.7)'))
    assert fingerprint(house) == before
    plant(house, cell('print(2.8)'))
    assert 'its code changed' in notebooks.stale(house)


@pytest.mark.parametrize('folder, code', [
    ('WEIGHTS', "load('x/net')"), ('WEIGHTS', "load(f'x/{k}')"),
    ('WEIGHTS', "claim(seeds='x/net')"), ('MODELS', "models('net.json')"),
    ('MODELS', "models(f'ne{k}.json')")])
def test_what_a_notebook_loads_makes_it_stale(house, monkeypatch, tmp_path, folder, code):
    place = tmp_path/'store'
    monkeypatch.setattr(notebooks, 'ROOT', tmp_path)
    monkeypatch.setattr(notebooks, folder, place)
    file = place/'x'/'net.json' if folder == 'WEIGHTS' else place/'net.json'
    save(file, 'one')
    plant(house, cell(code))
    before = fingerprint(house)
    save(file, 'another')
    assert fingerprint(house) != before


def test_a_changed_module_makes_its_users_stale(monkeypatch, tmp_path):
    monkeypatch.setattr(notebooks, 'LIB', tmp_path)
    path = plant(tmp_path/'10_x.ipynb', cell('from walkdl.a import *'))
    save(tmp_path/'a.py', '# %% ../nbs/00_a.ipynb #c003\nfrom .exercises import b\n'
                          'from walkdl.exercises.b import f')
    save(tmp_path/'exercises/b.py', 'from ..c import d')
    save(tmp_path/'c.py', 'd = 1')
    before = fingerprint(path)
    save(tmp_path/'a.py', (tmp_path/'a.py').read_text().replace('c003', 'c004'))
    assert fingerprint(path) == before, 'the place of a cell is no change'
    save(tmp_path/'c.py', 'd = 2')
    assert fingerprint(path) != before


def test_imports_are_read_as_python():
    text = ('s = "from walkdl.gans import x"\n%matplotlib inline\n'
            'import walkdl.cnns as c, walkdl.core\ndef f():\n    from walkdl import data')
    assert imported(text) == {'cnns', 'core', 'data'}
    assert imported('from .core import claim\nfrom . import data') == {'core', 'data'}
    assert imported('from ..core import claim', 'walkdl.exercises') == {'core'}


# ---------- faults, in a sentence each

@pytest.mark.parametrize('broken', ['', '{"source": "12', '[]'])
def test_a_truncated_result_or_scoreboard_heals(house, broken):
    save(run.result(house), broken)
    assert not run.ran(house)
    save(notebooks.BOARD/'10_x.json', broken)
    assert notebooks.stale(house) == 'never run' and notebooks.scoreboard()['notebooks'] == {}


def test_a_broken_notebook_is_a_sentence(tmp_path):
    save(tmp_path/'x.ipynb', '{"cells": [')
    with pytest.raises(Trouble, match='is not a notebook'): read(tmp_path/'x.ipynb')
    r = command('run', tmp_path/'none.ipynb')
    assert r.returncode == 1 and 'there is no notebook' in r.stdout
    assert 'Traceback' not in r.stdout + r.stderr


def test_a_full_disk_is_a_sentence_and_leaves_nothing(house, monkeypatch, capsys):
    before = house.read_bytes()
    def no_room(self, *a, **k):
        open(self, 'w').close()
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(run.Path, 'write_text', no_room)
    runs_to_full = lambda *a: (_ for _ in ()).throw(OSError(errno.ENOSPC, 'full'))
    with pytest.raises(OSError): save(house, 'half')
    assert house.read_bytes() == before and not list(house.parent.glob('*.part'))
    monkeypatch.setattr(run, 'start', runs_to_full)
    monkeypatch.setattr(sys, 'argv', ['run.py', 'run'])
    assert run.main() == 1 and 'No room on the disk' in capsys.readouterr().out
    assert 'no room on the disk' in run.outcome(house, run.FULL << 8, 1)['error']


def test_folders_with_spaces_and_umlauts_in_a_plain_locale(tmp_path):
    path = plant(tmp_path/'ein Ordner für Ä'/'kürzer.ipynb',
                 cell("import os\nprint('ä', os.environ.get('WALKDL_SLOW'))"))
    plain = {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0', 'WALKDL_SLOW': '1'}
    r = command('run', path, env=os.environ | plain, encoding='utf-8')
    assert r.returncode == 0 and 'ä None' in path.read_text(encoding='utf-8'), r.stdout + r.stderr


def test_two_runs_at_once_and_a_stop(tmp_path):
    path = plant(tmp_path/'long.ipynb', cell(
        'import subprocess, pathlib\np = subprocess.Popen(["sleep", "600"])\n'
        'pathlib.Path("begun").write_text(str(p.pid))\np.wait()'))
    before = path.read_bytes()
    first = subprocess.Popen([sys.executable, 'tools/run.py', 'run', str(path)], cwd=ROOT,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(600):
            if (tmp_path/'begun').exists() and (tmp_path/'begun').read_text(): break
            time.sleep(.1)
        second = command('run', path)
        assert second.returncode == 1, second.stdout
        assert 'another command runs this notebook' in second.stdout, second.stdout
        first.send_signal(signal.SIGINT)
        said, _ = first.communicate(timeout=30)
    finally: first.kill()
    assert first.returncode == 1 and 'Stopped' in said and 'Traceback' not in said, said
    assert path.read_bytes() == before
    ps = ['ps', '-o', 'stat=', '-p', (tmp_path/'begun').read_text()]
    state = subprocess.run(ps, capture_output=True, text=True).stdout.strip()
    assert state[:1] in ('', 'Z'), 'what the notebook started was left running'


# ---------- an empty chapter, and faults planted in it

@pytest.fixture(scope='module')
def laid_out(tmp_path_factory):
    "A copy of the house with one more chapter, laid out by `make chapter`"
    home = tmp_path_factory.mktemp('house')
    (home/'nbs').mkdir()
    without = shutil.ignore_patterns('weights', '__pycache__')
    for name in ('walkdl', 'tools'): shutil.copytree(ROOT/name, home/name, ignore=without)
    for name in ('settings.ini', 'pyproject.toml', '_quarto.yml', 'nbs/refs.bib'):
        shutil.copy(ROOT/name, home/name)
    r = command('99_planted', 'A planted chapter', tool='chapter', cwd=home,
                env=os.environ | {'PYTHONPATH': str(home)})
    assert r.returncode == 0, r.stdout + r.stderr
    return home, home/'nbs/99_planted.ipynb'


def test_an_empty_chapter_passes_the_gates(laid_out, monkeypatch):
    home, path = laid_out
    rows = notebooks.ledger(path)
    assert {r['kind'] for r in rows} == set(notebooks.KINDS)
    solved, proved = ({r['name'] for r in rows if r.get(k)} for k in ('solved', 'rejects'))
    assert solved == proved and len(solved) == 3
    assert gates.findings(path) == []
    monkeypatch.setattr(notebooks, 'LIB', home/'walkdl')
    text = (home/'walkdl/exercises/planted.py').read_text(encoding='utf-8')
    assert imported(text, 'walkdl.exercises') == {'core', 'planted'}
    assert len(mutants.exercises(path)) == 3


def test_an_empty_chapter_says_what_its_name_must_be(laid_out):
    home, _ = laid_out
    wrong = {'topic': 'a number and a name', '99_other': 'is taken', '98_planted': 'is a chapter'}
    for name, said in wrong.items():
        r = command(name, tool='chapter', cwd=home)
        assert r.returncode == 1 and said in r.stderr and 'Traceback' not in r.stderr, r.stderr


IN_NOTEBOOK = { # what is put in the place of what, and what the check says
    'a false bound': ('at_most=.52', 'at_most=.1', 'does not hold: measured'),
    'a bound that the null would pass': ('at_most=.52', 'at_most=9', 'says nothing'),
    'a run outside its seeds': ('y), 0), at_most', 'y), 0) - .2, at_most', 'lies outside'),
    'a wrong solution': ('2 + 1.1*1/4.4', '2 + 1.1', 'does not move the slope'),
    'a connection': ('x, y = points(0)', 'import socket; socket.create_connection'
                     "(('192.0.2.1', 80), timeout=1)", 'without network')}
ELSEWHERE = {
    'a sabotaged seed': ('walkdl/weights/planted/seeds.json', '0.4', '0.9', 'not for every seed'),
    'a checker that accepts all': (
        'walkdl/exercises/planted.py', 'if a == 2:', 'return;', 'passes')}


def test_faults_planted_in_a_notebook_are_caught(laid_out):
    home, path = laid_out
    text, names = path.read_text(encoding='utf-8'), []
    for i, (old, new, _) in enumerate(IN_NOTEBOOK.values()):
        assert old in text
        names.append(f'nbs/9{i}_fault.ipynb')
        save(home/names[-1], text.replace(old, new))
    said = command('check', *names, cwd=home).stdout
    for name in names: (home/name).unlink()
    missed = [fault for fault, (_, _, why) in IN_NOTEBOOK.items() if why not in said]
    assert not missed and f'0 passed, {len(names)} failed' in said, f'{missed}\n{said}'


@pytest.mark.parametrize('fault', ELSEWHERE)
def test_a_fault_planted_elsewhere_is_caught(laid_out, fault):
    home, path = laid_out
    place, old, new, why = ELSEWHERE[fault]
    before = (home/place).read_text(encoding='utf-8')
    assert old in before
    try:
        save(home/place, before.replace(old, new))
        said = command('check', path, cwd=home).stdout
    finally: save(home/place, before)
    assert why in said and '1 failed' in said, said


def test_a_planted_number_and_a_lost_null_are_caught(laid_out, tmp_path):
    text = laid_out[1].read_text(encoding='utf-8')
    faults = {'it looks at no input': 'it misses by 0.71', '"null": "null': '"lost": "null'}
    for old, new in faults.items():
        assert old in text
        text = text.replace(old, new)
    save(tmp_path/'99_planted.ipynb', text)
    assert {(f.gate, f.what.split()[0]) for f in gates.findings(tmp_path/'99_planted.ipynb')} == {
        ('number', '0.71'), ('null', '≤'), ('null', '≥')}
