"""The live words: neighbours, analogies and the plane, against walkdl's own vectors."""
import json
from contextlib import contextmanager
from urllib.parse import quote
import numpy as np, pytest
from browser import page_of, settled
from walkdl.vectors import presidents

pytestmark = pytest.mark.browser


@contextmanager
def live(dark=False, width=800, **state):
    link = ';'.join(f'{k}={quote(v if isinstance(v, str) else json.dumps(v))}' for k, v in state.items())
    with page_of('words', hash=f'#words:{link}' if state else '', dark=dark, width=width) as page:
        page.js = lambda code: page.evaluate(f"(() => {{ const ui = document.querySelector('walk-demo').ui; return {code}; }})()")
        settled(page)
        yield page


def same(page):
    "The page's answers are those of the package"
    v, a, s = presidents(), page.js('ui.answer'), page.js('ui.state')
    for got, want in ((a['near'], v.most_similar(s['word'], n=8)), (a['analogy'], v.analogy(s['a'], s['b'], s['c'], n=8, barred=s['barred']))):
        assert [w for w, _ in got] == [w for w, _ in want]
        assert [c for _, c in got] == pytest.approx([c for _, c in want], abs=2e-5)
    for w, x, y in a['plane']:
        for got, (p, q) in ((x, ('right', 'left')), (y, ('high', 'low'))):
            axis = v.unit[v.id(s[p])] - v.unit[v.id(s[q])]
            assert got == pytest.approx(float(v.unit[v.id(w)] @ axis / np.linalg.norm(axis)), abs=2e-5)
    return a


@pytest.mark.parametrize('state', [{}, dict(word='taxes', barred=False), dict(a='france', b='french', c='spain', left='sea', right='land')])
def test_answers(state):
    with live(**state) as page: assert len(same(page)['near']) == 8


def test_typing_and_pressing():
    with live() as page:
        box = page.get_by_label('word whose neighbours are shown')
        box.fill('Army'); box.press('Enter'); settled(page)
        assert same(page) and page.js('ui.state.word') == 'army'
        first = page.js('ui.answer.near[0][0]')
        pad = page.locator('canvas').first.bounding_box()
        page.mouse.click(pad['x'] + 60, pad['y'] + 34*pad['width']/236); settled(page)
        assert page.js('ui.state.word') == first
        page.get_by_text('bar the three words').click(); settled(page)
        same(page)


def test_unknown_words_are_told():
    with live(word='zzz', show='army qqq') as page:
        a = page.js('ui.answer')
        assert a['near'] == [] and any('zzz' in t for t in a['told']) and any('qqq' in t for t in a['told']) and len(a['plane']) == 1


def test_pasted_words():
    with live() as page:
        page.get_by_text('Your own data').click()
        page.locator('textarea').fill('war, peace\ntreaty'); page.get_by_role('button', name='Use these').click(); settled(page)
        assert [r[0] for r in same(page)['plane']] == ['war', 'peace', 'treaty']


def test_code_gives_what_the_page_shows():
    with live(word='oil') as page: code, a = page.js('ui.code()'), page.js('ui.answer')
    *head, last = code.strip().split('\n')
    space = {}
    exec('\n'.join(head), space)
    assert [w for w, _ in eval(last, space)] == [w for w, _ in a['analogy']]


@pytest.mark.parametrize('bad', [dict(word=''), dict(show=''), dict(left='peace', right='peace'), dict(a='constructor')])
def test_a_spoiled_link_does_no_harm(bad):
    with live(**bad) as page: assert 'near' in page.js('ui.answer')


@pytest.mark.parametrize('dark', [False, True])
def test_narrow_and_dark(dark):
    with live(width=360, dark=dark) as page: assert page.evaluate('document.documentElement.scrollWidth') <= 360
