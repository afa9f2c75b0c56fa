"""The generated pages: claims, scoreboard, sources, references, API and glossary, written as git-ignored nbs/_NAME.md.

The page itself (nbs/NAME.qmd) is a committed shell that includes its partial, so that `quarto render` finds its inputs.
"""
import ast, csv, re, subprocess, sys
from html import escape

import nbfilter
from nbfilter import anchor
from notebooks import LIB, NBS, ROOT, chapters, directives, ledger, read, scoreboard, source

PLAIN = re.compile(r'\[([^\]]*)\]\([^)]*\)|[*`]|\[@[^\]]*\]')


def headings(path):
    "Headings of a notebook as {anchor: text}"
    found = {}
    for cell in read(path)['cells']:
        if cell['cell_type'] != 'markdown': continue
        text = re.sub(r'^(`{3,}).*?^\1', '', source(cell), flags=re.M | re.S)
        for m in re.finditer(r'^#{2,6}\s+(.+?)\s*$', text, re.M):
            if name := re.search(r'\{#([\w-]+)\}', m[1]): found[name[1]] = m[1]
            else: found.setdefault(anchor(m[1]), m[1])
    return found


def title(path):
    first = source(read(path)['cells'][0])
    return plain(m[1]) if (m := re.match(r'#\s+(.+)', first)) else path.stem


def count(n, word): return f"{n} {word}{'' if n == 1 else 's'}"


def raw(html): return f'````{{=html}}\n{html.strip()}\n````\n'


def plain(text): return PLAIN.sub(lambda m: m[1] or '', text).strip()


def table(head, rows, attrs='', numeric=()):
    "An HTML table; rows hold HTML; `numeric` columns are set right"
    cls = lambda i: ' class="num"' if i in numeric else ''
    th = ''.join(f'<th scope="col"{cls(i)}>{h}</th>' for i, h in enumerate(head))
    body = ''.join('<tr>' + ''.join(f'<td{cls(i)}>{c}</td>' for i, c in enumerate(r)) + '</tr>\n' for r in rows)
    return f'<table class="table"{attrs}>\n<thead><tr>{th}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>'


def filterable(html, name, choices, label):
    "A table with a text box and a chooser above it; without JavaScript it is a plain table"
    opts = ''.join(f'<option>{escape(c)}</option>' for c in choices)
    return f'''<div class="ledger-filter" data-for="{name}" hidden><label>Find <input type="search" autocomplete="off"></label>
<label>{label} <select><option value="">all</option>{opts}</select></label> <output aria-live="polite"></output></div>
{html}'''


# ---------- claims and scoreboard

def published(row):
    "What others report, with its source as a link to the references"
    text = re.sub(r'^published ', '', row.get('published', ''))
    by = row.get('by') or ''
    key = next((k for k, ref in nbfilter.references().items() if by and by.startswith(nbfilter.surnames(ref)[0]) and by.endswith(ref.get('year', '?'))), None)
    return escape(text).replace(escape(by), f'<a href="references.html#ref-{key}">{escape(by)}</a>') if key else escape(text)


def page_link(path, heading='', text=None):
    name = re.sub(r'^\d+[a-z]?_', '', path.stem)
    return f'<a href="{name}.html{"#" + anchor(heading) if heading and anchor(heading) in headings(path) else ""}">{escape(text or plain(heading) or title(path))}</a>'


def claims():
    rows, names, solved = [], [], 0
    for path in chapters():
        found = ledger(path)
        own = [r for r in found if r['kind'] == 'claim' and r.get('text')]
        solved += len({r['name'] for r in found if r['kind'] == 'exercise'})
        if own: names.append(title(path))
        for r in own:
            measured = escape(str(r['value'])) + (f'<br><small>{escape(r["seeds"])}</small>' if r.get('seeds') else '')
            rows.append([f'<span class="claim-tick">✓</span> {escape(r["text"])}', measured, escape(str(r['bound'])), published(r) or '<span class="none">–</span>',
                         f'<small>{escape(title(path))}</small><br>{page_link(path, r["heading"])}'])
    html = table(['Claim', 'Measured', 'Bound', 'Published', 'Chapter'], rows, ' id="claims"')
    intro = f'{count(len(rows), "claim")} in {count(len(names), "notebook")}, and {count(solved, "exercise")} whose planted wrong answers fail. All held in the last run.\n\n'
    return intro + raw(filterable(html, 'claims', names, 'Chapter'))


