"""Story and code: what folds, what stays open, how much of a page code takes; presenting."""
import ast, base64, io, json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
import lift, nbfilter
from browser import open_page
from markup import name as short_name
from notebooks import NBS, chapters, read, source, tree
from walkdl import core
from walkdl.core import C
from weight import has, parse

OUT = ROOT/'_docs'
CHAPTERS = [p for p in chapters() if p.stem != 'index']
IDS = dict(argvalues=CHAPTERS, ids=lambda p: p.stem)


# ---------- what a cell is

def code(text, **data):
    outputs = [{'output_type': 'display_data', 'data': data}] if data else []
    return {'cell_type': 'code', 'metadata': {}, 'source': text, 'outputs': outputs}

def words(text): return {'cell_type': 'markdown', 'metadata': {}, 'source': text}


def lines(*cells):
    "What the page says over each code cell, None where the cell is open"
    nb = {'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': [words('# T'), *cells]}
    shown = [source(c) for c in nbfilter.page(nb, '20_cnns.ipynb', NBS)['cells']
             if c['cell_type'] == 'code']
    told = [nbfilter.options(text)[0].get('code-summary') for text in shown]
    return [json.loads(line) if line else None for line in told]


@pytest.mark.parametrize('text, says', [
    ('import torch\nfrom walkdl.core import claim', '2 lines: imports'),
    ('fig, ax = plt.subplots()\nax.plot([1, 2])', '2 lines: how it is drawn'),
    ('for a in (1, 2): plt.plot(a)\nplt.title("t")', '2 lines: how it is drawn'),
    ('test_eq(1, 1)\nassert True', '2 lines: how it is checked'),
    ('a = 3\nclaim("It is {}", a, equals=3)', '2 lines: how it is checked'),
    ('ax.plot(x)\ntest_eq(1, 1)', '2 lines: how it is drawn and checked'),
    ('Demo("kernel")', '1 line: the live model'),
    ('#| export\ndef f(x): return x', '1 line: f'),
    ('#| fold true\n1 + 1', '1 line: how it is computed'),
    ('#| fold false\nplt.plot([1])', None), ('2 + 2', None), ('x = torch.ones(3)\nx.sum()', None),
    ('def f(x): return 2*x', None)])
def test_the_syntax_tree_tells_what_folds(text, says): assert lines(code(text)) == [says]


def test_what_is_read_below_is_no_plumbing():
    kept = 'best = fit()\nclaim("It is {}", best, at_least=1)'
    assert lines(code(kept), words('So.'), code('best.size')) == [None, None]
    assert lines(code(kept), words('So.'), code('best = 2\nbest')) == [
        '2 lines: how it is checked', None]


def test_neighbours_share_a_line_and_one_of_them_stays_open():
    long = 'def f(x):\n' + '    x = x + 1\n'*20 + '    return x'
    run = code(long), code('test_eq(f(1), 21)'), code('f(2)', **{'text/plain': '22'})
    assert lines(*run) == ['23 lines: f; how it is checked']*2 + [None]
    two = code('#| exports\ndef g(x): return x'), code('g(1)')
    assert lines(*two) == [None]


def test_the_end_of_a_cell_folds_where_it_only_draws():
    text = 'net = fit()\nfig, ax = plt.subplots()\nax.plot(net)\nax.set(xlabel="x")'
    assert lines(code(text), words('So.'), code('net')) == [None, '3 lines: how it is drawn', None]


def test_an_unrun_cell_says_so_in_both_views():
    cell = code("#| slow\nrepeat('cnns/half_plain', run, of='trainings')")
    assert lines(cell) == ['1 line: not run in the lesson: repeats the training over 5 seeds']
    nb = {'cells': [words('# T'), cell]}
    assert 'Not run in the lesson' in str(nbfilter.page(nb, '20_cnns.ipynb', NBS)['cells'][-1])


def test_a_note_goes_to_the_margin():
    text = nbfilter.markdown('One.\n\n> **Note.** It is\n> $x$.\n\nTwo.', NBS)
    assert text == 'One.\n\n::: {.column-margin role="note"}\nIt is\n$x$.\n:::\n\nTwo.'
    assert nbfilter.markdown('> A quotation.', NBS) == '> A quotation.'


# ---------- the pages

@pytest.mark.parametrize('path', **IDS)
def test_no_two_open_cells_without_a_sentence(path):
    page = parse(OUT/f'{short_name(path)}.html')
    scaffold = f'{has("code-copy-outer-scaffold")}'
    for cell in page.xpath(f'//main//div[{has("cell")}][./div[{scaffold}]]'):
        after = cell.getnext()
        if after is None or 'cell' not in after.classes: continue
        assert not after.xpath(f'./div[{scaffold}]'), after.get('id')


