"""Change one thing in each shown solution and see whether its checker notices.

  mutants.py [NB…] [--changed]      run the mutants, keep the outcome in nbs/mutants/CHAPTER.json

A mutant has one sign, number, comparison, index, argument or statement changed. It must be refused,
or be listed with the reason why it is as right as the solution. A refusal should be a sentence
about the mistake. The checker says one where it knows what is wrong; a mutant that crashes is
told one where the place that it is shown is the changed line, or stands on a value that this line
made. A crash that is told elsewhere counts against, and so does a mutant that never ends. Not
counted: what does not run at all, and what gives the very same value.
"""
import argparse, ast, copy, difflib, json, linecache, os, re, signal, sys, time, traceback
from pathlib import Path
import run
from notebooks import (NBS, Trouble, chapters, directives, kept, module, place, read, save, short,
                       source)

FOLDER = NBS/'mutants'
BUDGET = 180 # seconds for the mutants of one exercise; what is left over is printed and kept
STOP = re.compile(r'your function stops at line (\d+)')
VALUE = re.compile(r'(\w+) (?:is \S|has no value)')


# ---------- making mutants

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
         ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
         ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
         ast.LShift: ast.RShift, ast.RShift: ast.LShift}
COMPARES = {ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt),
            ast.GtE: (ast.Gt, ast.LtE), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
            ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)}
ORDERED = ast.Sub, ast.Div, ast.Pow, ast.MatMult
NAMES = dict(min='max', max='min', any='all', all='any', sum='mean', mean='sum', argmin='argmax',
             argmax='argmin', floor='ceil', ceil='floor', sin='cos', cos='sin')


def changed(node, **fields):
    new = copy.copy(node)
    for k, v in fields.items(): setattr(new, k, v)
    return new


def without(items, i): return items[:i] + items[i + 1:]


def swapped(items, i): return [*items[:i], items[i + 1], items[i], *items[i + 2:]]


def variants(node, names):
    "The nodes that may stand in place of one; names: the arguments of the function around it"
    match node:
        case ast.Constant(value=bool(v)): yield ast.Constant(not v)
        case ast.Constant(value=int(v) | float(v)):
            yield from (ast.Constant(w) for w in (v + 1, v - 1, *([-v] if v else [])))
        case ast.Constant(value=str(v)) if v: yield ast.Constant(v[:-1] + chr(ord(v[-1]) + 1))
        case ast.Constant(value=bytes(v)) if v: yield ast.Constant(v[:-1] + bytes([v[-1] ^ 1]))
        case ast.Name(id=v, ctx=ast.Load()):
            yield from (changed(node, id=w) for w in sorted(names - {v}) if v in names)
            if v in NAMES: yield changed(node, id=NAMES[v])
        case ast.Attribute(attr=v, ctx=ast.Load()) if v in NAMES: yield changed(node, attr=NAMES[v])
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in SWAPS:
            yield changed(node, op=SWAPS[type(op)]())
            if isinstance(node, ast.BinOp) and isinstance(op, ORDERED):
                yield changed(node, left=node.right, right=node.left)
        case ast.UnaryOp(op=ast.USub() | ast.Not()): yield node.operand
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                for new in COMPARES[type(op)]:
                    yield changed(node, ops=[*ops[:i], new(), *ops[i + 1:]])
        case ast.IfExp(): yield changed(node, body=node.orelse, orelse=node.body)
        case ast.If() | ast.While(): yield changed(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.comprehension(ifs=ifs):
            yield from (changed(node, ifs=without(ifs, i)) for i in range(len(ifs)))
        case ast.Slice():
            given = [k for k in ('lower', 'upper', 'step') if getattr(node, k)]
            yield from (changed(node, **{k: None}) for k in given)
        case ast.List(elts=es) | ast.Tuple(elts=es) if isinstance(node.ctx, ast.Load):
            yield from (changed(node, elts=swapped(es, i)) for i in range(len(es) - 1))
        case ast.Call(args=args, keywords=keys):
            yield from (changed(node, keywords=without(keys, i)) for i in range(len(keys)))
            yield from (changed(node, args=without(args, i)) for i in range(len(args)))
            yield from (changed(node, args=swapped(args, i)) for i in range(len(args) - 1))
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)): yield ast.Pass()


def doc(node): return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def scopes(tree):
    "Each node of a tree with the arguments of the function that it stands in"
    def walk(node, names):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            a = node.args
            names = {x.arg for x in [*a.posonlyargs, *a.args, *a.kwonlyargs]} - {'self'}
        for child in ast.iter_child_nodes(node):
            if doc(child) or isinstance(child, ast.JoinedStr): continue
            yield child, names
            yield from walk(child, names)
    return walk(tree, set())


def mutants(text):
    "All mutants of a solution, as {what changed: text}"
    plain, made = ast.unparse(ast.parse(text)), {}
    for node, names in scopes(tree := ast.parse(text)):
        for new in variants(node, names):
            put = copy.deepcopy(tree, {id(node): new}) # a copy in which `new` stands for `node`
            mutated = ast.unparse(put)
            if mutated != plain: made.setdefault(mutated, difference(plain, mutated))
    return {told: text for text, told in made.items()}


