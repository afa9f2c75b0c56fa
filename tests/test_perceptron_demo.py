"""The live perceptron, by mouse and keyboard, against walkdl's own on the same points."""
from contextlib import contextmanager
import numpy as np, pytest
from browser import answer, from_link, page_of, run_code, settled, state
from walkdl.perceptron import Perceptron, margin, mistake_bound

pytestmark = pytest.mark.browser
XOR = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]


class Live:
    "What a reader can do with the demo, and what a test may look at"
    def __init__(self, page): self.page = page
    def button(self, name, times=1):
        for _ in range(times): self.page.get_by_role('button', name=name, exact=True).click()
        return self.settle()
    def settle(self): settled(self.page); return self
    @property
    def answer(self): return answer(self.page)
    @property
    def state(self): return state(self.page)
    @property
    def pad(self): return self.page.locator('canvas[role=application]')
    def at(self, x, y):
        box = self.pad.bounding_box()
        return box['x'] + (x + 1) / 3 * box['width'], box['y'] + (2 - y) / 3 * box['height']
    def click(self, x, y, **kw): self.page.mouse.click(*self.at(x, y), **kw); self.settle()
    def drag(self, a, b):
        self.page.mouse.move(*self.at(*a)); self.page.mouse.down()
        self.page.mouse.move(*self.at(*b), steps=4); self.page.mouse.up()
        self.settle()


@contextmanager
def live(**state):
    "The demo with its state taken from the link"
    with from_link('perceptron', **state) as page: yield Live(page)


def same(live):
    "The page's weights, mistakes and answers are those of Python's perceptron"
    a, s = live.answer, live.state
    data = np.array(s['pts'], dtype=float)
    X, y = data[:, :2], data[:, 2].astype(int)
    p = Perceptron(start=a['start']).begin(2)
    for k in range(a['seen']): p.learn(X[k % len(X)], y[k % len(X)])
    ours = p.w_.tolist(), p.mistakes_, p.predict(X).tolist()
    assert (a['w'], a['mistakes'], a['answers']) == ours
    want = mistake_bound(X, y)
    if np.isfinite(want):
        want += 2 * np.linalg.norm(a['start']) / margin(X, y)
        assert a['bound'] == pytest.approx(want, rel=1e-6) and a['mistakes'] <= a['bound']
    else: assert a['bound'] is None
    return a


@pytest.mark.parametrize('preset', ['AND', 'OR', 'XOR', 'Two blobs', 'Blobs that overlap'])
@pytest.mark.parametrize('start', ['all weights 0', 'random weights'])
def test_presets_learn_as_in_python(preset, start):
    with live() as d:
        d.button(preset)
        d.page.get_by_label('Start', exact=True).select_option(start)
        d.button('One sample', 3)
        assert same(d)['seen'] == 3
        d.button('To the next mistake', 6)
        a = same(d)
        assert a['done'] or a['mistakes'] >= 6
        assert (a['bound'] is None) == (preset in ('XOR', 'Blobs that overlap'))


def test_points_placed_moved_and_removed_by_mouse():
    with live() as d:
        d.button('Clear')
        for x, y in ((.5, 1.5), (1.25, 1.), (1.5, .25)): d.click(x, y)
        d.page.get_by_label('class 0 (circle)').check()
        for x, y in ((-.5, 0.), (.25, -.5)): d.click(x, y)
        assert d.state['pts'] == [[.5, 1.5, 1], [1.25, 1, 1], [1.5, .25, 1], [-.5, 0, 0],
                                  [.25, -.5, 0]]
        d.drag((.5, 1.5), (-.75, 1.75))
        d.click(1.5, .25, button='right')
        assert d.state['pts'] == [[-.75, 1.75, 1], [1.25, 1, 1], [-.5, 0, 0], [.25, -.5, 0]]
        d.button('Run')
        d.page.wait_for_function("document.querySelector('walk-demo').ui.answer.done")
        a = same(d.settle())
        assert a['answers'] == [1, 1, 0, 0] and 'At rest' in d.page.inner_text('.wd-say')