def import_ms():
    "Milliseconds of `import walkdl` in a fresh Python, the best of five"
    timer = 'import time; t = time.perf_counter(); import walkdl; print(1000*(time.perf_counter() - t))'
    run = lambda: subprocess.run([sys.executable, '-c', timer], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return min(float(run()) for _ in range(5))


def score():
    board = scoreboard()
    rows, total = [], dict(seconds=0, claims=0, exercises=0)
    for path in chapters():
        if not (e := board['notebooks'].get(path.stem)): continue
        for k in total: total[k] += e.get(k, 0)
        rows.append([page_link(path, text=title(path)), f"{e['seconds']:.1f}", f"{e.get('mb', 0):,.0f}", e.get('claims', 0), e.get('exercises', 0), f"{path.stat().st_size/1000:,.0f}"])
    rows.append([f'<strong>{count(len(rows), "notebook")}</strong>', f"<strong>{total['seconds']:.1f}</strong>", '', f"<strong>{total['claims']}</strong>", f"<strong>{total['exercises']}</strong>", ''])
    html = table(['Notebook', 'Seconds', 'Memory, MB', 'Claims', 'Exercises', 'File, kB'], rows, numeric=(1, 2, 3, 4, 5))
    more = [['<code>import walkdl</code>', f'{import_ms():.0f} ms', '100 ms'],
            ['heaviest page without a live model: <a href="HEAVIEST.html">HEAVIEST.html</a>', 'HEAVIEST kB', '500 kB']]     # the last step of the build knows
    bounds = table(['What', 'Last run', 'At most'], [*more, ['one notebook', f"{max((e['seconds'] for e in board['notebooks'].values()), default=0):.0f} s", '60 s']], numeric=(1, 2))
    return f"As last run on: {board['machine'] or 'no machine yet'}.\n\n" + raw(html) + '\n## Budgets\n\n' + raw(bounds)


# ---------- sources

LECTURES = {'walk': '@rodriguez2021', 'supelec': '@vakalopoulou2023', 'nptel': '@khapra2018', 'darkside': '@darkside2023', 'notes': ''}
NAMES = {'walk': 'A walk with deep learning', 'supelec': 'Introduction to Deep Learning, lecture 1', 'nptel': 'The need for sanity',
         'darkside': 'The dark side of deep learning', 'notes': 'Call for sanity: efficient deep learning (notes)'}


def sources(): return list(csv.DictReader((NBS/'sources.csv').open(encoding='utf-8', newline='')))


def source_faults(rows=None):
    "What is wrong in the map of sources: one sentence for each fault"
    by_name = {re.sub(r'^\d+[a-z]?_', '', p.stem): p for p in chapters()}
    plan = set(re.findall(r'\b\d\d[a-z]?_(\w+)', (ROOT/'_quarto.yml').read_text(encoding='utf-8'))) | set(by_name)
    cache, bad = {}, []
    for n, r in enumerate(rows if rows is not None else sources(), start=2):
        where = f'nbs/sources.csv line {n} ({r["lecture"]}: {r["item"]})'
        if r['lecture'] not in NAMES: bad.append(f'{where}: unknown lecture {r["lecture"]!r}')
        if r['status'] not in ('covered', 'planned', 'aside'): bad.append(f'{where}: status {r["status"]!r} is none of covered, planned, aside')
        if r['status'] == 'planned' and r['chapter'] not in plan: bad.append(f'{where}: no chapter {r["chapter"]!r} is planned in _quarto.yml')
        if r['status'] != 'covered': continue
        if r['chapter'] not in by_name: bad.append(f'{where}: there is no chapter {r["chapter"]!r}'); continue
        path = by_name[r['chapter']]
        heads, texts = cache.setdefault(path, (headings(path), {x.get('text') for x in ledger(path)}))
        if not r['anchor']: bad.append(f'{where}: covered, but no anchor is given')
        elif r['anchor'] not in heads: bad.append(f'{where}: {path.name} has no heading #{r["anchor"]}; it has {", ".join(heads)}')
        if r['claim'] and r['claim'] not in texts: bad.append(f'{where}: {path.name} makes no claim "{r["claim"]}"')
    return bad


def source_page():
    rows, by_name = sources(), {re.sub(r'^\d+[a-z]?_', '', p.stem): p for p in chapters()}
    done = sum(r['status'] == 'covered' for r in rows)
    parts = [f'{len(rows)} slides and sections of five lectures; {done} are covered by a chapter that is written, the rest name the chapter that is to carry them.\n']
    for key, name in NAMES.items():
        own = [r for r in rows if r['lecture'] == key]
        if not own: continue
        body = []
        for r in own:
            path = by_name.get(r['chapter'])
            where = escape(r['chapter']) + ', to be written' if r['status'] == 'planned' and not path else \
                    escape(r['chapter']) + ', not yet in it' if r['status'] == 'planned' else 'about the lecture itself' if r['status'] == 'aside' else \
                    page_link(path, headings(path).get(r['anchor'], ''), None) if path else escape(r['chapter'])
            tick = '<span class="claim-tick">✓</span> ' if r['status'] == 'covered' else ''
            body.append([escape(r['item']), f'{tick}{where}' + (f'<br><small>{escape(r["claim"])}</small>' if r['claim'] else '')])
        n = sum(r['status'] == 'covered' for r in own)
        parts.append(f'## {name}\n\n{nbfilter.cite("[" + LECTURES[key] + "]") if LECTURES[key] else ""}\n\n{n} of {len(own)}.\n\n' + raw(table(['Slide or section', 'Where'], body, ' class="sources"')))
    return '\n'.join(parts)


def reference_page():
    refs, items = nbfilter.references(), []
    for key, r in sorted(refs.items(), key=lambda kv: (nbfilter.surnames(kv[1])[0].lower(), kv[1].get('year', ''))):
        where = r.get('journal') or r.get('booktitle') or r.get('publisher') or r.get('howpublished') or ''
        url = r.get('url') or (f'https://doi.org/{r["doi"]}' if r.get('doi') else '')
        name = escape(r.get('title', ''))
        who = ', '.join(a if ',' not in a else ' '.join(reversed([x.strip() for x in a.split(',', 1)])) for a in re.split(r'\s+and\s+', r.get('author', '')))
        items.append(f'<li id="ref-{escape(key)}">{escape(who)} ({escape(r.get("year", ""))}). ' + (f'<a href="{escape(url)}">{name}</a>' if url else f'<em>{name}</em>') + (f'. {escape(where)}' if where else '') + '.</li>')
    return raw('<ul class="references">\n' + '\n'.join(items) + '\n</ul>')


# ---------- API and glossary

def signature(node):
    "def line of a function or of a class's __init__, without its comments"
    fn = node
    if isinstance(node, ast.ClassDef):
        fn = next((f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == '__init__'), None)
        if fn is None: return node.name
    args = ast.unparse(fn.args)
    if fn is not node: args = re.sub(r'^self(, )?', '', args)
    ret = f' → {ast.unparse(fn.returns)}' if fn is node and fn.returns else ''
    return f'{node.name}({args}){ret}'


def api():
    parts = []
    for path in chapters():
        mod = next((d['default_exp'] for c in read(path)['cells'] if c['cell_type'] == 'code' and 'default_exp' in (d := directives(source(c)))), None)
        if not mod or not (LIB/f'{mod}.py').exists(): continue
        tree = ast.parse((LIB/f'{mod}.py').read_text(encoding='utf-8'))
        names = next((ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], 'id', '') == '__all__'), [])
        defs = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name in names}
        body = []
        for name, node in defs.items():
            doc = (ast.get_docstring(node) or '').split('\n')[0]
            methods = [f for f in node.body if isinstance(f, ast.FunctionDef) and not f.name.startswith('_') and ast.get_docstring(f)] if isinstance(node, ast.ClassDef) else []
            more = ''.join(f'<dd class="method"><code>.{escape(signature(f)).replace("(self, ", "(").replace("(self)", "()")}</code> {escape(ast.get_docstring(f).splitlines()[0])}</dd>' for f in methods)
            body.append(f'<dt id="{mod}.{name}"><code>{escape(signature(node))}</code></dt><dd>{escape(doc)}</dd>{more}')
        if body: parts.append(f'## walkdl.{mod}\n\n' + raw(f'<p class="api-from">from {page_link(path)}</p>\n<dl class="api">\n' + '\n'.join(body) + '\n</dl>'))
    return '\n'.join(parts)


