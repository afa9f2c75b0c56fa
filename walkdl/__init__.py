"""A walk with deep learning. By purpose: walkdl.layers, walkdl.text, …; dir(walkdl) lists them."""
__version__ = "0.1.0"

from importlib import import_module

from .library import ROOMS


def __getattr__(name):
    if name in ROOMS: return import_module(f'walkdl.{name}')
    raise AttributeError(f'module walkdl has no attribute {name!r}')


def __dir__(): return sorted({*globals(), *ROOMS})
