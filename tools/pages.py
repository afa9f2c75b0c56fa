"""The generated pages, nbs/NAME.qmd: written before rendering, no part of the repository."""
import re, subprocess, sys
from html import escape

from claims import claims
from glossary import glossary
from how import how
from markup import count, page_link, raw, table
from nbfilter import front_matter
from notebooks import LESSON, LONG, LONGER, NBS, ROOT, chapters, save, scoreboard
from plan import title
from play import play
from reference import api
from sources import source_page
from walkdl.cli import references, surnames

LIMITS = {'import': 100, 'page': 500}      # ms, kB


# ---------- scoreboard

def import_ms():
    "Milliseconds of `import walkdl` in a fresh Python, the best of five"
    code = 'from time import perf_counter as t; s = t(); import walkdl; print(1000*(t() - s))'
    ask = dict(cwd=ROOT, capture_output=True, text=True, check=True)
    return min(float(subprocess.run([sys.executable, '-c', code], **ask).stdout) for _ in range(5))


def notebook_table(board):
    "Seconds, memory, claims, exercises and size of each notebook, and their sums"
    paths = [p for p in chapters() if p.stem in board]
    total = lambda k: sum(board[p.stem].get(k, 0) for p in paths)
    def line(path):
        e, size = board[path.stem], path.stat().st_size/1000
        return [page_link(path, text=title(path)), f"{e['seconds']:.1f}", f"{e.get('mb', 0):,.0f}",
                e.get('claims', 0), e.get('exercises', 0), f'{size:,.0f}']
    last = [count(len(paths), 'notebook'), f'{total("seconds"):.1f}', '',
            total('claims'), total('exercises'), '']
    rows = [*map(line, paths), [f'<strong>{c}</strong>' if c else '' for c in last]]
    columns = ['Notebook', 'Seconds', 'Memory, MB', 'Claims', 'Exercises', 'File, kB']
    return table(columns, rows, numeric=range(1, 6))


def budget_table(board):
    "What the budgets allow; the last step of the build fills in the heaviest page"
    page = 'heaviest page without a live model: <a id="heaviest" href="index.html">index.html</a>'
    slowest = max((e['seconds'] for k, e in board.items() if k not in LONGER), default=0)
    rows = [['<code>import walkdl</code>', f'{import_ms():.0f} ms', f"{LIMITS['import']} ms"],
            [page, '<span id="heaviest-kb">–</span>', f"{LIMITS['page']} kB"],
            *([page_link(NBS/f'{k}.ipynb', text=title(NBS/f'{k}.ipynb')) + f': {why}',
               f"{board.get(k, {}).get('seconds', 0):.0f} s", f'{LONG} s']
              for k, why in LONGER.items()),
            ['any other notebook', f'{slowest:.0f} s', f'{LESSON} s']]
    return table(['What', 'Last run', 'At most'], rows, numeric=(1, 2))


def score():
    board = scoreboard()
    machine = board['machine'] or 'no machine yet'
    return (f'As last run on: {machine}.\n\n' + raw(notebook_table(board['notebooks']))
            + '\n## Budgets\n\n' + raw(budget_table(board['notebooks'])))


# ---------- references

PLACES = ('journal', 'booktitle', 'publisher', 'howpublished')


def full_name(author):
    "Given name first"
    return ' '.join(reversed([part.strip() for part in author.split(',', 1)]))


def reference_line(key, ref):
    "Who, when, what, where"
    who = ', '.join(map(full_name, re.split(r'\s+and\s+', ref.get('author', ''))))
    url = ref.get('url') or (f'https://doi.org/{ref["doi"]}' if ref.get('doi') else '')
    name = escape(ref.get('title', ''))
    what = f'<a href="{escape(url)}">{name}</a>' if url else f'<em>{name}</em>'
    where = next((ref[k] for k in PLACES if ref.get(k)), '')
    parts = [f'{escape(who)} ({escape(ref.get("year", ""))})', what, escape(where)]
    return f'<li id="ref-{escape(key)}">{". ".join(filter(None, parts))}.</li>'


def reference_page():
    order = lambda item: (surnames(item[1])[0].lower(), item[1].get('year', ''))
    items = [reference_line(*item) for item in sorted(references().items(), key=order)]
    return raw('<ul class="references">\n' + '\n'.join(items) + '\n</ul>')


# ---------- all of them

PAGES = { # name: title, what it is, its text, is there a table of contents?
    'play': (
        'Play', 'Every model that answers in the page: press, draw, drag.', play, False),
    'how': (
        'How to read a page', 'What a claim, a tick, a fold and a guess are.', how, True),
    'claims': (
        'Claims', 'Every number that the text stands on: measured here, found to differ, or cited.',
        claims, False),
    'scoreboard': (
        'Scoreboard', 'Seconds, memory, claims, exercises of every notebook, as in the last run.',
        score, True),
    'sources': (
        'Sources', 'Where each slide and section of the five lectures went.',
        source_page, True),
    'glossary': (
        'Glossary', "The field's words, each in a sentence, with the section that explains it.",
        glossary, False),
    'api': ('API', 'What the library holds: by purpose, then chapter by chapter.', api, True),
    'references': (
        'References', 'Papers, books and lectures that the chapters cite.', reference_page, False)}


def write():
    "Write every page whose text has changed"
    for name, (heading, about, text, toc) in PAGES.items():
        new = f'{front_matter(title=heading, description=about, toc=toc)}\n{text()}'
        path = NBS/f'{name}.qmd'
        if not path.exists() or path.read_text(encoding='utf-8') != new: save(path, new)
