"Byte-pair encoding and n-grams over random input"
import pytest
from hypothesis import given, settings, strategies as st
from walkdl.tokens import BPE, DIGITS, GPT2, KneserNey, grams, perplexity, pretokens

TEXT = 'the cat sat on the mat, the rat sat on the cat; 1984 and 2001: ¡qué día! ' * 5
bpe = BPE.train(TEXT, 300)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text())
def test_round_trip(s):
    assert bpe.decode(bpe.encode(s)) == s
    assert ''.join(pretokens(s)) == s and ''.join(pretokens(s, (DIGITS, GPT2))) == s


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.text(alphabet='abc é', min_size=1, max_size=80), st.integers(256, 290))
def test_merges_are_the_librarys(s, size):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from walkdl.tokens import show
    lib = Tokenizer(models.BPE())
    lib.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    lib.train_from_iterator([s], trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=alphabet))
    mine = BPE.train(s, size)
    vocab = lib.get_vocab()
    assert [show(t) for t in mine.tokens] == sorted(vocab, key=vocab.get)
    assert mine.encode(s) == lib.encode(s).ids


def test_save_and_load(tmp_path):
    bpe.save(tmp_path/'b.json')
    again = BPE.load(tmp_path/'b.json')
    assert again.tokens == bpe.tokens and again.merges == bpe.merges and again.encode(TEXT) == bpe.encode(TEXT)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 6), min_size=4, max_size=60), st.integers(1, 4), st.lists(st.integers(0, 6), max_size=5))
def test_kneser_ney_sums_to_one(ids, order, context):
    p = KneserNey(ids, order, 7).next(context)
    assert p.shape == (7,) and (p >= 0).all() and abs(p.sum() - 1) < 1e-9


def test_bad_input_is_named():
    with pytest.raises(ValueError, match='256'): BPE.train('a', 10)
    with pytest.raises(TypeError, match='str'): bpe.encode(b'bytes')
    with pytest.raises(ValueError, match='no token'): bpe.decode([10**6])
    with pytest.raises(TypeError, match='merges'): BPE.from_pretrained(['a'], None)
    with pytest.raises(ValueError, match='63 bits'): grams([1, 2], 7, 1024)
    with pytest.raises(ValueError, match='vocab'): grams([1, 9], 1, 5)
    with pytest.raises(ValueError, match='order|run'): KneserNey([1], 3, 5)
    assert perplexity([.5, .5]) == pytest.approx(2)
