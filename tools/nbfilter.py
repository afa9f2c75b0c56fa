#!/usr/bin/env python3
"""Notebook as written -> notebook as read: Quarto's `ipynb-filters` pipes JSON through here, tools/site.py calls `page`.

Takes away what is hidden, folds what is only exported, and turns citations and links into what both engines read.
"""
import ast, json, re, sys
from pathlib import Path

import answers, front
from address import colab_url, settings, source_url
from notebooks import ROOT, mime, source

sys.path.insert(0, str(ROOT))      # the package of this checkout
from walkdl.cli import cite, references

HIDDEN = {'hide', 'default_exp', 'hide_input_output'}
NBDEV = HIDDEN | {'export', 'exports', 'exporti', 'slow', 'gpu', 'online', 'timing', 'hide_line', 'hide_input', 'hide_output', 'all_slow'}
OPTION = re.compile(r'#\|\s*([\w-]+)\s*(:?)\s*(.*)')
CODE = re.compile(r'(^(`{3,}|~{3,}).*?^\2\s*?$|`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$)', re.M | re.S)
ICON = '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>'
ICONS = {'colab': 'M5 4a4 4 0 1 0 0 8 4 4 0 0 0 3-1.4A4 4 0 1 0 8 5.4 4 4 0 0 0 5 4Zm0 2a2 2 0 1 1 0 4 2 2 0 0 1 0-4Zm6 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z',
         'jupyter': 'M8 1v8m-3.5-3L8 9.5 11.5 6M2 11v3h12v-3', 'source': 'M5.5 4 1.5 8l4 4M10.5 4l4 4-4 4'}


# ---------- markdown

def prose(text, fn):
    "Apply fn to the parts of a markdown text that are neither code nor maths"
    parts = CODE.split(text)                       # text, code, fence or None, text, …
    return ''.join(fn(p) if i % 3 == 0 else p if i % 3 == 1 else '' for i, p in enumerate(parts))


def linked(key): return f'[{cite(key)}](references.qmd#ref-{key})'


def cited(text):
    "Keys of refs.bib become links: [@lecun1998] is (LeCun et al. 1998), @lecun1998 goes without brackets"
    refs = references()
    def group(m):
        items = [re.fullmatch(r'\s*-?@([\w:-]+)(.*?)\s*', x, re.S) for x in m[1].split(';')]
        if not all(i and i[1] in refs for i in items): return m[0]
        return '(' + '; '.join(linked(i[1]) + i[2] for i in items) + ')'
    text = re.sub(r'\[(-?@[^\]]+)\]', group, text)
    key = re.compile(r'(?<![\w@/.])@([A-Za-z][\w:-]*)')
    return key.sub(lambda m: linked(m[1]) if m[1] in refs else m[0], text)


def anchor(heading):
    "A heading's id, as Pandoc writes it"
    text = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).strip().lower()
    return re.sub(r'^[^a-z]+', '', re.sub(r'\s+', '-', re.sub(r'[^\w\s.-]', '', text, flags=re.U))) or 'section'


def chapter_links(text, folder):
    "A link to a chapter that is not written yet becomes its text, one out of nbs/ goes to the repository; anchors as in Jupyter become the page's"
    def keep(m): return m[0] if (folder/m[2]).exists() else m[1]
    text = re.sub(r'(\]\((?:\d\d[a-z]?_\w+\.ipynb)?#)([^)\s]+)\)', lambda m: m[1] + (m[2] if m[2].startswith('ref-') else anchor(m[2].replace('-', ' '))) + ')', text)
    text = re.sub(r'\]\(\.\./([^)\s]+)\)', lambda m: f']({source_url(m[1])})', text)
    return re.sub(r'\[((?:[^\[\]]|\[[^\]]*\])*)\]\((\d\d[a-z]?_\w+\.ipynb)[^)]*\)', keep, text)


def markdown(text, folder): return prose(chapter_links(text, folder), cited)


def opening(text, name):
    "First cell -> front matter and what stands under the title: minutes, seconds, links"
    m = re.match(r'#\s+(.+?)\s*\n+(?:((?:>.*\n?)+)\n*)?(?:(\*[^*\n][^\n]*\*)\s*(?:\n|$))?', text + '\n')
    if not m: return None, text
    promise = re.sub(r'^>\s?', '', m[2] or '', flags=re.M).strip().replace('\n', ' ')
    front = {'title': m[1]} | ({'description': promise} if promise else {})
    if name == 'index.ipynb': front |= {'toc': False, 'pagetitle': settings()['title']}
    raw = '---\n' + ''.join(f'{k}: {json.dumps(v, ensure_ascii=False)}\n' for k, v in front.items()) + '---\n'
    meta = f'::: {{.chapter-meta}}\n{m[3].strip("*")}\n:::\n\n' if m[3] else ''
    if name == 'index.ipynb': meta += '```{=html}\n<div class="front" hidden></div>\n```\n\n'
    return raw, meta + (links(name) if name and name != 'index.ipynb' else '') + text[m.end():].lstrip('\n')


