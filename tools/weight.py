"""What a page weighs, and less of it: plots in 256 colours, styles and fonts cut to what the site uses."""
import io, logging, re, shutil
from pathlib import Path
from urllib.parse import unquote


# ---------- pictures

def smaller(png):
    "(bytes, suffix, is it a plot?): a plot has a transparent background and few colours; a photograph becomes a WebP"
    try: from PIL import Image
    except ImportError: return png, '.png', False
    im, out = Image.open(io.BytesIO(png)), io.BytesIO()
    if 'transparency' in im.info: im = im.convert('RGBA')
    plot = im.mode in ('RGBA', 'LA') and im.getchannel('A').getextrema()[0] < 128
    if not plot: im = im.convert('RGB')
    if plot or im.getcolors(256):
        im.quantize(256, method=Image.Quantize.FASTOCTREE if plot else None, dither=Image.Dither.NONE).save(out, 'PNG', optimize=True)
        return min(png, out.getvalue(), key=len), '.png', plot
    im.save(out, 'WEBP', quality=88, method=6)
    return (out.getvalue(), '.webp', False) if len(out.getvalue()) < .7*len(png) else (png, '.png', False)


# ---------- code

def lighter(html):
    "Coloured code without the spans whose colour is that of the text, and with neighbours of one kind joined"
    def code(m):
        text = re.sub(r'<span class="(?:op|va|bu|at|sc|ex)">([^<]*)</span>', r'\1', m[0])
        return re.sub(r'(<span class="(\w+)">[^<]*)</span>(?:<span class="\2">([^<]*)</span>)+',
                      lambda n: re.sub(r'</span><span class="\w+">', '', n[0]), text)
    return re.sub(r'<code class="sourceCode.*?</code>', code, html, flags=re.S)


# ---------- styles

def purged(rules, used):
    "CSS rules without the selectors that name a class found nowhere in the site"
    import tinycss2
    kept = []
    for r in rules:
        if r.type == 'qualified-rule':
            selectors = re.split(r',(?![^(]*\))', tinycss2.serialize(r.prelude))
            names = lambda s: re.findall(r'[.]((?:[\w-]|\\.)+)', re.sub(r':not\([^)]*\)', '', s))
            live = [s for s in selectors if all(n.replace('\\', '') in used for n in names(s))]
            if live: kept.append(f'{",".join(live)}{{{tinycss2.serialize(r.content)}}}')
        elif r.type == 'at-rule' and r.lower_at_keyword in ('media', 'supports', 'layer') and r.content:
            inner = purged(tinycss2.parse_rule_list(r.content, skip_comments=True, skip_whitespace=True), used)
            if inner: kept.append(f'@{r.at_keyword}{tinycss2.serialize(r.prelude)}{{{inner}}}')
        elif r.type == 'at-rule' and not (r.lower_at_keyword == 'import' and 'http' in r.serialize()): kept.append(r.serialize())
    return ''.join(kept)


def classes(out, pages):
    "Every class that a page carries or that a script may give it"
    used = {c for t in pages.values() for group in re.findall(r'class="([^"]*)"', t) for c in group.split()}
    for f in out.rglob('*.js'):
        if not {'ort', 'katex', 'mermaid', 'fuse'} & set(f.parts): used |= set(re.findall(r'[\w-]+', f.read_text(encoding='utf-8', errors='ignore')))
    return used


def styles(out, pages):
    try: import tinycss2
    except ImportError: return
    used, sheets = classes(out, pages), list((out/'site_libs').rglob('*.css'))
    for f in sheets: f.write_text(purged(tinycss2.parse_stylesheet(f.read_text(encoding='utf-8'), skip_comments=True, skip_whitespace=True), used), encoding='utf-8')
    icons = {ord(c) for f in sheets for c in f.read_text(encoding='utf-8') if 0xe000 <= ord(c) < 0x10000}
    for css in sheets:
        if 'bootstrap-icons' in css.name: fonts(css, css.parent, icons)


# ---------- fonts

def subset(font, to, unicodes):
    from fontTools import subset as ft
    logging.getLogger('fontTools').setLevel(logging.ERROR)
    opts = ft.Options(flavor='woff', layout_features=[], hinting=False)
    f = ft.load_font(str(font), opts)
    s = ft.Subsetter(opts); s.populate(unicodes=unicodes); s.subset(f)
    ft.save_font(f, str(to), opts)


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
        return re.sub(r'src:.*?(?=[;}])', f'src:url({Path(have).with_suffix(".woff").as_posix()}) format("woff")', m[0], flags=re.S)
    css.write_text(re.sub(r'@font-face\s*\{[^}]*\}', face, css.read_text(encoding='utf-8')), encoding='utf-8')


def katex(dist, to, pages):
    "KaTeX's style and its fonts, cut to the formulas of the site"
    shown = set(''.join(re.findall(r'>([^<]+)<', ' '.join(h for t in pages.values() for h in re.findall(r'<span class="katex-html".*?(?=</p>|<p>|</li>|</td>)', t, re.S)))))
    to.mkdir(parents=True, exist_ok=True)
    shutil.copy(dist/'katex.min.css', to/'katex.css')
    fonts(to/'katex.css', dist, {ord(c) for c in shown} | set(range(32, 127)))


# ---------- the sheet

def weigh(out):
    "What each page may transfer, in kB: itself, its styles, scripts and pictures, and the fonts of icons and maths"
    def linked(file):
        text = file.read_text(encoding='utf-8')
        for u in re.findall(r'<(?:script|link|img)\b[^>]*?\s(?:src|href)="([^"#?:]+)"', text):
            f = (file.parent/unquote(u)).resolve()
            if f.is_file() and f.suffix != '.html' and 'demos' not in f.parts: yield f
        if 'class="katex' in text: yield from (out/'site_libs/katex/fonts'/f'KaTeX_{n}.woff' for n in ('Main-Regular', 'Math-Italic', 'Size1-Regular', 'Size2-Regular'))
        yield from out.glob('site_libs/bootstrap-icons/fonts/*.woff')
    sheet = {}
    for p in sorted(out.glob('*.html')):
        files = {p, *linked(p)}
        sheet[p.name] = {'kb': round(sum(f.stat().st_size for f in files if f.exists())/1000, 1), 'demo': '<walk-demo' in p.read_text(encoding='utf-8')}
    return sheet
