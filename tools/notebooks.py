"""What the other tools need to know about the notebooks: their list, their sources' fingerprint, their ledger."""
import ast, hashlib, json, re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS, LIB, BUILD = ROOT/'nbs', ROOT/'walkdl', ROOT/'_build'
CLAIM, EXERCISE = 'application/vnd.walkdl.claim+json', 'application/vnd.walkdl.exercise+json'
DIRECTIVE = re.compile(r'^#\|\s*([\w-]+)\s*:?[ \t]*(.*)$', re.M)


def chapters():
    "All notebooks in the order in which they are read; index, which reports on the others, comes last"
    paths = sorted(p for p in NBS.glob('*.ipynb') if not p.name.startswith('_'))
    return sorted(paths, key=lambda p: p.stem == 'index')


def read(path): return json.loads(Path(path).read_text(encoding='utf-8'))


def source(cell): return ''.join(cell['source'])


def directives(text): return {name: value.strip() for name, value in DIRECTIVE.findall(text)}


def module(path):
    "Name of the module that a notebook exports, or None"
    for cell in read(path)['cells']:
        if cell['cell_type'] == 'code' and (name := directives(source(cell)).get('default_exp')): return name


def imported(text):
    "Modules of the package that this Python text imports"
    names = set()
    for line in text.splitlines():
        if m := re.match(r'\s*(?:from\s+(?:walkdl)?\.(\w+)\s+import|import\s+walkdl\.(\w+))', line): names.add(m[1] or m[2])
        if m := re.match(r'\s*from\s+walkdl\s+import\s+(.+)', line): names |= set(re.findall(r'\w+', m[1]))
    return names


def needs(text):
    "Modules that this text imports, and all that these import in turn"
    todo, done = imported(text), set()
    while todo:
        name = todo.pop()
        path = LIB/f'{name}.py'
        if name in done or not path.exists(): continue
        done.add(name)
        todo |= imported(path.read_text(encoding='utf-8'))
    return done


def code(path): return '\n'.join(source(c) for c in read(path)['cells'] if c['cell_type'] == 'code')


def fingerprint(path):
    "Changes when the code of a notebook, or a module or the data that it stands on, changes; not with its prose or outputs"
    text = code(path)
    parts = [text] + [(LIB/f'{m}.py').read_text(encoding='utf-8') for m in sorted(needs(text) - {module(path)})]
    if Path(path).stem == 'index': parts += [_reported()]
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:16]


def _reported():
    "What the front page says of the other notebooks: their first cells and their figures"
    firsts = [source(read(p)['cells'][0]) for p in chapters() if p.stem != 'index']
    return json.dumps([firsts, {k: v for k, v in scoreboard()['notebooks'].items() if k != 'index'}])


def ledger(path):
    "Claims and exercises that a notebook's saved outputs hold, in order: [{kind, cell, heading, …}]"
    rows, heading = [], ''
    for i, cell in enumerate(read(path)['cells']):
        if cell['cell_type'] == 'markdown':
            for m in re.finditer(r'^#+\s+(.+)$', source(cell), re.M): heading = m[1].strip()
        for out in cell.get('outputs', []):
            for kind, mime in (('claim', CLAIM), ('exercise', EXERCISE)):
                if out.get('data', {}).get(mime): rows.append(dict(out['data'][mime], kind=kind, cell=i, heading=heading))
    return rows


def scoreboard():
    path = NBS/'scoreboard.json'
    return json.loads(path.read_text(encoding='utf-8')) if path.exists() else {'machine': '', 'notebooks': {}}


def stale(path):
    "Why the saved outputs of this notebook are not those of its present code, or None"
    entry = scoreboard()['notebooks'].get(Path(path).stem)
    if entry is None: return 'never run'
    if entry['source'] != fingerprint(path): return 'its code, or a module that it imports, changed since its outputs were saved'


def parse(path): return ast.parse(Path(path).read_text(encoding='utf-8'))
