"""The built site in _docs/, page by page, as files and in a browser; and the tools that make it.

Quarto is not run here: how it reads a notebook and what it writes are modelled.
"""
import ast, errno, hashlib, importlib, importlib.util, json, os, re, subprocess, sys
from functools import cache
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock
from PIL import Image

from address import site_url
from conftest import ROOT
import answers, lift, nbfilter, plan, reference, sources, weight
from browser import open_page
from claims import KINDS, written
from lift import LiftError, lifted, relink
from markup import name as short_name
from notebooks import LIB, NBS, Trouble, chapters, ledger, mime, module, read
from walkdl.cli import learner_edition
from weight import has, parse

OUT = ROOT/'_docs'
PAGES = sorted(p.name for p in OUT.glob('*.html'))
CHAPTERS = [p for p in chapters() if p.stem != 'index']
NONE = re.compile(r'0 of the \d+ that can be answered here are solved')
LIMIT = int(os.environ.get('WALKDL_PAGE_KB', 500))  # kB a page, without a live model
VIEWS = {'wide': (1280, 900), 'phone': (360, 740)}


@cache
def tree(name): return parse(OUT/name)

@cache
def ids(name): return set(tree(name).xpath('//@id'))

@cache
def sheet(): return weight.weigh(OUT)

def page_of(path): return f'{short_name(path)}.html'

def text_of(element): return ' '.join(element.text_content().split())


