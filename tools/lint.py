"""How the code is written, as ruff, prettier, eslint and pyright see it, and how wide it is.

  lint.py [CHECK…]   say what is wrong; what is not yet mended is counted in tools/lint.json
  lint.py --keep     write the counts anew; a file's count should only ever shrink
"""
import json, subprocess, sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from gathered import gathered

ROOT = Path(__file__).resolve().parent.parent
WIDE = 92 # columns of code that a page shows at 1280 pixels
KNOWN, NODE = ROOT/'tools'/'lint.json', ROOT/'node_modules'/'.bin'
SCRIPTS = ['nbs/demos/*.js', 'nbs/*.js', 'eslint.config.mjs']


def output(*command, at=None):
    run = subprocess.run(command, cwd=at or ROOT, capture_output=True, text=True)
    if run.stdout.strip() or not run.returncode: return run.stdout
    raise RuntimeError(f'{Path(command[0]).name} did not run: {run.stderr.strip()[-1000:]}')


def name(path): return (ROOT/path).resolve().relative_to(ROOT).as_posix()


def ruff(*files):
    "Python and the code of notebooks"
    found = output(sys.executable, '-m', 'ruff', 'check', '--output-format=json', *(files or '.'))
    for f in json.loads(found):
        cell = f"cell {f['cell']}, " if f['cell'] else ''
        yield name(f['filename']), f['code'], f"{cell}line {f['location']['row']}: {f['message']}"


def width(*files):
    "Code of notebooks is no wider than a page; directives, which no page shows, may be"
    for path in map(ROOT.joinpath, files or sorted(ROOT.glob('nbs/**/*.ipynb'))):
        cells = json.loads(path.read_text(encoding='utf-8'))['cells']
        lines = [(i, l) for i, c in enumerate(cells, 1) if c['cell_type'] == 'code'
                 for l in ''.join(c['source']).splitlines()]
        for i, line in lines:
            if len(line) > WIDE and not line.startswith('#|'):
                yield name(path), 'width', f'cell {i}: {len(line)} columns, {WIDE} fit: {line:.40}…'


def prettier(*files):
    "The layout of the browser side"
    said = output(NODE/'prettier', '--list-different', *(files or SCRIPTS))
    for file in said.split(): yield name(file), 'layout', 'run `npx prettier --write` on it'


def eslint(*files):
    "The sense of the browser side"
    for f in json.loads(output(NODE/'eslint', '--format=json', *(files or ['nbs', SCRIPTS[-1]]))):
        for m in f['messages']:
            yield name(f['filePath']), m['ruleId'], f"line {m['line']}: {m['message']}"


def pyright(*files):
    "The types of the exported modules, each with its @patch methods in their classes"
    with TemporaryDirectory() as folder:
        at, numbers = Path(folder).resolve(), {}
        (at/'.venv').symlink_to(ROOT/'.venv')
        (at/'pyproject.toml').write_bytes((ROOT/'pyproject.toml').read_bytes())
        for path in ROOT.glob('walkdl/**/*.py'):
            lines, copy = gathered(path.read_text(encoding='utf-8')), at/path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text('\n'.join(line for _, line in lines) + '\n', encoding='utf-8')
            numbers[copy] = [n for n, _ in lines]
        found = json.loads(output(NODE/'pyright', '--outputjson', *files, at=at))
    for m in found['generalDiagnostics']:
        file = Path(m['file']).resolve()
        line = numbers[file][m['range']['start']['line']]
        if m['severity'] == 'error':
            yield file.relative_to(at).as_posix(), m['rule'], f"line {line}: {m['message']}"


CHECKS = dict(ruff=ruff, width=width, prettier=prettier, eslint=eslint, pyright=pyright)


def counts(found):
    table = {}
    for (file, rule), n in sorted(Counter((f, r) for f, r, _ in found).items()):
        table.setdefault(file, {})[rule] = n
    return table


def news(found, known):
    "The findings of each file and rule that has more of them than are listed"
    now = counts(found := list(found))
    more = lambda file, rule: now[file][rule] > known.get(file, {}).get(rule, 0)
    return [f'{file}, {text} ({rule})' for file, rule, text in found if more(file, rule)]


def mended(found, known):
    "What is listed and no longer wrong"
    now = counts(found)
    gone = lambda file, rule: rule not in now.get(file, {})
    return [f'{file} {rule}' for file in known for rule in known[file] if gone(file, rule)]


def known(check): return json.loads(KNOWN.read_text(encoding='utf-8')).get(check, {})


def main(names):
    if names == ['--keep']:
        table = {check: counts(find()) for check, find in CHECKS.items()}
        KNOWN.write_text(json.dumps(table, indent=1) + '\n', encoding='utf-8')
        return 0
    bad = 0
    for check in names or CHECKS:
        found, listed = list(CHECKS[check]()), known(check)
        new, open_ = news(found, listed), sum(sum(r.values()) for r in listed.values())
        bad += len(new)
        print(*new, f'{check}: {len(new)} new, {len(found)} in all, {open_} known', sep='\n')
    return bool(bad)


if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
