"Attacks on random nets and pictures: inside the ball and the range, equal to torchattacks, clear words for bad input"
import pytest, torch, torch.nn as nn
from walkdl.adversarial import carlini_wagner, deepfool, fgsm, fooled, margin, pgd, square, universal
from walkdl.blackbox import SIGNS, Oracle, boundary, halve, nes, nes_gradient, one_pixel, see, sign, stick
from walkdl.core import set_seed
from walkdl.data import get

def case(seed, channels=3, side=8, n=5):
    set_seed(seed)
    net = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6*side*side, 4)).eval()
    return net, torch.rand(n, channels, side, side), torch.randint(4, (n,))

@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('norm', ['inf', 2])
@pytest.mark.parametrize('targeted', [False, True])
def test_inside_the_ball_and_the_range(seed, norm, targeted):
    net, x, y = case(seed, 1 + 2*(seed % 2))
    before, eps = x.clone(), .05 + .1*seed
    z = pgd(net, x, y, eps, steps=5, norm=norm, targeted=targeted, restarts=2, generator=seed, batch=2)
    far = (z - x).flatten(1).norm(dim=1) if norm == 2 else (z - x).flatten(1).abs().amax(1)
    assert z.shape == x.shape and far.max() <= eps + 1e-6 and z.min() >= 0 and z.max() <= 1
    assert x.equal(before) and not z.requires_grad and all(p.grad is None for p in net.parameters())
    loss = lambda x: nn.functional.cross_entropy(net(x), y).item()
    assert loss(z) < loss(x) if targeted else loss(z) > loss(x)

@pytest.mark.parametrize('targeted', [False, True])
def test_equal_to_torchattacks(targeted):
    ta = get('torchattacks')
    for seed in range(3):
        net, x, y = case(seed)
        kw = dict(steps=7, start=False, targeted=targeted)
        for ours, theirs in ((fgsm(net, x, y, .07, targeted), ta.FGSM(net, .07)),
                             (pgd(net, x, y, .07, .02, **kw), ta.PGD(net, .07, .02, 7, False)),
                             (pgd(net, x, y, .7, .2, norm=2, **kw), ta.PGDL2(net, .7, .2, 7, False))):
            if targeted: theirs.set_mode_targeted_by_label(quiet=True)
            assert (ours - theirs(x, y)).abs().max() < 1e-5
        if not targeted: assert (deepfool(net, x, y) - ta.DeepFool(net)(x, y)).abs().max() < 1e-4

def test_other_attacks_keep_their_word():
    net, x, y = case(0)
    net[3].weight.data.mul_(20)
    y = net(x).argmax(1)
    near, short = deepfool(net, x, y), carlini_wagner(net, x, y)
    assert (fooled(net, near, y) | (margin(net(near), y) < 1e-4)).all() and fooled(net, short, y).all()
    assert min(near.min(), short.min()) >= 0 and max(near.max(), short.max()) <= 1
    assert universal(net, x, y, .1).abs().max() <= .1 + 1e-6
    oracle = Oracle(net)
    z, asked = nes(oracle, x, y, .2, generator=0)
    assert (z - x).abs().max() <= .2 + 1e-6 and oracle.asked == asked.sum()
    met = halve(oracle, x, y, pgd(net, x, y, 1., steps=10))
    z, way = boundary(oracle, x, y, met, 50, 0)
    assert fooled(net, z, y).all() and (way[-1] <= (met - x).flatten(1).norm(dim=1) + 1e-5).all()
    dot, _ = one_pixel(net, x[:1], y[:1], crowd=10, generations=2)
    assert (dot != x[:1]).any(1).sum() <= 1

def test_estimated_gradient_of_a_linear_score():
    w, x = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(1, 1, 3, 4)
    g = nes_gradient(lambda z: z.flatten(1) @ w, x, torch.tensor([0]), 20000, loss=lambda f, y: f[:, 0], generator=torch.Generator().manual_seed(0))
    assert (g.flatten() - w[:, 0]).abs().max() < .1

def test_signs_are_seeded_and_stickers_small():
    a = see(sign('stop')[None].expand(3, -1, -1, -1), 5)
    assert a.shape == (3, 3, 32, 32) and 0 <= a.min() and a.max() <= 1 and a.equal(see(sign('stop')[None].expand(3, -1, -1, -1), 5))
    assert (stick(sign('stop'), [(20, 20, 4, 5, 1)]) != sign('stop')).any(0).sum() <= 20
    with pytest.raises(ValueError, match='expected one of'): sign('stopp')
    assert len(SIGNS) == 8

@pytest.mark.parametrize('kw, words', [
    (dict(eps=-1), 'eps must be'), (dict(eps=float('nan')), 'eps must be'), (dict(norm=1), 'norm must be'), (dict(y=torch.zeros(3).long()), 'y must be 5'),
    (dict(y=torch.zeros(5)), 'whole numbers'), (dict(x=torch.zeros(5, 3, 8, 8).long()), 'float tensor'), (dict(x=torch.full((5, 3, 8, 8), 2.)), 'must lie in clip'),
    (dict(x=torch.full((5, 3, 8, 8), float('nan'))), 'must lie in clip'), (dict(steps=0), 'start at 1')])
def test_bad_input_is_named(kw, words):
    net, x, y = case(0)
    with pytest.raises(ValueError, match=words): pgd(net, **(dict(x=x, y=y, eps=.1) | kw))

def test_no_pictures_and_no_budget_change_nothing():
    net, x, y = case(0)
    assert pgd(net, x[:0], y[:0], .1).shape == (0, 3, 8, 8) and pgd(net, x, y, 0).equal(x)
    assert square(torch.zeros(30, 40, 3, dtype=torch.uint8).numpy(), 16).shape == (3, 16, 16)
