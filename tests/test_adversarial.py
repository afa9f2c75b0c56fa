"Attacks on random nets and pictures: inside the ball, equal to torchattacks, words for bad input"
import math, random
import numpy as np, pytest, torch, torch.nn as nn
from walkdl.adversarial import (Normalized, carlini_wagner, deepfool, fgsm, fooled, logit_margin,
                                pgd, random_start, universal)
from walkdl.blackbox import (SIGNS, Oracle, SignNet, belief_over_views, border_point, boundary,
                             draw_sign, jacobian_augment, nes, nes_gradient, one_pixel, paste,
                             random_views, stickers, substitute, transfer_matrix)
from walkdl.core import set_seed
from walkdl.data import get
from walkdl.defences import apgd, apgd_targeted, dlr_loss, square_attack, worst_case

DEVICES = ['cpu'] + ['cuda']*torch.cuda.is_available()


def case(seed, channels=3, side=8, n=5, classes=4, dtype=torch.float, device='cpu'):
    "A random net in evaluation mode, pictures and labels"
    g = torch.Generator().manual_seed(seed)
    set_seed(seed)
    net = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), nn.Flatten(),
                        nn.Linear(6*side*side, classes))
    x = torch.rand(n, channels, side, side, generator=g)
    y = torch.randint(classes, (n,), generator=g)
    return net.eval().to(device, dtype), x.to(device, dtype), y.to(device)

def worst(net, x, y, eps, generator=None):
    "worst_case as an attack: x, for it keeps its pictures to itself"
    worst_case(net, x, y, eps, generator=generator)
    return x

ATTACKS = { # name -> (model, x, y, eps, generator) -> pictures
    'fgsm': lambda *a: fgsm(*a[:4]),
    'pgd': lambda *a: pgd(*a[:4], steps=4, generator=a[4]),
    'universal': lambda *a: (a[1] + universal(*a[:4], epochs=1)).clamp(0, 1),
    'apgd': lambda *a: apgd(*a[:4], steps=5, generator=a[4],
                            loss=lambda f, y: nn.functional.cross_entropy(f, y, reduction='none')),
    'apgd_targeted': lambda *a: apgd_targeted(*a[:4], steps=5, generator=a[4]),
    'square_attack': lambda *a: square_attack(*a[:4], queries=10, generator=a[4]),
    'nes': lambda *a: nes(Oracle(a[0]), *a[1:4], steps=3, n=5, generator=a[4])[0],
    'jacobian_augment': lambda *a: jacobian_augment(*a[:4])[len(a[1]):],
    'worst_case': worst}
UNBOUNDED = {'deepfool': lambda *a: deepfool(*a[:3]),
             'carlini_wagner': lambda *a: carlini_wagner(*a[:3], steps=5, searches=2)}
ALL = ATTACKS | UNBOUNDED
every = pytest.mark.parametrize('name', ALL)
bounded = pytest.mark.parametrize('name', ATTACKS)


@bounded
@pytest.mark.parametrize('classes', [2, 4])
@pytest.mark.parametrize('dtype', [torch.float, torch.double])
def test_every_attack_stays_in_its_ball(name, classes, dtype):
    net, x, y = case(1, classes=classes, dtype=dtype)
    before = x.clone()
    z = ATTACKS[name](net, x, y, .1, 0)
    assert z.dtype == dtype and z.shape == x.shape and not z.requires_grad and x.equal(before)
    assert (z - x).abs().max() <= .1 + 1e-6 and z.min() >= 0 and z.max() <= 1
    assert all(p.grad is None for p in net.parameters())

@pytest.mark.parametrize('name', UNBOUNDED)
@pytest.mark.parametrize('dtype', [torch.float, torch.double])
def test_the_shortest_ways_keep_dtype_and_range(name, dtype):
    net, x, y = case(2, classes=2, dtype=dtype)
    z = UNBOUNDED[name](net, x, y)
    assert z.dtype == dtype and z.shape == x.shape and z.min() >= 0 and z.max() <= 1

