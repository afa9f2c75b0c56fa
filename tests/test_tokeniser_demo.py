"""The live tokeniser: ids, merges and prices, against walkdl's own."""
import pytest
from browser import answer, from_link, page_of, run_code, settled, state
from walkdl.demo import shipped
from walkdl.tokens import BPE

pytestmark = pytest.mark.browser
WHOLE = BPE.load(shipped('tokens.json'))
SENTENCES = "[...document.querySelectorAll('.wd-link')].map(b => b.textContent)"


def same(page):
    "The page's tokens are those of the package"
    a, s = answer(page), state(page)
    bpe = BPE(WHOLE.merges[:s['merges']])
    assert a['ids'] == bpe.encode(s['text'])
    assert a['each'] == pytest.approx(len(s['text'])/len(a['ids']) if a['ids'] else 0, abs=1e-5)
    boxes = page.locator('.wd-tokens small').all_inner_texts()
    assert [int(b) for b in boxes] == a['ids']
    return a


def slide(page, merges):
    page.get_by_role('slider', name='merges').fill(str(merges)); settled(page)


def test_merges_by_slider_and_button():
    with page_of('tokeniser') as page:
        assert len(WHOLE.merges) == 768
        for merges in (0, 1, 500, 768):
            slide(page, merges)
            same(page)
        page.get_by_role('button', name='No merges').click(); settled(page)
        assert same(page)['ids'] == [WHOLE.ids[bytes([b])] for b in state(page)['text'].encode()]
        for _ in range(6):
            before = state(page)
            page.get_by_role('button', name='Next merge').press('Enter'); settled(page)
            after = state(page)['merges']
            ids = lambda n: BPE(WHOLE.merges[:n]).encode(before['text'])
            assert ids(after - 1) == ids(before['merges']) != ids(after) == same(page)['ids']
            assert page.locator('.wd-made').count() == ids(after).count(255 + after) > 0
        slide(page, 768)
        page.get_by_role('button', name='Next merge').click(); settled(page)
        assert state(page)['merges'] == 768


def test_prices_of_languages():
    with page_of('tokeniser', merges=768) as page:
        counts, names = same(page)['languages'], page.evaluate(SENTENCES)
        assert names == [*counts]
        for i, name in enumerate(names):
            page.get_by_role('button', name=name).click(); settled(page)
            assert len(same(page)['ids']) == counts[name]
            row = page.locator('.wd-table tr').nth(i + 1).inner_text().split('\t')
            assert row[1] == f'{counts[name]}'
            assert row[3] == f"× {counts[name]/counts['English']:.2f}"


@pytest.mark.parametrize('text', ["It's 1851, día 3!  \n two", '東京は夜です 👍🏽 👩‍👩‍👧',
                                  'Ἐν ἀρχῇ ἦν ὁ λόγος', "a'b ¯\\_(ツ)_/¯\t.."])
def test_any_text(text):
    with page_of('tokeniser', merges=768) as page:
        page.get_by_role('textbox').fill(text); settled(page)
        assert state(page)['text'] == text and same(page)
        assert run_code(page)['_'] == answer(page)['ids']


@pytest.mark.parametrize('bad', [dict(text=''), dict(merges=-4), dict(merges=1e9),
                                 dict(merges=2.6), dict(text='a'*5000)])
def test_a_spoiled_link_does_no_harm(bad):
    with from_link('tokeniser', **bad) as page:
        a = answer(page)
        assert run_code(page)['_'] == a['ids'] and len(a['ids']) <= 300
