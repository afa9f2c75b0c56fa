"""Properties of the perceptron that hold for any data, on data that hypothesis chooses."""
import copy, pickle, warnings
from itertools import product
import numpy as np, pytest, torch
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import Perceptron as Twin
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from walkdl.perceptron import MulticlassPerceptron, Perceptron, cover_count, margin
from walkdl.perceptron import mistake_bound, neuron, perceptron_loss, separable

few = settings(max_examples=40, deadline=None, derandomize=True)
grid = st.integers(-16, 16).map(lambda k: k / 8)    # exact sums, so that ties are real ties


@st.composite
def labelled(draw, numbers=grid, n=st.integers(2, 25), d=st.integers(1, 6)):
    n, d = draw(n), draw(d)
    X = draw(arrays(float, (n, d), elements=numbers))
    return X, draw(arrays(int, n, elements=st.integers(0, 1)))


@st.composite
def separated(draw):
    "Points labelled by a random line, with those too near to it moved away"
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(2, 60)), draw(st.integers(1, 12))
    X, w, b = rng.normal(size=(n, d)), rng.normal(size=d), rng.normal()
    f = X @ w + b
    return X + .1 * np.sign(f)[:, None] * w / np.linalg.norm(w), (f > 0).astype(int)


@few
@given(separated(), st.booleans(), st.integers(0, 99))
def test_the_rule_ends_within_novikoffs_bound(data, shuffle, seed):
    X, y = data
    p = Perceptron(passes=10**5, shuffle=shuffle, generator=seed).fit(X, y)
    assert p.done_ and (p.predict(X) == y).all()
    assert p.mistakes_ <= mistake_bound(X, y) * (1 + 1e-9)


@few
@given(separated(), st.integers(0, 99))
def test_a_random_start_costs_at_most_twice_its_length_over_the_margin(data, seed):
    X, y = data
    p = Perceptron(start='random', passes=10**5, generator=seed)
    a = np.linalg.norm(p.begin(X.shape[1]).w_)
    assert p.fit(X, y).mistakes_ <= (mistake_bound(X, y) + 2*a / margin(X, y)) * (1 + 1e-9)


@few
@given(labelled() | labelled(numbers=st.floats(-5, 5)), st.integers(1, 12))
def test_same_weights_as_scikit_learn(data, passes):
    X, y = data
    assume(len(set(y)) == 2)
    p = Perceptron(strict=True)
    for _ in range(passes):
        for x, t in zip(X, y): p.learn(x, t)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        t = Twin(shuffle=False, tol=None, max_iter=passes, eta0=1, fit_intercept=True).fit(X, y)
    np.testing.assert_allclose(p.w_, np.r_[t.intercept_, t.coef_[0]], atol=1e-9)


@few
@given(labelled(n=st.integers(2, 9), d=st.integers(1, 3)))
def test_margin_and_linear_program_agree(data):
    X, y = data
    assert separable(X, y) == (margin(X, y) > 0) == np.isfinite(mistake_bound(X, y))


@few
@given(labelled(), st.integers(1, 8))
def test_two_classes_are_one_perceptron(data, passes):
    X, y = data
    assume(len(set(y)) == 2)
    m, p = MulticlassPerceptron(passes).fit(X, y), Perceptron(passes=passes).fit(X, y)
    assert m.mistakes_ == p.mistakes_ and (m.predict(X) == p.predict(X)).all()
    np.testing.assert_array_equal(m.W_[1] - m.W_[0], 2 * p.w_)
    np.testing.assert_array_equal(m.decision_function(X) > 0, p.decision_function(X) > 0)


@few
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 5))
def test_cover_counts_points_in_general_position(seed, n, d):
    X = np.random.default_rng(seed).normal(size=(n, d - 1)) if d > 1 else np.empty((n, 0))
    assert sum(separable(X, y) for y in product((0, 1), repeat=n)) == cover_count(n, d)


@few
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 8))
def test_the_rule_is_a_step_down_the_loss(seed, n, d):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, d)), rng.integers(0, 2, n)
    p = Perceptron(start='random', generator=seed).begin(d)
    Z, t = torch.tensor(np.c_[np.ones(n), X]), torch.tensor(y)
    for i in range(n):
        w = torch.tensor(p.w_, requires_grad=True)
        perceptron_loss(Z[i:i+1] @ w, t[i:i+1]).backward()
        p.learn(X[i], y[i])
        np.testing.assert_allclose(p.w_, (w - w.grad).detach().numpy(), atol=1e-12)


@few
@given(st.lists(st.integers(0, 1), min_size=1, max_size=8), st.integers(-1, 9),
       st.lists(st.integers(0, 1), max_size=3))
def test_neuron(x, threshold, veto):
    assert neuron(x, threshold, veto=veto) == int(sum(x) >= threshold and not any(veto))


X1 = [[0.], [1.]]


