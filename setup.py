import shutil
from configparser import ConfigParser
from setuptools import setup

config = ConfigParser(delimiters=['='])
config.read('settings.ini', encoding='utf-8')
c = config['DEFAULT']
shutil.copy('constraints.txt', 'walkdl')  # the wheel carries it for `walkdl doctor`

setup(
    name=c['lib_name'], version=c['version'], description=c['description'], keywords=c['keywords'],
    author=c['author'], author_email=c['author_email'], url=c['git_url'], license='Apache-2.0',
    long_description=open('README.md', encoding='utf-8').read(), long_description_content_type='text/markdown',
    packages=['walkdl', 'walkdl.nbs'], package_dir={'walkdl': 'walkdl', 'walkdl.nbs': 'nbs'},
    package_data={'walkdl': ['weights/*', 'constraints.txt'], 'walkdl.nbs': ['*.ipynb', 'refs.bib', 'demos/*', 'demos/models/*']},
    install_requires=c['requirements'].split(), extras_require={'dev': c['dev_requirements'].split(), 'learn': c['learn_requirements'].split()},
    python_requires='>=' + c['min_python'], zip_safe=False,
    entry_points={'console_scripts': c['console_scripts'].split(), 'nbdev': [f"{c['lib_name']}={c['lib_path']}._modidx:d"]},
)
