"""The neuron that feels its slope: the page's numbers are those of the chapter and of torch."""
import contextlib, io, json

import pytest
import torch

from browser import answer, canvas, code, from_link, page_of, settled, state

pytestmark = pytest.mark.browser
X = torch.tensor([[1., 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]], dtype=torch.float64)


def by_torch(start, walked, y):
    "Weights, losses and the gradient of the last one, with slopes from backward()"
    w, losses = torch.tensor(start, dtype=torch.float64, requires_grad=True), []
    def look():
        loss = ((torch.sigmoid(X @ w) - torch.tensor([float(t) for t in y]))**2).mean()
        losses.append(loss.item())
        return torch.autograd.grad(loss, w)[0]
    for lr, steps in walked:
        for _ in range(steps): w = (w - lr*look()).detach().requires_grad_()
    slope = look()
    return w.tolist(), losses, slope.tolist()


def equals_torch(page):
    s, a = state(page), answer(page)
    w, losses, slope = by_torch(s['from'], s['walked'], s['y'])
    assert a['w'] == pytest.approx(w, abs=1e-6)
    assert a['losses'] == pytest.approx(losses, abs=1e-6)
    assert a['gradient'] == pytest.approx(slope, abs=1e-6)
    with contextlib.redirect_stdout(io.StringIO()) as out: exec(code(page), {})
    printed, _, loss = out.getvalue().rpartition(' ')
    assert a['loss'] == pytest.approx(float(loss), abs=1e-9)
    assert a['w'] == pytest.approx(json.loads(printed[:printed.index(']') + 1]), abs=1e-9)
    return a


def words(page): return page.locator('.wd-say').inner_text()
def press(page, name): page.get_by_role('button', name=name, exact=True).click(); settled(page)


def test_by_button_slider_and_mouse():
    with page_of('descent') as page:
        a = equals_torch(page)
        assert a['loss'] == .25 and a['gradient'] == [.125, 0, 0]
        assert '−1.000 · 0.250 · 1 = −0.250' in words(page)
        assert not [u for u in page.asked if 'onnx' in u]
        press(page, 'Step')
        assert equals_torch(page)['w'] == [-.125, 0, 0]
        page.get_by_label('learning rate').press('ArrowRight')
        press(page, '100 steps')
        assert state(page)['walked'] == [[1, 1], [3, 100]]
        assert equals_torch(page)['steps'] == 101
        page.get_by_label('weight w1').press('ArrowRight')
        settled(page)
        a = equals_torch(page)
        assert a['steps'] == 0 and state(page)['walked'] == []
        page.get_by_role('radio', name='w2').check()
        curve = canvas(page, 'The loss over the chosen weight')
        box = curve.bounding_box()
        curve.click(position=dict(x=box['width']*.75, y=box['height']/2))
        settled(page)
        a = equals_torch(page)
        assert a['w'][2] == pytest.approx(5, abs=.05)
        assert 'slope in w2' in page.locator('.wd-chain').inner_text()


def test_corners_by_keyboard_and_what_a_friend_sees():
    with page_of('descent') as page:
        canvas(page, 'The plane of both inputs').focus()
        for key in ('ArrowLeft', 'ArrowUp', 'Space'): page.keyboard.press(key)
        settled(page)
        assert state(page)['y'] == '0101' and state(page)['sample'] == 1
        page.get_by_label('wanted at the corners').select_option('XOR')
        page.get_by_role('button', name='Descend').click()
        page.wait_for_function("document.querySelector('walk-demo').ui.answer.steps > 5")
        page.get_by_role('button', name='Pause').click()
        settled(page)
        here, told = state(page), equals_torch(page)
    with from_link('descent', **{k: v for k, v in here.items() if k in ('y', 'walked', 'sample')}) \
            as page:
        assert answer(page) == told and state(page) == here
        page.wait_for_timeout(600)
        assert f'After {told["steps"]} steps' in page.get_by_role('status').inner_text()


def test_the_chapters_two_thousand_steps():
    with page_of('descent', walked=[[1, 2000]]) as page:
        assert equals_torch(page)['loss'] < .02
