"""The gallery: every live model with its picture, what to do with it, and where it stands."""
import re
from html import escape

import front
from markup import raw
from notebooks import NBS

PICTURES = NBS/'images'/'play'
SAID = r"^  {}:\s+(?:'((?:[^'\\]|\\.)*)'|`([^`]*)`)"


def said(name, what):
    "The title or the help that a live model's module gives itself"
    text = (NBS/'demos'/f'{name}.js').read_text(encoding='utf-8')
    m = re.search(SAID.format(what), text, re.M)
    return (m[1] or m[2] or '').replace("\\'", "'") if m else ''


def models():
    "{name: the chapter that shows it first}"
    found = {}
    for s in front.stations():
        for name in s['live']: found.setdefault(name, s)
    return found


def tile(name, s):
    "A picture, a title, a line, and a link to the section"
    title, to = escape(said(name, 'title')), front.section(s, name)
    image = (f'<img src="images/play/{name}.webp" alt="The live model: {title}" '
             'width="400" height="300">')
    return (f'<li><a href="{to}">{image}<strong>{title}</strong></a>'
            f'<p>{escape(said(name, "help"))}</p>'
            f'<p class="facts">in {front.link(s["stem"], front.words(s["title"]))}</p></li>')


def play():
    return raw(f'<ul class="gallery">{"".join(tile(*each) for each in models().items())}</ul>')
