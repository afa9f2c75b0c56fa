"""TF-IDF, naive Bayes and the lexicon as scikit-learn estimators; word vectors; reading."""
import pickle, random
from io import BytesIO
import joblib, numpy as np, pytest, torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from walkdl.nlp import (CBOW, Lexicon, NaiveBayes, SkipGram, TfIdf, WordVectors, huffman,
                        negative_gradients, tokenize, tree_gradients)
from walkdl.reading import (PLACES, MemoryNetwork, SpanScorer, exact_match, f1, make_stories,
                            normalize_answer, pack_stories, quiz)
from walkdl.vectors import agreement, cooccurrence, ppmi, presidents, svd_vectors, to_bytes

LETTERS = 'ab cé漢д 1_\'’\n\t.,İß😡'


def corpus(r):
    return [''.join(r.choice(LETTERS) for _ in range(r.randrange(50)))
            for _ in range(r.randrange(1, 14))]

def options(r):
    return dict(smooth_idf=r.random() < .5, sublinear_tf=r.random() < .5,
                norm=r.choice(['l1', 'l2', None]), use_idf=r.random() < .8,
                lowercase=r.random() < .8, ngram_range=r.choice([(1, 1), (1, 2), (2, 3), (3, 3)]),
                min_df=r.choice([1, np.int64(2), .3, np.float64(.2)]), max_df=r.choice([1., .9, 5]))


@pytest.mark.parametrize('seed', range(60))
def test_tfidf_is_sklearns(seed):
    r = random.Random(seed)
    docs, new, kw = corpus(r), corpus(r) + ['', 'zz'], options(r)
    try: theirs = TfidfVectorizer(**kw).fit(docs)
    except ValueError:
        with pytest.raises(ValueError, match='no term|min_df'): TfIdf(**kw).fit(docs)
        return
    ours = TfIdf(**kw).fit(docs)
    assert ours.vocabulary_ == theirs.vocabulary_
    if kw['use_idf']: np.testing.assert_allclose(ours.idf_, theirs.idf_, rtol=1e-12)
    for part in (docs, new):
        a, b = ours.transform(part), theirs.transform(part)
        assert a.shape == b.shape and a.format == 'csr' and abs(a - b).max() < 1e-12
    assert abs(TfIdf(**kw).fit_transform(iter(docs)) - theirs.transform(docs)).max() < 1e-12


@pytest.mark.parametrize('alpha', [.01, 1., 3])
def test_naive_bayes_is_sklearns(alpha):
    g = np.random.default_rng(0)
    X, y = g.poisson(.4, (60, 30)), g.choice(['a', 'b', 'c'], 60)
    ours, theirs = NaiveBayes(alpha).fit(X, y), MultinomialNB(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-10)
    assert (ours.predict(X) == theirs.predict(X)).all()


@pytest.mark.parametrize('call, said', [
    (lambda: TfIdf().fit('one text'), 'wrap it in a list'), (lambda: TfIdf().fit([1]), 'got int'),
    (lambda: TfIdf().fit(['', ' ']), 'no term'), (lambda: TfIdf().transform(['a']), 'call fit'),
    (lambda: TfIdf(ngram_range=(2, 1)).fit(['a']), 'ngram_range'),
    (lambda: TfIdf(norm='l3').fit(['a']), 'l3'), (lambda: TfIdf(min_df=-1).fit(['aa']), 'min_df'),
    (lambda: TfIdf(max_df=1.5).fit(['aa']), 'max_df'),
    (lambda: TfIdf(max_df=np.nan).fit(['aa']), 'max_df'),
    (lambda: NaiveBayes(0).fit([[1]], [0]), 'positive'),
    (lambda: NaiveBayes().fit([[1, 2]], [0, 1]), 'inconsistent numbers'),
    (lambda: NaiveBayes().fit([[-1]], [0]), 'Negative'),
    (lambda: NaiveBayes().fit([[np.nan]], [0]), 'NaN'),
    (lambda: NaiveBayes().predict([[1]]), 'call fit'),
    (lambda: Lexicon().polarity('a'), 'call fit'),
    (lambda: Lexicon('no colon').fit(), 'no colon'),
    (lambda: Lexicon().fit([], [1]), 'two classes'),
    (lambda: Lexicon().fit().predict('one text'), 'wrap it'),
    (lambda: Lexicon('a is b: x\nb is a: y').fit().isa('x'), 'circle'),
    (lambda: huffman([3]), 'two or more'), (lambda: SkipGram(dim=0).fit([['a']]), 'dim'),
    (lambda: CBOW(epochs=0).fit([['a']]), 'epochs'), (lambda: CBOW(lr=np.nan).fit([['a']]), 'lr'),
    (lambda: SkipGram().fit(['a text']), 'list of words'),
    (lambda: SkipGram().fit([['a']]), 'min_count'),
    (lambda: SkipGram().transform([['a']]), 'call fit'), (lambda: SkipGram()['a'], "'a'"),
    (lambda: WordVectors(['a'], np.zeros((2, 3))), '1 words but'),
    (lambda: WordVectors(['a'], np.ones(1)), 'shape'),
    (lambda: WordVectors(['a'], np.ones((1, 3)))['b'], "'b'"),
    (lambda: WordVectors(['a'], np.ones((1, 3))).most_similar([]), 'at least one'),
    (lambda: ppmi([['a']]), 'no word'), (lambda: ppmi([['a']], window=0), 'window'),
    (lambda: cooccurrence(['a text']), 'lists of words'),
    (lambda: svd_vectors(['a', 'b'], np.eye(2), 2), 'dim'),
    (lambda: agreement(*[WordVectors(['a'], np.ones((1, 2)))]*2, ['a']), 'three'),
    (lambda: SpanScorer().answers('A text.', 'What?'), 'call fit'),
    (lambda: SpanScorer().fit([], []), 'no questions'),
    (lambda: SpanScorer().fit([('...', 'What?')], ['a']), 'no words'),
    (lambda: pack_stories([(['Jane went to the moon.'], 'Where is Jane?', 'moon')], 3), 'none of'),
    (lambda: pack_stories(make_stories(1, (5, 5)), 3), 'room is for 3'),
    (lambda: MemoryNetwork()(torch.zeros(1, 50, 7).long(), torch.zeros(1, 4).long()),
     'at most 40')])
