"""The library by purpose: each export in its room, rooms that load nothing, examples that run."""
import ast, doctest, importlib, json, re, subprocess, sys
from collections import Counter
import pytest
from conftest import ROOT
from walkdl.library import LESSON, ROOMS

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
FILES = sorted(p for p in (ROOT/'walkdl').glob('*.py') if not p.stem.startswith('_'))
NAMES = [p.stem for p in FILES]
HEAVY = {'torch', 'numpy', 'pandas', 'scipy', 'matplotlib', 'fastai', 'sklearn', 'IPython'}


def exports():
    "What the modules of the chapters export, as (module, name)"
    modules = [importlib.import_module(f'walkdl.{n}') for n in NAMES if n not in ROOMS]
    return {(m.__name__.removeprefix('walkdl.'), name) for m in modules for name in m.__all__}


def filed(rooms, lesson):
    return [(module, name) for shelf in (*rooms.values(), lesson)
            for module, names in shelf.items() for name in names.split()]


def misfiled(exported, entries):
    "What is wrong with the table, in words for whoever mends it"
    say = lambda pairs: ', '.join(f'{m}.{n}' for m, n in sorted(pairs))
    faults = {'write into a room, or into LESSON': exported - set(entries),
              'take out, nobody exports it': set(entries) - exported,
              'stands more than once': {e for e, n in Counter(entries).items() if n > 1}}
    return [f'{what}: {say(which)}' for what, which in faults.items() if which]


def test_every_export_stands_in_the_table_once():
    bad = misfiled(exports(), filed(ROOMS, LESSON))
    assert not bad, 'ROOMS in nbs/06_library.ipynb:\n' + '\n'.join(bad)


@pytest.mark.parametrize('entries, said', [
    ([('a', 'x')], 'write into a room, or into LESSON: a.y'),
    ([('a', 'x'), ('a', 'y'), ('b', 'y')], 'take out, nobody exports it: b.y'),
    ([('a', 'x'), ('a', 'y'), ('a', 'y')], 'stands more than once: a.y')])
def test_a_fault_of_the_table_is_named(entries, said):
    assert misfiled({('a', 'x'), ('a', 'y')}, entries) == [said]


@pytest.mark.parametrize('name', ROOMS)
def test_a_room_has_what_its_row_says(name):
    room = importlib.import_module(f'walkdl.{name}')
    for module, names in ROOMS[name].items():
        home = importlib.import_module(f'walkdl.{module}')
        for n in names.split(): assert getattr(room, n) is getattr(home, n)
    assert dir(room) == sorted(room.__all__) == sorted(' '.join(ROOMS[name].values()).split())
    assert not hasattr(room, 'no_such_name')


def fresh(code):
    "What a fresh Python prints"
    run = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], cwd=ROOT,
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_rooms_load_nothing_until_one_is_touched():
    code = 'import sys, walkdl\nfor r in walkdl.library.ROOMS: dir(getattr(walkdl, r))\n'
    said = lambda more='': set(fresh(f'{code}{more}\nprint(*sys.modules)').split())
    idle, touched = said(), said('walkdl.attacks.pgd')
    assert not HEAVY & idle and {f'walkdl.{r}' for r in ROOMS} <= idle
    assert 'torch' in touched


def test_the_package_lists_its_rooms():
    import walkdl
    assert set(ROOMS) < set(dir(walkdl))
    assert not hasattr(walkdl, 'no_such_room')
    assert not set(ROOMS) & {m for shelf in (*ROOMS.values(), LESSON) for m in shelf}


def docstring(path):
    "The last text that a module gives to __doc__"
    nodes = ast.parse(path.read_text(encoding='utf-8')).body
    docs = [n.value for n in nodes if isinstance(n, ast.Assign)
            and [ast.unparse(t) for t in n.targets] == ['__doc__']]
    return ast.literal_eval(docs[-1]) if docs else ''


class Shown(doctest.OutputChecker):
    "A line under which no result is written only has to run"
    def check_output(self, want, got, flags):
        return not want or super().check_output(want, got, flags)


@pytest.mark.parametrize('path', FILES, ids=NAMES)
def test_the_example_of_a_module_runs(path, tmp_path, monkeypatch):
    examples = doctest.DocTestParser().get_doctest(docstring(path), {}, path.stem, str(path), 0)
    assert examples.examples, f'the docstring of walkdl.{path.stem} has no example'
    monkeypatch.chdir(tmp_path)
    said = []
    doctest.DocTestRunner(Shown(), optionflags=FLAGS).run(examples, out=said.append)
    assert not said, ''.join(said)


def test_the_library_block_of_the_readme_runs(tmp_path, monkeypatch):
    cells = json.loads((ROOT/'nbs/index.ipynb').read_text(encoding='utf-8'))['cells']
    text = '\n\n'.join(''.join(c['source']) for c in cells)
    blocks = re.findall(r'```python\n(.*?)```', text, re.S)
    assert blocks and len(blocks[0].strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    for block in blocks: exec(compile(block, 'README.md', 'exec'), {})
