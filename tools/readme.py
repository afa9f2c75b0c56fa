"""nbs/index.ipynb -> README.md, with links that work at the root. `--check` only compares."""
import re, sys

import front
from address import site_url
from notebooks import NBS, ROOT, read, source

PICTURE = ('![The live model of a chapter: a 3 is drawn, and below it stand the ten probabilities '
           'and the maps of each layer](images/walk.png)')


def shown(cell):
    "The Markdown of a cell; in place of a live model its picture"
    if cell['cell_type'] == 'markdown': return source(cell)
    return PICTURE if 'Demo(' in source(cell) else ''


def readme():
    text = '\n\n'.join(filter(None, map(shown, read(NBS/'index.ipynb')['cells']))) + '\n'
    text = re.sub(r'\n{3,}', '\n\n', front.filled(text, page=False))
    text = re.sub(r'\]\((\w+)\.qmd\)', rf']({site_url()}/\1.html)', text)
    text = re.sub(r'\]\((?=images/|\w+\.ipynb)', '](nbs/', text)
    return text.replace('](../', '](')


if __name__ == '__main__':
    path = ROOT/'README.md'
    if '--check' in sys.argv:
        same = path.read_text(encoding='utf-8') == readme()
        sys.exit('' if same else 'README.md is not that of nbs/index.ipynb: run `make course`')
    path.write_text(readme(), encoding='utf-8')