def test_bad_input_is_named(call, said):
    with pytest.raises((ValueError, TypeError, KeyError), match=said): call()


# ---------- estimators

TEXTS = ['a good film', 'a bad film', 'not a bad film', 'boring and long', 'a lovely joke',
         'dull'] * 4
MOODS = np.array([1, 0, 1, 0, 1, 0] * 4)


@pytest.mark.parametrize('estimator', [NaiveBayes(), TfIdf(), Lexicon()],
                         ids=lambda e: type(e).__name__)
@pytest.mark.filterwarnings('ignore')
def test_scikit_learns_own_checks(estimator): check_estimator(estimator)


def same(a, b):
    a, b = (x.toarray() if hasattr(x, 'toarray') else np.asarray(x) for x in (a, b))
    return (a == b).all()


@pytest.mark.parametrize('estimator, X, use', [
    (TfIdf((1, 2), min_df=2), TEXTS, 'transform'), (Lexicon(rules=False), TEXTS, 'predict'),
    (NaiveBayes(.5), np.eye(24), 'predict_log_proba'),
    (SkipGram(4, epochs=1, min_count=1), [t.split() for t in TEXTS], 'transform'),
    (CBOW(4, epochs=1, min_count=1), [t.split() for t in TEXTS], 'transform'),
    (SpanScorer(steps=3), [(p, q) for p, q, _ in quiz()[:24]], 'predict')],
    ids=lambda x: type(x).__name__)
def test_estimators_are_cloned_and_pickled(estimator, X, use):
    y = [a for _, _, a in quiz()[:24]] if isinstance(estimator, SpanScorer) else MOODS
    fresh = clone(estimator)
    assert fresh.get_params() == estimator.get_params()
    with pytest.raises((NotFittedError, ValueError), match='call fit'): getattr(fresh, use)(X)
    assert fresh.fit(X, y) is fresh
    file = BytesIO()
    joblib.dump(fresh, file)
    file.seek(0)
    for again in (pickle.loads(pickle.dumps(fresh)), joblib.load(file), clone(fresh).fit(X, y)):
        assert same(getattr(again, use)(X), getattr(fresh, use)(X))


@pytest.mark.parametrize('steps, grid', [
    ([TfIdf(), NaiveBayes()],
     dict(tfidf__ngram_range=[(1, 1), (1, 2)], naivebayes__alpha=[.1, 1.])),
    ([TfIdf(), LogisticRegression()], dict(tfidf__norm=['l2', None])),
    ([Lexicon()], dict(lexicon__rules=[True, False]))], ids=['bayes', 'logistic', 'lexicon'])
def test_a_grid_search_over_a_pipeline(steps, grid):
    search = GridSearchCV(make_pipeline(*steps), grid, cv=2).fit(TEXTS, MOODS)
    assert search.best_score_ == 1 and search.predict(['a good film']).tolist() == [1]


