"""GANs: closed forms on random input, and sentences for wrong input."""
import math, pytest, random, torch
import numpy as np
import torch.nn.functional as F
from walkdl.gans import *

KINDS = 'minimax nonsaturating hinge wgan lsgan'.split()
DEVICES = ['cpu'] + ['cuda']*torch.cuda.is_available()


@pytest.mark.parametrize('kind', KINDS)
def test_losses_from_their_formulas(kind):
    r, f = torch.randn(2, 64, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    sig = torch.sigmoid
    both = -(sig(r).log() + (1 - sig(f)).log()).mean()
    want = {'minimax': (both, (1 - sig(f)).log().mean()),
            'nonsaturating': (both, -sig(f).log().mean()),
            'hinge': ((1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean(), -f.mean()),
            'wgan': (f.mean() - r.mean(), -f.mean()),
            'lsgan': (((r - 1)**2).mean() + (f**2).mean(), ((f - 1)**2).mean())}[kind]
    assert torch.tensor(gan_losses(r, f, kind)).allclose(torch.tensor(want))
    extreme = torch.tensor([-500., 500.])
    assert all(torch.isfinite(v) for v in gan_losses(extreme, extreme, kind))


def test_penalties_of_a_cone_and_a_bowl():
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    bowl = r1_penalty(lambda x: (x**2).sum(1)/2, x).item()
    assert bowl == pytest.approx((x**2).sum(1).mean().item(), rel=1e-5)
    for kind in (torch.float, torch.double):
        fake = -2*x[torch.randperm(50)].to(kind)
        cone = gradient_penalty(lambda x: x.norm(dim=1), x.to(kind), fake)
        assert cone.item() == pytest.approx(0, abs=1e-9) and cone.dtype == kind
    w = torch.ones(3, requires_grad=True)
    slope = torch.autograd.grad(r1_penalty(lambda x: x @ w, x), w)[0]
    assert slope.allclose(2*w), 'differentiable by the weights'


def test_frechet_of_bells_on_a_line():
    a = torch.randn(4000, 1, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    a = (a - a.mean())/a.std()
    assert frechet_distance(a, 3*a + 2) == pytest.approx(2**2 + (3 - 1)**2, abs=1e-9)
    b = torch.randn(300, 5, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    assert frechet_distance(b, b + 1) == pytest.approx(5, abs=1e-6)
    assert frechet_distance(b, 2*b) == pytest.approx(frechet_distance(2*b, b), abs=1e-6)
    for seed in range(20):
        c = torch.randn(40, 30, generator=torch.Generator().manual_seed(seed))
        assert 0 <= frechet_distance(c, c) < 1e-6, 'no distance is below zero'


def test_precision_recall_and_nearest():
    a = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    assert precision_recall(a, a) == (1, 1) and precision_recall(a, a + 100) == (0, 0)
    half = a[a[:, 0] > 0]
    p, r = precision_recall(a, half)
    assert p == 1 and .4 < r < .75
    d, i = nearest(a[5:9] + 1e-4, a)
    assert i.tolist() == [5, 6, 7, 8] and d.max() < 1e-3
    assert nearest(torch.zeros(0, 2), a)[0].shape == (0,)


def test_a_point_is_its_own_nearest_at_distance_zero():
    x = torch.rand(300, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for y in (x, x.double(), (255*x).byte()): assert nearest(y, y)[0].max() == 0


@pytest.mark.parametrize('demodulate', [True, False])
def test_modulated_conv_is_a_kernel_a_picture(demodulate):
    g = torch.Generator().manual_seed(2)
    shapes = (3, 4, 6, 5), (7, 4, 3, 3), (3, 4)
    x, w, s = (torch.randn(n, generator=g, dtype=torch.double) for n in shapes)
    for i in range(3):
        k = w*s[i, :, None, None]
        if demodulate: k = k/(k.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        want = F.conv2d(x[i:i+1], k, padding=1)[0]
        assert modulated_conv(x, w, s, demodulate)[i].allclose(want)


def test_no_picture_depends_on_its_batch():
    gan, y = DCGAN().eval(), torch.arange(10)
    z = torch.randn(10, gan.z, generator=torch.Generator().manual_seed(0))
    assert gan.sample(y, z)[3:4].allclose(gan.sample(y[3:4], z[3:4]), atol=1e-6)


def test_the_spread_of_one_picture_is_no_nan():
    for n in (1, 2):
        x = torch.rand(n, 1, 28, 28, requires_grad=True)
        says = StyleGAN(width=8).D(x, torch.zeros(n, dtype=torch.long))
        says.sum().backward()
        assert says.shape == (n,) and says.isfinite().all() and x.grad.isfinite().all()


def test_one_step_moves_both_players():
    gan = GAN(2, hidden=8)
    opts = gan.optimizers()
    old = [p.clone() for p in gan.parameters()]
    gan.step(game_data('ring'), opts, g=False)
    assert all(p.equal(o) for p, o in zip(gan.G.parameters(), old)), 'g=False leaves G alone'
    gan.step(game_data('ring'), opts)
    assert not any(p.equal(o) for p, o in zip(gan.parameters(), old))


def test_fit_gan_and_mean_styles():
    x, y = torch.rand(20, 1, 28, 28), torch.arange(20) % 10
    gan = fit_gan(StyleGAN(width=8), x, y, 2, bs=4)
    with torch.no_grad(): assert gan.sample(y).shape == x.shape
    assert mean_styles(gan, 3).equal(mean_styles(gan, 3))
    assert gan.sample([]).shape == (0, 1, 28, 28)


def games(device):
    "What draws random numbers: name -> function of a generator"
    small, digits = GAN(2, hidden=8).to(device), DCGAN(width=8).to(device)
    styled = StyleGAN(width=8).to(device)
    x, y = torch.rand(6, 1, 28, 28, device=device), torch.arange(6, device=device)
    ring = game_data('ring', 16).to(device)
    def cubic(x): return (x**3).sum(1)
    def trained(gan): # each time from the same weights
        start = {k: v.clone() for k, v in gan.state_dict().items()}
        def run(generator):
            gan.load_state_dict(start)
            G = fit_gan(gan, x, y, 3, bs=4, generator=generator).G
            return torch.cat([p.detach().flatten() for p in G.parameters()])
        return run
    return {'sample': lambda g: small.sample(5, g),
            'digits': lambda g: digits.sample(y, generator=g),
            'styles': lambda g: styled.train().sample(y, generator=g),
            'noise': lambda g: styled.G.noise(2, g)[1],
            'means': lambda g: mean_styles(styled, 3, g),
            'penalty': lambda g: gradient_penalty(cubic, ring, 0*ring, generator=g),
            'fit DCGAN': trained(digits), 'fit StyleGAN': trained(styled)}


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('name', games('cpu'))
def test_chance_comes_from_the_generator_alone(name, device):
    run = games(device)[name]
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    run(None)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert before == after, 'the streams of the caller stay where they were'
    assert run(1).equal(run(torch.Generator().manual_seed(1))) and run(1).device.type == device
    assert not run(1).equal(run(2))


@pytest.mark.parametrize('device', DEVICES)
def test_features_stay_where_the_pictures_are(device):
    x = torch.rand(3, 1, 28, 28, dtype=torch.double, device=device)
    got = digit_features(x)
    assert got.shape == (3, 84) and got.dtype == torch.double and got.device.type == device
    assert digit_features(x[:0]).shape == (0, 84)


@pytest.mark.parametrize('name', ['bell', 'two bells', 'ring', 'wave', 'eight'])
def test_game_data_of_any_size(name):
    for n in (1, 2, 5, 7, 128):
        x = game_data(name, n)
        assert len(x) == n and x.isfinite().all() and x.abs().max() < 1.5


Z, LABELS = torch.zeros, torch.zeros(4, dtype=torch.long)


@pytest.mark.parametrize('call, words', [
    (lambda: gan_losses(Z(1), Z(1), 'nash'), 'minimax'),
    (lambda: gan_losses(Z(0), Z(1)), 'no logits'),
    (lambda: r1_penalty(lambda x: x.sum(1), Z(0, 2)), 'no data'),
    (lambda: gradient_penalty(lambda x: x, Z(3, 2), Z(2, 2)), 'as many'),
    (lambda: frechet_distance(Z(5, 2), Z(5, 3)), r'\[N,F\]'),
    (lambda: frechet_distance(Z(1, 9), Z(9, 9)), 'two points or more'),
    (lambda: frechet_distance(Z(5, 2)*math.nan, Z(5, 2)), 'NaN or infinite'),
    (lambda: precision_recall(Z(3, 2), Z(9, 2)), 'more than k=3'),
    (lambda: precision_recall(Z(5, 2), Z(9, 2), k=0), 'k ≥ 1'),
    (lambda: precision_recall(Z(5, 2)*math.nan, Z(9, 2)), 'NaN or infinite'),
    (lambda: nearest(Z(5, 2), Z(0, 2)), 'M > 0'),
    (lambda: digit_features(Z(5, 28, 28)), r'\[N,1,28,28\]'),
    (lambda: modulated_conv(Z(2, 4, 5, 5), Z(3, 4, 3, 3), Z(2, 3)), 'one factor a channel'),
    (lambda: modulated_conv(Z(2, 4, 5, 5), Z(3, 4, 2, 2), Z(2, 4)), 'odd K'),
    (lambda: modulated_conv(Z(2, 4, 5, 5), Z(3, 5, 3, 3), Z(2, 4)), 'expected, got'),
    (lambda: DCGAN(width=8).sample([3, 10]), '0 to 9'),
    (lambda: DCGAN(width=8).sample([1.5]), '0 to 9'),
    (lambda: DCGAN(width=8).sample(LABELS, Z(4, 9)), r'noise \[4,64\]'),
    (lambda: (g := GAN(2)).step(Z(5, 3), g.optimizers()), 'G makes data of shape'),
    (lambda: fit_gan(DCGAN(width=8), Z(0, 1, 28, 28), LABELS[:0]), 'a label each'),
    (lambda: mean_styles(StyleGAN(width=8), 0), 'one noise or more'),
    (lambda: GAN(z=0), 'GAN: z is one whole number from 1 up'),
    (lambda: GAN().sample(-1), 'GAN.sample: n is one whole number from 0 up'),
    (lambda: gradient_penalty(GAN().D, Z(3, 2), Z(3, 2), math.nan), 'to is a finite number'),
    *((lambda k=k, v=v: fit_gan(DCGAN(width=8), Z(4, 1, 28, 28), LABELS, **{k: v}), f'{k} is')
      for k, v in dict(bs=0, every=0, steps=True, r1=math.nan, lr=-1).items()),
    (lambda: game_data('bell', 0), 'one point or more'),
    (lambda: game_data('cat'), 'ring')])
def test_wrong_input_is_told(call, words):
    with pytest.raises(ValueError, match=words): call()


def test_slopes_are_of_floating_numbers():
    with pytest.raises(TypeError, match='floating numbers'): r1_penalty(GAN().D, Z(3, 2).long())


def test_value_at_the_end_of_the_game():
    assert float(gan_losses(torch.zeros(5), torch.zeros(5))[0]) == pytest.approx(math.log(4))
