"""Every canvas under fingers and on other screens: one pointer at a time, a swipe scrolls, drawings stay sharp; and what a photograph of a sign becomes."""
import contextlib
import numpy as np
import pytest
from browser import canvas, demo_url, open_page, page_of, settled, state
from test_demos import DEMOS

pytestmark = pytest.mark.browser


class Fingers:
    "Fingers on the glass, as the browser's own protocol reports them: `touch({1: (x, y), 2: (x, y)})`"
    def __init__(self, page): self.page, self.cdp, self.at = page, page.context.new_cdp_session(page), {}

    def touch(self, points):
        kind = 'touchMove' if set(points) == set(self.at) else 'touchStart' if len(points) > len(self.at) else 'touchEnd'
        self.at = points
        self.cdp.send('Input.dispatchTouchEvent', dict(type=kind, touchPoints=[dict(x=x, y=y, id=i) for i, (x, y) in points.items()]))

    def drag(self, start, end, steps=8, rest=0):
        self.touch({1: start})
        self.page.wait_for_timeout(rest)
        for t in np.linspace(0, 1, steps + 1)[1:]:
            self.touch({1: tuple((np.array(start) + t * (np.array(end) - start)).tolist())})
            self.page.wait_for_timeout(16)
        self.touch({})
        self.page.wait_for_timeout(100)

    def tap(self, at):
        self.touch({1: at})
        self.touch({})
        self.page.wait_for_timeout(100)


@contextlib.contextmanager
def phone(name, **state):
    "A live model in the middle of a long page on a phone"
    with open_page(demo_url(name, **state), width=375, height=667, has_touch=True, is_mobile=True, device_scale_factor=2) as page:
        page.add_style_tag(content='main { padding: 700px 0 1500px }')
        page.locator('walk-demo').scroll_into_view_if_needed()
        settled(page, 'ready', 'touch')
        if page.locator('.wd-wake').count(): page.locator('.wd-wake').click()
        settled(page)
        yield page, Fingers(page)