def test_word_vectors_in_a_pipeline():
    words = [t.split() for t in TEXTS]
    model = make_pipeline(SkipGram(8, min_count=1, sample=0), LogisticRegression(C=1e3))
    assert model.fit(words, MOODS).predict(words + [['unheard']]).shape == (25,)


def test_lexicon_takes_names_of_classes():
    names = np.where(MOODS, 'pleased', 'cross')
    assert Lexicon().fit(TEXTS, names).predict(['good', 'bad']).tolist() == ['pleased', 'cross']
    assert Lexicon().fit().score(TEXTS, MOODS) > .9


def test_names_of_columns():
    assert TfIdf().fit(TEXTS).get_feature_names_out()[:3].tolist() == ['and', 'bad', 'boring']


def test_rules():
    good = Lexicon().fit().polarity
    assert good('a bad film') < 0 < good('not a bad film') and good('') == 0
    assert good('very good') > good('good') > good('somewhat good')
    assert good('scary') < 0 < good('a scary thriller')
    assert good('good but bad') < 0 < good('bad but good')
    assert tokenize("Don't; ÉTÉ-like 3") == ["don't", 'été-like']


def test_gradients_are_autograds():
    torch.manual_seed(0)
    h, v, vn = (torch.randn(n, 4, dtype=torch.double, requires_grad=True) for n in (6, 6, 3))
    F, hit = torch.nn.functional.logsigmoid, torch.rand(6, 3) < .3
    loss = -F((h*v).sum(1)).sum() - .7*(F(-h @ vn.T)*~hit).sum()
    ours, theirs = negative_gradients(h, v, vn, .7, hit), torch.autograd.grad(loss, (h, v, vn))
    for a, b in zip(ours, theirs): torch.testing.assert_close(a, b)
    nodes = torch.randn(6, 5, 4, dtype=torch.double, requires_grad=True)
    turns, mask = torch.randint(0, 2, (6, 5)), torch.rand(6, 5) < .7
    loss = -(F((1 - 2*turns)*(nodes @ h[:, :, None])[..., 0])*mask).sum()
    ours, theirs = tree_gradients(h, nodes, turns, mask), torch.autograd.grad(loss, (h, nodes))
    for a, b in zip(ours, theirs): torch.testing.assert_close(a, b)


@pytest.mark.parametrize('seed', range(5))
def test_huffman_is_the_shortest(seed):
    c = np.random.default_rng(seed).integers(1, 50, 9)
    forks, turns = huffman(c)
    assert sum(2.**-len(t) for t in turns) == 1 and len({tuple(t) for t in turns}) == 9
    assert all(f[0] == 7 for f in forks)
    mean, p = sum(n*len(t) for n, t in zip(c, turns))/c.sum(), c/c.sum()
    assert 0 <= mean + (p*np.log2(p)).sum() < 1


@pytest.mark.parametrize('kind', [SkipGram, CBOW])
@pytest.mark.parametrize('hs', [False, True])
def test_word_vectors_learn(kind, hs):
    r = random.Random(0)
    sides = ['sun moon star sky comet'.split(), 'bread soup cheese salt rice'.split()]
    text = [[r.choice(side) for _ in range(8)] for side in sides*300]
    m = kind(dim=12, window=3, epochs=8, hs=hs, sample=0).fit(text)
    for side in sides:
        for w in side: assert {v for v, _ in m.most_similar(w, n=4)} == set(side) - {w}
    again = kind(dim=12, window=3, epochs=8, hs=hs, sample=0).fit(text)
    assert m.vectors.shape == (10, 12) and (m.vectors == again.vectors).all()
    assert 'sun' in m and 'son' not in m


def test_neighbours_and_analogies():
    rows = [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [-1, .1, -.1]]
    v = WordVectors('man woman king queen apple'.split(), rows)
    assert v.analogy('man', 'king', 'woman')[0][0] == 'queen'
    assert len(v.analogy('man', 'king', 'woman')) == 2
    assert v.most_similar(['king', 'woman'], ['man'], n=1)[0][0] == 'queen'
    assert v.most_similar('king', n=1, barred=False)[0][0] == 'king'
    assert v.mean(['man', 'nobody']) == pytest.approx([1, 0, 0]) and not v.mean([]).any()


def test_page_vectors():
    p = presidents()
    assert len(p.words) == 3631 and p.vectors.shape == (3631, 48)
    assert to_bytes(p)['words'].split() == p.words
    assert np.allclose(np.abs(p.vectors).max(1), 127)


