"""What code a reader of the story sees: each cell is of a kind, told by its syntax tree.

Imports, drawing, tests, claims, what is not run in the lesson and what is long fold; of the code
that stands between two sentences one cell stays open. `#| fold true` or `false` overrides.
"""
import ast, json, re
from functools import cache
from itertools import groupby, takewhile

from notebooks import WEIGHTS, directives, source, tree

LONG, LESSON = 12, 16      # lines that may stand open, and of what is exported with its source
TAIL = 3       # lines of drawing or tests at the end of a cell that are worth a fold of their own
CLAIMS = {'claim', 'better', 'cited'}
DRAWS = {'plt', 'ax', 'axes', 'axs', 'fig', 'show_grid'}
SERVES = {'set_seed', 'style', 'random', 'warnings'}      # calls that no reader waits for
MAKES = (ast.Assign, ast.FunctionDef, ast.ClassDef)
HOW = {'drawn': 'drawn', 'checked': 'checked', 'claimed': 'checked'}


# ---------- what a statement does

def root(node):
    "The name at the left end of a call: `ax` in ax.plot(x)[0].set()"
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ''


def assigned(node):
    "Names that a statement makes"
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)): return {node.name}
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    return {n.id for n in names if isinstance(n.ctx, ast.Store)}


def own(node):
    "Names that only a part of a statement knows: arguments, what a function or a loop in it makes"
    parts = [n for n in ast.walk(node) if isinstance(n, (ast.FunctionDef, ast.comprehension))]
    args = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    return args.union(*(assigned(b) for n in parts for b in getattr(n, 'body', [n])))


def reads(node):
    "Names that a statement takes from above"
    nodes = [n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return {n.id for n in nodes} - own(node)


def called(node): return {root(n) for n in ast.walk(node) if isinstance(n, ast.Call)}


def call_effect(name, draws):
    if name in CLAIMS: return 'claimed'
    if name.startswith(('test_', 'check_')): return 'checked'
    if name in draws: return 'drawn'
    if name == 'Demo': return 'live'
    return 'serves' if name in SERVES else 'lesson'


def effects(node, later, draws):
    "What a statement does for its reader: imports, drawn, checked, claimed, live, serves or lesson"
    if isinstance(node, (ast.Import, ast.ImportFrom)): return {'imports'}
    if isinstance(node, ast.Assert): return {'checked'}
    if isinstance(node, ast.Pass): return {'serves'}
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return {call_effect(root(node.value), draws)}
    if isinstance(node, (ast.For, ast.With, ast.If, ast.Try)):
        return set().union(*(effects(part, later, draws) for part in node.body))
    if isinstance(node, ast.FunctionDef) and called(node) & draws: return {'drawn'}
    if isinstance(node, (ast.Assign, ast.AugAssign)) and root(node.value) == 'plt': return {'drawn'}
    makes = assigned(node)
    return {'lesson'} if not makes or makes & later else {'serves'}


# ---------- what a cell is

class Part:
    "One code cell: its kinds, its names, whether it may stay open"
    def __init__(self, cell, later, draws):
        self.text, self.marks = source(cell), directives(source(cell))
        body = tree(self.text).body
        self.lines = sum(bool(line.strip()) and line[:2] != '#|' for line in self.text.split('\n'))
        self.kinds = set().union(*(effects(n, later, draws) for n in body)) - {'serves'}
        self.kinds = self.kinds or {'lesson'}
        self.exported = {'exports', 'export'} & self.marks.keys()
        self.names = [n for part in body for n in made(part) if n in later or self.exported]
        self.silent = not cell.get('outputs')
        self.shows = any({'text/html', 'text/plain'} & o.get('data', {}).keys()
                         for o in cell.get('outputs', ()))

    @property
    def solution(self): return 'code-fold' in self.marks

    @property
    def candidate(self):
        "May this cell stay open?"
        if 'fold' in self.marks: return self.marks['fold'] == 'false'
        plumbing = 'lesson' not in self.kinds or {'slow', 'export'} & self.marks.keys()
        return not plumbing and self.lines <= (LESSON if 'exports' in self.marks else LONG)

    @property
    def rank(self): return bool(self.exported), bool(self.shows), bool(self.names)


def made(node):
    "Names that a reader may look for: functions, classes, plain variables"
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)): return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [t.id for t in targets if isinstance(t, ast.Name)]


def later(cells):
    "The code cells, each with the names that something below it reads before they are made anew"
    live, pairs = set(), []
    for cell in reversed([c for c in cells if c['cell_type'] == 'code']):
        pairs.append((cell, set(live)))
        for node in reversed(tree(source(cell)).body):
            live -= assigned(node) if isinstance(node, MAKES) else set()
            live |= reads(node)
    return pairs[::-1]


def drawing(cells):
    "Names whose calls draw: matplotlib's, and functions of the notebook that call these"
    code = [source(c) for c in cells if c['cell_type'] == 'code']
    defs = [n for text in code for n in tree(text).body if isinstance(n, ast.FunctionDef)]
    draws = set(DRAWS)
    for f in defs:
        if called(f) & draws: draws.add(f.name)
    return draws


def parts(cells):
    "The code cells of a notebook as parts: {id of the cell: Part}"
    draws = drawing(cells)
    return {id(c): Part(c, names, draws) for c, names in later(cells)}


