"""`walkdl train` from outside: under accelerate, killed under torchrun, and its sentences."""
import os, subprocess, sys
from pathlib import Path
import pytest, torch
from safetensors.torch import load_file, save, save_file
from walkdl import train as T

ONE = {**os.environ, 'OMP_NUM_THREADS': '1'}
WORDS = ['lenet', '--steps', '12', '--save-every', '4', '--cpu', '--out']
LENET = ['-m', 'walkdl.train', *WORDS]
TWO = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2']
WALKDL = Path(sys.executable).parent/'walkdl'
RUN = dict(recipe='lenet', steps='4', size='64', seed='0')


def curve(folder): return load_file(Path(folder)/'checkpoint.safetensors')['curve']


def run(*words): return subprocess.run(words, capture_output=True, text=True, env=ONE)


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    out = tmp_path_factory.mktemp('plain')
    torch.set_num_threads(1) # as ONE does: sums in another order differ in the last bit
    return T.train('lenet', str(out), steps=12, cpu=True)


def test_the_command_trains(plain, tmp_path):
    out = run(WALKDL, 'train', *WORDS, tmp_path)
    assert 'lenet: 12 steps, accuracy' in out.stdout, out.stderr
    assert torch.equal(curve(tmp_path), plain)


@pytest.mark.parametrize('program', [[WALKDL, 'train'], [sys.executable, '-m', 'walkdl.train']])
@pytest.mark.parametrize('words, says', [
    ('nope', "no recipe 'nope'; there are lenet, gpt, gan"),
    ('lenet --steps 0', 'steps must be at least 1, not 0'),
    ('lenet --save-every 0', 'save_every must be at least 1'),
    ('lenet --save_every 0', 'save_every must be at least 1'),
    ('lenet --precision int4', 'choose auto')])
def test_the_command_says_what_is_wrong(program, words, says, tmp_path):
    out = subprocess.run([*program, *words.split()], capture_output=True, text=True, cwd=tmp_path)
    assert out.returncode == 1 and 'Traceback' not in out.stderr
    assert 'walkdl train: ' in out.stderr and says in out.stderr


def test_fused_kernels_give_the_same_curve(plain, tmp_path):
    out = run(sys.executable, *LENET, tmp_path, '--fuse')
    assert out.returncode == 0, out.stderr
    assert (curve(tmp_path) - plain).abs().max() < 1e-4


def test_accelerate_launch_gives_the_same_curve(plain, tmp_path):
    launch = ['-m', 'accelerate.commands.launch', '--cpu', '--num_processes', '2']
    out = run(sys.executable, *launch, *LENET, tmp_path)
    assert out.returncode == 0, out.stderr
    assert (curve(tmp_path) - plain).abs().max() < 1e-4


FATAL = """import itertools, os, signal, sys
from walkdl import train as t
move, calls = t._move, itertools.count(1)
def fatal(*args):
    if next(calls) == 6: os.kill(os.getpid(), signal.SIGKILL)
    return move(*args)
t._move = fatal
t.main(sys.argv[1:])
"""


def test_two_processes_killed_go_on(plain, tmp_path):
    "Each is killed in its sixth step, so the checkpoint of the fourth is what is left"
    script = tmp_path/'fatal.py'
    script.write_text(FATAL)
    launch = [sys.executable, *TWO]
    assert run(*launch, script, *WORDS, tmp_path).returncode
    assert len(curve(tmp_path)) == 4
    again = run(*launch, *LENET, tmp_path)
    assert again.returncode == 0, again.stderr
    assert len(curve(tmp_path)) == 12 and (curve(tmp_path) - plain).abs().max() < 1e-4


@pytest.mark.parametrize('recipe', ['gpt', 'gan'])
def test_two_processes_give_the_curve_of_one(recipe, tmp_path):
    words = [recipe, '--steps', '6', '--cpu', '--out', tmp_path/'two']
    out = run(sys.executable, *TWO, '-m', 'walkdl.train', *words)
    assert out.returncode == 0, out.stderr
    torch.set_num_threads(1)
    one = T.train(recipe, str(tmp_path/'one'), steps=6, cpu=True)
    assert (curve(tmp_path/'two') - one).abs().max() < 1e-4