@pytest.mark.parametrize('kind, hs, epochs', [(CBOW, False, 8), (SkipGram, True, 2)])
def test_vectors_of_real_text_agree_with_gensims(kind, hs, epochs):
    "A step that moves one vector by thousands of gradients at once diverges, or learns nothing"
    from gensim.models import Word2Vec
    from walkdl.data import get
    text = tokenize(' '.join(get('sotu').query('year >= 1990').text))
    speeches = [text[i:i + 40] for i in range(0, 60_000, 40)]
    setting = dict(window=5, negative=0 if hs else 5, min_count=5, sample=1e-3,
                   epochs=epochs)
    wv = Word2Vec(speeches, vector_size=32, sg=int(kind is SkipGram), hs=int(hs), alpha=.05, seed=1,
                  workers=1, **setting).wv
    theirs = WordVectors(wv.index_to_key, wv.vectors)
    ours = kind(32, lr=.05, hs=hs, **setting | dict(negative=5)).fit(speeches)
    assert agreement(ours, theirs, theirs.words[:500]) > .5


# ---------- reading

@pytest.mark.parametrize('guess, answer, exact, score', [ # as SQuAD's own script grades them
    ('The cat.', 'cat', 1, 1), ('well_known', 'wellknown', 1, 1), ('half-baked', 'halfbaked', 1, 1),
    ('“gravity”', 'gravity', 0, 0), ('1914–18', '191418', 0, 0), ('1914–18', '1914-18', 0, 0),
    ("the Moon's pull", 'moons pull', 1, 1), ('an apple a day', 'apple day', 1, 1),
    ('the “a” team', '“” team', 0, .4), ('', '', 1, 1), ('the', 'gravity', 0, 0),
    ('gravity gravity', 'gravity', 0, 2/3), ('(C) $5', 'c 5', 1, 1)])
def test_answers_are_graded_as_squad_does(guess, answer, exact, score):
    assert exact_match(guess, answer) == exact and f1(guess, answer) == pytest.approx(score)


def test_normal_form(): assert normalize_answer(' The  U.S. — an _idea_ ') == 'us — idea'


def test_spans_are_scored():
    asked, right = [(p, q) for p, q, _ in quiz()], [a for _, _, a in quiz()]
    reader = SpanScorer(steps=60).fit(asked[:44], right[:44])
    assert reader.score(asked[44:], right[44:]) > .2
    spans = reader.answers(*asked[0])
    assert sum(p for _, p in spans) == pytest.approx(1) and all(s in asked[0][0] for s, _ in spans)


def test_stories_come_from_their_generator():
    state, own = random.getstate(), torch.get_rng_state()
    g = torch.Generator().manual_seed(3)
    a, b = make_stories(5, generator=g), make_stories(5, generator=g)
    assert make_stories(5, generator=3) == make_stories(5, generator=3) and a != b
    assert make_stories(5) != make_stories(5) and make_stories(0) == []
    assert random.getstate() == state and (torch.get_rng_state() == own).all()
    assert all(answer in PLACES and 3 <= len(text) <= 10 for text, _, answer in a)


def test_no_stories_at_all():
    X, Q, A = pack_stories([], 4)
    assert X.shape == (0, 4, 7) and Q.shape == (0, 4) and A.shape == (0,)
    assert MemoryNetwork()(X, Q)[0].shape == (0, len(PLACES))


def test_vectors_leave_your_random_numbers_alone():
    state, own = np.random.get_state()[1].tolist(), torch.get_rng_state()
    text = [['sun', 'moon', 'star']] * 30
    fits = [SkipGram(4, min_count=1, generator=g).fit(text).vectors for g in (1, 1, 2, None)]
    assert (fits[0] == fits[1]).all() and (fits[0] != fits[2]).any()
    assert np.random.get_state()[1].tolist() == state and (torch.get_rng_state() == own).all()


@pytest.mark.parametrize('call, words', [
    *((lambda k=k, v=v: cooccurrence([['a', 'b']]*9, **{k: v}), f'{k} is one whole number')
      for k in ('window', 'min_count') for v in (0, 2.5, True, float('nan'))),
    (lambda: cooccurrence([[1, 2]]*9), 'lists of words'),
    (lambda: cooccurrence('ab'), 'lists of words'),
    (lambda: ppmi([['a', 'b']]*9, smooth=float('nan')), 'smooth is a finite number'),
    (lambda: svd_vectors(['a', 'b', 'c'], np.eye(3)*float('nan'), 1), 'X holds nan or inf')])
def test_vectors_of_bad_input(call, words):
    with pytest.raises((TypeError, ValueError), match=words): call()
