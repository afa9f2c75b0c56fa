"""The gates: no number that nothing measured, no bound that its null would pass, no fragment."""
import json
import pytest
import gates
from gates import agrees, faults, findings, numerals, write
from notebooks import chapters, mime, save


@pytest.mark.parametrize('path', chapters(), ids=lambda p: p.stem)
def test_what_a_chapter_says_was_measured(path):
    assert not (said := faults(path)), '\n'.join([f'{path.name}:', *said])


def md(text): return dict(cell_type='markdown', id='m', metadata={}, source=text)


def code(text, *rows, out=None):
    outs = [dict(output_type='display_data', metadata={}, data={mime(k): r, 'text/plain': ''})
            for k, r in rows]
    if out: outs.append(dict(output_type='stream', name='stdout', text=out))
    return dict(cell_type='code', id='c', metadata={}, execution_count=None, source=text,
                outputs=outs)


def row(text='A LeNet reads 97.7% of unseen digits', bound='≥ 97.0%', kind='at_least', at=.97,
        null=.1, value=.977, values=None, of='trainings', **more):
    num = dict(kind=kind, value=value, bound=at, null=null, values=values, of=values and of)
    seeds = dict(seeds='5 trainings') if values else {}
    known = dict(null=f'null {null}') if null is not None else {}
    return 'claim', dict(text=text, value='97.7%', bound=bound, num=num, **known, **seeds, **more)


def found(tmp_path, *cells):
    path = tmp_path/'nbs'/'10_x.ipynb'
    cells = [md('# Title\n\n> Promise.\n'), *cells]
    save(path, json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    return [(f.gate, f.what) for f in findings(path)]


ABOVE = code('n = 300; claim("", 1, at_least=.9)', out='accuracy 0.9772, loss 0.1234, 1,234 wrong')

@pytest.mark.parametrize('prose', [
    'It reads 97.7 % of them.', 'It reads 98 % of them.', 'The loss is 0.12.', 'Is it 55 %?',
    'After 300 steps, 1,234 are wrong.', 'About 1,200 are wrong.', 'ninety-eight percent',
    'In 1998 LeNet-5 and VGG16 were 2 nets.', 'Figure 37 of [@a1998, p. 97]', '12 March 1989',
    'See `x[55]` and $x^{55}$.', 'The 95 % interval is wide.', '1,234 of 300 make 4.1.',
    'Python 3.11.7 runs it', 'It reads 98 of 100.', 'He says "90 % of us".',
    'It is right 98 times in 100.',
    'ninety-seven points seven', 'LeNet-5 is 97.7 points better',
    '97.72 percent', 'Loss 0.1234 and accuracy .977.'])
def test_what_was_measured_above_may_be_said(tmp_path, prose):
    assert found(tmp_path, ABOVE, md(prose)) == []


@pytest.mark.parametrize('prose, what', [
    ('It reads 97.1 % of them.', '97.1 %'), ('It reads 90 % of them.', '90 %'),
    ('The loss is 0.13.', '0.13'), ('After 500 steps', '500'), ('1,200 are wrong', '1,200'),
    ('ninety-one percent', 'ninety-one percent'), ('Over 2,000 are wrong', '2,000'),
    ('It reads 93 of 100.', '93'), ('16,384 GPUs', '16,384'),
    ('| ours | 96.2 |', '96.2'), ('3.5 million', '3.5 million')])
def test_a_planted_number_is_caught(tmp_path, prose, what):
    assert found(tmp_path, ABOVE, md(prose)) == [('number', what)]


def test_a_number_must_stand_above_and_near(tmp_path):
    assert found(tmp_path, md('It reads 97.7 %.'), ABOVE) == [('number', '97.7 %')]
    far = [md('## A'), ABOVE, md('## B'), md('## C\n\nIt reads 97.7 %.')]
    assert found(tmp_path, *far) == [('number', '97.7 %')]
    assert found(tmp_path, *far[:3], md('It reads 97.7 %.')) == []


def test_a_cited_figure_may_be_said(tmp_path):
    cited = code('cited()', ('cited', dict(text='BERT saw its words', value='3,300,000,000',
                                           source='Devlin et al. 2019', where='Table 1')))
    assert found(tmp_path, cited, md('BERT saw 3.3 billion words.')) == []
    assert found(tmp_path, md('BERT saw 3.3 billion words.')) == [('number', '3.3 billion')]


def test_memory_is_no_source(tmp_path):
    assert found(tmp_path, md('As we remember, it was better.')) == [('memory', 'As we remember')]


def gate(tmp_path, *args, source='claim()', **kw):
    return [g for g, _ in found(tmp_path, code(source, row(*args, **kw)))]


def test_bounds(tmp_path):
    close = [.972, .975, .974, .976, .977]
    assert gate(tmp_path) == [] and gate(tmp_path, values=close) == []
    assert gate(tmp_path, null=None) == ['null']
    assert gate(tmp_path, loose=True) == ['loose']
    assert gate(tmp_path, values=close, at=.9, bound='≥ 90.0%') == ['far']
    assert gate(tmp_path, values=close, of=None) == ['seeds']
    assert gate(tmp_path, kind='equals', bound='= 1', at=1, null=None) == []
    assert gate(tmp_path, kind='between', bound='.9 … .98', at=[.9, .98], values=close) == ['far']
    assert gate(tmp_path, source='#| timing: true\nclaim()') == ['timing']


@pytest.mark.parametrize('text', ['and F1', 'the same for all', 'its accuracy on digits',
                                  'Accuracy', 'Its accuracy on all digits',
                                  'accuracy on the unseen digits'])
def test_a_fragment_is_no_claim(tmp_path, text): assert gate(tmp_path, text) == ['fragment']


def test_waiting_needs_a_reason_and_a_finding(tmp_path, monkeypatch):
    monkeypatch.setattr(gates, 'WAITING', tmp_path/'waiting')
    found(tmp_path, md('It reads 97.1 %.'))
    path, place = tmp_path/'nbs/10_x.ipynb', tmp_path/'waiting/10_x.json'
    assert 'cell 1: number: 97.1 %' in faults(path)[0]
    write(path)
    assert 'without a reason' in faults(path)[0]
    save(place, place.read_text().replace('""', '"the next issue reruns it"'))
    assert faults(path) == []
    write(path)
    assert 'the next issue' in place.read_text()
    found(tmp_path, md('It reads well.'))
    assert 'no longer found' in faults(path)[0]


def test_numerals():
    said = lambda s: [n.value for n in numerals(s)]
    assert said('1,234.5 and .5 and 2.5 million') == [1234.5, .5, 2.5e6]
    assert said('LeNet-5, VGG16, int8, 3rd, x2') == []
    assert said('ninety-nine point five percent, three wheels') == [99.5]
    assert agrees(next(numerals('98 %')), {.977}) and not agrees(next(numerals('98 %')), {.972})