def site_tool():
    spec = importlib.util.spec_from_file_location('site_tool', ROOT/'tools'/'site.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


# ---------- the pages as files

def test_every_notebook_has_its_page_and_its_place():
    assert PAGES, 'no page in _docs/: run `make site` first'
    names = {page_of(p) for p in chapters()}
    assert names <= set(PAGES)
    assert not (OUT/'nbs').exists() and not [p for p in PAGES if p[0].isdigit()]
    side = tree('index.html').xpath('//*[@id="quarto-sidebar"]//a/@href')
    assert names <= {a.split('/')[-1] for a in side}, 'in no part of the sidebar of _quarto.yml'


def links(name):
    for el in tree(name).xpath('//a | //link | //img | //script'):
        if url := el.get('href') or el.get('src'): yield el.tag, url


@pytest.mark.parametrize('name', PAGES)
def test_links_resolve(name):
    bad = []
    for tag, url in links(name):
        u = urlsplit(url)
        if u.scheme or url.startswith('//'):
            if tag != 'a': bad.append(f'{url} is on another host')
            continue
        target = (OUT/name if not u.path else OUT/unquote(u.path)).resolve()
        if target.is_dir(): target = target/'index.html'
        if not target.exists(): bad.append(f'{url} does not exist')
        elif u.fragment and target.name in PAGES and not u.fragment.startswith('demo'):
            if unquote(u.fragment) in ids(target.name): continue
            bad.append(f'{url}: {target.name} has no such anchor')
    assert not bad, '\n'.join(bad)


def test_search_llms_and_sitemap_name_pages_that_exist():
    for entry in json.loads((OUT/'search.json').read_text(encoding='utf-8')):
        path, _, anchor = entry['href'].partition('#')
        assert path in PAGES and (not anchor or anchor in ids(path)), entry['href']
    listed = (OUT/'llms.txt').read_text(encoding='utf-8')
    text = listed + (OUT/'sitemap.xml').read_text(encoding='utf-8')
    urls = re.findall(re.escape(site_url()) + r'/([^)\s<]+)', text)
    assert urls and not [u for u in urls if not (OUT/u).exists()]
    places = [listed.index(f'/{short_name(p)}.llms.md') for p in CHAPTERS if p.stem[0] != '0']
    assert places == sorted(places)


@pytest.mark.parametrize('name', PAGES)
def test_every_picture_says_what_is_to_be_seen(name):
    bad = [i.get('src') for i in tree(name).iter('img') if len(i.get('alt') or '') < 10]
    assert not bad, f'without a description (give the cell `#| fig-alt: "…"`): {bad}'


@pytest.mark.parametrize('name', PAGES)
def test_weight(name):
    page = sheet()[name]
    assert page['demo'] or page['kb'] <= LIMIT, f'{name} transfers {page["kb"]} kB'


def test_maths_is_set_without_a_script():
    for name in PAGES:
        assert not tree(name).xpath(lift.MATH), f'{name} shows raw TeX: no katex in node_modules?'
        unread = f'//*[{has("katex-error")} or contains(@style, "#cc0000")]'
        assert not tree(name).xpath(unread), f'{name} has a formula that KaTeX cannot read'


def test_no_page_of_ours_is_published_twice():
    "Notes of the sources, the checkers and half-made builds stay at home"
    assert not list((OUT/'demos').rglob('*.md'))
    assert not (OUT/'exercises').exists()
    assert not (ROOT/'_docs.new').exists()


# ---------- claims

def rows(kind):
    every = [(p, r) for p in chapters() for r in ledger(p)]
    return [(p, r) for p, r in every if r['kind'] == kind and r.get('text')]


@pytest.mark.parametrize('kind', KINDS)
def test_the_claims_page_keeps_the_kinds_apart(kind):
    shown = tree('claims.html').xpath(f'//*[@id="{kind}-rows"]//tr[@id]/td[1]')
    assert sorted(map(text_of, shown)) == sorted(' '.join(r['text'].split()) for _, r in rows(kind))


def test_rows_have_anchors_that_stay_when_a_number_changes():
    page = tree('claims.html').xpath('//tr/@id')
    assert len(page) == len(set(page))
    from claims import anchored
    path = CHAPTERS[0]
    key = lambda *texts: [k for _, _, k in anchored([(path, {'text': t}) for t in texts])]
    assert key('It reads 97.7 % of digits') == ['core-it-reads-of-digits']
    assert key('It reads 98.1 % of digits') == ['core-it-reads-of-digits']
    assert key('Twice', 'Twice') == ['core-twice', 'core-twice-2']


def test_every_row_leads_to_its_section():
    for a in tree('claims.html').xpath('//tr[@id]/td[last()]/a'):
        page, _, anchor = a.get('href').partition('#')
        assert page in PAGES and (not anchor or anchor in ids(page)), a.get('href')


def test_the_count_of_claims_counts_no_cited_figure():
    said, = tree('claims.html').xpath('//main//p[contains(., "were measured here")]')
    numbers = list(map(int, re.findall(r'\d+', text_of(said).replace(',', ''))))
    assert numbers[:3] == [len(rows(kind)) for kind in ('claim', 'better', 'cited')]
    assert numbers[4] == sum(bool(r.get('loose')) for kind in KINDS for _, r in rows(kind))


@pytest.mark.parametrize('value, says', [
    ('[4, 3, 4]', '4, 3, 4'), ('[[1, 2], [3, 4]]', '1, 2; 3, 4'), ('True', 'yes'),
    ('(0.8949999809265137, 0.5)', '0.895, 0.5'), ('= [1, 2] ± 0.1', '= 1, 2 ± 0.1'),
    ('≥ 97.0%', '≥ 97.0%'), ('31,084', '31,084'), ('f(x) and g(x)', 'f(x) and g(x)'),
    ('[a] and [b]', '[a] and [b]')])
def test_values_are_written_as_a_reader_would(value, says): assert written(value) == says


# ---------- exercises

def exercises(path):
    "What a notebook says of each exercise that has a solution"
    nb = read(path)
    names = dict.fromkeys(n for c in nb['cells'] for n in answers.about(c, nb['cells']))
    return {n: answers.facts(nb['cells'])[n] for n in names}


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_an_exercise_waits_to_be_solved(path):
    "One line each, a place to answer where there can be one, the solution folded, nothing solved"
    page, todo = tree(page_of(path)), exercises(path)
    assert len(page.xpath(f'//*[{has("exercise-line")}]')) == len(todo) >= 3
    given = [json.loads(a.get('data-exercise')) for a in page.xpath('//walk-answer')]
    assert given == [{'name': n} | fact['page'] for n, fact in todo.items() if 'page' in fact]
    for part in page.xpath('//section[@id="exercises"]'):
        assert not part.xpath(f'.//*[{has("exercise")}]')
        assert 'solved' not in NONE.sub('', text_of(part))
        assert not re.search(r'\.rejects\(|def check_', part.text_content())
    assert not page.xpath('//details[summary[contains(., "Solution")]][@open]')


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_the_notebook_of_a_page_is_the_learners(path):
    page = tree(page_of(path))
    colab, mine, _ = page.xpath(f'//p[{has("chapter-links")}]/a')
    assert colab.get('href').endswith(f'/blob/learn/{path.name}')
    assert mine.get('href') == f'notebooks/{path.name}' and 'download' in mine.attrib
    assert read(OUT/'notebooks'/path.name) == learner_edition(read(path))


# ---------- the API page

def patched(mod):
    "(class, method) of each function of a module under @patch"
    body = ast.parse((LIB/f'{mod}.py').read_text(encoding='utf-8')).body
    for f in body:
        marks = [ast.unparse(d) for d in getattr(f, 'decorator_list', ())]
        if not any(re.match(r'patch\b', mark) for mark in marks): continue
        owners = re.findall(r'\w+', ast.unparse(f.args.args[0].annotation))
        yield from ((cls, f.name) for cls in owners)


@pytest.mark.parametrize('mod', [m for p in CHAPTERS if (m := module(p))])
def test_the_api_page_has_every_export_and_every_patched_method(mod):
    m = importlib.import_module(f'walkdl.{mod}')
    names = [n for n in m.__all__ if type(getattr(m, n)).__name__ != 'Exercise']
    assert not [n for n in names if f'{mod}.{n}' not in ids('api.html')]
    assert not [n for n in m.__all__ if n.startswith('check_') and f'{mod}.{n}' in ids('api.html')]
    wanted = [f'{mod}.{cls}.{n}' for cls, n in patched(mod) if cls in names and n[0] != '_']
    assert not [name for name in wanted if name not in ids('api.html')]


def test_the_api_page_shows_a_modules_docstring():
    import walkdl.core
    first = walkdl.core.__doc__.splitlines()[0]
    assert first in text_of(tree('api.html').xpath('//section[@id="core"]/p[2]')[0])


def test_an_inherited_docstring_is_not_an_own_one():
    from walkdl.tokens import FeedForwardLM
    said = reference.entry('FeedForwardLM', FeedForwardLM, 'tokens')
    assert 'Define the computation' not in said and '#### [FeedForwardLM.forward]' in said


def test_a_module_that_does_not_import_is_named(monkeypatch):
    monkeypatch.setattr(reference.importlib, 'import_module', lambda name: 1/0)
    with pytest.raises(Trouble, match='walkdl.core does not import .division by zero'):
        reference.imported('walkdl.core')


def test_an_example_becomes_code():
    said = reference.introduction('What.\n\n>>> f(1)\n2\n\nMore.')
    assert said == 'What.\n\n```python\n>>> f(1)\n2\n```\n\nMore.'


# ---------- the map of sources

def test_sources_name_what_exists(): assert sources.source_faults() == []


@pytest.mark.parametrize('false, says', [
    (dict(anchor='no-such-heading'), 'no heading #no-such-heading'), (dict(anchor=''), 'no anchor'),
    (dict(chapter='nowhere'), "no chapter 'nowhere'"), (dict(status='done'), 'status'),
    (dict(claim='a claim that nobody makes'), 'makes no claim'),
    (dict(lecture='other'), 'unknown lecture'),
    (dict(status='planned', chapter='nowhere'), 'is planned')])
def test_a_false_source_is_caught(false, says):
    true = dict(lecture='walk', item='planted', chapter='core', anchor='claims', claim='',
                status='covered')
    assert sources.source_faults([true]) == []
    assert [f for f in sources.source_faults([true | false]) if says in f]


def test_all_five_lectures_are_in_the_map():
    found = sources.sources()
    assert {r['lecture'] for r in found} == set(sources.LECTURES)
    assert len({(r['lecture'], r['item']) for r in found}) == len(found) >= 300


# ---------- the plan

def test_the_plan_is_whole(): assert plan.faults() == []


def test_a_chapter_without_its_line_is_told_which():
    here = {p.stem for p in CHAPTERS}
    planned = min(plan.planned())
    said = plan.missing(planned, plan.lines(), 'T')
    assert f'# {planned}`' in said and f'href: nbs/{planned}.ipynb' in said
    said = plan.missing('11c_new', plan.lines(), 'T')
    assert said == 'below the line of 11b_descent write `- {href: nbs/11c_new.ipynb, text: "T"}`'
    gone = plan.faults(here - {'00_core'})
    assert any('links nbs/00_core.ipynb, which is not there' in f for f in gone)


def test_the_parts_are_those_of_the_sidebar():
    names = 'Foundations Architectures Applications Trends Sanity Practice'
    assert plan.parts() == dict(zip('123456', names.split())) | {'0': 'How it is made'}


def test_another_address_is_caught(monkeypatch):
    monkeypatch.setattr(plan, 'site_url', lambda: 'https://elsewhere.example')
    assert any('settings.ini makes it https://elsewhere.example' in f for f in plan.faults())


def test_preparing_edits_no_file_of_the_repository():
    ask = dict(cwd=ROOT, capture_output=True, text=True, check=True)
    changed = lambda: subprocess.run(['git', 'diff', '--stat'], **ask).stdout
    before = changed()
    site_tool().prepare()
    assert changed() == before


# ---------- building

@pytest.fixture
def built(tmp_path, monkeypatch):
    "The tool with a last good site and steps that do little"
    tool = site_tool()
    monkeypatch.setattr(tool, 'BUILD', tmp_path/'_build')
    monkeypatch.setattr(tool, 'OUT', tmp_path/'_docs')
    monkeypatch.setattr(tool, 'NEW', tmp_path/'_docs.new')
    for step in ('prepare', 'stage', 'lift'): monkeypatch.setattr(tool, step, lambda *a: None)
    def render(): tool.NEW.mkdir(); (tool.NEW/'index.html').write_text('new')
    monkeypatch.setattr(tool, 'render', render)
    tool.OUT.mkdir(); (tool.OUT/'index.html').write_text('old')
    return tool


def test_a_new_site_takes_the_place_of_the_old_one(built):
    built.main('build')
    assert (built.OUT/'index.html').read_text() == 'new' and not built.NEW.exists()


@pytest.mark.parametrize('fault, says', [
    (Trouble('a chapter has no line'), 'a chapter has no line'),
    (LiftError('no sidebar'), 'no sidebar'), (KeyboardInterrupt(), 'Stopped'),
    (OSError(errno.ENOSPC, 'No space left'), 'disk is full')])
def test_a_failed_build_leaves_the_last_site(built, monkeypatch, fault, says):
    def fail(*a): raise fault
    monkeypatch.setattr(built, 'lift', fail)
    with pytest.raises(SystemExit) as e: built.main('build')
    assert says in str(e.value) and 'as it was' in str(e.value)
    assert (built.OUT/'index.html').read_text() == 'old' and not built.NEW.exists()


def test_a_second_build_waits_for_the_first(built, capsys):
    built.BUILD.mkdir()
    first = FileLock(built.BUILD/'site.lock'); first.acquire()
    second = Thread(target=built.build); second.start(); second.join(.5)
    assert second.is_alive() and (built.OUT/'index.html').read_text() == 'old'
    first.release(); second.join(10)
    assert (built.OUT/'index.html').read_text() == 'new'
    assert 'waits for it' in capsys.readouterr().out


# ---------- the filter

def output(data): return {'output_type': 'display_data', 'metadata': {}, 'data': data}

def code(src, **data):
    return {'cell_type': 'code', 'metadata': {}, 'execution_count': None, 'source': src,
            'outputs': [output(data)] if data else []}

def words(src): return {'cell_type': 'markdown', 'metadata': {}, 'source': src}

def shown(*cells):
    nb = {'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': list(cells)}
    return nbfilter.page(nb, '00_core.ipynb', NBS)['cells']


def test_filter():
    cells = shown(
        words('# A title\n\n> The promise.\n\n*1 s to run*\n\nFirst words.'),
        code('#| default_exp core'), code('#| hide\nsecret = 1'),
        code('#| export\n__doc__ = "What is inside"'), code('#| export\ndef plumb(x): return x'),
        code('#| exports\n#| slow\nlesson = 1'),
        code('#| timing: true\n#| fig-alt: "A line"\nplot()',
             **{'text/html': 'x', mime('claim'): {}}),
        words('See [this](00_core.ipynb), [that](99_never.ipynb), [@feller1968]; '
              '`[@feller1968]` stays.'))
    text = '\n'.join(''.join(c['source']) for c in cells)
    assert cells[0]['source'][1:3] == ['title: "A title"\n', 'description: "The promise."\n']
    assert not re.search('secret|default_exp|__doc__', text)
    assert 'chapter-links' in text
    assert '1 min to read · 1 s to run' in text
    assert '#| code-fold: true\n#| code-summary: "1 line: plumb"\n' in text
    assert '\nlesson = 1' in text and '#| slow' not in text and '#| exports' not in text
    plot = next(c for c in cells if 'plot()' in c['source'])
    assert '#| fig-alt: "A line"\n' in plot['source']
    assert list(plot['outputs'][0]['data']) == ['text/html']
    assert 'last run' in str(plot['outputs'][1])
    feller = '([Feller 1968](references.qmd#ref-feller1968))'
    assert f'[this](00_core.ipynb), that, {feller}; `[@feller1968]` stays.' in text


ROW = mime('exercise')

SOLUTION = '#| code-fold: true\n#| code-summary: "Solution"\n'

def test_an_exercise_is_a_line_above_its_folded_solution():
    page = dict(kind='number', digits=0, salt='s', right=['r'], wrong={}, wants='A number')
    cells = shown(
        words('# T\n\n> P.'), words('### Exercise 1'), code(f'{SOLUTION}x = 5'),
        code('check_x(x)', **{ROW: {'name': 'my five', 'solved': True}}),
        code('#| hide\ncheck_x.rejects(4)',
             **{ROW: dict(name='my five', rejects=5, junk=10, page=page)}),
        words('### Exercise 2'), code(f'{SOLUTION}y = 6'),
        code('check_y(y)\ny + 1') | {'outputs': [
            output({ROW: {'name': 'six', 'solved': True}}), output({'text/plain': '7'})]},
        words('## What a checker says'),
        code('check_z(z)', **{ROW: {'name': 'tried out', 'solved': True}, 'text/html': 'a row'}))
    text = [''.join(c['source']) for c in cells]
    first = next(i for i, t in enumerate(text) if 'id="exercise-my-five"' in t)
    assert text[first + 1].endswith('x = 5')
    assert '<walk-answer' in text[first]
    assert 'refuses 15 wrong answers' in text[first]
    assert '&quot;right&quot;: [&quot;r&quot;]' in text[first]
    assert not any('check_x' in t for t in text)
    second = next(i for i, t in enumerate(text) if 'id="exercise-six"' in t)
    assert 'walkdl learn' in text[second]
    assert '<walk-answer' not in text[second]
    assert text[second + 1].endswith('y = 6')
    assert [list(o['data']) for o in cells[second + 2]['outputs']] == [['text/plain']]
    assert text[-1].endswith('\ncheck_z(z)')
    assert cells[-1]['outputs'][0]['data'] == {'text/html': 'a row'}


def as_quarto_reads(cell):
    "A source that is one string is cut into lines whose ends are lost; a list is joined as it is"
    text = cell['source']
    return ''.join(text.split('\n') if isinstance(text, str) else text)


def test_the_model_of_quarto_sees_the_fault():
    assert as_quarto_reads({'source': 'a\nb'}) == 'ab'
    assert as_quarto_reads({'source': ['a\n', 'b']}) == 'a\nb'


@pytest.mark.parametrize('path', chapters(), ids=lambda p: p.stem)
def test_filter_as_quarto_calls_it(path):
    "JSON in, JSON out, in the notebook's folder; as Quarto reads it, it is what our build reads"
    text = path.read_text(encoding='utf-8')
    ask = dict(cwd=NBS, capture_output=True, encoding='utf-8', input=text)
    run = subprocess.run([sys.executable, '../tools/nbfilter.py'], **ask)
    assert run.returncode == 0, run.stderr
    got = json.loads(run.stdout)['cells']
    own = nbfilter.page(read(path), path.name, NBS)['cells']
    assert [as_quarto_reads(c) for c in got] == [''.join(c['source']) for c in own]
    assert all(line.endswith('\n') for c in got for line in c['source'][:-1])
    assert path.stem == 'index' or f'notebooks/{path.name}' in run.stdout


# ---------- the lifting

@pytest.mark.parametrize('old, new', [
    ('nbs/11_perceptron.html', 'perceptron.html'), ('nbs/index.html', 'index.html'),
    ('nbs/20_cnns_files/figure-html/1.png', 'cnns_files/figure-html/1.png'),
    ('nbs/20_cnns.llms.md', 'cnns.llms.md'), ('nbs/demos/base.js', 'demos/base.js'),
    ('site_libs/a.css', 'site_libs/a.css')])
def test_lifted(old, new): assert lifted(old) == new


@pytest.mark.parametrize('url, new', [
    ('20_cnns.html#conv', 'cnns.html#conv'), ('../site_libs/a.css', 'site_libs/a.css'),
    ('../', './'),
    ('#here', '#here'), ('https://x.org/a', 'https://x.org/a'), ('./index.html', 'index.html'),
    ('demos/base.js', 'demos/base.js'), ('11_perceptron_files/1.png', 'perceptron_files/1.png')])
def test_relinked(url, new): assert relink(url, 'nbs/11_perceptron.html') == new


QUARTO = (ROOT/'tests'/'quarto.html').read_text(encoding='utf-8')


STYLE = 'site_libs/bootstrap/bootstrap-1.min.css'


@pytest.fixture
def raw(tmp_path):
    "Pages as Quarto 1.10 leaves them: planned chapters, libraries from a network, figures in files"
    figures, style = tmp_path/'nbs/11_perceptron_files/figure-html', tmp_path/STYLE
    figures.mkdir(parents=True)
    style.parent.mkdir(parents=True)
    Image.new('RGBA', (30, 20)).save(figures/'cell-2-output-1.png')
    for name in ('11_perceptron', '00_core', 'index'):
        text = QUARTO if name == '11_perceptron' else re.sub('<img src=.*?>', '', QUARTO)
        (tmp_path/f'nbs/{name}.html').write_text(text)
    style.write_text('.docked{color:red}.never-used,.docked .also-not{color:blue}'
                     '@media print{.docked{color:black}}')
    return tmp_path


def test_what_quarto_renders_is_lifted_too(raw):
    lift.lift(raw, 'https://walk.example.org')
    text, page = (raw/'perceptron.html').read_text(), parse(raw/'perceptron.html')
    assert 'cdn.example.org' not in text
    assert 'katex.render' not in text
    assert "define('jquery'" not in text
    assert page.xpath(f'//*[{has("katex")}]') and 'site_libs/katex/katex.css' in text
    assert page.xpath('//meta[@name="quarto:offset"]/@content') == ['./']
    assert f'href="{STYLE}"' in text
    assert 'href="core.html"' in text
    assert [text_of(e) for e in page.xpath(f'//span[{has("planned")}]')] == ['Data']
    part, = page.xpath(f'//button[{has("sidebar-part")}]')
    assert text_of(part) == 'Start'
    assert part.get('aria-expanded') == 'false'
    assert part.get('aria-controls') == 'quarto-sidebar-section-1'
    assert part.getparent().xpath('./*') == [part]
    assert not page.xpath('//a[@data-bs-toggle="collapse"]')
    toggle, = page.xpath(f'//*[{has("quarto-color-scheme-toggle")}]')
    assert toggle.get('role') == 'button' and toggle.get('aria-label') == 'Light or dark'
    assert not page.xpath(f'//*[{has("menu-title")}]')
    assert len(page.xpath(f'//a[{has("skip")}]')) == 1
    img, = page.iter('img')
    assert dict(img.attrib) == {
        'src': 'perceptron_files/01.webp', 'class': 'img-fluid figure-img plot', 'alt': 'A line',
        'loading': 'lazy', 'width': '30', 'height': '20'}
    assert (raw/'perceptron_files/01.webp').exists()
    assert page.xpath('//a[@download]/@href') == ['notebooks/11_perceptron.ipynb']
    box, = page.xpath(f'//div[{has("table-box")}]')
    assert box.tail.strip() == 'after'
    assert [c.get('class') for c in box.xpath('.//tr[2]/td | .//th')] == [None, 'num']*2
    assert 'style' not in box.xpath('.//th')[0].attrib
    assert '<code class="sourceCode python"><span class="im">import</span> torch +</code>' in text
    assert (raw/STYLE).read_text() == '.docked{color:red}@media print{.docked{color:black}}'
    assert {e['href'] for e in json.loads((raw/'search.json').read_text())} == {
        'core.html', 'index.html', 'perceptron.html'}
    assert not (raw/'nbs').exists()


def digest(folder):
    sha = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
    files = [p for p in folder.rglob('*') if p.is_file()]
    return {p.relative_to(folder).as_posix(): sha(p) for p in files}


def test_lifting_twice_changes_nothing(raw):
    lift.lift(raw, 'https://walk.example.org')
    once = digest(raw)
    lift.lift(raw, 'https://walk.example.org')
    assert digest(raw) == once


def test_one_page_rendered_anew_leaves_the_others(raw):
    lift.lift(raw, 'https://walk.example.org')
    once = digest(raw)
    (raw/'nbs').mkdir(); (raw/'nbs/00_core.html').write_text(QUARTO.replace('So ', 'Thus '))
    lift.lift(raw, 'https://walk.example.org')
    assert 'Thus' in (raw/'core.html').read_text()
    changed = {name: digest(raw)[name] for name in ('core.html', 'search.json', 'offline.js')}
    assert digest(raw) == once | changed


def test_slides_of_one_chapter_leave_its_page(raw):
    lift.lift(raw, 'https://walk.example.org')
    once = digest(raw)
    (raw/'nbs').mkdir()
    slides = '<html><head></head><body><div class="reveal"></div></body></html>'
    (raw/'nbs/00_core.html').write_text(slides)
    lift.lift(raw, 'https://walk.example.org')
    assert digest(raw) == once | {'nbs/00_core.html': digest(raw)['nbs/00_core.html']}


@pytest.mark.parametrize('gone, what', [
    ('id="quarto-sidebar"', 'sidebar'), ('quarto-color-scheme-toggle', 'switch of the colours'),
    ('data-bs-toggle="collapse" data-bs-target="#quarto', 'part of the sidebar'),
    ('quarto-secondary-nav"', 'header for a phone'), ('quarto-btn-toggle', 'button that opens'),
    ('quarto-document-content', 'text'),
    ('<span class="menu-text">Data</span>', 'planned chapter')])
def test_a_step_that_finds_nothing_says_so(raw, gone, what):
    (raw/'nbs/11_perceptron.html').write_text(QUARTO.replace(gone, 'x-'))
    with pytest.raises(LiftError, match=f'nbs/11_perceptron.html: no {what}'): lift.lift(raw)


# ---------- every page in a browser

@pytest.fixture(scope='module')
def axe():
    path = ROOT/'node_modules'/'axe-core'/'axe.min.js'
    assert path.exists(), 'axe-core is missing: run `npm ci`'
    return path.read_text(encoding='utf-8')


SAME = """['pre.sourceCode', '.cell-output pre', '.claim', '.katex', 'table'].forEach(s =>
    [...document.querySelectorAll(s)].slice(6).forEach(e => e.dataset.same = ''))"""
AXE = """o => axe.run({exclude: [['[data-same]']]}, {resultTypes: ['violations'], ...o})
    .then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => v.id + ': ' + v.help + ': '
    + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')))"""
KB = """['navigation', 'resource'].flatMap(t => performance.getEntriesByType(t))
    .reduce((sum, e) => sum + e.encodedBodySize, 0) / 1000"""


@pytest.mark.browser
@pytest.mark.parametrize('view', VIEWS)
@pytest.mark.parametrize('name', PAGES)
def test_page_in_a_browser(name, view, served, axe):
    "Light with all of axe's rules, then dark with those on contrast; of like blocks the first six"
    width, height = VIEWS[view]
    with open_page(f'{served}/{name}', width=width, height=height) as page:
        page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        page.wait_for_load_state('networkidle')
        kb = page.evaluate(KB)
        assert page.query_selector('walk-demo') or 20 < kb <= LIMIT, f'{name} transfers {kb:.0f} kB'
        page.evaluate(SAME); page.evaluate(axe)
        for theme, rules in (('light', {}), ('dark', {'runOnly': ['color-contrast']})):
            page.emulate_media(color_scheme=theme)
            page.wait_for_function(f"document.documentElement.dataset.bsTheme === '{theme}'")
            wide = page.evaluate('document.documentElement.scrollWidth')
            assert wide <= width, f'{theme}: the page is {wide} px wide'
            assert not (faults := page.evaluate(AXE, rules)), theme + ': ' + '\n'.join(faults)


@pytest.mark.browser
def test_search_theme_and_menu(served):
    with open_page(f'{served}/claims.html', width=360, height=740) as page:
        page.locator('.quarto-btn-toggle').click()
        page.locator('.quarto-color-scheme-toggle').first.click()
        page.wait_for_function("document.documentElement.dataset.bsTheme === 'dark'")
        page.locator('#quarto-search input').fill('many seeds')
        page.locator('.search-result').first.click()
        page.wait_for_url(lambda url: 'claims.html' not in url)
        page.wait_for_function("document.documentElement.dataset.bsTheme === 'dark'")


@pytest.mark.browser
def test_the_filter_of_the_claims_stands_in_the_address(served):
    with open_page(f'{served}/claims.html', width=1280) as page:
        rows = page.locator('.ledger-rows tr[id]:visible')
        find = page.locator('.ledger-filter input')
        everything = rows.count()
        find.fill('fair coin')
        assert 0 < (some := rows.count()) < everything and page.url.endswith('?q=fair+coin')
        page.reload()
        assert find.input_value() == 'fair coin' and rows.count() == some
        page.locator('.ledger-filter select').select_option(index=1)
        assert '&chapter=' in page.url
        rows.first.hover()
        rows.first.locator('.row-link').click()
        assert page.url.endswith('#' + rows.first.get_attribute('id')) and 'q=fair+coin' in page.url
        find.fill('')
        page.locator('.ledger-filter select').select_option(index=0)
        assert rows.count() == everything and '?' not in page.url


@pytest.mark.browser
def test_a_link_lands_on_its_section_though_models_open_above_it(served):
    with open_page(f'{served}/cnns.html#exercises', width=1280) as page:
        page.wait_for_function("document.querySelector('walk-demo').dataset.phase")
        page.wait_for_timeout(1000)
        top = page.evaluate("document.getElementById('exercises').getBoundingClientRect().top")
        assert abs(top) < 100, f'the section stands {top:.0f} px from the top'


@pytest.mark.browser
def test_parts_open_by_keyboard(served):
    with open_page(f'{served}/core.html', width=1280) as page:
        part = page.locator('button.sidebar-part', has_text='Sanity')
        part.focus(); page.keyboard.press('Enter')
        assert part.get_attribute('aria-expanded') == 'true'
        assert page.get_by_text('Poisoning', exact=True).is_visible()
