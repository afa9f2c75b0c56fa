"""The first screen, the paths, the ends of the pages, the glossary, the gallery and the search."""
import json, re, subprocess

import pytest

import front, paths, play, terms
from lift import node
from nbfilter import minutes, told
from notebooks import Trouble, chapters, read, source
from test_site import OUT, ids, text_of, tree
from browser import open_page, page_of, settled
from markup import name as short_name
from weight import has

CHAPTERS = [p for p in chapters() if p.stem != 'index']
SCREENS = {'laptop': (1280, 800), 'phone': (390, 844)}


# ---------- minutes and paths

def test_minutes_are_words_and_open_lines():
    cell = lambda kind, text: {'cell_type': kind, 'source': text}
    text, code = cell('markdown', 'word '*360), cell('code', 'x = 1\n\n'*25)
    assert minutes([text]) == 2 and minutes([text, code]) == 3
    assert minutes([text, cell('code', '#| code-fold: true\n' + 'x = 1\n'*250)]) == 2


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_a_page_says_its_measured_minutes(path):
    assert 'min to read' not in source(read(path)['cells'][0]), 'the build measures the minutes'
    said = text_of(tree(f'{short_name(path)}.html').xpath(f'//*[{has("chapter-meta")}]')[0])
    true = minutes(told(read(path)['cells'], path.name))
    assert said.startswith(f'{true} min to read · ')


def test_durations(): assert (front.duration(45), front.duration(125)) == ('45 min', '2 h 05 min')


def test_paths_lead_through_chapters_in_their_order(monkeypatch):
    order = [p.stem for p in CHAPTERS]
    for name, (what, stems) in paths.paths().items():
        assert what and stems == sorted(stems, key=order.index) and len(set(stems)) == len(stems)
    monkeypatch.setitem(paths.PATHS, 'Nowhere', ('no chapter', '98_nowhere'))
    with pytest.raises(Trouble, match='98_nowhere'): paths.paths()


def test_a_path_takes_the_sum_of_its_chapters():
    known = {s['stem']: s['minutes'] for s in front.stations()}
    for name, (_, stems) in paths.paths().items():
        assert f'**{name}**, {front.duration(sum(known[s] for s in stems))}:' in front.ways()


def test_the_walk_begins_with_learning_and_ends_with_how_it_is_made():
    stems = [s['stem'] for s in front.stations()]
    assert stems[0] == '10_intro' and stems[-1] == '60b_train'
    assert [s[0] in front.HOUSE for s in stems] == sorted(s[0] in front.HOUSE for s in stems)


# ---------- the ends of the pages

@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_a_page_ends_with_what_one_can_build(path):
    recap = tree(f'{short_name(path)}.html').xpath('//section[@id="recap"]')[0]
    for words in ('You can now build ', 'You have only used '):
        line, = [text_of(p) for p in recap.xpath('./p') if text_of(p).startswith(words)]
        assert len(line) > 50 and line.endswith('.')


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_every_term_of_a_recap_leads_to_its_definition(path):
    recap = tree(f'{short_name(path)}.html').xpath('//section[@id="recap"]')[0]
    line, = [p for p in recap.xpath('./p') if text_of(p).startswith('Terms')]
    links = line.xpath('.//a/@href')
    assert len(links) == len(text_of(line).split('·'))
    for link in links:
        target, _, anchor = link.partition('#')
        assert target == 'glossary.html' and anchor in ids(target), link


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda p: p.stem)
def test_the_first_claim_says_where_claims_are_explained(path):
    found = tree(f'{short_name(path)}.html')
    notes = found.xpath(f'//p[{has("how-note")}]/a/@href')
    assert notes == ['how.html#claim'] * bool(found.xpath(f'//*[{has("claim")}]'))


def test_how_to_read_a_page_shows_real_rows():
    assert {'claim', 'better', 'cited', 'exercise', 'fold', 'guess', 'live'} <= ids('how.html')
    shown = tree('how.html').xpath(f'//div[{has("claim")} or {has("better")} or {has("cited")}]')
    assert len(shown) == 3


# ---------- the glossary

def test_the_glossary_defines_every_term_once():
    found, page = terms.entries(), tree('glossary.html')
    assert len({terms.term_id(t) for t in found}) == len(found) == len(page.xpath('//main//dt'))
    names = [n.lower() for t, e in found.items() for n in (t, *e['also'])]
    assert len(names) == len(set(names))
    for term, e in found.items():
        assert re.match(r'.{15,}[.)]$', e['definition']), term
        assert not re.match(rf'{re.escape(term)}\b', e['definition'], re.I), f'{term} says itself'


def test_every_definition_leads_to_its_section():
    for dd in tree('glossary.html').xpath('//main//dd'):
        where = dd.xpath(f'.//*[{has("where")}]/descendant-or-self::a/@href')[0]
        target, _, anchor = where.partition('#')
        assert not anchor or anchor in ids(target), where


# ---------- the gallery

def test_the_gallery_shows_every_live_model_with_its_picture():
    shown = {a.xpath('.//img/@src')[0] for a in tree('play.html').xpath('//li/a')}
    assert shown == {f'images/play/{name}.webp' for name in play.models()}
    assert all((OUT/src).exists() for src in shown), 'take it: python tests/portraits.py NAME'
    assert len(tree('play.html').xpath('//li/a[contains(@href, "#")]')) == len(shown)


# ---------- the search

