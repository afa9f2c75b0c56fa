"""Translation, GPT, BERT, other people's models: edges, refusals, equality with the libraries."""
import math, random, socket
import numpy as np, pytest, torch
import torch.nn as nn
from hypothesis import given, settings, strategies as st
from walkdl.bert import (
    Int8Vectors, MaskedLM, bert_from_hf, embed_texts, fit_mlm, mask_tokens, mean_pool, ndcg,
    semantic_search)
from walkdl.gpt import (
    distinct, generate, gpt_from_hf, longest_copy, next_probs, token_losses, train_gpt)
from walkdl.huggingface import LoRA, count_parameters, load_family, sentence_vector, wordpiece
from walkdl.transformers import BERT, GPT
from walkdl.translation import (
    IBM1, Pieces, Translator, bleu, bleu_interval, length_batches, small_transformer, tokenize_13a)


@pytest.fixture
def untouched():
    "The caller's random streams are where they were"
    def state():
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()
    before = state()
    yield
    assert state() == before


def raises(call, says, error=(TypeError, ValueError, OSError)):
    with pytest.raises(error) as e: call()
    assert says in str(e.value)


# ---------- translation

@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(alphabet='ab1 .,-\'"&;<>ltgqumop\n()“”é', max_size=40))
def test_the_cut_is_sacrebleus(text):
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
    assert tokenize_13a(text) == Tokenizer13a()(text).split()


def test_bleu_refuses_what_has_no_score():
    raises(lambda: bleu([], []), 'no texts')
    raises(lambda: bleu(['a', 'b'], ['a']), '2 outputs but 1 references')
    raises(lambda: bleu_interval(['a', 'b'], ['a']), '2 outputs but 1 references')
    raises(lambda: bleu('a cat', 'a cat'), 'two lists of texts')
    assert bleu([''], ['a']) == 0 == bleu(['zzz'], ['a b c'])


def test_the_interval_holds_the_score_and_leaves_the_streams_alone(untouched):
    outs, refs = ['the cat sat on the mat', 'a dog ran far away', 'no'], ['the cat sat on a mat',
                                                                          'a dog ran off', 'no']
    low, high = bleu_interval(outs, refs, n=200, generator=1)
    assert low <= bleu(outs, refs) <= high and bleu_interval(outs, refs, n=200,
                                                             generator=1) == (low, high)
    assert bleu_interval(outs[:1], refs[:1]) == (bleu(outs[:1], refs[:1]),)*2


def test_a_dictionary_passes_over_empty_sides():
    ibm = IBM1([('the house', 'la casa'), ('', 'nada'), ('nothing', ''), ('house', 'casa')])
    assert ibm.best('House')[0][0] == 'casa' and ibm.best('nothing') == [('nothing', 0.)]
    assert dict(IBM1([('the house', 'la casa'), ('', 'nada')]).best('house', None)) == {'la': .5,
                                                                                        'casa': .5}
    raises(lambda: IBM1([('', 'nada')]), 'no pair with words on both sides')
    for bad in ('ab', ['ab', 'cd'], [('a',)], [('a', 1)], [1]):
        raises(lambda: IBM1(bad), 'a list of pairs of texts', TypeError)


def test_batches_of_one_length_hold_every_pair(untouched):
    pairs = [([1]*n, [2]*m) for n, m in np.random.default_rng(0).integers(1, 9, (50, 2)).tolist()]
    batches = length_batches(pairs, 30, generator=0)
    assert sorted(p for b in batches
                  for p in b) == sorted(pairs) and batches == length_batches(pairs, 30, generator=0)
    assert all(len(b) == 1 or len(b)*max(len(t) for p in b for t in p) <= 30 for b in batches)
    assert length_batches([], 30) == []


def test_a_translator_takes_a_list():
    class Letters: # a table of pieces that needs no file
        tokens = [c.encode() for c in 'abc']
        def __len__(self): return 3
        def encode(self, text): return ['abc'.index(c) for c in text]
        def decode(self, ids): return ''.join('abc'[i] for i in ids)
    translate = Translator(small_transformer(6).eval(), Pieces(Letters()))
    said = translate(['abc', 'a', 'cc'], max_len=5)
    assert translate([]) == [] and said[1] == translate(['a'], max_len=5)[0]
    raises(lambda: translate('abc'), 'a list of texts')


# ---------- GPT

@pytest.fixture(scope='module')
def gpt():
    torch.manual_seed(0)
    return GPT(12, 16, 2, 4, 2).eval()


