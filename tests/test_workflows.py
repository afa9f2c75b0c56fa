"""What runs elsewhere, as far as it can be tried here: workflows, nbdev, and no browser."""
import json, os, re, shutil, subprocess, sys
from pathlib import Path
import pytest, yaml
import browser
from conftest import ROOT

FOLDER = ROOT/'.github/workflows'
FLOWS = {p.stem: yaml.safe_load(p.read_text()) for p in sorted(FOLDER.glob('*.yaml'))}
BIN = Path(sys.executable).parent


def steps(flow): return [s for job in FLOWS[flow]['jobs'].values() for s in job.get('steps', [])]
def step(flow, name): return next(s for s in steps(flow) if s.get('name') == name)
def commands(flow): return '\n'.join(s.get('run', '') for s in steps(flow))


def shell(command, cwd, **env):
    path = {'PATH': f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(['bash', '-eo', 'pipefail', '-c', command], cwd=cwd,
                          env=os.environ | path | env, capture_output=True, text=True)


# ---------- the workflows

def test_actions_are_pinned_by_commit():
    "A tag can be moved; those of Quarto's authors alone are taken by tag"
    used = {s['uses'] for f in FLOWS for s in steps(f) if 'uses' in s}
    by_tag = {u for u in used if not re.search(r'@[0-9a-f]{40}$', u)}
    assert by_tag <= {'quarto-dev/quarto-actions/setup@v2'}


@pytest.mark.parametrize('flow', FLOWS)
def test_permissions_are_given_one_by_one_and_every_make_target_exists(flow):
    assert FLOWS[flow]['permissions'] in ({}, {'contents': 'read'})
    targets = set(re.findall(r'^([a-z]+):', (ROOT/'Makefile').read_text(), re.M))
    asked = re.findall(r'^make (.+)$', commands(flow), re.M)
    assert set(' '.join(asked).split()) <= targets


def test_only_what_was_tested_is_published():
    "The tests upload the site that they have seen; publishing waits for all and builds nothing"
    test, publish = (FLOWS['test']['jobs'][k] for k in ('test', 'publish'))
    assert publish['needs'] == 'test' and 'refs/heads/main' in publish['if']
    assert publish['uses'] == './.github/workflows/deploy.yaml'
    order = [s.get('uses', s.get('run', '')).split('@')[0] for s in test['steps']]
    assert order.index('make test') < order.index('actions/upload-pages-artifact')
    assert not re.search('make|quarto|site.py|actions/checkout', str(steps('deploy')))


def test_a_release_carries_one_version():
    version = re.search(r'^version = (.+)$', (ROOT/'settings.ini').read_text(), re.M)[1]
    check = step('release', 'The tag is the version, and CHANGELOG.md has a section on it')['run']
    assert shell(check, ROOT, GITHUB_REF_NAME=f'v{version}').returncode == 0
    assert shell(check, ROOT, GITHUB_REF_NAME='v99.9').returncode == 1


def test_the_learners_branch_is_pushed_as_one_commit(tmp_path):
    "The step's own command, with a repository on this disk in place of the public one"
    server, learn = tmp_path/'server.git', tmp_path/'learn'
    learn.mkdir()
    public = 'https://x-access-token:$TOKEN@github.com/$GITHUB_REPOSITORY.git'
    push = step('deploy', 'Push')['run'].replace(public, str(server))
    subprocess.run(['git', 'init', '-q', '--bare', str(server)], check=True)
    for text in ('first', 'second'):
        shutil.rmtree(learn/'.git', ignore_errors=True)
        (learn/'20_cnns.ipynb').write_text(text)
        r = shell(push, learn, GITHUB_SHA='1234abcd', TOKEN='')
        assert r.returncode == 0, r.stderr
    git = lambda *a: subprocess.check_output(['git', '-C', str(server), *a], text=True)
    assert git('show', 'learn:20_cnns.ipynb') == 'second'
    assert git('rev-list', '--count', 'learn').strip() == '1'


def notebook(*sources):
    cell = dict(cell_type='code', metadata={}, execution_count=None, outputs=[])
    cells = [cell | dict(id=f'c{i}', source=s) for i, s in enumerate(sources)]
    kernel = dict(kernelspec=dict(name='python3', display_name='python3', language='python'))
    return json.dumps(dict(cells=cells, metadata=kernel, nbformat=4, nbformat_minor=5))


def test_the_newest_run_executes_chapters_but_trains_nothing(tmp_path):
    "newest.yaml's own command on a notebook whose slow cells would write"
    (tmp_path/'nbs').mkdir()
    (tmp_path/'nbs/10_planted.ipynb').write_text(notebook(
        'import pathlib\npathlib.Path("ran").touch()', '#| slow\npathlib.Path("slow").touch()',
        '#| export\n#| slow\npathlib.Path("both").touch()',
        '#| eval: false\npathlib.Path("eval").touch()',
        '#| exports\npathlib.Path("exported").touch()',
        '# says #| slow\npathlib.Path("said").touch()'))
    run = step('newest', 'Run the chapters')
    r = shell(run['run'], tmp_path, **run['env'])
    assert r.returncode == 0, r.stderr
    made = {p.name for p in (tmp_path/'ran').iterdir()}
    assert made == {'10_planted.ipynb', 'ran', 'exported', 'said'}


def test_the_newest_run_fails_with_its_chapter(tmp_path):
    (tmp_path/'nbs').mkdir()
    (tmp_path/'nbs/10_planted.ipynb').write_text(notebook('assert 1 == 2'))
    run = step('newest', 'Run the chapters')
    assert 'AssertionError' in shell(run['run'], tmp_path, **run['env']).stderr


def test_a_file_of_the_package_that_was_changed_is_seen(tmp_path):
    check = step('newest', 'No chapter has written into the package')['run']
    site = tmp_path/'walkdl-1.dist-info'
    site.mkdir()
    (site/'METADATA').write_text('Metadata-Version: 2.1\nName: walkdl\nVersion: 1\n')
    (tmp_path/'lenet5.bin').write_bytes(b'')
    (site/'RECORD').write_text('lenet5.bin,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n')
    assert shell(check, tmp_path, PYTHONPATH=str(tmp_path)).returncode == 0
    (tmp_path/'lenet5.bin').write_bytes(b'trained again')
    assert "['lenet5.bin']" in shell(check, tmp_path, PYTHONPATH=str(tmp_path)).stderr


# ---------- nbdev's own commands, with a stand-in for Quarto that notes what it was asked

QUARTO = """#!/usr/bin/env python3
import pathlib, sys
pathlib.Path(__file__).with_name('asked').write_text(' '.join(sys.argv[1:]))
pathlib.Path('_docs').mkdir(exist_ok=True)
pathlib.Path('_docs/index.html').write_text('by Quarto')
"""


@pytest.fixture(scope='module')
def workshop(tmp_path_factory):
    folder = tmp_path_factory.mktemp('workshop')
    skip = shutil.ignore_patterns('demos', 'weights', '__pycache__')
    for name in ('nbs', 'walkdl'): shutil.copytree(ROOT/name, folder/name, ignore=skip)
    for name in ('settings.ini', 'README.md'): shutil.copy(ROOT/name, folder)
    (folder/'bin').mkdir()
    (folder/'bin/quarto').write_text(QUARTO)
    (folder/'bin/quarto').chmod(0o755)
    return folder


@pytest.mark.parametrize('command, asked', [
    ('nbdev_docs', 'render --no-cache'), ('nbdev_readme', 'index.ipynb -o README.md'),
    ('nbdev_preview --no_browser', 'preview --no-browser')])
def test_nbdev_takes_the_notebooks_to_quarto(command, asked, workshop):
    "No cell is executed on the way, so that no chapter can stop it"
    path = os.pathsep.join([str(workshop/'bin'), str(BIN), os.environ['PATH']])
    r = shell(command, workshop, PATH=path, PYTHONPATH=str(workshop))
    assert r.returncode == 0, r.stdout[-2000:] + r.stderr[-2000:]
    assert asked in (workshop/'bin/asked').read_text()
    chapters = lambda folder: {p.name for p in folder.glob('[0-9]*.ipynb')}
    assert chapters(workshop/'_proc') == chapters(ROOT/'nbs')


# ---------- a machine without a browser

def test_without_a_browser_one_sentence_each_time(monkeypatch):
    monkeypatch.setattr(browser, 'installed', lambda: None)
    monkeypatch.setattr(browser, 'packed', lambda: None)
    for _ in range(2):
        with pytest.raises(pytest.fail.Exception, match='No browser was found: install'):
            browser.chromium()


def test_the_machines_own_browser_comes_first(monkeypatch, tmp_path):
    monkeypatch.setattr(browser, 'installed', lambda: '/usr/bin/some-browser')
    monkeypatch.setattr(browser, 'packed', lambda: pytest.fail('nothing need be unpacked'))
    assert browser.chromium() == '/usr/bin/some-browser'


def test_two_workers_unpack_the_browser_once(tmp_path):
    "A stand-in for the package notes how often it is asked"
    package = tmp_path/'@sparticuz/chromium'
    package.mkdir(parents=True)
    (package/'package.json').write_text('{"version": "1.0", "type": "module", "main": "index.js"}')
    (package/'index.js').write_text("""import fs from 'node:fs'; import os from 'node:os';
export default {executablePath: async () => {
  fs.appendFileSync('asked', 'x');
  await new Promise(r => setTimeout(r, 500));
  fs.writeFileSync(os.tmpdir() + '/chromium', '');
}};""")
    modules = tmp_path.rename(tmp_path.parent/'node_modules')
    code = f'import browser, pathlib; print(browser.packed(pathlib.Path({str(modules)!r})))'
    start = lambda: subprocess.Popen([sys.executable, '-c', code], cwd=ROOT/'tests',
                                     stdout=subprocess.PIPE, text=True)
    both = [start() for _ in range(2)]
    said = {p.communicate()[0].strip() for p in both}
    assert said == {f'{modules}/.chromium-1.0/chromium'} and (modules/'asked').read_text() == 'x'
