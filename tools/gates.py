"""What a chapter says against what it measured: numbers in prose, bounds of claims, fragments.

  gates.py [NB…]           list what is found in each notebook, and what waits in nbs/waiting/
  gates.py --write NB…     add what is found to the waiting list, for a reason to be written

A finding is mended, or stands in nbs/waiting/CHAPTER.json with the reason why it waits. An empty
reason, a finding without an entry and an entry without a finding all fail `make test`.
"""
import argparse, ast, html, json, re, sys
from collections import namedtuple
from pathlib import Path
from notebooks import (NBS, Trouble, chapters, directives, kept, ledger, mime, read, save, source,
                       tree)

Finding = namedtuple('Finding', 'gate cell what sentence')
WAITING = NBS/'waiting'

# ---------- numbers and how they are written

FIGURE = r'\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+'
ONES = ('zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen '
        'fifteen sixteen seventeen eighteen nineteen').split()
TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split()
TENS = dict(zip(TENS, range(20, 100, 10)))
SPELLED = dict({w: i for i, w in enumerate(ONES)}, **TENS, hundred=100)
SPELLED |= {f'{t}-{o}': TENS[t] + i for t in TENS for i, o in enumerate(ONES[1:10], 1)}
WORDS = '|'.join(sorted(SPELLED, key=len, reverse=True))
PERCENT = r'\s?(?:\\?%|per\s?cent|percentage points?|percent)(?![\w-])'
UNITS = {'thousand': 1e3, 'k': 1e3, 'kB': 1e3, 'kilobytes': 1e3,
         'million': 1e6, 'M': 1e6, 'MB': 1e6, 'megabytes': 1e6,
         'billion': 1e9, 'G': 1e9, 'GB': 1e9, 'ms': 1e-3, 'milliseconds': 1e-3}
NUMERAL = re.compile(
    rf'(?<![\w.,/@#-])(?P<spelled>{WORDS})(?: point (?P<after>{WORDS}))?(?P<parts>{PERCENT})?'
    rf'(?![\w-])'
    rf'|(?<![\w@#/.])(?<![A-Za-z]-)(?P<figure>{FIGURE})(?P<percent>{PERCENT})?'
    rf'(?:\s?(?P<unit>{"|".join(UNITS)})\b|(?P<points>\s?points?)\b)?(?!\w)', re.I)
ABOUT = re.compile(r'(?:about|around|roughly|nearly|almost|some|over|more than|less than|under'
                   r'|fewer than|up to|at least|at most|close to|~|≈|≥|≤|<|>)\s*$', re.I)

Numeral = namedtuple('Numeral', 'text value slack percent')


def numerals(prose):
    "The numbers of a prose text that could be false; spelled ones only with percent or point"
    for m in NUMERAL.finditer(prose):
        if m['spelled']:
            if not (m['parts'] or m['after']): continue
            value = SPELLED[m['spelled'].lower()] + SPELLED[(m['after'] or 'zero').lower()]/10
            yield Numeral(m[0], value, .05 if m['after'] else .5, bool(m['parts']))
            continue
        plain = m['figure'].replace(',', '')
        decimals = len(plain.partition('.')[2])
        rough = not decimals and ABOUT.search(prose[:m.start()])
        zeros = len(plain) - len(plain.rstrip('0')) if rough else 0
        scale = UNITS.get(m['unit'], UNITS.get((m['unit'] or '').lower(), 1))
        if plain == '100' and re.search(r'\b(?:of|in) $', prose[:m.start()]): continue
        of_100 = re.match(r' (?:times )?(?:of|in|out of) 100\b', prose[m.end():])
        slack = .5 * 10**(zeros - decimals) * scale
        shares = bool(m['percent'] or m['points'] or of_100)
        yield Numeral(m[0], float(plain)*scale, slack, shares)


def agrees(n, known):
    "Is the numeral one of the known numbers, rounded to the digits that the prose shows?"
    scales = (1, 100) if n.percent else (1,)
    return any(abs(k*s - n.value) <= n.slack*1.0001 + 1e-12 for k in known for s in scales)


def figures(text):
    "All numbers in a text, as a set"
    return {float(x.replace(',', '')) for x in re.findall(rf'(?:{FIGURE})(?:e[-+]?\d+)?', text)}


# ---------- what is known above a cell

BOUNDS = {'at_least', 'at_most', 'between', 'tol', 'by'}


def constants(text):
    "Numbers that a code cell names, but not the bounds of its claims nor planted wrong answers"
    skipped = set()
    for n in ast.walk(tree(text)):
        if not isinstance(n, ast.Call): continue
        name = getattr(n.func, 'id', getattr(n.func, 'attr', ''))
        if name == 'rejects': skipped |= {id(x) for a in n.args for x in ast.walk(a)}
        if name in ('claim', 'better'):
            skipped |= {id(x) for k in n.keywords if k.arg in BOUNDS for x in ast.walk(k.value)}
    held = [n.value for n in ast.walk(tree(text))
            if isinstance(n, ast.Constant) and id(n) not in skipped]
    numbers = {float(abs(v)) for v in held if isinstance(v, (int, float)) and abs(v) < 1e300}
    return numbers.union(*(figures(v) for v in held if isinstance(v, str) and len(v) < 400))


