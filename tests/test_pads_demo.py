"""Every canvas under fingers and on other screens, and what a photograph of a sign becomes.

One pointer at a time, a swipe scrolls, drawings stay sharp.
"""
import base64, contextlib, io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from browser import canvas, demo_url, open_page, page_of, settled, state, wake
from test_demos import DEMOS

pytestmark = pytest.mark.browser


class Fingers:
    "Fingers on the glass, in the browser's own protocol: `touch({1: (x, y), 2: (x, y)})`"
    def __init__(self, page):
        self.page, self.cdp, self.at = page, page.context.new_cdp_session(page), {}

    def touch(self, points):
        more = len(points) - len(self.at)
        kind = 'touchStart' if more > 0 else 'touchEnd' if more < 0 else 'touchMove'
        self.at = points
        points = [dict(x=x, y=y, id=i) for i, (x, y) in points.items()]
        self.cdp.send('Input.dispatchTouchEvent', dict(type=kind, touchPoints=points))

    def drag(self, start, end, rest=0):
        self.touch({1: start})
        self.page.wait_for_timeout(rest)
        for x, y in np.linspace(start, end, 9)[1:].tolist():
            self.touch({1: (x, y)})
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
    how = dict(width=375, height=667, has_touch=True, is_mobile=True, device_scale_factor=2)
    with open_page(demo_url(name, **state), **how) as page:
        page.add_style_tag(content='main { padding: 700px 0 1500px }')
        page.locator('walk-demo').scroll_into_view_if_needed()
        settled(page, 'ready', 'touch')
        wake(page)
        settled(page)
        yield page, Fingers(page)


