"""Build the site into _docs/: with Quarto where it is on PATH, with smalldocs where it is not.

  site.py [build] [--smalldocs]   render all pages
  site.py prepare                 before rendering: the sidebar's links and the generated pages (Quarto's pre-render)
  site.py lift                    after rendering: pages to the root, own libraries, less weight (Quarto's post-render)
  site.py check                   the map of sources: every covered entry names a heading and a claim that exist
"""
import json, re, shutil, subprocess, sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import nbfilter, partials
from lift import lift as lift_pages
from notebooks import NBS, ROOT

PROC, OUT, CONFIG = ROOT/'_proc', ROOT/'_docs', ROOT/'_quarto.yml'


def sidebar(text, stems, title):
    "The sidebar's text with a link for each chapter that has been written: in the place that was planned, or next to its neighbour by number"
    planned = re.compile(r'\{text: ("[^"]*")\}  # (\d\d[a-z]?_\w+)$', re.M)
    link = lambda stem, name: f'{{href: nbs/{stem}.ipynb, text: {name}}}'
    text = planned.sub(lambda m: link(m[2], m[1]) if m[2] in stems else m[0], text)
    for stem in sorted(stems):
        entries = [(m[2], m) for m in re.finditer(r'^ +- \{.*?(nbs/|# )(\d\d[a-z]?_\w+).*\n', text, re.M)]
        if stem in dict(entries): continue
        before = [m for s, m in entries if s < stem and s[0] == stem[0]]
        at = before[-1].end() if before else next((m.start() for s, m in entries if s > stem), entries[-1][1].end())
        text = text[:at] + ' '*10 + f'- {link(stem, json.dumps(title(stem), ensure_ascii=False))}\n' + text[at:]
    return text


def prepare():
    text = CONFIG.read_text(encoding='utf-8')
    new = sidebar(text, {p.stem for p in NBS.glob('[0-9]*.ipynb')}, lambda stem: partials.title(NBS/f'{stem}.ipynb'))
    if new != text: CONFIG.write_text(new, encoding='utf-8'); print('_quarto.yml: the sidebar has new chapters')
    partials.write()


def site_url(): s = nbfilter.settings(); return s['doc_host'] + s['doc_baseurl']


def lift(): lift_pages(OUT, site_url())


def stage():
    "A copy of the sources as smalldocs reads them: filtered notebooks, and the configuration without what it does not know"
    import yaml
    shutil.rmtree(PROC, ignore_errors=True)
    shutil.copytree(NBS, PROC/'nbs', ignore=shutil.ignore_patterns('*.ipynb', 'demos', '.ipynb_checkpoints', 'scoreboard'))
    for path in NBS.glob('*.ipynb'):
        nb = nbfilter.page(json.loads(path.read_text(encoding='utf-8')), path.name, NBS)
        (PROC/'nbs'/path.name).write_text(json.dumps(nb, ensure_ascii=False), encoding='utf-8')
    q = yaml.safe_load(CONFIG.read_text(encoding='utf-8'))
    for key in ('pre-render', 'post-render'): q['project'].pop(key)
    for key in ('execute', 'ipynb-filters'): q.pop(key)
    q['project'] |= {'output-dir': '../_docs'}
    q['format']['html'] |= {'theme': {'light': 'default', 'dark': 'default'}}
    q['format']['html'].pop('html-math-method')
    q['website'] |= {'site-url': site_url()}
    (PROC/'_quarto.yml').write_text(yaml.safe_dump(q, sort_keys=False), encoding='utf-8')


def build(args):
    if shutil.which('quarto') and '--smalldocs' not in args:
        return subprocess.run(['quarto', 'render'], cwd=ROOT).returncode
    prepare(); stage()
    shutil.rmtree(OUT, ignore_errors=True)
    run = subprocess.run([sys.executable, '-m', 'smalldocs.cli', 'render', str(PROC)], capture_output=True, text=True)
    print(run.stderr.strip() if run.returncode else '\n'.join(l for l in run.stderr.splitlines() if 'broken' in l or 'warning' in l.lower()))
    if run.returncode: return run.returncode
    lift()


def check(args):
    bad = partials.source_faults()
    print(*bad, f'{len(partials.sources())} entries in nbs/sources.csv, {len(bad)} faults', sep='\n')
    return bool(bad)


if __name__ == '__main__':
    name = next((a for a in sys.argv[1:] if not a.startswith('-')), 'build')
    if name not in ('build', 'prepare', 'lift', 'check'): sys.exit(__doc__)
    sys.exit({'build': build, 'check': check}[name](sys.argv) if name in ('build', 'check') else globals()[name]())
