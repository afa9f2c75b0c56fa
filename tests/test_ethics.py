"""Properties of the fairness metrics, the repairs and the bias measures that hold for any data."""
import warnings
import numpy as np, pytest, torch
from hypothesis import assume, given, settings, strategies as st
from walkdl.bias import equalize, gender_direction, neutralize, predictive_policing, weat
from walkdl.ethics import (calibration_by_group, consistency, demographic_parity_difference,
                           demographic_parity_ratio, equal_opportunity_difference,
                           equalized_odds_difference, equalized_odds_ratio, gender_shades,
                           group_counts, group_rates, implied_fpr)
from walkdl.mitigation import (AuditLog, FairNet, fit_fairnet, model_card, parity_costs, parity_fit,
                               parity_thresholds, reject_option, remove_correlation,
                               reverse_gradient, reweigh, watchlist)

few = settings(max_examples=60, deadline=None, derandomize=True)
METRICS = [demographic_parity_difference, demographic_parity_ratio, equal_opportunity_difference,
           equalized_odds_difference, equalized_odds_ratio]


def metric(f, y, p, g, **more): return f(y, p, sensitive_features=g, **more)


seeds = st.integers(0, 2**32 - 1)


def people(seed, n=None, groups=None):
    "Outcomes, decisions and groups of random people, in which each group has both outcomes"
    rng = np.random.default_rng(seed)
    n, k = n or rng.integers(20, 200), groups or rng.integers(2, 6)
    g = np.r_[np.repeat(np.arange(k), 2), rng.integers(0, k, n)]
    y = np.r_[np.tile([0, 1], k), (rng.random(n) < rng.random()).astype(int)]
    return y, (rng.random(len(y)) < rng.random()).astype(int), np.array(list('abcdef'))[g]


@few
@given(seeds)
def test_counts_are_those_of_three_loops(seed):
    y, p, g = people(seed)
    names, c = group_counts(y, p, g)
    assert c.sum() == len(y)
    for i, name in enumerate(names):
        for t in (0, 1):
            for d in (0, 1): assert c[i, t, d] == sum((g == name) & (y == t) & (p == d))


