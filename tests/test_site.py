"""The built site in _docs/: links, weight, pictures, sources, claims; and every page in a browser, wide and narrow, light and dark."""
import html, json, os, re, subprocess, sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit
import pytest
from conftest import ROOT
import nbfilter, partials, weight
from browser import open_page
from lift import lifted, relink
from notebooks import NBS, chapters, ledger

OUT = ROOT/'_docs'
PAGES = sorted(p.name for p in OUT.glob('*.html'))
LIMIT = int(os.environ.get('WALKDL_PAGE_KB', 500))  # kB a page, without live models
VIEWS = {'wide': (1280, 900), 'phone': (360, 740)}


class Page(HTMLParser):
    "Links, anchors and pictures of a page"
    def __init__(self, path):
        super().__init__()
        self.links, self.ids, self.images = [], set(), []
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if 'id' in a: self.ids.add(a['id'])
        if tag == 'img': self.images.append(a)
        if tag in ('a', 'link', 'img', 'script') and (url := a.get('href') or a.get('src')): self.links.append((tag, url))


@pytest.fixture(scope='module')
def site():
    assert PAGES, 'no page in _docs/: run `make site` first'
    return {name: Page(OUT/name) for name in PAGES}


# ---------- the pages as files

def test_every_notebook_has_its_page_and_its_place(site):
    names = {re.sub(r'^\d+[a-z]?_', '', p.stem) + '.html' for p in chapters()}
    assert names <= set(PAGES)
    assert not (OUT/'nbs').exists() and not [p for p in PAGES if p[0].isdigit()]
    side = re.search(r'<nav id="quarto-sidebar".*?</nav>', (OUT/'index.html').read_text(encoding='utf-8'), re.S)[0]
    assert not [n for n in names if f'href="{n}"' not in side and f'href="./{n}"' not in side], 'in no part of the sidebar of _quarto.yml'


@pytest.mark.parametrize('name', PAGES)
def test_links_resolve(name, site):
    bad = []
    for tag, url in site[name].links:
        u = urlsplit(url)
        if u.scheme or url.startswith('//'):
            if tag != 'a': bad.append(f'{url} is on another host')
            continue
        target = (OUT/name if not u.path else OUT/unquote(u.path)).resolve()
        if target.is_dir(): target = target/'index.html'
        if not target.exists(): bad.append(f'{url} does not exist')
        elif u.fragment and target.suffix == '.html' and target.name in site and unquote(u.fragment) not in site[target.name].ids and not u.fragment.startswith('demo'):
            bad.append(f'{url}: {target.name} has no such anchor')
    assert not bad, '\n'.join(bad)


def test_search_llms_and_sitemap_name_pages_that_exist(site):
    for entry in json.loads((OUT/'search.json').read_text(encoding='utf-8')):
        path, _, anchor = entry['href'].partition('#')
        assert path in site and (not anchor or anchor in site[path].ids), entry['href']
    base = nbfilter.settings()['doc_host'] + nbfilter.settings()['doc_baseurl'] + '/'
    urls = re.findall(re.escape(base) + r'([^)\s<]+)', (OUT/'llms.txt').read_text() + (OUT/'sitemap.xml').read_text())
    assert urls and not [u for u in urls if not (OUT/u).exists()]


@pytest.mark.parametrize('name', PAGES)
def test_every_picture_says_what_is_to_be_seen(name, site):
    bad = [i.get('src') for i in site[name].images if len(i.get('alt') or '') < 10]
    assert not bad, f'without a description (give the cell `#| fig-alt: "…"`): {bad}'


@pytest.mark.parametrize('name', PAGES)
def test_weight(name):
    sheet = weight.weigh(OUT)[name]
    assert sheet['demo'] or sheet['kb'] <= LIMIT, f'{name} transfers {sheet["kb"]} kB'


def test_claims_page_lists_every_claim():
    page = html.unescape(re.sub(r'<[^>]+>', '', (OUT/'claims.html').read_text(encoding='utf-8')))
    claims = [r['text'] for p in chapters() for r in ledger(p) if r['kind'] == 'claim' and r.get('text')]
    assert claims and not [c for c in claims if c not in page]


