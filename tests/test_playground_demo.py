"""The playground of layers: what the page trains is what PyTorch trains."""
import contextlib, io

import pytest

from browser import answer, canvas, code, from_link, page_of, settled, state

pytestmark = pytest.mark.browser
RUNS = {
    'circle': dict(),
    'batches': dict(data='xor', act='tanh', layers=2, h1=8, h2=4, lr=.3, batch=10, seed=3),
    'decay': dict(data='spirals', act='relu', layers=3, h1=8, h2=8, h3=8, lr=.1, l2=.003,
                  noise=.1, seed=7),
    'heaps': dict(data='heaps', noise=.5, share=.5, h1=1, lr=1, batch=10),
    'own': dict(data='own', pts=[[-.5, .1, 0], [.4, .2, 1], [.1, -.7, 0], [.9, .9, 1]], lr=1),
}


def equals_torch(page):
    "The page's lines print both losses"
    with contextlib.redirect_stdout(io.StringIO()) as out: exec(code(page), {})
    loss, test = map(float, out.getvalue().split())
    a = answer(page)
    assert a['loss'] == pytest.approx(loss, abs=1e-6)
    assert a['test'] == pytest.approx(test, abs=1e-6)
    return a


def reach(page, **patch):
    page.evaluate("async patch => { const {ui} = document.querySelector('walk-demo'); "
                  "await ui.set({...structuredClone(ui.start), ...patch}) }", patch)
    settled(page)


def test_fifty_steps_are_those_of_torch():
    with page_of('playground') as page:
        for start in RUNS.values():
            reach(page, **start)
            before = answer(page)['loss']
            reach(page, **start, steps=50)
            assert equals_torch(page)['steps'] == 50 and answer(page)['loss'] != before


def test_by_mouse_and_keyboard():
    with page_of('playground') as page:
        assert answer(page)['steps'] == 0 and not [u for u in page.asked if 'onnx' in u]
        for _ in range(3): page.get_by_role('button', name='One step').click()
        settled(page)
        assert answer(page)['steps'] == 3
        plane, net = canvas(page, 'The plane'), canvas(page, 'The network')
        box = plane.bounding_box()
        page.get_by_role('radio', name='adds a square').check()
        plane.click(position=dict(x=box['width']/2, y=box['height']/2))
        settled(page)
        assert state(page)['data'] == 'own' and answer(page)['points'] == 201
        assert state(page)['pts'][-1] == pytest.approx([0, 0, 1], abs=.01)
        equals_torch(page)
        plane.focus()
        page.keyboard.press('Delete')
        settled(page)
        assert answer(page)['points'] == 200
        net.focus()
        page.keyboard.press('ArrowUp')
        words = page.locator('.wd-say').inner_text()
        assert words.startswith('Hidden layer 1, unit 1: bias ') and 'weights x1 ' in words
        box = net.bounding_box()
        net.click(position=dict(x=box['width']*20/340, y=box['height']*.44))
        settled(page)
        assert state(page)['show'] == [0, 0]
        page.get_by_label('hidden layers').press('ArrowRight')
        settled(page)
        assert page.get_by_label('units in layer 2').is_enabled()
        assert page.get_by_label('units in layer 3').is_disabled()
        page.get_by_role('button', name='Train').click()
        page.wait_for_function("document.querySelector('walk-demo').ui.state.steps > 30")
        page.get_by_role('button', name='Pause').click()
        settled(page)
        equals_torch(page)


def test_a_link_trains_to_its_step_and_hides_what_a_lesson_leaves_out():
    with from_link('playground', act='tanh', steps=400, hide=['noise', 'l2', 'cls']) as page:
        page.wait_for_function("document.querySelector('walk-demo').ui.answer.steps === 400")
        assert not page.get_by_label('noise').is_visible()
        assert not page.get_by_role('radio', name='removes').is_visible()
        assert page.get_by_label('learning rate').is_visible()
        page.wait_for_timeout(600)
        assert 'Step 400: loss' in page.get_by_role('status').inner_text()
        equals_torch(page)


def test_no_points_are_said():
    with from_link('playground', data='own', pts=[7, [1, 2]]) as page:
        assert 'No point to train on' in page.locator('.wd-say').inner_text()
        canvas(page, 'The plane').focus()
        page.keyboard.press('Space')
        settled(page)
        assert answer(page)['points'] == 1
