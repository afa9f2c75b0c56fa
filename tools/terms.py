"""The field's words: nbs/glossary.csv holds for each its other names, its definition, its place.

The recap of a chapter lists its terms; a term that no recap lists names its place itself.
"""
import csv, re, unicodedata
from functools import cache

from notebooks import NBS

LISTED = re.compile(r'(\*\*Terms:?\*\*:?\s*)((?:.+\n?)+)')
MARKS = re.compile(r'\[([^\]]*)\]\([^)]*\)|[*`]')


@cache
def entries():
    "{term: {also: other names, definition, place: 'chapter#section' or ''}}"
    with open(NBS/'glossary.csv', encoding='utf-8', newline='') as f: rows = list(csv.DictReader(f))
    return {r.pop('term'): r | {'also': list(filter(None, r['also'].split(';')))} for r in rows}


@cache
def names():
    "Each term and each of its other names, in lower case: {name: term}"
    also = {a.lower(): term for term, e in entries().items() for a in e['also']}
    return also | {term.lower(): term for term in entries()}


def term_id(term):
    "Where the glossary explains a term, without accents"
    bare = unicodedata.normalize('NFKD', term).encode('ascii', 'ignore').decode()
    return re.sub(r'\W+', '-', bare.lower()).strip('-')


def plain(text): return MARKS.sub(lambda m: m[1] or '', text)


def split(text):
    "The words of a list between dots"
    return [word for part in text.replace('\n', ' ').split('·') if (word := part.strip(' .'))]


def listed(text): return [plain(word) for _, words in LISTED.findall(text) for word in split(words)]


def linked(text):
    "A recap whose terms lead to the glossary"
    def link(word):
        term = names().get(plain(word).lower())
        return f'[{word}](glossary.qmd#{term_id(term)})' if term else word
    return LISTED.sub(lambda m: m[1] + ' · '.join(map(link, split(m[2]))) + '\n', text)
