"""Properties of the convolution that hold for any shape, on shapes that hypothesis chooses; and its sentences for wrong input."""
import numpy as np, pytest, torch
import torch.nn.functional as F
from hypothesis import assume, given, settings, strategies as st
from walkdl.cnns import Dropout, LeNet5, accuracy, conv2d, conv_size, im2col, jiggle, max_pool2d, split_digits, warp
from walkdl.invariance import ShiftInvariant, brighten, duck_rabbit, shift_gap, turned

few = settings(max_examples=60, deadline=None, derandomize=True)
DEVICES = ['cpu'] + (['cuda'] if torch.cuda.is_available() else [])
small = st.integers(1, 3)


@st.composite
def layers(draw):
    "x, weight, bias and the settings of a convolution that fits"
    g, c, o, kw = draw(small), draw(small), draw(small), dict(stride=draw(small), padding=draw(st.integers(0, 3)), dilation=draw(small))
    K, L, H, W = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    assume(all(n + 2*kw['padding'] > kw['dilation']*(k - 1) for n, k in ((H, K), (W, L))))
    torch.manual_seed(draw(st.integers(0, 999)))
    device = draw(st.sampled_from(DEVICES))
    shapes = (draw(small), g*c, H, W), (g*o, c, K, L), (g*o,)
    return [torch.randn(s, dtype=torch.double, device=device, requires_grad=True) for s in shapes], kw | {'groups': g}


def same(ours, theirs, leaves, tol=1e-10):
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=tol)
    probe = torch.randn_like(ours)
    for a, b in zip(*(torch.autograd.grad((o*probe).sum(), leaves) for o in (ours, theirs))): assert torch.allclose(a, b, atol=tol)


@few
@given(layers())
def test_conv2d_equals_torch(case):
    (x, w, b), kw = case
    same(conv2d(x, w, b, **kw), F.conv2d(x, w, b, **kw), (x, w, b))
    same(conv2d(x, w, **kw), F.conv2d(x, w, None, **kw), (x, w))


@few
@given(layers())
def test_im2col_equals_unfold(case):
    (x, w, _), kw = case
    assert torch.equal(im2col(x, w.shape[2:], kw['stride'], kw['padding'], kw['dilation']),
                       F.unfold(x, w.shape[2:], kw['dilation'], kw['padding'], kw['stride']))


@few
@given(st.integers(1, 3), st.integers(1, 4), st.integers(4, 9), small)
def test_max_pool2d_equals_torch(c, k, n, stride):
    x = torch.randint(-2, 3, (2, c, n, n + 1), dtype=torch.double).requires_grad_()      # full of ties
    same(max_pool2d(x, k, stride), F.max_pool2d(x, k, stride), (x,))


@few
@given(st.integers(1, 30), st.integers(1, 6), small, st.integers(0, 3), small)
def test_conv_size_equals_torch(n, k, stride, padding, dilation):
    try: want = F.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, k), None, stride, padding, dilation).shape[-1]
    except RuntimeError:
        with pytest.raises(ValueError, match='does not fit'): conv_size(n, k, stride, padding, dilation)
    else: assert conv_size(n, k, stride, padding, dilation) == want


X, W = torch.zeros(1, 1, 5, 5), torch.zeros(2, 1, 3, 3)

@pytest.mark.parametrize('args, error, text', [
    ((X, torch.zeros(2, 3, 3, 3)), ValueError, 'conv2d: weight has 3 input channels, x has 1 (x is [B,C,H,W])'),
    ((X[0], W), ValueError, 'conv2d: x must be [B,C,H,W], got shape [1, 5, 5]'),
    ((X, W[0]), ValueError, 'conv2d: weight must be [O,C/groups,K,L], got shape [1, 3, 3]'),
    ((X.numpy(), W), TypeError, 'conv2d: x must be a tensor [B,C,H,W], got ndarray'),
    ((X, W.double()), TypeError, 'conv2d: weight is torch.float64, x is torch.float32'),
    ((X, W.to('meta')), ValueError, 'conv2d: weight is on meta, x on cpu'),
    ((X, W, torch.zeros(3)), ValueError, 'conv2d: bias must have shape [2], one for each kernel, got [3]'),
    ((X, torch.zeros(2, 1, 7, 7)), ValueError, 'a kernel that spans 7 does not fit into 5 pixels'),
    ((X, W, None, 1, 0, 1, 2), ValueError, 'groups=2'),
    ((X, W, None, 0), ValueError, 'stride'),
    ((X, W, None, 1, -1), ValueError, 'padding'),
])
def test_wrong_input_gets_a_sentence(args, error, text):
    with pytest.raises(error) as e: conv2d(*args)
    assert text in str(e.value)


def test_other_sentences():
    with pytest.raises(ValueError, match=r'LeNet5: x must be \[B,1,28,28\], got \[2, 3, 28, 28\]'): LeNet5()(torch.zeros(2, 3, 28, 28))
    with pytest.raises(ValueError, match='Dropout: p must be'): Dropout(1.)
    with pytest.raises(ValueError, match=r'max_pool2d: x must be \[B,C,H,W\]'): max_pool2d(torch.zeros(4, 4))
    with pytest.raises(ValueError, match='warp: x must be square'): warp(torch.zeros(1, 1, 3, 4))


@few
@given(st.integers(-5, 5), st.integers(-5, 5))
def test_warp_by_whole_pixels(dx, dy):
    x = torch.rand(2, 1, 12, 12)
    assert torch.allclose(warp(x, dx=dx, dy=dy), F.pad(x, (dx, -dx, dy, -dy)), atol=1e-4)


@few
@given(st.integers(0, 3))
def test_warp_by_quarter_turns(k):
    x = torch.rand(2, 1, 12, 12)
    assert torch.allclose(warp(x, degrees=90*k), x.rot90(k, (2, 3)), atol=1e-4)


@few
@given(st.integers(0, 27), st.integers(0, 27))
def test_the_shift_invariant_network_is(dy, dx):
    torch.manual_seed(0)
    assert shift_gap(ShiftInvariant(4), torch.rand(3, 1, 28, 28), dy, dx) < 1e-4


def test_small_things():
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(brighten(x), x) and jiggle(x).shape == x.shape
    head = duck_rabbit()
    assert head.shape == (224, 224, 3) and head.dtype == np.uint8 and (duck_rabbit() == head).all()
    assert torch.allclose(turned(head, [0])[0], torch.tensor(head).permute(2, 0, 1)/255, atol=1e-3)
    parts = split_digits(torch.arange(5000*784).view(5000, 28, 28) % 256, torch.arange(5000))
    assert [len(p) for p in parts] == [4000, 4000, 1000, 1000] and len(set(torch.cat(parts[1::2]).tolist())) == 5000
    assert accuracy(lambda b: -b.flatten(1), torch.eye(10)[:, None, None], torch.arange(10)) == 0
