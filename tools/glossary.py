"""The Glossary page: every term with its definition and the section that explains it."""
import re
from itertools import groupby

from markup import name, raw
from nbfilter import anchor, markdown
from notebooks import NBS, chapters, read, source
from plan import title
from terms import entries, listed, names, term_id


def prose(path): return [source(c) for c in read(path)['cells'] if c['cell_type'] == 'markdown']


def sections(path):
    "[(heading, text)] of a notebook; its recap, which only repeats, is left out"
    parts = re.split(r'^#{2,6}\s+(.+)$', '\n\n'.join(prose(path)), flags=re.M)
    return [(h, text) for h, text in zip(['', *parts[1::2]], parts[::2]) if h != 'Recap']


def explained(term, path):
    "The heading under which a chapter has a term in bold, in italics, or at all"
    word, found = re.escape(term.lower().rstrip('s')), sections(path)
    for form in (rf'\*\*{word}', rf'\*\*[^*]*{word}', rf'[*_]{word}', rf'\b{word}'):
        for heading, text in found:
            if re.search(form, text.lower()): return heading
    return ''


def places():
    "{term: (path, anchor)}: as the term says itself, or the first chapter whose recap lists it"
    paths, found = {name(p): p for p in chapters()}, {}
    for path in chapters():
        for word in listed('\n\n'.join(prose(path))):
            if not (term := names().get(word.lower())) or term in found: continue
            heading = explained(word, path)
            found[term] = path, anchor(heading) if heading else ''
    for term, e in entries().items():
        if not e['place']: continue
        chapter, _, there = e['place'].partition('#')
        found[term] = paths[chapter], there
    return found


def entry(term, said, path, there):
    also = f' Also: {", ".join(said["also"])}.' if said['also'] else ''
    where = f'[{title(path)}]({path.name}{"#" + there if there else ""}){{.where}}'
    text = markdown(said['definition'], NBS)
    return f'[{term}]{{.term #{term_id(term)}}}\n:   {text}{also} {where}\n'


def letter(term): return term_id(term).lstrip('_')[0].upper()


def glossary():
    found = places()
    terms = sorted(found, key=lambda t: (letter(t), t.lower().lstrip('_')))
    parts = {k: list(ts) for k, ts in groupby(terms, key=letter)}
    jump = ' '.join(f'<a href="#{k.lower()}">{k}</a>' for k in parts)
    box = ('<label class="term-filter" hidden>Find <input type="search" autocomplete="off">'
           '<output aria-live="polite"></output></label>')
    text = [raw(f'<nav class="letters" aria-label="Letters">{jump}</nav>{box}')]
    for k, ts in parts.items():
        text += [f'## {k} {{#{k.lower()}}}\n', *(entry(t, entries()[t], *found[t]) for t in ts)]
    return '\n'.join(text)
