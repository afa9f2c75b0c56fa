"""How the code is written: nothing new is wrong, and what is listed is still to be mended."""
import json
import pytest
import lint
from gathered import gathered


@pytest.mark.parametrize('check', lint.CHECKS)
def test_clean(check):
    found, known = list(lint.CHECKS[check]()), lint.known(check)
    assert not (new := lint.news(found, known)), '\n'.join(new)
    mended = lint.mended(found, known)
    assert not mended, f'mended; run `python tools/lint.py --keep`: {mended}'


def test_one_fault_more_is_news():
    found = [('a.py', 'E501', 'line 1'), ('a.py', 'E501', 'line 9'), ('b.py', 'F401', 'line 2')]
    assert lint.news(found, {'a.py': {'E501': 2}, 'b.py': {'F401': 1}}) == []
    listed = {'a.py': {'E501': 1}, 'b.py': {'F401': 1}}
    assert lint.news(found, listed) == ['a.py, line 1 (E501)', 'a.py, line 9 (E501)']
    listed = {'a.py': {'E501': 5, 'F841': 1}, 'c.py': {'E501': 1}}
    assert lint.mended(found, listed) == ['a.py F841', 'c.py E501']


@pytest.mark.parametrize('check, file, text, says', [
    ('ruff', 'planted.py', 'import os\n', 'F401'),
    ('width', 'nbs/planted.ipynb', json.dumps({'cells': [
        {'cell_type': 'markdown', 'source': ['long ' * 40]},
        {'cell_type': 'code', 'source': ['#| fig-alt: "' + 'long ' * 40 + '"\n', 'x = 1 + ' * 12]},
        {'cell_type': 'code', 'source': ['y = ' + '2'*88]}]}), 'width'),
    ('eslint', 'nbs/demos/planted.js', 'const a = 1;\n', 'no-unused-vars'),
    ('prettier', 'nbs/demos/planted.js', 'const a   = 1\n', 'layout'),
    ('pyright', 'walkdl/planted.py', "x: int = 'text'\n", 'reportAssignmentType')])
def test_a_planted_fault_is_seen(check, file, text, says, tmp_path, monkeypatch):
    for name in ('node_modules', '.venv', 'pyproject.toml', 'eslint.config.mjs', 'package.json'):
        (tmp_path/name).symlink_to(lint.ROOT/name)
    (tmp_path/file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path/file).write_text(text)
    monkeypatch.setattr(lint, 'ROOT', tmp_path)
    assert [(f, r) for f, r, _ in lint.CHECKS[check](file)] == [(file, says)]


def test_pyright_reads_patched_methods_in_their_class():
    text = '\n'.join(['class A:', '    x = 1', '', '@patch', 'def f(self:A, y): # numbers',
                      '    return self.x + y', '', '@patch(cls_method=True)', 'def g(cls:A):',
                      '    return cls.x', '', 'def h(a:A): return a'])
    lines = gathered(text)
    assert [n for n, _ in lines][:10] == [1, 1, 2, 4, 5, 6, 8, 9, 10, 3]
    there = {'patch': None}
    exec('\n'.join(line for _, line in lines), there)
    assert there['A']().f(2) == 3 and there['A'].g() == 1 and there['h'](5) == 5
