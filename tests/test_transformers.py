"""Attention and its layers against PyTorch's on shapes that hypothesis chooses; their sentences."""
import pytest, torch
import torch.nn as nn, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from walkdl.transformers import (
    BERT, GPT, Block, DecoderLayer, EncoderLayer, FeedForward, KVCache, LayerNorm,
    MultiHeadAttention, Muon, RMSNorm, Transformer, beam_search, causal_mask, copy_attention,
    copy_layer, fit_seq2seq, pad_rows, padding_mask, ramp, rotary, scaled_dot_product_attention,
    sinusoidal, watch)

few = settings(max_examples=12, deadline=None, derandomize=True)
small, seeds = st.integers(1, 5), st.integers(0, 999)


def same(ours, theirs, leaves, tol=1e-10):
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=tol)
    probe = torch.randn_like(ours)
    for a, b in zip(*(torch.autograd.grad((o*probe).sum(), leaves) for o in (ours, theirs))):
        assert torch.allclose(a, b, atol=tol)


def draw(*shapes): return [torch.randn(s, dtype=torch.double, requires_grad=True) for s in shapes]


@few
@given(small, small, small, small, small, small, seeds)
def test_attention_equals_torch(B, H, T, S, d, e, seed):
    torch.manual_seed(seed)
    q, k, v = qkv = draw((B, H, T, d), (B, H, S, d), (B, H, S, e))
    mask = torch.rand(B, 1, T, S) < .6 # rows without any True give zeros in both
    same(scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, k, v), qkv)
    same(scaled_dot_product_attention(q, k, v, mask), F.scaled_dot_product_attention(q, k, v, mask),
         qkv)
    same(scaled_dot_product_attention(q, k, v, causal=True),
         F.scaled_dot_product_attention(q, k, v, is_causal=True), qkv)


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
    enc = nn.TransformerEncoderLayer(8, 2, 16, **kw).double()
    dec = nn.TransformerDecoderLayer(8, 2, 16, **kw).double()
    x, memory = draw((2, T, 8), (2, S, 8))
    same(copy_layer(EncoderLayer(8, 2, 16, pre=pre).double(), enc)(x), enc(x), (x,))
    ours = copy_layer(DecoderLayer(8, 2, 16, pre=pre).double(), dec)
    same(ours(x, memory), dec(x, memory, tgt_mask=~causal_mask(T)), (x, memory))


@few
@given(st.sampled_from([dict(), dict(kv_heads=2), dict(kv_heads=1, rope=False),
                        dict(norm='layer', activation='gelu')]), st.integers(1, 8), seeds)
def test_the_cache_changes_nothing(kw, cut, seed):
    torch.manual_seed(seed)
    gpt, ids, cache = GPT(20, 16, 2, 4, **kw).double().eval(), torch.randint(20, (2, 9)), KVCache()
    parts = [gpt(part, cache) for part in (ids[:, :cut], ids[:, cut:])]
    assert torch.allclose(torch.cat(parts, 1), gpt(ids), atol=1e-10) and cache.length == 9


@few
@given(st.sampled_from(['sinusoidal', 'rotary']), st.booleans(), seeds)
def test_padding_changes_nothing(positions, pre, seed):
    torch.manual_seed(seed)
    model = Transformer(20, d=16, layers=2, heads=2, ff=32, positions=positions,
                        pre=pre).double().eval()
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
    for _ in range(greedy.shape[1]): # the likeliest that is not padding
        logits = model(src, ids)[:, -1:].index_fill(2, torch.tensor(model.pad), -torch.inf)
        ids = torch.cat([ids, logits.argmax(-1)], 1)
    ended = (ids == model.eos).int().cumsum(1) - (ids == model.eos).int() > 0
    assert torch.equal(greedy, ids.masked_fill(ended, model.pad)[:, 1:])
    assert (logp(wide) >= logp(greedy) - 1e-5).all()


def test_rotary_scores_depend_on_the_distance_alone():
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 8).double()
    scores = [rotary(q, torch.tensor([t + 3])) @ rotary(k, torch.tensor([t])).T
              for t in (0, 17, 4000)]
    assert torch.allclose(scores[0], scores[1]) and torch.allclose(scores[0], scores[2])


