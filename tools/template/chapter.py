# %% [markdown]
# # A title
#
# > One sentence that promises the reader a number or a picture.
#
# *3 s to run · builds on [core](00_core.ipynb)*

# %%
#| default_exp topic

# %% [markdown]
# A puzzle in three sentences. Here: twelve points scatter around a line that nobody tells us.
#
# **Guess before you go on.** Which single number, said for every new point, would miss least?

# %%
#| export
import numpy as np
from walkdl.core import as_rng

# %%
import matplotlib.pyplot as plt
from walkdl.core import C, better, cited, claim, repeat, set_seed, style
style(); set_seed(0)

# %% [markdown]
# ## The smallest data, and the dumbest answer
#
# Look at the data before anything is learned from it.

# %%
def points(seed, n=12):
    rng = as_rng(seed)
    x = rng.uniform(-1, 1, n)
    return x, 2*x + rng.normal(0, .5, n)

# %%
#| fig-alt: "Twelve points that rise from left to right, and a level line at their mean"
x, y = points(0)
plt.plot(x, y, 'o'); plt.axhline(y.mean(), color=C.grey)
plt.xlabel('input'); plt.ylabel('output');

# %% [markdown]
# The mean is the baseline: it looks at no input. Whatever we build must beat it on points that
# it has not seen, and both stand in one table.

# %%
def misses(answer, seed):
    "Mean absolute error on a thousand new points"
    x, y = points(seed + 1000, 1000)
    return abs(answer(x) - y).mean().item()

def mean_of(x, y): return lambda new: np.full(len(new), y.mean())

misses(mean_of(x, y), 0)

# %% [markdown]
# ## The idea
#
# Why first, then how. Then one case by hand: through (0, 1) and (2, 5) the line rises by 4 over 2.

# %%
#| exports
def topic_line(
    x, # [N] inputs
    y, # [N] outputs
) -> tuple: # slope in output units per input unit, and offset
    "The line that misses the points by the smallest sum of squares (Legendre 1805)"
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape != y.shape:
        raise ValueError(f'topic_line: {len(x)} inputs but {len(y)} outputs; give one for each')
    dx = x - x.mean()
    slope = (dx @ y / (dx @ dx)).item()
    return slope, (y.mean() - slope*x.mean()).item()

# %%
assert topic_line([0, 2], [1, 5]) == (2, 1)

# %% [markdown]
# The library's twin says the same. This is house keeping, so it is an `assert` and no claim:

# %%
#| code-fold: true
assert np.allclose(topic_line(x, y), np.polyfit(x, y, 1))

# %%
#| fig-alt: "The twelve points, the line of least squares through them, and the level of their mean"
slope, offset = topic_line(x, y)
plt.plot(x, y, 'o'); plt.axhline(y.mean(), color=C.grey)
plt.axline((0, offset), slope=slope, color=C.red)
plt.xlabel('input'); plt.ylabel('output');

# %% [markdown]
# ## Does it hold?
#
# One draw of twelve points proves nothing. The slow cell repeats the experiment over ten; it is run
# once, by `make slow`, and what it found is kept beside the weights.

# %%
def line_of(x, y):
    slope, offset = topic_line(x, y)
    return lambda new: slope*new + offset

# %%
#| slow
repeat('topic/line', lambda seed: misses(line_of(*points(seed)), seed), range(10), of='splits')
repeat('topic/mean', lambda seed: misses(mean_of(*points(seed)), seed), range(10), of='splits');

# %% [markdown]
# A `claim` is measured here. It names its *null*, which is what the baseline gives, and its bound
# refuses it; the bound stands near the worst of the seeds.

# %%
claim('A line through twelve points misses new ones by {}', misses(line_of(x, y), 0), at_most=.52,
      null=misses(mean_of(x, y), 0), seeds='topic/line', fmt='.2f')

# %% [markdown]
# A claimed difference says what was equal on both sides, and compares intervals rather than means:

# %%
better('The line misses new points by {} less than the mean does', 'topic/line', 'topic/mean',
       equal='the same twelve points and the same thousand new ones', names=('line', 'mean'),
       smaller=True, paired=True, fmt='.2f')

# %% [markdown]
# A figure from elsewhere is `cited`, with the place in which you have read it:

# %%
cited('{} of 10,388 notebooks of biomedical papers gave the same results again', 879,
      source='Samuel and Mietchen 2024', where='abstract')

# %% [markdown]
# ## What breaks it
#
# Noise, shift, an attack, a group, the cost. Here: one point that was typed wrongly.

# %%
def moved(line, by):
    "How far the slope goes when the last of eleven points on a line is raised"
    x = np.linspace(-1, 1, 11)
    return abs(line(x, 2*x + by*(x == 1))[0] - 2)

claim('One point that is 10 too high moves the slope by {}', moved(topic_line, 10), at_least=1.5,
      null=moved(topic_line, .5), fmt='.2f')

# %% [markdown]
# ## Exercises

# %%
from walkdl.exercises.topic import *

# %% [markdown]
# ### Exercise 1: build it
#
# Let `my_line(x, y)` find slope and offset by gradient descent: start at 0 and 0, and step against
# the gradient of the mean square, 3,000 times. The inputs lie between −1 and 1.

# %%
#| code-fold: true
#| code-summary: "Solution"
def my_line(x, y):
    slope = offset = 0.
    for _ in range(3000):
        gap = slope*x + offset - y
        slope -= .2*(gap*x).mean()
        offset -= .2*gap.mean()
    return slope, offset

# %%
check_topic_line(my_line)

# %%
#| hide
check_topic_line.rejects(
    lambda x, y: (0., 0.), lambda x, y: (0., y.mean()), lambda x, y: topic_line(y, x),
    lambda x, y: topic_line(x, y)[::-1], lambda x, y: ((x @ y)/(x @ x), 0.))

# %% [markdown]
# ### Exercise 2: change it, and see a number move
#
# Write `steady(x, y)`, which returns slope and offset as well, but which one wrong point moves by
# less than a tenth as much. Then look how far it moves.

# %%
#| code-fold: true
#| code-summary: "Solution"
def steady(x, y):
    rise = [(b - d)/(a - c) for a, b in zip(x, y) for c, d in zip(x, y) if a > c]
    slope = np.median(rise)
    return slope, np.median(y - slope*x)

# %%
check_topic_steady(steady)
moved(topic_line, 10), moved(steady, 10)

# %%
#| hide
check_topic_steady.rejects(
    topic_line, lambda x, y: (2., 0.), lambda x, y: (0., np.median(y)),
    lambda x, y: topic_line(x[:-1], y[:-1]), lambda x, y: steady(x, y)[::-1])

# %% [markdown]
# ### Exercise 3: predict
#
# Eleven points at −1, −0.8, … 1 lie on a line of slope 2. The last is raised by 1.1. Which slope
# has the line of least squares now, to two decimals?

# %%
#| code-fold: true
#| code-summary: "Solution"
new_slope = 2 + 1.1*1/4.4 # the squares of the inputs sum to 4.4

# %%
check_topic_slope(new_slope)

# %%
#| hide
check_topic_slope.rejects(2, 2.1, 2.55, 3.1, 2.11, 1.75)

# %% [markdown]
# ## Recap
#
# - Three lines that a reader should keep.
#
# **Terms**: least squares
#
# Next: the chapter that follows.
