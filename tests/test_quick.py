"""`make quick` finds what a change touches."""
import pytest
import quick
from conftest import ROOT


def named(*files): return {t.name for t in quick.tests_of([ROOT/f for f in files])}


@pytest.mark.parametrize('file, some, none', [
    ('nbs/20_cnns.ipynb', {'test_cnns.py'}, {'test_nlp.py', 'test_perceptron.py'}),
    ('walkdl/perceptron.py', {'test_perceptron.py'}, {'test_nlp.py'}),
    ('nbs/demos/gpt.js', {'test_gpt_demo.py'}, {'test_cnns.py', 'test_house.py'}),
    ('tools/nbfilter.py', {'test_site.py'}, {'test_cnns.py'}),
    ('tests/test_nlp.py', {'test_nlp.py'}, {'test_cnns.py'}),
    ('settings.ini', {'test_house.py', 'test_wheel.py'}, {'test_nlp.py'})])
def test_tests_that_name_a_file(file, some, none):
    assert some <= named(file) and not none & named(file)


def test_a_fault_in_a_changed_file_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(quick.lint, 'ROOT', tmp_path)
    (tmp_path/'planted.py').write_text('import os\n')
    assert [f for f in quick.written([tmp_path/'planted.py']) if 'F401' in f]


def test_quick_notebooks_come_first_and_the_rest_is_named(monkeypatch):
    seconds = {'a': 20, 'b': 5, 'c': 60}
    board = {'notebooks': {k: {'seconds': v} for k, v in seconds.items()}}
    monkeypatch.setattr(quick, 'scoreboard', lambda: board)
    now, later = quick.affordable([ROOT/f'nbs/{k}.ipynb' for k in 'abc'], 15)
    assert ([p.stem for p in now], [p.stem for p in later]) == (['b', 'a'], ['c'])


def test_what_takes_too_long_is_ended_with_its_children(tmp_path):
    child = f"import time; time.sleep(3); open({str(tmp_path/'late')!r}, 'w')"
    code = f'import subprocess, sys; subprocess.run([sys.executable, "-c", {child!r}])'
    assert quick.run([quick.sys.executable, '-c', code], 1) is None
    quick.time.sleep(3)
    assert not (tmp_path/'late').exists()
