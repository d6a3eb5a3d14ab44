"""The order of the pages, from their files alone: the site's sidebar, README's tables and the
checks follow it.

A page is nbs/FOLDER/NUMBER_name.ipynb: it stands in the part of the sidebar that its path names,
where its number says, with the title and the subtitle that its first cell begins with."""
import ast, json, re, sys
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from repo import root

# The parts of the sidebar, in their order, and how the paths of their pages begin
parts = {'The chapter': 'chapter/', 'Questions': 'questions/4[0-4]', 'Exercises': 'questions/',
         'Studies': 'studies/', 'Source': 'source/[^/]+$',
         'Source: a text of your own': 'source/text/', 'Source: the lab': 'source/lab/',
         'Source: the course': 'source/course/'}


def parsed(code):
    "A cell's syntax tree, without Jupyter's own commands"
    return ast.parse(re.sub(r'(?m)^(\s*)[%!].*$', r'\1pass', code))


def folded(cell):
    """What a cell holds if readers need it only on demand, else '': it is folded on the site and
    collapsed in Jupyter. A test whose output is worth a look is not"""
    code = ''.join(cell['source'])
    if cell['cell_type'] != 'code' or '#| code-fold' in code: return ''
    if re.match(r'#\| *(hide|default_exp)\b', code): return 'For the tools'
    body = parsed(code).body
    if len(body) > 2 and all(isinstance(o, (ast.Import, ast.ImportFrom)) for o in body):
        return 'Imports'
    tests = re.search(r'(?m)^\s*assert\b|\btest_\w+\(', code) # their helpers have them, too
    return 'Tests' if tests and not cell['outputs'] and '#| export' not in code else ''


@dataclass
class Page:
    path: str  # below nbs, such as 'source/text/17_train.ipynb'

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
    def part(self):
        "Title of its part of the sidebar"
        found = next((k for k,v in parts.items() if re.match(v, self.path)), None)
        return found or sys.exit(f'nbs/{self.path}: in no folder that .ci/sidebar.py names')

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
    return sorted(pages, key=lambda o: (list(parts).index(o.part), o.number, o.path))


def by_part():
    "Title and pages of each part"
    return {k: list(v) for k,v in groupby(all_pages(), lambda o: o.part)}


def table(pages):
    "Markdown that leads to `pages`"
    rows = [('page', 'what it has'), ('---', '---')]
    rows += [(f'[{o.first[0]}]({o.path})', o.first[1]) for o in pages]
    if any(o.module for o in pages):
        names = [f'`rnnlab.{o.module}`' if o.module else '' for o in pages]
        rows = [(*row, name) for row,name in zip(rows, ['module', '---', *names])]
    return '\n'.join(f"| {' | '.join(row)} |" for row in rows)