def test_maths_is_set_without_a_script():
    for name in PAGES:
        text = (OUT/name).read_text(encoding='utf-8')
        assert not re.search(r'class="math (inline|display)">\\', text), f'{name} shows raw TeX: no katex in node_modules?'
        assert 'katex-error' not in text and 'color:#cc0000' not in text, f'{name} has a formula that KaTeX cannot read'


# ---------- the map of sources

def test_sources_name_what_exists(): assert partials.source_faults() == []


@pytest.mark.parametrize('false, says', [
    (dict(anchor='no-such-heading'), 'no heading #no-such-heading'), (dict(anchor=''), 'no anchor'), (dict(chapter='nowhere'), "no chapter 'nowhere'"),
    (dict(claim='a claim that nobody makes'), 'makes no claim'), (dict(status='done'), 'status'), (dict(lecture='other'), 'unknown lecture'),
    (dict(status='planned', chapter='nowhere'), 'is planned')])
def test_a_false_source_is_caught(false, says):
    true = dict(lecture='walk', item='planted', chapter='core', anchor='claims', claim='', status='covered')
    assert partials.source_faults([true]) == []
    assert [f for f in partials.source_faults([true | false]) if says in f]


def test_all_five_lectures_are_in_the_map():
    rows = partials.sources()
    assert {r['lecture'] for r in rows} == set(partials.NAMES) and len({(r['lecture'], r['item']) for r in rows}) == len(rows) >= 300


def test_a_new_chapter_finds_its_place_in_the_sidebar():
    import importlib.util
    spec = importlib.util.spec_from_file_location('site_tool', ROOT/'tools'/'site.py'); tool = importlib.util.module_from_spec(spec); spec.loader.exec_module(tool)
    text = '          - {href: nbs/00_core.ipynb, text: "Core"}\n          - {text: "Data"}  # 01_data\n          - {text: "MLP"}  # 12_mlp\n'
    new = tool.sidebar(text, {'00_core', '01_data', '01b_more', '10_first'}, str.upper)
    assert re.findall(r'text: "(\w+)"', new) == ['Core', 'Data', '01B_MORE', '10_FIRST', 'MLP'] and 'href: nbs/01_data.ipynb' in new and tool.sidebar(new, {'00_core', '01_data', '01b_more', '10_first'}, str.upper) == new


# ---------- the filter and the lifting

def test_filter():
    code = lambda src, **data: {'cell_type': 'code', 'metadata': {}, 'execution_count': None, 'source': src, 'outputs': [{'output_type': 'display_data', 'metadata': {}, 'data': data}] if data else []}
    words = lambda src: {'cell_type': 'markdown', 'metadata': {}, 'source': src}
    nb = {'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': [
        words('# A title\n\n> The promise.\n\n*1 min to read*\n\nFirst words.'), code('#| default_exp core'), code('#| hide\nsecret = 1'),
        code('#| export\ndef plumb(x): return x'), code('#| exports\n#| slow\nlesson = 1'), code('#| timing: true\n#| fig-alt: "A line"\nplot()', **{'text/html': 'x', 'application/vnd.walkdl.claim+json': {}}),
        words('See [this](00_core.ipynb), [that](99_never.ipynb) and [@feller1968]; `[@feller1968]` stays.')]}
    cells = nbfilter.page(nb, '00_core.ipynb', NBS)['cells']
    text = '\n'.join(c['source'] for c in cells)
    assert cells[0]['source'] == '---\ntitle: "A title"\ndescription: "The promise."\n---\n'
    assert 'secret' not in text and 'default_exp' not in text and 'chapter-links' in text and '1 min to read' in text
    assert '#| code-fold: true\n#| code-summary: "Source: plumb"\ndef plumb' in text and '\nlesson = 1' in text and '#| slow' not in text and '#| exports' not in text
    shown = next(c for c in cells if 'plot()' in c['source'])
    assert shown['source'].startswith('#| fig-alt: "A line"\n') and list(shown['outputs'][0]['data']) == ['text/html'] and 'last run' in str(shown['outputs'][1])
    assert '[this](00_core.ipynb), that and ([Feller 1968](references.qmd#ref-feller1968)); `[@feller1968]` stays.' in text


