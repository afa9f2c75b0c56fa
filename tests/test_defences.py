"""The defences with inputs that their notebooks do not try."""
import math, random
import numpy as np, pytest, torch
from torch import nn
from walkdl.adversarial import logit_margin
from walkdl.broken import DriftAlarm, Ensemble, bpda, disagreement, masking_report, squeeze
from walkdl.core import load_weights, set_seed
from walkdl.defences import (SmoothedClassifier, adversarial_loss, apgd, dlr_loss, fgsm_loss,
                             fit_robust, natural_loss, noise_loss, robust_accuracy, robust_net,
                             trades_loss, worst_case)
from walkdl.images import blur, jpeg

DEVICES = ['cpu'] + ['cuda']*torch.cuda.is_available()
DIGITS = torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
NET = load_weights('defences/natural', robust_net())
Y = NET(DIGITS).argmax(1)


class Half(nn.Module):
    "A half-space whose border lies at zero of the first pixel"
    def forward(self, x): return torch.stack([x[:, 0, 0, 0], -x[:, 0, 0, 0]], 1)

@pytest.mark.parametrize('dtype', [torch.float, torch.double])
def test_a_half_space_is_certified_up_to_its_border(dtype):
    for d in (.2, .5, 1.):
        x = torch.full((5, 1, 1, 1), d, dtype=dtype)
        says, radius = SmoothedClassifier(Half(), .5, 0).certify(x, n=2000)
        assert (says == 0).all() and radius.dtype == dtype
        assert (radius < d).all() and radius.min() > .7*d
    smooth = SmoothedClassifier(Half(), .5, 0)
    assert smooth.predict(torch.zeros(3, 1, 1, 1)).tolist() == [-1]*3
    assert smooth.predict(torch.ones(3, 1, 1, 1)).tolist() == [0]*3
    says, radius = smooth.certify(torch.zeros(3, 1, 1, 1))
    assert says.tolist() == [-1]*3 and radius.tolist() == [0]*3

@pytest.mark.parametrize('device', DEVICES)
def test_a_smoothed_classifier_of_no_pictures_and_on_its_device(device):
    smooth = SmoothedClassifier(load_weights('defences/natural', robust_net()).to(device), .5, 0)
    x = DIGITS.to(device)
    for n in (0, 2):
        (says, radius), won = smooth.certify(x[:n], 20, 50), smooth.predict(x[:n], 20)
        assert says.shape == radius.shape == won.shape == (n,)
        assert says.device == radius.device == x.device
        assert smooth.counts(x[:n], 7).sum(1).tolist() == [7]*n
        assert smooth(x[:n]).shape == (n, 10)

@pytest.mark.parametrize('sigma', [0, -.5, math.nan, math.inf])
def test_a_bad_spread_is_named(sigma):
    with pytest.raises(ValueError, match='sigma must be above 0'): SmoothedClassifier(NET, sigma)

@pytest.mark.parametrize('alpha', [0, .5, 2, -1, math.nan])
def test_a_bad_alpha_is_named(alpha):
    smooth = SmoothedClassifier(Half(), .5, 0)
    for ask in (smooth.predict, smooth.certify):
        with pytest.raises(ValueError, match='alpha must lie between 0 and 0.5'):
            ask(torch.ones(2, 1, 1, 1), alpha=alpha)
    with pytest.raises(ValueError, match='starts at 1'): smooth.counts(torch.ones(2, 1, 1, 1), 0)

def test_worst_case_counts_down_and_refuses_foul_play():
    found = list(worst_case(NET, DIGITS, Y, .1, generator=0).values())
    assert found[0].all() and all((b <= a).all() for a, b in zip(found, found[1:]))
    assert list(worst_case(NET, DIGITS, Y, .1, {})) == ['clean']
    still = worst_case(NET, DIGITS, Y, .1, dict(none=lambda m, x, y, eps: x))
    assert still['none'].all()
    for foul in (lambda m, x, y, eps: x + .2, lambda m, x, y, eps: x*math.nan):
        with pytest.raises(ValueError, match="'foul' left the ball"):
            worst_case(NET, DIGITS, Y, .1, dict(foul=foul))
    assert all(v.shape == (0,) for v in worst_case(NET, DIGITS[:0], Y[:0], .1).values())

def test_losses_from_their_formulas():
    logits, y = torch.tensor([[3., 1, 0], [0, 2, 5]]), torch.tensor([0, 1])
    assert logit_margin(logits, y).tolist() == [2, -3]
    assert torch.allclose(dlr_loss(logits, y), torch.tensor([-2/3, .6]))
    net, y = robust_net(), torch.arange(6)
    for loss in (trades_loss, adversarial_loss, fgsm_loss, noise_loss):
        plain = natural_loss(net, DIGITS, y, 0.).item()
        assert loss(net, DIGITS, y, 0.).item() == pytest.approx(plain, abs=1e-5)

def test_training_learns():
    set_seed(0)
    y = torch.arange(6)
    model = fit_robust(robust_net(), DIGITS, y, natural_loss, epochs=60, bs=6, generator=0)
    assert (model(DIGITS).argmax(1) == y).all() and not model.training

