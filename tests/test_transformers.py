"""Attention and its layers against PyTorch's on shapes that hypothesis chooses, and their sentences for wrong input."""
import pytest, torch
import torch.nn as nn, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from walkdl.transformers import (BERT, GPT, DecoderLayer, EncoderLayer, FeedForward, MultiHeadAttention, Transformer, causal_mask, copy_attention,
                                 copy_layer, padding_mask, rotary, scaled_dot_product_attention, sinusoidal, watch)

few = settings(max_examples=12, deadline=None, derandomize=True)
small, seeds = st.integers(1, 5), st.integers(0, 999)


def same(ours, theirs, leaves, tol=1e-10):
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=tol)
    probe = torch.randn_like(ours)
    for a, b in zip(*(torch.autograd.grad((o*probe).sum(), leaves) for o in (ours, theirs))): assert torch.allclose(a, b, atol=tol)


def draw(*shapes): return [torch.randn(s, dtype=torch.double, requires_grad=True) for s in shapes]


@few
@given(small, small, small, small, small, small, seeds)
def test_attention_equals_torch(B, H, T, S, d, e, seed):
    torch.manual_seed(seed)
    q, k, v = qkv = draw((B, H, T, d), (B, H, S, d), (B, H, S, e))
    mask = torch.rand(B, 1, T, S) < .6 # rows without any True give zeros in both
    same(scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, k, v), qkv)
    same(scaled_dot_product_attention(q, k, v, mask), F.scaled_dot_product_attention(q, k, v, mask), qkv)
    same(scaled_dot_product_attention(q, k, v, causal=True), F.scaled_dot_product_attention(q, k, v, is_causal=True), qkv)


@few
@given(small, st.sampled_from([(1, 4), (2, 6), (3, 12), (4, 8)]), small, small, seeds)
def test_multi_head_equals_torch(B, size, T, S, seed):
    torch.manual_seed(seed)
    heads, d = size
    theirs = nn.MultiheadAttention(d, heads, batch_first=True).double()
    ours = copy_attention(MultiHeadAttention(d, heads).double(), theirs)
    x, memory = draw((B, T, d), (B, S, d))
    real = padding_mask(torch.randint(1, S + 1, (B,)), S)
    want, w = theirs(x, memory, memory, key_padding_mask=~real[:, 0], average_attn_weights=False)
    same(ours(x, memory, real), want, (x, memory))
    with watch(ours) as seen: assert torch.allclose(ours(x, memory, real), want)
    assert torch.allclose(seen[''][0], w) and ours.seen is None


@few
@given(st.booleans(), small, small, seeds)
def test_layers_equal_torch(pre, T, S, seed):
    torch.manual_seed(seed)
    kw = dict(dropout=0., batch_first=True, norm_first=pre)
    enc, dec = nn.TransformerEncoderLayer(8, 2, 16, **kw).double(), nn.TransformerDecoderLayer(8, 2, 16, **kw).double()
    x, memory = draw((2, T, 8), (2, S, 8))
    same(copy_layer(EncoderLayer(8, 2, 16, pre=pre).double(), enc)(x), enc(x), (x,))
    ours = copy_layer(DecoderLayer(8, 2, 16, pre=pre).double(), dec)
    same(ours(x, memory), dec(x, memory, tgt_mask=~causal_mask(T)), (x, memory))


@few
@given(st.sampled_from([dict(), dict(kv_heads=2), dict(kv_heads=1, rope=False), dict(norm='layer', activation='gelu')]), st.integers(1, 8), seeds)
def test_the_cache_changes_nothing(kw, cut, seed):
    torch.manual_seed(seed)
    gpt, ids, cache = GPT(20, 16, 2, 4, **kw).double().eval(), torch.randint(20, (2, 9)), {}
    parts = [gpt(part, cache) for part in (ids[:, :cut], ids[:, cut:])]
    assert torch.allclose(torch.cat(parts, 1), gpt(ids), atol=1e-10)


