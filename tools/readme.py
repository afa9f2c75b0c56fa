"""nbs/index.ipynb -> README.md: its text and the Markdown of its outputs, with links that work at the root. `--check` only compares."""
import re, sys
from notebooks import NBS, ROOT, read, source


def readme():
    parts = []
    for cell in read(NBS/'index.ipynb')['cells']:
        if cell['cell_type'] == 'markdown': parts.append(source(cell))
        parts += [''.join(o['data']['text/markdown']) for o in cell.get('outputs', []) if 'text/markdown' in o.get('data', {})]
    text = '\n\n'.join(parts) + '\n'
    text = re.sub(r'\]\((\w+)\.qmd\)', r'](nbs/\1.qmd)', text)
    text = re.sub(r'\]\((?=images/|\w+\.ipynb)', '](nbs/', text)
    return text.replace('](../', '](')


if __name__ == '__main__':
    path = ROOT/'README.md'
    if '--check' in sys.argv: sys.exit('' if path.read_text() == readme() else 'README.md is not that of nbs/index.ipynb: run `make course`')
    path.write_text(readme(), encoding='utf-8')