@pytest.fixture
def four(tmp_path):
    "A checkpoint after four steps"
    T.train('lenet', str(tmp_path), steps=4, cpu=True)
    return tmp_path/'checkpoint.safetensors'


def goes_on(file, **kw): return T.train('lenet', str(file.parent), steps=4, cpu=True, **kw)


def test_a_damaged_checkpoint_is_named(four):
    whole = four.read_bytes()
    state = load_file(four)
    for at in (len(whole) - 1, len(whole)//2, len(whole) - 3000):
        four.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:])
        with pytest.raises(ValueError, match='damaged'): goes_on(four)
        with pytest.raises(ValueError, match='damaged'): T.finished('lenet', str(four.parent))
    for size in (0, 5, 1000, len(whole) - 1):
        four.write_bytes(whole[:size])
        with pytest.raises(ValueError, match='damaged'): goes_on(four)
    save_file(state, four, metadata=RUN)
    with pytest.raises(ValueError, match='hash is wrong'): goes_on(four)
    del state['lenet.model.conv1.weight']
    four.write_bytes(save(state, metadata=RUN | dict(sha256=T._digest(state))))
    with pytest.raises(ValueError, match='lacks lenet.model.conv1.weight'): goes_on(four)
    assert len(goes_on(four, fresh=True)) == 4


def test_the_file_is_readable_as_the_umask_says(four):
    mask = os.umask(0)
    os.umask(mask)
    assert four.stat().st_mode & 0o777 == 0o666 & ~mask
    assert len([*four.parent.iterdir()]) == 1, 'nothing is left beside it'


def test_your_random_numbers_stay_where_they_were(four):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    goes_on(four, fresh=True)
    assert torch.get_rng_state().equal(before)


def test_a_recipe_depends_on_its_seed():
    first, same, other = (T._recipe('lenet', s).players['lenet'].state_dict() for s in (0, 0, 1))
    assert all(first[k].equal(same[k]) for k in first)
    assert not all(first[k].equal(other[k]) for k in first)


@pytest.mark.parametrize('kw, says', [
    (dict(steps=0), 'at least 1'), (dict(precision='int4'), 'choose auto'),
    (dict(size=-1), 'at least 1'), (dict(save_every=0), 'at least 1')])
def test_bad_settings_are_named(kw, says, tmp_path):
    with pytest.raises(ValueError, match=says): T.train('lenet', str(tmp_path), cpu=True, **kw)


def test_nothing_to_finish(tmp_path):
    with pytest.raises(FileNotFoundError, match='no checkpoint'): T.finished('lenet', str(tmp_path))


def test_a_checkpoint_of_another_recipe(four):
    with pytest.raises(ValueError, match='holds lenet, not gan'):
        T.finished('gan', str(four.parent))


def test_shards_and_rates():
    batch = torch.arange(6), torch.arange(12).view(6, 2)
    parts = [T.shard(batch, r, 3) for r in range(3)]
    assert torch.cat([p[0] for p in parts]).equal(batch[0]) and parts[1][1].shape == (2, 2)
    rates = [T.learning_rate(s, 40, .5) for s in range(40)]
    assert 0 < rates[0] < rates[1] <= .5 and rates[1:] == sorted(rates[1:], reverse=True)
    assert rates[-1] > 0
    for call in (lambda: T.shard(batch, 3, 3), lambda: T.shard(batch, 0, 4),
                 lambda: T.learning_rate(40, 40, 1.), lambda: T.ring_all_reduce([]),
                 lambda: T.ring_all_reduce([torch.ones(2), torch.ones(3)])):
        with pytest.raises(ValueError, match='expected|equal shares'): call()


@pytest.mark.parametrize('top', [float('nan'), float('inf'), -1])
def test_a_bad_learning_rate_is_told(top):
    with pytest.raises(ValueError, match='top is a finite number'): T.learning_rate(0, 5, top)
