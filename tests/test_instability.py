"""Games of two players: theory beside play, five networks beside one, sentences."""
import math
import numpy as np, pytest, torch
from hypothesis import given, settings, strategies as st
from walkdl.instability import *

RATES = st.floats(.05, .45)


@given(st.sampled_from(BILINEAR_RULES), RATES)
@settings(deadline=None, max_examples=30)
def test_each_rule_follows_its_factor(rule, lr):
    "Each rule is linear: the measured factor of its matrix is the formula's"
    path = play_bilinear(rule, lr, 600)
    r = np.linalg.norm(path, axis=1)
    if r[600] > 1e-100:
        assert (r[600]/r[200])**(1/400) == pytest.approx(bilinear_factor(rule, lr), abs=3e-3)


def test_the_dirac_gan_turns_unless_r1_brakes():
    for kind in (torch.float, torch.double):
        for r1, real in ((0., 0.), (.5, -.25), (1., -.5)):
            at = torch.zeros(2, dtype=kind)
            J = torch.autograd.functional.jacobian(lambda w: dirac_field(w, r1), at)
            fate = torch.linalg.eigvals(J).real.max().item()
            assert J.dtype == kind and fate == pytest.approx(real, abs=1e-3)


def test_modes_of_known_samples():
    every = RING_CENTRES.repeat(10, 1)
    assert ring_modes(every) == (8, 1) and ring_modes(every.double()) == (8, 1)
    assert ring_modes(every[:1]) == (1, 1) and ring_modes(torch.zeros(9, 2)) == (0, 0)
    share = ring_modes(gaussian_ring(20000, generator=0))[1]
    assert share == pytest.approx(1 - math.exp(-4.5), abs=.003)


def test_side_by_side_is_one_by_one():
    many = ParallelMLP(2, 3, 8, copies=4)
    x = torch.randn(4*5, 2, generator=torch.Generator().manual_seed(0))
    for k, part in enumerate(x.split(5)):
        h = part
        for j, (W, b) in enumerate(zip(many.W, many.b)):
            h = h @ W[k] + b[k]
            if j < 2: h = h.relu()
        assert many(x).split(5)[k].allclose(h, atol=1e-6)
    assert many(x[:0]).shape == (0, 3)


def test_spectral_norm_travels_with_the_weights():
    D = ParallelMLP(2, 1, 8, spectral=True)
    x = torch.randn(10, 2, generator=torch.Generator().manual_seed(0))
    for _ in range(200): D(x)
    for k in range(3):
        assert torch.linalg.matrix_norm(D.weight(k), 2).allclose(torch.ones(5), atol=1e-3)
    twin = ParallelMLP(2, 1, 8, spectral=True)
    twin.load_state_dict(D.state_dict())
    assert twin.eval()(x).equal(D.eval()(x))
    assert D(x).equal(D(x)), 'in evaluation mode nothing moves'


def test_chance_comes_from_the_generator_alone():
    torch.manual_seed(0)
    gan, opts = ring_gan(copies=2)
    before = torch.get_rng_state()
    runs = []
    for seed in (1, 1, 2):
        pair = ring_gan(copies=2)
        pair[0].load_state_dict(gan.state_dict())
        torch.set_rng_state(before)
        runs.append(play_ring(*pair, steps=3, bs=4, keep=(3,), generator=seed)[2][3])
        assert torch.get_rng_state().equal(before)
    assert runs[0].equal(runs[1]) and not runs[0].equal(runs[2])


@pytest.mark.parametrize('call, words', [
    (lambda: play_bilinear('zigzag'), 'simultaneous, alternating'),
    (lambda: play_bilinear('optimistic', lr=0), 'lr > 0'),
    (lambda: play_bilinear('optimistic', start=(1, 2, 3)), 'start'),
    (lambda: bilinear_factor('optimistic', .6), 'no formula'),
    (lambda: bilinear_factor('simultaneous', math.nan), 'no formula'),
    (lambda: dirac_field(torch.zeros(3)), r'\[3\]'),
    (lambda: ring_modes(torch.zeros(0, 2)), 'n > 0'),
    (lambda: ring_modes(torch.zeros(5, 3)), r'\[5, 3\]'),
    (lambda: ring_modes(torch.zeros(5, 2), std=0), 'above 0'),
    (lambda: power_iteration(torch.zeros(2, 3), torch.zeros(1, 3), 0), 'a round or more'),
    (lambda: power_iteration(torch.zeros(2, 3), torch.zeros(1, 2)), r'u \[...,1,o\]'),
    (lambda: ParallelMLP(2, 1)(torch.zeros(7, 2)), r'5·B,2')])
def test_wrong_input_is_told(call, words):
    with pytest.raises(ValueError, match=words): call()
