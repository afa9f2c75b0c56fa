"""The notebooks are tests: each is run offline, from top to bottom, and compared."""
import re, subprocess, sys
import pytest
from conftest import ROOT
from notebooks import (LESSON, LONG, LONGER, chapters, code, entry, imported, kept, ledger, module,
                       number, read, source, stale)
from run import FAULTS, result

CHAPTERS = chapters()
NAMED = dict(argvalues=CHAPTERS, ids=lambda p: p.stem)


def run(*args):
    command = [sys.executable, 'tools/run.py', *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope='session')
def checked():
    "All notebooks, run once, two at a time, with the network cut"
    return run('check', *CHAPTERS)


@pytest.mark.parametrize('path', **NAMED)
def test_runs_and_gives_its_saved_outputs(path, checked):
    r = kept(result(path))
    assert r, f'{path.name} was not run:\n{checked.stdout[-2000:]}{checked.stderr[-2000:]}'
    assert not FAULTS & r.keys(), '\n'.join(r[k] for k in FAULTS & r.keys())


@pytest.mark.parametrize('path', **NAMED)
def test_outputs_belong_to_this_code(path):
    assert not (why := stale(path)), f'{path.name}: {why}; run `make course` and commit the result'


KB = 450 # of a notebook, most of it pictures of 144 dots an inch
SLACK = 1.2 # another processor, or a busy one, takes other seconds for the same work


@pytest.mark.parametrize('path', **NAMED)
def test_a_lesson_takes_half_a_minute(path):
    "As recorded when its outputs were saved: seconds of one core, not of the clock"
    took, limit = entry(path)['seconds'], LONG if path.stem in LONGER else LESSON
    assert took <= SLACK*limit, (f'{path.name}: {took} s, at most {limit} s: train in a slow cell '
                                 'and ship the weights, or measure on less')


def test_five_lessons_at_most_take_longer():
    assert len(LONGER) <= 5 and LONGER.keys() <= {p.stem for p in CHAPTERS}
    assert all(len(why.split()) > 4 for why in LONGER.values()), 'each says why'


FLOORS = {module(p): number(p) for p in CHAPTERS if module(p)}


def wrong_way(mine, text, package='walkdl'):
    "Modules that a text imports and that lie not below; an exercise lies on its chapter's floor"
    def below(m):
        floor = FLOORS.get(m.removeprefix('exercises.'))
        return floor and (floor < mine or m.startswith('exercises.') and floor == mine)
    return {m for m in imported(text, package) if not below(m)}


# the front page, and the rooms, which fetch a name only when it is asked for
REACH_UP = {'index', '06_library'}


LEVEL = [p for p in CHAPTERS if p.stem not in REACH_UP]


@pytest.mark.parametrize('path', LEVEL, ids=lambda p: p.stem)
def test_imports_only_from_lower_numbers(path):
    mine, name = number(path), module(path)
    bad = wrong_way(mine, code(path)) - {name}
    assert not bad, f'{path.name} imports {bad}, which lie not below it'
    for m in (name, f'exercises.{name}'):
        if not (file := ROOT/'walkdl'/f"{str(m).replace('.', '/')}.py").exists(): continue
        package = '.'.join(['walkdl', *m.split('.')[:-1]])
        bad = wrong_way(mine, file.read_text(encoding='utf-8'), package) - {name}
        assert not bad, f'walkdl.{m} imports {bad}, which lie not below it'


@pytest.mark.parametrize('line', ['from walkdl.gans import GAN', 'from walkdl import gans',
                                  'import walkdl.gans as g', 'from walkdl.exercises.gans import *',
                                  'def f():\n    from walkdl.gans import *'])
def test_an_import_from_above_is_caught(line):
    assert wrong_way((20, ''), line)
    assert not wrong_way((20, ''), 'from walkdl.core import claim')


@pytest.mark.parametrize('path', [p for p in CHAPTERS if p.stem != 'index'], ids=lambda p: p.stem)
def test_three_to_six_exercises(path):
    text = '\n'.join(source(c) for c in read(path)['cells'] if c['cell_type'] == 'markdown')
    assert 3 <= len(re.findall(r'^### Exercise \d', text, re.M)) <= 6, path.name


@pytest.mark.parametrize('path', **NAMED)
def test_form(path):
    nb = read(path)
    first = source(nb['cells'][0])
    assert re.match(r'# \S.*\n\n> \S', first), f'{path.name}: first a title and a one-line promise'
    size = path.stat().st_size/1000
    assert size <= KB, f'{path.name}: {size:.0f} kB, at most {KB}'
    for i, c in enumerate(nb['cells']):
        if c['cell_type'] != 'code': continue
        outs = c['outputs']
        where = f'{path.name}, cell {i}'
        assert not any(o['output_type'] == 'error' for o in outs), f'{where}: an error is saved'
        if any(k.startswith('image/') for o in outs for k in o.get('data', {})):
            assert re.search(r'#\| fig-alt: "?\S', source(c)), f'{where}: a picture without alt'


def test_sources_of_claims_are_in_the_bibliography():
    bib = (ROOT/'nbs/refs.bib').read_text()
    author, year = r'author\s*=\s*[{"](.+?)[}"]\s*[,\n]', r'year\s*=\s*[{"]?(\d{4})'
    entries = re.split(r'^@', bib, flags=re.M)[1:]
    known = [(a[1], y[1]) for e in entries
             if (a := re.search(author, e, re.S)) and (y := re.search(year, e))]
    for p in CHAPTERS:
        for r in ledger(p):
            if not r.get('by'): continue
            name, year = re.match(r'\W*(?:van der |von )?([\w\'’-]+).*?(\d{4})', r['by']).groups()
            said = f"{p.name}: '{r['by']}' stands not in nbs/refs.bib"
            assert any(name in a and year == y for a, y in known), said
