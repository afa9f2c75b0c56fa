"""No function of the library seeds, or draws from, the caller's own random streams.

Each export is read, and each kind of draw is tried. Chance comes in by
`generator: torch.Generator | int | None` (walkdl.core.as_generator). Exempt are `set_seed` and
`repeat`, whose task it is, and torch's own ways: the first weights that a module's constructor
draws, and dropout in training mode.
"""
import ast, inspect, random
import numpy as np, pytest, torch
from conftest import ROOT
from walkdl.core import as_generator, as_rng, rand_like, randn_like, set_seed

MODULES = sorted(p for p in (ROOT/'walkdl').glob('*.py') if not p.stem.startswith('_'))
SEEDS = {'manual_seed', 'seed', 'set_rng_state', 'set_seed', 'seed_everything', 'manual_seed_all'}
TORCH = {'rand', 'randn', 'randint', 'randperm', 'normal', 'bernoulli', 'multinomial', 'poisson',
         'rand_like', 'randn_like', 'randint_like'}
IN_PLACE = {'normal_', 'uniform_', 'random_', 'bernoulli_', 'exponential_', 'cauchy_', 'geometric_',
            'log_normal_', 'multinomial', 'bernoulli'}
OWN = {'default_rng', 'RandomState', 'Generator', 'Random', 'SeedSequence', 'PCG64'}


def dotted(node):
    if isinstance(node, ast.Attribute): return f'{dotted(node.value)}.{node.attr}'
    return node.id if isinstance(node, ast.Name) else ''


def faults(call):
    "What a call does to the caller's streams, or None"
    name, words = dotted(call.func), {k.arg for k in call.keywords}
    head, _, last = name.rpartition('.')
    if last in SEEDS and (head in ('torch', 'torch.cuda', 'np.random', 'numpy.random', 'random', '')
                          and (head or last == 'set_seed')):
        return f'seeds: {name}'
    if head == 'torch' and last in TORCH and (last.endswith('_like') or 'generator' not in words):
        return f'draws from torch: {name}'
    if head in ('np.random', 'numpy.random') and last not in OWN: return f'draws from numpy: {name}'
    if head == 'random' and last not in OWN: return f'draws from Python: {name}'
    if 'generator' in words: return None
    first = head in ('nn.init', 'torch.nn.init', 'init')
    if first and last.endswith('_') and last not in ('zeros_', 'ones_', 'constant_'):
        return f'draws from torch: {name}'
    method = isinstance(call.func, ast.Attribute) and head != 'torch' and not first
    if method and last in IN_PLACE: return f'draws from torch: .{last}'


def scopes(tree):
    "Functions and methods with their names; a constructor may draw first weights"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef): yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from ((f'{node.name}.{m.name}', m) for m in node.body
                        if isinstance(m, ast.FunctionDef)
                        and m.name not in ('__init__', 'reset_parameters'))


def found(text):
    "Faults in a module: 'function, line: what'"
    for name, node in scopes(ast.parse(text)):
        if name in ('set_seed', 'repeat', '_stream', 'as_generator', 'init_weights'): continue
        for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            if what := faults(call): yield f'{name}, line {call.lineno}: {what}'


@pytest.mark.parametrize('path', MODULES, ids=lambda p: p.stem)
def test_no_export_touches_the_callers_streams(path):
    bad = list(found(path.read_text(encoding='utf-8')))
    ask = f'walkdl.{path.stem}: take a generator (walkdl.core.as_generator)'
    assert not bad, '\n'.join([ask, *bad])


@pytest.mark.parametrize('line', ['torch.manual_seed(0)', 'np.random.seed(0)', 'random.seed(1)',
                                  'set_seed(0)', 'torch.randn(3)', 'torch.rand_like(x)',
                                  'x.normal_()',
                                  'np.random.rand(3)', 'random.random()', 'torch.randperm(5)',
                                  'p.multinomial(1)', 'nn.init.normal_(w)'])
def test_planted_draws_are_caught(line): assert list(found(f'def f(x):\n    return {line}'))


@pytest.mark.parametrize('line', ['torch.randn(3, generator=g)',
                                  'np.random.default_rng(0).random()', 'random.Random(0).random()',
                                  'x.normal_(generator=g)', 'torch.Generator().manual_seed(0)',
                                  'g.manual_seed(1)', 'randn_like(x, g)', 'nn.init.zeros_(w)',
                                  'p.multinomial(1, generator=g)'])
def test_own_streams_are_let_be(line): assert not list(found(f'def f(x):\n    return {line}'))


def untouched(use):
    "Do the three streams go on as if nothing had been used?"
    def after(f):
        random.seed(5); np.random.seed(5); torch.manual_seed(5)
        f()
        return random.random(), np.random.rand(), torch.rand(()).item()
    return after(use) == after(lambda: None)


DRAWS = {
    'as_generator': lambda g: torch.rand(3, generator=as_generator(g)),
    'as_rng': lambda g: torch.tensor(as_rng(g).random(3)),
    'rand_like': lambda g: rand_like(torch.zeros(3), g),
    'randn_like': lambda g: randn_like(torch.zeros(3), g),
}


@pytest.mark.parametrize('name', DRAWS)
def test_a_whole_number_a_generator_and_nothing(name):
    draw = DRAWS[name]
    three = draw(3).tolist()
    assert draw(3).tolist() == draw(torch.Generator().manual_seed(3)).tolist() == three
    assert draw(4).tolist() != three
    set_seed(0); first = draw(None).tolist(), draw(None).tolist()
    set_seed(0); assert (draw(None).tolist(), draw(None).tolist()) == first and first[0] != first[1]
    assert untouched(lambda: [draw(g) for g in (None, 3, torch.Generator())])
    for bad in (.5, 'x', True, [1]):
        with pytest.raises(TypeError, match='a torch.Generator, a whole number or None'): draw(bad)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize('device', ['cpu', *['cuda'] * torch.cuda.is_available()])
def test_noise_has_the_dtype_and_device_of_its_model(dtype, device):
    x = torch.zeros(2, 3, dtype=dtype, device=device)
    for f in (rand_like, randn_like):
        assert (f(x, 1).dtype, f(x, 1).device.type, f(x, 1).shape) == (dtype, device, (2, 3))
        assert torch.allclose(f(x, 1).float().cpu(), f(torch.zeros(2, 3), 1), atol=1e-2)


def test_every_seeded_argument_is_called_generator():
    "One name for one thing: no `seed`, `dice` or `rng` argument is left among the exports"
    import importlib
    # what sets seeds, an option of the command line, two splits that shipped weights depend on
    named = {('core', 'set_seed'), ('train', 'train'),
             ('images', 'split_digits'), ('translation', 'split_verses')}
    other, bad = {'seed', 'dice', 'rng', 'random_state'}, []
    for path in MODULES:
        m = importlib.import_module(f'walkdl.{path.stem}')
        for name in getattr(m, '__all__', []):
            f = getattr(m, name)
            if not inspect.isfunction(f) or f.__module__ != m.__name__: continue
            odd = other & inspect.signature(f).parameters.keys()
            if odd and (path.stem, name) not in named: bad.append(f'{path.stem}.{name}: {odd}')
    assert not bad, '\n'.join(bad)
