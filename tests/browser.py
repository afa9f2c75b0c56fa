"""A browser for the tests: the machine's own or npm's, and an eye on every request and message.

`python tests/browser.py` ends with 0 where the machine has a browser of its own, and `make test`
need not fetch one.
"""
import ast, contextlib, functools, json, os, shutil, subprocess, sys, tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

MODULES = Path(__file__).resolve().parent.parent/'node_modules'
WHERE = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable',
         '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
         '/Applications/Chromium.app/Contents/MacOS/Chromium')
QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
         '--disable-background-networking', '--disable-component-update']
UNPACK = "import('@sparticuz/chromium').then(c => c.default.executablePath())"
FONTS = '<fontconfig><dir>{0}/fonts</dir><cachedir>{0}/fonts-cache</cachedir></fontconfig>'
PATIENCE = 90  # seconds, enough for a machine that does other work too


def installed(): return next(filter(None, map(shutil.which, WHERE)), None)


def packed(modules=MODULES):
    "The browser in npm's @sparticuz/chromium, unpacked by whichever process comes first, or None"
    from filelock import FileLock
    package = modules/'@sparticuz/chromium/package.json'
    if not package.exists(): return None
    folder = modules/f".chromium-{json.loads(package.read_text())['version']}"
    with FileLock(f'{folder}.lock'):
        if not folder.exists():
            part = tempfile.mkdtemp(dir=modules)
            env = os.environ | {'TMPDIR': part}
            subprocess.run(['node', '-e', UNPACK], cwd=modules, env=env, check=True)
            (Path(part)/'fonts.xml').write_text(FONTS.format(folder))
            os.rename(part, folder)
    return folder/'chromium'


def chromium():
    "The browser's path; without one the test fails and says how to get it"
    found = installed() or packed()
    if not found:
        pytest.fail('No browser was found: install Chromium or Chrome (Debian, Ubuntu: apt-get '
                    'install chromium; Mac: brew install --cask chromium), let `make test` fetch '
                    'one (Linux on x86-64), or leave these tests out: BROWSER=0.', pytrace=False)
    return found


@functools.cache
def playwright():
    "Started once, whatever becomes of the browser: a second start would hide the first failure"
    import atexit
    from playwright.sync_api import sync_playwright
    play = sync_playwright().start()
    atexit.register(play.stop)
    return play


@functools.cache
def browser():
    "One Chromium for all tests of this process; it ends with Python"
    path, env = chromium(), dict(os.environ)
    fonts = Path(path).parent/'fonts.xml'
    if fonts.exists() and not Path('/etc/fonts').exists(): env['FONTCONFIG_FILE'] = str(fonts)
    return playwright().chromium.launch(executable_path=path, args=QUIET, env=env,
                                        timeout=PATIENCE*1000)


@contextlib.contextmanager
def open_page(url, *, dark=False, width=1000, height=1000, faults=True, **context):
    "A fresh page at `url`; afterwards no error, failed request or other host may have been seen"
    seen, host = [], urlsplit(url).netloc
    context |= dict(color_scheme='dark' if dark else 'light',
                    viewport=dict(width=width, height=height),
                    permissions=['clipboard-read', 'clipboard-write'])
    ctx = browser().new_context(**context)
    ctx.set_default_timeout(PATIENCE*1000)
    page = ctx.new_page()
    page.seen, page.asked = seen, []
    page.on('console', lambda m: m.type == 'error' and seen.append(f'console: {m.text}'))
    page.on('pageerror', lambda e: seen.append(f'error: {e}'))
    page.on('requestfailed', lambda r: seen.append(f'failed: {r.url}'))
    page.on('response', lambda r: r.status >= 400 and seen.append(f'{r.status}: {r.url}'))
    page.on('request', lambda r: page.asked.append(r.url))
    try:
        page.goto(url)
        yield page
    finally: ctx.close()
    asked = [(urlsplit(u), u) for u in page.asked]
    foreign = [u for s, u in asked if s.scheme not in ('data', 'blob') and s.netloc != host]
    assert not foreign, f'the page asked another host: {foreign}'
    if faults: assert not seen, '\n'.join(seen)


def demo_url(name, hash='', **state):
    "Where the small server of walkdl.demo shows one live model"
    from walkdl.demo import serve
    return f'{serve()}show/{name}?{quote(json.dumps(state))}{hash}'


@contextlib.contextmanager
def page_of(name, *, hash='', dark=False, width=1000, awake=True, **state):
    "A page with one live model: `with page_of('train', lr=1) as page`"
    with open_page(demo_url(name, hash, **state), dark=dark, width=width) as page:
        settled(page, 'ready', 'touch')
        if awake: wake(page)
        if awake: settled(page)
        yield page


def from_link(name, *, width=1000, **state):
    "The same, its state taken from the address"
    text = lambda v: quote(v if isinstance(v, str) else json.dumps(v))
    parts = ';'.join(f'{k}={text(v)}' for k, v in state.items())
    return page_of(name, width=width, hash=f'#{name}:{parts}')


def wake(page): page.evaluate("document.querySelector('walk-demo').ui.wake()")
def phase(page): return page.locator('walk-demo').first.get_attribute('data-phase')

def settled(page, *phases, seconds=PATIENCE):
    "Wait until the live model rests"
    wanted = phases or ('ready',)
    page.wait_for_function("p => p.includes(document.querySelector('walk-demo').dataset.phase) "
                           "&& (p.length > 1 || !document.querySelector('walk-demo').ui.busy)",
                           arg=list(wanted), timeout=seconds*1000)

def state(page): return page.evaluate("document.querySelector('walk-demo').ui.state")
def answer(page): return page.evaluate("document.querySelector('walk-demo').ui.answer")
def colors(page): return page.evaluate("document.querySelector('walk-demo').ui.colors")
def canvas(page, label): return page.locator(f'canvas[aria-label^="{label}"]')


def code(page):
    "The lines that “This as code” shows for the present state"
    fold = page.locator('walk-demo details', has_text='This as code')
    if fold.get_attribute('open') is None: fold.locator('summary').click()
    page.wait_for_function("(() => { const {ui} = document.querySelector('walk-demo'); "
                           "return ui.pre.textContent === ui.code() })()")
    return fold.locator('pre').text_content()


def run_code(page):
    "The names that those lines make; `_` is the value of the last one, as in a console"
    tree, names = ast.parse(code(page)), {}
    if isinstance(last := tree.body[-1], ast.Expr):
        tree.body[-1] = ast.Assign([ast.Name('_', ast.Store())], last.value)
    exec(compile(ast.fix_missing_locations(tree), 'This as code', 'exec'), names)
    return names


if __name__ == '__main__': sys.exit(not installed())
