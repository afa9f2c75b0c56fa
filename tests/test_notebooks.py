"""The notebooks are tests: each is run offline from top to bottom and compared with what is saved in it."""
import json, math, re, subprocess, sys
import pytest
from conftest import ROOT
from notebooks import BUILD, chapters, directives, ledger, needs, module, code, imported, read, source, stale

CHAPTERS = chapters()
NUMBER = re.compile(r'-?\d[\d,]*\.?\d*(?:e-?\d+)?')


def run(*args): return subprocess.run([sys.executable, 'tools/run.py', *map(str, args)], cwd=ROOT, capture_output=True, text=True)


def outcome(stem): return json.loads((BUILD/'runs'/f'{stem}.json').read_text())


@pytest.fixture(scope='session')
def checked():
    "Run all notebooks once, two at a time, with the network cut"
    return run('check', '--differs-ok', *CHAPTERS).stdout


def saved_here(stem):
    board = BUILD/'scoreboard.json'
    return board.exists() and stem in json.loads(board.read_text())['notebooks']


def alike(a, b):
    "The same text, with numbers that another kind of processor may give"
    close = lambda x, y: math.isclose(float(x.replace(',', '')), float(y.replace(',', '')), rel_tol=.2, abs_tol=.05)
    return NUMBER.sub('#', a) == NUMBER.sub('#', b) and all(map(close, NUMBER.findall(a), NUMBER.findall(b)))


def texts(nb):
    return [json.dumps([o.get('text') or {k: v for k, v in o['data'].items() if not k.startswith('image/')} for o in c['outputs']])
            for c in nb['cells'] if c['cell_type'] == 'code' and 'timing' not in directives(source(c))]


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_runs_and_gives_its_saved_outputs(path, checked):
    r = outcome(path.stem)
    assert 'error' not in r, f"{path.name}:\n{r.get('error')}"
    if 'differs' not in r: return
    assert not saved_here(path.stem), f"{path.name} gave other outputs on this machine before: {r['differs']}"
    first = (BUILD/'runs'/path.name).read_text()
    run('check', '--differs-ok', path)
    assert (BUILD/'runs'/path.name).read_text() == first, f'{path.name} gives other outputs on each run'
    bad = [a for a, b in zip(texts(json.loads(first)), texts(read(path))) if not alike(a, b)]
    assert not bad, f'{path.name} says something else than its saved outputs: {bad[0][:500]}'


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_outputs_belong_to_this_code(path):
    assert not (why := stale(path)), f'{path.name}: {why}; run `make course` and commit the result'


def test_an_edited_cell_is_caught(tmp_path):
    nb = read(ROOT/'nbs/00_core.ipynb')
    cell = next(c for c in nb['cells'] if 'mean_throw(42)' in source(c))
    cell['source'] = source(cell) + '\n1 + 1'
    (tmp_path/'00_core.ipynb').write_text(json.dumps(nb))
    assert 'changed' in stale(tmp_path/'00_core.ipynb')


def test_a_changed_module_makes_its_users_stale(monkeypatch, tmp_path):
    import notebooks
    for p in (ROOT/'walkdl').glob('*.py'): (tmp_path/p.name).write_text(p.read_text())
    monkeypatch.setattr(notebooks, 'LIB', tmp_path)
    user = next(p for p in CHAPTERS if 'core' in needs(code(p)) - {module(p)})
    assert not stale(user)
    (tmp_path/'core.py').write_text('changed = True')
    assert stale(user)


def planted(tmp_path, old, new, name='00_core.ipynb'):
    text = (ROOT/'nbs'/name).read_text()
    assert old in text
    (tmp_path/f'planted_{name}').write_text(text.replace(old, new, 1))
    return run('check', '--differs-ok', tmp_path/f'planted_{name}')


