"""Live models before and after they wake: presses, swipes, anchors, the stored first answer.

A press is a real one: down, 90 milliseconds, up.
"""
import contextlib, gzip, json, threading, urllib.request

import pytest

import first, serve
from browser import demo_url, open_page, settled, state, wake
from conftest import ROOT
from markup import name as page_name
from notebooks import NBS, read
from test_demos import DEMOS
from test_pads_demo import Fingers

pytestmark = pytest.mark.browser

PAGES = sorted({page_name(p) for p in NBS.glob('*.ipynb')
                if 'walk-demo name' in json.dumps(read(p), ensure_ascii=False)} - {'index', '.'})
SIZES = {'wide': dict(width=1280), 'tablet': dict(width=820),
         'phone': dict(width=390, height=844, has_touch=True, is_mobile=True)}
PRESSED = ('.wd-canvas[role=application], .wd-main button, .wd-main input[type=range], '
           '.wd-main input[type=radio]:not(:checked), .wd-main input[type=checkbox]')
ALL = "[...document.querySelectorAll('walk-demo')]"
OPEN = f"{ALL}.length && {ALL}.every(d => ['ready', 'touch'].includes(d.dataset.phase))"
REST = f"{ALL}.every(d => d.dataset.phase === 'ready' && !d.ui.busy && !d.ui.waiting.length)"
SHIFT = """window.shift = 0
    new PerformanceObserver(list => list.getEntries().forEach(e => {
    if (!e.hadRecentInput) window.shift += e.value
    })).observe({type: 'layout-shift'})
"""


@contextlib.contextmanager
def served():
    "The built site, as `make serve` gives it"
    site = serve.server()
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{site.server_port}', site
    site.shutdown()
    site.server_close()


@pytest.fixture(scope='module')
def site():
    with served() as (url, _): yield url


def place(box, x, y): return box['x'] + x*box['width'], box['y'] + y*box['height']


