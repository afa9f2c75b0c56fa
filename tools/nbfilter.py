#!/usr/bin/env python3
"""Notebook as written -> notebook as read: Quarto pipes JSON through, tools/site.py calls `page`.

Takes away what is hidden, folds what the story does not need, and turns citations and links into
what both engines read.
"""
import json, re, sys
from pathlib import Path

import answers, story, terms
from address import colab_url, settings, source_url
from notebooks import ROOT, mime, source

sys.path.insert(0, str(ROOT))      # the package of this checkout
from walkdl.cli import cite, references

HIDDEN = {'hide', 'default_exp', 'hide_input_output'}
NBDEV = HIDDEN | {'export', 'exports', 'exporti', 'slow', 'gpu', 'online', 'timing', 'hide_line',
                  'hide_input', 'hide_output', 'all_slow', 'fold'}
FILE = r'\d\d[a-z]?_\w+\.ipynb'
OPTION = re.compile(r'#\|\s*([\w-]+)\s*(:?)\s*(.*)')
CODE = re.compile(r'(^(`{3,}|~{3,}).*?^\2\s*?$|`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$)', re.M | re.S)
NOTE = re.compile(r'^> \*\*Note\.\*\* (.*(?:\n>.*)*)', re.M)
HEADING = re.compile(r'^#{2,3}\s+(.+?)\s*$', re.M)
ICON = '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>'
ICONS = {
    'colab': 'M5 4a4 4 0 1 0 0 8 4 4 0 0 0 3-1.4A4 4 0 1 0 8 5.4 4 4 0 0 0 5 4Zm0 2'
             'a2 2 0 1 1 0 4 2 2 0 0 1 0-4Zm6 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z',
    'jupyter': 'M8 1v8m-3.5-3L8 9.5 11.5 6M2 11v3h12v-3',
    'source': 'M5.5 4 1.5 8l4 4M10.5 4l4 4-4 4'}

VIEWS = ('<p class="views" role="group" aria-label="How to read this page">'
         '<button type="button" data-view="story">Story</button>'
         '<button type="button" data-view="code">Code</button>'
         '<button type="button" data-view="present">Present</button></p>')


# ---------- markdown

def prose(text, fn):
    "Apply fn to the parts of a markdown text that are neither code nor maths"
    parts = CODE.split(text)                       # text, code, fence or None, text, …
    return ''.join(fn(p) if i % 3 == 0 else p if i % 3 == 1 else '' for i, p in enumerate(parts))


def linked(key): return f'[{cite(key)}](references.qmd#ref-{key})'


def cited(text):
    "Keys of refs.bib become links: [@lecun1998] is (LeCun et al. 1998), @lecun1998 has no brackets"
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
    text = re.sub(r'\s+', '-', re.sub(r'[^\w\s.-]', '', text))
    return re.sub(r'^[^a-z]+', '', text) or 'section'


def chapter_links(text, folder):
    """Links as a page needs them.

    To a chapter that is not written yet: its text. Out of nbs/: to the repository. To a heading as
    Jupyter names it: to the anchor of the page.
    """
    def keep(m): return m[0] if (folder/m[2]).exists() else m[1]
    def land(m):
        return m[0] if m[2].startswith('ref-') else f'{m[1]}{anchor(m[2].replace("-", " "))})'
    text = re.sub(rf'(\]\((?:{FILE})?#)([^)\s]+)\)', land, text)
    text = re.sub(r'\]\(\.\./([^)\s]+)\)', lambda m: f']({source_url(m[1])})', text)
    return re.sub(rf'\[((?:[^\[\]]|\[[^\]]*\])*)\]\(({FILE})[^)]*\)', keep, text)


def noted(text):
    "A quotation that begins with **Note.** stands in the margin"
    def aside(m):
        words = re.sub(r'^> ?', '', m[1], flags=re.M)
        return f'::: {{.column-margin role="note"}}\n{words}\n:::'
    return NOTE.sub(aside, text)


def markdown(text, folder): return prose(chapter_links(noted(text), folder), cited)


FRONT = '```{=html}\n<div class="front" hidden></div>\n```\n\n'
OPENING = re.compile(r'#\s+(?P<title>.+?)\s*\n+(?:(?P<promise>(?:>.*\n?)+)\n*)?'
                     r'(?:(?P<facts>\*[^*\n][^\n]*\*)\s*(?:\n|$))?')


WORDS, LINES = 180, 25      # read in a minute


