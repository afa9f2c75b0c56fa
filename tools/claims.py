"""The Claims page: what was measured here, what was found to differ, and what is cited, each in a table of its own."""
import re
from html import escape
from itertools import groupby

from markup import count, filter_box, name, page_link, raw
from nbfilter import anchor
from notebooks import chapters, ledger
from plan import title
from walkdl.cli import cite, references

LONG = 90
FLAT, NESTED = r'[^\[\]()]*', r'(?:[\[(][^\[\]()]*[\])](?:, )?)+'
LISTED = re.compile(rf'((?:= )?)[\[(]({FLAT}|{NESTED})[\])]((?: ± .*)?)', re.S)


# ---------- one cell

def written(value):
    "A value as a reader would write it: no brackets, no seventeen digits, yes and no"
    text = {'True': 'yes', 'False': 'no'}.get(str(value), str(value))
    text = re.sub(r'\d+\.\d{6,}', lambda m: f'{float(m[0]):.4g}', text)
    if not (m := LISTED.fullmatch(text)): return text
    return m[1] + re.sub(r'[\])], [\[(]', '; ', m[2]).strip('[]()') + m[3]


def cell(value):
    "The same as HTML; what is long opens on demand"
    text = written(value)
    if len(text) <= LONG: return escape(text)
    return f'<details><summary>{escape(text[:LONG].rsplit(" ", 1)[0])} …</summary>{escape(text)}</details>'


def listed(names): return [names] if isinstance(names, str) else names or []


def reference(name):
    "An author and a year, linked where refs.bib has them"
    key = next((k for k in references() if cite(k) == name), None)
    return f'<a href="references.html#ref-{key}">{escape(name)}</a>' if key else escape(name)


def published(row):
    "What others report, with its source"
    text = escape(re.sub(r'^published ', '', row.get('published') or ''))
    for name in filter(None, listed(row.get('by'))):
        text = text.replace(escape(name), reference(name))
    return text


def bound(row):
    says = '= the same' if row['bound'] == f'= {row["value"]}' and len(str(row['value'])) > LONG else row['bound']
    return cell(says) + ('<br><small class="loose">loose: nearer to the null than half-way</small>' if row.get('loose') else '')


def measured(row): return cell(row['value']) + (f'<br><small>{escape(row["seeds"])}</small>' if row.get('seeds') else '')


# ---------- the tables

def anchored(rows):
    "Each row with an anchor out of its chapter and its sentence, without the numbers, which change"
    seen = {}
    for path, row in rows:
        words = anchor(re.sub(r'[^a-z -]', ' ', row['text'].lower())).split('-')
        key = f'{name(path)}-{"-".join(w for w in words if w)[:50].rstrip("-")}'
        seen[key] = seen.get(key, 0) + 1
        yield path, row, key if seen[key] == 1 else f'{key}-{seen[key]}'


KINDS = { # kind: heading, columns, cells of a row
    'claim': ('Measured here', ['Claim', 'Measured', 'Bound', 'Null', 'Published'],
              lambda r: [measured(r), bound(r), cell(re.sub('^null ', '', r.get('null') or '')), published(r)]),
    'better': ('Differences', ['Claim', 'Both sides', 'The difference', 'What was equal'],
               lambda r: ['<br>'.join(f'{escape(k)}: {escape(v)}' for k, v in r['sides'].items()),
                          escape(re.sub('^difference ', '', r['bound'])), escape(r['equal'])]),
    'cited': ('Cited', ['Statement', 'Figure', 'Source'],
              lambda r: [cell(r['value']), f'{"; ".join(map(reference, listed(r["source"])))}, {escape(r["where"])}'])}


def ledger_table(kind, rows):
    "The rows of one kind, chapter by chapter"
    head, columns, cells = KINDS[kind]
    columns = [*columns, 'Section']
    body = []
    for path, group in groupby(rows, key=lambda row: row[0]):
        lines = [f'<tr class="chapter"><th scope="rowgroup" colspan="{len(columns)}">{page_link(path)}</th></tr>']
        for _, r, key in group:
            inner = [escape(r['text']), *cells(r), page_link(path, r['heading'])]
            lines.append(f'<tr id="{key}">' + ''.join(f'<td>{c}</td>' for c in inner) + '</tr>')
        body.append(f'<tbody data-chapter="{escape(title(path))}">\n' + '\n'.join(lines) + '\n</tbody>')
    th = ''.join(f'<th scope="col">{c}</th>' for c in columns)
    html = f'<table class="table ledger-rows" id="{kind}-rows">\n<thead><tr>{th}</tr></thead>\n' + '\n'.join(body) + '\n</table>'
    return f'\n## {head}\n\n' + raw(html)


def claims():
    found = [(p, r) for p in chapters() for r in ledger(p)]
    solved = {(p, r['name']) for p, r in found if r['kind'] == 'exercise'}
    rows = list(anchored([(p, r) for p, r in found if r['kind'] in KINDS and r.get('text')]))
    of = {kind: [(p, r, key) for p, r, key in rows if r['kind'] == kind] for kind in KINDS}
    loose, null = sum(bool(r.get('loose')) for _, r, _ in rows), sum(bool(r.get('null')) for _, r, _ in of['claim'])
    text = (f'{count(len(of["claim"]), "claim")} and {count(len(of["better"]), "difference")} were measured here and held in the last run; '
            f'{count(len(of["cited"]), "figure")} from elsewhere are cited and not counted among them. '
            f'{count(null, "claim")} carry what a null gives, which their bound refuses; of these, {loose} are loose. '
            f'The checkers of {count(len(solved), "exercise")} refuse their planted wrong answers.\n\n')
    shown = [kind for kind in KINDS if of[kind]]
    box = filter_box(' '.join(f'{kind}-rows' for kind in shown), dict.fromkeys(title(p) for p, _, _ in rows), 'Chapter')
    return text + raw(box) + ''.join(ledger_table(kind, of[kind]) for kind in shown)
