"""Pictures for the gallery of live models: `python tests/portraits.py [NAME …]` takes them."""
import io, sys

from PIL import Image

import conftest
from browser import page_of
from play import PICTURES, models

assert conftest.ROOT      # which says where the tools are
WIDE, SHAPE, SIZE = 760, 3/4, (400, 300)


def portrait(name):
    "The upper part of a live model that is awake, four to three"
    with page_of(name, width=WIDE) as page:
        page.set_viewport_size(dict(width=WIDE, height=2400))
        page.evaluate('scrollTo(0, 0)')
        page.wait_for_timeout(1000)
        box = page.locator('.wd-main').bounding_box()
        tall = min(box['height'], box['width']*SHAPE)
        png = page.screenshot(clip=box | dict(height=tall))
    im = Image.open(io.BytesIO(png)).convert('RGB')
    whole = Image.new('RGB', (im.width, round(im.width*SHAPE)), im.getpixel((0, 0)))
    whole.paste(im, (0, (whole.height - im.height)//2))
    return whole.resize(SIZE, Image.LANCZOS)


if __name__ == '__main__':
    for name in sys.argv[1:] or models():
        portrait(name).save(PICTURES/f'{name}.webp', quality=80, method=6)
