"""The package walkdl, with the notebooks as walkdl.nbs; its data stand in settings.ini."""
import shutil
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

config = ConfigParser(delimiters=['='])
config.read('settings.ini', encoding='utf-8')
c = config['DEFAULT']
EXTRA = '_requirements'


class Build(build_py):
    "The package also carries the tested versions, for `walkdl doctor`"
    def run(self):
        super().run()
        if not self.editable_mode: shutil.copy('constraints.txt', Path(self.build_lib)/'walkdl')


setup(
    name=c['lib_name'], version=c['version'], description=c['description'], keywords=c['keywords'],
    author=c['author'], author_email=c['author_email'], url=c['git_url'], license='Apache-2.0',
    project_urls={'Course': c['doc_host'] + c['doc_baseurl'],
                  'Changes': f"{c['git_url']}/blob/{c['branch']}/CHANGELOG.md"},
    long_description=Path('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    packages=[*find_packages(include=['walkdl', 'walkdl.*']), 'walkdl.nbs'],
    package_dir={'walkdl.nbs': 'nbs'},
    package_data={'walkdl': ['weights/*/*'],
                  'walkdl.nbs': ['*.ipynb', 'refs.bib', 'scoreboard/*', 'images/*',
                                 'demos/*', 'demos/first/*', 'demos/models/*']},
    install_requires=c['requirements'].split(),
    extras_require={k.removesuffix(EXTRA): v.split() for k, v in c.items() if k.endswith(EXTRA)},
    python_requires='>=' + c['min_python'], zip_safe=False, cmdclass={'build_py': Build},
    entry_points={'console_scripts': c['console_scripts'].split(),
                  'nbdev': [f"{c['lib_name']}={c['lib_path']}._modidx:d"]},
)