def minutes(cells):
    "What a page takes: its words, and its lines of code that are not folded"
    words = sum(len(source(c).split()) for c in cells if c['cell_type'] == 'markdown')
    codes = [options(source(c)) for c in cells if c['cell_type'] == 'code']
    shown = [code for opts, code in codes if not {'code-fold', 'echo'} & opts.keys()]
    lines = sum(bool(line.strip()) for code in shown for line in code.split('\n'))
    return max(1, round(words/WORDS + lines/LINES))


def opening(text, name, length):
    "First cell -> front matter, and what stands under the title: minutes, seconds, links"
    if not (m := OPENING.match(text + '\n')): return None, text
    promise = re.sub(r'^>\s?', '', m['promise'] or '', flags=re.M).strip().replace('\n', ' ')
    is_front = name == 'index.ipynb'
    matter = {'title': m['title']} | ({'description': promise} if promise else {})
    if is_front: matter |= {'toc': False, 'pagetitle': settings()['title']}
    facts = m['facts'] and f'{length} min to read · {m["facts"].strip("*")}'
    meta = f'::: {{.chapter-meta}}\n{facts}\n:::\n\n' if facts else ''
    below = FRONT if is_front else links(name) if name else ''
    return front_matter(**matter), meta + below + text[m.end():].lstrip('\n')


def front_matter(**values):
    "What stands on top of a page, in YAML"
    lines = (f'{k}: {json.dumps(v, ensure_ascii=False)}\n' for k, v in values.items())
    return f'---\n{"".join(lines)}---\n'


def links(name):
    "Where to do a chapter oneself, and its source; the engines must not look behind `data-href`"
    a = [('colab', f'href="{colab_url(name)}"', 'Open in Colab'),
         ('jupyter', f'data-href="notebooks/{name}" download', 'Jupyter notebook'),
         ('source', f'href="{source_url("nbs/" + name)}"', 'Source')]
    row = ' '.join(f'<a {where}>{ICON.format(ICONS[icon])} {label}</a>' for icon, where, label in a)
    bar = f'<div class="chapter-bar"><p class="chapter-links">{row}</p>{VIEWS}</div>'
    return f'```{{=html}}\n{bar}\n```\n\n'


# ---------- code

def options(src):
    "The `#|` lines on top of a cell as {name: value}, and the code below them"
    lines, opts = src.split('\n'), {}
    while lines and lines[0].startswith('#|'):
        if m := OPTION.match(lines.pop(0)): opts[m[1]] = m[3].strip()
    return opts, '\n'.join(lines)


def shown(out):
    "An output without what only the ledger reads"
    if 'data' not in out: return out
    ours = 'application/vnd.walkdl'
    return out | {'data': {k: v for k, v in out['data'].items() if not k.startswith(ours)}}


def plot_repr(out):
    "What matplotlib's last call returned: not what the cell is about"
    if list(out.get('data', {})) != ['text/plain']: return False
    return re.match(r'\[?(Text\(|<(matplotlib|Axes|Figure))', ''.join(out['data']['text/plain']))


TIMING = {'text/html': '<p class="timing-note">as on the machine of the last run</p>'}
UNSEEN = re.compile(r'#\|\s*hide_line\s*$|^#\|\s*exports?$')


HOW = {'text/html': '<p class="how-note"><a href="how.html#claim">How to read such a row</a></p>'}


def display(data): return {'output_type': 'display_data', 'metadata': {}, 'data': data}


def unrun(text): return {'text/html': f'<p class="unrun-note">Not run in the lesson: {text}.</p>'}


def code_cell(cell, part):
    "The cell as the page shows it, or None; what only its options say stands under `keep`"
    opts, code = options(part.text)
    if HIDDEN & opts.keys() or code.lstrip().startswith('__doc__ ='): return None
    keep = {k: v for k, v in opts.items() if k not in NBDEV and v}
    if 'hide_input' in opts: keep['echo'] = 'false'
    if 'hide_output' in opts: keep['output'] = 'false'
    code = '\n'.join(line for line in code.split('\n') if not UNSEEN.search(line)).strip('\n')
    outs = [o for o in cell.get('outputs', []) if o.get('name') != 'stderr' and not plot_repr(o)]
    outs = list(map(shown, outs))
    if 'timing' in opts and outs: outs.append(display(TIMING))
    if 'slow' in opts: outs.append(display(unrun(story.unrun(code))))
    part = part if code and 'hide_input' not in opts else None
    return cell | {'source': code, 'outputs': outs, 'keep': keep, 'part': part}


