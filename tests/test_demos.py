"""The live models: what Python exports, and what the page does by mouse, keyboard and link."""
import contextlib, io, json, os, re, subprocess, sys, urllib.error, urllib.request

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from torch import nn

from browser import answer, code, colors, demo_url, open_page, page_of, phase, settled, state, wake
from conftest import ROOT
from walkdl import demo
from walkdl.demo import Demo, ExportError, export, export_grad, export_step, run_onnx, serve, toy


# ---------------------------------------------------------------- export

def conv_net(act, pool):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), act, pool, nn.Flatten(),
                         nn.LazyLinear(10))

@pytest.mark.parametrize('act, pool', [(nn.Tanh(), nn.MaxPool2d(2)),
                                       (nn.Sigmoid(), nn.AvgPool2d(2)),
                                       (nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
                                       (nn.GELU(), nn.AvgPool2d(3, 2, 1))],
                         ids=['tanh-max', 'sigmoid-mean', 'relu-max', 'gelu-mean'])
def test_gradient_and_step_of_a_conv_net_equal_torch(tmp_path, act, pool):
    net, x, y = conv_net(act, pool), torch.rand(2, 1, 8, 8), torch.tensor([3, 7])
    net.eval()(x)
    out = run_onnx(export_grad(net, tmp_path/'g.onnx', x, y).path,
                   dict(x=x, target=F.one_hot(y, 10).float()))
    leaf = x.clone().requires_grad_()
    F.cross_entropy(net(leaf), y, reduction='sum').backward()
    np.testing.assert_allclose(out['grad'], leaf.grad, atol=1e-5)
    if isinstance(act, nn.ReLU):
        done = export_step(net, tmp_path/'s.onnx', x, y, lr=.1)
        ps = {k: p.detach() for k, p in net.named_parameters()}
        out = run_onnx(done.path,
                       dict(x=x, target=F.one_hot(y, 10).float(), lr=np.float32(.1), **ps))
        net.zero_grad()
        F.cross_entropy(net(x), y).backward()
        torch.optim.SGD(net.parameters(), lr=.1).step()
        for k, p in net.named_parameters():
            np.testing.assert_allclose(out['new.' + k], p.detach(), atol=1e-5)

sizes = st.integers(1, 3)
@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 3), size=st.integers(7, 10), k=sizes, stride=sizes, pad=st.integers(0, 2),
       dil=st.integers(1, 2), groups=st.sampled_from([1, 2, 4]), b=sizes, seed=st.integers(0, 99))
def test_conv_backward_is_torchs_for_any_shape(n, size, k, stride, pad, dil, groups, b, seed):
    g = torch.Generator().manual_seed(seed)
    x, w = torch.randn(b, 4, *[size]*n, generator=g), torch.randn(8, 4//groups, *[k]*n, generator=g)
    how = ([stride]*n, [pad]*n, [dil]*n, False, [0]*n, groups)
    grad = torch.randn(torch.ops.aten.convolution(x, w, None, *how).shape, generator=g)
    args = (grad, x, w, [8], *how, [True]*3)
    for mine, theirs in zip(demo.conv_backward(*args), torch.ops.aten.convolution_backward(*args)):
        torch.testing.assert_close(mine, theirs, atol=2e-3, rtol=1e-4)

def test_layers_parameters_and_batch_size(tmp_path):
    net, x = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)), torch.randn(1, 2)
    done = export(net, tmp_path/'n.onnx', x, layers={'hidden': '1'}, params=True)
    assert done.outputs == ['hidden', 'logits'] and done.inputs[0] == 'x'
    other, more = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)), torch.randn(7, 2)
    out = run_onnx(done.path, dict(x=more, **dict(other.named_parameters())))
    np.testing.assert_allclose(out['logits'], other(more).detach(), atol=1e-6)
    np.testing.assert_allclose(out['hidden'], other[:2](more).detach(), atol=1e-6)

class Two(nn.Module):
    def __init__(self, kind): super().__init__(); self.kind = kind
    def forward(self, x): return dict(a=x + 1, b=x*2) if self.kind is dict else (x + 1, x*2)