def test_a_false_bound_fails_the_notebook(tmp_path):
    r = planted(tmp_path, "sum(tosses)/1000, between=(.45, .55)", "sum(tosses)/1000, between=(.6, .7)")
    assert r.returncode == 1 and 'does not hold: measured' in r.stdout, r.stdout + r.stderr


def test_a_checker_that_accepts_everything_fails_the_notebook(tmp_path):
    r = planted(tmp_path, "if b != .96: return", "if False: return")
    assert r.returncode == 1 and 'planted wrong answer' in r.stdout, r.stdout + r.stderr


def test_a_connection_fails_the_check(tmp_path):
    r = planted(tmp_path, "tosses = [", "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)\\n\",\n    \"tosses = [")
    assert r.returncode == 1 and 'without network' in r.stdout, r.stdout + r.stderr


def wrong_way(number, text, numbers):
    "Modules that a notebook imports although their number is not lower"
    return {m for m in imported(text) if m in numbers and numbers[m] >= number}


def test_chapters_import_only_from_lower_numbers():
    order = lambda p: re.match(r'(\d+)(\w?)_', p.name).groups()
    numbers = {module(p): order(p) for p in CHAPTERS if module(p)}
    for p in CHAPTERS:
        if p.stem == 'index': continue
        bad = wrong_way(order(p), code(p), numbers) - {module(p)}
        assert not bad, f'{p.name} imports {bad}, which stand in the same or a higher number'
        if module(p): assert not wrong_way(order(p), (ROOT/'walkdl'/f'{module(p)}.py').read_text(), numbers)
    assert wrong_way(('11', ''), 'from walkdl.cnns import LeNet5', {'cnns': ('20', '')}) == {'cnns'}


@pytest.mark.parametrize('path', [p for p in CHAPTERS if p.stem != 'index'], ids=lambda p: p.stem)
def test_exercises_are_solved_and_their_checkers_proved(path):
    rows = [r for r in ledger(path) if r['kind'] == 'exercise']
    solved = {r['name'] for r in rows if r.get('solved')}
    proved = {r['name'] for r in rows if r.get('rejects', 0) > 0}
    assert solved == proved, f'{path.name}: solved {solved}, proved with wrong answers {proved}'
    text = '\n'.join(source(c) for c in read(path)['cells'] if c['cell_type'] == 'markdown')
    assert 3 <= len(re.findall(r'^### Exercise \d', text, re.M)) <= 6, f'{path.name}: three to five exercises'


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_form(path):
    nb = read(path)
    first = source(nb['cells'][0])
    assert re.match(r'# \S.*\n\n> \S', first), f'{path.name}: begins with a title and a one-line promise'
    assert path.stat().st_size <= 300_000, f'{path.name}: {path.stat().st_size/1000:.0f} kB, at most 300'
    for i, c in enumerate(nb['cells']):
        if c['cell_type'] != 'code': continue
        outs = c['outputs']
        assert not any(o['output_type'] == 'error' for o in outs), f'{path.name}, cell {i}: an error is saved'
        if any(k.startswith('image/') for o in outs for k in o.get('data', {})):
            assert re.search(r'#\| fig-alt: "?\S', source(c)), f'{path.name}, cell {i}: a picture without alt text'


def test_sources_of_claims_are_in_the_bibliography():
    bib = (ROOT/'nbs/refs.bib').read_text()
    entries = [(re.search(r'author\s*=\s*[{"](.+?)[}"]\s*[,\n]', e, re.S), re.search(r'year\s*=\s*[{"]?(\d{4})', e)) for e in re.split(r'^@', bib, flags=re.M)[1:]]
    known = [(a[1], y[1]) for a, y in entries if a and y]
    for p in CHAPTERS:
        for r in ledger(p):
            if not r.get('by'): continue
            name, year = re.match(r'\W*(?:van der |von )?([\w\'’-]+).*?(\d{4})', r['by']).groups()
            assert any(name in a and year == y for a, y in known), f"{p.name}: '{r['by']}' stands not in nbs/refs.bib"