def press(page, what, how):
    "One press of a control or a canvas, by mouse, finger or key"
    what.evaluate("e => e.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(50)
    slides = what.get_attribute('type') == 'range'
    at = place(what.bounding_box(), .75 if slides else .3, .5 if slides else .4)
    if how == 'mouse':
        page.mouse.move(*at)
        page.mouse.down()
        page.wait_for_timeout(90)
        page.mouse.up()
    elif how == 'finger':
        fingers = Fingers(page)
        fingers.touch({1: at})
        page.wait_for_timeout(90)
        fingers.touch({})
    else:
        what.focus()
        page.keyboard.press('ArrowLeft' if slides else 'Space')
    page.wait_for_timeout(50)


def outcome(page, what, how):
    "The state after a press; of a button that plays, that it plays"
    press(page, what, how)
    plays = page.evaluate("document.querySelector('walk-demo').ui.player?.running")
    if plays: page.evaluate("document.querySelector('walk-demo').ui.player.stop()")
    page.wait_for_function(REST)
    return 'plays' if plays else state(page)


@pytest.mark.parametrize('name', DEMOS)
def test_the_first_press_does_what_it_says_asleep_as_awake(name):
    ways = ['mouse', 'finger', 'key']
    with open_page(demo_url(name), has_touch=True) as awake, \
            open_page(demo_url(name), has_touch=True) as asleep:
        settled(awake, 'ready', 'touch')
        sleeps = awake.evaluate('document.querySelector("walk-demo").dataset.phase') == 'touch'
        wake(awake)
        awake.wait_for_function(REST)
        start, changed = state(awake), 0
        for i, what in enumerate(awake.locator(PRESSED).all()):
            how = ways[(i + len(name)) % 3]
            awake.evaluate("document.querySelector('walk-demo').ui.reset()")
            awake.wait_for_function(REST)
            wanted = outcome(awake, what, how)
            changed += wanted != start
            if not sleeps: continue
            asleep.goto(demo_url(name))
            asleep.wait_for_function(OPEN)
            found = outcome(asleep, asleep.locator(PRESSED).nth(i), how)
            assert found == wanted, f'{how} on {what.evaluate("e => e.outerHTML")[:120]}'
        assert changed >= 2


def off(page):
    "How far the section stands from where the header ends"
    return abs(page.evaluate("""document.getElementById('exercises').getBoundingClientRect().top
        - parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop)"""))


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('name', PAGES)
def test_a_link_lands_and_nothing_moves_when_models_open_wake_and_answer(name, size, site):
    with open_page(f'{site}/{name}.html#exercises', **SIZES[size]) as page:
        page.wait_for_function(OPEN)
        page.evaluate(SHIFT)
        assert off(page) <= 40
        assert not [u for u in page.asked if 'onnx' in u or '/ort/' in u]
        tall = page.evaluate('document.documentElement.scrollHeight')
        page.evaluate(f'{ALL}.forEach(d => d.ui.wake())')
        page.wait_for_function(REST)
        page.wait_for_timeout(100)
        assert off(page) <= 40 and page.evaluate('document.documentElement.scrollHeight') == tall
        assert page.evaluate('shift') <= .02
        told = page.evaluate("[...document.querySelectorAll('.wd-say')].filter("
                             "e => e.scrollHeight > e.clientHeight + 1).map(e => e.textContent)")
        assert not told, 'this sentence needs more lines'


@pytest.mark.parametrize('name', PAGES)
def test_swipes_tabs_and_scrolling_fetch_and_change_nothing(name, site):
    with open_page(f'{site}/{name}.html', **SIZES['phone']) as page:
        page.wait_for_function(OPEN)
        page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        page.wait_for_load_state('networkidle')
        states = f'JSON.stringify({ALL}.map(d => [d.ui.state, d.dataset.phase]))'
        before, asked, fingers = page.evaluate(states), len(page.asked), Fingers(page)
        for what in page.locator('walk-demo .wd-canvas, walk-demo input, walk-demo button').all():
            what.evaluate("e => e.scrollIntoView({block: 'center'})")
            x, y = place(what.bounding_box(), .4, .5)
            fingers.drag((x, y), (x, y - 150))
        for _ in range(30): page.keyboard.press('Tab')
        page.mouse.wheel(0, -3000)
        page.wait_for_timeout(100)
        assert page.evaluate(states) == before and page.asked[asked:] == []


@pytest.mark.parametrize('name', first.shown())
def test_the_stored_first_answer_is_what_the_model_says(name):
    model, start = first.shown()[name]
    with first.answered(model, **start) as page: html, _ = first.still(page, name)
    kept = (first.KEPT/f'{name}.html').read_text(encoding='utf-8')
    assert kept == html, f'make it anew: tools/first.py {model}'


def test_a_page_without_scripts_shows_the_first_answers(site):
    with open_page(f'{site}/cnns.html', java_script_enabled=False) as page:
        model = page.locator('walk-demo[name=digits]')
        model.scroll_into_view_if_needed()
        assert 'It reads 3 with' in model.inner_text() and 'make serve' not in model.inner_text()
        assert model.locator('img').count() > 5 and not model.locator('button:visible').count()
        card = page.locator('meta[property="og:image"]').get_attribute('content')
        assert (ROOT/'_docs/demos/first'/card.rpartition('/')[2]).exists()


def test_a_second_visit_works_with_the_network_cut():
    with served() as (url, server), open_page(f'{url}/cnns.html', faults=False) as page:
        page.wait_for_function('navigator.serviceWorker.controller')
        page.wait_for_function(OPEN)
        digits = page.locator('walk-demo[name=digits]')
        note = digits.locator('.wd-note')
        ready = page.locator('walk-demo[name=digits][data-phase=ready]')
        digits.get_by_role('button', name='Undo').click()
        ready.wait_for()
        assert note.inner_text() == 'From now on this works offline too.'
        page.wait_for_timeout(1000)
        server.shutdown()
        page.goto('about:blank')
        server.server_close()
        page.goto(f'{url}/cnns.html')
        page.wait_for_function(OPEN)
        page.get_by_text('Kept from your last visit').first.wait_for()
        digits.get_by_role('button', name='Undo').click()
        ready.wait_for()
        assert 'Nothing is drawn' in digits.locator('.wd-say').inner_text()


def test_the_site_is_served_compressed(site):
    for path in ('demos/base.js', 'cnns.html', ''):
        request = urllib.request.Request(f'{site}/{path}', headers={'Accept-Encoding': 'gzip'})
        plain = urllib.request.urlopen(f'{site}/{path}').read()
        packed = urllib.request.urlopen(request)
        assert packed.headers['Content-Encoding'] == 'gzip'
        body = packed.read()
        assert gzip.decompress(body) == plain and len(body) < len(plain)/2
