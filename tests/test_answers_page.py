"""Exercises answered on the built page, by mouse and by keyboard.

A sentence for each answer; kept in the browser, saved and erased there.
"""
import contextlib, json, re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from browser import open_page
from conftest import ROOT
from notebooks import NBS, ledger
from walkdl.exercises.core import check_bound
from weight import parse

OUT = ROOT/'_docs'
AXE = ROOT/'node_modules'/'axe-core'/'axe.min.js'
pytestmark = pytest.mark.browser


@pytest.fixture(scope='module')
def core():
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *a): pass
    assert (OUT/'core.html').exists(), 'no page in _docs/: run `make site` first'
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(OUT)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/core.html'
    server.shutdown()


@contextlib.contextmanager
def exercise(url, **how):
    "The chapter's page, and the box of its first exercise"
    with open_page(url, **how) as page:
        box = page.locator('walk-answer').first
        box.locator('form').wait_for()
        yield page, box


def said(box): return box.locator('output').inner_text()
def field(box): return box.get_by_label('Your answer')
def line(page): return page.locator('walk-progress').inner_text()


def answered(box, text):
    "What the page says to this answer"
    box.locator('output').evaluate('o => o.value = ""')
    field(box).fill(text)
    box.get_by_role('button', name='Check').click()
    box.locator('output').filter(has_text=re.compile('.')).wait_for()
    return said(box)


def erase(page, sure):
    page.once('dialog', lambda d: d.accept() if sure else d.dismiss())
    page.get_by_role('button', name='Erase').press('Enter')


def test_right_and_wrong_answers_bring_the_checkers_own_sentences(core):
    with exercise(core) as (page, box):
        for x in (.97, .95, .9, .98):
            with pytest.raises(AssertionError) as refused: check_bound(x)
            assert answered(box, f'{x}') == '✗ ' + str(refused.value).split(': ', 1)[1]
        assert answered(box, '.5').startswith('✗ .5 is not it.')
        assert [answered(box, x) for x in ('many', '')] == ['✗ Type a number.']*2
        assert line(page).startswith('0 of the')
        assert [answered(box, x) for x in ('.96', ' 0.960 ', '24/25')] == ['✓ Right.']*3
        assert line(page).startswith('1 of the')


def test_answers_are_kept_saved_and_erased(core):
    with exercise(core) as (page, box):
        assert not page.get_by_role('button', name='Erase').count()
        answered(box, '.97')
        page.reload()
        assert field(box).input_value() == '.97' and not said(box)
        answered(box, '.96')
        page.reload()
        assert said(box) == '✓ Right.' and line(page).startswith('1 of the')
        with page.expect_download() as got: page.get_by_role('button', name='Save').click()
        kept = json.loads(got.value.path().read_text())
        assert kept == {'core/bound': {'answer': '.96', 'solved': True}}
        erase(page, sure=False)
        assert line(page).startswith('1 of the')
        erase(page, sure=True)
        for _ in range(2):
            assert line(page).startswith('0 of the') and not field(box).input_value() + said(box)
            page.reload()


@pytest.mark.parametrize('kept', ['{', '5', 'null', '[]', '{"core/bound": 7}'])
def test_a_broken_memory_is_an_empty_one(core, kept):
    with exercise(core) as (page, box):
        page.evaluate('v => localStorage.setItem("walkdl progress", v)', kept)
        page.reload()
        assert line(page).startswith('0 of the')
        assert answered(box, '.96') == '✓ Right.' and line(page).startswith('1 of the')


def test_by_keyboard_alone(core):
    with exercise(core) as (page, box):
        field(box).focus()
        page.keyboard.type('.96')
        page.keyboard.press('Enter')
        box.locator('output', has_text='Right').wait_for()
        page.keyboard.press('Tab')
        assert page.evaluate('document.activeElement.textContent') == 'Check'
        erase(page, sure=True)
        here = "document.querySelector('walk-progress').contains(document.activeElement)"
        assert line(page).startswith('0 of the') and page.evaluate(here)


@pytest.mark.parametrize('dark', [False, True], ids=['light', 'dark'])
@pytest.mark.parametrize('width', [1280, 360])
def test_it_fits_and_is_accessible(core, width, dark):
    assert AXE.exists(), 'axe-core is not installed: run npm ci'
    parts = [['walk-answer'], ['walk-progress']]
    with exercise(core, width=width, dark=dark) as (page, box):
        page.add_script_tag(path=str(AXE))
        for text in ('.97', '.96'):
            answered(box, text)
            found = page.evaluate('parts => axe.run({include: parts})', parts)['violations']
            assert not [(v['id'], n['html'][:90]) for v in found for n in v['nodes']]
            assert page.evaluate('document.documentElement.scrollWidth') <= width
            edges = [box.locator(s).bounding_box() for s in ('input', 'output', 'button')]
            assert all(0 <= e['x'] and e['x'] + e['width'] <= width for e in edges)
            assert abs(edges[0]['y'] - edges[2]['y']) < 8 # the button stands beside its field


def test_the_answer_is_not_readable_beside_the_question():
    "Only the folded solution tells it: not the box, its data, or the words around it"
    rows = [r for r in ledger(NBS/'00_core.ipynb') if r['kind'] == 'exercise' and r.get('page')]
    boxes = parse(OUT/'core.html').xpath('//walk-answer')
    assert len(boxes) == len(rows) > 0
    for box in boxes:
        given = json.loads(box.get('data-exercise'))
        assert set(given) == {'name', 'kind', 'digits', 'salt', 'right', 'wrong', 'wants'}
        hashes = [*given['right'], *given['wrong']]
        assert all(re.fullmatch('[0-9a-f]{20}', h) for h in hashes)
    [bound] = [b for b in boxes if '"bound"' in b.get('data-exercise')]
    around = bound.getparent().text_content() + ' '.join(bound.getparent().xpath('.//@*'))
    assert not re.search(r'(?<![\d.])0?\.960*(?!\d)', around)