def test_several_outputs(tmp_path):
    x = torch.randn(2, 3)
    assert export(Two(dict), tmp_path/'d.onnx', x).outputs == ['a', 'b']
    assert export(Two(tuple), tmp_path/'t.onnx', x, outputs=['p', 'q']).outputs == ['p', 'q']
    with pytest.raises(ExportError, match='2 outputs; name them'):
        export(Two(tuple), tmp_path/'no.onnx', x)
    with pytest.raises(ExportError, match='1 names for 2 outputs'):
        export(Two(tuple), tmp_path/'no.onnx', x, outputs=['p'])

def test_the_same_bytes_in_another_process_and_no_trace_of_the_machine(tmp_path):
    code = ('import sys, torch; from torch import nn; from walkdl.demo import *; '
            'torch.manual_seed(0); X, y = toy(); '
            'export_step(nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)), '
            'sys.argv[1], X, y)')
    data = []
    for name in ('here.onnx', 'there.onnx'):
        if name[0] == 'h':
            torch.manual_seed(0)
            export_step(nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)), tmp_path/name,
                        *toy())
        else:
            subprocess.run([sys.executable, '-W', 'ignore', '-c', code, str(tmp_path/name)],
                           check=True, capture_output=True, cwd=tmp_path,
                           env=os.environ | {'PYTHONPATH': str(ROOT)})
        data.append((tmp_path/name).read_bytes())
    assert data[0] == data[1]
    assert not re.search(rb'[/\\](home|root|Users|usr|tmp|site-packages)[/\\]|\+cpu|\+cu', data[0])

class Odd(nn.Module):
    def forward(self, x): return torch.special.bessel_j0(x)
class Lies(nn.Module):
    def forward(self, x): return x + float(torch.compiler.is_exporting())

X, y = toy()
line = nn.Linear(2, 3)
BAD = {
    'training mode, its Dropout': lambda p: export(nn.Sequential(line, nn.Dropout()), p, X),
    'training mode, its BatchNorm': lambda p: export_step(nn.Sequential(line, nn.BatchNorm1d(3)), p,
                                                          X, y),
    r'does not accept x of shape \[150, 5\]': lambda p: export(line, p, torch.rand(150, 5)),
    r'target is \[149\], the model gives \[150, 3\]': lambda p: export_grad(line, p, X, y[:-1]),
    r'class number in 0 … 2': lambda p: export_step(line, p, X, y + 1),
    'opset is 11; .* 18 to 23': lambda p: export(line, p, X, opset=11),
    'no form for the operation prims.bessel_j0': lambda p: export(Odd(), p, X),
    "differ by 1 in 'logits', more than 0.0001; "
    "nothing was written": lambda p: export(Lies(), p, X),
    'transposed convolution': lambda p: export_grad(
        nn.Sequential(nn.ConvTranspose1d(2, 3, 1), nn.Flatten()),
        p, torch.rand(2, 2, 1), torch.tensor([0, 1])),
}
@pytest.mark.parametrize('said', BAD)
def test_a_bad_export_says_what_is_wrong_and_leaves_nothing(tmp_path, said):
    old = tmp_path/'old.onnx'
    old.write_bytes(b'old')
    with pytest.raises(ExportError, match=said): BAD[said](old)
    assert [p.name for p in tmp_path.iterdir()] == ['old.onnx'] and old.read_bytes() == b'old'


# ---------------------------------------------------------------- Demo and its server

def test_importing_demo_is_quick():
    code = ('import sys, walkdl.demo; print([m for m in ("torch", "onnx", "onnxruntime", "numpy", '
            '"pandas") if m in sys.modules])')
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                          cwd=ROOT).stdout.strip() == '[]'

def test_html_of_a_demo(monkeypatch):
    monkeypatch.setenv('WALKDL_RUN', '1')
    d = Demo('train', lr=torch.tensor(.5), data="<'&\"")
    html = d._repr_mimebundle_()['text/html']
    assert html == Demo('train', lr=.5, data="<'&\"")._repr_mimebundle_()['text/html']
    raw = re.search(r"state='([^']*)'", html)[1]
    import html as h
    assert '<' not in raw and json.loads(h.unescape(raw)) == dict(lr=.5, data="<'&\"")
    assert 'src="demos/base.js"' in html
    with pytest.raises(ValueError, match="no live model named 'trian'; did you mean 'train'"):
        Demo('trian')
    with pytest.raises(TypeError, match='lr is a function'): Demo('train', lr=lambda: 0)
    with pytest.raises(TypeError, match='nan'): Demo('train', lr=float('nan'))