ASKED = { # what a learner types: one of these is among the first three
    'softmax': 'glossary.html#softmax transformers.html#a-dictionary-that-is-unsure',
    'why divide by sqrt d': 'transformers.html#why-d',
    'mode collapse': 'glossary.html#mode-collapse',
    'COMPAS': 'ethics.html#a-number-beside-a-name',
    'how do I start': 'index.html#install-and-start',
    'install without gpu': 'index.html#install-and-start',
    'overfitting': 'glossary.html#overfitting',
    'license': 'index.html#take-part-cite-licence',
    'hallucination': 'glossary.html#hallucination',
    'backprop': 'glossary.html#backpropagation',
    'what is attention': 'glossary.html#attention',
    'what is a token': 'glossary.html#token',
    'how does a convolution work': 'glossary.html#convolution',
    'king minus man plus woman': 'vectors.html#a-sum-of-words',
    'stop sign stickers': 'blackbox.html#a-stop-sign-with-stickers',
    'kneser ney': 'tokens.html#kneser-ney',
    'conv2d': 'cnns.html#conv2d-three-times',
    'learning rate': 'glossary.html#learning-rate',
    'XOR': 'perceptron.html#xor-a-lamp-it-cannot-wire',
    'gender shades': 'ethics.html#one-number-hides-four glossary.html#gender-shades',
    'lora': 'huggingface.html#lora-move-little',
    'why are GANs hard to train': 'instability.html',
    'what is a claim': 'how.html#claim',
    'positional encoding': 'glossary.html#sinusoidal-positions',
    'perplexity': 'glossary.html#perplexity',
    'temperature': 'gpt.html#choosing',
    'equalised odds': 'glossary.html#equalized-odds',
    'sofmax': 'glossary.html#softmax',
    'Goodfellow gradient': 'adversarial.html#one-step-along-the-gradient'}

FIND = '''import {{finder}} from '{0}/search.js';
import MiniSearch from '{0}/site_libs/minisearch/index.js';
import {{readFileSync}} from 'fs';
const find = await finder(MiniSearch, JSON.parse(readFileSync('{0}/search.json', 'utf8')));
const found = q => [q, find(q).slice(0, 3).map(hit => hit.id)];
console.log(JSON.stringify(Object.fromEntries(JSON.parse(readFileSync(0, 'utf8')).map(found))));'''


@pytest.fixture(scope='module')
def answers():
    "The first three results of each query, by the site's own script"
    ask = [node(), '--input-type=module', '-e', FIND.format(OUT.as_uri().removeprefix('file://'))]
    run = subprocess.run(ask, input=json.dumps(list(ASKED)), capture_output=True, encoding='utf-8')
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize('query', ASKED)
def test_a_learner_finds(query, answers):
    assert set(ASKED[query].split()) & set(answers[query]), answers[query]


def test_the_index_weighs_little():
    assert (OUT/'search.json').stat().st_size < 1.2e6


# ---------- in a browser

@pytest.mark.browser
@pytest.mark.parametrize('screen', SCREENS)
def test_the_first_screen(screen, served):
    "What it is, a model that already answers, three ways: all of it before any scrolling"
    width, height = SCREENS[screen]
    with open_page(f'{served}/index.html', width=width, height=height) as page:
        settled(page)
        for what in ('h1.title', '.description', 'walk-demo canvas >> nth=1', '.doors a >> nth=2'):
            box = page.locator(what).bounding_box()
            assert box['y'] >= 0 and box['y'] + box['height'] <= height, what
        assert 'reads 3' in page.locator('.wd-say').text_content()
        assert not [url for url in page.asked if 'ort' in url or '.onnx' in url]
        assert [a.get_attribute('href') for a in page.locator('.doors a').all()] == [
            'intro.html', 'play.html', '#install-and-start']


@pytest.mark.browser
def test_the_first_answer_is_the_networks_own():
    import torch
    from walkdl.cnns import LeNet5
    from walkdl.core import load_weights
    with page_of('draw') as page:
        said = page.evaluate("document.querySelector('walk-demo').ui.answer")
    x = torch.tensor(said['pixels']).view(1, 1, 28, 28)/255
    true = load_weights('cnns/lenet5', LeNet5()).eval()(x).softmax(1)[0]
    assert torch.tensor(said['probs']) == pytest.approx(true.detach(), abs=1e-3)


@pytest.mark.browser
def test_search_by_keyboard(served):
    with open_page(f'{served}/gpt.html', width=1280) as page:
        page.keyboard.press('/')
        page.keyboard.type('mode collapse')
        page.locator('.search-result').first.wait_for()
        page.keyboard.press('ArrowDown')
        chosen = page.locator('.search-result[aria-selected="true"]')
        assert chosen.count() == 1 and chosen.locator('mark').count()
        page.keyboard.press('Enter')
        page.wait_for_url('**/glossary.html#mode-collapse')


@pytest.mark.browser
def test_the_glossary_filters(served):
    with open_page(f'{served}/glossary.html', width=1280) as page:
        page.locator('.term-filter input').fill('nucleus')
        assert page.locator('main dt:visible').all_text_contents() == ['nucleus']
        assert page.locator('.term-filter output').text_content().startswith('1 of ')


@pytest.mark.browser
def test_the_first_page_without_javascript(served):
    url = f'{served}/index.html'
    with open_page(url, width=1280, java_script_enabled=False) as page:
        assert page.locator('.doors a').count() == 3
        assert not page.locator('form.search').is_visible()