def test_each_row_ends_by_itself_and_is_padded(gpt):
    start = torch.randint(12, (6, 3))
    free = generate(gpt, start, 30, generator=0)
    stop = free[:, 3:].flatten().mode().values.item()
    got = generate(gpt, start, 30, generator=0, stop=stop, pad=11)
    for f, g in zip(free[:, 3:].tolist(), got[:, 3:].tolist()):
        end = f.index(stop) + 1 if stop in f else len(f)
        assert g[:end] == f[:len(g)][:end] and set(g[end:]) <= {11}
    for row in generate(gpt, start, 30, generator=0, stop=stop)[:, 3:].tolist():
        if stop in row: assert set(row[row.index(stop):]) == {stop} # the fill if none is given


@pytest.mark.parametrize('cache', [True, False])
def test_a_beam_ends_at_stop_and_finds_the_likeliest(gpt, cache):
    start = torch.randint(12, (2, 3))
    def total(ids):
        return gpt(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None])[:, 2:, 0].sum(1)
    wide, greedy = (generate(gpt, start, 3, **kw)
                    for kw in (dict(beam=144, cache=cache), dict(temperature=0)))
    every = torch.cartesian_prod(*[torch.arange(12)]*3)
    with torch.no_grad():
        best = total(torch.cat([start[:1].expand(len(every), -1), every], 1)).max()
        assert torch.isclose(total(wide)[0], best,
                             atol=1e-5) and (total(wide) >= total(greedy) - 1e-5).all()
    assert torch.equal(generate(gpt, start[1:], 3, beam=144), wide[1:]) # alone as in a batch
    stop = wide[0, 3].item()
    ended = generate(gpt, start, 8, beam=4, stop=stop, cache=cache)
    for row in ended[:, 3:].tolist():
        if stop in row: assert set(row[row.index(stop):]) == {stop}


def test_generate_refuses_nothing_and_takes_no_rows(gpt, untouched):
    raises(lambda: generate(gpt, []), 'at least one')
    raises(lambda: generate(gpt, torch.ones(1, 1, 2).long()), 'at least one')
    raises(lambda: generate(gpt, [1], beam=0), 'beam is one whole number')
    raises(lambda: generate(gpt, [1], -1), 'n is one whole number from 0 up')
    assert generate(gpt, torch.zeros(0, 3, dtype=torch.long)).shape == (0, 3)
    assert generate(gpt, [1, 2], 4).shape == (1, 6)


def test_probabilities_at_the_edges():
    logits = torch.tensor([5., 1., 3.])
    for t in (0, 1e-40, 1e-31): assert next_probs(logits, t).tolist() == [1, 0, 0]
    nan = math.nan
    for t in (nan, math.inf, -1):
        raises(lambda: next_probs(logits, t), 'temperature must be')
    for bad in ([1., nan], [math.inf, 1.], [[0., 1.], [-math.inf, -math.inf]]):
        for t in (0, 1): raises(lambda: next_probs(torch.tensor(bad), t), 'holds nan or inf')
    assert next_probs(torch.tensor([0., -math.inf])).tolist() == [1, 0]
    for k in (0, True, 1.5): raises(lambda: next_probs(logits, top_k=k), 'top_k is one whole')
    half = next_probs(logits.half()*1e3, top_p=.5)
    assert half.dtype == torch.float16 and half.tolist() == [1, 0, 0]
    assert next_probs(torch.tensor([2, 2])).tolist() == [.5, .5]


def test_training_of_one_step_and_of_none(untouched):
    def fresh():
        with torch.random.fork_rng(): torch.manual_seed(0); return GPT(12, 16, 1, 2)
    ids = torch.arange(200) % 12
    before = fresh().emb.weight
    for steps, moved in ((1, True), (0, False), (3, True)):
        one, two = (train_gpt(fresh(), ids, steps, T=8, warm=0, generator=4).emb.weight
                    for _ in 'ab')
        assert torch.equal(one, two) and torch.equal(one, before) != moved
    raises(lambda: train_gpt(fresh(), ids[:5], 1), 'a window needs')
    raises(lambda: token_losses(fresh(), ids[:8], T=8), 'a window needs 9')
    assert token_losses(fresh(), ids, T=8).shape == (24, 8)
    for bad in (dict(every=0), dict(T=0), dict(every=True)):
        raises(lambda: token_losses(fresh(), ids, **bad), 'is one whole number from 1 up')