def test_points_placed_moved_and_removed_by_keyboard():
    with live() as d:
        d.button('Clear')
        d.pad.focus()
        press = lambda *keys: [d.page.keyboard.press(k) for k in keys]
        press('ArrowUp', 'ArrowUp', ' ', 'ArrowRight', 'ArrowRight', 'ArrowRight', ' ')
        assert d.state['pts'] == [[.5, .75, 1], [.875, .75, 1]]
        d.page.keyboard.down('Shift')
        press('ArrowDown', 'ArrowDown')
        d.page.keyboard.up('Shift')
        assert d.settle().state['pts'][1] == [.875, .5, 1]
        press('Delete')
        assert d.settle().state['pts'] == [[.5, .75, 1]]
        d.button('One sample')
        assert same(d)['mistakes'] == 1


def test_xor_runs_in_a_circle_until_paused():
    with live() as d:
        d.button('XOR')
        d.button('Run')
        d.page.wait_for_function("document.querySelector('walk-demo').ui.answer.circle")
        d.page.get_by_role('button', name='Pause').click()
        a = same(d.settle())
        assert a['circle'] == [2, 3] and not a['done'] and 'circle' in d.page.inner_text('.wd-say')


@pytest.mark.parametrize('seed', range(4))
def test_bound_of_random_points(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(-16, 33, (8 * (seed + 1), 2)) / 16
    y = (X @ rng.normal(size=2) > .3).astype(int)
    with live(pts=[[*x, int(t)] for x, t in zip(X.tolist(), y)], seen=300) as d: same(d)


def test_code_gives_what_the_page_shows():
    with live(pts=XOR, start='random', seed=5, seen=9) as d:
        w, mistakes, answers = run_code(d.page)['_'][:3]
        a = d.answer
        assert (w.tolist(), mistakes, answers.tolist()) == (a['w'], a['mistakes'], a['answers'])
        assert a['mistakes'] > 0


def test_pasted_points():
    with live() as d:
        d.page.get_by_text('Your own data').click()
        box = d.page.locator('walk-demo textarea')
        box.fill('x, y, class\n10, 20, 1\n-30, 5, 0\n12, 40, 1')
        d.button('Use these')
        taken = "document.querySelector('walk-demo').ui.state.pts.length === 3"
        d.page.wait_for_function(taken, timeout=30_000)
        assert d.state['pts'] == [[10, 20, 1], [-30, 5, 0], [12, 40, 1]]
        d.button('To the next mistake', 3)
        same(d)
        box.fill('1, 2, 3')
        d.button('Use these')
        assert 'class 3' in d.page.inner_text('walk-demo [role=alert]')
        assert len(d.state['pts']) == 3


def test_the_link_holds_everything():
    with live(pts=XOR, seen=7) as d:
        d.button('One sample')
        d.page.wait_for_function("location.hash.includes('seen=8')")
        a, hash = same(d), d.page.evaluate('location.hash')
        d.button('Reset')
        assert d.answer['seen'] == 0 and len(d.state['pts']) == 4
    with page_of('perceptron', hash=hash) as page: assert answer(page) == a


@pytest.mark.parametrize('state', [{'pts': [[0, 'x'], 5, [1, 1, 7]], 'seen': 50},
                                   {'pts': [], 'seen': 5}, {'seen': -3}, {'seen': 10**9},
                                   {'start': 'odd'}, {'cls': 9}])
def test_a_broken_link_breaks_nothing(state):
    with live(**state) as d:
        d.button('One sample')
        assert np.isfinite(d.answer['w']).all() and d.answer['seen'] <= 20_000


def test_touched_on_a_phone():
    with live(width=360, seen=9) as d:
        d.click(1.5, .5)
        assert len(d.state['pts']) == 5
