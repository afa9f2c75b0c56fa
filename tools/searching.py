"""What the site's search reads: one entry for each section, term, export and reference."""
import json, re

from terms import entries, term_id
from weight import has, parse

LEFT_OUT = {'claims.html', 'scoreboard.html', 'sources.html'}      # what they say stands elsewhere
SILENT = {'script', 'style', 'svg', 'button', 'walk-demo', 'walk-answer', 'nav', 'header'}
HEADINGS = {'h1', 'h2', 'h3', 'h4'}
ASIDE = {'katex', 'contents', 'print-line', 'chapter-links'}


def flat(text): return ' '.join(text.split())


def pieces(el):
    "(kind, text) of what an element says itself: its sections are entries of their own"
    if not isinstance(el.tag, str) or el.tag in SILENT | HEADINGS or ASIDE & set(el.classes): return
    kind = {'pre': 'code', 'strong': 'bold'}.get(el.tag)
    if kind:
        yield kind, el.text_content()
        return
    if el.text: yield 'text', el.text
    for child in el:
        if child.tag != 'section': yield from pieces(child)
        if child.tail: yield 'text', child.tail


def said(el):
    "{text, bold, code} of an element; of code, each name that the text does not have"
    found = {'text': [], 'bold': [], 'code': []}
    for kind, text in pieces(el): found[kind].append(text)
    text, bold, code = (flat(' '.join(found[kind])) for kind in ('text', 'bold', 'code'))
    names = dict.fromkeys(re.findall(r'[A-Za-z_]\w{2,}', code))
    known = set(re.findall(r'\w+', text))
    return dict(text=f'{text} {bold}', bold=bold, code=' '.join(n for n in names if n not in known))


def kind(name, heading):
    if name == 'api.html': return 'export'
    return 'aside' if re.match(r'Exercise \d|Recap|Exercises', heading) else 'section'


def sections(name, main, page):
    "The page's opening, then each of its sections"
    about = flat(main.xpath(f'string(.//*[{has("description")}])'))
    opening = said(main)
    opening['text'] = f'{about} {opening["text"]}'
    yield dict(href=name, heading=page, kind='page') | opening
    for part in main.xpath('.//section[@id]'):
        heading = flat(part[0].text_content())
        yield dict(href=f'{name}#{part.get("id")}', page=page, heading=heading,
                   kind=kind(name, heading)) | said(part)


def terms(name, main):
    "Each entry of the glossary, found by its other names too"
    known = {term_id(term): e for term, e in entries().items()}
    for dt in main.iter('dt'):
        key = dt.xpath('.//@id | self::dt/@id')[0]
        where = dt.getnext().xpath(f'string(.//*[{has("where")}])')
        yield dict(href=f'{name}#{key}', page=f'Glossary, from {where}',
                   heading=flat(dt.text_content()), text=known[key]['definition'],
                   also=', '.join(known[key]['also']), kind='term')


def references(name, main):
    for li in main.xpath('.//li[starts-with(@id, "ref-")]'):
        yield dict(href=f'{name}#{li.get("id")}', page='References', heading='', kind='reference',
                   text=flat(li.text_content()))


SPECIAL = {'glossary.html': terms, 'references.html': references}


def page_entries(path):
    main = parse(path).xpath('//main')[0]
    title = flat(main.xpath('string(.//h1)'))
    if special := SPECIAL.get(path.name): return special(path.name, main)
    return sections(path.name, main, title)


def write(out):
    "search.json from the pages as they are read"
    paths = sorted(p for p in out.glob('*.html') if p.name not in LEFT_OUT)
    found = [{k: v for k, v in e.items() if v} for p in paths for e in page_entries(p)]
    (out/'search.json').write_text(json.dumps(found, ensure_ascii=False), encoding='utf-8')
