"""Properties of the perceptron that hold for any data, on data that hypothesis chooses."""
import warnings
from itertools import product
import numpy as np, pytest, torch
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import Perceptron as Twin
from walkdl.perceptron import MulticlassPerceptron, Perceptron, cover_count, margin, mistake_bound, neuron, perceptron_loss, separable

few = settings(max_examples=40, deadline=None, derandomize=True)
grid = st.integers(-16, 16).map(lambda k: k / 8)                  # sums of these are exact, so that ties are real ties


@st.composite
def labelled(draw, numbers=grid, n=st.integers(2, 25), d=st.integers(1, 6)):
    n, d = draw(n), draw(d)
    return draw(arrays(float, (n, d), elements=numbers)), draw(arrays(int, n, elements=st.integers(0, 1)))


@st.composite
def separated(draw):
    "Points labelled by a random line, with those too near to it moved away"
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(2, 60)), draw(st.integers(1, 12))
    X, w, b = rng.normal(size=(n, d)), rng.normal(size=d), rng.normal()
    f = X @ w + b
    return X + .1 * np.sign(f)[:, None] * w / np.linalg.norm(w), (f > 0).astype(int)


@few
@given(separated(), st.none() | st.integers(0, 99))
def test_the_rule_ends_within_novikoffs_bound(data, shuffle):
    X, y = data
    p = Perceptron(X.shape[1], w=0).fit(X, y, passes=10**5, shuffle=shuffle)
    assert p.done and (p(X) == y).all()
    assert p.mistakes <= mistake_bound(X, y) * (1 + 1e-9)


@few
@given(separated(), st.integers(0, 99))
def test_a_random_start_costs_at_most_twice_its_length_over_the_margin(data, seed):
    X, y = data
    p = Perceptron(X.shape[1], seed=seed)
    a = np.linalg.norm(p.w)
    assert p.fit(X, y, passes=10**5).mistakes <= (mistake_bound(X, y) + 2*a / margin(X, y)) * (1 + 1e-9)


@few
@given(labelled() | labelled(numbers=st.floats(-5, 5)), st.integers(1, 12))
def test_same_weights_as_scikit_learn(data, passes):
    X, y = data
    assume(len(set(y)) == 2)
    p = Perceptron(X.shape[1], w=0, strict=True)
    for _ in range(passes):
        for x, t in zip(X, y): p.learn(x, t)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        t = Twin(shuffle=False, tol=None, max_iter=passes, eta0=1, fit_intercept=True).fit(X, y)
    np.testing.assert_allclose(p.w, np.r_[t.intercept_, t.coef_[0]], atol=1e-9)


@few
@given(labelled(n=st.integers(2, 9), d=st.integers(1, 3)))
def test_margin_and_linear_program_agree(data):
    X, y = data
    assert separable(X, y) == (margin(X, y) > 0) == np.isfinite(mistake_bound(X, y))


@few
@given(labelled(), st.integers(1, 8))
def test_two_classes_are_one_perceptron(data, passes):
    X, y = data
    m, p = MulticlassPerceptron(X.shape[1], 2).fit(X, y, passes=passes), Perceptron(X.shape[1], w=0).fit(X, y, passes=passes)
    assert m.mistakes == p.mistakes and (m(X) == p(X)).all()
    np.testing.assert_array_equal(m.W[1] - m.W[0], 2 * p.w)


@few
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 5))
def test_cover_counts_points_in_general_position(seed, n, d):
    X = np.random.default_rng(seed).normal(size=(n, d - 1)) if d > 1 else np.empty((n, 0))
    assert sum(separable(X, y) for y in product((0, 1), repeat=n)) == cover_count(n, d)


@few
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 8))
def test_the_rule_is_a_step_down_the_loss(seed, n, d):
    rng = np.random.default_rng(seed)
    X, y, p = rng.normal(size=(n, d)), rng.integers(0, 2, n), Perceptron(d, seed=seed)
    Z, t = torch.tensor(np.c_[np.ones(n), X]), torch.tensor(y)
    for i in range(n):
        w = torch.tensor(p.w, requires_grad=True)
        perceptron_loss(Z[i:i+1] @ w, t[i:i+1]).backward()
        p.learn(X[i], y[i])
        np.testing.assert_allclose(p.w, (w - w.grad).detach().numpy(), atol=1e-12)


@few
@given(st.lists(st.integers(0, 1), min_size=1, max_size=8), st.integers(-1, 9), st.lists(st.integers(0, 1), max_size=3))
def test_neuron(x, threshold, veto):
    assert neuron(x, threshold, veto=veto) == int(sum(x) >= threshold and not any(veto))


@pytest.mark.parametrize('call, said', [
    (lambda: Perceptron(2)([[1, 2, 3]]), '2 inputs to a sample expected, got X of shape (1, 3)'),
    (lambda: Perceptron(2)(1.), '2 inputs to a sample expected'),
    (lambda: Perceptron(2, w=[0, 1]), '2 inputs need 3 weights, the bias first; got (2,)'),
    (lambda: Perceptron(1).fit([[0], [1]], [1, 2]), 'labels are 0 … 1, got 2'),
    (lambda: Perceptron(1).fit([[0], [1]], [1]), 'got (2, 1) and (1,)'),
    (lambda: Perceptron(1).fit(np.empty((0, 1)), []), '0 samples'),
    (lambda: Perceptron(1).fit([[0], [float('inf')]], [0, 1]), 'NaN or infinity'),
    (lambda: Perceptron(1).fit([[0], [1]], [0, float('nan')]), 'labels are 0 … 1, got nan'),
    (lambda: Perceptron(1).averaged(), 'call fit first'),
    (lambda: MulticlassPerceptron(1, 3).fit([[0], [1]], [0, 3]), 'labels are 0 … 2, got 3'),
    (lambda: separable([1, 2], [0, 1]), 'X [n, d] and y [n] expected, got (2,) and (2,)'),
    (lambda: margin(3, 1), 'X [n, d] and y [n] expected, got () and ()'),
    (lambda: margin([[1], [2]], ['a', 'b']), 'labels are 0 … 1'),
    (lambda: cover_count(3, 0), 'at least 1'),
    (lambda: neuron([.5], 1), 'inputs are 0 or 1, got 0.5'),
    (lambda: perceptron_loss(torch.zeros(2), torch.zeros(3)), 'sums [2] and y [3]'),
    (lambda: Perceptron(1).fit([[0], [1]], [0, 1], passes=0), '0 passes'),
])
def test_errors_say_what_was_expected_and_what_came(call, said):
    with pytest.raises(ValueError) as e: call()
    assert said in str(e.value)