def test_sinusoidal_begins_with_sine_and_cosine_of_zero():
    assert sinusoidal(5, 4)[0].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize('call, says', [
    (lambda: scaled_dot_product_attention([1], torch.ones(2, 2), torch.ones(2, 2)),
     'q must be a tensor [..., T, d], got list'),
    (lambda: scaled_dot_product_attention(*[torch.ones(2, 3)]*2, torch.ones(2, 3).long()),
     'v must hold floating numbers, got torch.int64'),
    (lambda: scaled_dot_product_attention(torch.ones(2, 3), torch.ones(2, 4), torch.ones(2, 4)),
     'q has 3 features, k has 4'),
    (lambda: scaled_dot_product_attention(torch.ones(2, 3), torch.ones(5, 3), torch.ones(4, 3)),
     '5 keys but 4 values'),
    (lambda: scaled_dot_product_attention(*[torch.ones(2, 3)]*3, mask=torch.ones(2, 2)),
     'mask must be a tensor of bool'),
    (lambda: MultiHeadAttention(10, 3), '3 heads cannot share d=10 features'),
    (lambda: MultiHeadAttention(12, 6, kv_heads=4), '6 heads cannot share 4 kv_heads'),
    (lambda: sinusoidal(4, 5), 'd must be even'),
    (lambda: rotary(torch.ones(2, 3)), 'turned in pairs'),
    (lambda: FeedForward(4, 8, 'tanh'), 'activation must be relu, gelu or swiglu'),
    (lambda: Transformer(10, 12), 'tied tables need one vocabulary'),
    (lambda: Transformer(10, d=8, positions='none'), 'positions must be sinusoidal or rotary'),
    (lambda: scaled_dot_product_attention(*[torch.ones(2, 3)]*3, mask=[[True]*2]*2),
     'mask must be a tensor of bool'),
    (lambda: scaled_dot_product_attention(*[torch.ones(2, 3)]*3,
                                          mask=torch.ones(3, dtype=torch.bool)),
     'does not fit [2, 2]'),
    (lambda: MultiHeadAttention(8, 2)(torch.ones(2, 3, 7)),
     'x must be a tensor [batch, places, 8], got [2, 3, 7]'),
    (lambda: MultiHeadAttention(8, 2)(torch.ones(3, 8)),
     'x must be a tensor [batch, places, 8], got [3, 8]'),
    (lambda: MultiHeadAttention(8, 2)(torch.ones(2, 3, 8), torch.ones(2, 3, 9)), 'memory must be'),
    (lambda: MultiHeadAttention(8, 2)(torch.ones(2, 3, 8), mask=torch.ones(2, 5, dtype=torch.bool)),
     'give [B,1,S]'),
    (lambda: MultiHeadAttention(8, 2)(torch.ones(2, 3, 8), mask=torch.ones(3, 3)),
     'mask must be a tensor of bool'),
    (lambda: MultiHeadAttention(8, 2)(torch.ones(2, 3, 8), mask=[[True]*3]*3),
     'mask must be a tensor of bool'),
    (lambda: MultiHeadAttention(8, 2)(torch.ones(2, 3, 8), cache={}),
     'cache must be a KVCache(), got dict'),
    (lambda: Transformer(10, d=8, foo=3), "Transformer: no setting 'foo'"),
    (lambda: Block(8, 2, 16, foo=3), "Block: no setting 'foo'"),
    (lambda: copy_attention(MultiHeadAttention(8, 4), nn.MultiheadAttention(8, 2)),
     'num_heads=2, ours 4'),
    (lambda: copy_attention(MultiHeadAttention(8, 2), nn.MultiheadAttention(8, 2, bias=False)),
     'both sides need bias'),
    (lambda: copy_attention(MultiHeadAttention(8, 2), nn.MultiheadAttention(8, 2, kdim=4)),
     'kdim or vdim'),
    (lambda: copy_layer(EncoderLayer(8, 2, 16),
                        nn.TransformerEncoderLayer(8, 2, 16, activation='gelu')), 'activation is'),
    (lambda: copy_layer(EncoderLayer(8, 2, 16, pre=True), nn.TransformerEncoderLayer(8, 2, 16)),
     'norm_first is False'),
    (lambda: copy_layer(EncoderLayer(8, 2, 16), nn.TransformerDecoderLayer(8, 2, 16)), 'norms is'),
    (lambda: beam_search(Transformer(10, d=8, layers=1, heads=2, ff=8), torch.ones(1, 2).long(),
                         beam=0), 'beam must be 1'),
    (lambda: GPT(10, 8, 1, 2)(torch.zeros(5, dtype=torch.long)),
     'GPT: token numbers are a tensor [batch, places]'),
    (lambda: BERT(10, 8, 1, 2, 16)([[1, 2]]), 'BERT: token numbers are a tensor [batch, places]'),
    (lambda: BERT(10, 8, 1, 2, 16)(torch.ones(2, 3).long(), torch.ones(2, 1, 3)),
     'mask must be a tensor [2, 3]'),
    (lambda: GPT(10, 8, 1, 2, context=4, rope=False)(torch.zeros(1, 5, dtype=torch.long)),
     '5 tokens, but positions for 4'),
    (lambda: BERT(10, 8, 1, 2, 16, context=4)(torch.zeros(1, 5, dtype=torch.long)),
     '5 tokens, but positions for 4'),
])
def test_says_what_is_wrong(call, says):
    with pytest.raises((TypeError, ValueError)) as e: call()
    assert says in str(e.value)