def difference(old, new):
    "The changed lines, old → new"
    lines = [l for l in difflib.ndiff(old.splitlines(), new.splitlines()) if l[:2] in ('- ', '+ ')]
    was, now = (' ⏎ '.join(l[2:].strip() for l in lines if l[0] == sign) for sign in '-+')
    return f'{was} → {now}'


# ---------- the exercises of a chapter

def checkers(path):
    "{check_x: the text of its checker and of what the checkers of the chapter share}"
    file = place(f'exercises.{module(path)}')
    text = file.read_text(encoding='utf-8') if file.exists() else ''
    lines = text.splitlines()
    whole = lambda n: '\n'.join(lines[min([n, *getattr(n, 'decorator_list', [])],
                                          key=lambda d: d.lineno).lineno - 1:n.end_lineno])
    parts = [(getattr(n, 'name', ''), whole(n)) for n in ast.parse(text).body]
    shared = '\n'.join(t for name, t in parts
                       if not name.startswith('check_') and not t.startswith('__all__'))
    return {name: f'{shared}\n{t}' for name, t in parts if name.startswith('check_')}


def meaning(text):
    "A text's syntax tree as words: the same for other line breaks and other comments"
    plain = lambda n: [v for _, v in ast.iter_fields(n) if isinstance(v, (str, bytes, int, float))]
    return ' '.join(f'{type(n).__name__} {plain(n)}' for n in ast.walk(ast.parse(text)))


def exercises(path):
    "[{name, solution, cell, asks, source}]: the solutions of a chapter and how they are checked"
    found, solution, texts = [], None, checkers(path)
    for i, c in enumerate(read(path)['cells']):
        text = source(c)
        if c['cell_type'] != 'code': continue
        if directives(text).get('code-summary') == '"Solution"': solution = i, text
        elif solution and not directives(text).keys() & {'hide', 'export', 'exports'}:
            for name in dict.fromkeys(re.findall(r'\b(check_\w+)\(', text)):
                if name not in texts: continue
                found.append(dict(name=name, solution=solution[1], cell=solution[0], asks=text,
                                  source=short(*map(meaning, (solution[1], text, texts[name])))))
    return found


# ---------- running them

def answer(code, ex, names):
    "What a solution answers to its check cell"
    names = dict(names)
    file = f'<{ex["name"]}>'
    linecache.cache[file] = len(code), None, code.splitlines(True), file
    exec(compile(code, file, 'exec'), names)
    for node in ast.parse(ex['asks']).body:
        calls = [n for n in ast.walk(node)
                 if isinstance(n, ast.Call) and getattr(n.func, 'id', '') == ex['name']]
        if calls: return eval(compile(ast.Expression(calls[0].args[0]), file, 'eval'), names)
        exec(compile(ast.Module([node], []), file, 'exec'), names)


def same(got, right, checker):
    "Is it the very same value, or the same number rounded as its statement asks?"
    if callable(got): return False
    if checker.page != 'number': return repr(got) == repr(right)
    try: return round(float(got), checker.digits) == round(float(right), checker.digits)
    except (TypeError, ValueError): return False


def values(text, lines):
    "The names that get a value in these lines of a text, arguments by their default"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arguments):
            given = [*node.args[len(node.args) - len(node.defaults):], *node.kwonlyargs]
            yield from (a.arg for a in given if a.lineno in lines)
        if isinstance(getattr(node, 'ctx', None), ast.Store) and node.lineno in lines:
            while hasattr(node, 'value'): node = node.value # out[i].x = … gives to `out`
            if isinstance(node, ast.Name): yield node.id


def points(said, old, new):
    "Does the sentence about a crash show the changed line, or a value that this line made?"
    old = ast.unparse(ast.parse(old))
    pairs = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    steps = [o for o in pairs.get_opcodes() if o[0] != 'equal']
    before = {i + 1 for _, lo, hi, *_ in steps for i in range(lo, hi)}
    after = {i + 1 for *_, lo, hi in steps for i in range(lo, hi)}
    shown = set(VALUE.findall(re.split(r'\. Set before|\. It was called', said)[0]))
    if int(STOP.search(said)[1]) in after: return True
    return bool(shown & {*values(old, before), *values(new, after)})


def judge(code, ex, names, right):
    "What becomes of one mutant: 'broken', 'same', 'passed', 'crashed', 'placed' or 'told'"
    from walkdl.core import set_seed
    set_seed(0)
    try: got = answer(code, ex, names)
    except Exception: return 'broken'
    checker = names[ex['name']]
    if same(got, right, checker): return 'same'
    said = checker.problem(got)
    if said is None: return 'passed'
    if not STOP.search(said): return 'told'
    return 'placed' if points(said, ex['solution'], code) else 'crashed'


