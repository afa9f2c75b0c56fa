"""The live price list of COMPAS, against walkdl's own counts on the real file."""
import warnings
import numpy as np, pytest
from browser import answer, from_link, run_code, settled, state
from walkdl.ethics import group_rates

pytestmark = pytest.mark.browser


def file():
    from walkdl.data import get
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        d = get('compas')
    return d[d.race.isin(['African-American', 'Caucasian'])]


def unrolled(n):
    g, y, score = (v.repeat(np.ravel(n)) for v in np.indices(np.shape(n)).reshape(3, -1))
    return g, y, score + 1


def same(page):
    "The page's rates are those of group_rates on its own counts"
    a, s = answer(page), state(page)
    g, y, score = unrolled(s['n'])
    want = group_rates(y, score >= np.array(a['t'])[g], g)
    for k, row in enumerate(a['rates']):
        for name, v in row.items():
            assert v == pytest.approx(want.iloc[k][name], abs=2e-6, nan_ok=True), name
    return a


def test_counts_are_those_of_the_file():
    d = file()
    with from_link('compas') as page: n = state(page)['n']
    for g, race in enumerate(('African-American', 'Caucasian')):
        for t in (0, 1):
            c = d[(d.race == race) & (d.two_year_recid == t)].decile_score.value_counts()
            assert n[g][t] == [int(c.get(k, 0)) for k in range(1, 11)]


@pytest.mark.parametrize('t', [[5, 5], [7, 5], [1, 11], [2, 10]])
def test_rates(t):
    with from_link('compas', t=t) as page: assert same(page)['t'] == t


def test_a_rate_that_counts_nobody_is_said_to_be_undefined():
    with from_link('compas', t=[5, 11]) as page:
        said = page.locator('.wd-say').inner_text()
        assert np.isnan(answer(page)['gaps']['ppv'])
        assert 'Undefined, as nobody could count: precision.' in said and 'NaN' not in said


def test_published_figures_and_buttons():
    with from_link('compas') as page:
        a = same(page)
        assert [round(r['fpr'], 3) for r in a['rates']] == [.448, .235]
        assert [round(r['fnr'], 3) for r in a['rates']] == [.28, .477]
        for name, key in (('false positive rate', 'fpr'), ('false negative rate', 'fnr'),
                          ('precision', 'ppv'), ('selection rate', 'selection_rate')):
            page.get_by_role('button', name=name, exact=True).click(); settled(page)
            a = same(page)
            assert abs(a['gaps'][key]) < .031
            widest = max(abs(a['gaps'][k]) for k in ('fpr', 'fnr', 'ppv'))
            assert widest > .03, 'all three at once cannot be'
        page.get_by_role('button', name='As used (5 and 5)', exact=True).click(); settled(page)
        assert same(page)['t'] == [5, 5]


def test_no_pair_of_thresholds_is_fair_in_all_three():
    with from_link('compas') as page:
        n = state(page)['n']
    g, y, score = unrolled(n)
    for a in range(2, 11):
        for b in range(2, 11):
            r = group_rates(y, score >= np.array([a, b])[g], g)
            assert max(abs(np.diff(r[k])[0]) for k in ('fpr', 'fnr', 'ppv')) > .03


def test_mouse_keyboard_and_sliders():
    with from_link('compas') as page:
        pad = page.locator('canvas[role=application]').first
        box = pad.bounding_box()
        page.mouse.click(box['x'] + box['width'] * (8 - .4) / 11.2, box['y'] + box['height'] / 2)
        settled(page)
        assert same(page)['t'] == [8, 5]
        pad.focus()
        for key in ('ArrowLeft', 'Space'): page.keyboard.press(key)
        settled(page)
        assert same(page)['t'][0] in (6, 7)
        page.locator('input[type=range]').nth(1).press('ArrowRight'); settled(page)
        assert same(page)['t'][1] == 6


def test_own_people_and_wrong_lines():
    lines = ['ann, 3, 0', 'ann, 8, 1', 'bob, 2, 1', 'bob, 9, 0']
    with from_link('compas') as page:
        page.get_by_text('Your own data').click()
        for text, words in (('a, 3, 0', 'Two groups'), ('a, 11, 0', 'score'),
                            ('a, 3, 2', 'outcome'), ('a, 1, 0\nb, 1, 1\nc, 1, 1', 'third group'),
                            ('a 3', '3 are wanted')):
            page.locator('textarea').fill(text)
            page.get_by_role('button', name='Use these').click()
            page.get_by_text(words).first.wait_for()
        page.locator('textarea').fill('\n'.join(lines))
        page.get_by_role('button', name='Use these').click(); settled(page)
        a = same(page)
        assert state(page)['names'] == ['ann', 'bob']
        assert [r['accuracy'] for r in a['rates']] == [1, 0]


def test_code_gives_what_the_page_shows():
    with from_link('compas', t=[7, 5]) as page:
        assert run_code(page)['_'].fpr.tolist() == pytest.approx(
            [v['fpr'] for v in answer(page)['rates']], abs=1e-6)


@pytest.mark.parametrize('bad', [dict(t='x'), dict(t=[99, -4]), dict(n=[[1], [2]]), dict(n=[]),
                                 dict(names=[])])
def test_a_spoiled_link_does_no_harm(bad):
    with from_link('compas', **bad) as page:
        a = answer(page)
        assert all(1 <= v <= 11 for v in a['t']) and len(a['rates']) == 2
