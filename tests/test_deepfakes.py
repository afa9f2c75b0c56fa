"""Forged pictures: spectra by definition, an estimator that composes, seals that break."""
import math, pickle
import numpy as np, pytest, torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from walkdl.deepfakes import *

DEVICES = ['cpu'] + ['cuda']*torch.cuda.is_available()
luck = np.random.default_rng(0)
PICTURE = luck.integers(0, 256, (64, 64)).astype(np.uint8)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('kind', [torch.half, torch.float, torch.double])
def test_the_spectrum_from_its_definition(kind, device):
    x = torch.from_numpy(luck.random((2, 1, 16, 16))).to(device, kind)
    got = power_spectrum(x).cpu()
    a = x[1, 0].double().cpu().numpy()
    power, k = abs(np.fft.fft2(a - a.mean()))**2, np.fft.fftfreq(16)*16
    ring = np.sqrt(k[:, None]**2 + k**2).round()
    want = [np.log10(power[ring == r].mean() + 1e-6) for r in range(9)]
    assert got[1, 1:].double().numpy() == pytest.approx(want[1:], abs=1e-3)
    assert got.dtype == (torch.double if kind == torch.double else torch.float)
    assert power_spectrum(x[:0]).shape == (0, 9)


def forgeries(n=40):
    g = torch.Generator().manual_seed(0)
    real = torch.rand(n, 1, 16, 16, generator=g)
    fake = real.clone()
    fake[:, :, ::2] *= .5
    return torch.cat([real, fake]), [0]*n + [1]*n


def test_the_detector_is_an_estimator():
    X, y = forgeries()
    found = SpectrumDetector().fit(X, y)
    assert found.score(X, y) > .9 and set(found.classes_) == {0, 1}
    assert (pickle.loads(pickle.dumps(found)).predict(X) == found.predict(X)).all()
    assert clone(SpectrumDetector(C=.1)).get_params() == {'C': .1}
    steps = [('same', FunctionTransformer()), ('detector', SpectrumDetector())]
    grid = GridSearchCV(Pipeline(steps), {'detector__C': [.01, 1.]}, cv=2)
    grid.fit(X.numpy(), np.array(y))
    assert grid.best_score_ > .8
    with pytest.raises(ValueError, match='fitted'): SpectrumDetector().predict(X)


def test_a_swap_keeps_the_shape_and_takes_no_digits():
    model = Swapper()
    assert model.swap(torch.rand(3, 1, 28, 28), 1).shape == (3, 1, 28, 28)
    assert model.swap(torch.rand(0, 1, 28, 28), 0).shape == (0, 1, 28, 28)
    assert other_hand(torch.zeros(0, 1, 28, 28)).shape == (0, 1, 28, 28)


@pytest.mark.parametrize('device', DEVICES)
def test_chance_comes_from_the_generator_alone(device):
    x = torch.rand(6, 1, 28, 28, dtype=torch.double, device=device)
    before = torch.get_rng_state()
    a, b, c = (disguise(x, g) for g in (1, torch.Generator().manual_seed(1), 2))
    disguise(x)
    assert a.equal(b) and not a.equal(c) and a.dtype == x.dtype and a.device == x.device
    assert torch.get_rng_state().equal(before)


def test_two_swappers_of_one_seed_are_one():
    def weights(generator):
        torch.manual_seed(0)
        A = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
        model = fit_swapper(A, A.flip(3), steps=2, bs=2, generator=generator)
        return torch.cat([p.flatten() for p in model.parameters()])
    assert weights(1).equal(weights(1)) and not weights(1).equal(weights(2))


KEY = b'secret'


def test_a_seal_breaks_at_any_change():
    first = sign_manifest(PICTURE, 'captured', KEY)
    second = sign_manifest(PICTURE[:32], 'cropped', KEY, first)
    assert verify_manifest(PICTURE[:32], second, KEY) == ['captured', 'cropped']
    bit = PICTURE.copy()
    bit[0, 0] ^= 1
    other = PICTURE.reshape(32, 128), PICTURE.view(np.int8), bit, PICTURE[:-1]
    for pixels in other:
        with pytest.raises(ValueError, match='not the pixels'): verify_manifest(pixels, first, KEY)
    forged_parent = second | dict(parent=first | dict(action='painted'))
    for bad in (first | dict(action='x'), forged_parent, first | dict(shape=[1, 4096])):
        with pytest.raises(ValueError, match='changed after'): verify_manifest(PICTURE, bad, KEY)
    for bad in ({}, None, {'seal': 3}, 'manifest'):
        with pytest.raises(ValueError, match='with its seal expected'):
            verify_manifest(PICTURE, bad, KEY)
    with pytest.raises(ValueError, match='key is bytes'):
        sign_manifest(PICTURE, 'captured', 'secret')


def test_the_mark_is_found_by_its_key_alone():
    photo = np.clip(PICTURE/4 + 96, 0, 255)
    marked = embed_watermark(photo, 3, strength=1)
    assert marked.dtype == np.uint8 and watermark_score(marked, 3) > 4
    assert max(watermark_score(marked, k) for k in range(4, 14)) < 4
    assert watermark_score(torch.from_numpy(marked), 3) == watermark_score(marked, 3)


X = torch.zeros(2, 1, 28, 28)


@pytest.mark.parametrize('call, words', [
    (lambda: power_spectrum(torch.zeros(2, 3, 8, 8)), r'\[B,1,N,N\]'),
    (lambda: power_spectrum(torch.zeros(2, 1, 8, 9)), r'\[B,1,N,N\]'),
    (lambda: power_spectrum(X*math.nan), 'NaN'),
    (lambda: Swapper()(X, 2), '0 for A or 1 for B'),
    (lambda: Swapper()(X[..., :20], 1), r'\[B,1,28,28\]'),
    (lambda: fit_swapper(X[:0], X), 'both persons'),
    (lambda: enlarge('cubic', 1, 1), 'transposed, nearest'),
    (lambda: patches(np.zeros((9, 9)), 64), 'pixels a side or more'),
    (lambda: patches(np.zeros((90, 90, 4))), r'\[H,W\] or \[H,W,3\]'),
    (lambda: precision_at(1.2, .5, .5), 'three shares'),
    (lambda: precision_at(math.nan, .5, .5), 'three shares'),
    (lambda: embed_watermark(np.zeros((9, 12)), 1), r'\[n,n\]'),
    (lambda: embed_watermark(PICTURE, 1, math.nan), 'strength'),
    (lambda: watermark_score(PICTURE*math.nan, 1), 'finite')])
def test_wrong_input_is_told(call, words):
    with pytest.raises(ValueError, match=words): call()


def test_no_alarm_has_no_precision():
    assert math.isnan(precision_at(0, .5, 1)) and precision_at(.5, 1, 1) == 1


@pytest.mark.parametrize('call, words', [
    *((lambda k=k: embed_watermark(np.zeros((32, 32)), k), 'embed_watermark: key is one whole')
      for k in (True, 1.5, -1, 'k')),
    (lambda: watermark_score(np.zeros((32, 32)), 1.5), 'watermark_score: key is one whole number'),
    (lambda: fit_swapper(*torch.zeros(2, 2, 1, 28, 28), 2, 0), 'bs is one whole'),
    (lambda: fit_swapper(*torch.zeros(2, 2, 1, 28, 28), True), 'steps is one')])
def test_what_is_no_whole_number_is_told(call, words):
    with pytest.raises(ValueError, match=words): call()