@every
def test_no_pictures(name):
    net, x, y = case(0)
    assert ALL[name](net, x[:0], y[:0], .1, 0).shape == (0, 3, 8, 8)

@bounded
def test_no_budget_changes_nothing(name):
    net, x, y = case(0)
    assert ATTACKS[name](net, x, y, 0., 0).equal(x)

@every
@pytest.mark.parametrize('bad, words', [
    (dict(x=torch.rand(5, 3, 8, 8)*4 - 2), 'must lie in clip'),
    (dict(x=torch.full((5, 3, 8, 8), math.nan)), 'must lie in clip'),
    (dict(x=torch.zeros(5, 3, 8, 8).long()), 'float tensor'),
    (dict(y=torch.zeros(3).long()), 'y must be 5'), (dict(y=torch.zeros(5)), 'whole numbers'),
    (dict(y=torch.tensor([0, 1, 2, 3, -100])), 'whole numbers >= 0')])
def test_every_attack_names_bad_pictures_and_labels(name, bad, words):
    net, x, y = case(0)
    given = dict(x=x, y=y) | bad
    with pytest.raises(ValueError, match=words): ALL[name](net, given['x'], given['y'], .1, 0)

@bounded
@pytest.mark.parametrize('eps', [-.1, math.nan, math.inf])
def test_every_attack_names_a_bad_radius(name, eps):
    if name == 'jacobian_augment' and eps < 0: return # goes against the gradient
    net, x, y = case(0)
    with pytest.raises(ValueError, match='must be a number >= 0'): ATTACKS[name](net, x, y, eps, 0)

@every
def test_a_model_in_training_mode_is_refused_and_not_altered(name):
    net, x, y = case(0)
    for part in (nn.BatchNorm2d(3), nn.Dropout(.5)):
        model = nn.Sequential(part, net).train()
        before = [b.clone() for b in model.buffers()]
        with pytest.raises(ValueError, match=r'training mode.*eval\(\)'):
            ALL[name](model, x, y, .1, 0)
        assert model.training and all(map(torch.equal, before, model.buffers()))
        assert ALL[name](model.eval(), x, y, .1, 0).shape == x.shape

@every
def test_the_callers_random_numbers_are_left_alone(name):
    net, x, y = case(0)
    def streams():
        return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()
    before = streams()
    for generator in (None, 3, torch.Generator().manual_seed(3)):
        ALL[name](net, x, y, .1, generator)
    assert streams() == before

@pytest.mark.parametrize('name', ['pgd', 'apgd', 'apgd_targeted', 'square_attack', 'nes'])
def test_a_seed_gives_the_same_pictures_and_another_seed_others(name):
    net, x, y = case(0)
    y = net(x).argmax(1)
    run = lambda g: ATTACKS[name](net, x, y, .1, g)
    assert run(3).equal(run(3)) and run(torch.Generator().manual_seed(3)).equal(run(3))
    assert not run(3).equal(run(4))
    set_seed(7)
    first = run(None)
    set_seed(7)
    assert run(None).equal(first)

@every
@pytest.mark.parametrize('device', DEVICES)
def test_every_attack_stays_on_the_device(name, device):
    net, x, y = case(0, device=device)
    assert ALL[name](net, x, y, .1, 0).device == x.device

@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('norm', ['inf', 2])
@pytest.mark.parametrize('targeted', [False, True])
def test_pgd_moves_the_loss(seed, norm, targeted):
    net, x, y = case(seed, 1 + 2*(seed % 2))
    eps = .05 + .1*seed
    z = pgd(net, x, y, eps, steps=5, norm=norm, targeted=targeted, restarts=2, generator=seed,
            batch=2)
    far = (z - x).flatten(1).norm(dim=1) if norm == 2 else (z - x).flatten(1).abs().amax(1)
    assert far.max() <= eps + 1e-6
    loss = lambda x: nn.functional.cross_entropy(net(x), y).item()
    assert loss(z) < loss(x) if targeted else loss(z) > loss(x)

