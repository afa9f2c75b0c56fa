"""Lay out an empty chapter that already runs and passes the house's checks: chapter.py 45_topic 'A title' [--folder nbs]"""
import argparse, subprocess, sys
from pathlib import Path
from notebooks import NBS

TEXT = '''# %% [markdown]
# # {title}
#
# > One sentence that promises the reader a number or a picture.
#
# *10 min to read · 10 s to run · builds on [core](00_core.ipynb)*

# %%
#| default_exp {name}

# %% [markdown]
# A puzzle in three sentences. Ask for a guess. Then look at the smallest data that shows it.

# %%
#| export
from walkdl.core import claim, exercise, set_seed, style

# %%
import matplotlib.pyplot as plt, numpy as np
style(); set_seed(0)

# %% [markdown]
# ## The smallest data
#
# Ten points near a line. What is the dumbest answer, and how well does it do?

# %%
#| fig-alt: "Ten points that rise from left to right around a straight line"
x = np.arange(10.)
y = 2*x + np.random.randn(10)
plt.plot(x, y, 'o'); plt.xlabel('input'); plt.ylabel('output');

# %%
baseline = ((y - y.mean())**2).mean()
claim('predicting the mean leaves an error of', baseline, at_least=5)

# %% [markdown]
# ## The idea
#
# Why first, then how. Three to eight lines, and at once a case that can be worked out by hand.

# %%
#| exports
def {name}_slope(
    x, # [N] inputs
    y, # [N] outputs
) -> float: # output units per input unit
    "Slope of the least-squares line through the points"
    if len(x) != len(y): raise ValueError(f'{name}_slope: {{len(x)}} inputs but {{len(y)}} outputs')
    x, y = np.asarray(x, float), np.asarray(y, float)
    return float(((x - x.mean())*(y - y.mean())).sum() / ((x - x.mean())**2).sum())

# %%
claim('the slope through (0, 1) and (2, 5)', {name}_slope([0, 2], [1, 5]), equals=2)

# %% [markdown]
# The library's twin says the same:

# %%
claim('difference to numpy.polyfit', abs({name}_slope(x, y) - np.polyfit(x, y, 1)[0]), at_most=1e-9)

# %% [markdown]
# ## What breaks it
#
# Noise, shift, an attack, a group, the cost.

# %%
claim('one outlier moves the slope by', abs({name}_slope(x, y) - {name}_slope(x, np.append(y[:-1], 100))), at_least=1)

# %% [markdown]
# ## Exercises
'''

EXERCISE = '''
# %% [markdown]
# ### Exercise {n}: a statement
#
# Ask for one thing: predict, derive, modify or break.

# %%
#| export
@exercise('{name} {n}')
def check_{name}_{n}(answer):
    "The number {n}"
    if answer != {n}: return f'you say {{answer}}; count again'

# %%
#| code-fold: true
#| code-summary: "Solution"
answer_{n} = {n}

# %%
check_{name}_{n}(answer_{n})

# %%
#| hide
check_{name}_{n}.rejects(0, -{n})
'''

END = '''
# %% [markdown]
# ## Recap
#
# - Three lines that a reader should keep.
#
# **Terms**: least squares
#
# Next: the chapter that follows.
'''


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('number_name')
    p.add_argument('title', nargs='?', default='')
    p.add_argument('--folder', type=Path, default=NBS)
    a = p.parse_args()
    number, _, name = a.number_name.partition('_')
    if not (number[:2].isdigit() and name.isidentifier()): sys.exit(f'make chapter: NAME is a number and a name, as in 45_topic; got {a.number_name!r}')
    path = a.folder/f'{a.number_name}.ipynb'
    if path.exists() or list(a.folder.glob(f'{number}_*.ipynb')): sys.exit(f'make chapter: the number {number} is taken; numbers never change')
    text = (TEXT + ''.join(EXERCISE.replace('{n}', str(i)) for i in (1, 2, 3)) + END)
    text = text.replace('{title}', a.title or name.capitalize()).replace('{name}', name).replace('{{', '{').replace('}}', '}')
    subprocess.run([sys.executable, '-m', 'jupytext', '--from', 'py:percent', '--to', 'ipynb', '--quiet', '-o', str(path), '-'], input=text, text=True, check=True)
    if a.folder == NBS:
        from run import clean
        clean(path)
    print(f'{path.name} is laid out. Next: nbdev_export, then `python tools/run.py run {path}`; CONTRIBUTING.md tells the rest.')


if __name__ == '__main__': main()
