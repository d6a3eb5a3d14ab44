"""Are the notebooks, and what is generated from them, fit to be committed?

Looks at a temporary copy, never changes the working tree; only `--collapse` does. (That the stored
outputs are what a fresh kernel gives is pytest's part.)"""
import ast, json, re, shutil, subprocess, sys, tempfile
from collections import Counter
from pathlib import Path
from repo import root
from sidebar import all_pages, folded, parsed

bins = Path(sys.executable).parent


def changed(tmp:Path, pattern:str):
    "Files under `pattern` that are not the same, byte for byte, here and in `tmp`"
    names = sorted({p.relative_to(d).as_posix() for d in (root, tmp)
                    for p in d.glob(pattern) if '.ipynb_checkpoints' not in p.parts})
    read = lambda p: p.read_bytes() if p.exists() else None
    return [n for n in names if read(root/n) != read(tmp/n)]


def regenerated(command:str, pattern:str):
    "Files that nbdev's `command` would change"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        shutil.copy(root/'pyproject.toml', tmp)
        shutil.copytree(root/'nbs', tmp/'nbs')
        (tmp/'rnnlab').mkdir()
        # Only the version is kept: a module that no notebook exports any more must show as a
        # difference too
        shutil.copy(root/'rnnlab/__init__.py', tmp/'rnnlab')
        subprocess.run([bins/command], cwd=tmp, check=True)
        return changed(tmp, pattern)


def code_cells():
    for path in sorted((root/'nbs').rglob('*.ipynb')):
        if '.ipynb_checkpoints' in path.parts: continue
        for i,cell in enumerate(json.loads(path.read_text(encoding='utf-8'))['cells']):
            if cell['cell_type'] == 'code':
                yield f'{path.relative_to(root).as_posix()} cell {i} ({cell["id"]})', cell


def failed():
    "Cells that were committed with an error for an output"
    return [where for where,cell in code_cells()
            if any(o['output_type'] == 'error' for o in cell['outputs'])]


marker = re.compile(r'\s*#\s*(NBVAL_|PYTEST_VALIDATE_)\w+\s*$')
comment = re.compile(r'\s*#\s*\w+.*\s\w+')


def unexplained():
    "Cells that tell nbval to skip something, without a comment in the next line that says why"
    res = []
    for where,cell in code_cells():
        lines = ''.join(cell['source']).splitlines() + ['']
        res += [f'{where}: {a.strip()}' for a,b in zip(lines, lines[1:]) if marker.match(a)
                and (marker.match(b) or not comment.match(b))]
    return res


def colab():
    "Notebooks whose first code cell is not the one that fetches what they need on Colab"
    want = """#| hide
import os, sys
if 'google.colab' in sys.modules and not os.path.isdir('/content/rnnlab'): # what is needed here
    !git clone -q https://github.com/rnnlab/rnnlab /content/rnnlab
    !pip install -q '/content/rnnlab[train,cards]' hypothesis nltk
    %cd -q /content/rnnlab/{}"""
    first = {}
    for where,cell in code_cells(): first.setdefault(where.split()[0], ''.join(cell['source']))
    return [f'{path}: the first code cell should be\n{want.format(Path(path).parent.as_posix())}'
            for path,src in first.items() if src != want.format(Path(path).parent.as_posix())]


def in_sight(collapse=False):
    "Cells that are folded on the site, but not collapsed in Jupyter; `collapse` does that"
    res = []
    for path in sorted((root/'nbs').rglob('*.ipynb')):
        if '.ipynb_checkpoints' in path.parts: continue
        nb = json.loads(path.read_text(encoding='utf-8'))
        found = [o for o in nb['cells'] if folded(o) and 'jupyter' not in o['metadata']]
        res += [f'{path.relative_to(root).as_posix()} cell {o["id"]}' for o in found]
        for o in found: o['metadata']['jupyter'] = dict(source_hidden=True)
        if collapse and found:
            text = json.dumps(nb, indent=1, ensure_ascii=False) + '\n'
            path.write_text(text, encoding='utf-8', newline='\n')
    return res


rooms = 'rnnlab.text','rnnlab.lab','rnnlab.course'


def imports(cells):
    "The modules of rnnlab that `cells` import from, such as 'text.train', with the names they take"
    for o in (o for c in cells for o in ast.walk(parsed(c))):
        if isinstance(o, ast.Import): found = [(n.name, '') for n in o.names]
        elif isinstance(o, ast.ImportFrom): found = [(o.module or '', n.name) for n in o.names]
        else: continue
        for module,name in found:
            if module in ('rnnlab', *rooms): module,name = f'{module}.{name}',''
            if module.startswith('rnnlab.'): yield module.removeprefix('rnnlab.'), name


