"""Samuel's player in the page: its game, chances and perfect play against walkdl.intro."""
import contextlib, io
import numpy as np, pytest
from browser import answer, code, page_of, settled, state
from walkdl.intro import Hexapawn, Positions, look_ahead, terms, turn, win_chance

pytestmark = pytest.mark.browser
W = [1, .25, -.5, -.125, 3]


@pytest.fixture(scope='module')
def world():
    pos = Positions(Hexapawn())
    return pos, np.array([terms(pos.game, b) for b in pos.boards]), np.zeros(len(pos.boards))


def board_at(page, square):
    "The middle of a square of the board, in pixels of the page"
    box = page.locator('canvas').first.bounding_box()
    across, down = (square % 4 + .5) / 4, (square // 4 + .5) / 4
    return box['x'] + across * box['width'], box['y'] + down * box['height']


def click(page, *squares):
    for s in squares: page.mouse.click(*board_at(page, s)); settled(page)


@pytest.mark.parametrize('look', [0, 2, 10])
@pytest.mark.parametrize('w', [W, [-1, 0, 2, .5, -1], [0] * 5])
def test_exact_chances(world, w, look):
    pos, X, chance = world
    score = X @ np.array(w, float)
    if look: score = look_ahead(pos, score, look)
    with page_of('intro', **{'from': w, 'look': look}) as page: got = answer(page)
    assert got['positions'] == len(pos.boards)
    np.testing.assert_allclose(got['chance'], win_chance(pos, score, chance), atol=1e-9)
    np.testing.assert_allclose(got['first'], win_chance(pos, score, look_ahead(pos, chance, 20))[0],
                               atol=1e-9)


def test_it_learns_and_the_link_repeats_it(world):
    pos, X, chance = world
    with page_of('intro') as page:
        assert answer(page)['mean'] == pytest.approx(.5)
        page.get_by_role('button', name='Learn').click()
        page.wait_for_function("document.querySelector('walk-demo').ui.state.tests >= 40",
                               timeout=30000)
        page.get_by_role('button', name='Pause').click()
        settled(page)
        got, tests = answer(page), state(page)['tests']
    assert got['mean'] > .85
    np.testing.assert_allclose(got['mean'], win_chance(pos, X @ np.array(got['w']), chance).mean(),
                               atol=1e-9)
    with page_of('intro', hash=f'#intro:tests={tests}') as page:
        assert answer(page)['w'] == got['w']


def test_a_game_by_mouse_follows_the_rules(world):
    pos, X, chance = world
    perfect = look_ahead(pos, chance, 20)
    score = X @ np.array(W, float)
    with page_of('intro', **{'from': W}) as page:
        for _ in range(12):
            b = answer(page)['board']
            assert answer(page)['winning'] == bool(perfect[pos.number[b]] < 0)
            move = next(m for m in pos.game.moves(b)
                        if perfect[pos.number[pos.game.play(b, m)]] > 0)
            click(page, *move)
            mid = pos.game.play(b, move)
            if answer(page)['done']: break
            kids = [pos.game.play(mid, m) for m in pos.game.moves(mid)]
            best = max(score[pos.number[k]] for k in kids)
            assert answer(page)['board'] in [k for k in kids if score[pos.number[k]] >= best - 1e-9]
        assert answer(page)['done'] == 'you' and pos.game.lost(turn(answer(page)['board']))
        assert state(page)['won'] == 1
        click(page, 0)
        assert answer(page)['board'] == pos.game.start


def test_keyboard_only(world):
    pos, *_ = world
    with page_of('intro') as page:
        page.locator('canvas[role=application]').first.focus()
        for key in ['ArrowDown', ' ', 'ArrowUp', ' ']: page.keyboard.press(key)
        settled(page)
        assert answer(page)['board'] != pos.game.start
        assert state(page)['pick'] == -1


def test_an_illegal_move_changes_nothing(world):
    pos, *_ = world
    with page_of('intro') as page:
        click(page, 12, 4)
        assert answer(page)['board'] == pos.game.start


def test_weights_by_bar_paste_and_code(world):
    with page_of('intro') as page:
        box = page.locator('canvas').nth(1).bounding_box()
        page.mouse.click(box['x'] + box['width'] * .75, box['y'] + box['height'] * .1)
        settled(page)
        assert state(page)['from'] == pytest.approx([3, 0, 0, 0, 0], abs=.2)
        page.get_by_text('Your own data').click()
        page.get_by_role('textbox').fill('1, 2, 3')
        page.get_by_role('button', name='Use these').click()
        assert 'Five numbers' in page.locator('.wd-wrong').inner_text()
        page.get_by_role('textbox').fill(', '.join(map(str, W)))
        page.get_by_role('button', name='Use these').click()
        settled(page)
        assert answer(page)['w'] == W
        lines, shown = code(page), answer(page)['mean']
    with contextlib.redirect_stdout(io.StringIO()) as out: exec(lines, {})
    assert float(out.getvalue()) == pytest.approx(shown, abs=1e-9)


def test_the_machine_may_begin_and_a_bad_link_harms_nothing(world):
    pos, *_ = world
    with page_of('intro', first='machine') as page:
        assert answer(page)['board'] in [pos.game.play(pos.game.start, m)
                                         for m in pos.game.moves(pos.game.start)]
    with page_of('intro', hash='#intro:board=xxxx;tests=-5;games=99999;from=[1]') as page:
        assert answer(page)['board'] == pos.game.start
