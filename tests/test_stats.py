"Intervals, differences and ROC curves are those of scipy and scikit-learn"
import numpy as np, pytest, torch
from hypothesis import given, settings, strategies as st
from scipy.stats import beta, binomtest, bootstrap, ttest_ind, ttest_rel
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_curve
from walkdl.stats import (auc, bootstrap_interval, compare_seeds, difference_interval,
                          proportion_interval, roc_curve)

quick = settings(max_examples=30, deadline=None)
counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from((.68, .9, .95, .99, .999))
values = st.lists(st.integers(-100, 100), min_size=2, max_size=12)


@quick
@given(counts, levels, st.sampled_from(('wilson', 'exact')))
def test_share_is_scipys(c, confidence, method):
    theirs = binomtest(*c).proportion_ci(confidence, method)
    assert proportion_interval(*c, confidence, method) == pytest.approx((theirs.low, theirs.high))
    assert theirs.low - 1e-9 <= c[0]/c[1] <= theirs.high + 1e-9


@quick
@given(counts, levels)
def test_lower_bound_is_clopper_and_pearsons(c, confidence):
    k, n = c
    low, high = proportion_interval(k, n, confidence, 'exact', side='lower')
    assert high == 1
    assert low == pytest.approx(beta.ppf(1 - confidence, k, n - k + 1) if k else 0, abs=1e-9)


def test_wilson_solves_its_quadratic():
    p = np.array(proportion_interval(7, 60))
    assert abs(7/60 - p) == pytest.approx(1.959964*np.sqrt(p*(1 - p)/60), rel=1e-5)


@pytest.mark.parametrize('kind', (list, np.array, torch.tensor))
def test_arrays_of_counts(kind):
    k = [[0, 3], [5, 10]]
    low, high = proportion_interval(kind(k), 10)
    assert low.shape == high.shape == (2, 2)
    for i, j in np.ndindex(2, 2):
        assert (low[i, j], high[i, j]) == proportion_interval(k[i][j], 10)
    low, _ = proportion_interval(kind([1, 2]), kind([5, 6]))
    assert low[1] == proportion_interval(2, 6)[0]
    assert proportion_interval(kind([]), 10)[0].shape == (0,)


@pytest.mark.parametrize('call, said', (
    (lambda: proportion_interval(0, 0), 'n ≥ 1'), (lambda: proportion_interval(4, 3), '0 ≤ k ≤ n'),
    (lambda: proportion_interval(-1, 3), '0 ≤ k ≤ n'),
    (lambda: proportion_interval(float('nan'), 3), 'whole numbers'),
    (lambda: proportion_interval(float('inf'), 3), '0 ≤ k ≤ n'),
    (lambda: proportion_interval(.5, 3), r'round\(p\*n\)'),
    (lambda: proportion_interval(1, 3, confidence=.5), 'between 0.5 and 1'),
    (lambda: proportion_interval(1, 3, confidence=95), 'between 0.5 and 1'),
    (lambda: proportion_interval(1, 3, confidence=float('nan')), 'between 0.5 and 1'),
    (lambda: proportion_interval(1, 3, method='wald'), "'wilson' or 'exact'"),
    (lambda: proportion_interval(1, 3, side='upper'), "'two' or 'lower'"),
    (lambda: difference_interval([1], [1, 2]), 'at least two'),
    (lambda: difference_interval([1, float('nan')], [1, 2]), 'finite'),
    (lambda: difference_interval([1, 2, 3], [1, 2], paired=True), 'one length'),
    (lambda: difference_interval((1, 2), [1, 2]), 'two tuples'),
    (lambda: difference_interval((1, 2), (1, 2), paired=True), 'unpaired counts'),
    (lambda: difference_interval((3, 2), (1, 2)), '0 ≤ k ≤ n'),
    (lambda: bootstrap_interval([1.]), 'at least two'),
    (lambda: bootstrap_interval([1., float('inf')]), 'finite'),
    (lambda: bootstrap_interval(([1, 2], [1, 2, 3]), paired=True), 'one length'),
    (lambda: compare_seeds({}), 'name'), (lambda: compare_seeds({'a': [1.]}), 'compare_seeds: a'),
    (lambda: auc([1, 1], [0, 1]), 'at least once'), (lambda: auc([0, 2], [0, 1]), 'at least once'),
    (lambda: auc([], []), 'at least once'), (lambda: auc([0, 1], [0, 1, 2]), 'one length'),
    (lambda: auc([0, 1], [0, float('nan')]), 'finite'),
    (lambda: roc_curve([0, 0], [0, 1]), 'at least once')))
def test_refused_with_a_sentence(call, said):
    with pytest.raises(ValueError, match=said): call()