@pytest.mark.parametrize('kw, words', [
    (dict(norm=1), 'norm must be'), (dict(steps=0), 'start at 1'),
    (dict(step=math.nan), 'step must be')])
def test_pgd_names_bad_settings(kw, words):
    net, x, y = case(0)
    with pytest.raises(ValueError, match=words): pgd(net, x, y, .1, **kw)

def test_random_starts_fill_the_ball():
    x = torch.full((200, 1, 4, 4), .5)
    cube, ball = (random_start(x, .1, norm, 0) - x for norm in ('inf', 2))
    assert cube.abs().max() <= .1 and cube.abs().mean() == pytest.approx(.05, rel=.05)
    length = ball.flatten(1).norm(dim=1)
    assert length.max() <= .1 + 1e-6 and length.mean() == pytest.approx(.05, rel=.1)

@pytest.mark.parametrize('targeted', [False, True])
def test_equal_to_torchattacks(targeted):
    ta = get('torchattacks')
    for seed in range(3):
        net, x, y = case(seed)
        kw = dict(steps=7, start=False, targeted=targeted)
        for ours, theirs in ((fgsm(net, x, y, .07, targeted), ta.FGSM(net, .07)),
                             (pgd(net, x, y, .07, .02, **kw), ta.PGD(net, .07, .02, 7, False)),
                             (pgd(net, x, y, .7, .2, norm=2, **kw),
                              ta.PGDL2(net, .7, .2, 7, False))):
            if targeted: theirs.set_mode_targeted_by_label(quiet=True)
            assert (ours - theirs(x, y)).abs().max() < 1e-5
        if not targeted: assert (deepfool(net, x, y) - ta.DeepFool(net)(x, y)).abs().max() < 1e-4

def test_the_shortest_ways_arrive():
    net, x, y = case(0)
    net[3].weight.data.mul_(20)
    y = net(x).argmax(1)
    near, short = deepfool(net, x, y), carlini_wagner(net, x, y)
    assert (fooled(net, near, y) | (logit_margin(net(near), y) < 1e-4)).all()
    assert fooled(net, short, y).all()

def test_deepfool_without_a_gradient_stays_where_it_is():
    flat = lambda x: x.flatten(1)[:, :3]*0 + torch.tensor([1., 0, 0])
    x, y = torch.rand(4, 1, 2, 2), torch.zeros(4).long()
    assert deepfool(flat, x, y).equal(x)
    def steep(x): # where the first pixel is bright, the second class has a slope
        bright = (x[:, :, :1, :1] > .5).flatten(1)
        return flat(x) + bright*x.flatten(1)[:, :3]*torch.tensor([0., 9, 0])
    x[0, 0, 0, 0], x[1:, 0, 0, 0] = .9, .1
    z = deepfool(steep, x, y)
    assert z.isfinite().all() and z[1:].equal(x[1:])
    with pytest.raises(ValueError, match='classes starts at 2'): deepfool(flat, x, y, classes=1)

def test_a_black_box_counts_and_walks():
    net, x, y = case(0)
    y = net(x).argmax(1)
    oracle = Oracle(net)
    z, asked = nes(oracle, x, y, .2, generator=0)
    assert (z - x).abs().max() <= .2 + 1e-6 and oracle.asked == asked.sum()
    met = border_point(oracle, x, y, pgd(net, x, y, 1., steps=10, generator=0))
    z, way = boundary(oracle, x, y, met, 50, 0)
    assert fooled(net, z, y).all() and (way[-1] <= (met - x).flatten(1).norm(dim=1) + 1e-5).all()
    with pytest.raises(ValueError, match='each start must be read'): boundary(oracle, x, y, x, 5)
    with pytest.raises(ValueError, match='steps is one whole number from 1 up'):
        boundary(oracle, x, y, met, 0)
    for use in (lambda: nes(net, x, y, .1), lambda: boundary(net, x, y, met),
                lambda: border_point(net, x, y, met), lambda: substitute(net, x, None, None)):
        with pytest.raises(TypeError, match=r'write Oracle\(model\)'): use()
    with pytest.raises(TypeError, match='scores is a function'): nes_gradient(oracle, x, y)
    with pytest.raises(ValueError, match='nes: n is one whole'): nes(oracle, x, y, .1, n=True)
    with pytest.raises(ValueError, match='sigma'): nes_gradient(oracle.scores, x, y, sigma=math.nan)
    nets = {'one': net, 'two': case(1)[0]}
    share = transfer_matrix(nets, x, y, lambda m, x, y: fgsm(m, x, y, .2))
    assert share.shape == (2, 2)

