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
    author_email=cfg['author_email'],
    license_expression=cfg['license'],
    license_files=['LICENSE'],
    url=cfg['git_url'],
    project_urls={'Documentation': cfg['doc_url'], 'Source': cfg['git_url']},
    packages=['rnnlab', 'rnnlab.questionnaire'],
    package_dir={'rnnlab.questionnaire': 'nbs/questionnaire'}, # rnnlab-flashcards reads these notebooks
    package_data={'rnnlab.questionnaire': ['*.ipynb']},
    python_requires=f">={cfg['min_python']}",
    install_requires=lines('requirements'),
    extras_require={'notebooks': lines('notebooks_requirements'), 'dev': lines('dev_requirements')},
    entry_points={'console_scripts': lines('console_scripts'), 'nbdev': ['rnnlab=rnnlab._modidx:d']},
    classifiers=['Development Status :: 3 - Alpha', 'Intended Audience :: Education', 'Intended Audience :: Science/Research',
                 'Programming Language :: Python :: 3', 'Topic :: Scientific/Engineering :: Artificial Intelligence'],
)
