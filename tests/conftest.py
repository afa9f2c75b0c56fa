"""Shared by all tests. BROWSER=0 leaves the browser tests out by choice; they are never skipped."""
import os, sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT/'tools'), str(ROOT/'tests')]
os.environ.setdefault('OMP_NUM_THREADS', '1')  # a worker has one core
os.environ['PATH'] = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'  # node, nbdev


def pytest_configure(config): config.addinivalue_line('markers', 'browser: drives a real browser')


def drives_a_browser(item):
    return item.get_closest_marker('browser')


def pytest_collection_modifyitems(config, items):
    if os.environ.get('BROWSER') != '0': return
    out = [i for i in items if drives_a_browser(i)]
    config.hook.pytest_deselected(items=out)
    items[:] = [i for i in items if i not in out]


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin('terminalreporter')
    if config.option.collectonly or hasattr(config, 'workerinput') or not reporter: return
    passed, failed, broken = (len(reporter.stats.get(k, [])) for k in ('passed', 'failed', 'error'))
    print(f'{passed} passed, {failed + broken} failed')


@pytest.fixture(scope='module')
def served():
    "Where the built site is served"
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *a): pass
    handler = partial(Quiet, directory=str(ROOT/'_docs'))
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