@few
@given(seeds)
def test_metrics_do_not_depend_on_order_or_names(seed):
    y, p, g = people(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    renamed = np.array([{'a': 'z', 'b': 'y'}.get(o, o) for o in g])
    for f in METRICS:
        assert metric(f, y, p, g) == pytest.approx(metric(f, y[order], p[order], renamed[order]),
                                                   nan_ok=True)


@few
@given(seeds)
def test_bounds_of_the_metrics(seed):
    y, p, g = people(seed)
    dp, dr, eo, od, rr = (metric(f, y, p, g) for f in METRICS)
    assert 0 <= eo <= od <= 1 and 0 <= dp <= 1
    assert np.isnan(dr) or (0 <= dr <= 1 and (dr == pytest.approx(1)) == (dp < 1e-12))
    assert np.isnan(rr) or 0 <= rr <= 1
    assert metric(demographic_parity_difference, 1 - y, p, g) == dp            # y is not looked at
    assert metric(equalized_odds_difference, y, y, g) == 0                     # perfect decisions


def fairlearns(f, y, p, g, **more):
    fl = pytest.importorskip('fairlearn.metrics')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return getattr(fl, f.__name__)(y, p, sensitive_features=g, **more)


@few
@given(seeds)
def test_same_as_fairlearn(seed):
    y, p, g = people(seed)
    w = np.random.default_rng(seed).uniform(.1, 3, len(y))
    for f in METRICS:
        assert metric(f, y, p, g) == pytest.approx(fairlearns(f, y, p, g), nan_ok=True, abs=1e-12)
        assert metric(f, y, p, g, sample_weight=w) == pytest.approx(
            fairlearns(f, y, p, g, sample_weight=w), nan_ok=True, abs=1e-12)


@few
@given(seeds)
def test_rates_are_fairlearns_group_by_group(seed):
    fl = pytest.importorskip('fairlearn.metrics')
    y, p, g = people(seed)
    y[g == 'a'] = 1 # a group of one class: its false positive rate is undefined
    ours = group_rates(y, p, g)
    for name, f in (('selection_rate', fl.selection_rate), ('tpr', fl.true_positive_rate),
                    ('fpr', fl.false_positive_rate), ('fnr', fl.false_negative_rate)):
        theirs = fl.MetricFrame(metrics=f, y_true=y, y_pred=p, sensitive_features=g).by_group
        defined = ours[name].notna()
        assert not defined['a'] if name == 'fpr' else defined.all()
        np.testing.assert_allclose(ours[name][defined], theirs[defined].astype(float), atol=1e-12)


def test_an_undefined_rate_is_nan_with_a_sentence():
    y, p, g = [0, 0, 1, 0], [1, 0, 1, 0], list('aabb')
    with pytest.warns(UserWarning, match='tpr is undefined for a: nobody there could count'):
        assert np.isnan(metric(equal_opportunity_difference, y, p, g))
    assert metric(demographic_parity_difference, y, p, g) == 0


def test_one_group_has_no_gap():
    y, p = [0, 1, 0, 1], [1, 1, 0, 0]
    for f in METRICS: assert metric(f, y, p, ['a']*4) == pytest.approx(fairlearns(f, y, p, ['a']*4))


@pytest.mark.parametrize('g', [['a', 'a', 'b', 'b', None], ['a', 'a', 'b', 'b', float('nan')],
                               np.array(['a', 'a', 'b', 'b', None], object),
                               [1., 1., 2., 2., float('nan')]])
def test_people_without_a_group_are_not_dropped_in_silence(g):
    for use in (lambda: group_counts([0, 1]*2 + [1], [0]*5, g),
                lambda: metric(demographic_parity_difference, [0, 1]*2 + [1], [0]*5, g)):
        with pytest.raises(ValueError, match='1 of 5 people have no group'): use()
    with pytest.raises(ValueError, match='1 people lack a group'):
        calibration_by_group([0, 1]*2 + [1], [1, 2, 3, 4, 5], g)


def test_a_missing_outcome_and_bad_weights():
    with pytest.raises(ValueError, match='y is 0 or 1, got nan'):
        group_counts([0, float('nan')], [0, 1], list('ab'))
    with pytest.raises(ValueError, match='lack a group, a score or an outcome'):
        calibration_by_group([0, float('nan')], [1, 2], list('ab'))
    for w in ([1], [1, -1], [1, float('nan')]):
        with pytest.raises(ValueError, match='sample_weight: 2 finite numbers'):
            group_counts([0, 1], [0, 1], list('ab'), w)


@few
@given(seeds)
def test_the_impossibility_holds_in_every_table(seed):
    r = group_rates(*people(seed))
    r = r[(r.ppv > 0) & r.base_rate.between(.001, .999)]
    assume(len(r))
    np.testing.assert_allclose(implied_fpr(r.base_rate, r.ppv, r.fnr), r.fpr, atol=1e-12)


def test_gender_shades_is_whole():
    t = gender_shades()
    assert t.shape == (3, 9) and (t.DF == t[['DF', 'DM', 'LF', 'LM']].max(axis=1)).all()


def test_errors_are_sentences():
    for bad, words in ((([0, 1], [0, 2], ['a', 'b']), 'p is 0 or 1, got 2'),
                       (([0, 1], [0, 1], ['a']), 'expected, got'),
                       (([[0, 1]], [[0, 1]], [['a', 'b']]), 'y, p and group')):
        with pytest.raises(ValueError, match=words): group_rates(*bad)
    with pytest.raises(ValueError, match='implied_fpr'): implied_fpr(0, .5, .5)
    with pytest.raises(ValueError, match='implied_fpr'): implied_fpr(.5, .5, 2)
    with pytest.raises(ValueError, match='consistency'): consistency(np.zeros((3, 1)), [0, 1, 0])
    with pytest.raises(ValueError, match='reweigh'): reweigh([0, 1], [0, 2])
    with pytest.raises(ValueError, match='both groups'): parity_costs([0, 1], [1, 1], .1)
    for price in (float('nan'), float('inf'), None):
        with pytest.raises(ValueError, match='price is a finite number'):
            parity_costs([0, 1], [0, 1], price)
    with pytest.raises(ValueError, match='strength'):
        FairNet(2, strength=float('nan'))(torch.zeros(1, 2))
    with pytest.raises(ValueError, match='epochs'):
        fit_fairnet(FairNet(2), np.zeros((2, 2)), [0, 1], [0, 1], True)
    with pytest.raises(ValueError, match="predictive_policing"): predictive_policing(rule='luck')
    with pytest.raises(ValueError, match='gender_direction'): gender_direction(np.zeros((2, 3)))


def test_calibration_counts_everybody():
    y, p, g = people(3)
    t = calibration_by_group(y, p * 3, g)
    assert t.n.sum() == len(y) and (t.low <= t.rate).all() and (t.rate <= t.high).all()
    assert (t.n * t.rate).sum() == pytest.approx(y.sum())


def test_consistency_of_constant_decisions_is_one():
    X = np.random.default_rng(0).normal(size=(50, 3))
    assert consistency(X, np.ones(50)) == 1
    assert consistency(X, np.arange(50) % 2) < .8


@few
@given(seeds)
def test_reweighing_makes_label_and_group_independent(seed):
    y, s, g = people(seed, groups=2)
    s = (g == 'a').astype(int)
    w = reweigh(y, s)
    assert w.mean() == pytest.approx(1) and (w > 0).all()
    assert np.average(y[s == 1], weights=w[s == 1]) == pytest.approx(
        np.average(y[s == 0], weights=w[s == 0]))
    assert w[y == 1].sum() == pytest.approx((y == 1).sum())


@few
@given(seeds)
def test_nothing_linear_is_left_after_removal(seed):
    rng = np.random.default_rng(seed)
    s = rng.integers(0, 2, 60); s[:2] = 0, 1
    X = rng.normal(size=(60, 4)) + s[:, None] * rng.normal(size=4)
    Z = remove_correlation(X, s)
    np.testing.assert_allclose((s - s.mean()) @ Z, 0, atol=1e-9)
    np.testing.assert_allclose(Z.mean(0), X.mean(0), atol=1e-9)


def test_price_buys_parity():
    from sklearn.linear_model import LogisticRegression
    rng = np.random.default_rng(0)
    s = rng.integers(0, 2, 3000)
    X = np.c_[rng.normal(size=3000) + s, rng.normal(size=3000)]
    y = (X.sum(1) + rng.normal(size=3000) > .5).astype(int)
    fit = lambda X, y, w: LogisticRegression().fit(X, y, sample_weight=w)
    gaps = [metric(demographic_parity_difference, y, parity_fit(fit, X, y, s, p).predict(X), s)
            for p in (0, .1, .2)]
    assert gaps[0] > gaps[1] > gaps[2]
    prob = fit(X, y, None).predict_proba(X)[:, 1]
    t = parity_thresholds(prob, s)
    assert metric(demographic_parity_difference, y, (prob >= t[s]).astype(int), s) < .005


def test_gradient_is_turned_around():
    x = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.equal(reverse_gradient(x, 2.), x)
    (reverse_gradient(x, 2.) * torch.arange(4)).sum().backward()
    assert torch.equal(x.grad, -2. * torch.arange(4))


def test_deferred_cases_are_the_nearest():
    p = np.random.default_rng(0).random(101)
    d = reject_option(p, .3)
    assert d.sum() == 30 and abs(p[d] - .5).max() <= abs(p[~d] - .5).min()
    assert not reject_option(p, 0).any() and reject_option(p, 1).all()
    for bad in ((p, -.5), (p, 2), ([.5, float('nan')], .5), ([2.], .5)):
        with pytest.raises(ValueError, match='reject_option'): reject_option(*bad)


def sealed(n=8):
    log = AuditLog()
    for i in range(n): log.add(row=i, answer=i % 2)
    return log


@pytest.mark.parametrize('spoil', [lambda e: e[3]['record'].update(answer=9), lambda e: e.pop(2),
                                   lambda e: e.insert(1, dict(e[1])),
                                   lambda e: e[4].update(seal='0' * 64)])
def test_any_careless_change_breaks_the_log(spoil):
    log = sealed()
    assert log.broken() is None
    spoil(log.entries)
    assert log.broken() is not None


def cut(log): del log.entries[5:]


def reseal(log):
    log.entries[3]['record']['answer'] = 9
    records = [e['record'] for e in log.entries]
    log.entries = []
    for r in records: log.add(**r)


@pytest.mark.parametrize('cheat', [cut, reseal, lambda log: log.entries.clear(),
                                   lambda log: log.add(row=9, answer=1)])
def test_a_careful_cheat_is_found_by_the_published_head(cheat):
    log = sealed()
    head = log.head
    assert log.broken(head) is None
    cheat(log)
    assert log.broken() is None and log.broken(head) is not None


@pytest.mark.parametrize('kind', [bool, float, int, np.int8, object])
def test_reweighing_takes_any_kind_of_0_and_1(kind):
    y, s = np.array([1, 0, 0, 1, 0, 0]), np.array([1, 1, 0, 0, 0, 0])
    np.testing.assert_allclose(reweigh(y.astype(kind), s.astype(kind)), reweigh(y, s))
    np.testing.assert_allclose(reweigh(y.tolist(), s.tolist()), reweigh(y, s))


def test_groups_that_are_missing_are_named():
    with pytest.raises(ValueError, match='both groups'):
        remove_correlation(np.ones((3, 2)), [1, 1, 1])
    with pytest.raises(ValueError, match='both groups'): parity_thresholds([.1, .9], [1, 1])
    with pytest.raises(ValueError, match='watchlist'): watchlist(10, 20)


def test_nobody_above_the_border_means_nobody_selected():
    with pytest.raises(ValueError, match='strength'): parity_thresholds([.1, .9], [0, 1], 2)
    score, s = np.array([.1, .2, .3, .4]), np.array([0, 0, 1, 1])
    assert not (score >= parity_thresholds(score, s)[s]).any()


def test_fairnet_takes_numpys_default_dtype_and_leaves_your_stream_alone():
    rng = np.random.default_rng(0)
    X, y, s = rng.normal(size=(64, 5)), rng.integers(0, 2, 64), rng.integers(0, 2, 64)
    for dtype in (torch.float32, torch.float64):
        net = FairNet(5).to(dtype)
        torch.manual_seed(1)
        fit_fairnet(net, X, y, s, epochs=1, generator=0)
        after = torch.rand(())
        torch.manual_seed(1)
        assert torch.equal(after, torch.rand(())) and next(net.parameters()).dtype == dtype


def test_card_and_camera():
    y, p, g = people(1, groups=3)
    card = model_card('m', y, p, g, use='u.', misuse='v.', data='d.')
    assert all(f'\n| {o} |' in card for o in 'abc') and 'nan' not in card
    assert watchlist(10**6, 0)[1] == 0 and watchlist(100, 100)[1] == 1


@few
@given(seeds)
def test_weat_turns_its_sign_with_its_sides(seed):
    rng = np.random.default_rng(seed)
    X, Y, A, B = (rng.normal(size=(4, 6)) for _ in range(4))
    (d, p), (e, q), (f, r) = weat(X, Y, A, B), weat(Y, X, A, B), weat(X, Y, B, A)
    assert d == pytest.approx(-e) and d == pytest.approx(-f) and abs(d) <= 2
    assert q == pytest.approx(r)
    assert p + q >= 1 - 1e-9 and 1/70 <= p <= 1 # the real deal is one of 70
    assert weat(3 * X, Y, A, .1 * B) == pytest.approx((d, p))             # only directions count


def test_weat_finds_what_was_planted():
    rng, axis = np.random.default_rng(0), np.eye(20)[0]
    near = lambda s: rng.normal(size=(8, 20)) * .3 + s * axis
    d, p = weat(near(1), near(-1), near(1), near(-1))
    assert d > 1.5 and p < .001
    d, p = weat(*(rng.normal(size=(12, 20)) for _ in range(4)))
    assert abs(d) < 1.2 and p > 0


def test_weat_refuses_what_has_no_direction():
    V = np.random.default_rng(0).normal(size=(4, 6))
    for bad, words in ((np.zeros((4, 6)), 'a vector of zeros'),
                       (np.empty((0, 6)), 'a set of vectors'), (V[0], 'a set of vectors'),
                       (V * np.nan, 'or a nan')):
        for at in range(4):
            sets = [V, V[::-1], V, V]
            sets[at] = bad
            with pytest.raises(ValueError, match=words): weat(*sets)


def test_directions_of_any_length_and_single_vectors():
    rng = np.random.default_rng(0)
    V, g = rng.normal(size=(3, 5)), rng.normal(size=5)
    np.testing.assert_allclose(neutralize(V, 7*g), neutralize(V, g))
    assert neutralize(V[0], g).shape == (5,) and abs(neutralize(V[0], g) @ g) < 1e-12
    for f in (lambda: neutralize(V, 0*g), lambda: equalize(V[0], V[1], 0*g),
              lambda: gender_direction(np.ones((3, 2, 4)))):
        with pytest.raises(ValueError, match='direction'): f()
    assert np.linalg.norm(gender_direction(np.stack([V, -V], 1))) == pytest.approx(1)


def test_nothing_is_left_of_the_direction_itself():
    for v in ([0., 0.], [3., 0.], [float('nan'), 1.]):
        with pytest.raises(ValueError, match='nothing is left'): neutralize([v, [1., 1.]], [1., 0.])
    np.testing.assert_allclose(equalize([0, 1], [1, 0], [1, -1]), np.eye(2)[::-1])


def test_debiasing_leaves_no_part_along_the_direction():
    rng = np.random.default_rng(0)
    V, g = rng.normal(size=(30, 10)), rng.normal(size=10)
    g /= np.linalg.norm(g)
    W = neutralize(V, g)
    np.testing.assert_allclose(W @ g, 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 1)
    a, b = equalize(V[0] / np.linalg.norm(V[0]), V[1] / np.linalg.norm(V[1]), g)
    np.testing.assert_allclose(W @ a, W @ b, atol=1e-12)
    planted = rng.normal(size=(12, 1, 10)) + np.stack([g, -g])[None] * 2
    assert abs(gender_direction(planted) @ g) > .95


def test_predictive_policing():
    for start in ((0, 0), (-1, 2), (float('nan'), 1)):
        with pytest.raises(ValueError, match='not both 0'): predictive_policing(start=start)
    a, b = predictive_policing(generator=1), predictive_policing(generator=1)
    assert (a == b).all() and ((0 < a) & (a < 1)).all()
    assert predictive_policing(rule="hot spot", days=3000, generator=0)[-1] > .9
    fair = np.mean([predictive_policing(days=2000, correct=True, start=(50, 50), generator=s)[-1]
                    for s in range(10)])
    assert abs(fair - .5) < .05


@pytest.mark.parametrize('call, words', [
    (lambda: weat(*np.ones((3, 3, 2)), np.ones((3, 3))), r'vectors of one length .*\[2, 2, 2, 3\]'),
    (lambda: weat(*np.eye(2)[None].repeat(4, 0), tries=0), 'tries is one whole number from 1 up'),
    (lambda: predictive_policing(days=-1), 'days is one whole number'),
    (lambda: predictive_policing(rates=(2, .3)), 'rate is a finite number from 0 to 1, got 2'),
    (lambda: predictive_policing(rates=(.3, float('nan'))), 'rate is a finite number from 0 to 1')])
def test_bad_numbers_of_bias_are_told(call, words):
    with pytest.raises(ValueError, match=words): call()