def links(name):
    "Where to do the chapter oneself, and its source; the engines must not look for the file behind `data-href`"
    a = [('colab', f'href="{colab_url(name)}"', 'Open in Colab'),
         ('jupyter', f'data-href="notebooks/{name}" download', 'Jupyter notebook'),
         ('source', f'href="{source_url("nbs/" + name)}"', 'Source')]
    row = ' '.join(f'<a {where}>{ICON.format(ICONS[icon])} {label}</a>' for icon, where, label in a)
    return f'```{{=html}}\n<p class="chapter-links">{row}</p>\n```\n\n'


# ---------- code

def options(src):
    "The `#|` lines on top of a cell as {name: value}, and the code below them"
    lines, opts = src.split('\n'), {}
    while lines and lines[0].startswith('#|'):
        if m := OPTION.match(lines.pop(0)): opts[m[1]] = m[3].strip()
    return opts, '\n'.join(lines)


def summary(code):
    "What a folded cell holds: the names that it defines, or that it imports"
    try: body = ast.parse(code).body
    except SyntaxError: return 'Source'
    names = [n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    names += [t.id for n in body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)]
    if not names: return 'Imports' if body and all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in body) else 'Source'
    return 'Source: ' + ', '.join(names[:6]) + (' …' if len(names) > 6 else '')


def shown(out):
    "An output without what only the ledger reads"
    if 'data' in out: out = out | {'data': {k: v for k, v in out['data'].items() if not k.startswith('application/vnd.walkdl')}}
    return out


def plot_repr(out):
    "What matplotlib's last call returned: not what the cell is about"
    return list(out.get('data', {})) == ['text/plain'] and re.match(r"Text\(|\[?<(matplotlib|Axes|Figure)|\[?Text\(", ''.join(out['data']['text/plain']))


def code_cell(cell, src):
    "The cell as the page shows it, or None"
    opts, code = options(src)
    if HIDDEN & opts.keys() or code.lstrip().startswith('__doc__ ='): return None
    keep = {k: v for k, v in opts.items() if k not in NBDEV and v}
    if {'export', 'exporti'} & opts.keys(): keep = {'code-fold': 'true', 'code-summary': json.dumps(summary(code), ensure_ascii=False)} | keep
    if 'hide_input' in opts: keep['echo'] = 'false'
    if 'hide_output' in opts: keep['output'] = 'false'
    code = '\n'.join(l for l in code.split('\n') if not re.search(r'#\|\s*hide_line\s*$|^#\|\s*exports?$', l))
    outs = [shown(o) for o in cell.get('outputs', []) if o.get('name') != 'stderr' and not plot_repr(o)]
    if 'timing' in opts and outs:
        outs.append({'output_type': 'display_data', 'metadata': {}, 'data': {'text/html': '<p class="timing-note">as on the machine of the last run</p>'}})
    head = ''.join(f'#| {k}: {v}\n' for k, v in keep.items())
    return cell | {'source': head + code.strip('\n'), 'outputs': outs}


# ---------- the notebook

def named(nb, folder):
    "File name of a notebook that came through a pipe: by its module, else by its first line"
    texts = [''.join(c['source']) for c in nb['cells']]
    if mod := next((m[1] for t in texts if (m := re.search(r'^#\|\s*default_exp\s+(\w+)', t, re.M))), None):
        if found := sorted(folder.glob(f'[0-9]*_{mod}.ipynb')): return found[0].name
    first = json.dumps(texts[0].split('\n')[0], ensure_ascii=False)[1:-1] if texts else ''
    return next((p.name for p in sorted(folder.glob('*.ipynb')) if first and first in p.read_text(encoding='utf-8')), '')


def without_rows(cell):
    "A cell that checks exercises, without what it said of them; None if it did nothing else"
    left = [o for o in cell['outputs'] if mime('exercise') not in o.get('data', {})]
    return cell | {'outputs': left} if left else None


def page(nb, name=None, folder=Path('.')):
    "The notebook as the site shows it"
    name, cells, solution = name or named(nb, folder), [], None
    todo = answers.facts(nb['cells'])
    for i, cell in enumerate(nb['cells']):
        src = source(cell)
        if cell['cell_type'] == 'markdown':
            if i == 0:
                raw, src = opening(src, name)
                if raw: cells.append({'cell_type': 'raw', 'metadata': {}, 'source': raw})
            if name == 'index.ipynb': src = front.filled(src, page=True)
            if not (text := markdown(src, folder)).strip(): continue
            cells.append(cell | {'source': text})
            continue
        names = answers.about(cell, nb['cells'])
        lines = [answers.line(todo.pop(n), name) for n in names if n in todo]
        at = len(cells) if solution is None or not lines else solution
        cells[at:at] = [{'cell_type': 'markdown', 'metadata': {}, 'source': line} for line in lines]
        if names and not (cell := without_rows(cell)): continue
        if not (shown_cell := code_cell(cell, src)): continue
        if answers.solves(cell): solution = len(cells)
        cells.append(shown_cell)
    return nb | {'cells': [c | {'source': c['source'].splitlines(True)} for c in cells]}      # as Quarto reads them


if __name__ == '__main__': json.dump(page(json.load(sys.stdin)), sys.stdout)