@quick
@given(values, values, levels)
def test_difference_of_means_is_scipys(a, b, confidence):
    got = difference_interval(a, b, confidence=confidence)
    if len(set(a)) == len(set(b)) == 1: assert got == (a[0] - b[0],)*2
    else:
        theirs = ttest_ind(a, b, equal_var=False).confidence_interval(confidence)
        assert got == pytest.approx(tuple(theirs))


@quick
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=12))
def test_paired_difference_is_scipys(pairs):
    a, b = np.array(pairs, float).T
    got = difference_interval(a, b, paired=True)
    if np.ptp(a - b) == 0: assert got == (a[0] - b[0],)*2
    else: assert got == pytest.approx(tuple(ttest_rel(a, b).confidence_interval()))


@quick
@given(counts, counts)
def test_newcombe_is_the_root_of_the_squared_arms(a, b):
    (l1, u1), (l2, u2) = proportion_interval(*a), proportion_interval(*b)
    p, q = a[0]/a[1], b[0]/b[1]
    low, high = difference_interval(a, b)
    assert (p - q - low)**2 == pytest.approx((p - l1)**2 + (u2 - q)**2, abs=1e-9)
    assert (high - p + q)**2 == pytest.approx((u1 - p)**2 + (q - l2)**2, abs=1e-9)
    assert difference_interval(b, a) == pytest.approx((-high, -low))
    assert -1 <= low <= p - q <= high <= 1


def test_newcombe_by_hand():
    "56 of 70 against 48 of 80, with the two Wilson intervals worked out from the quadratic"
    def wilson(k, n, z=1.959964):
        middle, half = (k + z*z/2)/(n + z*z), z*np.sqrt(k*(n - k)/n + z*z/4)/(n + z*z)
        return middle - half, middle + half
    (l1, u1), (l2, u2) = wilson(56, 70), wilson(48, 80)
    want = .2 - np.hypot(.8 - l1, u2 - .6), .2 + np.hypot(u1 - .8, .6 - l2)
    assert difference_interval((56, 70), (48, 80)) == pytest.approx(want, abs=1e-6)
    assert want == pytest.approx((.0524, .3339), abs=1e-4)


def test_seeds_side_by_side():
    t = compare_seeds({'a': [1, 2, 3], 'b': torch.tensor([4., 8.])})
    assert t.loc['a'].tolist() == [3, 2, 1, 1, 3] and t.loc['b', 'std'] == pytest.approx(8**.5)
    assert t['count'].tolist() == [3, 2]


@quick
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40))
def test_roc_is_sklearns_and_the_share_of_pairs(rows):
    y, s = np.array(rows).T
    if len(set(y)) < 2: return
    for ours, theirs in zip(roc_curve(y, s), sklearn_curve(y, s)):
        assert np.array_equal(ours, theirs)
    gap = s[y == 1][:, None] - s[y == 0]
    assert auc(y, s) == pytest.approx(((gap > 0) + .5*(gap == 0)).mean())
    assert auc(torch.tensor(y), torch.tensor(s)) == pytest.approx(roc_auc_score(y, s))
    assert auc(y == 1, -s) == pytest.approx(1 - auc(y, s))


def test_bootstrap_is_scipys_and_leaves_the_callers_chance_alone():
    x = np.random.default_rng(0).normal(size=30)
    state = np.random.get_state()[1].copy(), torch.get_rng_state()
    got = bootstrap_interval(x, np.median, generator=0)
    assert np.array_equal(np.random.get_state()[1], state[0])
    assert torch.equal(torch.get_rng_state(), state[1])
    assert got == bootstrap_interval(x, np.median, generator=torch.Generator().manual_seed(0))
    assert got != bootstrap_interval(x, np.median, generator=1)
    theirs = bootstrap((x,), np.median, method='percentile', rng=1, n_resamples=4000)
    assert got == pytest.approx(tuple(theirs.confidence_interval), abs=.1)
    assert bootstrap_interval(x, np.median, confidence=.5001, generator=0)[0] > got[0]


def test_bootstrap_draws_pairs_together():
    y, s = [0, 0, 0, 0, 1, 1, 1, 1]*8, list(range(8))*8
    assert bootstrap_interval((y, s), auc, resamples=50, paired=True, generator=0) == (1, 1)


@pytest.mark.parametrize('call, words', [
    (lambda: compare_seeds([1, 2]), 'name: values. expected, got .1, 2.'),
    (lambda: bootstrap_interval([1, 2, 3], resamples=0), 'resamples is one whole number from 1 up'),
    (lambda: bootstrap_interval([1, 2, 3], resamples=9.5), 'resamples is one whole number')])
def test_what_cannot_be_drawn_is_told(call, words):
    with pytest.raises(ValueError, match=words): call()
