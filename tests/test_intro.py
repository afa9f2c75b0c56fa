"""Samuel's player outside its chapter: other sizes, wrong input, random numbers of its own."""
import random, re
import numpy as np, pytest, torch
from sklearn.linear_model import LinearRegression
from walkdl.core import notebooks_dir
from walkdl.intro import MILESTONES, Hexapawn, Positions, fit_line, hill_climb, look_ahead
from walkdl.intro import play_games, terms, win_chance


@pytest.fixture(scope='module')
def small():
    pos = Positions(Hexapawn(3))
    return pos, np.array([terms(pos.game, b) for b in pos.boards]), np.zeros(len(pos.boards))


@pytest.mark.parametrize('n', [3, 4])
def test_one_of_two_players_wins(n):
    pos = Positions(Hexapawn(n))
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(2, len(pos.boards)))
    there, back = win_chance(pos, a, b), win_chance(pos, b, a)
    np.testing.assert_allclose(there + back[::-1], 1, atol=1e-12)
    assert win_chance(pos, 0*a, 0*a).mean() == pytest.approx(.5, abs=1e-12)


def test_long_games_are_played_to_their_end():
    class Line(Hexapawn):
        "A game without choice: forty steps, then whoever is to move has lost"
        def __init__(self): self.n, self.start = 1, 'a'*40
        def moves(self, b): return [0] if b else []
        def play(self, b, move): return b[1:]
        def lost(self, b): return not b
    pos = Positions(Line())
    zeros = np.zeros(len(pos.boards))
    assert win_chance(pos, zeros, zeros).tolist() == [0, 1]


def test_counted_and_exact_chances_agree(small):
    pos, X, chance = small
    a = X @ [1, .2, -.5, 0, 3]
    won, handed = play_games(pos, a, chance, 4000, generator=0)
    exact = win_chance(pos, a, chance)
    assert abs(won[::2].mean() - exact[0]) < .05 and abs(won[1::2].mean() - exact[1]) < .05
    assert handed.shape[1] == 4000 and (handed[-1] >= -1).all()


def test_own_random_numbers_only(small):
    pos, X, chance = small
    def streams(): return random.random(), np.random.rand(), torch.rand(()).item()
    def seed(): random.seed(1), np.random.seed(1), torch.manual_seed(1)
    seed()
    want = streams()
    seed()
    a = hill_climb(pos, X, tests=3, generator=5)
    assert streams() == want
    assert (a == hill_climb(pos, X, tests=3, generator=torch.Generator().manual_seed(5))).all()
    assert a.shape == (4, 5) and hill_climb(pos, X, tests=0).shape == (1, 5)


@pytest.mark.parametrize('lists', [False, True])
def test_the_line_is_scikit_learns(lists):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    w, b = fit_line(x.tolist(), y.tolist()) if lists else fit_line(x, y)
    twin = LinearRegression().fit(x, y)
    np.testing.assert_allclose([*w, b], [*twin.coef_, twin.intercept_], atol=1e-9)


def test_errors_are_sentences(small):
    pos, X, chance = small
    for call, said in (
        (lambda: Hexapawn(6), 'n is 3, 4 or 5'),
        (lambda: win_chance(pos, chance[1:], chance), 'each of 131 positions, got (130,)'),
        (lambda: win_chance(pos, chance, chance*np.nan), 'without NaN'),
        (lambda: look_ahead(pos, np.zeros(3), 2), '131 positions'),
        (lambda: play_games(pos, chance, chance, 0), 'one game is the least'),
        (lambda: fit_line(np.zeros((3, 2)), np.zeros((3, 1))), 'x [P, F] and y [P] expected'),
        (lambda: fit_line(np.zeros((0, 2)), np.zeros(0)), 'expected'),
        (lambda: fit_line([[1.], [np.nan]], [0, 1]), 'NaN or infinity'),
        (lambda: fit_line([[100.], [-100.]], [0, 1]), 'smaller lr')):
        with pytest.raises(ValueError) as e: call()
        assert said in str(e.value)


def test_each_milestone_has_its_source():
    refs = (notebooks_dir()/'refs.bib').read_text(encoding='utf-8')
    kept = set(re.findall(r'@\w+\{([^,]+),', refs))
    assert [m for m in MILESTONES if m[4] not in kept] == []
    assert [m[0] for m in MILESTONES] == sorted(m[0] for m in MILESTONES)