@pytest.mark.parametrize('path', chapters(), ids=lambda p: p.stem)
def test_filter_as_quarto_calls_it(path):
    "JSON in, JSON out, in the notebook's folder; the notebook's name is found again"
    run = subprocess.run([sys.executable, '../tools/nbfilter.py'], cwd=NBS, input=path.read_text(encoding='utf-8'), capture_output=True, text=True, encoding='utf-8')
    assert run.returncode == 0, run.stderr
    assert path.stem == 'index' or f'notebooks/{path.name}' in run.stdout


@pytest.mark.parametrize('old, new', [('nbs/11_perceptron.html', 'perceptron.html'), ('nbs/index.html', 'index.html'), ('nbs/20_cnns_files/figure-html/1.png', 'cnns_files/figure-html/1.png'),
    ('nbs/20_cnns.llms.md', 'cnns.llms.md'), ('nbs/demos/base.js', 'demos/base.js'), ('site_libs/a.css', 'site_libs/a.css')])
def test_lifted(old, new): assert lifted(old) == new


@pytest.mark.parametrize('url, new', [('20_cnns.html#conv', 'cnns.html#conv'), ('../site_libs/a.css', 'site_libs/a.css'), ('../', './'), ('#here', '#here'), ('https://x.org/a', 'https://x.org/a'),
    ('./index.html', 'index.html'), ('demos/base.js', 'demos/base.js'), ('11_perceptron_files/1.png', 'perceptron_files/1.png')])
def test_relinked(url, new): assert relink(url, 'nbs/11_perceptron.html') == new


QUARTO = """<!DOCTYPE html><html><head><meta name="quarto:offset" content="../"><link href="../site_libs/bootstrap/bootstrap-1.min.css" rel="stylesheet">
<script src="https://cdn.example.org/npm/katex@0.16/dist/katex.min.js" type="text/javascript"></script>
<script>document.addEventListener("DOMContentLoaded", function () { katex.render(a, b); });</script>
<link rel="stylesheet" href="https://cdn.example.org/npm/katex@0.16/dist/katex.min.css"></head><body class="docked">
<nav id="quarto-sidebar"><ul><li class="sidebar-item"><div class="sidebar-item-container"><a href="../nbs/00_core.html" class="sidebar-item-text sidebar-link">Core</a></div></li>
<li class="sidebar-item">
 <span class="menu-text">Data</span>
</li></ul></nav><main><p>So <span class="math inline">x^2 &lt; 1</span>.</p><img src="11_perceptron_files/figure-html/cell-2-output-1.png" class="img-fluid figure-img" alt="A line"></main></body></html>"""

def test_what_quarto_renders_is_lifted_too(tmp_path):
    "Quarto's markup, as its templates write it: planned chapters, KaTeX from a network, figures in files"
    from PIL import Image
    import lift
    (tmp_path/'nbs/11_perceptron_files/figure-html').mkdir(parents=True); (tmp_path/'site_libs/bootstrap').mkdir(parents=True)
    Image.new('RGBA', (30, 20)).save(tmp_path/'nbs/11_perceptron_files/figure-html/cell-2-output-1.png')
    (tmp_path/'nbs/11_perceptron.html').write_text(QUARTO); (tmp_path/'nbs/00_core.html').write_text(QUARTO)
    (tmp_path/'site_libs/bootstrap/bootstrap-1.min.css').write_text('.docked{color:red}.never-used,.docked .also-not{color:blue}@media print{.docked{color:black}}')
    (tmp_path/'search.json').write_text(json.dumps([{'objectID': 'nbs/11_perceptron.html#a', 'href': 'nbs/11_perceptron.html#a', 'title': 'P'}]))
    lift.lift(tmp_path, 'https://walk.example.org')
    page = (tmp_path/'perceptron.html').read_text()
    assert 'cdn.example.org' not in page and 'katex.render' not in page and 'class="katex"' in page and 'site_libs/katex/katex.css' in page
    assert 'content="./"' in page and 'href="site_libs/bootstrap/bootstrap-1.min.css"' in page and 'href="core.html"' in page
    assert '<span class="planned"><span class="menu-text">Data</span></span>' in page
    assert re.search(r'<img width="30" height="20" src="perceptron_files/01.png" class="plot img-fluid', page.replace(' loading="lazy"', '')) and (tmp_path/'perceptron_files/01.png').exists()
    assert (tmp_path/'site_libs/bootstrap/bootstrap-1.min.css').read_text() == '.docked{color:red}@media print{.docked{color:black}}'
    assert json.loads((tmp_path/'search.json').read_text())[0]['href'] == 'perceptron.html#a' and not (tmp_path/'nbs').exists()


