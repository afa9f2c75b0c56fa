"""The project's public addresses: all of them derive from settings.ini."""
from configparser import ConfigParser
from functools import cache

from notebooks import ROOT

LEARN = 'learn'      # the branch that carries the learner's edition


@cache
def settings():
    cfg = ConfigParser(delimiters=['='])
    cfg.read(ROOT/'settings.ini', encoding='utf-8')
    return dict(cfg['DEFAULT'])


def site_url(): return settings()['doc_host'] + settings()['doc_baseurl']


def source_url(path): return f"{settings()['git_url']}/blob/{settings()['branch']}/{path}"


def colab_url(notebook):
    "Where Colab opens the learner's edition of a notebook"
    s = settings()
    place = f"{s['user']}/{s['repo']}/blob/{LEARN}/{notebook}"
    return f'https://colab.research.google.com/github/{place}'
