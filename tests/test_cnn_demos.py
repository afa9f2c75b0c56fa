"""The live models of chapter 20, by mouse, finger and keyboard; their answers are torch's."""
import math
import pytest, torch
import torch.nn.functional as F
from browser import answer, canvas, page_of, run_code, settled, state
from walkdl.cnns import LeNet5
from walkdl.core import load_weights

pytestmark = pytest.mark.browser
CROSS = torch.tensor([[1., 0, 1], [0, 1, 0], [1, 0, 1]])
IMAGE = torch.tensor([[float(c) for c in row] for row in '11100 01110 00111 00110 01100'.split()])


def near(got, want, tol=1e-4):
    want = want.detach().double().flatten()
    return (torch.tensor(got, dtype=torch.double) - want).abs().max() < tol

def draw(page, board, points):
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    at = [(box['x'] + x*box['width'], box['y'] + y*box['height']) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for p in at[1:]: page.mouse.move(*p, steps=6)
    page.mouse.up()
    settled(page)


def test_the_lectures_nine_numbers_and_every_setting():
    with page_of('kernel') as page:
        assert answer(page)['out'] == [4, 3, 4, 2, 4, 3, 2, 3, 4]
        assert 'Here: 1·1 + 1·1 + 1·1 + 0·1 + 1·1 = 4' in page.locator('.wd-say').inner_text()
        for pic, stride, pad in (('nine by nine', 1, False), ('nine by nine', 3, True),
                                 ('digit', 2, True), ('cat', 1, True)):
            place = ['lecture', 'nine by nine', 'digit', 'cat'].index(pic)
            page.get_by_label('picture', exact=True).select_option(index=place)
            page.get_by_label('stride').fill(str(stride - 1))
            page.get_by_label('padding 1').set_checked(pad)
            page.get_by_label('kernel to begin with').select_option('edges across')
            page.wait_for_timeout(200)
            settled(page)
            assert (state(page)['pic'], state(page)['stride'],
                    state(page)['pad']) == (pic, stride, pad)
            assert near(answer(page)['out'], run_code(page)['_'])


def test_kernel_by_mouse():
    with page_of('kernel') as page:
        box = canvas(page, 'The feature map').bounding_box()
        page.mouse.click(box['x'] + box['width']*.5, box['y'] + box['height']*.5)
        settled(page)
        assert (answer(page)['at'], answer(page)['value']) == (4, 4)
        box = canvas(page, 'The picture').bounding_box()
        # flips the pixel at row 1, column 5
        page.mouse.click(box['x'] + box['width']*.9, box['y'] + box['height']*.1)
        settled(page)
        flipped = IMAGE.clone()
        flipped[0, 4] = 1
        assert near(answer(page)['out'], F.conv2d(flipped[None, None], CROSS[None, None]))
        page.get_by_label('kernel, row 2, column 2').fill('-2.5')
        settled(page)
        own = CROSS.clone()
        own[1, 1] = -2.5
        assert state(page)['preset'] == 'own'
        assert near(answer(page)['out'], F.conv2d(flipped[None, None], own[None, None]))
        assert near(answer(page)['out'], run_code(page)['_'])
        page.get_by_role('button', name='Reset').click()
        settled(page)
        assert answer(page)['out'] == [4, 3, 4, 2, 4, 3, 2, 3, 4]


def test_kernel_by_keyboard():
    with page_of('kernel') as page:
        canvas(page, 'The feature map').focus()
        for key in (*('ArrowRight',)*3, *('ArrowDown',)*3, ' '):
            page.keyboard.press(key)
        settled(page)
        assert answer(page)['at'] == 8 and answer(page)['value'] == 4
        page.get_by_role('button', name='Step').press('Enter')
        settled(page)
        assert answer(page)['at'] == 0
        page.get_by_role('button', name='Slide').press('Enter')
        page.wait_for_function("document.querySelector('walk-demo').ui.answer.at === 8",
                               timeout=20000)


def test_kernel_link_and_own_numbers():
    with page_of('kernel') as page:
        page.get_by_text('Your own data').click()
        page.get_by_label('Paste a picture as numbers').fill('101\n010\n111')
        page.get_by_role('button', name='Use these').click()
        settled(page)
        assert answer(page)['out'] == [5]
        page.get_by_label('Paste a picture as numbers').fill('101\n01')
        page.get_by_role('button', name='Use these').click()
        assert '2 rows' in page.get_by_role('alert').inner_text()
        page.wait_for_function("location.hash.includes('kernel:')")
        hash = page.evaluate('location.hash')
    with page_of('kernel', hash=hash) as page: assert answer(page)['out'] == [5]
    with page_of('kernel', hash='#kernel:img=@@@;k=[1,2];preset=own;at=-7;stride=99') as page:
        assert all(math.isfinite(v) for v in answer(page)['out'])


SEVEN = [(.25, .2), (.75, .2), (.45, .85)]

def test_draw_a_seven():
    with page_of('digits') as page:
        assert answer(page)['says'] == 3 # the drawing that the page begins with
        page.get_by_role('button', name='Clear').click()
        settled(page)
        assert 'Nothing is drawn' in page.locator('.wd-say').inner_text()
        draw(page, canvas(page, 'Drawing board'), SEVEN)
        got = answer(page)
        assert got['says'] == 7 and got['probs'][7] > .7
        x = torch.tensor(got['pixels'], dtype=torch.float).view(1, 1, 28, 28)/255
        with torch.no_grad(): want = load_weights('cnns/lenet5', LeNet5())(x)
        assert near(got['logits'], want)
        assert near(got['probs'], run_code(page)['_'])
        page.wait_for_function("location.hash.includes('digits:')")
        hash = page.evaluate('location.hash')
        assert len(hash) < 600
    with page_of('digits', hash=hash) as page: assert near(answer(page)['logits'], want)


def test_a_drawing_is_prepared_as_the_data_set_was():
    with page_of('digits') as page:
        # small in a corner, large at the side
        for where in ([(.05, .1), (.3, .1), (.12, .42)], [(.6, .3), (.95, .3), (.7, .9)]):
            page.get_by_role('button', name='Clear').click()
            draw(page, canvas(page, 'Drawing board'), where)
            x = torch.tensor(answer(page)['pixels']).view(28, 28)/255
            spots, mass = torch.arange(28) + .5, x/x.sum()
            assert answer(page)['says'] == 7
            assert abs((mass.sum(0)*spots).sum() - 14.5) < .3
            assert abs((mass.sum(1)*spots).sum() - 14.5) < .3
            assert 18 <= max((x.amax(0) > .2).sum(), (x.amax(1) > .2).sum()) <= 21


def test_draw_a_one_by_keyboard():
    with page_of('digits') as page:
        page.get_by_role('button', name='Clear').press('Enter')
        canvas(page, 'Drawing board').focus()
        for _ in range(8): page.keyboard.press('ArrowUp')
        page.keyboard.down('Shift')
        for _ in range(18): page.keyboard.press('ArrowDown')
        page.keyboard.up('Shift')
        settled(page)
        assert answer(page)['says'] == 1
        page.keyboard.press('Delete')
        settled(page)
        assert state(page)['ink'] == ''


def test_a_dropped_picture(tmp_path):
    from PIL import Image, ImageDraw
    picture = Image.new('L', (120, 160), 250)
    ImageDraw.Draw(picture).line([(20, 30), (90, 30), (50, 140)], fill=20, width=14)
    picture.save(tmp_path/'seven.png')
    with page_of('digits') as page:
        page.locator('input[type=file]').set_input_files(tmp_path/'seven.png')
        page.wait_for_function("document.querySelector('walk-demo').ui.state.img")
        settled(page)
        assert answer(page)['says'] == 7
        assert near(answer(page)['probs'], run_code(page)['_'])



def test_a_broken_link_shows_a_page_all_the_same():
    with page_of('digits', hash='#digits:ink=%25%25.A;img=!!') as page:
        assert len(answer(page)['logits']) == 10
