"""Shared by all tests. BROWSER=0 leaves the browser tests out by choice; without a browser they fail, they are never skipped."""
import os, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT/'tools'), str(ROOT/'tests')]


def pytest_configure(config): config.addinivalue_line('markers', 'browser: drives a real browser')


def pytest_collection_modifyitems(config, items):
    if os.environ.get('BROWSER') != '0': return
    out = [i for i in items if i.get_closest_marker('browser') or any('browser' in f or f == 'page' for f in i.fixturenames)]
    config.hook.pytest_deselected(items=out)
    items[:] = [i for i in items if i not in out]


def pytest_unconfigure(config):
    stats = getattr(config.pluginmanager.get_plugin('terminalreporter'), 'stats', {})
    if config.option.collectonly: return
    print(f"{len(stats.get('passed', []))} passed, {len(stats.get('failed', [])) + len(stats.get('error', []))} failed")
