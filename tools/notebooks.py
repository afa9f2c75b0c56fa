"""What the other tools need to know about the notebooks: list, fingerprint, ledger, scoreboard."""
import ast, hashlib, json, math, os, re
from collections import Counter
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS, LIB, BUILD = ROOT/'nbs', ROOT/'walkdl', ROOT/'_build'
BOARD, WEIGHTS, MODELS = NBS/'scoreboard', LIB/'weights', NBS/'demos'/'models'
KINDS = ('claim', 'better', 'cited', 'exercise')
DIRECTIVE = re.compile(r'^#\|\s*([\w-]+)\s*:?[ \t]*(.*)$', re.M)
LOOKS = re.compile(r'^#\|\s*(?:fig-alt|fig-cap|code-fold|code-summary|echo|fold)\b.*\n?', re.M)
NUMBER = re.compile(r'-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?')
PICTURE = re.compile(r'data:image/[\w+;]+,[\w+/=]+')
TOLERANCE = .05  # numbers in outputs of two kinds of processors: relative, or one last digit


# seconds of one core that a lesson may take; at most five, which say why, may take twice as long
LESSON, LONG = 30, 60
LONGER = {
    '29_transformers': 'a recurrent network and a Transformer learn the same task on the page',
    '29b_translation': '845 held-out verses are translated for the scores, token by token',
    '29c_gpt': 'a language model of 135 million weights counts, answers and tells a story',
    '52_adversarial': 'photos are attacked through a network of ImageNet, by us and by the library',
    '52c_defences': 'several attacks on each of several networks are what the chapter is about'}


class Trouble(Exception):
    "What a tool tells its user in one sentence"


def mime(kind): return f'application/vnd.walkdl.{kind}+json'


def number(path):
    "The floor of a notebook, as in (28, 'b'); None for the front page"
    m = re.match(r'(\d+)([a-z]?)_', Path(path).name)
    return m and (int(m[1]), m[2])


def chapters():
    "All notebooks in the order in which they are read; index, which reports on the others, is last"
    paths = sorted(p for p in NBS.glob('*.ipynb') if not p.name.startswith('_'))
    return sorted(paths, key=lambda p: p.stem == 'index')


# ---------- files

def save(path, text):
    "All of a file or nothing"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + '.part')
    try:
        part.write_text(text, encoding='utf-8')
        os.replace(part, path)
    finally: part.unlink(missing_ok=True)


def kept(path):
    "The dict that a JSON file holds; {} when it is missing, empty or cut short"
    try: held = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError): return {}
    return held if isinstance(held, dict) else {}


def read(path):
    "A notebook as JSON"
    try: return json.loads(Path(path).read_text(encoding='utf-8'))
    except FileNotFoundError: raise Trouble(f'there is no notebook {path}') from None
    except ValueError as e:
        raise Trouble(f'{path} is not a notebook ({e}): restore it with `git checkout`') from None


# ---------- cells

def source(cell): return ''.join(cell['source'])


def directives(text): return {name: value.strip() for name, value in DIRECTIVE.findall(text)}


def code(path):
    "The Python of a notebook, without what changes only how a cell looks on the page"
    cells = [source(c) for c in read(path)['cells'] if c['cell_type'] == 'code']
    return '\n'.join(LOOKS.sub('', s) for s in cells)


def module(path):
    "Name of the module that a notebook exports, or None"
    for cell in read(path)['cells']:
        if cell['cell_type'] == 'code' and (name := directives(source(cell)).get('default_exp')):
            return name


# ---------- what a text stands on

@lru_cache(500)
def tree(text):
    "The syntax tree; IPython's own lines (%magic, !command) are left out"
    plain = re.sub(r'^(\s*)[%!].*', r'\1pass', text, flags=re.M)
    try: return ast.parse(plain)
    except SyntaxError as e: raise Trouble(f'line {e.lineno} is not Python: {e.text}') from None


def imported(text, package='walkdl'):
    "Modules of the package that a text imports: {'cnns', 'exercises.cnns'}"
    names, perhaps = set(), set()
    for node in ast.walk(tree(text)):
        if isinstance(node, ast.Import): names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split('.')[:len(package.split('.')) + 1 - node.level]
            base = '.'.join((above if node.level else []) + [node.module or '']).strip('.')
            names.add(base)
            perhaps |= {f'{base}.{a.name}' for a in node.names}
    inside = lambda ns: {n.removeprefix('walkdl.') for n in ns if n.startswith('walkdl.')}
    return inside(names) - {'exercises'} | {n for n in inside(perhaps) if place(n).exists()}


def place(name): return LIB/(name.replace('.', '/') + '.py')


