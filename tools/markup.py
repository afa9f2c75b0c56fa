"""Pieces of the generated pages: headings and anchors, links to chapters, tables with a filter."""
import re
from html import escape

from nbfilter import anchor
from notebooks import read, source
from plan import title

MARKS = re.compile(r'\[([^\]]*)\]\([^)]*\)|[*`]|\[@[^\]]*\]')


def name(path):
    "A notebook's name without its number, as addresses and modules have it"
    return re.sub(r'^\d+[a-z]?_', '', path.stem)


def plain(text): return MARKS.sub(lambda m: m[1] or '', text).strip()


def count(n, word): return f"{n:,} {word}{'' if n == 1 else 's'}"


def raw(html): return f'````{{=html}}\n{html.strip()}\n````\n'


def headings(path):
    "Headings of a notebook as {anchor: text}"
    found = {}
    for cell in read(path)['cells']:
        if cell['cell_type'] != 'markdown': continue
        text = re.sub(r'^(`{3,}).*?^\1', '', source(cell), flags=re.M | re.S)
        for m in re.finditer(r'^#{2,6}\s+(.+?)\s*$', text, re.M):
            if name := re.search(r'\{#([\w-]+)\}', m[1]): found[name[1]] = m[1]
            else: found.setdefault(anchor(m[1]), m[1])
    return found


def page_link(path, heading='', text=None):
    "A link to a section of a chapter, or to the chapter where it has no such section"
    there = anchor(heading) if heading else ''
    where = f'#{there}' if there and there in headings(path) else ''
    return f'<a href="{name(path)}.html{where}">{escape(text or plain(heading) or title(path))}</a>'


def table(columns, rows, attrs='', numeric=()):
    "An HTML table; rows hold HTML; `numeric` columns are set right"
    cls = lambda i: ' class="num"' if i in numeric else ''
    th = ''.join(f'<th scope="col"{cls(i)}>{h}</th>' for i, h in enumerate(columns))
    line = lambda row: ''.join(f'<td{cls(i)}>{c}</td>' for i, c in enumerate(row))
    body = ''.join(f'<tr>{line(row)}</tr>\n' for row in rows)
    head = f'<thead><tr>{th}</tr></thead>'
    return f'<table class="table"{attrs}>\n{head}\n<tbody>\n{body}</tbody>\n</table>'


def filter_box(names, choices, label):
    "A text box and a chooser for tables of these names; without JavaScript they are plain tables"
    opts = ''.join(f'<option>{escape(c)}</option>' for c in choices)
    return (f'<div class="ledger-filter" data-for="{names}" hidden>\n'
            '<label>Find <input type="search" autocomplete="off"></label>\n'
            f'<label>{label} <select><option value="">all</option>{opts}</select></label>\n'
            '<output aria-live="polite"></output></div>')
