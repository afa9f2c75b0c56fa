"""What holds for a convolution of any shape, on shapes that hypothesis chooses; its sentences."""
import copy, random
import numpy as np, pytest, torch
import torch.nn as nn, torch.nn.functional as F
from hypothesis import assume, given, settings, strategies as st
from walkdl.cnns import Dropout, LeNet5, conv2d, conv_size, fit, im2col, max_pool2d, windows
from walkdl.core import set_seed
from walkdl.invariance import ShiftInvariant, brighten, duck_rabbit, shift_gap, turned

few = settings(max_examples=60, deadline=None, derandomize=True)
DEVICES = ['cpu'] + (['cuda'] if torch.cuda.is_available() else [])
small = st.integers(1, 3)


@st.composite
def layers(draw):
    "x, weight, bias and the settings of a convolution that fits"
    g, c, o = draw(small), draw(small), draw(small)
    kw = dict(stride=draw(small), padding=draw(st.integers(0, 3)), dilation=draw(small))
    K, L, H, W = (draw(st.integers(1, most)) for most in (4, 4, 9, 9))
    assume(all(n + 2*kw['padding'] > kw['dilation']*(k - 1) for n, k in ((H, K), (W, L))))
    torch.manual_seed(draw(st.integers(0, 999)))
    device = draw(st.sampled_from(DEVICES))
    shapes = (draw(small), g*c, H, W), (g*o, c, K, L), (g*o,)
    leaves = [torch.randn(s, dtype=torch.double, device=device, requires_grad=True) for s in shapes]
    return leaves, kw | {'groups': g}


def same(ours, theirs, leaves, tol=1e-10):
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=tol)
    probe = torch.randn_like(ours)
    grads = [torch.autograd.grad((o*probe).sum(), leaves) for o in (ours, theirs)]
    for a, b in zip(*grads): assert torch.allclose(a, b, atol=tol)


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
    x = torch.randint(-2, 3, (2, c, n, n + 1), dtype=torch.double).requires_grad_() # full of ties
    same(max_pool2d(x, k, stride), F.max_pool2d(x, k, stride), (x,))


@few
@given(st.integers(1, 30), st.integers(1, 6), small, st.integers(0, 3), small)
def test_conv_size_equals_torch(n, k, stride, padding, dilation):
    ones = torch.ones(1, 1, n), torch.ones(1, 1, k)
    try: want = F.conv1d(*ones, None, stride, padding, dilation).shape[-1]
    except RuntimeError:
        with pytest.raises(ValueError, match='does not fit'):
            conv_size(n, k, stride, padding, dilation)
    else: assert conv_size(n, k, stride, padding, dilation) == want


X, W = torch.zeros(1, 1, 5, 5), torch.zeros(2, 1, 3, 3)

@pytest.mark.parametrize('args, error, text', [
    ((X, torch.zeros(2, 3, 3, 3)), ValueError, '3 input channels, x has 1 (x is [B,C,H,W])'),
    ((X[0], W), ValueError, 'conv2d: x must be [B,C,H,W], got shape [1, 5, 5]'),
    ((X, W[0]), ValueError, 'weight must be [O,C/groups,K,L], got shape [1, 3, 3]'),
    ((X.numpy(), W), TypeError, 'conv2d: x must be a tensor [B,C,H,W], got ndarray'),
    ((X, W.double()), TypeError, 'weight is torch.float64, x is torch.float32'),
    ((X, W.to('meta')), ValueError, 'conv2d: weight is on meta, x on cpu'),
    ((X, W, torch.zeros(3)), ValueError, 'bias must have shape [2], one for each kernel'),
    ((X, W, torch.zeros(2, 1)), ValueError, 'bias must be [O], got shape [2, 1]'),
    ((X, W, torch.zeros(2).double()), TypeError, 'bias is torch.float64, x is torch.float32'),
    ((X, W, [0., 0.]), TypeError, 'conv2d: bias must be a tensor [O], got list'),
    ((X, W, None, (1, 2)), ValueError, 'one whole number from 1 up, got (1, 2)'),
    ((X, W, None, 1, 'same'), ValueError, "padding is one whole number from 0 up, got 'same'"),
    ((X, W, None, 1.5), ValueError, 'got 1.5'),
    ((X, torch.zeros(2, 1, 7, 7)), ValueError, 'that spans 7 does not fit into 5 pixels'),
    ((X, W, None, 1, 0, 1, 2), ValueError, 'groups=2'),
    ((X, W, None, 0), ValueError, 'stride'),
    ((X, W, None, True), ValueError, 'stride is one whole number from 1 up, got True'),
    ((X, W, None, 1, False), ValueError, 'padding is one whole number from 0 up, got False'),
    ((X, W, None, 1, 0, 1, True), ValueError, 'groups is one whole number from 1 up, got True'),
    ((X, W, None, 1, -1), ValueError, 'padding'),
])
def test_wrong_input_gets_a_sentence(args, error, text):
    with pytest.raises(error) as e: conv2d(*args)
    assert text in str(e.value)


