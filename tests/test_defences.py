"""The defences with inputs that their notebooks do not try."""
import math
import pytest, torch
from torch import nn
from scipy.stats import beta
from walkdl.adversarial import margin
from walkdl.broken import DriftAlarm, Ensemble, bpda, jpeg, squeeze
from walkdl.core import load_weights
from walkdl.defences import (SmoothedClassifier, apgd, clopper_pearson, dlr_loss, fit_robust, natural_loss, robust_net,
                             square_attack, trades_loss, worst_case)

DIGITS = torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
NET = load_weights('defences/natural', robust_net())


@pytest.mark.parametrize('n', [1, 13, 1000, 20_000])
def test_clopper_pearson_is_scipys_beta(n):
    k = torch.tensor(sorted({0, 1, n//3, n - 1, n}))
    low, high = clopper_pearson(k, n, .01)
    assert low[0] == 0 and high[-1] == 1
    assert torch.allclose(low[1:], torch.tensor(beta.ppf(.005, k[1:], n - k[1:] + 1)), atol=1e-8)
    assert torch.allclose(high[:-1], torch.tensor(beta.ppf(.995, k[:-1] + 1, n - k[:-1])), atol=1e-8)
    with pytest.raises(ValueError, match='0 <= k <= n'): clopper_pearson(n + 1, n)

def test_a_half_space_is_certified_up_to_its_border():
    class Half(nn.Module):
        def forward(self, x): return torch.stack([x[:, 0, 0, 0], -x[:, 0, 0, 0]], 1)
    for d in (.2, .5, 1.):
        says, radius = SmoothedClassifier(Half(), .5).certify(torch.full((5, 1, 1, 1), d), n=2000)
        assert (says == 0).all() and (radius < d).all() and radius.min() > .7*d
    assert SmoothedClassifier(Half(), .5).predict(torch.zeros(3, 1, 1, 1)).tolist() == [-1]*3

def test_attacks_stay_in_their_ball():
    y = NET(DIGITS).argmax(1)
    for attack in (apgd, lambda *a: square_attack(*a, queries=40)):
        z = attack(NET, DIGITS, y, .1)
        assert (z - DIGITS).abs().max() <= .1 + 1e-6 and z.min() >= 0 and z.max() <= 1
    found = list(worst_case(NET, DIGITS, y, .1).values())
    assert found[0].all() and all((b <= a).all() for a, b in zip(found, found[1:]))

def test_losses_from_their_formulas():
    logits, y = torch.tensor([[3., 1, 0], [0, 2, 5]]), torch.tensor([0, 1])
    assert margin(logits, y).tolist() == [2, -3] and torch.allclose(dlr_loss(logits, y), torch.tensor([-2/3, .6]))
    with pytest.raises(ValueError, match='at least 3'): dlr_loss(logits[:, :2], y)
    net, y = robust_net(), torch.arange(6)
    assert math.isclose(trades_loss(net, DIGITS, y, 0.).item(), natural_loss(net, DIGITS, y, 0.).item(), abs_tol=1e-5)

def test_training_learns():
    torch.manual_seed(0)
    y = torch.arange(6)
    assert (fit_robust(robust_net(), DIGITS, y, natural_loss, epochs=60, bs=6)(DIGITS).argmax(1) == y).all()

def test_transforms_and_alarm():
    assert squeeze(DIGITS, bits=1).unique().tolist() == [0, 1] and squeeze(DIGITS, median=3).shape == DIGITS.shape
    with pytest.raises(ValueError, match='odd'): squeeze(DIGITS, median=2)
    x = DIGITS.clone().requires_grad_()
    bpda(jpeg)(x).sum().backward()
    assert (x.grad == 1).all() and (jpeg(DIGITS, 95) - DIGITS).abs().mean() < .1
    assert torch.allclose(Ensemble(NET, NET)(DIGITS), NET(DIGITS).log_softmax(1), atol=1e-5)
    alarm = DriftAlarm([-1., 1.])
    assert alarm.first([0.]*1000) is None and alarm.first([9.]*5) is not None
