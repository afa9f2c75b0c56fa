"""Lay out a chapter that runs and passes the gates, to be filled: chapter.py 45_topic 'A title'

It is made of tools/template/: the notebook, and the one of its checkers in nbs/exercises/.
"""
import argparse, re, subprocess, sys
from pathlib import Path
from notebooks import NBS, ROOT, Trouble, chapters, module, number
from plan import lines, missing, title
from run import clean

TEMPLATE = ROOT/'tools'/'template'


def lay_out(stem, title):
    "Write both notebooks; returns their paths"
    if not re.fullmatch(r'\d\d[a-z]?_[a-z]\w*', stem):
        raise Trouble(f'make chapter: NAME is a number and a name, as in 45_topic; got {stem!r}')
    path, name = NBS/f'{stem}.ipynb', stem.partition('_')[2]
    if number(path) in map(number, chapters()):
        raise Trouble(f'make chapter: the number of {stem} is taken; numbers never change')
    if name in map(module, chapters()):
        raise Trouble(f'make chapter: there is a chapter {name}; module names are unique')
    made = path, NBS/'exercises'/path.name
    for place, source in zip(made, ('chapter', 'exercises')):
        text = (TEMPLATE/f'{source}.py').read_text(encoding='utf-8')
        convert(place, text.replace('A title', title or name.capitalize()).replace('topic', name))
    return made


def convert(path, text):
    "py:percent text to a notebook in the form in which we keep them"
    path.parent.mkdir(exist_ok=True)
    command = [sys.executable, '-m', 'jupytext', '--from', 'py:percent', '--to', 'ipynb', '--quiet']
    subprocess.run([*command, '-o', str(path), '-'], input=text, check=True, encoding='utf-8')
    clean(path)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('name')
    p.add_argument('title', nargs='?', default='')
    a = p.parse_args()
    path, _ = lay_out(a.name, a.title)
    export = Path(sys.executable).with_name('nbdev_export')
    for command in ([export], [sys.executable, 'tools/run.py', 'run', '--flags', 'slow', path]):
        subprocess.run(list(map(str, command)), cwd=ROOT, check=True)
    print(f'{path.name} is laid out and runs. Fill it; CONTRIBUTING.md tells the rest.')
    print('Give it its place in the sidebar: in _quarto.yml, '
          f'{missing(path.stem, lines(), title(path))}.')


if __name__ == '__main__':
    try: main()
    except Trouble as e: sys.exit(str(e))
