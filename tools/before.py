"""A page before its scripts come: models asleep, fields without an answer; the build's mark."""
import hashlib, json

from lxml import etree, html
from lxml.html import builder as E

import first
from notebooks import NBS


def scripts(tree, up, site_url):
    "Everything stands as it will stand once the scripts have come; `up` is the way to the root"
    asleep(tree, up, site_url)
    unanswered(tree)


# ---------- live models

def asleep(tree, up, site_url):
    "Each live model as it stands before it wakes, and the first one as the picture of a link"
    for demo in tree.xpath('//walk-demo'):
        name = first.key(demo.get('name'), json.loads(demo.get('state') or '{}'))
        file = first.KEPT/f'{name}.html'
        if not file.exists():
            print(f'No first answer of the live model {name} is kept; make it: tools/first.py')
            continue
        still = html.fragment_fromstring(file.read_text(encoding='utf-8'), create_parent='div')
        for img in still.iter('img'): img.set('src', f'{up}demos/first/{img.get("src")}')
        demo.text = None
        demo[:] = list(still)
    if (demos := tree.xpath('//walk-demo')) and not tree.xpath('//meta[@property="og:image"]'):
        name = first.key(demos[0].get('name'), json.loads(demos[0].get('state') or '{}'))
        card = f'{site_url.rstrip("/")}/demos/first/{name}.jpg'
        tree.head.append(E.META(property='og:image', content=card))
    if demos: tree.head.append(E.LINK(rel='stylesheet', href=f'{up}demos/demos.css'))


# ---------- answers on the page

def unanswered(tree):
    "The fields as they stand before their script comes, so that nothing moves when it does"
    if not (boxes := tree.xpath('//walk-answer')): return
    for box in boxes:
        kind = json.loads(box.get('data-exercise'))['kind']
        field = E.INPUT(type='text', disabled='disabled',
                        inputmode='decimal' if kind == 'number' else 'text')
        bare = E.NOSCRIPT(box.text or '', *box)
        box.text = None
        box[:] = [bare, E.FORM(E.LABEL('Your answer ', field),
                               E.BUTTON('Check', type='submit', disabled='disabled'),
                               **{'class': 'answer'})]
    for title in tree.xpath('//section[@id="exercises"]/h2 | //h2[@id="exercises"]')[:1]:
        text = (f'0 of the {len(boxes)} that can be answered here are solved. '
                'Kept in this browser only. ')
        line = etree.Element('walk-progress')
        line.append(E.P(text, **{'class': 'progress-line'}))
        title.addnext(line)


# ---------- the mark of a build

def stamp(out):
    "The build's mark in the script that keeps pages for a visit without the network"
    files = sorted(p for p in out.rglob('*') if p.is_file())
    mark = hashlib.sha256(b''.join(hashlib.sha256(p.read_bytes()).digest() for p in files))
    text = (NBS/'offline.js').read_text(encoding='utf-8')
    text = text.replace("'none'; // written by the build", f"'{mark.hexdigest()[:12]}';")
    (out/'offline.js').write_text(text, encoding='utf-8')
