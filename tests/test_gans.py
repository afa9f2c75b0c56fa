"""GANs: closed forms on random input, and sentences for wrong input."""
import math, pytest, torch
import torch.nn.functional as F
from walkdl.gans import *

KINDS = 'minimax nonsaturating hinge wgan lsgan'.split()


@pytest.mark.parametrize('kind', KINDS)
def test_losses_from_their_formulas(kind):
    r, f = torch.randn(2, 64, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    sig = torch.sigmoid
    want = {'minimax': (-(sig(r).log() + (1 - sig(f)).log()).mean(), (1 - sig(f)).log().mean()),
            'nonsaturating': (-(sig(r).log() + (1 - sig(f)).log()).mean(), -sig(f).log().mean()),
            'hinge': ((1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean(), -f.mean()),
            'wgan': (f.mean() - r.mean(), -f.mean()), 'lsgan': (((r - 1)**2).mean() + (f**2).mean(), ((f - 1)**2).mean())}[kind]
    assert torch.tensor(gan_losses(r, f, kind)).allclose(torch.tensor(want))
    extreme = torch.tensor([-500., 500.])
    assert all(torch.isfinite(v) for v in gan_losses(extreme, extreme, kind))


def test_penalties_of_a_cone_and_a_bowl():
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    assert r1_penalty(lambda x: (x**2).sum(1)/2, x).item() == pytest.approx((x**2).sum(1).mean().item(), rel=1e-5)
    assert gradient_penalty(lambda x: x.norm(dim=1), x, -2*x[torch.randperm(50)]).item() == pytest.approx(0, abs=1e-9)
    w = torch.ones(3, requires_grad=True)
    assert torch.autograd.grad(r1_penalty(lambda x: x @ w, x), w)[0].allclose(2*w), 'differentiable by the weights'


def test_frechet_of_bells_on_a_line():
    a = torch.randn(4000, 1, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    a = (a - a.mean())/a.std()
    assert frechet_distance(a, 3*a + 2) == pytest.approx(2**2 + (3 - 1)**2, abs=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    b = torch.randn(300, 5, dtype=torch.double)
    assert frechet_distance(b, b + 1) == pytest.approx(5, abs=1e-6) and frechet_distance(b, 2*b) == pytest.approx(frechet_distance(2*b, b), abs=1e-6)


def test_precision_recall_and_nearest():
    a = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    assert precision_recall(a, a) == (1, 1) and precision_recall(a, a + 100) == (0, 0)
    half = a[a[:, 0] > 0]
    p, r = precision_recall(a, half)
    assert p == 1 and .4 < r < .75
    d, i = nearest(a[5:9] + 1e-4, a)
    assert i.tolist() == [5, 6, 7, 8] and d.max() < 1e-3


@pytest.mark.parametrize('demodulate', [True, False])
def test_modulated_conv_is_a_kernel_a_picture(demodulate):
    g = torch.Generator().manual_seed(2)
    x, w, s = (torch.randn(n, generator=g, dtype=torch.double) for n in ((3, 4, 6, 5), (7, 4, 3, 3), (3, 4)))
    for i in range(3):
        k = w*s[i, :, None, None]
        if demodulate: k = k/(k.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        assert modulated_conv(x, w, s, demodulate)[i].allclose(F.conv2d(x[i:i+1], k, padding=1)[0])


def test_no_picture_depends_on_its_batch():
    torch.manual_seed(0)
    gan, y = DCGAN().eval(), torch.arange(10)
    z = torch.randn(10, gan.z)
    assert gan.sample(y, z)[3:4].allclose(gan.sample(y[3:4], z[3:4]), atol=1e-6)


def test_one_step_moves_both_players():
    torch.manual_seed(0)
    gan = GAN(2, hidden=8)
    old = [p.clone() for p in gan.parameters()]
    gan.step(game_data('ring'), g=False)
    assert all(p.equal(o) for p, o in zip(gan.G.parameters(), old)), 'g=False leaves G alone'
    gan.step(game_data('ring'))
    assert not any(p.equal(o) for p, o in zip(gan.parameters(), old))


def test_fit_gan_and_mean_styles():
    torch.manual_seed(0)
    x, y = torch.rand(20, 1, 28, 28), torch.arange(20) % 10
    gan = fit_gan(StyleGAN(width=8), x, y, 2, bs=4)
    with torch.no_grad(): assert gan.sample(y).shape == x.shape and mean_styles(gan, 3).equal(mean_styles(gan, 3))


@pytest.mark.parametrize('call, words', [
    (lambda: gan_losses(torch.zeros(1), torch.zeros(1), 'nash'), 'minimax'),
    (lambda: gradient_penalty(lambda x: x, torch.zeros(3, 2), torch.zeros(2, 2)), 'as many'),
    (lambda: frechet_distance(torch.zeros(5, 2), torch.zeros(5, 3)), r'\[N,F\]'),
    (lambda: precision_recall(torch.zeros(3, 2), torch.zeros(9, 2)), 'more than k=3'),
    (lambda: modulated_conv(torch.zeros(2, 4, 5, 5), torch.zeros(3, 4, 3, 3), torch.zeros(2, 3)), 'one factor a channel'),
    (lambda: game_data('cat'), 'ring')])
def test_wrong_input_is_told(call, words):
    with pytest.raises(ValueError, match=words): call()


def test_value_at_the_end_of_the_game():
    assert float(gan_losses(torch.zeros(5), torch.zeros(5))[0]) == pytest.approx(math.log(4))