def sentences(path):
    "Every sentence of a notebook's prose with the heading that it stands under"
    heading = ''
    for cell in read(path)['cells']:
        if cell['cell_type'] != 'markdown': continue
        for block in re.split(r'\n\s*\n|\n(?=\s*[-*] |\s*\d+\. |#)', source(cell)):
            if m := re.match(r'#{2,6}\s+(.+)', block): heading = m[1]; block = block[m.end():]
            flat = re.sub(r'\s+', ' ', re.sub(r'^\s*([-*>]|\d+\.)\s+', '', block)).strip()
            if flat and flat[0] not in '#|`:$' and not flat.startswith('**Terms'): yield from ((heading, s) for s in re.split(r'(?<=[.!?])\s+(?=[A-Z*_`(])', flat))


def terms():
    "Glossary: {term: (path, heading, sentence)}: the terms listed under a recap, each with the sentence that has it in bold"
    found = {}
    for path in chapters():
        text = '\n\n'.join(source(c) for c in read(path)['cells'] if c['cell_type'] == 'markdown')
        listed = [plain(t).strip(' .') for m in re.finditer(r'\*\*Terms:?\*\*:?\s*((?:.+\n?)+)', text) for t in re.split(r'\s*·\s*', m[1].replace('\n', ' '))]
        said = [(h, s) for h, s in sentences(path) if h != 'Recap'] + [(h, s) for h, s in sentences(path) if h == 'Recap']
        for term in filter(None, listed):
            word = re.escape(term.lower().rstrip('s'))
            i = next((i for form in (rf'\*\*{word}', rf'\*\*[^*]*{word}', rf'[*_]{word}', rf'\b{word}') for i, x in enumerate(said) if re.search(form, x[1].lower())), None)
            heading, text = ('', '') if i is None else said[i]
            if i and re.match(r'(This|That|These|Such|It|They|So|The (operation|rule))\b', text) and said[i-1][0] == heading: text = f'{said[i-1][1]} {text}'
            found.setdefault(term, (path, heading, text))
    return found


def glossary():
    items = []
    for term, (path, heading, sentence) in sorted(terms().items(), key=lambda kv: kv[0].lower()):
        says = nbfilter.markdown(sentence, NBS)
        items.append(f'[{term}]{{.term #{anchor(term)}}}\n:   {says or "Used in"} {{{{LINK}}}}\n'.replace('{{LINK}}', f'[{title(path)}]({path.name}{"#" + anchor(heading) if heading else ""}){{.where}}'))
    return '\n'.join(items) if items else 'No terms yet.\n'


PAGES = {'claims': claims, 'scoreboard': score, 'sources': source_page, 'references': reference_page, 'api': api, 'glossary': glossary}


def write():
    "Write every partial whose text has changed"
    for name, fn in PAGES.items():
        path, text = NBS/f'_{name}.md', fn()
        if not path.exists() or path.read_text(encoding='utf-8') != text: path.write_text(text, encoding='utf-8')