# ---------- every page in a browser

@pytest.fixture(scope='module')
def served():
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *a): pass
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(OUT)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()


@pytest.fixture(scope='module')
def axe():
    path = ROOT/'node_modules'/'axe-core'/'axe.min.js'
    assert path.exists(), 'axe-core is missing: run `npm ci`'
    return path.read_text(encoding='utf-8')


SAME = "['pre.sourceCode', '.cell-output pre', '.claim', '.katex', 'table'].forEach(s => [...document.querySelectorAll(s)].slice(6).forEach(e => e.dataset.same = ''))"
AXE = """o => axe.run({exclude: [['[data-same]']]}, {resultTypes: ['violations'], ...o}).then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => v.id + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')))"""


@pytest.mark.browser
@pytest.mark.parametrize('view', VIEWS)
@pytest.mark.parametrize('name', PAGES)
def test_page_in_a_browser(name, view, served, axe):
    "Light with all of axe's rules, then dark with those on contrast; of blocks that look alike, axe reads the first six"
    width, height = VIEWS[view]
    with open_page(f'{served}/{name}', width=width, height=height) as page:
        page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        page.wait_for_load_state('networkidle')
        kb = page.evaluate("[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((t, e) => t + e.encodedBodySize, 0)")/1000
        assert page.query_selector('walk-demo') or 20 < kb <= LIMIT, f'{name} transfers {kb:.0f} kB'
        page.evaluate(SAME); page.evaluate(axe)
        for theme, rules in (('light', {}), ('dark', {'runOnly': ['color-contrast']})):
            page.emulate_media(color_scheme=theme)
            page.wait_for_function(f"document.documentElement.dataset.bsTheme === '{theme}'")
            wide = page.evaluate('document.documentElement.scrollWidth')
            assert wide <= width, f'{theme}: the page is {wide} px wide'
            assert not (faults := page.evaluate(AXE, rules)), theme + ': ' + '\n'.join(faults)


@pytest.mark.browser
def test_search_theme_filter_and_menu(served):
    with open_page(f'{served}/claims.html', width=360, height=740) as page:
        rows = page.locator('#claims tbody tr:visible')
        before = rows.count()
        page.locator('.ledger-filter input').fill('coin')
        assert 0 < rows.count() < before
        page.locator('.quarto-btn-toggle').click()
        page.locator('.quarto-color-scheme-toggle').first.click()
        page.wait_for_function("document.documentElement.dataset.bsTheme === 'dark'")
        page.locator('#quarto-search input').fill('many seeds')
        page.locator('.search-result').first.click()
        page.wait_for_url(lambda url: 'claims.html' not in url)
        page.wait_for_function("document.documentElement.dataset.bsTheme === 'dark'")      # the choice is remembered


@pytest.mark.browser
def test_parts_open_by_keyboard(served):
    with open_page(f'{served}/core.html', width=1280) as page:
        part = page.locator('button.sidebar-part', has_text='Sanity')
        part.focus(); page.keyboard.press('Enter')
        assert part.get_attribute('aria-expanded') == 'true' and page.get_by_text('Poisoning', exact=True).is_visible()
