"""Writes the tables of pages into nbs/index.ipynb, and README.md from that, as `nbdev-readme` would
if it did not need Quarto. `--check` only compares."""
import json, re, sys
from bs4 import BeautifulSoup
from fastcore.nbio import nb2str, read_nb
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import Preprocessor, TagRemovePreprocessor
from nbdev.process import NBProcessor
from nbdev.processors import (
    clean_magics, filter_stream_, hide_, hide_line, rm_export, rm_header_dash, strip_ansi)
from nbformat import reads
from traitlets.config import Config
from repo import root, settings
from sidebar import by_part, table

index = root/'nbs/index.ipynb'
home = f"{settings['git_url']}/blob/main/nbs"
source = f'{home}/index.ipynb'
mark = '<!-- From here on written by .ci/readme.py, from the first cell of each notebook -->\n'

# Quarto's directives, which nbdev leaves to Quarto, as the cell tags by which nbconvert removes
# things
tags = {('include', 'false'): 'no-cell', ('echo', 'false'): 'no-input',
        ('output', 'false'): 'no-output'}
conf = Config()
conf.TagRemovePreprocessor.remove_cell_tags = ['no-cell']
conf.TagRemovePreprocessor.remove_input_tags = ['no-input']
conf.TagRemovePreprocessor.remove_all_outputs_tags = ['no-output']


def pipe_table(html):
    "`html`, a table as pandas writes it, in GitHub's Markdown"
    cells = lambda tr: [c.get_text(' ', strip=True).replace('|', r'\|').replace('<', '&lt;')
                        for c in tr.find_all(['th', 'td'])]
    soup = BeautifulSoup(html, 'html.parser')
    head = [cells(tr) for tr in soup.select('thead tr')]  # two rows, if the index has a name
    rows = [[' '.join(filter(None, o)) for o in zip(*head)],
            *(cells(tr) for tr in soup.select('tbody tr'))]
    rows.insert(1, ['---'] * len(rows[0]))
    return '\n'.join(f"| {' | '.join(r)} |" for r in rows)


class Outputs(Preprocessor):
    "Outputs as they read well on GitHub and PyPI: tables in Markdown, a link for a picture"
    def preprocess_cell(self, cell, resources, index):
        for o in cell.get('outputs', []):
            data = o.get('data', {})
            if 'class="dataframe"' in data.get('text/html', ''):
                o.data = {'text/markdown': pipe_table(data['text/html'])}
            elif any(k.startswith('image/') for k in data):
                alt = cell.metadata.get('alt', 'picture')
                o.data = {'text/markdown': f'[Picture: {alt}]({source})'}
        return cell, resources


def with_tables():
    "The text of index.ipynb, with a table of the pages of each part where the mark stands"
    nb = json.loads(index.read_text(encoding='utf-8'))
    cell, = [o for o in nb['cells'] if mark in o['source']]
    kept = ''.join(cell['source']).partition(mark)[0]
    tables = '\n\n'.join(f'### {title}\n\n{table(pages)}' for title,pages in by_part().items())
    cell['source'] = f'{kept}{mark}\n{tables}'.splitlines(keepends=True)
    return json.dumps(nb, indent=1, ensure_ascii=False) + '\n'


def readme():
    nb = read_nb(index)
    procs = [strip_ansi, hide_line, filter_stream_, rm_header_dash, rm_export, clean_magics, hide_]
    proc = NBProcessor(nb=nb, procs=procs)
    for cell in nb.cells:
        dirs = cell.directives_ if cell.cell_type == 'code' else {}
        removed = [tag for (k,v),tag in tags.items() if str(dirs.get(k)).lower() == v]
        cell.metadata = dict(tags=removed, alt=dirs.get('fig-alt', 'picture'))
    proc.process()
    md = MarkdownExporter(config=conf)
    md.register_preprocessor(TagRemovePreprocessor(config=conf), enabled=True)
    md.register_preprocessor(Outputs, enabled=True)
    nb = reads(nb2str(nb), as_version=4)
    nb.metadata.language_info = {'name': 'python'}
    text,_ = md.from_notebook_node(nb)
    # PyPI knows no relative links
    text = re.sub(r'\]\((?!\w+:|#|/)([^)\s]+\.ipynb[^)\s]*)\)', rf']({home}/\1)', text)
    raw = home.replace('/blob/', '/raw/')
    text = re.sub(r'\]\((stills/[^)\s]+)\)', rf']({raw}/\1)', text)
    text = text.replace(mark, '')
    head,_,rest = re.sub(r'\n{3,}', '\n\n', text).strip().partition('\n')
    return (f'{head}\n\n<!-- Generated from nbs/index.ipynb by .ci/readme.py: edit the notebook. '
            f'-->\n{rest}\n')


if __name__ == '__main__':
    for path,new in (index, with_tables),(root/'README.md', readme):
        text = new()
        if '--check' not in sys.argv: path.write_text(text, encoding='utf-8', newline='\n')
        elif path.read_text(encoding='utf-8') != text:
            sys.exit(f'FAILED: {path} is not what the notebooks give. Run `python .ci/readme.py`.')
    print('ok: README.md is what nbs/index.ipynb gives, and that lists all pages')