def test_measures_of_a_text():
    assert distinct([[1, 2, 1, 2]]) == 2/3
    assert longest_copy('xabcx', 'yabcy') == 'abc' and longest_copy('', 'a') == ''
    raises(lambda: distinct([[1, 2]], 0), 'n is one whole number from 1 up')
    raises(lambda: distinct([]), 'texts of at least 2')


def llama(**kw):
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.manual_seed(0)
    small = dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, intermediate_size=32, max_position_embeddings=64)
    return LlamaForCausalLM(LlamaConfig(**small | kw)).eval()


@pytest.mark.parametrize('tied', [True, False])
def test_a_llama_is_ours(tied):
    model, ids = llama(tie_word_embeddings=tied), torch.randint(40, (2, 9))
    assert torch.allclose(gpt_from_hf(model)(ids), model(ids).logits, atol=1e-5)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_a_llama_in_16_bits_is_ours(dtype):
    model, ids = llama(), torch.randint(40, (2, 9))
    with torch.no_grad(): model.model.embed_tokens.weight.mul_(2e4) # squares overflow 16 bits
    exact, model = model(ids).logits.argmax(-1), model.to(dtype)
    with torch.no_grad(): ours, theirs = gpt_from_hf(model)(ids), model(ids).logits
    assert ours.dtype == dtype and ours.isfinite().all()
    right = [(logits.argmax(-1) == exact).float().mean() for logits in (ours, theirs)]
    assert right[0] >= right[1] - .12


@pytest.mark.parametrize('setting, says', [
    (dict(hidden_act='gelu'), 'hidden_act'), (dict(attention_bias=True), 'attention_bias'),
    (dict(mlp_bias=True), 'mlp_bias'), (dict(head_dim=8), 'head_dim'),
    (dict(rope_parameters=dict(rope_type='linear', factor=2., rope_theta=1e4)),
     "rope_type is 'linear'"),
    (dict(rope_parameters=dict(rope_type='llama3', rope_theta=5e5, factor=8., low_freq_factor=1.,
                               high_freq_factor=4., original_max_position_embeddings=32)),
     "rope_type is 'llama3'")])
def test_a_llama_that_cannot_be_held_is_refused(setting, says):
    raises(lambda: gpt_from_hf(llama(**setting)), says)


def test_other_models_are_refused_as_llamas():
    raises(lambda: gpt_from_hf(nn.Linear(2, 2)), 'LlamaForCausalLM wanted')


# ---------- BERT

def hf_bert(kind='Bert', **kw):
    import transformers as hf
    torch.manual_seed(0)
    small = dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
                 intermediate_size=32, max_position_embeddings=20)
    return getattr(hf, f'{kind}Model')(getattr(hf, f'{kind}Config')(**small | kw)).eval()


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_a_bert_is_ours_and_its_weights_are_a_copy(dtype):
    theirs, ids = hf_bert().to(dtype), torch.randint(40, (2, 9))
    ours = bert_from_hf(theirs)
    assert torch.allclose(ours(ids), theirs(ids).last_hidden_state,
                          atol=1e-5) and ours(ids).dtype == dtype
    with torch.no_grad(): ours.emb.weight.zero_()
    assert theirs.embeddings.word_embeddings.weight.abs().sum() > 0


@pytest.mark.parametrize('make, says', [
    (lambda: hf_bert(hidden_act='relu'), 'hidden_act'),
    (lambda: hf_bert(is_decoder=True), 'is_decoder'),
    (lambda: hf_bert('Roberta'), "model_type 'roberta'"),
    (lambda: hf_bert('Electra'), "model_type 'electra'"),
    (lambda: nn.Linear(2, 2), 'a BERT wanted')])
def test_what_is_no_bert_is_refused(make, says): raises(lambda: bert_from_hf(make()), says)


def test_masks_are_drawn_from_the_given_generator(untouched):
    ids = torch.arange(3000) % 50
    one, two = (mask_tokens(ids, 50, 50, generator=3) for _ in 'ab')
    assert all(map(torch.equal, one, two)) and .12 < one[1].float().mean() < .18
    assert torch.equal(one[0][~one[1]], ids[~one[1]])
    assert mask_tokens(torch.zeros(0, 5).long(), 50, 50)[0].shape == (0, 5)
    raises(lambda: mask_tokens(ids, 50, 50, p=0), 'p must be')


