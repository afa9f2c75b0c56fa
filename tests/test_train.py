"""`walkdl train` from outside: under accelerate, killed under torchrun, and its sentences for bad input."""
import os, signal, subprocess, sys, time
from pathlib import Path
import pytest, torch
from safetensors.torch import load_file, save_file
from walkdl import train as T

ONE = {**os.environ, 'OMP_NUM_THREADS': '1'}
LENET = ['-m', 'walkdl.train', 'lenet', '--steps', '12', '--save_every', '4', '--cpu', '--out']


def curve(folder): return load_file(Path(folder)/'checkpoint.safetensors')['curve']


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    out = tmp_path_factory.mktemp('plain')
    torch.set_num_threads(1) # as ONE does for the other processes: sums in another order differ in the last bit
    return T.train('lenet', str(out), steps=12, cpu=True)


def test_the_command_trains(plain, tmp_path):
    out = subprocess.run([Path(sys.executable).parent/'walkdl', 'train', 'lenet', '--steps', '12', '--cpu', '--out', tmp_path],
                         capture_output=True, text=True, env=ONE)
    assert 'lenet: 12 steps, accuracy' in out.stdout, out.stderr
    assert torch.equal(curve(tmp_path), plain)


def test_fused_kernels_give_the_same_curve(plain, tmp_path):
    run = subprocess.run([sys.executable, *LENET, tmp_path, '--fuse'], capture_output=True, text=True, env=ONE)
    assert run.returncode == 0, run.stderr
    assert (curve(tmp_path) - plain).abs().max() < 1e-4


def test_accelerate_launch_gives_the_same_curve(plain, tmp_path):
    run = subprocess.run([sys.executable, '-m', 'accelerate.commands.launch', '--cpu', '--num_processes', '2', *LENET, tmp_path],
                         capture_output=True, text=True, env=ONE)
    assert run.returncode == 0, run.stderr
    assert (curve(tmp_path) - plain).abs().max() < 1e-4


def test_two_processes_killed_go_on(plain, tmp_path):
    launch = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2', *LENET, tmp_path]
    run = subprocess.Popen(launch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ONE, start_new_session=True)
    while run.poll() is None and not (tmp_path/'checkpoint.safetensors').exists(): time.sleep(.02)
    os.killpg(run.pid, signal.SIGKILL); run.wait()
    assert len(curve(tmp_path)) in (4, 8, 12)
    again = subprocess.run(launch, capture_output=True, text=True, env=ONE)
    assert again.returncode == 0, again.stderr
    assert len(curve(tmp_path)) == 12 and (curve(tmp_path) - plain).abs().max() < 1e-4


def test_a_damaged_checkpoint_is_named(plain, tmp_path):
    T.train('lenet', str(tmp_path), steps=4, cpu=True)
    file = tmp_path/'checkpoint.safetensors'
    state = load_file(file)
    del state['lenet.model.conv1.weight']
    save_file(state, file, metadata=dict(recipe='lenet', steps='4', size='64', seed='0'))
    with pytest.raises(ValueError, match='lacks lenet.model.conv1.weight'): T.train('lenet', str(tmp_path), steps=4, cpu=True)
    assert len(T.train('lenet', str(tmp_path), steps=4, cpu=True, fresh=True)) == 4


@pytest.mark.parametrize('kw, says', [(dict(steps=0), 'at least 1'), (dict(precision='int4'), 'choose auto'), (dict(size=-1), 'at least 1')])
def test_bad_settings_are_named(kw, says, tmp_path):
    with pytest.raises(ValueError, match=says): T.train('lenet', str(tmp_path), cpu=True, **kw)


def test_nothing_to_finish(tmp_path):
    with pytest.raises(FileNotFoundError, match='no checkpoint'): T.finished('lenet', str(tmp_path))