def test_the_server_gives_demos_and_nothing_else():
    base = serve()
    assert base.startswith('http://127.0.0.1:') and serve() is base
    assert b'customElements' in urllib.request.urlopen(base + 'base.js').read()
    for path in ('../02_demo.ipynb', '..%2f..%2fsettings.ini', 'ort/../../package.json', '',
                 'show/nothing', 'show/train?{', 'models/'):
        with pytest.raises(urllib.error.HTTPError, match='404'): urllib.request.urlopen(base + path)

def test_in_a_live_kernel_there_is_a_frame(monkeypatch):
    monkeypatch.setattr(demo, '_in_jupyter', lambda: True)
    html = Demo('train', lr=.1)._repr_mimebundle_()['text/html']
    url = re.search(r' src="([^"]+)"', html)[1]
    assert '<walk-demo name="train"' in urllib.request.urlopen(url).read().decode()


@pytest.mark.browser
@pytest.mark.parametrize('reached', [True, False])
def test_a_window_that_does_not_reach_the_server_says_what_to_do(monkeypatch, tmp_path, reached):
    html = Demo('perceptron').live()
    if not reached: html = html.replace(' src="http', ' data-src="http')
    (tmp_path/'cell.html').write_text(f'<!doctype html><meta charset="utf-8">{html}')
    from browser import browser as chrome
    page = chrome().new_context().new_page()
    page.goto((tmp_path/'cell.html').as_uri())
    if reached: page.wait_for_function("document.querySelector('iframe').height !== '640'")
    page.wait_for_timeout(8500)
    assert page.locator('p').is_visible() != reached
    assert 'forward its port' in page.locator('p').text_content()
    page.context.close()


# ---------------------------------------------------------------- in the browser

browser = pytest.mark.browser # BROWSER=0 leaves these out; nothing is ever skipped

DEMOS = sorted(p.stem for p in (ROOT/'nbs'/'demos').glob('*.js')
               if 'export default' in p.read_text(encoding='utf-8'))

def equals_torch(page):
    "The page's lines print the loss and how many points are right"
    with contextlib.redirect_stdout(io.StringIO()) as out: exec(code(page), {})
    loss, right = map(float, out.getvalue().split())
    assert answer(page)['loss'] == pytest.approx(loss, abs=1e-4) and answer(page)['right'] == right

def focus(page): page.locator('canvas[role=application]').focus()

@browser
def test_by_mouse_the_page_trains_what_torch_trains():
    with page_of('train', lr=1) as page:
        for _ in range(12): page.get_by_role('button', name='One step').click()
        box = page.locator('canvas').first.bounding_box()
        page.get_by_role('radio', name='adds a triangle').check()
        page.get_by_role('radio', name='removes').check()
        page.mouse.click(box['x'] + box['width']/2, box['y'] + box['height']/2)
        settled(page)
        assert answer(page)['points'] == 149
        assert answer(page)['steps'] == 12 and state(page)['data'] == 'own'
        page.get_by_role('radio', name='adds a triangle').check()
        page.mouse.click(box['x'] + 5, box['y'] + 5)
        settled(page)
        assert state(page)['pts'][-1] == pytest.approx([-1.025, 1.025, 2], abs=.01)
        equals_torch(page)

@browser
def test_by_keyboard_alone():
    with page_of('train', data='blobs') as page:
        page.get_by_role('radio', name='removes').focus()
        page.keyboard.press('Space')
        focus(page)
        for key in ['ArrowRight']*3 + ['ArrowUp']*2 + ['Space']: page.keyboard.press(key)
        page.get_by_role('radio', name='removes').press('ArrowUp')
        focus(page)
        page.keyboard.press('Enter')
        settled(page)
        assert state(page)['pts'][-1] == pytest.approx([.315, .21, 2], abs=.001)
        assert answer(page)['points'] == 150
        page.get_by_label('seed').press('ArrowRight')
        page.get_by_label('activation').select_option('ReLU')
        step = page.get_by_role('button', name='One step')
        for _ in range(5): step.press('Enter')
        settled(page)
        assert state(page)['seed'] == 1 and answer(page)['steps'] == 5
        equals_torch(page)
        focus(page)
        page.keyboard.press('Delete')
        settled(page)
        assert answer(page)['points'] == 149
        page.wait_for_timeout(700)
        assert '149 points right' in page.get_by_role('status').inner_text()