@pytest.mark.parametrize('path', **IDS)
def test_a_folded_piece_knows_its_cell(path):
    page = parse(OUT/f'{short_name(path)}.html')
    ids = page.xpath('//@id')
    assert set(page.xpath('//@data-cell')) <= set(ids) and len(ids) == len(set(ids))
    assert not page.xpath('//details[@open][contains(@class, "code-fold")]')


def test_the_names_of_cells_stay_when_a_cell_is_put_in_elsewhere():
    def labels(*extra):
        cells = [words('# T'), *extra, words('## A part'), code('1 + 1'), words('And.'), code('2')]
        shown = nbfilter.page({'cells': cells}, '20_cnns.ipynb', NBS)['cells']
        texts = [source(c) for c in shown if c['cell_type'] == 'code']
        return [nbfilter.options(text)[0]['label'] for text in texts]
    assert labels() == ['code-a-part-1', 'code-a-part-2']
    assert labels(code('0'), words('More.'), code('3'))[-2:] == labels()


def test_punctuation_stays_with_its_formula():
    span = '<span class="math inline">\\(x\\)</span>'
    text = f'<div><p>So ({span}), and {span} too. One more {span}.</p></div>'
    page = lift.html.fromstring(text)
    lift.typeset([page])
    boxes = [' '.join(b.text_content().split()) for b in page.xpath('//span[@class="nobr"]')]
    assert len(boxes) == 2 and boxes[0][0] == '(' and boxes[0].endswith('),')
    assert boxes[1].endswith('.') and page.text_content().startswith('So (')


def test_a_drawing_is_read_and_takes_the_ink_of_the_page():
    for name in ('neuron', 'convolution', 'gan', 'attention', 'transformer'):
        drawn = (NBS/'images'/f'{name}.svg').read_text(encoding='utf-8')
        assert 'currentColor' in drawn and '<desc' in drawn and '<text' in drawn
        assert f'aria-labelledby="{name}-title {name}-desc"' in drawn
    page = parse(OUT/'perceptron.html')
    assert page.xpath('//figure//svg[contains(@class, "drawing")]/title[@id="neuron-title"]')


@pytest.mark.parametrize('path', **IDS)
def test_pictures_stand_in_their_own_size(path):
    "A picture of 144 dots an inch is shown at 96 pixels an inch"
    for img in parse(OUT/f'{short_name(path)}.html').xpath('//figure//img'):
        with Image.open(OUT/img.get('src')) as im:
            assert im.width >= int(img.get('width')), img.get('src')


@pytest.fixture
def style():
    with matplotlib.rc_context():
        core.style()
        yield
        plt.close('all')


def drawn(fig, kind):
    data, size = core._figure(kind, fig) or (None, None)
    return data and Image.open(io.BytesIO(base64.b64decode(data))), size


def on_paper(im):
    paper = Image.new('RGBA', im.size, 'white')
    return np.asarray(Image.alpha_composite(paper, im.convert('RGBA'))).astype(int)


def test_a_plot_keeps_its_colours_in_a_palette(style):
    fig, ax = plt.subplots(figsize=(4, 2))
    for k, color in enumerate(C.cycle): ax.plot(np.arange(9)**k/8**k, color=color)
    kept, size = drawn(fig, 'png')
    fig.savefig(whole := io.BytesIO())
    off = abs(on_paper(kept) - on_paper(Image.open(whole))).max(-1)
    assert (off > 20).mean() < .001 and off.max() < 64
    ink = {'#%02X%02X%02X' % pixel[:3] for _, pixel in kept.convert('RGBA').getcolors(256)}
    assert ink >= set(C.cycle)
    assert kept.mode == 'P' and abs(size['width'] - kept.width*96/144) <= 1
    assert drawn(fig, 'jpeg') == (None, None)


def test_a_photograph_is_kept_as_jpeg(style):
    fig, ax = plt.subplots(facecolor='white')
    ax.imshow(np.random.default_rng(0).random((90, 90, 3)))
    assert drawn(fig, 'jpeg')[0].format == 'JPEG' and drawn(fig, 'png') == (None, None)


COLUMN = 763/96      # inches of a page's column at 1280


def literals(text, name):
    "Numbers that are given under this name in a cell"
    found = [k.value for n in ast.walk(tree(text)) if isinstance(n, ast.Call) for k in n.keywords
             if k.arg == name]
    return [v.value for node in found for v in getattr(node, 'elts', [node])[:1]
            if isinstance(v, ast.Constant)]


