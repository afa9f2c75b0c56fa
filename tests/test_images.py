"Shared pictures: equal to torchvision and Pillow, for every shape, device and kind of number"
import hashlib, io, math
import numpy as np, pytest, torch
from hypothesis import given, settings, strategies as st
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as V
from walkdl.data import get
from walkdl.images import accuracy, blur, center_crop, jiggle, jpeg, split_digits, warp

quick = settings(max_examples=30, deadline=None)
DIGITS = split_digits(*get('digits'))
X = DIGITS[0][:6]
MOVES = {'warp': lambda x: warp(x, 20, 1.2, .3, 2, -1), 'jiggle': lambda x: jiggle(x, generator=0),
         'jpeg': lambda x: jpeg(x, 60), 'blur': lambda x: blur(x, 1.5)}
DEVICES = ['cpu'] + ['cuda']*torch.cuda.is_available()


def test_split_is_the_one_of_the_checkpoints():
    "The bytes, in this order, are what every trained network of the course has learned from"
    sha = hashlib.sha256()
    for x, y in (DIGITS[:2], DIGITS[2:]):
        sha.update((x*255).round().byte().numpy().tobytes())
        sha.update(y.numpy().tobytes())
    assert sha.hexdigest() == '3c4c7481bd8d9a9a821b21d4fea46c2fbe61253764e6f52fef69656e852bbfb6'
    assert [list(t.shape) for t in DIGITS] == [[4000, 1, 28, 28], [4000], [1000, 1, 28, 28], [1000]]


def test_split_keeps_pictures_and_labels_together():
    x, y = torch.arange(50*784).view(50, 28, 28) % 256, torch.arange(50)
    parts = split_digits(x, y, 40, seed=3)
    assert sorted(torch.cat(parts[1::2]).tolist()) == list(range(50))
    pictures, labels = torch.cat(parts[::2]), torch.cat(parts[1::2])
    assert torch.equal((pictures[:, 0]*255).round().long(), x[labels])
    assert not torch.equal(split_digits(x, y, 40, seed=4)[1], parts[1])


@quick
@given(st.floats(-180, 180), st.floats(.5, 2), st.floats(-1, 1), st.floats(-5, 5), st.floats(-5, 5),
       st.sampled_from(((28, 28), (20, 31))))
def test_warp_is_torchvisions_affine(degrees, scale, shear, dx, dy, size):
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    theirs = V.affine(x, -degrees, [dx, dy], scale, [-math.degrees(math.atan(shear)), 0.],
                      InterpolationMode.BILINEAR)
    assert torch.allclose(warp(x, degrees, scale, shear, dx, dy), theirs, atol=2e-3)


@quick
@given(st.floats(-180, 180), st.floats(-1, 1))
def test_turn_and_shear_keep_areas(degrees, shear):
    x = torch.zeros(1, 1, 61, 61, dtype=torch.double)
    x[..., 25:36, 25:36] = 1
    assert warp(x, degrees, shear=shear).sum().item() == pytest.approx(121, rel=.02)
    assert warp(x, degrees, 1.5, shear).sum().item() == pytest.approx(121*2.25, rel=.05)


def test_warp_shears_first_and_shifts_last():
    x = torch.zeros(1, 1, 15, 15)
    x[..., 7, 7] = 1
    assert warp(x, shear=1, dy=1).round().nonzero()[0, 2:].tolist() == [8, 7]
    x = x.roll(1, 2)  # one below the middle: sheared to the right, then turned up
    assert warp(x, degrees=90, shear=1).round().nonzero()[0, 2:].tolist() == [6, 8]


def test_warp_takes_numbers_for_each_picture():
    a = torch.tensor([0., 10., 20., 30., 40., 50.])
    both = warp(X, a, 1 + a/100, a/50, a/10, -a/10)
    for i, v in enumerate(a.tolist()):
        one = warp(X[i:i + 1], v, 1 + v/100, v/50, v/10, -v/10)
        assert torch.allclose(both[i:i + 1], one, atol=1e-5)
    x = X.clone().requires_grad_()
    warp(x, 10).sum().backward()
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize('name', MOVES)
@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('dtype', (torch.half, torch.bfloat16, torch.float, torch.double))
def test_kind_of_number_and_device_stay(name, device, dtype):
    got = MOVES[name](X.to(device, dtype))
    assert got.dtype == dtype and got.device.type == device and got.shape == X.shape
    assert torch.allclose(got.cpu().float(), MOVES[name](X), atol=.03)


@pytest.mark.parametrize('name', MOVES)
def test_empty_batches_and_what_is_no_picture(name):
    assert MOVES[name](X[:0]).shape == (0, 1, 28, 28)
    for bad in (X[0], X[0, 0], (X*255).byte(), X.numpy(), X.long(), 3):
        with pytest.raises(ValueError, match=name): MOVES[name](bad)


