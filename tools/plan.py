"""The plan of the course is the sidebar in _quarto.yml, one line for each chapter.

It is `{href: nbs/NN_name.ipynb, text: T}`; until the notebook is there, `{text: T}  # NN_name`.
"""
import json, re

import yaml
from address import site_url
from notebooks import NBS, ROOT, chapters, read, source

CONFIG = ROOT/'_quarto.yml'
STEM = r'\d\d[a-z]?_\w+'
LINE = re.compile(rf'^ +- \{{(?:href: nbs/(?P<here>{STEM})\.ipynb, )?text: (?P<text>".*?")\}}'
                  rf'(?:  # (?P<planned>{STEM}))?$', re.M)


def lines():
    "What the plan says of each chapter: {stem: (title in the sidebar, is there a link?)}"
    found = [m.groupdict() for m in LINE.finditer(CONFIG.read_text(encoding='utf-8'))]
    return {stem: (json.loads(line['text']), bool(line['here'])) for line in found
            if (stem := line['here'] or line['planned'])}


def configuration(): return yaml.safe_load(CONFIG.read_text(encoding='utf-8'))


def planned(): return {stem: title for stem, (title, here) in lines().items() if not here}


def parts():
    "The parts of the course: {first digit of its chapters' numbers: name}"
    sidebar = configuration()['website']['sidebar']['contents']
    digits = {title: stem[0] for stem, (title, _) in lines().items()}
    return {digits[entry['text']]: part['section'] for part in sidebar if 'section' in part
            for entry in part['contents'] if entry['text'] in digits}


def title(path):
    "What a notebook is called: its first line"
    return re.sub(r'[*`]', '', source(read(path)['cells'][0]).splitlines()[0].lstrip('# ').strip())


def quoted(name): return json.dumps(name, ensure_ascii=False)


def link(stem, name): return f'- {{href: nbs/{stem}.ipynb, text: {quoted(name)}}}'


def missing(stem, plan, name):
    "What to write into _quarto.yml for a chapter that the sidebar does not link"
    if stem in plan:
        name = plan[stem][0]
        return f'in the place of `- {{text: {quoted(name)}}}  # {stem}` write `{link(stem, name)}`'
    before = max((s for s in plan if s < stem), default='00_core')
    return f'below the line of {before} write `{link(stem, name)}`'


def faults(stems=None):
    "One sentence for each chapter without a line, each line without a chapter, another address"
    plan, stems = lines(), {p.stem for p in chapters()} - {'index'} if stems is None else stems
    todo = sorted(s for s in stems if not plan.get(s, ('', False))[1])
    how = {s: missing(s, plan, title(NBS/f'{s}.ipynb')) for s in todo}
    bad = [f'nbs/{s}.ipynb is not in the sidebar: in _quarto.yml, {how[s]}' for s in todo]
    gone = {s: name for s, (name, here) in plan.items() if here and s not in stems}
    bad += [f'_quarto.yml links nbs/{s}.ipynb, which is not there: '
            f'write `- {{text: {quoted(name)}}}  # {s}`' for s, name in gone.items()]
    said, true = configuration()['website']['site-url'], site_url()
    if said == true: return bad
    return [*bad, f'_quarto.yml says site-url: {said}, but settings.ini makes it {true}']