@pytest.mark.parametrize('path', **IDS)
def test_labels_are_at_least_nine_pixels_high(path):
    for cell in read(path)['cells']:
        if cell['cell_type'] != 'code': continue
        text = source(cell)
        shrunk = min(1, COLUMN/max(literals(text, 'figsize') or [6.4]))
        small = [pt for pt in literals(text, 'fontsize') if pt*96/72*shrunk < 9]
        assert not small, f'{small} points in:\n{text}'


# ---------- in a browser

@pytest.fixture(scope='module')
def served():
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *a): pass
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(OUT)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()


SHARE = """() => {
    const height = e => e.getBoundingClientRect().height;
    const seen = e => e.checkVisibility() && !e.closest('details:not([open])');
    const main = document.querySelector('main');
    const code = [...main.querySelectorAll('.code-copy-outer-scaffold')].filter(seen);
    const lines = [...main.querySelectorAll('details.code-fold > summary')];
    const sum = [...code, ...lines].reduce((s, e) => s + height(e), 0);
    const cut = e => e.scrollWidth > e.clientWidth + 1;
    return {share: sum/height(main), code: code.length,
            cut: code.map(e => e.querySelector('pre')).filter(cut).map(e => e.textContent),
            maths: [...main.querySelectorAll('.math.display')].filter(cut).length}
}"""


@pytest.mark.browser
@pytest.mark.parametrize('path', **IDS)
def test_code_is_at_most_a_third_of_the_story(path, served):
    with open_page(f'{served}/{short_name(path)}.html', width=1280) as page:
        story_ = page.evaluate(SHARE)
        assert story_['share'] <= 1/3 and not story_['maths']
        short = [t for t in story_['cut'] if max(map(len, t.split('\n'))) <= 92]
        assert not short, f'lines of 92 columns are cut at 1280: {short}'
        page.locator('[data-view="code"]').click()
        assert page.evaluate(SHARE)['code'] >= story_['code'] and page.url.endswith('?code')


@pytest.mark.browser
def test_story_and_code_are_remembered_and_in_the_address(served):
    with open_page(f'{served}/gans.html', width=1280) as page:
        folds = page.locator('.cells > details.code-fold')
        view = lambda: page.evaluate('document.documentElement.dataset.view')
        assert view() == 'story' and folds.first.is_visible()
        page.locator('[data-view="code"]').click()
        assert not page.locator('.cells > details.code-fold:visible').count()
        assert page.locator('.unrun-note').first.is_visible()
        page.wait_for_load_state('networkidle')
        page.goto(f'{served}/cnns.html', wait_until='networkidle')
        assert view() == 'code'
        page.goto(f'{served}/cnns.html?story', wait_until='networkidle')
        assert view() == 'story'
        cell = folds.nth(1).locator('[data-cell]').first.get_attribute('data-cell')
        page.goto(f'{served}/cnns.html?story#{cell}')
        assert page.locator(f'[data-cell="{cell}"]').is_visible()


@pytest.mark.browser
def test_without_a_script_folds_open_by_themselves(served):
    with open_page(f'{served}/gans.html', width=1280, java_script_enabled=False) as page:
        fold = page.locator('.cells > details.code-fold').first
        fold.locator('summary').click()
        assert fold.locator('pre').first.is_visible()
        assert not page.locator('.views').is_visible()


@pytest.mark.browser
def test_presenting_by_keys(served):
    with open_page(f'{served}/cnns.html?present', width=1280, height=720) as page:
        shown = lambda: page.locator('main :is(h1, h2, h3):visible').first.text_content()
        count = page.locator('.present-bar output')
        assert shown() == 'Convolutional networks' and count.text_content().startswith('1 of')
        page.keyboard.press('ArrowRight')
        assert shown() == 'A picture and its ruins'
        assert page.url.endswith('?present#a-picture-and-its-ruins')
        assert not page.locator('main pre.sourceCode:visible').count()
        page.keyboard.press('c')
        assert page.locator('main pre.sourceCode:visible').count()
        few = page.locator('main p:visible').count()
        page.keyboard.press('n')
        assert page.locator('main p:visible').count() > few
        for _ in range(20): page.keyboard.press('Space')
        assert not count.text_content().startswith('2 of')
        page.reload()
        assert not count.text_content().startswith('1 of')
        page.keyboard.press('Escape')
        assert '?present' not in page.url and page.locator('#quarto-sidebar').is_visible()


@pytest.mark.browser
def test_contents_where_there_is_no_margin(served):
    with open_page(f'{served}/cnns.html', width=820) as page:
        fold = page.locator('details.contents')
        fold.locator('summary').click()
        fold.get_by_text('Exercises', exact=True).click()
        assert page.url.endswith('#exercises')
