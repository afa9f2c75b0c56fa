"""The two live models of the GAN chapter, against torch on the same weights and chance."""
import pytest, torch
from browser import answer, from_link, run_code, settled, state
from walkdl.gans import GAN, game_data, r1_penalty

pytestmark = pytest.mark.browser
OWN = [[-.5, -.5], [.5, .5], [.5, -.5], [-.5, .5], [0, .1], [.1, 0], [.3, .3], [-.3, -.2], [.7, 0]]


@pytest.mark.parametrize('setting', [
    dict(data='ring', steps=30), dict(data='bell', steps=20, kind='hinge', seed=3),
    dict(data='eight', steps=20, kind='lsgan'),
    dict(data='two bells', steps=20, kind='minimax', lr=.003),
    dict(data='wave', steps=20, kind='wgan', lr=.001), dict(data='own', steps=20, pts=OWN),
    dict(data='ring', steps=20, r1=.5), dict(data='bell', steps=20, kind='wgan', r1=1, lr=.003)])
def test_the_game_is_torchs(setting):
    "Short games: in long ones the last digit of a sum decides, as in all chaos"
    with from_link('ganlab', **setting) as page:
        a, space = answer(page), run_code(page)
    assert a['losses'] == pytest.approx(space['losses'], abs=2e-3)
    assert a['fake'] == pytest.approx(space['fake'].flatten().tolist(), abs=5e-3)


def test_the_first_loss_grows_by_the_penalty():
    torch.manual_seed(0)
    want = .5*r1_penalty(GAN(2, z=2, hidden=16).D, game_data('ring')).item()
    losses = []
    for r1 in (0, .5):
        with from_link('ganlab', steps=1, r1=r1) as page: losses.append(answer(page)['losses'][0])
    assert losses[1] - losses[0] == pytest.approx(want, rel=1e-4)


def test_buttons_and_drawing():
    with from_link('ganlab') as page:
        page.get_by_role('button', name='One step', exact=True).click(); settled(page)
        assert answer(page)['steps'] == 1
        page.get_by_role('button', name='Clear my points', exact=True).click(); settled(page)
        box = page.locator('canvas[role=application]').first.bounding_box()
        page.mouse.click(box['x'] + box['width']*.75, box['y'] + box['height']*.5); settled(page)
        assert state(page)['pts'] == [[pytest.approx(.6, abs=.02), pytest.approx(0, abs=.02)]]


@pytest.mark.parametrize('setting', [dict(), dict(t=.35, u=.5, v=-1, psi=1),
                                     dict(fine=2, a=0, b=7, psi=.6),
                                     dict(net='dcgan', a=4, b=9, t=.5, sa=11, u=1)])
def test_the_digits_are_torchs(setting):
    with from_link('latent', **setting) as page:
        a, space = answer(page), run_code(page)
    assert a['picture'] == pytest.approx(space['picture'].flatten().tolist(), abs=1e-3)
    assert max(a['picture']) > .5, 'there is ink'


@pytest.mark.parametrize('name, bad', [('ganlab', dict(data=7, kind=[], steps=-3)),
                                       ('ganlab', dict(data='own', pts=[['x']])),
                                       ('latent', dict(a=99, sa='x', fine=-2, psi=None))])
def test_a_spoiled_link_does_no_harm(name, bad):
    with from_link(name, **bad) as page: assert answer(page)
