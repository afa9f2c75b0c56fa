"""nbs/index.ipynb -> README.md: its text and the Markdown of its outputs, with links that work at the root. `--check` only compares."""
import re, sys
from notebooks import NBS, ROOT, read, source


PICTURE = ('![The live model of a chapter: a 3 is drawn, and below it stand the ten probabilities and the maps of each layer]'
           '(images/walk.png)')


def shown(data):
    "The Markdown of an output; in place of a live model its picture"
    return PICTURE if '<walk-demo' in ''.join(data.get('text/html', '')) else ''.join(data.get('text/markdown', ''))


def readme():
    parts = []
    for cell in read(NBS/'index.ipynb')['cells']:
        if cell['cell_type'] == 'markdown': parts.append(source(cell))
        parts += [shown(o.get('data', {})) for o in cell.get('outputs', [])]
    text = '\n\n'.join(filter(None, parts)) + '\n'
    text = re.sub(r'\]\((\w+)\.qmd\)', r'](nbs/\1.qmd)', text)
    text = re.sub(r'\]\((?=images/|\w+\.ipynb)', '](nbs/', text)
    return text.replace('](../', '](')


if __name__ == '__main__':
    path = ROOT/'README.md'
    if '--check' in sys.argv: sys.exit('' if path.read_text() == readme() else 'README.md is not that of nbs/index.ipynb: run `make course`')
    path.write_text(readme(), encoding='utf-8')
