"""The live model of the adversarial chapters: its attack is torch's from the same start."""
import pytest, torch
from browser import answer, page_of, run_code, settled, state
from walkdl.adversarial import pgd
from walkdl.core import load_weights
from walkdl.defences import robust_net

pytestmark = pytest.mark.browser
NETS = dict(natural='defences/natural', robust='defences/adversarial')


def torch_answer(got, net, eps, steps, target=-1):
    "What torch makes of the page's digit"
    model = load_weights(NETS[net], robust_net())
    x = torch.tensor(got['pixels']).view(1, 1, 28, 28)/255
    y = model(x).argmax(1) if target < 0 else torch.tensor([target])
    z = pgd(model, x, y, eps, step=eps if steps == 1 else None, steps=steps, targeted=target >= 0,
            start=False)
    return z.flatten(), model(z).softmax(1)[0].detach()

@pytest.mark.parametrize('setting', [dict(net='natural', eps=.15, steps=1),
                                     dict(net='natural', eps=.1, steps=10, target=8),
                                     dict(net='robust', eps=.3, steps=20)], ids=str)
def test_the_attack_is_torchs(setting):
    with page_of('attack', **setting) as page:
        got = answer(page)
        z, probs = torch_answer(got, **setting)
        # a slope near zero can take either sign: rare, and late
        apart = ((torch.tensor(got['z']) - z).abs() > 1e-4).float().mean()
        assert apart <= (0 if setting['steps'] <= 10 else .01)
        assert (torch.tensor(got['attacked']) - probs).abs().max() < (.01 if apart else 1e-4)
        assert got['says'] == probs.argmax()

def test_controls_code_and_link():
    with page_of('attack') as page:
        # attacked: another digit; coin tosses: still 3
        assert answer(page)['says'] != 3 and answer(page)['noise'][3] > .9
        page.get_by_label('robust: trained on attacks').check()
        settled(page)
        assert state(page)['net'] == 'robust' and answer(page)['says'] == 3
        page.get_by_label('drive it towards').select_option(label='8')
        page.get_by_label('ε, most change of a pixel').fill('0.5')
        settled(page)
        assert state(page)['target'] == 8 and answer(page)['attacked'][8] > answer(page)['clean'][8]
        assert (run_code(page)['_'][0].detach()
                - torch.tensor(answer(page)['attacked'])).abs().max() < 1e-4
        page.get_by_role('button', name='Clear').click()
        settled(page)
        assert 'Nothing is drawn' in page.locator('.wd-say').inner_text()


def test_a_broken_link_shows_a_page_all_the_same():
    with page_of('attack', hash='#attack:ink=%25%25.A;img=!!;eps=99;steps=-3') as page:
        assert len(answer(page)['clean']) == 10