@pytest.mark.parametrize('call, said', (
    (lambda: warp(X, scale=0), 'above 0'), (lambda: warp(X, degrees=float('nan')), 'finite'),
    (lambda: warp(X, dx=torch.ones(4)), 'one for each picture'),
    (lambda: jiggle(X, scale=1.), 'scale < 1'), (lambda: jiggle(X, scale=-.1), 'scale < 1'),
    (lambda: blur(X, -1), 'at least 0'), (lambda: blur(X, float('nan')), 'at least 0'),
    (lambda: blur(X, 9.), 'less than the side'), (lambda: jpeg(X, 0), '1 to 100'),
    (lambda: jpeg(X*float('nan')), 'NaN'),
    (lambda: jpeg(X.expand(-1, 2, -1, -1)), '1 channel'),
    (lambda: center_crop(np.zeros((9, 9))), 'of bytes'),
    (lambda: center_crop(X[0, 0]), r'\[C,H,W\]'),
    (lambda: center_crop(X, 0), 'no 0 pixels'),
    (lambda: split_digits(torch.zeros(3, 2, 2), [1, 2]), 'as many labels'),
    (lambda: split_digits(X, DIGITS[1][:6]), r'\[N,28,28\]'),
    (lambda: split_digits(*get('digits'), n=5001), 'n ≤ 5000'),
    (lambda: accuracy(lambda b: b, X, torch.ones(3)), '6 inputs, but 3 labels')))
def test_refused_with_a_sentence(call, said):
    with pytest.raises(ValueError, match=said): call()


def test_jiggle_draws_from_its_own_generator():
    state = torch.get_rng_state()
    a, b = jiggle(X, generator=5), jiggle(X, generator=torch.Generator().manual_seed(5))
    assert torch.equal(a, b) and not torch.equal(a, jiggle(X, generator=6))
    assert not torch.equal(jiggle(X), jiggle(X))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.allclose(jiggle(X, 0, 0, 0, 0), X, atol=1e-5)
    same = jiggle(X[:1].expand(50, -1, -1, -1), generator=0)
    assert len({t.numpy().tobytes() for t in same}) == 50


def test_jiggle_stays_within_its_bounds():
    dot = torch.zeros(200, 1, 21, 21)
    dot[..., 10, 10] = 1
    moved = jiggle(dot, 90, 0, .5, 3, generator=0)
    assert moved.flatten(1).amax(1).min() > .2
    places = moved.flatten(1).argmax(1)
    away = torch.stack([places//21, places % 21]) - 10
    assert away.abs().max() == 3 and away.min() == -3


@quick
@given(st.integers(1, 95), st.sampled_from((1, 3)))
def test_jpeg_is_pillows(quality, channels):
    x = torch.rand(2, channels, 17, 30, generator=torch.Generator().manual_seed(quality))*1.2 - .1
    for a, got in zip(x, jpeg(x, quality)):
        file, pixels = io.BytesIO(), (a.double().clamp(0, 1)*255).round().byte().permute(1, 2, 0)
        Image.fromarray(pixels.squeeze(2).numpy()).save(file, 'jpeg', quality=quality)
        theirs = torch.from_numpy(np.array(Image.open(file))).view(17, 30, channels)
        assert ((got*255).round() - theirs.permute(2, 0, 1)).abs().max() <= 1


def test_jpeg_clamps_and_keeps_channels():
    assert jpeg(torch.full((1, 1, 16, 16), 1.02)).min() > .98
    red = torch.tensor([1., 0., 0.]).view(1, 3, 1, 1).expand(2, 3, 16, 16)
    assert torch.allclose(jpeg(red, 95), red, atol=.02)


@pytest.mark.parametrize('sigma', (1., 1.7, 3., 5.))
def test_blur_is_as_wide_as_it_says(sigma):
    x = torch.zeros(1, 1, 61, 61, dtype=torch.double)
    x[..., 30, 30] = 1
    got = blur(x, sigma)[0, 0]
    at = torch.arange(61.) - 30
    assert (got.sum(0)*at**2).sum().sqrt().item() == pytest.approx(sigma, rel=.01)
    assert got.sum().item() == pytest.approx(1) and torch.allclose(got, got.T)
    assert torch.equal(blur(x, 0), x)


def test_center_crop_of_photos_and_batches():
    for shape, c in (((30, 41, 3), 3), ((41, 30), 1)):
        a = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        got, k = center_crop(a, 30), 30
        assert got.shape == (c, k, k) and 0 <= got.min() and got.max() <= 1
        tensor = torch.from_numpy(a.reshape(*a.shape[:2], c)).permute(2, 0, 1)
        assert torch.equal(got, V.center_crop(tensor, [30, 30]).float()/255)
        assert torch.equal(got, center_crop(Image.fromarray(a), 30))
    assert center_crop(X.double(), 14).dtype == torch.double
    assert center_crop(X[:0], 14).shape == (0, 1, 14, 14)
    small = center_crop(np.zeros((20, 30), np.uint8) + 255, 224)
    assert torch.equal(small, torch.ones(1, 224, 224))


def test_accuracy_counts():
    assert accuracy(lambda b: b, torch.eye(10), torch.arange(10), batch=3) == 1
    assert accuracy(lambda b: -b, torch.eye(10), torch.arange(10)) == 0
    assert math.isnan(accuracy(lambda b: b, torch.zeros(0, 3), torch.zeros(0)))
    assert accuracy(lambda b: b, torch.eye(3), [0, 1, 0]) == pytest.approx(2/3)
    with pytest.raises(ValueError, match=r'labels \[3\] expected, got \[3, 1\]'):
        accuracy(lambda b: b, torch.eye(3), torch.arange(3)[:, None])
