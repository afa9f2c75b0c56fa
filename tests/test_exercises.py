"""All exercises: junk is refused, mutants of the shown solutions are refused or explained."""
import importlib, math, time
import pytest
from conftest import ROOT
import mutants
from notebooks import chapters, kept, ledger, module
from walkdl.core import Exercise

CHAPTERS = [p for p in chapters() if p.stem != 'index']
MODULES = sorted(p.stem for p in (ROOT/'walkdl/exercises').glob('[a-z]*.py'))
JUNK = {'nan': math.nan, 'inf': math.inf, '-inf': -math.inf, 'None': None, "''": '', '[]': [],
        '()': (), '{}': {}, '...': ..., 'an object': object(), 'a stub': lambda x: None,
        'nothing but nan': lambda *a, **k: math.nan,
        'always an object': lambda *a, _c=object(), **k: _c}
FEW, ENOUGH = 5, .9 # planted wrong answers for each exercise; share of refusals that are a sentence


def held(name):
    "The exercises of a module"
    module = importlib.import_module(f'walkdl.exercises.{name}')
    return [x for x in vars(module).values() if isinstance(x, Exercise)]


def junk_faults(exercise):
    "The junk that an exercise accepts, or refuses without a sentence"
    said = {k: exercise.problem(junk) for k, junk in JUNK.items()}
    return {k: s for k, s in said.items() if s is None or len(s.split()) < 3}


@pytest.mark.parametrize('name', MODULES)
def test_junk_is_refused_in_a_sentence(name):
    exercises = held(name)
    assert exercises and not (bad := {x.name: f for x in exercises if (f := junk_faults(x))}), bad


def test_an_exercise_that_accepts_junk_is_caught():
    careless = Exercise('x', lambda a: 'too far' if abs(a - 1) > .1 else None)
    assert careless.problem(math.nan) and careless.problem(2) and not careless.problem(1)
    assert junk_faults(Exercise('x', lambda a: None)) and junk_faults(Exercise('x', lambda a: 'no'))


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_each_checker_has_been_proved(path):
    "Solved by the solution shown, then tried with planted wrong answers and junk made of it"
    rows = [r for r in ledger(path) if r['kind'] == 'exercise']
    solved, proved = ({r['name']: r for r in rows if k in r} for k in ('solved', 'junk'))
    names = {x.name for x in held(module(path))}
    said = f'solved {set(solved)}, proved {set(proved)}, of {names}'
    assert names <= solved.keys() == proved.keys(), said
    weak = {n: r['rejects'] for n, r in proved.items() if r['rejects'] < FEW}
    assert not weak, f'{path.stem}: fewer than {FEW} planted wrong answers: {weak}'


# ---------- mutants

@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_mutants_are_refused_or_explained(path):
    old = [ex['name'] for ex in mutants.waiting(path)]
    assert not old, f'{path.stem}: solution or checker of {old} changed: `make mutants`'
    for name, r in kept(mutants.FOLDER/f'{path.stem}.json').items():
        bare = [told for told, why in r['survivors'].items() if not why.strip()]
        assert not bare, f'{path.stem} {name}: these pass, and nothing says why they may: {bare}'
        assert not r['untried'], f"{path.stem} {name}: {r['untried']} mutants were not tried"


def test_most_refusals_are_sentences():
    "Of all mutants that are refused, those that crash and those that never end among them"
    rows = [r for p in CHAPTERS for r in kept(mutants.FOLDER/f'{p.stem}.json').values()]
    told, refused = (sum(r[k] for r in rows) for k in ('sentences', 'refused'))
    assert told >= ENOUGH * refused, f'{told} of {refused}'


SOLUTION = '''def f(x, y, scale=2):
    "What it does, in 7 words"
    if x < y: return -scale * x
    return sum(v for v in [x, y][1:] if v > 0) / g(y, x, key=3)
'''

@pytest.mark.parametrize('change', [
    'x < y: → x <= y:', 'x < y: → x > y:', 'if x < y: → if not x < y:', 'if x < y: → if y < y:',
    '-scale * x → return scale * x', '-scale * x → return -scale / x', 'return -scale * x → pass',
    'scale=2): → def f(x, y, scale=3):', 'scale=2): → def f(x, y, scale=-2):',
    '[x, y][1:] → [x, y][:]', '[x, y] → [y, x]', 'if v > 0) → )', 'g(y, x, key=3) → g(y, x)',
    'g(y, x, key=3) → g(x, y, key=3)',
    'g(y, x, key=3) → g(x, key=3)'])
def test_mutants_are_made(change):
    made = mutants.mutants(SOLUTION)
    old, new = change.split(' → ')
    sides = [(t.split(' → ')[0], t.split(' → ')[1]) for t in made]
    hits = [t for t in sides if old in t[0] and new in t[1]]
    assert hits, '\n'.join(made)
    assert len(set(made.values())) == len(made) and not [t for t in made if 'words' in t]


def test_what_becomes_of_a_mutant():
    def check(f):
        if not abs(f(3) - 9) < 1e-9: return f'for 3 you return {f(3)}'
    ex = dict(name='check_square', asks='check_square(square)', cell=0, source='',
              solution='def square(x): return x * x')
    names = {'check_square': Exercise('square', check)}
    judge = lambda code: mutants.judge(code, ex, names, '')
    assert judge('def square(x): return x**2') == 'passed'
    assert judge('def square(x): return x + x') == 'told'
    assert judge('def square(x): return x[0]') == 'placed'
    assert judge('def square(x): return None') == 'told'
    assert judge('square = 1/0') == 'broken'
    assert mutants.in_fork(.2, lambda: time.sleep(9) or '') == 'hung'
    number = Exercise('half', lambda a: None, page='number', digits=1)
    assert mutants.same(.52, .5, number) and not mutants.same(.57, .5, number)
    r = mutants.attack(ex, names, {})
    assert r['made'] == r['refused'] > 0 and r['survivors'] == {}


TWO = 'def f(x):\n    y = len(x)\n    z = 2\n    return y + z'

@pytest.mark.parametrize('old, new, said', [
    ('len(x)', 'x', '4, `y + z`: no. There y is [1], z is 2'),
    ('len(x)', 'abs(x)', '2, `abs(x)`: no'),
    ('y = len(x)', 'pass', '4, `y`: y has no value there'),
    ('f(x)', 'f(x=3)', '2, `len(x)`: no. There x is 3')])
def test_a_crash_is_shown_the_changed_line_or_its_value(old, new, said):
    said = f'your function stops at line {said}'
    assert mutants.points(said, TWO, TWO.replace(old, new))
    said = 'your function stops at line 4, `y + z`: no. There z is 2. Set before: y is 1'
    assert not mutants.points(said, TWO, TWO.replace(old, new))


def test_a_changed_checker_makes_its_mutants_old(monkeypatch):
    path = next(p for p in CHAPTERS if mutants.exercises(p))
    before = [ex['source'] for ex in mutants.exercises(path)]
    texts = mutants.checkers(path)
    monkeypatch.setattr(mutants, 'checkers', lambda p: {k: t + '\n1' for k, t in texts.items()})
    assert all(a != ex['source'] for a, ex in zip(before, mutants.exercises(path)))


def test_other_line_breaks_and_comments_make_no_mutants_old():
    said = mutants.meaning("f(a, 'one two', 3) # why")
    assert said == mutants.meaning("f(a, 'one '\n  'two',\n  3)")
    assert said != mutants.meaning("f(a, 'one two', 4)")