def plain(text): return html.unescape(re.sub(r'<[^>]*>', ' ', text))


def joined(value): return ''.join(value) if isinstance(value, list) else value


UNSEEN = {'bound', 'num', 'loose', 'where', 'by', 'source', 'equal'}


def shown(cell):
    "Numbers in the outputs of a cell; of a claim what was measured, seen over seeds or published"
    known = set()
    for out in cell.get('outputs', []):
        data = out.get('data', {})
        rows = [data[mime(k)] for k in ('claim', 'better', 'cited') if mime(k) in data]
        if rows:
            said = [v for row in rows for k, v in row.items() if k not in UNSEEN]
            known |= figures(json.dumps(said))
        else:
            known |= figures(joined(out.get('text', '')) + joined(data.get('text/plain', '')))
            known |= figures(plain(joined(data.get('text/html', ''))))
            known |= figures(joined(data.get('text/markdown', '')))
    return known


# ---------- prose

MONTH = ('(?:January|February|March|April|May|June|July|August|September|October|November'
         '|December)')
PLACE = (r'(?:chapters?|sections?|pages?|p\.|pp\.|figures?|fig\.|tables?|exercises?|cells?'
         r'|step|part|lectures?|equations?|algorithm|theorem|version|seeds?|vol\.|volume|no\.)')
NOISE = re.compile('|'.join([ # numbers that are not figures, and text that is no prose
    r'```.*?```', r'`[^`]*`', r'\$\$.*?\$\$', r'\$[^$\n]*\$', # code, formulas
    r'<!--.*?-->', r'<[^>]*>', r'"[^"\n]{1,80}"', # and what somebody says
    r'\]\([^)]*\)', r'https?://\S+', # links
    r'@[\w:-]+(?:,\s(?:p|pp|sec|fig|tab|ch)\.[^];]*)?', # citations
    r'^#+\s.*?$', r'^\s*\d+\.\s', r'^\*\d+\ss\sto\srun.*?$', # headings, lists
    r'\b\d\d?(?:st|nd|rd|th)\b',
    r'\b(?:1[6-9]|20)\d\d(?:s\b|[-–]\d\d(?:\d\d)?\b|\b)', # years, versions
    r'\b\d+\.\d+\.\d[\w.]*|\bPython 3[\d.]*',
    rf'\b\d{{1,2}}\s{MONTH}\b', rf'\b{MONTH}\s\d{{1,2}}\b',
    rf'\b{PLACE}[\s\u00a0]\d[\d.]*[a-z]?(?:(?:\sand\s|,\s|\s?[-–…]\s?|\sto\s)\d[\d.]*[a-z]?)*\b',
    r'\b9[059]\s?%\s\[?(?:confidence\s)?(?:interval|band)', # the usual interval
]), re.M | re.S | re.I)
MEMORY = re.compile(r'as (?:we|I) remember|from memory|(?:not|never) (?:been )?(?:check|verifi)ed',
                    re.I)


def sentences(prose): return re.split(r'(?<=[.!?:;])\s+|\n\s*\n|\n(?=[-*|])', prose)


def sections(cells):
    "Number of the `##` section that each cell lies in"
    n, found = 0, []
    for c in cells:
        n += c['cell_type'] == 'markdown' and bool(re.search(r'^## ', source(c), re.M))
        found.append(n)
    return found


def around(nb):
    """For each cell the numbers that its prose may use: in its section and the one before, those of
    the outputs above it and those of the code; the promise and the recap may use all outputs"""
    cells, at = nb['cells'], sections(nb['cells'])
    code = [constants(source(c)) if c['cell_type'] == 'code' else set() for c in cells]
    out = [shown(c) for c in cells]
    for i, c in enumerate(cells):
        near = [j for j in range(len(cells)) if at[j] in (at[i], at[i] - 1)]
        all_of_it = i == 0 or re.search(r'^## (?:Recap|In short)', source(c), re.M)
        above = out if all_of_it else [out[j] for j in near if j < i]
        yield set().union(*above), set().union(*(code[j] for j in near))


def prose_findings(nb, exercises=None):
    "Numbers in prose that nothing above has measured"
    named = lambda nb: set().union(*(constants(source(c)) for c in nb['cells']
                                     if c['cell_type'] == 'code'))
    whole = {k for k in named(nb) if k >= 100}
    other = named(exercises) if exercises else set()
    drill = False
    for i, (c, (measured, code)) in enumerate(zip(nb['cells'], around(nb))):
        if c['cell_type'] == 'code': continue
        text = source(c)
        if re.search(r'^#', text, re.M): drill = bool(re.search(r'^#+ .*Exercise', text, re.M))
        known, given = code | whole, other if drill else set()
        for s in sentences(NOISE.sub(' ', text)):
            if s.rstrip(' *').endswith('?'): continue
            said = list(numerals(s))
            known_here = [n for n in said if small(n, drill) or agrees(n, measured)
                          or agrees(n._replace(percent=False), known) or agrees(n, given)]
            for n in said:
                if n not in known_here and not agrees(n, by_hand(known_here)):
                    yield Finding('number', i, n.text.strip(), s)


