# %% [markdown]
# # Checkers of: A title
#
# > They answer with a sentence about the mistake.

# %%
#| default_exp exercises.topic

# %%
#| export
import numpy as np
from walkdl.core import as_rng, exercise
from walkdl.topic import topic_line

# %% [markdown]
# A checker returns None or a sentence about the mistake. It draws its cases at random, and compares
# with `not … <= …`, which no nan gets through.

# %%
#| export
def _draw(n):
    rng = as_rng()
    x = rng.uniform(-1, 1, n)
    return x, rng.normal()*x + rng.normal() + rng.normal(0, .3, n)

def _apart(got, want): return not np.allclose(np.asarray(got, float), want, atol=1e-3)

@exercise('topic line')
def check_topic_line(f):
    "A function (x, y) that returns slope and offset of the line of least squares"
    for n in (5, 12, 30):
        x, y = _draw(n)
        got, want = f(x, y), topic_line(x, y)
        if np.shape(got) != (2,): return f'return slope and offset; you return {got!r}'
        if not _apart(got[::-1], want): return 'slope first, then offset; yours are swapped'
        for i, what in enumerate(('slope', 'offset')):
            if _apart(got[i], want[i]):
                return f'for {n} points your {what} is {got[i]:.3f}, not {want[i]:.3f}'

@exercise('topic steady')
def check_topic_steady(f):
    "A function (x, y) that returns slope and offset, and that one wrong point hardly moves"
    for n in (7, 12, 31):
        x, slope, offset = np.sort(as_rng().uniform(-1, 1, n)), *as_rng().normal(0, 2, 2)
        line = slope*x + offset
        if np.shape(got := f(x, line)) != (2,): return f'return two numbers, not {got!r}'
        if _apart(got, (slope, offset)):
            return f'{n} points lie on the line ({slope:.2f}, {offset:.2f}); you say {got}'
        for i in (0, n//3, -1):
            wrong = line + 10*(np.arange(n) == i % n)
            far = abs(topic_line(x, wrong)[0] - slope)
            if not abs(f(x, wrong)[0] - slope) <= far/10 + 1e-9:
                return f'point {i % n} of {n} raised by 10 moves your slope to {f(x, wrong)[0]:.2f}'

@exercise('topic slope', page='number', digits=2)
def check_topic_slope(a):
    "The slope after the last of eleven points was raised, to two decimals"
    if a == 2: return 'the slope moves: the raised point stands at the end and pulls'
    if a == 3.1: return 'one point of eleven does not move the slope by all that it was raised'
    if a < 2: return 'the last point was raised, so the slope grows'
    if not abs(a - 2.25) < .006:
        return f'{a} is not it: weigh the raise by its input, divide by the sum of squares'
