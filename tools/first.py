"""The first answer of each live model, kept in nbs/demos/first/: it stands on the page before the
model wakes, on paper, without JavaScript and as the picture of a link.

  first.py          make anew what differs from what the models now answer
  first.py NAME …   only these models
"""
import base64, contextlib, hashlib, json, re, sys
from html import unescape

from notebooks import NBS, ROOT, read

KEPT = NBS/'demos'/'first'
SHOWN = re.compile(r'''<walk-demo name="([\w-]+)"(?: state='([^']*)')?''')
WIDE, SHARP = 800, 2
CARD = dict(width=WIDE, height=WIDE*630//1200)

# The model as it stands, without what only a script can use: canvases become pictures
STILL = '''host => {
  const copy = host.cloneNode(true), pictures = [];
  copy.querySelectorAll('canvas').forEach((c, i) => {
    const live = host.querySelectorAll('canvas')[i], img = document.createElement('img');
    img.className = 'wd-canvas';
    img.alt = c.getAttribute('aria-label').replace(/[.] Arrow keys .*/, '');
    img.style.cssText = c.style.cssText;
    img.width = live.clientWidth; img.height = live.clientHeight;
    pictures.push(live.toDataURL('image/webp', .75));
    c.replaceWith(img);
  });
  const were = host.querySelectorAll('input, select, textarea');
  copy.querySelectorAll('input, select, textarea').forEach((e, i) => {
    const {value, checked, selectedIndex} = were[i];
    if (e.tagName === 'SELECT') e.options[selectedIndex]?.setAttribute('selected', '');
    else if (e.tagName === 'TEXTAREA') e.textContent = value;
    else if (e.type === 'radio' || e.type === 'checkbox') e.toggleAttribute('checked', checked);
    else e.setAttribute('value', value);
    e.setAttribute('disabled', '');
    if (e.labels?.[0]) e.setAttribute('aria-label', e.labels[0].textContent);
  });
  copy.querySelectorAll('button').forEach(e => e.setAttribute('disabled', ''));
  copy.querySelectorAll('details').forEach(e => e.replaceChildren(e.querySelector('summary')));
  copy.querySelectorAll('.wd-hidden').forEach(e => e.remove());
  const own = ['id', 'for', 'name', 'tabindex'];
  copy.querySelectorAll('*').forEach(e => own.forEach(a => e.removeAttribute(a)));
  return [copy.innerHTML, pictures];
}'''


def key(name, state=''):
    "The name of what is kept: that of the model, and a short mark of a state of its own"
    if not state: return name
    return f'{name}-{hashlib.sha1(json.dumps(state, sort_keys=True).encode()).hexdigest()[:6]}'


def shown():
    "Each live model that a notebook shows, with its state: {key: (name, state)}"
    found = {}
    for path in sorted(NBS.glob('*.ipynb')):
        outputs = [o for c in read(path)['cells'] for o in c.get('outputs', [])]
        texts = [''.join(o.get('data', {}).get('text/html', '')) for o in outputs]
        for name, raw in SHOWN.findall(' '.join(texts)):
            state = json.loads(unescape(raw)) if raw else {}
            found[key(name, state)] = name, state
    return found


def still(page, name):
    "(the lines of HTML, the pictures) of a model that has answered; `name` is its key"
    html, pictures = page.locator('walk-demo').evaluate(STILL)
    for i in range(len(pictures)):
        source = f'<img loading="lazy" src="{name}.{i}.webp" class'
        html = html.replace('<img class', source, 1)
    size = sum(page.sizes.values())
    html = html.replace('<p class="wd-note">', f'<p class="wd-note" data-bytes="{size}">')
    html = re.sub('>(?=<[^/])', '>\n', html) + '\n'
    return html, [base64.b64decode(p.split(',')[1]) for p in pictures]


@contextlib.contextmanager
def answered(name, **state):
    "A page with the model awake and at rest; `page.sizes` are the bytes that it fetched for that"
    from browser import demo_url, open_page, settled, wake
    with open_page(demo_url(name, **state), width=WIDE, device_scale_factor=SHARP) as page:
        settled(page, 'ready', 'touch')
        page.sizes = {}
        page.on('response', lambda r: page.sizes.update({r.url: len(r.body())}))
        wake(page)
        settled(page)
        page.wait_for_timeout(100)
        yield page


def keep(name, model, state):
    with answered(model, **state) as page:
        html, pictures = still(page, name)
        file = KEPT/f'{name}.html'
        if file.exists() and file.read_text(encoding='utf-8') == html: return f'{name}: as it was'
        for old in KEPT.glob(f'{name}.*'): old.unlink()
        file.write_text(html, encoding='utf-8')
        for i, picture in enumerate(pictures): (KEPT/f'{name}.{i}.webp').write_bytes(picture)
        page.screenshot(path=KEPT/f'{name}.jpg', type='jpeg', quality=70, scale='css',
                        clip=dict(x=0, y=0, **CARD))
    return f'{name}: kept, {sum(f.stat().st_size for f in KEPT.glob(f"{name}.*"))/1000:.0f} kB'


def main(names):
    sys.path.append(str(ROOT/'tests'))
    KEPT.mkdir(exist_ok=True)
    for name, (model, state) in shown().items():
        if not names or model in names: print(keep(name, model, state), flush=True)


if __name__ == '__main__': main(sys.argv[1:])
