"""The page that says how to read a page, with rows as they stand in the chapters."""
from front import walk
from markup import raw
from notebooks import NBS, mime, read

ROWS = { # kind of row: (its name, what it says)
    'claim': ('A claim', """A sentence, and in bold what was measured by the cell above it. The
**tick** says that the number kept its bound when the page was built; had it not, there would be no
page. The **bound** stands behind it, and often the **null**: what chance, the majority or the
untrained model gives, which the bound must refuse. *10 seeds* or *5 trainings* means that the
experiment was repeated so often, and shows from where to where the results lay."""),
    'better': ('A difference', """One thing is claimed to be better than another. The row shows
both sides with their seeds, the interval of the difference (19 of 20 such intervals hold the true
one) and what was **held equal**: data, steps, seconds. An interval that holds zero would not
pass."""),
    'cited': ('A cited figure', """A number from elsewhere, with its source and the page or table.
It was read there, not measured here, and is never counted among the claims."""),
    'exercise': ('An exercise', """A statement, then an empty cell in your copy or a field on the
page, then a checker that answers with a sentence about the mistake. Where the answer is a number,
a choice or a short list, give it right there; it is compared in your browser and sent nowhere. The
solution is folded below.""")}

REST = """
## Folds {#fold}

A grey line with a triangle opens what most readers need not see: imports, the code of a plot, the
library's version of a piece (with its guards and options), a solution. Nothing in the text depends
on an open fold.

## A guess {#guess}

Where the text asks you to guess, do, and say it aloud or write it down before you read on. A wrong
guess is worth more than a skipped one: the surprise is what stays.

## Live models {#live}

Press, draw, drag; with the keyboard, Tab goes to a picture and the arrow keys move in it. The
sentence under the picture says the answer. *Copy link* keeps what you made, *This as code* gives
the lines of Python that compute the same, *Reset* goes back to the start. [All of them](play.qmd)
stand on one page.

## The minutes {#minutes}

The time at the top is measured from the page: its words at 180 a minute, plus its open lines of
code at 25. Exercises and playing come on top.

## Words {#words}

The recap of a chapter lists its terms; each leads to the [glossary](glossary.qmd).
"""


def rows(kind):
    "Every row of a kind on the walk, as HTML"
    for station in walk():
        for cell in read(NBS/f'{station["stem"]}.ipynb')['cells']:
            for out in cell.get('outputs', []):
                if mime(kind) in out.get('data', {}): yield ''.join(out['data']['text/html'])


def example(kind):
    "A row that shows what there is to show"
    if kind == 'exercise': return ''
    return next((r for r in rows(kind) if kind != 'claim' or 'claim-null' in r
                 and 'claim-value' in r), '')


def how():
    parts = [f'## {name} {{#{kind}}}\n\n{raw(example(kind))}\n{text}\n'
             for kind, (name, text) in ROWS.items()]
    return '\n'.join(parts) + REST
