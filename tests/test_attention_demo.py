"""The live attention: each number of each step, against walkdl's own and against torch's."""
import numpy as np, pytest, torch, torch.nn.functional as F
from browser import answer, from_link, page_of, run_code, settled, state
from walkdl.transformers import causal_mask, scaled_dot_product_attention

pytestmark = pytest.mark.browser
STEPS = ('scores', 'scaled', 'masked', 'weights', 'out')


def same(page):
    "The page's answers are those of the package"
    a, close = answer(page), lambda x, y: torch.testing.assert_close(torch.tensor(x).double(), y)
    q, k, v = (torch.tensor(a[n]).double() for n in 'qkv')
    factor = 1 if a['scale'] else a['d']**.5
    close(a['scores'], q @ k.T)
    close(a['scaled'], q @ k.T * factor / a['d']**.5)
    seen = causal_mask(len(q)) if a['causal'] else torch.ones(len(q), len(q), dtype=torch.bool)
    assert [[x is not None for x in row] for row in a['masked']] == seen.tolist()
    out, w = scaled_dot_product_attention(q*factor, k, v, seen, weights=True)
    close(a['weights'], w)
    close(a['out'], out)
    close(a['out'], F.scaled_dot_product_attention(q*factor, k, v, attn_mask=seen))
    return a


def shown(page):
    "What the five grids show, row by row"
    return [[td.inner_text() for td in grid.locator('td:not(.wd-corner)').all()]
            for grid in page.get_by_role('grid').all()]


def said(page, text): page.locator('.wd-say', has_text=text).wait_for()


def test_the_steps_by_mouse_and_key():
    with page_of('attention') as page:
        go = page.get_by_role('button', name='Next step')
        for step in range(1, 6):
            assert state(page)['step'] == step
            assert [g != ['·']*len(g) for g in shown(page)] == [i < step for i in range(5)]
            if step < 5: go.press('Enter') if step % 2 else go.click()
            settled(page)
        same(page)
        grids = shown(page)
        assert grids[2].count('−∞') == 3
        for row in np.array(grids[3], float).reshape(3, 3): assert abs(row.sum() - 1) < .011
        page.get_by_role('button', name='From the start').click(); settled(page)
        assert state(page)['step'] == 0
        for name in ('divide by', 'causal mask'): page.get_by_role('checkbox', name=name).uncheck()
        for step in (1, 4, 5):
            go.click(); settled(page)
            assert state(page)['step'] == step
        same(page)
        page.get_by_role('button', name='Back').click(); settled(page)
        assert state(page)['step'] == 4


def test_a_number_says_where_it_comes_from():
    with from_link('attention', step=5) as page:
        cell = page.get_by_role('grid').nth(0).locator('td:not(.wd-corner)')
        cell.nth(7).hover()
        said(page, '0.5×0 + 2×2 = 4.')
        marked = [b.get_attribute('aria-label') for b in page.locator('input.wd-source').all()]
        assert marked == [f'{m}, feature {c}' for m in ('K of cat', 'Q of sits')
                          for c in (1, 2)]
        page.get_by_role('button', name='Back').hover()
        said(page, 'Each word gets')
        assert page.locator('.wd-source').count() == 0
        cell.nth(0).focus()
        page.keyboard.press('ArrowRight'); said(page, '“the” asks “cat”')
        page.keyboard.press('ArrowDown'); said(page, '“cat” asks “cat”')
        page.keyboard.press('Tab'); said(page, '0 ÷ √2 = 0 ÷ 1.41 = 0.')
        page.keyboard.press('Tab'); page.keyboard.press('ArrowRight'); said(page, 'must not look')
        page.keyboard.press('Tab'); said(page, 'exp(0) ÷ (exp(0) + exp(−∞) + exp(−∞)) = 1.')
        page.keyboard.press('Tab'); page.keyboard.press('ArrowDown'); said(page, '0.94×1')


def test_numbers_are_typed_stepped_and_dragged():
    with page_of('attention', step=5) as page:
        box = page.get_by_label('Q of sits, feature 1')
        box.fill('-3'); settled(page)
        assert same(page)['q'][2] == [-3, 2]
        box.press('ArrowUp'); settled(page)
        assert same(page)['q'][2] == [-2.5, 2]
        box.fill(''); box.press('Tab'); settled(page)
        assert box.input_value() == '-2.5'
        at = page.get_by_label('V of cat, feature 2').bounding_box()
        page.mouse.move(at['x'] + 10, at['y'] + 10); page.mouse.down()
        page.mouse.move(at['x'] + 45, at['y'] + 10, steps=5); page.mouse.up(); settled(page)
        page.mouse.move(at['x'] + 90, at['y'] + 10); settled(page)
        assert same(page)['v'][1] == [0, 5]
        page.get_by_role('button', name='Reset').click(); settled(page)
        assert same(page)['q'][2] == [.5, 2]


def test_words_features_and_own_data():
    with page_of('attention', step=5) as page:
        line = page.get_by_label('words, up to')
        line.fill('  a dog and  a bone too '); line.press('Enter')
        page.get_by_label('3', exact=True).check(); settled(page)
        a = same(page)
        assert a['words'] == 'a dog and a bone'.split() and np.shape(a['out']) == (5, 3)
        page.get_by_text('Your own data').click()
        for text, wrong in (('x 1 2', 'each a word and 6 or 9'), ('x 1 2 3 4 5 six', 'wants 6')):
            page.locator('textarea').fill(text)
            page.get_by_role('button', name='Use these').click()
            page.locator('.wd-wrong', has_text=wrong).wait_for()
        page.locator('textarea').fill('up 1 0 2 1 0 3\ndown, -1, 0, 2, .5, 1, 1')
        page.get_by_role('button', name='Use these').click(); settled(page)
        assert same(page)['q'] == [[1, 0], [-1, 0]]


@pytest.mark.parametrize('setting', [{}, dict(scale=False), dict(causal=False, d=3),
                                     dict(words='a b c d e', q=[[9, -9, 9]]*5, k=[[9, -9, 9]]*5,
                                          d=3)])
def test_code_gives_what_the_page_shows(setting):
    with from_link('attention', **setting) as page:
        names = run_code(page)
        np.testing.assert_allclose(names['_'], same(page)['out'])
        np.testing.assert_allclose(names['weights'], answer(page)['weights'], atol=1e-15)


@pytest.mark.parametrize('bad', [dict(words=''), dict(q=[]), dict(k=[['x'], None, 3, [1e99]]),
                                 dict(step=77), dict(d=-1), dict(v=[[None]*9]*9)])
def test_a_spoiled_link_does_no_harm(bad):
    with from_link('attention', **bad) as page: same(page)