def middle(page, pad, x=.5, y=.5):
    "A place on a canvas that lies in the middle of the screen"
    pad.evaluate("c => c.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(100)
    box = pad.bounding_box()
    return box['x'] + x*box['width'], box['y'] + y*box['height']


def scrolled(page): return page.evaluate('scrollY')


@pytest.mark.parametrize('name', DEMOS)
def test_a_swipe_on_any_canvas_scrolls_and_changes_nothing(name):
    with phone(name) as (page, fingers):
        for pad in page.locator('walk-demo canvas').all():
            x, y = middle(page, pad)
            before, top = state(page), scrolled(page)
            fingers.drag((x, y), (x, y - 200))
            assert state(page) == before and scrolled(page) > top + 100, pad.get_attribute('aria-label')


def test_a_tap_places_a_point_and_a_finger_that_rests_or_moves_sideways_drags_it():
    with phone('perceptron', pts=[]) as (page, fingers):
        pad = page.locator('walk-demo canvas').first
        x, y = middle(page, pad)
        fingers.tap((x, y))
        assert len(state(page)['pts']) == 1
        fingers.drag((x, y), (x, y - 80), rest=500)
        [[a, b, _]] = state(page)['pts']
        assert abs(a - .5) < .1 and b > 1
        fingers.drag((x, y - 80), (x + 80, y - 80))
        [[c, d, _]] = state(page)['pts']
        assert c > a + .4 and abs(d - b) < .1
        top = scrolled(page)
        fingers.drag((x - 60, y), (x - 60, y - 150))        # after all that, a swipe is still a swipe
        assert len(state(page)['pts']) == 1 and scrolled(page) > top + 80
        assert 'With a finger' in page.locator('.wd-help').first.inner_text()


def test_a_tapped_board_takes_strokes_of_any_direction():
    with phone('digits', ink='') as (page, fingers):
        board = canvas(page, 'Drawing board')
        x, y = middle(page, board, .5, .2)
        fingers.tap((x, y))
        assert state(page)['ink'] == ''
        top = scrolled(page)
        fingers.drag((x, y), (x, y + 120))
        assert scrolled(page) == top and len(state(page)['ink']) > 8 and '.' not in state(page)['ink']


def strokes(page):
    abc = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    return [[(abc.index(s[i]), abc.index(s[i + 1])) for i in range(0, len(s), 2)] for s in state(page)['ink'].split('.') if s]


def test_a_second_finger_draws_nothing():
    with phone('digits', ink='') as (page, fingers):
        board = canvas(page, 'Drawing board')
        x, y = middle(page, board, .2, .2)
        fingers.tap((x, y))
        other = lambda i: (x + 100, y + 90 - 15*i)
        fingers.touch({1: (x, y)})
        fingers.touch({1: (x, y), 2: other(0)})
        for i in range(1, 7):
            fingers.touch({1: (x, y + 15*i), 2: other(i)})
            page.wait_for_timeout(30)
        fingers.touch({2: other(6)})
        fingers.touch({2: other(0)})
        fingers.touch({})
        page.wait_for_timeout(100)
        [line] = strokes(page)
        assert len({a for a, _ in line}) == 1 and [b for _, b in line] == sorted(b for _, b in line) and len(line) > 3


def test_other_buttons_and_a_press_from_outside_draw_nothing():
    with page_of('digits', ink='') as page:
        board = canvas(page, 'Drawing board')
        board.scroll_into_view_if_needed()
        box = board.bounding_box()
        at = lambda x, y: (box['x'] + x*box['width'], box['y'] + y*box['height'])
        for start, button in ((at(.3, .3), 'middle'), (at(.3, .3), 'right'), (at(-.1, .3), 'left')):
            page.mouse.move(*start)
            page.mouse.down(button=button)
            page.mouse.move(*at(.6, .6), steps=4)
            page.mouse.up(button=button)
            assert state(page)['ink'] == '', button
        page.mouse.move(*at(.3, .3))
        page.mouse.down()
        page.mouse.move(*at(.5, .3), steps=4)
        page.mouse.move(*at(1.3, .3), steps=4)
        page.mouse.up()
        page.mouse.move(*at(.5, .9), steps=4)
        [line] = strokes(page)
        assert len({y for _, y in line}) == 1


@pytest.mark.parametrize('name', ['digits', 'train'])
def test_another_screen_is_drawn_for_its_own_pixels(name):
    with page_of(name, wake=False) as page:
        pad = page.locator('walk-demo canvas').first
        wide = pad.evaluate('c => c.clientWidth')
        assert pad.evaluate('c => c.width') == wide
        cdp = page.context.new_cdp_session(page)
        for ratio in (2, 3, 1):
            cdp.send('Emulation.setDeviceMetricsOverride', dict(width=1000 + ratio, height=1000, deviceScaleFactor=ratio, mobile=False))
            page.wait_for_function("([w, k]) => document.querySelector('walk-demo canvas').width === w*k", arg=[wide, ratio], timeout=20_000)


SEVEN = """async ([paper, ink, scale]) => {
    const {toGrey} = await import('/base.js'), c = document.createElement('canvas'), g = c.getContext('2d');
    c.width = c.height = 280*scale; g.scale(scale, scale);
    g.fillStyle = `rgb(${paper},${paper},${paper})`; g.fillRect(0, 0, 280, 280);
    g.strokeStyle = `rgb(${ink},${ink},${ink})`; g.lineWidth = 22; g.lineCap = g.lineJoin = 'round';
    g.beginPath(); g.moveTo(80, 60); g.lineTo(200, 60); g.lineTo(120, 220); g.stroke();
    return [...await toGrey(await new Promise(r => c.toBlob(r)))] }"""
TONES = [(255, 0), (0, 255), (126, 10), (90, 0), (140, 250), (200, 60), (230, 180), (60, 110), (128, 60), (127, 200)]


def test_a_seven_is_a_seven_on_any_paper():
    with page_of('train', wake=False) as page:
        read = {tones: np.array(page.evaluate(SEVEN, [*tones, 1])) for tones in TONES}
        for tones, grey in read.items(): assert np.abs(grey - read[255, 0]).max() < .06, tones
        assert np.abs(np.array(page.evaluate(SEVEN, [200, 60, 6])) - read[255, 0]).mean() < .03
        for tones in ((128, 128), (250, 240), (0, 0)):
            said = page.evaluate(f'(a) => ({SEVEN})(a).catch(e => e.message)', [*tones, 1])
            assert said == 'The picture is of one tone: no sign was found in it.', tones


@pytest.mark.parametrize('paper, ink', [(126, 10), (90, 0), (140, 250), (200, 60)])
def test_a_photographed_seven_is_read(paper, ink, tmp_path):
    from PIL import Image, ImageDraw
    picture = Image.new('L', (280, 280), paper)
    ImageDraw.Draw(picture).line([(80, 60), (200, 60), (120, 220)], fill=ink, width=22, joint='curve')
    picture.save(tmp_path/'seven.png')
    with page_of('digits') as page:
        page.get_by_text('Your own data').click()
        page.locator('input[type=file]').set_input_files(tmp_path/'seven.png')
        page.wait_for_function("document.querySelector('walk-demo').ui.state.img")
        settled(page)
        logits = page.evaluate("[...document.querySelector('walk-demo').ui.answer.logits]")
        assert int(np.argmax(logits)) == 7
