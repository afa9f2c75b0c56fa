"""The plan of the course is the sidebar in _quarto.yml: a line a chapter, `{text: T}  # NN_name` until its notebook is there."""
import json, re

import yaml
from address import site_url
from notebooks import NBS, ROOT, chapters, read, source

CONFIG = ROOT/'_quarto.yml'
LINE = re.compile(r'^ +- \{(?:href: nbs/(?P<here>\d\d[a-z]?_\w+)\.ipynb, )?text: (?P<text>".*?")\}(?:  # (?P<planned>\d\d[a-z]?_\w+))?$', re.M)


def lines(text=None):
    "What the plan says of each chapter: {stem: (title in the sidebar, is there a link?)}"
    found = LINE.finditer(text if text is not None else CONFIG.read_text(encoding='utf-8'))
    return {m['here'] or m['planned']: (json.loads(m['text']), bool(m['here'])) for m in found if m['here'] or m['planned']}


def planned(): return {stem: title for stem, (title, here) in lines().items() if not here}


def parts():
    "The parts of the course: {first digit of its chapters' numbers: name}"
    sidebar = yaml.safe_load(CONFIG.read_text(encoding='utf-8'))['website']['sidebar']['contents']
    digits = {title: stem[0] for stem, (title, _) in lines().items()}
    return {digits[entry['text']]: part['section'] for part in sidebar if 'section' in part
            for entry in part['contents'] if entry['text'] in digits}


def title(path):
    "What a notebook is called: its first line"
    return re.sub(r'[*`]', '', source(read(path)['cells'][0]).splitlines()[0].lstrip('# ').strip())


def link(stem, name): return f'- {{href: nbs/{stem}.ipynb, text: {json.dumps(name, ensure_ascii=False)}}}'


def missing(stem, plan, name):
    "What to write into _quarto.yml for a chapter that the sidebar does not link"
    if stem in plan:
        old = json.dumps(plan[stem][0], ensure_ascii=False)
        return f'in the place of `- {{text: {old}}}  # {stem}` write `{link(stem, plan[stem][0])}`'
    before = max((s for s in plan if s < stem), default='00_core')
    return f'below the line of {before} write `{link(stem, name)}`'


def faults(stems=None):
    "One sentence for each chapter without its line, each line without its chapter, and for another address of the site"
    plan, stems = lines(), {p.stem for p in chapters()} - {'index'} if stems is None else stems
    bad = [f'nbs/{s}.ipynb is not in the sidebar: in _quarto.yml, {missing(s, plan, title(NBS/f"{s}.ipynb"))}'
           for s in sorted(stems) if not plan.get(s, ('', False))[1]]
    bad += [f'_quarto.yml links nbs/{s}.ipynb, which is not there: write `- {{text: {json.dumps(name)}}}  # {s}`'
            for s, (name, here) in plan.items() if here and s not in stems]
    said = yaml.safe_load(CONFIG.read_text(encoding='utf-8'))['website']['site-url']
    if said != site_url(): bad.append(f'_quarto.yml says site-url: {said}, but settings.ini makes it {site_url()}')
    return bad

