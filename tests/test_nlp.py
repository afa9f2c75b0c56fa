"""TF-IDF and naive Bayes against scikit-learn on random corpora; word vectors: gradients, seeds, and what bad input is told."""
import random
import numpy as np, pytest, torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from walkdl.nlp import CBOW, Lexicon, NaiveBayes, SkipGram, TfIdf, WordVectors, huffman, negative_gradients, tree_gradients, words
from walkdl.vectors import agreement, factor, ppmi, presidents, to_bytes

LETTERS = 'ab cé漢д 1_\'’\n\t.,İß😡'


def corpus(r): return [''.join(r.choice(LETTERS) for _ in range(r.randrange(50))) for _ in range(r.randrange(1, 14))]

def options(r):
    return dict(smooth_idf=r.random() < .5, sublinear_tf=r.random() < .5, norm=r.choice(['l1', 'l2', None]), use_idf=r.random() < .8, lowercase=r.random() < .8,
                ngram_range=r.choice([(1, 1), (1, 2), (2, 3), (3, 3)]), min_df=r.choice([1, 2, .3]), max_df=r.choice([1., .9, 5]))


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


@pytest.mark.parametrize('call, words_', [
    (lambda: TfIdf().fit('one text'), 'wrap it in a list'), (lambda: TfIdf().fit([1]), 'got int'), (lambda: TfIdf().fit(['', ' ']), 'no term'),
    (lambda: TfIdf().transform(['a']), 'call fit'), (lambda: TfIdf(ngram_range=(2, 1)), 'ngram_range'), (lambda: TfIdf(norm='l3'), 'l3'),
    (lambda: NaiveBayes(0), 'positive'), (lambda: NaiveBayes().fit([[1, 2]], [0, 1]), '1 documents but 2'), (lambda: NaiveBayes().fit([[-1]], [0]), 'negative'),
    (lambda: Lexicon('no colon'), 'no colon'), (lambda: Lexicon('a is b: x\nb is a: y').isa('x'), 'circle'), (lambda: huffman([3]), 'two or more'),
    (lambda: SkipGram(dim=0), 'dim'), (lambda: CBOW(epochs=0), 'epochs'), (lambda: SkipGram().fit(['a text']), 'lists of words'), (lambda: SkipGram().fit([['a']]), 'min_count'),
    (lambda: WordVectors(['a'], np.zeros((2, 3))), '1 words but 2'), (lambda: WordVectors(['a'], np.ones((1, 3)))['b'], "'b'"),
    (lambda: WordVectors(['a'], np.ones((1, 3))).most_similar([]), 'at least one'), (lambda: ppmi([['a']]), 'no word'), (lambda: ppmi([['a']], window=0), 'window'),
    (lambda: factor(['a', 'b'], np.eye(2), 2), 'dim'), (lambda: agreement(*[WordVectors(['a'], np.ones((1, 2)))]*2, ['a']), 'three')])
def test_bad_input_is_named(call, words_):
    with pytest.raises((ValueError, TypeError, KeyError), match=words_): call()


def test_rules():
    lex = Lexicon()
    assert lex.score('a bad film') < 0 < lex.score('not a bad film') and lex.score('') == 0
    assert lex.score('very good') > lex.score('good') > lex.score('somewhat good') and lex.score('scary') < 0 < lex.score('a scary thriller')
    assert lex.score('good but bad') < 0 < lex.score('bad but good') and words("Don't; ÉTÉ-like 3") == ["don't", 'été-like']


def test_gradients_are_autograds():
    torch.manual_seed(0)
    h, v, vn = (torch.randn(n, 4, dtype=torch.double, requires_grad=True) for n in (6, 6, 3))
    F, hit = torch.nn.functional.logsigmoid, torch.rand(6, 3) < .3
    loss = -F((h*v).sum(1)).sum() - .7*(F(-h @ vn.T)*~hit).sum()
    for a, b in zip(negative_gradients(h, v, vn, .7, hit), torch.autograd.grad(loss, (h, v, vn))): torch.testing.assert_close(a, b)
    nodes, turns, mask = torch.randn(6, 5, 4, dtype=torch.double, requires_grad=True), torch.randint(0, 2, (6, 5)), torch.rand(6, 5) < .7
    loss = -(F((1 - 2*turns)*(nodes @ h[:, :, None])[..., 0])*mask).sum()
    for a, b in zip(tree_gradients(h, nodes, turns, mask), torch.autograd.grad(loss, (h, nodes))): torch.testing.assert_close(a, b)


@pytest.mark.parametrize('seed', range(5))
def test_huffman_is_the_shortest(seed):
    c = np.random.default_rng(seed).integers(1, 50, 9)
    forks, turns = huffman(c)
    assert sum(2.**-len(t) for t in turns) == 1 and len({tuple(t) for t in turns}) == 9 and all(f[0] == 7 for f in forks)
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
    assert m.vectors.shape == (10, 12) and (m.vectors == again.vectors).all() and 'sun' in m and 'son' not in m


def test_neighbours_and_analogies():
    v = WordVectors('man woman king queen apple'.split(), [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [-1, .1, -.1]])
    assert v.analogy('man', 'king', 'woman')[0][0] == 'queen' and len(v.analogy('man', 'king', 'woman')) == 2
    assert v.most_similar(['king', 'woman'], ['man'], n=1)[0][0] == 'queen' and v.most_similar('king', n=1, barred=False)[0][0] == 'king'


def test_page_vectors():
    p = presidents()
    assert len(p.words) == 3631 and p.vectors.shape == (3631, 48) and to_bytes(p)['words'].split() == p.words
    assert np.allclose(np.abs(p.vectors).max(1), 127)


@pytest.mark.parametrize('kind, hs, epochs', [(CBOW, False, 8), (SkipGram, True, 2)])
def test_vectors_of_real_text_agree_with_gensims(kind, hs, epochs):
    "A step that moves one vector by thousands of gradients at once diverges, or learns nothing"
    from gensim.models import Word2Vec
    from walkdl.data import get
    text = words(' '.join(get('sotu').query('year >= 1990').text))
    speeches = [text[i:i + 40] for i in range(0, 60_000, 40)]
    setting = dict(window=5, negative=0 if hs else 5, min_count=5, sample=1e-3, epochs=epochs)
    wv = Word2Vec(speeches, vector_size=32, sg=int(kind is SkipGram), hs=int(hs), alpha=.05, seed=1, workers=1, **setting).wv
    theirs = WordVectors(wv.index_to_key, wv.vectors)
    ours = kind(32, lr=.05, hs=hs, **setting | dict(negative=5)).fit(speeches)
    assert agreement(ours, theirs, theirs.words[:500]) > .5
