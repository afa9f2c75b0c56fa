"""What a page weighs, and less of it: plots in 256 colours, styles and fonts cut to their use."""
import io, logging, re, shutil
from pathlib import Path
from urllib.parse import unquote

import tinycss2
from fontTools import subset as fonttools
from lxml import html
from PIL import Image


# ---------- pages

def has(name): return f'contains(concat(" ", normalize-space(@class), " "), " {name} ")'


def parse(path):
    "The tree of a page, however long a text of it is"
    return html.parse(path, html.HTMLParser(encoding='utf-8', huge_tree=True)).getroot()


def write(path, tree):
    text = html.tostring(tree, encoding='unicode', doctype='<!DOCTYPE html>')
    path.write_text(text + '\n', encoding='utf-8')


# ---------- pictures

INCH = 96      # CSS pixels
FILLED = .35      # share of a plot in colour that makes it a map


def size(picture):
    "Width and height on a page: a picture knows its dots an inch, and an inch is 96 CSS pixels"
    im = Image.open(io.BytesIO(picture))
    dots = im.info.get('dpi', (INCH, INCH))
    return [round(n*INCH/round(d or INCH)) for n, d in zip(im.size, dots)]


def smaller(raw, suffix='.png'):
    "(bytes, suffix, kind): a plot has a transparent ground; much of a map is filled with colour"
    im = Image.open(io.BytesIO(raw))
    if 'transparency' in im.info: im = im.convert('RGBA')
    plot = im.mode in ('RGBA', 'LA') and im.getchannel('A').getextrema()[0] < 128
    if not plot: im = im.convert('RGB')
    filled = plot and sum(im.getchannel('A').histogram()[128:]) > FILLED*im.width*im.height
    out, exact = io.BytesIO(), plot or bool(im.getcolors(256))
    im.save(out, 'WEBP', lossless=exact, quality=100 if exact else 82, method=6)
    webp, kind = out.getvalue(), 'map' if filled else 'plot' if plot else ''
    return (webp, '.webp', kind) if len(webp) < .9*len(raw) else (raw, suffix, kind)


# ---------- code

PLAIN = {'op', 'va', 'bu', 'at', 'sc', 'ex', 'dv', 'fl'}      # classes without a colour


def lighter(tree):
    "Coloured code without spans that add no colour or links of lines, alike neighbours joined"
    for box in tree.xpath(f'//div[{has("sourceCode")}][pre]'): box.attrib.pop('id', None)
    for pre in tree.xpath(f'//pre[{has("cell-code")}]'): pre.set('class', 'sourceCode')
    for code in tree.xpath(f'//code[{has("sourceCode")}]'):
        for link in code.xpath('.//a[@aria-hidden]'): link.drop_tree()
        for span in code.xpath('.//span'):
            if not span.get('class') or span.get('class') in PLAIN: span.drop_tag()
        for span in list(code): joined(span)


def joined(span):
    "Take up the next spans of the same class that follow without a gap"
    while not span.tail and (after := span.getnext()) is not None:
        if len(after) or after.get('class') != span.get('class'): return
        span.text, span.tail, after.tail = (span.text or '') + (after.text or ''), after.tail, None
        after.getparent().remove(after)


# ---------- styles

GROUPS = ('media', 'supports', 'layer')
BARE = dict(skip_comments=True, skip_whitespace=True)


def purged(rules, used):
    "CSS rules without the selectors that name a class found nowhere in the site"
    kept = []
    for r in rules:
        if r.type == 'qualified-rule':
            selectors = re.split(r',(?![^(]*\))', tinycss2.serialize(r.prelude))
            names = lambda s: re.findall(r'[.]((?:[\w-]|\\.)+)', re.sub(r':not\([^)]*\)', '', s))
            live = [s for s in selectors if all(n.replace('\\', '') in used for n in names(s))]
            if live: kept.append(f'{",".join(live)}{{{tinycss2.serialize(r.content)}}}')
        elif r.type == 'at-rule' and r.lower_at_keyword in GROUPS and r.content:
            inner = purged(tinycss2.parse_rule_list(r.content, **BARE), used)
            if inner: kept.append(f'@{r.at_keyword}{tinycss2.serialize(r.prelude)}{{{inner}}}')
        elif r.type == 'at-rule':
            text = r.serialize()
            if r.lower_at_keyword != 'import' or 'http' not in text: kept.append(text)
    return ''.join(kept)


