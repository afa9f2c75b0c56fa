"""Exercises as a page shows them: what is wanted, where to answer, and the solution folded; never the checker."""
import ast, json
from functools import cache
from html import escape

from address import colab_url
from notebooks import LIB, directives, mime, source, tree


@cache
def wanted():
    "What each checker wants, by the docstring of its function: {name: sentence}"
    found = {}
    for path in (LIB/'exercises').glob('*.py'):
        for node in tree(path.read_text(encoding='utf-8')).body:
            for mark in getattr(node, 'decorator_list', ()):
                if isinstance(mark, ast.Call) and mark.func.id == 'exercise': found[mark.args[0].value] = ast.get_docstring(node) or ''
    return found


def rows(cell):
    "What the checkers of the course said below a cell: [{name, …}]"
    return [row for o in cell.get('outputs', []) if (row := o.get('data', {}).get(mime('exercise')))]


def facts(cells):
    "Everything that a notebook says of each of its exercises: {name: {solved, rejects, junk, page}}"
    found = {}
    for row in (r for cell in cells for r in rows(cell)): found.setdefault(row['name'], {}).update(row)
    return found


def solves(cell): return cell['cell_type'] == 'code' and directives(source(cell)).get('code-summary') == '"Solution"'


def line(fact, notebook):
    "One quiet line, with a place to answer where the answer is a number, a choice or a short list"
    wants = wanted().get(fact['name'], '').rstrip('.')
    said = f'<span class="exercise-wants">Wanted: {escape(wants[:1].lower() + wants[1:])}.</span> ' if wants else ''
    refused = fact.get('rejects', 0) + fact.get('junk', 0)
    proof = f' <span class="exercise-note">Its checker refuses {refused} wrong answers.</span>' if refused else ''
    where = (f'Answer it <a href="{colab_url(notebook)}">in Colab</a> or, on your machine, with '
             '<a href="03_cli.html"><code>walkdl learn walk</code></a>.')
    answer = where
    if 'page' in fact:
        given = json.dumps({'name': fact['name']} | fact['page'], ensure_ascii=False)
        answer = f'<walk-answer data-exercise="{escape(given)}">{where}</walk-answer>'
    name = escape(fact['name'].replace(' ', '-'))
    return f'```{{=html}}\n<div class="exercise-line" id="exercise-{name}">{said}{answer}{proof}</div>\n```\n'


def about(cell, cells):
    """The exercises whose row a cell shows, where a solution stands above it under the same heading.

    A checker that the text itself tries out, as in the chapter on checkers, keeps its code and its row.
    """
    above = cells[:next(i for i, c in enumerate(cells) if c is cell)]
    for other in reversed(above):
        if solves(other): return [r['name'] for r in rows(cell)]
        if other['cell_type'] == 'markdown' and '\n#' in '\n' + source(other): return []
    return []
