"""The learner's edition: nothing in it waits for an answer or for a cell that was taken out, and a
run of it speaks in sentences.

The author's run of each notebook shows that its cells work; here it is shown that none of them
needs what the learner lacks. Four chapters are executed in a real kernel with every exercise
untouched; the weekly workflow executes all of them.
"""
import ast, builtins, json, os, re, subprocess, symtable, sys
import pytest
from conftest import ROOT
from notebooks import chapters, directives, read, source
from walkdl.cli import learner_edition, main, stub

CHAPTERS = [p for p in chapters() if p.stem != 'index']


def plain(text): return '\n'.join(l for l in text.splitlines() if l.lstrip()[:1] not in ('!', '%'))


def bound(text):
    "Names that a cell makes at its top level"
    names = set()
    class Top(ast.NodeVisitor):
        def visit_FunctionDef(self, node): names.add(node.name)
        def visit_ClassDef(self, node): names.add(node.name)
        def visit_Lambda(self, node): pass
        def visit_Name(self, node):
            if isinstance(node.ctx, ast.Store): names.add(node.id)
        def visit_alias(self, node): names.add((node.asname or node.name).split('.')[0])
        def visit_ListComp(self, node): pass
        visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp
    Top().visit(ast.parse(plain(text)))
    return names


def used(text):
    "Names that a cell takes from the notebook: not those of its own functions and comprehensions"
    def of(table):
        top = table.get_type() == 'module'
        own = {s.get_name() for s in table.get_symbols() if s.is_referenced()
               and (top or s.is_global())}
        return own.union(*map(of, table.get_children()))
    return of(symtable.symtable(plain(text), 'cell', 'exec'))


def lacking(nb):
    "What a learner's run stumbles over: (index of the cell, name), for cells in order"
    ours, edition = nb['cells'], learner_edition(nb)['cells']
    theirs = {c['id']: c for c in edition if c['cell_type'] == 'code'}
    lost, open_, found = set(), set(), []
    for i, cell in enumerate(ours):
        if cell['cell_type'] != 'code': continue
        text, flags = source(cell), directives(source(cell))
        if cell['id'] not in theirs: lost |= bound(text); continue
        if flags.get('code-summary') == '"Solution"':
            open_ |= bound(text)
            lost |= bound(text) - bound(stub(plain(text)))
            continue
        own = bound(text)
        checks = re.match(r'(set_seed\(\d*\)\n)?check_\w+\(',
                          re.sub(r'^#\|.*\n', '', text, flags=re.M).strip())
        bad = (used(text) - own) & (lost if checks else lost | open_)
        found += [(i, n) for n in sorted(bad - set(dir(builtins)))]
        lost -= own
        open_ = open_ | own if checks else open_ - own
    return found


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_no_cell_needs_what_the_learner_lacks(path):
    nb = read(path)
    said = [f'cell {i} uses {name}:\n{source(nb["cells"][i])[:300]}' for i, name in lacking(nb)]
    assert not said, f'{path.name}: in the learner\'s edition\n' + '\n'.join(said)


def planted(*texts):
    cells = [dict(cell_type='code', id=f'{i}',
                  metadata={}, outputs=[], execution_count=None, source=t)
             for i, t in enumerate(texts)]
    return [n for _, n in lacking(dict(cells=cells))]


def test_planted_cells_are_caught():
    solution = '#| code-summary: "Solution"\nhelper = 2\ndef mine(x): return x*helper'
    assert planted(solution, 'check_mine(mine)') == []
    assert planted(solution, 'check_mine(mine)', 'mine(3)') == ['mine']
    assert planted(solution, 'check_mine(mine)\nseen = mine(3)', 'seen') == ['seen']
    assert planted('#| hide\nsecret = 1', 'secret + 1') == ['secret']
    assert planted('#| slow\nnet = train()', 'net(1)') == ['net']
    assert planted('#| slow\nnet = train()', 'net = load()', 'net(1)') == []


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_no_answer_is_given_away(path):
    nb = read(path)
    text = '\n'.join(source(c) for c in learner_edition(nb)['cells'])
    for c in nb['cells']:
        if directives(source(c)).get('code-summary') != '"Solution"': continue
        own = [l.strip() for l in source(c).splitlines() if l.strip() and not l.startswith('#|')]
        long = [l for l in own if len(l) > 30
                and not l.startswith(('def ', 'class ', 'import ', 'from ', '"'))]
        shown = [l for l in long if l in text]
        few = len(shown) <= len(long)/2
        assert few, f'{path.name}: lines of a solution stand elsewhere: {shown}'
    assert '.rejects(' not in re.sub(r'`[^`\n]*`', '', text) or path.stem in ('00_core', '03_cli')
    words = [source(c) for c in learner_edition(nb)['cells'] if c['cell_type'] == 'markdown']
    prose = re.sub(r'`[^`\n]*`|```.*?```', '', '\n'.join(words), flags=re.S)
    assert not re.search(r'\[@\w+\d{4}', prose), 'a citation key that nobody can look up'


RUN = '''
import json, sys, nbformat
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], 4)
NotebookClient(nb, timeout=600, kernel_name='python3', allow_errors=True,
               resources={'metadata': {'path': sys.argv[2]}}).execute()
print('RESULT', json.dumps([[i, o.ename, o.evalue[:300]] for i, c in enumerate(nb.cells)
                            for o in c.get('outputs', []) if o.output_type == 'error']))
'''


@pytest.mark.parametrize('stem', ['00_core', '03_cli', '28b_vectors', '52d_broken'])
def test_a_run_with_every_exercise_untouched_speaks_in_sentences(stem, tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ('WALKDL_RUN', 'WALKDL_SLOW', 'IN_TEST')}
    subprocess.run([sys.executable, '-c', 'from walkdl.cli import main; main()', 'learn',
                    str(tmp_path/'walk'), '--no-open', '--no-install'], check=True, cwd=ROOT,
                   env=env, capture_output=True)
    r = subprocess.run([sys.executable, '-c', RUN, str(tmp_path/'walk'/f'{stem}.ipynb'),
                        str(tmp_path/'walk')], capture_output=True, text=True, cwd=ROOT,
                       env=env | {'PYTHONPATH': str(ROOT)})
    assert 'RESULT' in r.stdout, r.stderr[-2000:]
    errors = json.loads(r.stdout.split('RESULT', 1)[1])
    assert errors and not [e for e in errors if e[1] != 'NotYet'], errors
    assert all('nothing here yet' in e[2] for e in errors), errors


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path/'file').write_text('')
    for bad in (tmp_path/'file', tmp_path/'file'/'inside'):
        with pytest.raises(SystemExit) as e: main(['learn', str(bad), '--no-open', '--no-install'])
        assert str(bad) in str(e.value) and 'folder' in str(e.value) and 'Errno' not in str(e.value)