@few
@given(st.sampled_from(['sinusoidal', 'rotary']), st.booleans(), seeds)
def test_padding_changes_nothing(positions, pre, seed):
    torch.manual_seed(seed)
    model = Transformer(20, d=16, layers=2, heads=2, ff=32, positions=positions, pre=pre).double().eval()
    src, tgt = torch.randint(3, 20, (2, 6)), torch.randint(3, 20, (2, 4))
    src[0, 4:] = model.pad
    assert torch.allclose(model(src, tgt)[:1], model(src[:1, :4], tgt[:1]), atol=1e-10)
    bert, mask = BERT(20, 16, 2, 2, 32).double().eval(), src != 0
    assert torch.allclose(bert(src, mask)[0, :4], bert(src[:1, :4])[0], atol=1e-10)


def test_a_beam_of_one_is_greedy_and_a_wide_beam_likelier():
    torch.manual_seed(0)
    model = Transformer(12, d=16, layers=1, heads=2, ff=32).eval()
    src = torch.randint(3, 12, (8, 5))
    def logp(ids):
        tgt = torch.cat([torch.full((8, 1), model.bos), ids], 1)
        steps = model(src, tgt[:, :-1]).log_softmax(-1).gather(2, tgt[:, 1:, None])[..., 0]
        return (steps * (tgt[:, 1:] != model.pad)).sum(1)
    greedy, wide = model.generate(src, 4), model.generate(src, 4, beam=144, alpha=0)
    ids = torch.full((8, 1), model.bos)
    for _ in range(greedy.shape[1]): ids = torch.cat([ids, model(src, ids)[:, -1:].argmax(-1)], 1)
    ended = (ids == model.eos).int().cumsum(1) - (ids == model.eos).int() > 0
    assert torch.equal(greedy, ids.masked_fill(ended, model.pad)[:, 1:])
    assert (logp(wide) >= logp(greedy) - 1e-5).all()


def test_rotary_scores_depend_on_the_distance_alone():
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 8).double()
    scores = [rotary(q, torch.tensor([t + 3])) @ rotary(k, torch.tensor([t])).T for t in (0, 17, 4000)]
    assert torch.allclose(scores[0], scores[1]) and torch.allclose(scores[0], scores[2])


def test_sinusoidal_begins_with_sine_and_cosine_of_zero():
    assert sinusoidal(5, 4)[0].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize('call, says', [
    (lambda: scaled_dot_product_attention([1], torch.ones(2, 2), torch.ones(2, 2)), 'q must be a tensor [..., T, d], got list'),
    (lambda: scaled_dot_product_attention(torch.ones(2, 3), torch.ones(2, 4), torch.ones(2, 4)), 'q has 3 features, k has 4'),
    (lambda: scaled_dot_product_attention(torch.ones(2, 3), torch.ones(5, 3), torch.ones(4, 3)), '5 keys but 4 values'),
    (lambda: scaled_dot_product_attention(*[torch.ones(2, 3)]*3, mask=torch.ones(2, 2)), 'mask must be bool'),
    (lambda: MultiHeadAttention(10, 3), '3 heads fit'),
    (lambda: MultiHeadAttention(12, 6, kv_heads=4), '6 heads fit'),
    (lambda: sinusoidal(4, 5), 'd must be even'),
    (lambda: rotary(torch.ones(2, 3)), 'turned in pairs'),
    (lambda: FeedForward(4, 8, 'tanh'), 'activation must be relu, gelu or swiglu'),
    (lambda: Transformer(10, 12), 'tied tables need one vocabulary'),
    (lambda: Transformer(10, d=8, positions='none'), 'positions must be sinusoidal or rotary'),
    (lambda: GPT(10, 8, 1, 2, context=4, rope=False)(torch.zeros(1, 5, dtype=torch.long)), '5 tokens, but positions for 4'),
    (lambda: BERT(10, 8, 1, 2, 16, context=4)(torch.zeros(1, 5, dtype=torch.long)), '5 tokens, but positions for 4'),
])
def test_says_what_is_wrong(call, says):
    with pytest.raises((TypeError, ValueError)) as e: call()
    assert says in str(e.value)
