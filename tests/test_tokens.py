"Byte-pair encoding and n-grams over random input, and what a loader of tables refuses"
import json, math
import pytest, torch
from hypothesis import given, settings, strategies as st
from walkdl.tokens import (BPE, DIGITS_PATTERN, GPT2_PATTERN, FeedForwardLM, KneserNey,
                           bits_per_character, fit_lm, from_visible, learn_merges, ngram_codes,
                           perplexity, pretokens, surprisal, to_visible)

TEXT = 'the cat sat on the mat, the rat sat on the cat; 1984 and 2001: ¡qué día! ' * 5
bpe = BPE.train(TEXT, 300)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text())
def test_round_trip(s):
    assert bpe.decode(bpe.encode(s)) == s
    assert ''.join(pretokens(s)) == s and ''.join(pretokens(s, (DIGITS_PATTERN, GPT2_PATTERN))) == s


def library(text, size):
    "A tokeniser of the library tokenizers, trained on one text"
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    lib = Tokenizer(models.BPE())
    lib.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    lib.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    lib.train_from_iterator([text], trainers.BpeTrainer(vocab_size=size, show_progress=False,
                                                        initial_alphabet=alphabet))
    return lib


def fast(lib):
    from transformers import PreTrainedTokenizerFast
    return PreTrainedTokenizerFast(tokenizer_object=lib)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.text(alphabet='abc é', min_size=1, max_size=80), st.integers(256, 290))
def test_merges_are_the_librarys(s, size):
    lib, mine = library(s, size), BPE.train(s, size)
    vocab = lib.get_vocab()
    assert [to_visible(t) for t in mine.tokens] == sorted(vocab, key=vocab.get)
    assert mine.encode(s) == lib.encode(s).ids


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.text(alphabet='aab c', max_size=60))
def test_encoding_of_unseen_words_is_the_librarys(s):
    lib = library('a ab aab abab aaaa caab bca ' * 9, 270)
    assert BPE.from_pretrained(fast(lib)).encode(s) == lib.encode(s).ids


def test_added_tokens_are_found_first_as_the_library_does():
    from tokenizers import AddedToken
    lib = library(TEXT, 300)
    lib.add_special_tokens(['<end>', '<end>>', '<｜sep｜>'])
    lib.add_tokens([AddedToken('  two words', normalized=False)])
    mine = BPE.from_pretrained(fast(lib))
    for s in ('<end>', 'the cat<end>the', '<end>>', 'a  two words b', '<｜sep｜> x', '<end'):
        assert mine.encode(s) == lib.encode(s).ids
        assert mine.decode(mine.encode(s)) == s
    assert len(mine) == lib.get_vocab_size()


def test_smollm2_reads_a_conversation():
    from walkdl.data import get
    tok = get('smollm2')[1]
    mine = BPE.from_pretrained(tok)
    assert mine.encode('<|endoftext|>') == [0]
    assert mine.decode([1, 4093, 198, 6004, 2, 198]).startswith('<|im_start|>user\n')
    for s in ('<|im_start|>user\nHi<|im_end|>\n', '\U000d975f\U000a5558', 'a\x04b', 'x' * 300):
        assert mine.encode(s) == tok(s).input_ids


def test_a_byte_without_a_token_is_dropped_before_merging():
    mine = BPE([(b'a', b'b')], [b'a', b'b', b'ab'])
    assert mine.encode('aéb') == [2] and mine.encode('a\x01b') == [0, 1]


@pytest.mark.parametrize('change, said', [
    (dict(normalizer=dict(type='NFC')), 'normalizer'),
    (dict(pre_tokenizer=dict(type='Whitespace')), 'pre_tokenizer'),
    (dict(pre_tokenizer=None), 'pre_tokenizer'),
    (dict(pre_tokenizer=dict(type='ByteLevel', add_prefix_space=True)), 'add_prefix_space'),
    (dict(pre_tokenizer=dict(type='ByteLevel', use_regex=False)), 'use_regex'),
    (dict(pre_tokenizer=dict(type='Sequence', pretokenizers=[
        dict(type='Digits', individual_digits=False), dict(type='ByteLevel')])),
     'individual_digits'),
    (dict(pre_tokenizer=dict(type='Sequence', pretokenizers=[
        dict(type='Split'), dict(type='ByteLevel')])), 'Split'),
    (dict(added_tokens=[dict(id=300, content='<m>', lstrip=True)]), 'lstrip'),
    (dict(added_tokens=[dict(id=300, content='<m>', single_word=True)]), 'single_word'),
    (dict(model=dict(type='WordPiece')), 'WordPiece'),
    (dict(model=dict(type='Unigram')), 'Unigram'),
    (dict(model=dict(byte_fallback=True)), 'byte_fallback'),
    (dict(model=dict(ignore_merges=True)), 'ignore_merges'),
    (dict(model=dict(dropout=.1)), 'dropout'),
    (dict(model=dict(continuing_subword_prefix='##')), 'continuing_subword_prefix'),
    (dict(model=dict(end_of_word_suffix='</w>')), 'end_of_word_suffix'),
    (dict(model=dict(unk_token='<unk>', vocab={'a': 0})), 'unk_token')])
def test_settings_that_are_not_implemented_are_refused_by_name(change, said):
    from types import SimpleNamespace
    spec = json.loads(library(TEXT, 260).to_str())
    spec |= change | dict(model=spec['model'] | change.get('model', {}))
    planted = SimpleNamespace(backend_tokenizer=SimpleNamespace(to_str=lambda: json.dumps(spec)))
    with pytest.raises(ValueError, match=said): BPE.from_pretrained(planted)