def own(expr):
    "An expression and its parts, without what a lambda or a comprehension in it holds"
    yield expr
    closed = ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp
    if not isinstance(expr, closed):
        for o in ast.iter_child_nodes(expr): yield from own(o)


def nested(o):
    "Is this `a if b else c if d else e`?"
    return isinstance(o, ast.IfExp) and any(
        isinstance(e, ast.IfExp) for part in (o.test, o.body, o.orelse) for e in own(part))


def layout(o):
    "Is this `a,b = 1,2`, two assignments in a line? In a swap, a value holds one of the names"
    if not isinstance(o, ast.Assign) or not isinstance(o.value, ast.Tuple): return False
    to = o.targets[0]
    starred = [e for e in o.value.elts if isinstance(e, ast.Starred)]
    if len(o.targets) > 1 or not isinstance(to, ast.Tuple) or starred: return False
    if len(to.elts) != len(o.value.elts): return False
    names = {ast.unparse(e) for e in to.elts}
    return not any(isinstance(e, ast.expr) and ast.unparse(e) in names for e in ast.walk(o.value))


def dense():
    "Two things in a line that want one each; ruff has no rule for these"
    trees = {f'nbs/{page.path} cell {c["id"]}': parsed(''.join(c['source']))
             for page in all_pages() for c in page.cells if c['cell_type'] == 'code'}
    for p in [root/'setup.py', *(root/'.ci').glob('*.py'), *(root/'nbs').rglob('*.py')]:
        trees[p.relative_to(root)] = ast.parse(p.read_text(encoding='utf-8'))
    return [f'{where} line {o.lineno}: {ast.unparse(o)[:70]}' for where,tree in trees.items()
            for o in ast.walk(tree) if nested(o) or layout(o)]


def order():
    "Where the order of the numbers is not that of the imports"
    pages = all_pages()
    twice = Counter(o.number for o in pages if o.number < 1000)
    res = [f'{o.path}: another notebook has the number {o.number}'
           for o in pages if twice[o.number] > 1]
    of = {o.module: o for o in pages if o.module}
    for page in of.values():
        exported = [c for c in page.code if c.startswith('#| export')]
        for module in sorted({o for o,_ in imports(exported) if o in of}):
            if of[module].number >= page.number:
                res.append(f'{page.path} imports rnnlab.{module}, which is {of[module].path}')
            if page.folder.endswith('/course') and of[module].folder.endswith(('/text', '/lab')):
                res.append(f'{page.path} imports rnnlab.{module}: the course stands without it')
    return res


def private():
    "Private names that a notebook takes from a module"
    found = {f'{page.path}: {name} of rnnlab.{module}' for page in all_pages()
             for module,name in imports(page.code) if re.match('_(?!_)', name)}
    return sorted(found)


checks = [
    ('rnnlab/ is what nbdev-export writes from nbs/',
     lambda: regenerated('nbdev-export', 'rnnlab/**/*.py'), 'Change the notebook, not the module; '
     'then run `nbdev-export` (and delete modules that no notebook exports).'),
    ('notebooks are clean', lambda: regenerated('nbdev-clean', 'nbs/**/*.ipynb'),
     'Run `nbdev-clean`. `nbdev-install-hooks`, once, lets Jupyter do it at every save.'),
    ('tests, imports and what is for the tools are collapsed in Jupyter', in_sight,
     'Run `python .ci/check_notebooks.py --collapse`.'),
    ('no cell was committed with an error', failed,
     'Mend the cell, or show an expected error with `ExceptionExpected`.'),
    ('Colab gets what a notebook needs', colab,
     'Copy the cell, with its metadata, from another notebook of the same folder.'),
    ('a notebook imports only what comes before it', order,
     'Move what both need into the one with the lower number, or give the notebook another.'),
    ('no private name of another module', private,
     'Make it public there, or move it to rnnlab.core.'),
    ('no conditional within another, no two assignments in a line', dense,
     'Take an `if`, or a line for each.'),
    ('what nbval skips has its reason', unexplained,
     'Let the cell be tested, or say why not in a comment in the next line.'),
]

if __name__ == '__main__':
    if '--collapse' in sys.argv: in_sight(collapse=True)
    bad = 0
    for name,find,remedy in checks:
        found = find()
        print(f'{"FAILED" if found else "ok"}: {name}')
        if found: print(*[f'    {o}' for o in found], f'  {remedy}', sep='\n')
        bad += bool(found)
    sys.exit(bad > 0)
