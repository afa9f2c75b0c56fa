"""What a page weighs, and less of it: plots in 256 colours, styles and fonts cut to what the site uses."""
import io, logging, re, shutil
from pathlib import Path
from urllib.parse import unquote

import tinycss2
from fontTools import subset as fonttools
from lxml import html
from PIL import Image


# ---------- pages

def has(name): return f'contains(concat(" ", normalize-space(@class), " "), " {name} ")'


def parse(path): return html.parse(path, html.HTMLParser(encoding='utf-8', huge_tree=True)).getroot()


def write(path, tree):
    text = html.tostring(tree, encoding='unicode', doctype='<!DOCTYPE html>')
    path.write_text(text + '\n', encoding='utf-8')


# ---------- pictures

def smaller(png):
    "(bytes, suffix, is it a plot?): a plot has a transparent background and few colours; a photograph becomes a WebP"
    im, out = Image.open(io.BytesIO(png)), io.BytesIO()
    if 'transparency' in im.info: im = im.convert('RGBA')
    plot = im.mode in ('RGBA', 'LA') and im.getchannel('A').getextrema()[0] < 128
    if not plot: im = im.convert('RGB')
    if plot or im.getcolors(256):
        method = Image.Quantize.FASTOCTREE if plot else None
        im.quantize(256, method=method, dither=Image.Dither.NONE).save(out, 'PNG', optimize=True)
        return min(png, out.getvalue(), key=len), '.png', plot
    im.save(out, 'WEBP', quality=88, method=6)
    return (out.getvalue(), '.webp', False) if len(out.getvalue()) < .7*len(png) else (png, '.png', False)


# ---------- code

PLAIN = {'op', 'va', 'bu', 'at', 'sc', 'ex'}      # classes whose colour is that of the text


def lighter(tree):
    "Coloured code without the spans that add no colour, without the links of its lines, neighbours of one kind joined"
    for code in tree.xpath(f'//code[{has("sourceCode")}]'):
        for link in code.xpath('.//a[@aria-hidden]'): link.drop_tree()
        for span in code.xpath('.//span'):
            if not span.get('class') or span.get('class') in PLAIN: span.drop_tag()
        for span in list(code): joined(span)


def joined(span):
    "Take up the next spans of the same class that follow without a gap"
    while (after := span.getnext()) is not None and not span.tail and after.get('class') == span.get('class') and not len(after):
        span.text, span.tail = (span.text or '') + (after.text or ''), after.tail
        after.tail = None
        after.getparent().remove(after)


# ---------- styles

def purged(rules, used):
    "CSS rules without the selectors that name a class found nowhere in the site"
    kept = []
    for r in rules:
        if r.type == 'qualified-rule':
            selectors = re.split(r',(?![^(]*\))', tinycss2.serialize(r.prelude))
            names = lambda s: re.findall(r'[.]((?:[\w-]|\\.)+)', re.sub(r':not\([^)]*\)', '', s))
            live = [s for s in selectors if all(n.replace('\\', '') in used for n in names(s))]
            if live: kept.append(f'{",".join(live)}{{{tinycss2.serialize(r.content)}}}')
        elif r.type == 'at-rule' and r.lower_at_keyword in ('media', 'supports', 'layer') and r.content:
            inner = purged(rules_of(r.content), used)
            if inner: kept.append(f'@{r.at_keyword}{tinycss2.serialize(r.prelude)}{{{inner}}}')
        elif r.type == 'at-rule' and not (r.lower_at_keyword == 'import' and 'http' in r.serialize()):
            kept.append(r.serialize())
    return ''.join(kept)


def rules_of(content): return tinycss2.parse_rule_list(content, skip_comments=True, skip_whitespace=True)


def classes(out, trees):
    "Every class that a page carries or that a script may give it"
    used = {c for tree in trees for el in tree.xpath('//*[@class]') for c in el.get('class').split()}
    for f in out.rglob('*.js'):
        if {'ort', 'katex', 'mermaid', 'fuse'} & set(f.parts): continue
        used |= set(re.findall(r'[\w-]+', f.read_text(encoding='utf-8', errors='ignore')))
    return used


def styles(out, trees):
    "Cut each style sheet of the libraries, and the font of their icons"
    used, sheets = classes(out, trees), list((out/'site_libs').rglob('*.css'))
    for f in sheets:
        rules = tinycss2.parse_stylesheet(f.read_text(encoding='utf-8'), skip_comments=True, skip_whitespace=True)
        f.write_text(purged(rules, used), encoding='utf-8')
    icons = {ord(c) for f in sheets for c in f.read_text(encoding='utf-8') if 0xe000 <= ord(c) < 0x10000}
    for css in sheets:
        if 'bootstrap-icons' in css.name: fonts(css, css.parent, icons)


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
        have = next((u for kind in ('.ttf', '.woff') for u in urls if u.endswith(kind) and (source/u).exists()), None)
        if not have: return m[0]
        to = css.parent/Path(have).with_suffix('.woff')
        to.parent.mkdir(parents=True, exist_ok=True)
        subset(source/have, to, unicodes)
        for u in urls:
            if (css.parent/u) != to: (css.parent/u).unlink(missing_ok=True)
        woff = Path(have).with_suffix('.woff').as_posix()
        return re.sub(r'src:.*?(?=[;}])', f'src:url({woff}) format("woff")', m[0], flags=re.S)
    css.write_text(re.sub(r'@font-face\s*\{[^}]*\}', face, css.read_text(encoding='utf-8')), encoding='utf-8')


def katex(dist, to, trees):
    "KaTeX's style and its fonts, cut to the formulas of the site"
    shown = {c for tree in trees for el in tree.xpath(f'//*[{has("katex-html")}]') for c in el.text_content()}
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
        if url and ':' not in url and f.is_file() and f.suffix != '.html' and 'demos' not in f.parts: yield f


def weigh(out):
    "What each page may transfer, in kB: itself, its styles, scripts and pictures, and the fonts of icons and maths"
    sheet = {}
    for p in sorted(out.glob('*.html')):
        tree = parse(p)
        files = {p, *linked(p, tree), *out.glob('site_libs/bootstrap-icons/fonts/*.woff')}
        if tree.xpath(f'//*[{has("katex")}]'): files |= {out/f'site_libs/katex/fonts/KaTeX_{n}.woff' for n in MATHS}
        size = sum(f.stat().st_size for f in files if f.exists())
        sheet[p.name] = {'kb': round(size/1000, 1), 'demo': bool(tree.xpath('//walk-demo'))}
    return sheet
