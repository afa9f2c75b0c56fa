"""The Claims page: what was measured, what differs, what is cited, each in its own table."""
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
    start = text[:LONG].rsplit(' ', 1)[0]
    return f'<details><summary>{escape(start)} …</summary>{escape(text)}</details>'


def listed(names): return [names] if isinstance(names, str) else names or []


def reference(name):
    "An author and a year, linked where refs.bib has them"
    key = next((k for k in references() if cite(k) == name), None)
    return f'<a href="references.html#ref-{key}">{escape(name)}</a>' if key else escape(name)


def published(row):
    "What others report, with its source"
    text = escape(re.sub(r'^published ', '', row.get('published') or ''))
    for by in filter(None, listed(row.get('by'))): text = text.replace(escape(by), reference(by))
    return text


def bound(row):
    "What was promised; a long list that equals the measured one is not said twice"
    same = row['bound'] == f'= {row["value"]}' and len(row['value']) > LONG
    loose = '<br><small class="loose">loose: nearer to the null than half-way</small>'
    return cell('= the same' if same else row['bound']) + (loose if row.get('loose') else '')


def measured(row):
    seeds = f'<br><small>{escape(row["seeds"])}</small>' if row.get('seeds') else ''
    return cell(row['value']) + seeds


def null(row): return cell(re.sub('^null ', '', row.get('null') or ''))


def difference(row): return escape(re.sub('^difference ', '', row['bound']))


def sides(row): return '<br>'.join(f'{escape(k)}: {escape(v)}' for k, v in row['sides'].items())


def place(row): return f'{"; ".join(map(reference, listed(row["by"])))}, {escape(row["where"])}'


# ---------- the tables

def slug(text):
    "A sentence as an anchor, without its numbers, which change"
    words = anchor(re.sub(r'[^a-z -]', ' ', text.lower())).split('-')
    return '-'.join(w for w in words if w)[:50].rstrip('-')


def anchored(rows):
    "Each row with an anchor out of its chapter and its sentence, without the numbers, which change"
    seen = {}
    for path, row in rows:
        key = f'{name(path)}-{slug(row["text"])}'
        seen[key] = seen.get(key, 0) + 1
        yield path, row, key if seen[key] == 1 else f'{key}-{seen[key]}'


KINDS = { # kind: heading, columns, cells of a row
    'claim': ('Measured here', ['Claim', 'Measured', 'Bound', 'Null', 'Published'],
              lambda r: [measured(r), bound(r), null(r), published(r)]),
    'better': ('Differences', ['Claim', 'Both sides', 'The difference', 'What was equal'],
               lambda r: [sides(r), difference(r), escape(r['equal'])]),
    'cited': ('Cited', ['Statement', 'Figure', 'Source'],
              lambda r: [cell(r['value']), place(r)])}


def group(path, rows, cells, width):
    "The rows of one chapter under its name"
    head = f'<tr class="chapter"><th scope="rowgroup" colspan="{width}">{page_link(path)}</th></tr>'
    lines = [head]
    for _, row, key in rows:
        inner = [escape(row['text']), *cells(row), page_link(path, row['heading'])]
        lines.append(f'<tr id="{key}">' + ''.join(f'<td>{c}</td>' for c in inner) + '</tr>')
    return f'<tbody data-chapter="{escape(title(path))}">\n' + '\n'.join(lines) + '\n</tbody>\n'


def ledger_table(kind, rows):
    "The rows of one kind, chapter by chapter"
    head, columns, cells = KINDS[kind]
    columns = [*columns, 'Section']
    th = ''.join(f'<th scope="col">{c}</th>' for c in columns)
    by_chapter = groupby(rows, key=lambda row: row[0])
    body = [group(path, own, cells, len(columns)) for path, own in by_chapter]
    table = f'<table class="table ledger-rows" id="{kind}-rows">\n<thead><tr>{th}</tr></thead>\n'
    return f'\n## {head}\n\n' + raw(table + ''.join(body) + '</table>')


def summary(of, solved):
    "How much there is of each kind"
    loose = sum(bool(r.get('loose')) for rows in of.values() for _, r, _ in rows)
    nulls = sum(bool(r.get('null')) for _, r, _ in of['claim'])
    n = lambda kind, word: count(len(of[kind]), word)
    said = [f'{n("claim", "claim")} and {n("better", "difference")} were measured here and held in',
            f'the last run; {n("cited", "figure")} from elsewhere are cited and not counted among',
            f'them. {count(nulls, "claim")} carry what a null gives, which their bound refuses; of',
            f'these, {loose} are loose. The checkers of {count(solved, "exercise")} refuse their',
            'planted wrong answers.']
    return ' '.join(said) + '\n\n'


def claims():
    found = [(p, r) for p in chapters() for r in ledger(p)]
    solved = {(p, r['name']) for p, r in found if r['kind'] == 'exercise'}
    rows = list(anchored([(p, r) for p, r in found if r['kind'] in KINDS and r.get('text')]))
    of = {kind: [(p, r, key) for p, r, key in rows if r['kind'] == kind] for kind in KINDS}
    kinds = [kind for kind in KINDS if of[kind]]
    names = ' '.join(f'{kind}-rows' for kind in kinds)
    titles = dict.fromkeys(title(path) for path, _, _ in rows)
    tables = ''.join(ledger_table(kind, of[kind]) for kind in kinds)
    return summary(of, len(solved)) + raw(filter_box(names, titles, 'Chapter')) + tables