def test_numpys_whole_numbers_are_whole_numbers():
    x, w = torch.rand(1, 4, 7, 7), torch.rand(2, 2, 3, 3)
    two = np.int64(2)
    assert torch.equal(conv2d(x, w, None, two, two, two, two), conv2d(x, w, None, 2, 2, 2, 2))
    assert torch.equal(im2col(x, np.int64(3)), im2col(x, 3))


def test_other_sentences():
    for said, call in {
        'x must be [B,1,28,28], got [1, 1, 5, 5]': lambda: LeNet5()(X),
        'Dropout: p must be': lambda: Dropout(1.),
        'max_pool2d: x must be [B,C,H,W]': lambda: max_pool2d(torch.zeros(4, 4)),
        'stride is one whole number from 1 up, got 0': lambda: max_pool2d(X, 2, stride=0),
        'a kernel side is one whole number from 1 up, got 0': lambda: conv_size(5, 0),
        'windows: x must be a tensor [B,C,H,W], got ndarray': lambda: windows(X.numpy(), 3),
        'windows: k is (rows, columns)': lambda: im2col(X, (3, 3, 3)),
        'as many labels as pictures': lambda: fit(LeNet5(), X, torch.zeros(0)),
        'one picture is the least': lambda: shift_gap(LeNet5(), X[:0], 1, 1),
        'turned: a picture [H,W,3] of bytes': lambda: turned(np.zeros((4, 4)), [0]),
        'duck_rabbit: hairs': lambda: duck_rabbit(-1)}.items():
        with pytest.raises(ValueError) as e: call()
        assert said in str(e.value)


@few
@given(st.integers(0, 27), st.integers(0, 27))
def test_the_shift_invariant_network_is(dy, dx):
    torch.manual_seed(0)
    assert shift_gap(ShiftInvariant(4), torch.rand(3, 1, 28, 28), dy, dx) < 1e-4


def test_small_things():
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(brighten(x), x)
    head = duck_rabbit()
    assert head.shape == (224, 224, 3) and head.dtype == np.uint8 and (duck_rabbit() == head).all()
    assert torch.allclose(turned(head, [0])[0], torch.tensor(head).permute(2, 0, 1)/255, atol=1e-3)
    assert turned(head[:100], range(3)).shape == (3, 3, 100, 224)
    assert torch.equal(im2col(x, 3), im2col(x, (3, 3))) and conv_size(np.int64(9), np.int64(3)) == 7


@pytest.mark.parametrize('groups, b', [(1, True), (1, False), (2, True)])
def test_no_pictures_give_no_maps(groups, b):
    x = torch.zeros(0, 4, 6, 5, requires_grad=True)
    w, bias = torch.randn(6, 4//groups, 3, 3), torch.randn(6) if b else None
    out = conv2d(x, w, bias, groups=groups)
    assert out.shape == F.conv2d(x, w, bias, groups=groups).shape == (0, 6, 4, 3)
    out.sum().backward()
    assert im2col(x, 3).shape == (0, 36, 12) and max_pool2d(x).shape == (0, 4, 3, 2)


def lonely():
    "A net with BatchNorm, and as many pictures as leave a last batch of one"
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    return net, torch.rand(9, 1, 4, 4), torch.arange(9) % 2


def test_fit_leaves_out_a_last_batch_of_one():
    net, x, y = lonely()
    assert not fit(net, x, y, epochs=2, bs=4).training
    with pytest.raises(ValueError): net.train()(x[:1])


def test_fit_repeats_itself_and_leaves_other_random_numbers_alone():
    net, x, y = lonely()
    def streams(): return random.random(), np.random.rand(), torch.rand(()).item()
    def seed(): random.seed(1), np.random.seed(1), torch.manual_seed(1)
    seed()
    want = streams()
    seed()
    a, b, c = (fit(copy.deepcopy(net), x, y, 3, bs=4, generator=g)[1].weight
               for g in (5, torch.Generator().manual_seed(5), 6))
    assert streams() == want and torch.equal(a, b) and not torch.equal(a, c)
    def own():
        set_seed(2)
        return fit(copy.deepcopy(net), x, y, 3, bs=4)[1].weight
    assert torch.equal(own(), own())


def test_dropout_draws_its_own_numbers():
    x = torch.ones(1000, dtype=torch.double)
    torch.manual_seed(1)
    want = torch.rand(()).item()
    torch.manual_seed(1)
    a, b = (Dropout(.3, generator=g)(x) for g in (5, torch.Generator().manual_seed(5)))
    assert torch.rand(()).item() == want and torch.equal(a, b) and a.dtype == torch.double
    drop = Dropout(.3, generator=5)
    assert not torch.equal(drop(x), drop(x)) and torch.equal(drop.eval()(x), x)
    copy.deepcopy(drop)(x)


def test_shift_gap_of_constant_answers():
    assert shift_gap(lambda x: torch.ones(len(x), 10), torch.rand(2, 1, 8, 8), 1, 1) == 0
