"""The Sources page: where each slide and section of the lectures went, out of nbs/sources.csv."""
import csv
from html import escape

import plan
from markup import headings, name, page_link, raw, table
from nbfilter import cited
from notebooks import NBS, chapters, ledger

LECTURES = { # key: (name, key in refs.bib)
    'walk': ('A walk with deep learning', 'rodriguez2021'),
    'supelec': ('Introduction to Deep Learning, lecture 1', 'vakalopoulou2023'),
    'nptel': ('The need for sanity', 'khapra2018'),
    'darkside': ('The dark side of deep learning', 'darkside2023'),
    'notes': ('Call for sanity: efficient deep learning (notes)', '')}
STATUS = ('covered', 'planned', 'aside')


def sources():
    text = (NBS/'sources.csv').read_text(encoding='utf-8')
    return list(csv.DictReader(text.splitlines()))


def by_name(): return {name(p): p for p in chapters()}


# ---------- is the map true?

def told(path): return headings(path), {row.get('text') for row in ledger(path)}


def covered_faults(r, path, heads, texts):
    "What is wrong with an entry that says it is covered"
    if not r['anchor']: yield 'covered, but no anchor is given'
    elif r['anchor'] not in heads:
        yield f'{path.name} has no heading #{r["anchor"]}; it has {", ".join(heads)}'
    if r['claim'] and r['claim'] not in texts: yield f'{path.name} makes no claim "{r["claim"]}"'


def entry_faults(r, chapter, planned, cache):
    "What is wrong with one entry"
    if r['lecture'] not in LECTURES: yield f'unknown lecture {r["lecture"]!r}'
    if r['status'] not in STATUS: yield f'status {r["status"]!r} is none of {", ".join(STATUS)}'
    if r['status'] == 'planned' and r['chapter'] not in planned | chapter.keys():
        yield f'no chapter {r["chapter"]!r} is planned in _quarto.yml'
    if r['status'] != 'covered': return
    if path := chapter.get(r['chapter']):
        if path not in cache: cache[path] = told(path)
        yield from covered_faults(r, path, *cache[path])
    else: yield f'there is no chapter {r["chapter"]!r}'


def source_faults(rows=None):
    "What is wrong in the map of sources: one sentence for each fault"
    chapter, planned, cache = by_name(), {s.partition('_')[2] for s in plan.lines()}, {}
    return [f'nbs/sources.csv line {n} ({r["lecture"]}: {r["item"]}): {fault}'
            for n, r in enumerate(sources() if rows is None else rows, start=2)
            for fault in entry_faults(r, chapter, planned, cache)]


# ---------- the page

def place(r, path):
    "Where an entry went, as HTML"
    if r['status'] == 'aside': return 'about the lecture itself'
    if r['status'] == 'planned':
        return escape(r['chapter']) + (', not yet in it' if path else ', to be written')
    return page_link(path, headings(path).get(r['anchor'], '')) if path else escape(r['chapter'])


def line(r, path):
    tick = '<span class="claim-tick">✓</span> ' if r['status'] == 'covered' else ''
    claim = f'<br><small>{escape(r["claim"])}</small>' if r['claim'] else ''
    return [escape(r['item']), tick + place(r, path) + claim]


def done(rows): return sum(r['status'] == 'covered' for r in rows)


def source_page():
    rows, chapter = sources(), by_name()
    parts = [f'{len(rows)} slides and sections of five lectures; {done(rows)} are covered by a '
             'chapter that is written, the rest name the chapter that is to carry them.\n']
    for key, (title, ref) in LECTURES.items():
        own = [r for r in rows if r['lecture'] == key]
        body = [line(r, chapter.get(r['chapter'])) for r in own]
        by = cited(f'[@{ref}]') if ref else ''
        parts.append(f'## {title}\n\n{by}\n\n{done(own)} of {len(own)}.\n\n'
                     + raw(table(['Slide or section', 'Where'], body, ' class="sources"')))
    return '\n'.join(parts)