def text_of(name):
    "A module's text without the places of its cells, which move when a cell is put in above"
    text = place(name).read_text(encoding='utf-8')
    return re.sub(r'^# %% .*\n', '', text, flags=re.M)


def needs(text):
    "Modules that this text imports, and all that these import in turn"
    todo, done = imported(text), set()
    while todo:
        done.add(name := todo.pop())
        if not place(name).exists(): continue
        package = '.'.join(['walkdl', *name.split('.')[:-1]])
        todo |= imported(text_of(name), package) - done
    return done


def literals(text): return {n.value for n in ast.walk(tree(text))
                            if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def models(text):
    "The live models that a text names: models('lenet5.onnx'), models(f'look_{kind}.onnx')"
    starts = re.findall(r"\bmodels\(f?['\"]([\w.-]+)", text)
    return sorted(p for p in MODELS.glob('*.*') if any(p.name.startswith(s) for s in starts))


def files(text):
    "Checkpoints and seeds of each chapter that a text names ('cnns/lenet5'), and its live models"
    folders = {s.split('/')[0] for s in literals(text) if re.match(r'\w+/', s)}
    return sorted(p for f in folders for p in (WEIGHTS/f).glob('*.*')) + models(text)


@lru_cache(2000)
def _digest(path, stamp): return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(path):
    stat = path.stat()
    return _digest(path, (stat.st_mtime_ns, stat.st_size))


def short(*parts): return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:16]


def own(path): return short(code(path))


def fingerprint(path):
    "Changes with a notebook's code and the modules, weights, seeds and models that it stands on"
    mine = code(path)
    texts = [mine, *(text_of(m) for m in sorted(needs(mine) - {module(path)}) if place(m).exists())]
    named = sorted({p for t in texts for p in files(t)})
    return short(*texts, *(f'{p.relative_to(ROOT).as_posix()} {digest(p)}' for p in named))


# ---------- what was measured

def ledger(path):
    "Rows of a notebook's saved outputs, in order: [{kind, cell, heading, …}]"
    rows, heading = [], ''
    for i, cell in enumerate(read(path)['cells']):
        if cell['cell_type'] == 'markdown':
            for m in re.finditer(r'^#+\s+(.+)$', source(cell), re.M): heading = m[1].strip()
        for out in cell.get('outputs', []):
            rows += [dict(row, kind=kind, cell=i, heading=heading)
                     for kind in KINDS if (row := out.get('data', {}).get(mime(kind)))]
    return rows


def entry(path): return kept(BOARD/f'{Path(path).stem}.json')


def scoreboard():
    "Figures of the runs whose outputs are saved: {'machine': …, 'notebooks': {stem: {seconds, …}}}"
    board = {p.stem: row for p in chapters() if (row := entry(p))}
    machines = Counter(row.get('machine', '') for row in board.values()).most_common()
    return {'machine': ' · '.join(name for name, _ in machines), 'notebooks': board}


def stale(path):
    "Why the saved outputs of this notebook are not those of its present code, or None"
    row = entry(path)
    if not row: return 'never run'
    if row['source'] == fingerprint(path): return None
    if row.get('code') != own(path): return 'its code changed since its outputs were saved'
    return 'what it imports or loads changed since its outputs were saved'


# ---------- do two outputs say the same?

def near(a, b, tolerance):
    "Two numbers as written: within the tolerance, or one last digit apart"
    x, y = (float(n.replace(',', '')) for n in (a, b))
    figures = [re.sub(r'e.*|\D', '', n) for n in (a, b)]
    decimals = max(len(n.partition('e')[0].partition('.')[2]) for n in (a, b))
    exact = 'e' in a + b or min(len(f.lstrip('0')) for f in figures) < 2
    unit = 0 if exact else 1.001 * 10**-decimals
    return math.isclose(x, y, rel_tol=tolerance, abs_tol=max(unit, 1e-5))


def same_text(a, b, tolerance=TOLERANCE):
    "The same words, and numbers that another kind of processor may give"
    if NUMBER.sub('#', a) != NUMBER.sub('#', b): return False
    return all(near(x, y, tolerance) for x, y in zip(NUMBER.findall(a), NUMBER.findall(b)))


def said(outputs):
    "What outputs say in words: all but pictures and times"
    bare = lambda data: {k: '' if k.startswith('image/') else v for k, v in data.items()}
    says = [o.get('text') or bare(o['data']) for o in outputs]
    return PICTURE.sub('', json.dumps(says, ensure_ascii=False))


def alike(new, old, cell):
    "Do two outputs of a cell say the same? `#| tolerance: .2` states another tolerance than 5 %"
    asked = directives(source(cell))
    return same_text(said(new), said(old), math.inf if 'timing' in asked
                     else float(asked.get('tolerance') or TOLERANCE))