def halves(cell, below, draws):
    "A cell that ends in drawing, tests or claims as two: what matters, and that"
    text, marks = source(cell), directives(source(cell))
    body, lines = tree(text).body, text.split('\n')
    tail = [*takewhile(lambda n: 'lesson' not in effects(n, below, draws), reversed(body))]
    if {'slow', 'fold', 'code-fold', 'export', 'exports'} & marks.keys() or not tail: return [cell]
    first = tail[-1]
    start = min(n.lineno for n in [first, *getattr(first, 'decorator_list', ())]) - 1
    head = [line for line in lines[:start] if line[:2] != '#|']
    if len(lines) - start < TAIL or len(tail) == len(body): return [cell]
    top = [line for line in lines if line[:2] == '#|']
    return [cell | {'source': '\n'.join(head).rstrip(), 'outputs': []},
            cell | {'source': '\n'.join(top + lines[start:]), 'id': f'{cell.get("id", "")}b'}]


def split(cells):
    "The cells of a notebook, those in halves that do two things"
    draws, known = drawing(cells), {id(c): names for c, names in later(cells)}
    return [half for c in cells
            for half in (halves(c, known[id(c)], draws) if id(c) in known else [c])]


# ---------- what is said of folded code

@cache
def cards():
    "What is known of each checkpoint and each experiment over seeds: {name: dict}"
    known = {}
    for path in WEIGHTS.glob('*/*.json'):
        held = json.loads(path.read_text(encoding='utf-8'))
        inside = held.items() if path.stem == 'seeds' else [(path.stem, held)]
        known |= {f'{path.parent.name}/{name}': card for name, card in inside}
    return known


def duration(seconds):
    return f'about {round(seconds/60)} minutes' if seconds > 90 else f'{seconds} s'


def unrun(text):
    "Why a cell is not run in the lesson"
    known = [cards().get(name, {}) for name in re.findall(r"'([\w]+/[\w]+)'", text)]
    if 'repeat(' in text:
        of = next((k for k in known if 'n' in k), {})
        what = {'splits': 'measurement', 'trainings': 'training'}.get(of.get('of'), 'training')
        return f'repeats the {what} over {of.get("n", "several")} seeds'
    seconds = sum(k.get('seconds', 0) for k in known)
    if 'save_weights(' in text:
        return 'trains and saves the weights' + (f', {duration(seconds)}' if seconds else '')
    return 'made once, and loaded'


def listed(words):
    "One, two and three"
    return ' and '.join(filter(None, [', '.join(words[:-1]), words[-1]]))


def said(folded):
    "The one quiet line over folded neighbours"
    lines = sum(p.lines for p in folded)
    names = [n for p in folded if 'lesson' in p.kinds and 'slow' not in p.marks for n in p.names]
    names = [n for n in names if n[0] != '_'] or names
    kinds = {k for p in folded for k in p.kinds if 'slow' not in p.marks}
    how = list(dict.fromkeys(HOW[k] for k in HOW if k in kinds))
    if 'lesson' in kinds and not names: how.insert(0, 'computed')
    told = [', '.join(names[:4]) + (' …' if len(names) > 4 else '')] if names else []
    if how: told.append('how it is ' + listed(how))
    if 'live' in kinds: told.append('the live model')
    if kinds == {'imports'}: told.append('imports')
    told += [f'not run in the lesson: {unrun(p.text)}' for p in folded if 'slow' in p.marks]
    return f'{lines} line{"s"*(lines > 1)}: {"; ".join(dict.fromkeys(told))}'


# ---------- a whole notebook

def runs(cells):
    "Code cells that no sentence parts"
    run = []
    for cell in cells:
        if cell['cell_type'] == 'code': run.append(cell)
        elif run: yield run; run = []
    if run: yield run


def joins(a, b):
    "Do two neighbours read as one short cell?"
    return a.candidate and b.candidate and a.silent and a.lines + b.lines < LONG


def stays(run):
    "The cells of a run that stay open: those of the author, else the one that matters most"
    free = [i for i, p in enumerate(run) if p.candidate]
    if any(p.marks.get('fold') == 'false' for p in run): return [run[i] for i in free]
    if not free: return []
    best = max(free, key=lambda i: (*run[i].rank, -i))
    pair = [(i, i + 1) for i in (best - 1, best) if 0 <= i < len(run) - 1]
    start, end = next(((i, j) for i, j in pair if joins(run[i], run[j])), (best, best))
    return run[start:end + 1]


def one(cells):
    "Open neighbours as one cell, where the first of them shows nothing"
    *silent, last = cells
    text = '\n\n'.join(c['source'] for c in cells)
    return [last | {'source': text}] if all(c['part'].silent for c in silent) else cells


def folded(cells):
    "The shown cells; each folded one has the line that stands over it and its neighbours"
    said_of, merged = {}, {}
    for run in runs(cells):
        run = [c for c in run if c['part']]
        opened = stays([c['part'] for c in run if not c['part'].solution])
        state = lambda c: 'solution' if c['part'].solution else c['part'] in opened
        for how, group in groupby(run, state):
            group = list(group)
            if how is True: merged |= {id(c): [] for c in group} | {id(group[0]): one(group)}
            elif not how: said_of |= dict.fromkeys(map(id, group), said([c['part'] for c in group]))
    marked = [c | {'fold': said_of[id(c)]} if id(c) in said_of else c for c in cells]
    return [c for old, new in zip(cells, marked) for c in merged.get(id(old), [new])]