def place(page, pad, x=.5, y=.5):
    "Where a place on a canvas is, when the canvas is in the middle of the screen"
    pad.evaluate("c => c.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(100)
    box = pad.bounding_box()
    return box['x'] + x*box['width'], box['y'] + y*box['height']


def scrolled(page): return page.evaluate('scrollY')


def strokes(page):
    "The lines on the drawing board"
    abc = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    lines = [s for s in state(page)['ink'].split('.') if s]
    return [[(abc.index(a), abc.index(b)) for a, b in zip(s[::2], s[1::2])] for s in lines]


# ---------- fingers

@pytest.mark.parametrize('name', DEMOS)
def test_a_swipe_on_any_canvas_scrolls_and_changes_nothing(name):
    with phone(name) as (page, fingers):
        for pad in page.locator('walk-demo canvas').all():
            x, y = place(page, pad)
            before, top = state(page), scrolled(page)
            fingers.drag((x, y), (x, y - 200))
            assert state(page) == before, pad.get_attribute('aria-label')
            assert scrolled(page) > top + 100, pad.get_attribute('aria-label')


def test_a_tap_presses_and_a_finger_that_rests_or_moves_sideways_drags():
    with phone('perceptron', pts=[]) as (page, fingers):
        x, y = place(page, page.locator('walk-demo canvas').first)
        fingers.tap((x, y))
        assert len(state(page)['pts']) == 1
        fingers.drag((x, y), (x, y - 80), rest=500)
        [[a, b, _]] = state(page)['pts']
        assert abs(a - .5) < .1 and b > 1
        fingers.drag((x, y - 80), (x + 80, y - 80))
        [[c, d, _]] = state(page)['pts']
        assert c > a + .4 and abs(d - b) < .1
        top = scrolled(page)
        fingers.drag((x - 60, y), (x - 60, y - 150)) # after all that, a swipe is still a swipe
        assert len(state(page)['pts']) == 1 and scrolled(page) > top + 80
        assert 'With a finger' in page.locator('.wd-help').first.inner_text()


def test_a_tapped_board_takes_strokes_of_any_direction():
    with phone('digits', ink='') as (page, fingers):
        x, y = place(page, canvas(page, 'Drawing board'), .5, .2)
        fingers.tap((x, y))
        assert state(page)['ink'] == ''
        top = scrolled(page)
        fingers.drag((x, y), (x, y + 120))
        [line] = strokes(page)
        assert scrolled(page) == top and len(line) > 4


def test_a_second_finger_draws_nothing():
    with phone('digits', ink='') as (page, fingers):
        x, y = place(page, canvas(page, 'Drawing board'), .2, .2)
        fingers.tap((x, y))
        first, second = lambda i: (x, y + 15*i), lambda i: (x + 100, y + 90 - 15*i)
        fingers.touch({1: first(0)})
        for i in range(7):
            fingers.touch({1: first(max(i - 1, 0)), 2: second(i)})
            fingers.touch({1: first(i), 2: second(i)})
            page.wait_for_timeout(30)
        fingers.touch({2: second(6)})
        fingers.touch({2: second(0)})
        fingers.touch({})
        page.wait_for_timeout(100)
        [line] = strokes(page)
        assert len({a for a, _ in line}) == 1 and len(line) > 3
        assert [b for _, b in line] == sorted(b for _, b in line)


# ---------- the mouse

@pytest.mark.parametrize('x, button', [(.3, 'middle'), (.3, 'right'), (-.04, 'left')])
def test_other_buttons_and_a_press_outside_draw_nothing(x, button):
    with page_of('digits', ink='') as page:
        board = canvas(page, 'Drawing board')
        page.mouse.move(*place(page, board, x, .3))
        page.mouse.down(button=button)
        page.mouse.move(*place(page, board, .6, .6), steps=4)
        page.mouse.up(button=button)
        assert state(page)['ink'] == ''


def test_a_stroke_ends_where_it_is_let_go():
    with page_of('digits', ink='') as page:
        board = canvas(page, 'Drawing board')
        page.mouse.move(*place(page, board, .3, .3))
        page.mouse.down()
        for x in (.5, 1.3): page.mouse.move(*place(page, board, x, .3), steps=4)
        page.mouse.up()
        page.mouse.move(*place(page, board, .5, .9), steps=4)
        [line] = strokes(page)
        assert len({b for _, b in line}) == 1


# ---------- another screen

@pytest.mark.parametrize('name', ['digits', 'train'])
def test_another_screen_is_drawn_for_its_own_pixels(name):
    drawn = "([w, k]) => document.querySelector('walk-demo canvas').width === w*k"
    with page_of(name, awake=False) as page:
        pad = page.locator('walk-demo canvas').first
        wide = pad.evaluate('c => c.clientWidth')
        assert pad.evaluate('c => c.width') == wide
        cdp = page.context.new_cdp_session(page)
        for k in (2, 3, 1): # a screen of the same size would not be announced by the protocol
            screen = dict(width=1000 + k, height=1000, deviceScaleFactor=k, mobile=False)
            cdp.send('Emulation.setDeviceMetricsOverride', screen)
            page.wait_for_function(drawn, arg=[wide, k], timeout=20_000)


# ---------- a photographed sign

TONES = [(126, 10), (90, 0), (140, 250), (200, 60)]
MORE = [(0, 255), (230, 180), (60, 110), (128, 60), (127, 200)]
READ = """async data => {
    const {toGrey} = await import('/base.js'), file = await (await fetch(data)).blob();
    return toGrey(file).then(v => [...v], e => e.message) }"""


def seven(paper, ink, scale=1):
    picture = Image.new('L', (280*scale, 280*scale), paper)
    points = [(x*scale, y*scale) for x, y in ((80, 60), (200, 60), (120, 220))]
    ImageDraw.Draw(picture).line(points, fill=ink, width=22*scale, joint='curve')
    return picture


def read(page, picture):
    "What the page makes of a picture"
    picture.save(file := io.BytesIO(), 'PNG')
    data = base64.b64encode(file.getvalue()).decode()
    return page.evaluate(READ, f'data:image/png;base64,{data}')


def test_a_seven_is_the_same_on_any_paper():
    with page_of('train', awake=False) as page:
        plain = np.array(read(page, seven(255, 0)))
        for tones in TONES + MORE:
            assert np.abs(np.array(read(page, seven(*tones))) - plain).max() < .06, tones
        large, dirty = seven(200, 60, scale=6), seven(200, 60)
        assert np.abs(np.array(read(page, large)) - plain).mean() < .03
        ImageDraw.Draw(dirty).rectangle((150, 150, 152, 152), fill=0)
        assert np.abs(np.array(read(page, dirty)) - plain).mean() < .03


@pytest.mark.parametrize('paper, ink', [(128, 128), (250, 240), (0, 0)])
def test_a_picture_of_one_tone_is_said_to_be_one(paper, ink):
    with page_of('train', awake=False) as page:
        said = 'The picture is of one tone: no sign was found in it.'
        assert read(page, seven(paper, ink)) == said


@pytest.mark.parametrize('paper, ink', TONES)
def test_a_photographed_seven_is_read(paper, ink, tmp_path):
    seven(paper, ink).save(tmp_path/'seven.png')
    with page_of('digits') as page:
        page.get_by_text('Your own data').click()
        page.locator('input[type=file]').set_input_files(tmp_path/'seven.png')
        page.wait_for_function("document.querySelector('walk-demo').ui.state.img")
        settled(page)
        logits = page.evaluate("[...document.querySelector('walk-demo').ui.answer.logits]")
        assert int(np.argmax(logits)) == 7
