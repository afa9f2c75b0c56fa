"""The live words: neighbours, analogies and the plane, against walkdl's own vectors."""
import numpy as np, pytest
from browser import answer, from_link, run_code, settled, state
from walkdl.vectors import presidents

pytestmark = pytest.mark.browser


def same(page):
    "The page's answers are those of the package"
    v, a, s = presidents(), answer(page), state(page)
    for got, want in ((a['near'], v.most_similar(s['word'], n=8)),
                      (a['analogy'], v.analogy(s['a'], s['b'], s['c'], n=8, barred=s['barred']))):
        assert [w for w, _ in got] == [w for w, _ in want]
        assert [c for _, c in got] == pytest.approx([c for _, c in want], abs=2e-5)
    for w, x, y in a['plane']:
        for got, (p, q) in ((x, ('right', 'left')), (y, ('high', 'low'))):
            axis = v.unit[v.id(s[p])] - v.unit[v.id(s[q])]
            assert got == pytest.approx(float(v.unit[v.id(w)] @ axis / np.linalg.norm(axis)),
                                        abs=2e-5)
    return a


@pytest.mark.parametrize('setting', [{}, dict(word='taxes', barred=False),
                                     dict(a='france', b='french', c='spain', left='sea',
                                          right='land')])
def test_answers(setting):
    with from_link('words', **setting) as page: assert len(same(page)['near']) == 8


def test_typing_and_pressing():
    with from_link('words') as page:
        box = page.get_by_label('word whose neighbours are shown')
        box.fill('Army'); box.press('Enter'); settled(page)
        assert same(page) and state(page)['word'] == 'army'
        first = answer(page)['near'][0][0]
        pad = page.locator('canvas').first.bounding_box()
        page.mouse.click(pad['x'] + 60, pad['y'] + 34*pad['width']/236); settled(page)
        assert state(page)['word'] == first
        page.get_by_text('bar the three words').click(); settled(page)
        same(page)


def test_unknown_words_are_told():
    with from_link('words', word='zzz', show='army qqq') as page:
        a = answer(page)
        assert a['near'] == [] and any('zzz' in t for t in a['told'])
        assert any('qqq' in t for t in a['told']) and len(a['plane']) == 1


def test_pasted_words():
    with from_link('words') as page:
        page.get_by_text('Your own data').click()
        page.locator('textarea').fill('war, peace\ntreaty')
        page.get_by_role('button', name='Use these').click()
        taken = "document.querySelector('walk-demo').ui.answer.plane.length === 3"
        page.wait_for_function(taken, timeout=30_000)
        settled(page)
        assert [r[0] for r in same(page)['plane']] == ['war', 'peace', 'treaty']


def test_code_gives_what_the_page_shows():
    with from_link('words', word='oil') as page:
        assert [w for w, _ in run_code(page)['_']] == [w for w, _ in answer(page)['analogy']]


@pytest.mark.parametrize('bad', [dict(word=''), dict(show=''), dict(left='peace', right='peace'),
                                 dict(a='constructor')])
def test_a_spoiled_link_does_no_harm(bad):
    with from_link('words', **bad) as page: assert 'near' in answer(page)