@browser
def test_train_button_runs_and_rests():
    with page_of('train') as page:
        page.get_by_role('button', name='Train').click()
        page.wait_for_function("document.querySelector('walk-demo').ui.state.steps >= 40")
        page.get_by_role('button', name='Pause').click()
        settled(page)
        rest = state(page)['steps']
        page.wait_for_timeout(300)
        assert state(page)['steps'] == rest and f'steps={rest}' in page.url
        page.get_by_role('button', name='Reset').click()
        settled(page)
        assert state(page)['steps'] == 0

@browser
def test_a_link_shows_a_friend_the_same():
    with page_of('train') as page:
        page.get_by_label('points', exact=True).select_option('two classes, crossed (xor)')
        page.get_by_label('learning rate').press('ArrowRight')
        for _ in range(7): page.get_by_role('button', name='One step').click()
        settled(page)
        page.get_by_role('button', name='Copy link').click()
        link = page.evaluate('navigator.clipboard.readText()')
        here, told = state(page), answer(page)
    assert link.endswith('#train:data=xor;lr=1;steps=7')
    with open_page(link) as page:
        settled(page)
        assert state(page) == here and answer(page) == told

@browser
@pytest.mark.parametrize('bad', ['#train:lr=[1]', '#train:nothing=1', '#train:lr=%7B', '#train:',
                                 '#train:steps=null;seed="x"', '#train'])
def test_a_broken_link_changes_nothing(bad):
    with page_of('train', hash=bad) as page:
        assert state(page) == {**state(page), 'lr': .3, 'steps': 0, 'seed': 0}

@browser
def test_a_link_cannot_smuggle_code():
    evil = '");import os#'
    with page_of('train', hash=f'#train:data={urllib.request.quote(evil)}') as page:
        assert state(page)['data'] == evil and f'toy({json.dumps(evil)})' in code(page)

@browser
def test_two_on_one_page_keep_apart():
    with page_of('train') as page:
        page.evaluate(
            "document.querySelector('main').insertAdjacentHTML('beforeend', "
            "'<walk-demo name=train></walk-demo>')")
        second = page.locator('walk-demo').nth(1)
        second.scroll_into_view_if_needed()
        second.locator('canvas').first.wait_for()
        second.get_by_label('learning rate').press('ArrowRight')
        page.locator('walk-demo').first.get_by_label('seed').press('ArrowRight')
        page.wait_for_function(
            "location.hash.includes('train~2:lr=1') && location.hash.includes('train:seed=1')")
        assert state(page)['lr'] == .3

@browser
def test_the_network_waits_for_the_first_touch():
    with page_of('train', awake=False) as page:
        assert phase(page) == 'touch' and not [u for u in page.asked if 'onnx' in u]
        wake(page)
        settled(page)
        assert sum('onnx.js' in u for u in page.asked) == 1
        assert page.evaluate('crossOriginIsolated') is False

@browser
def test_own_points_and_their_mistakes():
    with page_of('train') as page:
        page.get_by_text('Your own data').click()
        for text, said in (('1, 2', '2 numbers, 3 are wanted'),
                           ('x,y,class\n.1,.2,7', 'Line 2: class 7'),
                           ('a,b,c\n0.1,two,1', '“two” is not a number'),
                           ('', '0 points found'), ('5, 0, 1', 'lies outside'),
                           ('0,0,0\n'*151, 'at most 150')):
            page.get_by_label('Paste points').fill(text)
            page.get_by_role('button', name='Use these').click()
            page.locator('.wd-wrong', has_text=said).wait_for()
        page.get_by_label('Paste points').fill('x,y,class\n-.5, 0, 0\n.5 0 1\n0;.5;2\n# a remark\n')
        page.get_by_role('button', name='Use these').click()
        page.get_by_role('button', name='One step').click()
        settled(page)
        assert answer(page)['points'] == 3 and page.locator('.wd-wrong').inner_text() == ''
        equals_torch(page)

