"""Exercises as a page shows them: what is wanted, where to answer, the solution folded."""
import ast, json
from functools import cache
from html import escape

from address import colab_url
from notebooks import LIB, directives, mime, source, tree


@cache
def wanted():
    "What each checker wants, by the docstring of its function: {name: sentence}"
    modules = [tree(p.read_text(encoding='utf-8')) for p in (LIB/'exercises').glob('*.py')]
    functions = [f for m in modules for f in m.body if isinstance(f, ast.FunctionDef)]
    marked = [(mark, f) for f in functions for mark in f.decorator_list]
    return {mark.args[0].value: ast.get_docstring(f) or '' for mark, f in marked
            if isinstance(mark, ast.Call) and mark.func.id == 'exercise'}


def rows(cell):
    "What the checkers of the course said below a cell: [{name, …}]"
    data = [o.get('data', {}) for o in cell.get('outputs', [])]
    return [d[mime('exercise')] for d in data if mime('exercise') in d]


def facts(cells):
    "What a notebook says of each of its exercises: {name: {solved, rejects, junk, page}}"
    found = {}
    for cell in cells:
        for row in rows(cell): found.setdefault(row['name'], {}).update(row)
    return found


def solves(cell):
    "Is this the solution of an exercise?"
    if cell['cell_type'] != 'code': return False
    return directives(source(cell)).get('code-summary') == '"Solution"'


def span(kind, text): return f'<span class="exercise-{kind}">{text}</span>'


def line(fact, notebook):
    "One quiet line, with a place to answer where the answer is a number, a choice or a short list"
    wants = wanted().get(fact['name'], '').rstrip('.')
    refused = fact.get('rejects', 0) + fact.get('junk', 0)
    parts = [span('wants', f'Wanted: {escape(wants[:1].lower() + wants[1:])}.') if wants else '']
    where = (f'Answer it <a href="{colab_url(notebook)}">in Colab</a> or, on your machine, with '
             '<a href="03_cli.html"><code>walkdl learn walk</code></a>.')
    if 'page' in fact:
        given = json.dumps({'name': fact['name']} | fact['page'], ensure_ascii=False)
        where = f'<walk-answer data-exercise="{escape(given)}">{where}</walk-answer>'
    parts.append(where)
    if refused: parts.append(span('note', f'Its checker refuses {refused} wrong answers.'))
    name = escape(fact['name'].replace(' ', '-'))
    html = f'<div class="exercise-line" id="exercise-{name}">{" ".join(filter(None, parts))}</div>'
    return f'```{{=html}}\n{html}\n```\n'


def about(cell, cells):
    """The exercises whose row a cell shows, where a solution stands above it under its heading.

    A checker that the text itself tries out, as in the chapter on checkers, keeps code and row.
    """
    above = cells[:next(i for i, c in enumerate(cells) if c is cell)]
    for other in reversed(above):
        if solves(other): return [r['name'] for r in rows(cell)]
        if other['cell_type'] == 'markdown' and '\n#' in '\n' + source(other): return []
    return []
