"""The page that says how to read a page, with rows as they stand in the chapters."""
import re

from front import walk
from markup import raw
from notebooks import NBS, ROOT, mime, read

TEXT = ROOT/'tools'/'template'/'how.md'


def rows(kind):
    "Every row of a kind on the walk, as HTML"
    for station in walk():
        for cell in read(NBS/f'{station["stem"]}.ipynb')['cells']:
            for out in cell.get('outputs', []):
                if mime(kind) in out.get('data', {}): yield ''.join(out['data']['text/html'])


def example(kind):
    "The first row of a kind; of the claims, the first that names its null"
    return next(row for row in rows(kind) if kind != 'claim' or 'claim-null' in row)


def how():
    text = TEXT.read_text(encoding='utf-8')
    return re.sub(r'<!-- (\w+) -->', lambda m: raw(example(m[1])), text)
