"""The two live models of the GAN chapter, against torch on the same weights and the same random numbers."""
import json
from contextlib import contextmanager
from urllib.parse import quote
import pytest, torch
from browser import page_of, settled

pytestmark = pytest.mark.browser


@contextmanager
def live(name, dark=False, width=800, **state):
    link = ';'.join(f'{k}={quote(v if isinstance(v, str) else json.dumps(v))}' for k, v in state.items())
    with page_of(name, hash=f'#{name}:{link}' if state else '', dark=dark, width=width) as page:
        page.js = lambda code: page.evaluate(f"(() => {{ const ui = document.querySelector('walk-demo').ui; return {code}; }})()")
        settled(page)
        yield page


def ran(page):
    "The page's own code, run here"
    space = {}
    exec(page.js('ui.code()'), space)
    return space


OWN = [[-.5, -.5], [.5, .5], [.5, -.5], [-.5, .5], [0, .1], [.1, 0], [.3, .3], [-.3, -.2], [.7, 0]]


@pytest.mark.parametrize('state', [dict(data='ring', steps=30), dict(data='bell', steps=20, kind='hinge', seed=3), dict(data='eight', steps=20, kind='lsgan'),
                                   dict(data='two bells', steps=20, kind='minimax', lr=.003), dict(data='wave', steps=20, kind='wgan', lr=.001),
                                   dict(data='own', steps=20, pts=OWN)])
def test_the_game_is_torchs(state):
    "Short games: in long ones the last digit of a sum decides, as in all chaos"
    with live('ganlab', **state) as page:
        a, space = page.js('ui.answer'), ran(page)
    assert a['losses'] == pytest.approx(space['losses'], abs=2e-3)
    assert a['fake'] == pytest.approx(space['fake'].flatten().tolist(), abs=5e-3)


def test_buttons_and_drawing():
    with live('ganlab') as page:
        page.get_by_role('button', name='One step', exact=True).click(); settled(page)
        assert page.js('ui.answer.steps') == 1
        page.get_by_role('button', name='Clear my points', exact=True).click(); settled(page)
        box = page.locator('canvas[role=application]').first.bounding_box()
        page.mouse.click(box['x'] + box['width']*.75, box['y'] + box['height']*.5); settled(page)
        assert page.js('ui.state.pts') == [[pytest.approx(.6, abs=.02), pytest.approx(0, abs=.02)]]


@pytest.mark.parametrize('state', [dict(), dict(t=.35, u=.5, v=-1, psi=1), dict(fine=2, a=0, b=7, psi=.6), dict(net='dcgan', a=4, b=9, t=.5, sa=11, u=1)])
def test_the_digits_are_torchs(state):
    with live('latent', **state) as page:
        a, space = page.js('ui.answer'), ran(page)
    assert a['picture'] == pytest.approx(space['picture'].flatten().tolist(), abs=1e-3)
    assert max(a['picture']) > .5, 'there is ink'


@pytest.mark.parametrize('name, bad', [('ganlab', dict(data=7, kind=[], steps=-3)), ('ganlab', dict(data='own', pts=[['x']])), ('latent', dict(a=99, sa='x', fine=-2, psi=None))])
def test_a_spoiled_link_does_no_harm(name, bad):
    with live(name, **bad) as page: assert page.js('ui.answer')


@pytest.mark.parametrize('name', ['ganlab', 'latent'])
@pytest.mark.parametrize('dark', [False, True])
def test_narrow_and_dark(name, dark):
    with live(name, width=360, dark=dark) as page: assert page.evaluate('document.documentElement.scrollWidth') <= 360
