"""A module as pyright can read it: each method that @patch gives to a class stands in the class."""
import ast, re


def owner(f):
    "The class that fastcore's @patch gives this function to, if any"
    if not isinstance(f, ast.FunctionDef): return None
    marks = [ast.unparse(d).partition('(')[0] for d in f.decorator_list]
    return ast.unparse(f.args.args[0].annotation) if 'patch' in marks else None


def method(code):
    "The source of a patched function as that of a method, line for line"
    code = code.replace('@patch(cls_method=True)', '@classmethod').replace('@patch', '')
    code = re.sub(r'\b(self|cls)\s*:\s*\w+', r'\1', code, count=1)
    return ['    ' + line for line in code.split('\n')]


def gathered(text):
    "Lines of a module with their numbers, [(number, line)], each method in its class"
    lines, body = [*enumerate(text.splitlines(), 1)], ast.parse(text).body
    ends = {c.name: c.end_lineno for c in body if isinstance(c, ast.ClassDef)}
    moved = {}
    for f in body:
        if owner(f) not in ends: continue
        first, last = f.decorator_list[0].lineno, f.end_lineno
        code = method('\n'.join(line for _, line in lines[first - 1:last]))
        moved.setdefault(ends[owner(f)], []).extend(zip(range(first, last + 1), code))
        lines[first - 1:last] = [(n, '') for n in range(first, last + 1)]
    later = 1, 'from __future__ import annotations' # a method may name a class further below
    return [later, *(o for n, line in lines for o in ((n, line), *moved.get(n, ())))]