def in_fork(seconds, f, *args):
    "f(*args) in a process of its own, or 'hung' after so many seconds of work, or ten times that"
    here, there = os.pipe()
    if not (pid := os.fork()):
        try:
            for sign in (signal.SIGPROF, signal.SIGALRM): signal.signal(sign, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.setitimer(signal.ITIMER_REAL, 10*seconds)
            sys.stdout = sys.stderr = open(os.devnull, 'w')
            os.write(there, f(*args).encode())
        except BaseException: os.write(there, b'broken')
        finally: os._exit(0)
    os.close(there)
    with os.fdopen(here, 'rb') as pipe: said = pipe.read().decode()
    os.waitpid(pid, 0)
    return said or 'hung'


def attack(ex, names, reasons):
    "Run all mutants of one exercise"
    begun, worked = time.time(), time.process_time()
    right = answer(ex['solution'], ex, names)
    names[ex['name']].problem(right)
    limit, fates = 2 + 5*(time.process_time() - worked), {}
    todo = mutants(ex['solution'])
    for told, code in todo.items():
        if time.time() - begun > BUDGET: break
        fates[told] = in_fork(limit, judge, code, ex, names, right)
    count = lambda *fs: sum(f in fs for f in fates.values())
    refused = count('told', 'placed', 'crashed', 'hung')
    return dict(made=count('passed') + refused, refused=refused, sentences=count('told', 'placed'),
                placed=count('placed'), untried=len(todo) - len(fates),
                survivors={t: reasons.get(t, '') for t, f in fates.items() if f == 'passed'},
                elsewhere=[t for t, f in fates.items() if f == 'crashed'],
                endless=[t for t, f in fates.items() if f == 'hung'], source=ex['source'])


class Done(Exception): "All exercises of a notebook were tried"


def attack_all(path, todo):
    "Run a notebook, and at each solution its mutants; in the fork of a runner"
    outcome, last = kept(FOLDER/f'{path.stem}.json'), max(ex['cell'] for ex in todo)
    def before(i, shell):
        if i > last: raise Done
        for ex in todo:
            if ex['cell'] != i: continue
            reasons = outcome.get(ex['name'], {}).get('survivors', {})
            outcome[ex['name']] = attack(ex, shell.user_ns, reasons)
    try: run.execute(path, set(), before)
    except Done: pass
    finally:
        rows = {ex['name']: outcome[ex['name']] for ex in exercises(path) if ex['name'] in outcome}
        save(FOLDER/f'{path.stem}.json', json.dumps(rows, indent=1, ensure_ascii=False) + '\n')


def waiting(path):
    "The exercises of a chapter whose mutants were not run since solution or checker changed"
    seen = kept(FOLDER/f'{path.stem}.json')
    return [ex for ex in exercises(path) if seen.get(ex['name'], {}).get('source') != ex['source']]


def report(paths):
    keys = 'made', 'refused', 'sentences', 'placed', 'untried'
    total = dict.fromkeys([*keys, 'listed'], 0)
    for path in paths:
        for name, r in kept(FOLDER/f'{path.stem}.json').items():
            bare = [t for t, why in r['survivors'].items() if not why]
            for k in keys: total[k] += r[k]
            total['listed'] += len(r['survivors']) - len(bare)
            left = f", {r['untried']} not tried in {BUDGET} s" if r['untried'] else ''
            print(f"{path.stem} {name}: {r['made']} made, {r['refused']} refused, "
                  f"{r['sentences']} in a sentence{left}")
            for t in bare: print(f'    passes: {t}')
    share = lambda part, whole: f'{part/max(1, whole):.1%}'
    print(f"{total['made']} mutants, {total['listed']} as right as the solution. Of the others "
          f"{share(total['refused'], total['made'] - total['listed'])} refused: "
          f"{share(total['sentences'], total['refused'])} in a sentence about the mistake "
          f"({share(total['placed'], total['refused'])} crash and are shown the place). "
          f"{total['untried']} not tried.")


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('files', nargs='*', type=Path)
    p.add_argument('--changed', action='store_true', help='only what changed since its last run')
    p.add_argument('-j', type=int, default=2)
    args = p.parse_args()
    paths = [f.resolve() for f in args.files] or [c for c in chapters() if c.stem != 'index']
    todo = {c: waiting(c) if args.changed else exercises(c) for c in paths}
    todo, live, failed = {c: exs for c, exs in todo.items() if exs}, {}, False
    if todo: run.warm()
    for path, exs in todo.items():
        if len(live) >= args.j: failed |= ended(live)
        live[start(path, exs)] = path
    while live: failed |= ended(live)
    report(paths)
    return failed


def start(path, exs):
    "Fork a job for a notebook"
    if pid := os.fork(): return pid
    end = 1
    try:
        attack_all(path, exs)
        end = 0
    except Trouble as e: print(e)
    except BaseException: traceback.print_exc()
    finally: os._exit(end)


def ended(live):
    "Wait for a job; true if it failed"
    pid, status = os.wait()
    print(f"{live.pop(pid).stem}: {'FAILED' if status else 'done'}", flush=True)
    return bool(status)


if __name__ == '__main__':
    run.settle_environment()
    sys.exit(main())
