"""The live model of the GPT chapter: its tokens and probabilities are Python's."""
import pytest, torch
from browser import answer, canvas, from_link, page_of, run_code, settled, state
from walkdl.gpt import load_gpt, next_probs

pytestmark = pytest.mark.browser
TEXTS = ('We must', 'Tonight I can report to you that 1,234 people’s jobs\nand – naïve, '
                    'emoji 🙂 – are safe.', 'x')


def from_onnx(ids):
    "Logits of the last token from the file that the page loads"
    import onnxruntime
    from walkdl.demo import demos
    x = torch.zeros(1, 64)
    x[0, :len(ids)] = torch.tensor(ids)
    session = onnxruntime.InferenceSession(demos()[0]/'models'/'gpt.onnx')
    return torch.tensor(session.run(None, {'x': x.numpy()})[0][0, len(ids) - 1])

def gap(a, b): return (torch.as_tensor(a).double() - b.double()).abs().sum().item()/2


@pytest.mark.parametrize('text', TEXTS)
def test_tokens_and_probabilities(text):
    gpt, bpe = load_gpt()
    with page_of('gpt', text=text, temperature=.8, top_k=40, top_p=.9) as page:
        got = answer(page)
        assert got['ids'] == bpe.encode(text)
        # 8-bit sums round differently in the browser
        assert gap(torch.tensor(got['logits']).softmax(-1), from_onnx(got['ids']).softmax(-1)) < .05
        assert gap(got['probs'], next_probs(torch.tensor(got['logits']), .8, 40, .9)) < 1e-4
        with torch.no_grad(): want = next_probs(gpt(torch.tensor([got['ids']]))[0, -1])
        assert gap(torch.tensor(got['logits']).softmax(-1).tolist(), want) < .35 # 8 bits a weight
        assert abs(sum(got['row']) - 1) < 1e-3


def test_choose_by_mouse_and_keyboard():
    with page_of('gpt') as page:
        before = state(page)['text']
        bars = canvas(page, 'The twelve')
        bars.scroll_into_view_if_needed()
        box = bars.bounding_box()
        best = answer(page)['best']
        page.mouse.click(box['x'] + 150*box['width']/300, box['y'] + box['height']/24)
        settled(page)
        assert state(page)['text'] == before + best
        page.get_by_role('button', name='Take back').click()
        settled(page)
        assert state(page)['text'] == before
        bars.focus()
        for key in ('ArrowUp',)*12 + (' ',): page.keyboard.press(key)
        settled(page)
        assert state(page)['text'] == before + best


def test_maps_and_tokens_by_keyboard():
    with page_of('gpt') as page:
        right, back = ('ArrowRight',)*5 + ('ArrowDown',)*3, ('ArrowUp',)*9 + ('ArrowLeft',)*30
        for label, keys, want in (('Twelve maps', right, dict(head=11)),
                                  ('The tokens', back, dict(place=0))):
            canvas(page, label).focus()
            for key in (*keys, ' '): page.keyboard.press(key)
            settled(page)
            assert state(page) == state(page) | want


def test_dice_are_the_same_for_the_same_seed_and_greedy_keeps_one():
    written = []
    for _ in range(2):
        with page_of('gpt', seed=3) as page:
            for _ in range(3):
                page.get_by_role('button', name='Roll the dice').click()
                settled(page)
            written.append(state(page)['text'])
    assert written[0] == written[1]
    with page_of('gpt', temperature=0) as page:
        assert answer(page)['kept'] == 1 and max(answer(page)['probs']) == 1


def test_long_and_empty_texts():
    with page_of('gpt', text='the people of the United States '*40) as page:
        assert len(answer(page)['probs']) == 1024
    with page_of('gpt', text='') as page: assert answer(page)['ids'] == []


def test_half_a_character_is_kept_as_a_token_and_taken_back_as_one():
    gpt, bpe = load_gpt()
    with page_of('gpt', text='America’s') as page:
        back = page.get_by_role('button', name='Take back')
        for want in (bpe.encode('America’s')[:-i] for i in (1, 2, 3)):
            back.click()
            settled(page)
            assert answer(page)['ids'] == want
        assert state(page)['text'] == 'America' and state(page)['tail'] == []
        for _ in range(4): back.click(); settled(page)
        assert '\ufffd' not in state(page)['text']


def test_a_character_grows_from_its_halves():
    gpt, bpe = load_gpt()
    whole = bpe.encode('we can’')
    with page_of('gpt', text='we can', tail=whole[-2:-1], temperature=0) as page:
        assert answer(page)['ids'] == whole[:-1]
        assert '“‹99›”' in page.locator('.wd-say').inner_text()
        assert run_code(page)['ids'] == whole[:-1]
        both = "tail => document.querySelector('walk-demo').ui.set({tail})"
        page.evaluate(both, whole[-2:])
        settled(page)
        assert answer(page)['ids'] == whole
    with page_of('gpt', text="We’ve done it, and we can") as page:
        bars = canvas(page, 'The twelve')
        bars.scroll_into_view_if_needed()
        box = bars.bounding_box()
        page.mouse.click(box['x'] + box['width']/2, box['y'] + box['height']/24)
        settled(page)
        assert answer(page)['ids'][-2:] == whole[-3:-1]
        assert state(page)['text'] == 'We’ve done it, and we can'
        area = page.get_by_label('The text so far')
        assert area.input_value().endswith('can\ufffd')
        area.press('End')
        area.type(' do')
        settled(page)
        assert (state(page)['text'], state(page)['tail']) == ('We’ve done it, and we can do', [])


def test_a_text_written_on_stays_tokens_and_a_broken_tail_changes_nothing():
    gpt, bpe = load_gpt()
    with page_of('gpt', text='We’ve done it, and we can') as page:
        page.get_by_role('button', name='Write on').click()
        page.get_by_role('button', name='Write on').wait_for()
        settled(page)
        text = state(page)['text']
        assert '\ufffd' not in text and len(text) > len('We’ve done it, and we can')
    with from_link('gpt', text='We', tail='["x",-1,99999,null]') as page:
        assert answer(page)['ids'] == bpe.encode('We')
