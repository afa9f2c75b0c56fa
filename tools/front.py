"""What the front page says of the chapters, in place of `<!-- walk -->` and the like.

The site shows pictures and cards; README.md, made from the same notebook, shows tables.
"""
import base64, html, io, re
from functools import cache

import plan
from nbfilter import anchor, minutes, told
from notebooks import chapters, read, scoreboard, source
from paths import paths
from PIL import Image

# which picture of a chapter stands for it, where the first is not the one
PICTURE = {'00_core': 1, '10_intro': 2, '20_cnns': 3}
SIZE, COLOURS = (200, 130), 32
HOUSE = '06'      # parts of the course that say how it is made: they come last


# ---------- one chapter

def shows(cells):
    "Every output that shows something: (data, source of its cell, heading above it)"
    found, heading = [], ''
    for cell in cells:
        if cell['cell_type'] == 'markdown':
            heading = ([heading] + re.findall(r'^#{2,6}\s+(.+)$', source(cell), re.M))[-1]
        outs = [o['data'] for o in cell.get('outputs', []) if 'data' in o]
        found += [(data, source(cell), heading) for data in outs]
    return found


def picture(stem, shown):
    "(PNG in base64, what is to be seen) of a chapter, or None"
    found = [(data['image/png'], code) for data, code, _ in shown if 'image/png' in data]
    if not found: return None
    png, code = found[min(PICTURE.get(stem, 0), len(found) - 1)]
    alt = re.search(r'^#\| fig-alt: "?(.+?)"?$', code, re.M)
    return png, alt[1] if alt else ''


def models(shown):
    "The live models of a chapter, each once: {name: heading of the section that holds it}"
    found = {}
    for data, _, heading in shown:
        for name in re.findall(r'<walk-demo name="(\w+)"', ''.join(data.get('text/html', ''))):
            found.setdefault(name, heading)
    return found


@cache
def station(path):
    "What the walk shows of a chapter"
    nb = read(path)
    text, shown = source(nb['cells'][0]), shows(nb['cells'])
    said = lambda pattern: re.search(pattern, text, re.M)[1]
    return dict(stem=path.stem, title=said('^# (.+)'), promise=said('^> (.+)'),
                minutes=minutes(told(nb['cells'], path.name)),
                after=re.findall(r'\]\((\d\w+)\.ipynb\)', text),
                picture=picture(path.stem, shown), live=models(shown))


def stations():
    "All chapters in the order of reading, what says how the course is made at the end"
    every = [station(p) for p in chapters() if p.stem != 'index']
    return sorted(every, key=lambda s: s['stem'][0] in HOUSE)


def walk(): return [s for s in stations() if s['stem'][0] not in HOUSE]
def house(): return [s for s in stations() if s['stem'][0] in HOUSE]


def duration(minutes):
    "Minutes as a reader says them"
    hours, rest = divmod(minutes, 60)
    return f'{hours} h {rest:02} min' if hours else f'{rest} min'


# ---------- as a page, and as a table

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


def section(s, name):
    "Where a live model of a chapter stands"
    return f'{s["stem"]}.html#{anchor(s["live"][name])}'


def card(s):
    "One station: picture, number and title, promise, minutes, what it builds on, its live models"
    number = s['stem'].split('_')[0]
    image = ''
    if s['picture']:
        png, alt = s['picture'][0], html.escape(s['picture'][1] or s['title'])
        image = f'<img alt="{alt}" src="data:image/png;base64,{thumbnail(png)}">'
    facts = [duration(s['minutes'])]
    if s['after']:
        facts += ['builds on ' + ', '.join(link(a, a.split('_')[0]) for a in s['after'])]
    facts += [f'<a href="{section(s, name)}">live model</a>' for name in list(s['live'])[:1]]
    return (f'<li class="part-{number[0]}"><div class="stop">{image}<div>'
            f'<p class="stop-title"><span>{number}</span> {link(s["stem"], words(s["title"]))}</p>'
            f'<p>{words(s["promise"])}</p>'
            f'<p class="facts">{" · ".join(facts)}</p></div></div></li>')


def cards(found): return raw(f'<ol class="walk">{"".join(map(card, found))}</ol>')


def rows(found):
    parts = plan.parts()
    line = lambda s: (parts[s['stem'][0]], f"[{s['title']}]({s['stem']}.ipynb)", s['promise'],
                      duration(s['minutes']))
    return '\n'.join(['| part | chapter | promise | reading |', '|---|---|---|--:|',
                      *(f'| {" | ".join(line(s))} |' for s in found)])


def planned():
    parts, todo = plan.parts(), plan.planned()
    names = {d: ' · '.join(t for stem, t in todo.items() if stem[0] == d) for d in parts}
    said = '; '.join(f'*{parts[d]}*: {names[d]}' for d in parts if names[d])
    return f'Still to be walked: {said}.' if said else ''


def ways():
    "Shorter ways, each with its time and its chapters"
    known, titles = {s['stem']: s for s in stations()}, plan.lines()
    def line(name, what, stems):
        time = duration(sum(known[s]['minutes'] for s in stems))
        steps = ' → '.join(f'[{titles[s][0]}]({s}.ipynb)' for s in stems)
        return f'- **{name}**, {time}: {what}. {steps}'
    return '\n'.join(line(name, *rest) for name, rest in paths().items())


def total(): return duration(sum(s['minutes'] for s in walk()))


def score():
    "The figures of all chapters in one line"
    board = {k: v for k, v in scoreboard()['notebooks'].items() if k != 'index'}
    add = lambda k: sum(e.get(k, 0) for e in board.values())
    return (f'{len(board)} chapters ran in {add("seconds"):,.0f} seconds of one core; '
            f'{add("claims")} claims held, and the checkers of {add("exercises")} exercises '
            'refused their planted wrong answers.')


# ---------- the first screen

def doors():
    "Three ways in, on the site"
    first, n = walk()[0], len({name for s in stations() for name in s['live']})
    three = [
        (f'{first["stem"]}.html', 'Read', 'Begin with a player that teaches itself a game'),
        ('play.html', 'Play', f'{n} models that answer in the page'),
        ('#install-and-start', 'Teach, install', 'Two commands, no GPU, no account')]
    return raw('<nav class="doors" aria-label="Ways in">' + ''.join(
        f'<a href="{to}"><strong>{name}</strong> <span>{what}</span></a>'
        for to, name, what in three) + '</nav>')


def doors_text():
    first = walk()[0]
    return (f'**[Read]({first["stem"]}.ipynb)**: begin with a player that teaches itself a game · '
            '**[Play](play.qmd)**: every model that answers in the page · '
            '**[Teach, install](#install-and-start)**: two commands, no GPU, no account')


# ---------- both

def raw(text): return f'```{{=html}}\n{text}\n```'


FILLS = { # place: (for the site, for README.md)
    'doors': (doors, doors_text),
    'walk': (lambda: cards(walk()), lambda: rows(walk())),
    'house': (lambda: cards(house()), lambda: rows(house())),
    'planned': (planned, planned), 'ways': (ways, ways), 'total': (total, total),
    'scoreboard': (score, str)}


def filled(text, page):
    "Text of the front page with its places filled, for the site or for README.md"
    return re.sub(rf'<!-- ({"|".join(FILLS)}) -->', lambda m: FILLS[m[1]][not page](), text)