@pytest.mark.parametrize('dtype, tol', [(torch.float16, .01), (torch.bfloat16, .05)])
def test_norms_of_large_features_in_16_bits(dtype, tol):
    x = torch.tensor([[300., -500., 800., 20.]])
    for ours, theirs in ((RMSNorm(4), nn.RMSNorm(4, eps=1e-5)), (LayerNorm(4), nn.LayerNorm(4))):
        got = ours.to(dtype)(x.to(dtype))
        assert got.dtype == dtype and torch.allclose(got.float(), theirs(x), atol=tol)


def test_watched_attention_in_16_bits_does_not_overflow():
    q = torch.full((1, 3, 4), 200.).half()
    assert scaled_dot_product_attention(q, q, q).isfinite().all()


def test_a_cache_of_cross_attention_first_still_knows_its_length():
    model, cache = Transformer(12, d=16, layers=2, heads=2, ff=16).eval(), KVCache()
    src, tgt = torch.randint(3, 12, (2, 7)), torch.randint(3, 12, (2, 4))
    memory, mask = model.encode(src)
    model.decoder[0].cross(memory[:, :1], memory, mask, cache) # its 7 places are no progress
    assert cache.length == 0
    parts = [model.decode(t, memory, mask, cache) for t in tgt.split((1, 3), 1)]
    assert torch.allclose(torch.cat(parts, 1), model(src, tgt), atol=1e-5) and cache.length == 4
    with pytest.raises(ValueError, match='start a new KVCache'):
        model.decode(tgt[:1], memory[:1], mask[:1], cache)


def test_frozen_weights_stay_and_odd_schedules_run():
    torch.manual_seed(0)
    model = Transformer(12, d=8, layers=1, heads=2, ff=8)
    frozen = model.encoder[0].attn.q.weight.requires_grad_(False)
    before, batch = frozen.clone(), (torch.randint(3, 12, (2, 3)), torch.tensor([[1, 5, 2]]*2))
    fit_seq2seq(model, [batch], warm=0, cool=0)
    assert torch.equal(frozen, before)
    p = nn.Parameter(torch.ones(3, 3))
    Muon([p]).step()
    assert torch.equal(p, torch.ones(3, 3))
    assert [ramp(i, 4, 2, 2) for i in range(4)] == [.5, 1, 1, .5] and ramp(0, 1, 0, 0) == 1


def test_empty_batches():
    model = Transformer(12, d=8, layers=1, heads=2, ff=8).eval()
    assert pad_rows([]).shape == (0, 0) and pad_rows([[], []]).shape == (2, 0)
    assert len(model.generate(torch.zeros(0, 3, dtype=torch.long))) == 0
    assert MultiHeadAttention(8, 2)(torch.ones(0, 3, 8)).shape == (0, 3, 8)
    assert GPT(10, 8, 1, 2)(torch.zeros(0, 5, dtype=torch.long)).shape == (0, 5, 10)


def test_padding_is_never_written_before_the_end():
    torch.manual_seed(0)
    model = Transformer(8, d=16, layers=1, heads=2, ff=16).eval()
    with torch.no_grad(): model.src.weight[model.pad] *= 9
    for row in model.generate(torch.randint(3, 8, (20, 4)), 12, beam=3).tolist():
        end = row.index(model.eos) if model.eos in row else len(row)
        assert model.pad not in row[:end] and set(row[end + 1:]) <= {model.pad}


def test_masks_on_any_device_and_of_each_head():
    assert causal_mask(3, device='meta').device.type == 'meta'
    assert padding_mask(torch.ones(2, device='meta').long(), 3).device.type == 'meta'
    assert padding_mask([0, 3], 3).sum() == 3 and padding_mask([], 3).shape == (0, 1, 3)
    for bad in ([4], [-1], [2.], [float('nan')], [[1]], [True]):
        with pytest.raises(ValueError, match='whole numbers .* to T = 3'): padding_mask(bad, 3)
    m, x = MultiHeadAttention(8, 2), torch.randn(2, 3, 8)
    assert torch.allclose(m(x, mask=torch.ones(2, 2, 3, 3, dtype=torch.bool)), m(x), atol=1e-6)
