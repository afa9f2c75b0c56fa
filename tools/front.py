"""What the front page says of the chapters, in place of `<!-- walk -->` and the like.

The site shows pictures and live models; README.md, made from the same notebook, shows a table.
"""
import base64, html, io, re

import plan
from notebooks import chapters, read, scoreboard, source
from PIL import Image

# which picture of a chapter stands for it, where the first is not the one
PICTURE = {'00_core': 1, '10_intro': 2, '20_cnns': 3}
SIZE, COLOURS = (200, 130), 32


# ---------- one chapter

def outputs(cells):
    "Every output that shows something, with the source of its cell"
    return [(o['data'], source(c)) for c in cells for o in c.get('outputs', []) if 'data' in o]


def picture(stem, shown):
    "(PNG in base64, what is to be seen) of a chapter, or None"
    found = [(data['image/png'], code) for data, code in shown if 'image/png' in data]
    if not found: return None
    png, code = found[min(PICTURE.get(stem, 0), len(found) - 1)]
    alt = re.search(r'^#\| fig-alt: "?(.+?)"?$', code, re.M)
    return png, alt[1] if alt else ''


def station(path):
    "What the walk shows of a chapter"
    cells = read(path)['cells']
    text, shown = source(cells[0]), outputs(cells)
    pages = ''.join(''.join(data.get('text/html', '')) for data, _ in shown)
    said = lambda pattern: re.search(pattern, text, re.M)[1]
    return dict(stem=path.stem, title=said('^# (.+)'), promise=said('^> (.+)'),
                minutes=said(r'(\d+) min to read'), after=re.findall(r'\]\((\d\w+)\.ipynb\)', text),
                picture=picture(path.stem, shown),
                live=re.findall('<walk-demo.*?</walk-demo>', pages, re.S)[:1])


def stations(): return [station(p) for p in chapters() if p.stem != 'index']


# ---------- the walk as a page, and as a table

def thumbnail(png):
    im = Image.open(io.BytesIO(base64.b64decode(png))).convert('RGBA')
    im.thumbnail(SIZE, Image.LANCZOS)
    out = io.BytesIO()
    im.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(out, 'PNG', optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def words(text):
    "Emphasis and code of a line of Markdown as HTML"
    text = re.sub(r'`([^`]+)`', r'<code>\1</code>', html.escape(text, quote=False))
    return re.sub(r'\*([^*]+)\*', r'<em>\1</em>', text)


def link(stem, text): return f'<a href="{stem}.html">{text}</a>'


def card(s):
    "One station: picture, number and title, promise, minutes, what it builds on, its live model"
    number = s['stem'].split('_')[0]
    image = ''
    if s['picture']:
        png, alt = s['picture'][0], html.escape(s['picture'][1] or s['title'])
        image = f'<img alt="{alt}" src="data:image/png;base64,{thumbnail(png)}">'
    after = ', '.join(link(a, a.split('_')[0]) for a in s['after'])
    facts = f"{s['minutes']} min" + (f' · builds on {after}' if after else '')
    touch = ''.join(f'<details><summary>touch it</summary>{live}</details>' for live in s['live'])
    return (f'<li class="part-{number[0]}"><div class="stop">{image}<div>'
            f'<p class="stop-title"><span>{number}</span> {link(s["stem"], words(s["title"]))}</p>'
            f'<p>{words(s["promise"])}</p><p class="facts">{facts}</p></div></div>{touch}</li>')


def walk_page(): return raw(f'<ol class="walk">{"".join(map(card, stations()))}</ol>')


def walk_table():
    parts = plan.parts()
    head = ['| part | chapter | promise | min |', '|---|---|---|--:|']
    link = lambda s: f"[{s['title']}]({s['stem']}.ipynb)"
    rows = [(parts[s['stem'][0]], link(s), s['promise'], s['minutes']) for s in stations()]
    return '\n'.join([*head, *(f'| {" | ".join(row)} |' for row in rows)])


def planned():
    parts, todo = plan.parts(), plan.planned()
    names = {d: ' · '.join(t for stem, t in todo.items() if stem[0] == d) for d in parts}
    said = '; '.join(f'*{parts[d]}*: {names[d]}' for d in parts if names[d])
    return f'Still to be walked: {said}.' if said else ''


def score():
    "The figures of all chapters in one line"
    board = {k: v for k, v in scoreboard()['notebooks'].items() if k != 'index'}
    total = lambda k: sum(e.get(k, 0) for e in board.values())
    return (f'{len(board)} chapters ran in {total("seconds"):,.0f} seconds of one core; '
            f'{total("claims")} claims held, and the checkers of {total("exercises")} exercises '
            'refused their planted wrong answers.')


# ---------- both

def raw(text): return f'```{{=html}}\n{text}\n```'


def filled(text, page):
    "Text of the front page with its places filled, for the site or for README.md"
    fills = dict(planned=planned, walk=walk_page if page else walk_table,
                 scoreboard=score if page else str)
    return re.sub(r'<!-- (walk|planned|scoreboard) -->', lambda m: fills[m[1]](), text)