def classes(out, trees):
    "Every class that a page carries or that a script may give it"
    used = {c for tree in trees for group in tree.xpath('//@class') for c in group.split()}
    for f in out.rglob('*.js'):
        if {'ort', 'katex', 'mermaid', 'minisearch'} & set(f.parts): continue
        used |= set(re.findall(r'[\w-]+', f.read_text(encoding='utf-8', errors='ignore')))
    return used


def styles(out, trees):
    "Cut each style sheet of the libraries, and the font of their icons"
    used, sheets = classes(out, trees), list((out/'site_libs').rglob('*.css'))
    for f in sheets:
        rules = tinycss2.parse_stylesheet(f.read_text(encoding='utf-8'), **BARE)
        f.write_text(purged(rules, used), encoding='utf-8')
    shown = set(''.join(f.read_text(encoding='utf-8') for f in sheets))
    icons = {ord(c) for c in shown if 0xe000 <= ord(c) < 0x10000}
    for css in sheets:
        if 'bootstrap-icons' in css.name: fonts(css, css.parent, icons)
    for css in out.glob('*.css'):
        rules = tinycss2.parse_stylesheet(css.read_text(encoding='utf-8'), **BARE)
        css.write_text('\n'.join(r.serialize() for r in rules), encoding='utf-8')
    for script in (out/'page.js', out/'search.js', out/'demos/answer.js'):
        if not script.exists(): continue
        text = re.sub(r'^\s*//.*\n', '', script.read_text(encoding='utf-8'), flags=re.M)
        script.write_text(text, encoding='utf-8')


# ---------- fonts

def subset(font, to, unicodes):
    logging.getLogger('fontTools').setLevel(logging.ERROR)
    opts = fonttools.Options(flavor='woff', layout_features=[], hinting=False)
    f = fonttools.load_font(str(font), opts)
    s = fonttools.Subsetter(opts)
    s.populate(unicodes=unicodes)
    s.subset(f)
    fonttools.save_font(f, str(to), opts)


def fonts(css, source, unicodes):
    "Each font that a style sheet names, cut to these characters, as WOFF; the other formats go"
    def face(m):
        urls = [u.split('?')[0] for u in re.findall(r'url\(["\']?([^"\')]+)', m[0])]
        there = sorted(u for u in urls if u.endswith(('.ttf', '.woff')) and (source/u).exists())
        if not there: return m[0]
        have = there[0]
        to = css.parent/Path(have).with_suffix('.woff')
        to.parent.mkdir(parents=True, exist_ok=True)
        subset(source/have, to, unicodes)
        for u in urls:
            if (css.parent/u) != to: (css.parent/u).unlink(missing_ok=True)
        woff = Path(have).with_suffix('.woff').as_posix()
        return re.sub(r'src:.*?(?=[;}])', f'src:url({woff}) format("woff")', m[0], flags=re.S)
    text = re.sub(r'@font-face\s*\{[^}]*\}', face, css.read_text(encoding='utf-8'))
    css.write_text(text, encoding='utf-8')


def katex(dist, to, trees):
    "KaTeX's style and its fonts, cut to the formulas of the site"
    formulas = [el for tree in trees for el in tree.xpath(f'//*[{has("katex-html")}]')]
    shown = {c for el in formulas for c in el.text_content()}
    to.mkdir(parents=True, exist_ok=True)
    shutil.copy(dist/'katex.min.css', to/'katex.css')
    fonts(to/'katex.css', dist, {ord(c) for c in shown} | set(range(32, 127)))


# ---------- the sheet

MATHS = ('Main-Regular', 'Math-Italic', 'Size1-Regular', 'Size2-Regular')


def linked(file, tree):
    "The files that a page transfers with itself, live models apart"
    for el in tree.xpath('//script | //link | //img'):
        url = re.match('[^?#]*', el.get('src') or el.get('href') or '')[0]
        f = (file.parent/unquote(url)).resolve()
        if not url or ':' in url or f.suffix == '.html' or 'demos' in f.parts: continue
        if f.is_file(): yield f


def weigh(out):
    "What each page may transfer, in kB: itself, its styles, scripts, pictures, fonts"
    sheet, fonts = {}, out/'site_libs/katex/fonts'
    for p in sorted(out.glob('*.html')):
        tree = parse(p)
        files = {p, *linked(p, tree), *out.glob('site_libs/bootstrap-icons/fonts/*.woff')}
        if tree.xpath(f'//*[{has("katex")}]'): files |= {fonts/f'KaTeX_{n}.woff' for n in MATHS}
        size = sum(f.stat().st_size for f in files if f.exists())
        sheet[p.name] = {'kb': round(size/1000, 1), 'demo': bool(tree.xpath('//walk-demo'))}
    return sheet