@pytest.mark.parametrize('call, said', [
    (lambda: Perceptron().fit(X1, [0, 1]).predict([[1, 2, 3]]), 'expecting 1'),
    (lambda: Perceptron().fit(X1, [0, 1]).predict([1.]), 'Expected 2D array'),
    (lambda: Perceptron(start=[0, 1]).fit(np.eye(2), [0, 1]), 'or 3 weights for 2 inputs'),
    (lambda: Perceptron(start=float('nan')).fit(X1, [0, 1]), 'got nan'),
    (lambda: Perceptron(start='zero').fit(X1, [0, 1]), "got 'zero'"),
    (lambda: Perceptron().fit([[0], [1], [2]], [1, 2, 3]), 'with 3 classes'),
    (lambda: Perceptron().fit(X1, [.5, .7]), 'Unknown label type'),
    (lambda: Perceptron().fit(X1, [1]), 'inconsistent numbers of samples'),
    (lambda: Perceptron().fit(np.empty((0, 1)), []), '0 sample'),
    (lambda: Perceptron().fit([[0], [float('inf')]], [0, 1]), 'infinity'),
    (lambda: Perceptron().fit(X1, [0, float('nan')]), 'NaN'),
    (lambda: Perceptron(passes=0).fit(X1, [0, 1]), 'one pass is the least, got 0'),
    (lambda: Perceptron().learn([1.], 2), 'a target is 0 or 1, got 2'),
    (lambda: Perceptron().learn([1.], float('nan')), 'a target is 0 or 1, got nan'),
    (lambda: Perceptron().learn(np.array([float('nan')]), 1), 'NaN or infinity'),
    (lambda: MulticlassPerceptron().fit(X1, [.5, .7]), 'Unknown label type'),
    (lambda: MulticlassPerceptron(passes=0).fit(X1, [0, 1]), 'one pass is the least'),
    (lambda: separable([1, 2], [0, 1]), 'Expected 2D array'),
    (lambda: margin([[1], [2]], [3, 4]), 'labels are 0 or 1, got [3 4]'),
    (lambda: margin([[1], [float('nan')]], [0, 1]), 'NaN'),
    (lambda: cover_count(3, 0), 'at least 1'),
    (lambda: neuron([.5], 1), 'inputs are 0 or 1, got 0.5'),
    (lambda: neuron([1], float('nan')), 'threshold is NaN'),
    (lambda: perceptron_loss(torch.zeros(2), torch.zeros(3)), 'sums [2] and y [3]'),
    (lambda: perceptron_loss(torch.zeros(2), torch.tensor([0, 2])), 'targets are 0 or 1'),
])
def test_errors_say_what_was_expected_and_what_came(call, said):
    with pytest.raises(ValueError) as e: call()
    assert said in str(e.value)


@pytest.mark.parametrize('model', [
    Perceptron(average=True, shuffle=True, start='random', generator=0), MulticlassPerceptron()])
def test_estimators_are_scikit_learns(model):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        check_estimator(model)


def test_a_pipeline_a_search_a_copy_and_a_file():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = np.where(X @ [1, -2, 0, .5] + rng.normal(size=200) > 0, 'yes', 'no')
    pipe = make_pipeline(StandardScaler(), Perceptron(passes=5))
    options = {'perceptron__average': [False, True], 'perceptron__passes': [1, 5]}
    search = GridSearchCV(pipe, options).fit(X, y)
    assert search.best_score_ > .75 and set(search.predict(X)) == {'yes', 'no'}
    best = search.best_estimator_[-1]
    for twin in (copy.deepcopy(best), pickle.loads(pickle.dumps(best))):
        np.testing.assert_array_equal(twin.w_, best.w_)


def test_the_mean_is_that_of_all_weights_on_the_way():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    p, path = Perceptron(), []
    for _ in range(4):
        for x, t in zip(X, y):
            p.learn(x, t)
            path.append(p.w_.copy())
    q = Perceptron(passes=4, average=True).fit(X, y)
    np.testing.assert_allclose(q.w_, np.mean(path, 0), atol=1e-12)
    np.testing.assert_array_equal(q.last_w_, p.w_)


@pytest.mark.parametrize('X, want', [([[100000.], [101000.]], 1000 / np.hypot(2, 201000)),
                                     ([[1e6], [1e6 + 1]], 1 / np.hypot(2, 2e6 + 1)),
                                     ([[1e-6], [-1e-6]], 1e-6)])
def test_margin_of_points_far_away_or_close(X, want):
    assert margin(X, [0, 1]) == pytest.approx(want, rel=1e-6)
    assert margin(X + X, [0, 1, 1, 0]) == 0


@pytest.mark.parametrize('dtype', [torch.uint8, torch.bool, torch.int64, torch.float32])
def test_the_loss_takes_any_kind_of_labels(dtype):
    assert perceptron_loss(torch.tensor([2., -3.]), torch.tensor([1, 0]).to(dtype)) == 0
    assert perceptron_loss(torch.tensor([2., -3.]), torch.tensor([0, 1]).to(dtype)) == 5
    assert perceptron_loss([2., -3.], [0, 1]) == 5


@pytest.mark.parametrize('dtype', [np.uint8, bool, np.int8, float])
def test_learn_takes_any_kind_of_labels(dtype):
    p = Perceptron(start=1.)
    assert p.learn(np.array([1.]), dtype(0)) and p.w_.tolist() == [0, 0]
    assert p.learn(np.array([1.]), dtype(1)) and p.w_.tolist() == [1, 1]


def test_random_numbers_of_its_own():
    np.random.seed(1), torch.manual_seed(1)
    want = np.random.rand(), torch.rand(()).item()
    np.random.seed(1), torch.manual_seed(1)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    fits = [Perceptron(start='random', shuffle=True, passes=3, generator=g).fit(X, y).w_
            for g in (5, torch.Generator().manual_seed(5))]
    assert (np.random.rand(), torch.rand(()).item()) == want
    np.testing.assert_array_equal(*fits)
