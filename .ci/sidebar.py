"""The order of the pages, from their files alone: the site's sidebar, README's tables and the
checks follow it.

A page is nbs/FOLDER/NUMBER_name.ipynb: it stands in its folder's part of the sidebar, where its
number says, with the title and the subtitle that its first cell begins with."""
import ast, json, re
from dataclasses import dataclass
from functools import cached_property
from repo import root

# The parts of the sidebar, in their order: a folder each
parts = {'chapter': 'The chapter', 'questions': 'Questions', 'studies': 'Studies',
         'source': 'Source', 'source/text': 'Source: a text of your own',
         'source/lab': 'Source: the lab', 'source/course': 'Source: the course'}


def parsed(code):
    "A cell's syntax tree, without Jupyter's own commands"
    return ast.parse(re.sub(r'(?m)^(\s*)[%!].*$', r'\1pass', code))


@dataclass
class Page:
    path: str  # below nbs, such as 'source/text/14_train.ipynb'

    @cached_property
    def cells(self): return json.loads((root/'nbs'/self.path).read_text(encoding='utf-8'))['cells']

    @cached_property
    def first(self):
        "Title, subtitle, and the rest of the first cell"
        text = ''.join(self.cells[0]['source'])
        m = re.match(r'#\s+(.+)\n+>\s*(.+)\n?', text)
        if m: return m[1], m[2], text[m.end():].strip()
        raise SystemExit(f'nbs/{self.path}: the first cell should begin with `# Title` and '
                         f'`> subtitle`, but begins with {text[:60]!r}')

    @property
    def folder(self): return self.path.rpartition('/')[0]

    @property
    def number(self):
        "That of the file; a page without one comes after the others"
        m = re.search(r'(?:^|/)(\d+)_[^/]*$', self.path)
        return int(m[1]) if m else 1000

    @cached_property
    def code(self): return [''.join(c['source']) for c in self.cells if c['cell_type'] == 'code']

    @property
    def module(self):
        "What the notebook exports, such as 'text.train', if anything"
        m = re.search(r'(?m)^#\| *default_exp (\S+)', '\n'.join(self.code))
        return m and m[1]


def all_pages():
    "All pages but the first, index.ipynb, in the sidebar's order"
    paths = [f.relative_to(root/'nbs').as_posix() for f in (root/'nbs').rglob('*.ipynb')]
    pages = [Page(o) for o in paths if '.ipynb_checkpoints' not in o and o != 'index.ipynb']
    strange = [o.path for o in pages if o.folder not in parts]
    if strange: raise SystemExit(f'{strange}: in no folder that .ci/sidebar.py names')
    return sorted(pages, key=lambda o: (list(parts).index(o.folder), o.number, o.path))


def by_part():
    "Title and pages of each part that has any"
    pages = all_pages()
    there = {title: [o for o in pages if o.folder == folder] for folder,title in parts.items()}
    return {title: found for title,found in there.items() if found}


def table(pages):
    "Markdown that leads to `pages`"
    rows = [('page', 'what it has'), ('---', '---')]
    rows += [(f'[{o.first[0]}]({o.path})', o.first[1]) for o in pages]
    if any(o.module for o in pages):
        names = [f'`rnnlab.{o.module}`' if o.module else '' for o in pages]
        rows = [(*row, name) for row,name in zip(rows, ['module', '---', *names])]
    return '\n'.join(f"| {' | '.join(row)} |" for row in rows)