def small(n, drill):
    "A count of the text itself, a power of two, or what an exercise gives"
    if re.search(r'%|cent', n.text): return False
    powers = 16, 32, 64, 128, 255, 256, 512, 1024
    return drill or '.' not in n.text and (n.value <= 12 or n.value in powers)


def by_hand(given):
    "What two numbers of a sentence make: their sum, difference, product and quotient"
    pairs = [(a.value, b.value) for a in given for b in given if a is not b]
    return {v for a, b in pairs for v in (a + b, a - b, a*b, a/b if b else 0)}


def memory_findings(nb):
    for i, c in enumerate(nb['cells']):
        if m := MEMORY.search(source(c)): yield Finding('memory', i, m[0], m[0])


# ---------- claims

def worst(row):
    "How far a bound lies from the worst seed, and twice the seeds' range; None without seeds"
    num = row.get('num') or {}
    values, bound, kind = num.get('values'), num.get('bound'), num.get('kind')
    if not values or kind == 'equals' or isinstance(num.get('value'), list): return None
    low, high = min(values), max(values)
    below, beyond = (bound if kind == 'between' else (bound if kind == 'at_least' else low,
                                                      bound if kind == 'at_most' else high))
    slack = max(2*(high - low), .01*max(abs(low), abs(high)))
    return max(low - below, beyond - high), slack


def kind_of(row):
    "The kind of a claim's bound"
    signs = {'≥': 'at_least', '≤': 'at_most', '=': 'equals'}
    return (row.get('num') or {}).get('kind') or signs.get(row['bound'].strip()[:1], 'between')


def claim_findings(nb, rows):
    timing = {i for i, c in enumerate(nb['cells']) if 'timing' in directives(source(c))}
    for row in rows:
        if row['kind'] not in ('claim', 'better'): continue
        text, cell = row['text'], row['cell']
        found = lambda gate, what: Finding(gate, cell, what, text)
        if cell in timing: yield found('timing', 'seconds are reported, not claimed')
        if len(text.split()) < 4 or re.match(r'[a-z]|(?:And|The same|Its)\b', text):
            yield found('fragment', 'not a sentence that stands alone')
        if row['kind'] == 'better' or kind_of(row) == 'equals': continue
        bound, seeds = row['bound'], row.get('seeds')
        if not row.get('null'): yield found('null', f'{bound} without its null')
        elif row.get('loose'):
            yield found('loose', f'{bound} is nearer to the {row["null"]} than half-way')
        far, allowed = worst(row) or (0, 0)
        if far > allowed: yield found('far', f'{bound} lies far from {seeds}')
        if seeds and (row.get('num') or {}).get('of') not in ('trainings', 'splits'):
            yield found('seeds', f'{seeds}: neither trainings nor splits')


# ---------- the waiting list

def exercise_notebook(path):
    "The notebook of a chapter's checkers, whose numbers its statements share"
    other = Path(path).parent/'exercises'/Path(path).name
    return read(other) if other.exists() else None


def findings(path):
    nb = read(path)
    return [*prose_findings(nb, exercise_notebook(path)), *memory_findings(nb),
            *claim_findings(nb, ledger(path))]


def key(f):
    "How a finding is named in the waiting list; measured figures differ between machines"
    name = f"{f.gate}: {f.what} | {' '.join(f.sentence.split())[:110]}"
    return name if f.gate == 'number' else re.sub(rf'-?(?:{FIGURE})', '#', name)


def waiting(path): return kept(WAITING/f'{Path(path).stem}.json')


def faults(path):
    "What a chapter fails for: found, not waiting; waiting without a reason; no longer found"
    found, waits = {key(f): f for f in findings(path)}, waiting(path)
    said = [f'cell {f.cell}: {k}' for k, f in found.items() if k not in waits]
    said += [f'waits without a reason: {k}' for k, why in waits.items() if not why.strip()]
    return said + [f'no longer found, take it off the list: {k}' for k in waits if k not in found]


def write(path):
    "Bring the waiting list in step with what is found, keeping the reasons that were written"
    waits = waiting(path)
    new = {k: waits.get(k, '') for k in dict.fromkeys(map(key, findings(path)))}
    place = WAITING/f'{Path(path).stem}.json'
    if new: save(place, json.dumps(new, indent=1, ensure_ascii=False) + '\n')
    else: place.unlink(missing_ok=True)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('files', nargs='*', type=Path)
    p.add_argument('--write', action='store_true', help='bring the waiting lists in step')
    args, bad = p.parse_args(), 0
    for path in args.files or chapters():
        if args.write: write(path)
        said = faults(path)
        bad += len(said)
        print(f'{path.stem}: {len(said)} faults, {len(waiting(path))} wait')
        for line in said: print(f'  {line}')
    return bool(bad)


if __name__ == '__main__':
    try: sys.exit(main())
    except Trouble as e: sys.exit(str(e))