def test_one_pixel_is_one_pixel():
    net, x, y = case(0)
    dot, asked = one_pixel(net, x[:1], y[:1], crowd=10, generations=2, generator=0)
    assert (dot != x[:1]).any(1).sum() <= 1 and asked == 30
    for kw, words in ((dict(), 'one picture'), (dict(crowd=4), 'crowd is one whole number from 5'),
                      (dict(pixels=0), 'pixels is one whole number from 1 up')):
        with pytest.raises(ValueError, match=words):
            one_pixel(net, x[:1 if kw else 2], y[:1 if kw else 2], **kw)

@pytest.mark.parametrize('dtype', [torch.float, torch.double])
def test_estimated_gradient_of_a_linear_score(dtype):
    w = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    x, loss = torch.zeros(1, 1, 3, 4, dtype=dtype), lambda f, y: f[:, 0]
    def scores(z): return z.flatten(1) @ w
    g = nes_gradient(scores, x, torch.tensor([0]), 20000, loss=loss, generator=0)
    assert g.dtype == dtype and (g.flatten() - w[:, 0]).abs().max() < .1

@pytest.mark.parametrize('device', DEVICES)
def test_views_of_signs(device):
    stop = draw_sign('stop').to(device)
    three = stop[None].expand(3, -1, -1, -1)
    a = random_views(three, 5)
    assert a.shape == (3, 3, 32, 32) and 0 <= a.min() and a.max() <= 1 and a.device == stop.device
    assert a.equal(random_views(three, 5)) and not a.equal(random_views(three, 6))
    assert random_views(three[:0], 5).shape == (0, 3, 32, 32)
    with pytest.raises(ValueError, match=r'signs \[B,4,64,64\]'): random_views(three[:, :3])
    with pytest.raises(ValueError, match='expected one of'): draw_sign('stopp')
    net = SignNet().eval().to(device)
    both = belief_over_views(net, torch.stack([stop, stop]), 0, 2, 1)
    assert both[0] == both[1] and len(SIGNS) == net(a).shape[1] == 8

def test_stickers_are_small_and_shapes_are_named():
    stop = draw_sign('stop')
    assert (paste(stop, [(20, 20, 4, 5, 1)]) != stop).any(0).sum() <= 20
    for bad in ((0, 0, -1, -1, 1), (-3, 0, 2, 2, 1), (0, 0, 2, 2, .5)):
        with pytest.raises(ValueError, match='from 0, sides from 1'): paste(stop, [bad])
    net = SignNet()
    with pytest.raises(ValueError, match='training mode'): stickers(net, stop, 1, 1, 2, 0)
    found = stickers(net.eval(), stop, 1, 2, 2, 0)
    assert len(found) == 2 and found == stickers(net, stop, 1, 2, 2, 0)

def test_a_bad_spread_is_named():
    with pytest.raises(ValueError, match='std must be above 0'):
        Normalized(nn.Identity(), .5, [.5, 0])

def test_dlr_needs_three_classes_and_worst_case_does_not():
    net, x, y = case(0, classes=2)
    with pytest.raises(ValueError, match='at least 3 classes'): dlr_loss(net(x), y)
    found = worst_case(net, x, y, .1, generator=0)
    assert list(found) == ['clean', 'APGD, cross-entropy', 'APGD, targeted', 'Square']
