"Installs rnnlab with the metadata that `settings.ini` holds."
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup

here = Path(__file__).parent
ini = ConfigParser(delimiters=['='])
ini.read(here/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
lines = lambda key: [o for o in cfg[key].splitlines() if o]

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=(here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    keywords=cfg['keywords'],
    author=cfg['author'],
    license_expression=cfg['license'],
    license_files=['LICENSE'],
    project_urls={'Documentation': cfg['doc_url'], 'Source': cfg['git_url'],
                  'Issues': cfg['git_url']+'/issues',
                  'Changelog': cfg['git_url']+'/blob/main/CHANGELOG.md'},
    packages=['rnnlab', 'rnnlab.text', 'rnnlab.lab', 'rnnlab.course', 'rnnlab.questions'],
    package_dir={'rnnlab.questions': 'nbs/questions'},
    package_data={'rnnlab': ['py.typed'], # and the notebooks that two of the commands read
                  'rnnlab.questions': ['40_chapter12.ipynb', '41_further_research.ipynb',
                                       '42_chapter04.ipynb', '46_exercises_solved.ipynb']},
    python_requires=f">={cfg['min_python']}",
    install_requires=lines('requirements'),
    extras_require={k.removesuffix('_requirements'): lines(k)
                    for k in cfg if k.endswith('_requirements')},
    entry_points={'console_scripts': lines('console_scripts'),
                  'nbdev': ['rnnlab=rnnlab._modidx:d']},
    classifiers=['Development Status :: 3 - Alpha', 'Intended Audience :: Education',
                 'Intended Audience :: Science/Research', 'Operating System :: MacOS',
                 'Operating System :: Microsoft :: Windows', 'Operating System :: POSIX :: Linux',
                 'Programming Language :: Python :: 3',
                 *[f'Programming Language :: Python :: 3.{i}' for i in range(10, 14)],
                 'Topic :: Scientific/Engineering :: Artificial Intelligence'],
)