@pytest.mark.parametrize('loss', [natural_loss, adversarial_loss, trades_loss, fgsm_loss])
def test_a_last_batch_of_one_and_batch_norm(loss):
    set_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.BatchNorm1d(8), nn.Dropout(.1),
                        nn.Linear(8, 10))
    x = torch.rand(9, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    assert not fit_robust(net, x, torch.arange(9), loss, eps=.1, epochs=1, bs=4).training
    seen = 4 if loss is trades_loss else 2 # TRADES asks twice a step, and no attack is counted
    assert net[2].num_batches_tracked == seen
    with pytest.raises(ValueError, match='as many labels'):
        fit_robust(net, x[:0], torch.arange(0), loss)

def test_the_callers_random_numbers_are_left_alone():
    def streams():
        return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()
    net = robust_net()
    before = streams()
    masking_report(NET, DIGITS, Y, .1)
    worst_case(NET, DIGITS, Y, .1)
    SmoothedClassifier(NET, .5).certify(DIGITS, 10, 20)
    robust_accuracy(NET, DIGITS, Y, .1, 3)
    for loss in (adversarial_loss, trades_loss, noise_loss):
        fit_robust(net, DIGITS, Y, loss, epochs=1)
    assert streams() == before

def test_a_seed_gives_the_same_report():
    one, two = (masking_report(NET, DIGITS, Y, .1, generator=3) for _ in range(2))
    assert one == two and len(one) == 6
    with pytest.raises(ValueError, match='no pictures'): masking_report(NET, DIGITS[:0], Y[:0], .1)

def test_squeezing():
    assert squeeze(DIGITS, bits=1).unique().tolist() == [0, 1]
    colour = torch.rand(2, 3, 7, 9)
    middle = nn.functional.pad(colour, [1]*4, mode='reflect').unfold(2, 3, 1).unfold(3, 3, 1)
    assert squeeze(colour, median=3).equal(middle.flatten(4).median(4).values)
    assert squeeze(colour[:0], bits=2, median=3).shape == (0, 3, 7, 9)
    for kw, words in ((dict(median=2), 'odd'), (dict(median=-1), 'whole number'),
                      (dict(median=15), 'twice the side'), (dict(bits=0), 'bits is one whole'),
                      (dict(bits=float('nan')), 'got nan'), (dict(bits=True), 'got True'),
                      (dict(median=3.), 'median is one whole number')):
        with pytest.raises(ValueError, match=words): squeeze(colour, **kw)

def test_gradients_go_straight_through():
    x = DIGITS.clone().requires_grad_()
    bpda(jpeg)(x).sum().backward()
    assert (x.grad == 1).all()

def test_committees_and_guards():
    assert torch.allclose(Ensemble(NET, NET)(DIGITS), NET(DIGITS).log_softmax(1), atol=1e-5)
    with pytest.raises(ValueError, match='at least one model'): Ensemble()
    with pytest.raises(ValueError, match='at least one squeezer'): disagreement(NET, DIGITS, [])
    score = disagreement(NET, DIGITS, [blur, lambda x: x])
    assert score.shape == (6,) and 0 <= score.min() and score.max() <= 2

@pytest.mark.parametrize('usual', [[1, 2, 3], [1., 2., 3.], np.array([1, 2, 3]),
                                   torch.tensor([1, 2, 3])], ids=str)
def test_an_alarm_takes_lists_arrays_and_tensors(usual):
    alarm = DriftAlarm(usual)
    assert alarm.mean == 2 and alarm.std == 1
    assert alarm.first([2]*1000) is None and alarm.first([9.]*5) == 1
    assert alarm.first(torch.tensor([2., 2, 2, 9, 9])) == 4

def test_an_alarm_hears_nan():
    alarm = DriftAlarm([-1., 1.])
    assert alarm.first([3, 3, 3, 3, math.nan, 3, 3, 3, 3]) == 4
    assert alarm.first([0, 0, math.inf]) == 2
    for usual in ([.1, math.nan, .3], [.5], [], [1, math.inf]):
        with pytest.raises(ValueError, match='two or more finite numbers'): DriftAlarm(usual)

def test_attacks_of_one_step_and_of_many_pictures():
    assert apgd(NET, DIGITS, Y, .1, steps=1, generator=0).shape == DIGITS.shape
    assert math.isnan(robust_accuracy(NET, DIGITS[:0], Y[:0], .1))


@pytest.mark.parametrize('call, words', [
    (lambda: Ensemble(None), 'at least one model'),
    (lambda: DriftAlarm([1, 2], math.nan), 'allowance is a finite number from 0 up'),
    (lambda: DriftAlarm([1, 2], .5, -1), 'limit is a finite number from 0 up'),
    (lambda: bpda(lambda x: x[:1])(torch.zeros(4, 1, 2, 2)), r'turns \[4, 1, 2, 2\] into \[1')])
def test_bad_parts_of_a_defence_are_told(call, words):
    with pytest.raises(ValueError, match=words): call()