def test_a_long_word_takes_n_log_n_steps():
    "Counts comparisons of parts, not seconds"
    from walkdl.tokens import _merge
    class Rank(dict):
        asked = 0
        def __contains__(self, pair):
            Rank.asked += 1
            return super().__contains__(pair)
    for n in (1_000, 32_000):
        Rank.asked = 0
        assert b''.join(_merge([b'a'] * n, Rank({(b'a'*2**k, b'a'*2**k): k for k in range(9)})))
        assert Rank.asked < 8*n


def test_the_cache_is_bounded():
    mine = BPE([])
    mine.cache = {str(i): [] for i in range(2**16)}
    mine.encode('new words')
    assert len(mine.cache) <= 2


def test_save_and_load(tmp_path):
    full = BPE(bpe.merges, [*bpe.tokens, None, '<é>'.encode()], added={'<é>': len(bpe) + 1})
    for one in (bpe, full):
        one.save(tmp_path/'b.json')
        again = BPE.load(tmp_path/'b.json')
        assert again.tokens == one.tokens and again.merges == one.merges
        assert again.added == one.added
        assert again.encode(TEXT + '<é>') == one.encode(TEXT + '<é>')
    with pytest.raises(ValueError, match='no token'): full.decode([len(bpe)])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 6), min_size=4, max_size=60), st.integers(1, 4),
       st.lists(st.integers(0, 6), max_size=5))
def test_kneser_ney_sums_to_one(ids, order, context):
    p = KneserNey(ids, order, 7).next(context)
    assert p.shape == (7,) and (p >= 0).all() and abs(p.sum() - 1) < 1e-9


def test_kneser_ney_uses_all_of_a_short_context():
    ids = [1, 2, 3, 1, 2, 3, 0, 2, 0, 0, 2, 0, 1, 2, 3] * 3
    deep, short = KneserNey(ids, 4, 5), KneserNey(ids, 3, 5)
    assert (deep.next([1, 2]) != deep.next([2])).any()
    assert deep.next([1, 2])[3] > deep.next([2])[3]
    assert (deep.next([3, 3, 3, 1, 2]) == deep.next([3, 1, 2])).all()
    assert (short.next([]) == short.prob([[]] * 5, range(5))).all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match='256'): BPE.train('a', 10)
    with pytest.raises(TypeError, match='str'): bpe.encode(b'bytes')
    for use in (lambda: bpe.encode('ab\ud800'), lambda: BPE.train('ab\udfff', 300),
                lambda: learn_merges({'ab\udfff': 1}, 300)):
        with pytest.raises(ValueError, match='is half of a pair'): use()
    with pytest.raises(ValueError, match='no token'): bpe.decode([10**6])
    with pytest.raises(ValueError, match='no token'): bpe.decode([-1])
    with pytest.raises(TypeError, match='float'): bpe.decode([97.9])
    for ids in ([.9, 1.2], [0, math.nan]):
        with pytest.raises(ValueError, match='whole numbers'): KneserNey(ids, 1, 3)
    with pytest.raises(TypeError, match='merges'): BPE.from_pretrained(['a'], None)
    with pytest.raises(ValueError, match='no byte'): from_visible('｜')
    with pytest.raises(ValueError, match='63 bits'): ngram_codes([1, 2], 7, 1024)
    with pytest.raises(ValueError, match='at least 1'): ngram_codes([1, 2], 0, 1024)
    with pytest.raises(ValueError, match='vocab'): ngram_codes([1, 9], 1, 5)
    assert ngram_codes([1], 3, 5).tolist() == []
    with pytest.raises(ValueError, match='run'): KneserNey([1], 3, 5)
    with pytest.raises(ValueError, match='order'): KneserNey([1], 0, 5)
    kn = KneserNey([0, 1, 2, 0, 1], 3, 5)
    for h, w in (([[1, 2]], [9]), ([[1, 9]], [2]), ([[-1, 2]], [2])):
        with pytest.raises(ValueError, match='vocab is 5'): kn.prob(h, w)
    with pytest.raises(ValueError, match=r'\[N,T\]'): kn.prob([1, 2], [1])
    assert perplexity([.5, .5]) == pytest.approx(2) and perplexity([0., 1.]) == math.inf
    for p in ([], [1.5], [-.1], [math.nan]):
        with pytest.raises(ValueError, match='perplexity'): perplexity(p)
    for a in ((2, 3, 0), (math.nan, 3, 4), (.5, 3, 4)):
        with pytest.raises(ValueError, match='bits_per_character'): bits_per_character(*a)
    with pytest.raises(ValueError, match='two or more'): surprisal(torch.nn.Linear(1, 1), [3])


def test_training_leaves_your_random_numbers_alone():
    ids = torch.arange(9).repeat(9)
    def trained(generator):
        torch.manual_seed(0)
        model = fit_lm(FeedForwardLM(9, 2, 4, 4), ids, 3, 3, 4, .1, generator)
        return model.out.weight.tolist(), torch.rand(()).item()
    (a, after), (b, same), (c, also) = trained(1), trained(1), trained(2)
    assert a == b and a != c and after == same == also
    with torch.random.fork_rng():
        torch.manual_seed(0)
        FeedForwardLM(9, 2, 4, 4)
        assert torch.rand(()).item() == after
