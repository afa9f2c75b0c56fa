"""The Glossary page: the terms of each recap, each with the sentence that has it in bold."""
import re

from markup import plain
from nbfilter import anchor, markdown
from notebooks import NBS, chapters, read, source
from plan import title

BLOCK = re.compile(r'\n\s*\n|\n(?=\s*[-*] |\s*\d+\. |#)')
TERMS = re.compile(r'\*\*Terms:?\*\*:?\s*((?:.+\n?)+)')
BACK = re.compile(r'(This|That|These|Such|It|They|So|The (operation|rule))\b')


def prose(path): return [source(c) for c in read(path)['cells'] if c['cell_type'] == 'markdown']


def sentences(path):
    "Every sentence of a notebook's prose with the heading that it stands under"
    heading = ''
    for block in (b for text in prose(path) for b in BLOCK.split(text)):
        if m := re.match(r'#{2,6}\s+(.+)', block): heading, block = m[1], block[m.end():]
        flat = re.sub(r'\s+', ' ', re.sub(r'^\s*([-*>]|\d+\.)\s+', '', block)).strip()
        if not flat or flat[0] in '#|`:$' or flat.startswith('**Terms'): continue
        yield from ((heading, s) for s in re.split(r'(?<=[.!?])\s+(?=[A-Z*_`(])', flat))


def listed(path):
    "The terms that a recap lists"
    lists = TERMS.findall('\n\n'.join(prose(path)))
    parts = [part for text in lists for part in text.replace('\n', ' ').split('·')]
    return [term for part in parts if (term := plain(part).strip(' .'))]


def told(term, said):
    "(heading, sentence) that tells what a term is: in bold, in italics, or where it is first used"
    word = re.escape(term.lower().rstrip('s'))
    for form in (rf'\*\*{word}', rf'\*\*[^*]*{word}', rf'[*_]{word}', rf'\b{word}'):
        for i, (heading, text) in enumerate(said):
            if not re.search(form, text.lower()): continue
            before = said[i-1] if i else ('', '')
            if BACK.match(text) and before[0] == heading: text = f'{before[1]} {text}'
            return heading, text
    return '', ''


def terms():
    "{term: (path, heading, sentence)}; a recap speaks last, the first chapter speaks first"
    found = {}
    for path in chapters():
        said = sorted(sentences(path), key=lambda hs: hs[0] == 'Recap')
        for term in listed(path): found.setdefault(term, (path, *told(term, said)))
    return found


def glossary():
    items = []
    for term, (path, heading, sentence) in sorted(terms().items(), key=lambda kv: kv[0].lower()):
        says = markdown(sentence, NBS) or 'Used in'
        there = f'{path.name}#{anchor(heading)}' if heading else path.name
        where = f'[{title(path)}]({there}){{.where}}'
        items.append(f'[{term}]{{.term #{anchor(term)}}}\n:   {says} {where}\n')
    return '\n'.join(items)