def optioned(cell):
    "A code cell with its options on top, where the engines read them"
    keep, line = cell['keep'], cell.get('fold')
    if line:
        said = json.dumps(line, ensure_ascii=False)
        keep = {'code-fold': 'true', 'code-summary': said} | keep
    head = ''.join(f'#| {k}: {v}\n' for k, v in keep.items())
    plain = {k: v for k, v in cell.items() if k not in ('part', 'keep', 'fold')}
    return plain | {'source': head + cell['source']}


def labelled(cells):
    "Code cells with names that stay when a cell is put in elsewhere: section and place in it"
    section, place = 'start', 0
    for cell in cells:
        if cell['cell_type'] == 'code':
            place += 1
            cell = cell | {'keep': {'label': f'code-{section}-{place}'} | cell['keep']}
        elif found := HEADING.findall(prose(source(cell), str)):
            section, place = anchor(found[-1]), 0
        yield cell


# ---------- the notebook

def named(nb, folder):
    "File name of a notebook that came through a pipe: by its module, else by its first line"
    texts = [source(c) for c in nb['cells']]
    modules = re.findall(r'^#\|\s*default_exp\s+(\w+)', '\n'.join(texts), re.M)
    for mod in modules[:1]:
        if found := sorted(folder.glob(f'[0-9]*_{mod}.ipynb')): return found[0].name
    first = json.dumps(texts[0].split('\n')[0], ensure_ascii=False)[1:-1] if texts else ''
    if not first: return ''
    paths = sorted(folder.glob('*.ipynb'))
    return next((p.name for p in paths if first in p.read_text(encoding='utf-8')), '')


def without_rows(cell):
    "A cell that checks exercises, without what it said of them; None if it did nothing else"
    left = [o for o in cell['outputs'] if mime('exercise') not in o.get('data', {})]
    return cell | {'outputs': left} if left else None


def made(kind, text): return {'cell_type': kind, 'metadata': {}, 'source': text}


def first_cells(cell, name, length):
    "The first cell as front matter and text"
    raw, text = opening(source(cell), name, length)
    return [*([made('raw', raw)] if raw else []), cell | {'source': text}]


def text_cell(cell, name, folder):
    "A markdown cell as the page shows it"
    text = source(cell)
    if name == 'index.ipynb':
        import front      # which reads all pages that this module makes
        text = front.filled(text, page=True)
    return cell | {'source': markdown(terms.linked(text), folder)}


def code_cells(cells, name):
    "The code cells as the page shows them, each exercise in a line above its folded solution"
    facts, shown_cells, solution = answers.facts(cells), [], 0
    parts = story.parts(cells)
    for cell in cells:
        if cell['cell_type'] != 'code': shown_cells.append(cell); continue
        names, part = answers.about(cell, cells), parts[id(cell)]
        lines = [made('exercise', answers.line(facts.pop(n), name)) for n in names if n in facts]
        shown_cells[solution:solution] = lines
        if answers.solves(cell): solution = len(shown_cells)
        if names: cell = without_rows(cell)
        if cell and (cell := code_cell(cell, part)): shown_cells.append(cell)
    return shown_cells


def first_claim(cells):
    "The first claim of a page says where it is told what a claim is"
    row = lambda o: 'class="claim"' in ''.join(o.get('data', {}).get('text/html', ''))
    for cell in cells:
        if cell['cell_type'] == 'code' and any(map(row, cell['outputs'])):
            cell['outputs'] = [*cell['outputs'], display(HOW)]
            return


def told(cells, name):
    "The cells in the order and with the folds of the page"
    return code_cells(story.split(cells), name)


def page(nb, name=None, folder=Path('.')):
    "The notebook as the site shows it; each source a list of lines, as Quarto reads them"
    name = name or named(nb, folder)
    cells = told(nb['cells'], name)
    first_claim(cells)
    if cells and cells[0]['cell_type'] == 'markdown':
        cells[:1] = first_cells(cells[0], name, minutes(cells))
    cells = [text_cell(c, name, folder) if c['cell_type'] == 'markdown' else c for c in cells]
    cells = [c | {'cell_type': 'markdown'} if c['cell_type'] == 'exercise' else c for c in cells]
    cells = [c for c in cells if c['source'].strip() or c['cell_type'] != 'markdown']
    cells = [optioned(c) if c['cell_type'] == 'code' else c for c in labelled(story.folded(cells))]
    return nb | {'cells': [c | {'source': c['source'].splitlines(True)} for c in cells]}


if __name__ == '__main__': json.dump(page(json.load(sys.stdin)), sys.stdout)