def test_a_masked_model_learns_without_touching_the_streams():
    with torch.random.fork_rng():
        model = MaskedLM(BERT(13, 16, 1, 2, 16, 32, 1, dropout=0.)) # no chance of torch's
    ids, before = torch.arange(400) % 12, torch.get_rng_state()
    fit_mlm(model.eval(), ids, 12, steps=1, T=8, generator=0)
    raises(lambda: fit_mlm(model, ids[:8], 12, steps=1, T=8), 'a window needs 9')
    assert torch.equal(torch.get_rng_state(), before)


def test_the_mean_counts_real_tokens_only():
    x, m = torch.randn(2, 4, 3), torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    assert torch.allclose(mean_pool(x, m)[0], x[0, :2].mean(0), atol=1e-6)
    assert mean_pool(torch.full((1, 100, 2), 6e4).half(), torch.ones(1, 100)).isfinite().all()
    assert torch.allclose(sentence_vector(x, m).norm(dim=1), torch.ones(2))
    raises(lambda: mean_pool(x, m[:, :3]), 'mask must be [2, 4]')
    raises(lambda: mean_pool(x, m*0), 'no real token')


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-5, 5)), min_size=2, max_size=30),
       st.integers(1, 40))
def test_ndcg_is_scikit_learns(rows, k):
    from sklearn.metrics import ndcg_score
    relevance = [r for r, _ in rows]
    scores = [s + 1e-3*i for i, (_, s) in enumerate(rows)]
    if len(set(scores)) == len(scores):
        assert abs(ndcg(relevance, scores, k) - ndcg_score([relevance], [scores], k=k)) < 1e-9


def test_ndcg_and_embeddings_refuse():
    raises(lambda: ndcg([1, 0], [1, 2], k=0), 'k must be 1')
    raises(lambda: ndcg([1, 0], [1, float('nan')]), 'finite')
    raises(lambda: ndcg([1, 0], [1]), 'one length')
    raises(lambda: embed_texts('one'), 'a list of texts')
    raises(lambda: embed_texts([1, 2]), 'a list of texts')
    assert Int8Vectors(2, 3).unpack().shape == (2, 3)


# ---------- other people's models

@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float64])
def test_lora_has_the_dtype_and_device_of_its_layer(dtype):
    layer = LoRA(nn.Linear(6, 4).to(dtype), r=2)
    with torch.no_grad(): layer.B.weight.normal_()
    x = torch.randn(3, 6, dtype=dtype)
    assert layer(x).dtype == dtype and torch.allclose(layer(x).float(), layer.merged()(x).float(),
                                                      atol=.1)
    assert LoRA(nn.Linear(6, 4, device='meta'), r=2).A.weight.device.type == 'meta'
    raises(lambda: LoRA(nn.Conv2d(1, 1, 1)), 'nn.Linear wanted')
    raises(lambda: LoRA(nn.Linear(4, 4), r=5), 'rank 5')


def test_wordpiece_of_nothing_and_of_a_very_long_word():
    assert wordpiece('', {'a'}) == [] and wordpiece('a'*100, {'a', '##a'}) == ['a'] + ['##a']*99
    assert wordpiece('a'*101, {'a', '##a'}) == ['[UNK]']


def test_a_family_that_is_not_here_asks_no_hub(monkeypatch):
    def asked(*a, **k): raise AssertionError('the network was asked')
    monkeypatch.setattr(socket, 'getaddrinfo', asked)
    monkeypatch.delenv('HF_HUB_OFFLINE', raising=False)
    from huggingface_hub import constants
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', '/nonexistent')
    raises(lambda: load_family('DistilBERT'), 'online=True')
    raises(lambda: load_family('ELMo'), 'there are GPT, BERT')
    raises(lambda: count_parameters('ELMo'), 'there are GPT, BERT')


@pytest.mark.parametrize('call, words', [
    (lambda: mask_tokens(torch.rand(9), 10, 3), 'got ids of torch.float32'),
    (lambda: mask_tokens(torch.arange(9), 10, 33), 'whole numbers below 10'),
    (lambda: embed_texts(['a'], 0), 'bs is one whole number from 1 up'),
    (lambda: semantic_search('a', torch.zeros(3, 384), 0), 'k is one whole number from 1 up'),
    (lambda: semantic_search('a', torch.zeros(3, 38)), 'vectors must be [N,384]')])
def test_bad_input_of_the_reader(call, words): raises(call, words)