@browser
def test_a_dropped_csv_is_taken():
    with page_of('train') as page:
        page.evaluate("""() => {
            const dataTransfer = new DataTransfer()
            dataTransfer.items.add(new File(['0.5,0.5,1'], 'p.csv', {type: 'text/csv'}))
            const drop = new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true})
            document.querySelector('walk-demo').dispatchEvent(drop)
        }""")
        page.wait_for_function("document.querySelector('walk-demo').ui.answer.points === 1")

@browser
def test_a_photographed_sign_becomes_28_by_28():
    read = """async flip => {
        const {toGrey} = await import('/base.js'), c = document.createElement('canvas');
        c.width = 300; c.height = 200;
        const g = c.getContext('2d'), [paper, ink] = flip ? ['#111', '#ddd'] : ['#ddd', '#111'];
        g.fillStyle = paper; g.fillRect(0, 0, 300, 200);
        g.fillStyle = ink; g.fillRect(20, 30, 20, 120);
        return [...await toGrey(await new Promise(r => c.toBlob(r)))] }"""
    with page_of('train', awake=False) as page:
        dark, light = (np.array(page.evaluate(read, f)).reshape(28, 28) for f in (False, True))
        assert np.abs(dark - light).max() < .15 and dark.max() > .85 and dark[0].max() < .1
        rows, cols = np.nonzero(dark > .4)
        assert rows.max() - rows.min() in (18, 19, 20)
        assert abs(rows.mean() - 13.5) < 1 and abs(cols.mean() - 13.5) < 1
        no = page.evaluate("async () => { const {toGrey} = await import('/base.js'); "
                           "return toGrey(new Blob(['x'])).catch(e => e.message) }")
        assert 'no picture' in no

@browser
def test_theme_follows_the_page_and_the_system():
    with page_of('train') as page:
        light = colors(page)
        page.evaluate("document.documentElement.style.cssText = "
                      "'--bs-body-bg:#101010;--bs-body-color:#eee'; "
                      "document.documentElement.dataset.bsTheme = 'dark'")
        page.wait_for_function("document.querySelector('walk-demo').ui.dark")
        assert colors(page)['paper'] == 'rgb(16,16,16)'
        assert colors(page)['blue'] == light['blue'] == 'rgb(0,114,178)'
    with page_of('train', dark=True) as page:
        assert page.evaluate("document.querySelector('walk-demo').ui.dark")

@browser
@pytest.mark.parametrize('dark', [False, True], ids=['light', 'dark'])
@pytest.mark.parametrize('name', DEMOS)
def test_narrow_and_accessible(name, dark):
    axe = ROOT/'node_modules'/'axe-core'/'axe.min.js'
    assert axe.exists(), 'axe-core is not installed: run npm ci'
    with page_of(name, dark=dark, width=360) as page:
        for fold in page.locator('walk-demo .wd-foot summary').all(): fold.click()
        assert page.evaluate('document.documentElement.scrollWidth') <= 360
        page.add_script_tag(path=str(axe))
        found = page.evaluate("axe.run('walk-demo')")['violations']
        assert not [(v['id'], [n['html'][:90] for n in v['nodes']])
                    for v in found if v['impact'] in ('serious', 'critical')]

@browser
def test_a_module_that_is_not_there_is_named():
    with open_page(serve() + 'show/train', faults=False) as page:
        page.evaluate("document.querySelector('main').innerHTML = '<walk-demo name=nothing>the "
                      "fallback</walk-demo>'")
        page.locator('walk-demo[data-phase=error]').wait_for()
        words = page.locator('walk-demo').inner_text()
        assert 'the fallback' in words and '“nothing” could not be loaded' in words

@browser
def test_less_motion_on_request_is_fewer_pictures_not_fewer_steps():
    with open_page(demo_url('train'), reduced_motion='reduce') as page:
        settled(page, 'ready', 'touch')
        wake(page)
        settled(page)
        pictures = """() => {
            const from = performance.now(), words = document.querySelector('.wd-say');
            const see = () => { seen.add(words.textContent); requestAnimationFrame(see) };
            window.seen = new Set();
            window.most = () => 3 + (performance.now() - from)/500;
            see();
        }"""
        page.evaluate(pictures)
        page.get_by_role('button', name='Train').click()
        page.wait_for_function("document.querySelector('walk-demo').ui.state.steps >= 900")
        page.get_by_role('button', name='Pause').click()
        settled(page)
        assert page.evaluate('seen.size <= most()')
