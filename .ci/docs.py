"""Makes the site from the notebooks: `python .ci/docs.py` writes it into _docs, `--serve` shows it
in a browser and builds again whenever a notebook is saved.

A notebook becomes a page: what is for nbdev only is taken out, links to its source and to Colab are
put in. smalldocs turns the pages into a website, with a reference of all names, and reads
nbs/_quarto.yml as Quarto does; .ci/sidebar.py gives the order. KaTeX, which draws the formulas, is
put beside the pages, so that they are complete without a network."""
import argparse, ast, base64, hashlib, inspect, json, re, shutil, subprocess, sys, tarfile, time
import threading, zlib
from functools import cache, partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from io import StringIO
from pathlib import Path
import yaml
from bs4 import BeautifulSoup
from fastcore.docments import docments
from matplotlib import pyplot as plt
from rnnlab.course import drawings
from rnnlab.course.explainer import explainer_file, pack, unpack
from smalldocs import api, markdown
from smalldocs.config import load
from smalldocs.site import Site
from repo import root, settings
from sidebar import Page, all_pages, by_part, folded, parsed

work = root/'_proc/site'
out = root/'_docs'
git_url = settings['git_url']
katex = dict(name='katex', version='0.16.29', sha512='ef+wYUDehNgScWoA0ZhEngsNqUv9uIj4ftd/PapQmT+'
             'E85lXI6Wx6BvJO48v80Vhj3t/IjEoZWw9/ZPe8kHwHg==')
nbdev_only = {'export', 'exporti', 'exports', 'default_exp', 'hide'}
quarto = {'echo', 'output', 'include', 'code-fold', 'code-summary', 'fig-alt', 'fig-cap', 'warning'}


# A notebook becomes a page

def directives(code):
    "The lines with directives on top of a cell, by name, and the rest of the cell"
    top = re.match(r'(#\|.*(\n|$))*', code)[0]
    lines = {re.split(r'[:\s]', o[2:].strip(), maxsplit=1)[0]: o for o in top.splitlines()}
    return lines, code[len(top):]


def page_code(cell):
    "A code cell as readers see it; empty if it is not for them"
    code = ''.join(cell['source'])
    dirs,body = directives(code)
    if unknown := set(dirs) - nbdev_only - quarto: # dropped unseen, it would be a mistake unseen
        raise SystemExit(f'directive {unknown} in\n{code}\nCorrect it, or add it to .ci/docs.py.')
    if 'hide' in dirs: return ''
    if label := folded(cell) or ('The code of this picture' if drawing_call(code) else ''):
        return f'#| code-fold: true\n#| code-summary: "{label}"\n{body}'
    quoted = lambda m: m[1] + json.dumps(m[2]) # YAML needs the quotes
    kept = [re.sub(r'^(#\|\s*fig-\w+:\s*)([^"\'].*)$', quoted, o)
            for k,o in dirs.items() if k in quarto]
    return '\n'.join([*kept, body]).strip('\n')


def defined_names(code):
    "The public names that a cell exports, such as 'LSTM' and, by `@patch`, 'LSTM.reset'"
    res = []
    for o in parsed(code).body if 'export' in directives(code)[0] else []:
        if isinstance(o, (ast.FunctionDef, ast.ClassDef)):
            patched = any(getattr(d, 'id', '') == 'patch' for d in o.decorator_list)
            of = f'{ast.unparse(o.args.args[0].annotation)}.' if patched else ''
            res.append(of + o.name)
        elif isinstance(o, ast.Assign):
            ends = [e for t in o.targets for e in getattr(t, 'elts', [t])]
            res += [e.id for e in ends if isinstance(e, ast.Name)]
    return [o for o in dict.fromkeys(res) if not o.startswith('_')] # once, whatever overloads


def anchor(name): return 'def-' + name.replace('.', '-') # a dot would begin a class in Pandoc


def cell(kind, source): return dict(cell_type=kind, source=source, metadata={})


def fold_proofs(cells):
    "With what stands between a folded answer and the next heading folded too, inside the answer"
    res = []
    proof = False
    for c in [*cells, cell('markdown', '## ')]: # a heading after the last one
        src = c['source'].rstrip()
        if proof and src.startswith('## '):
            res.append(cell('markdown', '</details>\n\n</details>'))
            proof = False
        if src.startswith('## ') and src.endswith('</details>'):
            c = dict(c, source=src.removesuffix('</details>')
                     + '<details class="proof"><summary>Proof</summary>')
            proof = True
        res.append(c)
    return res[:-1]


def page_notebook(page):
    "The notebook of a page, with an anchor before what each cell exports"
    title,subtitle,text = page.first
    front = f'---\ntitle: {json.dumps(title)}\ndescription: {json.dumps(subtitle)}\n---'
    colab = git_url.replace('https://github.com', 'https://colab.research.google.com/github')
    links = ' '.join(f'[{name}]({url}/blob/main/nbs/{page.path}){{.btn '
                     f'.btn-outline-primary .btn-sm}}'
                     for name,url in {'Open in Colab': colab, 'View source': git_url}.items())
    cells = [cell('raw', front), cell('markdown', f'::: {{.page-links}}\n{links}\n:::'),
             cell('markdown', text)]
    for c in page.cells[1:]:
        src = ''.join(c['source'])
        if c['cell_type'] == 'code':
            names = defined_names(src)
            src = page_code(c)
            c = dict(c, outputs=[shown(o, ''.join(c['source'])) for o in joined(c['outputs'])])
            if src and names:
                cells.append(cell('markdown', ' '.join(f'[]{{#{anchor(o)}}}' for o in names)))
        cells.append(dict(c, source=src))
    cells = [dict(c, id=f'docs-{i}')
             for i,c in enumerate(fold_proofs([c for c in cells if c['source'].strip()]))]
    return dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)


# What cells show

@cache
def svg(call):
    "What `call`, such as `draw_gru()`, draws, without its card: the page itself is the paper"
    fig = eval(call, vars(drawings))
    fig.axes[0].patches[0].set_visible(False)
    with plt.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': 'rnnlab'}):
        fig.savefig(file := StringIO(), format='svg', metadata={'Date': None})
    drawn = re.sub(r'(?s)^.*?<svg.*?>|<metadata>.*?</metadata>| id="[a-z]+_\d+"', '',
                   file.getvalue())
    (w,h) = fig.get_size_inches()
    return (f'style="width: {96*w:.0f}px; min-width: {86*w:.0f}px" viewBox="0 0 {72*w:.1f} '
            f'{72*h:.1f}" xmlns="http://www.w3.org/2000/svg" '
            f'xmlns:xlink="http://www.w3.org/1999/xlink">{drawn}')


def drawing_call(code):
    "The call that a cell ends in, if it is one of a drawing of the course, else None"
    last = (parsed(code).body or [None])[-1]
    call = last.value if isinstance(last, ast.Expr) else None
    return call if getattr(getattr(call, 'func', None), 'id', None) in drawings.__all__ else None


def drawing(code):
    "The SVG of a cell that ends in a drawing of the course, else None; it follows the theme"
    if not (call := drawing_call(code)): return None
    words = re.search(r'(?m)^#\| *fig-alt: *"?(.*?)"?$', code)[1]
    return (f'<svg class="drawing" role="img" aria-label="{escape(words)}" '
            f'{svg(ast.unparse(call))}')


a_number = r'([-+−]?[\d.,]+(e[-+]?\d+)?( ?(%|s|x|×|[kMG]?B))?|NaN|None|–|)'

def table(html):
    """A table of pandas, its columns of words marked: they are aligned to the left, and wrap. The
    index's name goes where the other names are"""
    soup = BeautifulSoup(html, 'html.parser')
    for o in soup('style'): o.decompose()
    cells = lambda tr: tr.find_all(['th', 'td'])
    head = soup.select('thead tr')
    if len(head) == 2 and not cells(head[1])[-1].text.strip():
        for above,below in zip(*map(cells, head)):
            if not above.text.strip(): above.string = below.text
        head.pop().decompose()
    columns = zip(*(reversed(cells(o)) for o in [*head[-1:], *soup.select('tbody tr')]))
    for name,*column in columns: # from the right, where none is missing
        texts = [o.text.strip() for o in column if o.name == 'td']
        if all(re.fullmatch(a_number, o) for o in texts): continue
        kind = ['words', 'long'] if max(map(len, texts)) > 30 else ['words']
        for o in [name, *column]: o['class'] = kind
    return re.sub(r'<th[^>]*>[^<]*', lambda o: o[0].replace('_', '_<wbr>'), str(soup))


def joined(outputs):
    "`outputs`, with neighbouring ones of one stream as one: each flush began another"
    res = []
    for o in outputs:
        if res and 'name' in o and o['name'] == res[-1].get('name'):
            res[-1] = res[-1] | dict(text=[*res[-1]['text'], *o['text']])
        else: res.append(o)
    return res


def shown(output, code):
    "An output of the cell `code`, as the site shows it"
    data = output.get('data', {})
    if 'class="dataframe"' in (html := ''.join(data.get('text/html', ''))):
        return output | dict(data=data | {'text/html': table(html)})
    drawn = 'image/png' in data and drawing(code)
    return output | dict(data={'image/svg+xml': drawn}) if drawn else output


# Names in backticks become links

def fastai_symbols():
    "Where fastai and fastcore describe a name, from the index that nbdev left in the package"
    res = {}
    for lib in 'fastcore','fastai':
        d = import_module(f'{lib}._modidx').d
        host = d['settings']['doc_host'] + d['settings']['doc_baseurl']
        modules = sorted(d['syms'], key=len, reverse=True)
        for full,(page,_) in (o for names in d['syms'].values() for o in names.items()):
            short = full.removeprefix(next(f'{m}.' for m in modules if full.startswith(f'{m}.')))
            if not short.startswith('_'): res[full] = res[short] = host + page
    return res


def torch_symbols():
    "Where PyTorch describes a name, as we write it: `nn.LSTM`, `F.dropout`, `torch.stack`"
    docs = 'https://docs.pytorch.org/docs/stable'
    res = {}
    shorts = {'torch': 'torch', 'torch.nn': 'nn', 'torch.nn.functional': 'F',
              'torch.optim': 'optim',
              'torch.func': 'torch.func', 'torch.nn.init': 'nn.init', 'torch.nn.utils': 'nn.utils'}
    for mod,short in shorts.items():
        for name,o in vars(import_module(mod)).items():
            if name.startswith('_') or inspect.ismodule(o) or not callable(o): continue
            if not (getattr(o, '__module__', None) or 'torch').startswith('torch'): continue
            res[f'{mod}.{name}'] = res[f'{short}.{name}'] = f'{docs}/generated/{mod}.{name}.html'
    tensor = import_module('torch').Tensor
    for name in (o for o in dir(tensor) if inspect.ismethoddescriptor(getattr(tensor, o))):
        res[f'Tensor.{name}'] = res[
            f'torch.Tensor.{name}'] = f'{docs}/generated/torch.Tensor.{name}.html'
    res['nn.Parameter'] = f'{docs}/generated/torch.nn.parameter.Parameter.html'
    return res | dict.fromkeys(['torch.Tensor', 'Tensor'], f'{docs}/tensors.html')


# The reference

def api_pages(places):
    """smalldocs' page of each module, with a link to where each name is taught, and with constants;
    and an index. Returns their paths, in the order of the notebooks."""
    inspect.getsourcelines = cache(inspect.getsourcelines) # smalldocs asks again and again
    listed = api.methods
    api.methods = lambda k, private=False: [ # what is said of each: without anything, it's left out
        o for o in listed(k, private) if o.__doc__ or any(docments(o).values())]
    mods = [m for m in api.package_modules('rnnlab') if m.__name__ != 'rnnlab.all']
    api.package_modules = lambda package: mods
    files = api.build(api.Settings(work, ['rnnlab'], root=root, source=f'{git_url}/blob/main'))
    symbols = fastai_symbols() | torch_symbols() | json.loads((work/'_symbols.json').read_text())
    def taught(name):
        if name not in places: return ''
        path,_ = places[name].split('#')
        return f' [taught in {Path(path).stem}]({places[name]}){{.source-link}}'
    def constant(o):
        if callable(o): return f'`{o.__module__}.{o.__qualname__}` under another name.'
        keys = f' with the keys {", ".join(f"`{k}`" for k in o)}.' if isinstance(o, dict) else ''
        return f'A constant, a `{type(o).__name__}`' + (keys or f': `{o!r}`.')
    index = []
    for m,f in zip(mods, files):
        head,*entries = re.split(r'(?m)^(?=#{2,3} .*\{#)', f.read_text(encoding='utf-8'))
        for i,e in enumerate(entries):
            name = re.search(r'\{#([\w.]+)\}', e)[1]
            entries[i] = re.sub(r'\[source\]\(.*?\}', lambda o: o[0] + taught(name), e, count=1)
        said = {}
        for name in m.__all__:
            o = getattr(m, name)
            if callable(o) and o.__module__ == m.__name__: said[name] = api.summary(o)
            else:
                said[name] = f'a `{type(o).__name__}`'
                entries.append(f'\n## {name} '
                               f'{{#{name}}}\n\n{taught(name).strip()}\n\n{constant(o)}\n')
                symbols[name] = f'/api/{f.name}#{name}'
        text = head.replace('\n---\n', '\ncode-overflow: wrap\n---\n', 1) + ''.join(entries)
        f.write_text(re.sub(r"<class '(?:[\w.]+\.)?(\w+)'>", r'\1', text), encoding='utf-8')
        names = '\n'.join(f'- [`{k}`]({f.name}#{k}): {v}' for k,v in said.items())
        index.append(f'## [{m.__name__}]({f.name})\n\n{inspect.getdoc(m)}.\n\n{names}\n')
    star = ', '.join(f'`{o}`' for o in import_module('rnnlab.all').__all__)
    (work/'api/index.qmd').write_text(
        '---\ntitle: "API reference"\ndescription: "Every public name of rnnlab, by '
        f'module"\n---\n\n`from rnnlab.all import *` brings in {star}.\n\n' + '\n'.join(index),
        encoding='utf-8')
    (work/'_symbols.json').write_text(json.dumps(symbols))
    order = {f'rnnlab.{o.module}': i for i,o in enumerate(all_pages()) if o.module}
    rank = {f'api/{f.name}': order[m.__name__] for m,f in zip(mods, files)}
    return ['api/index.qmd', *sorted(rank, key=rank.get)]


# The whole site

def add_katex(site, name, version, sha512):
    "Put KaTeX, from npm's registry, beside the pages, and make every page take it from there"
    folder = root/'_proc/npm'
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder/f'{name}-{version}.tgz'
    if not archive.is_file():
        subprocess.run([shutil.which('npm') or 'npm', 'pack', f'{name}@{version}', '--silent',
                        '--pack-destination', folder], check=True, stdout=subprocess.DEVNULL)
    got = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if got != sha512:
        archive.unlink()
        raise SystemExit(f'{archive.name}: its sha512 is {got}, expected {sha512}; it was removed')
    wanted = r'package/dist/(katex\.min\.(css|js)|contrib/auto-render\.min\.js|fonts/.*\.woff2)'
    with tarfile.open(archive) as tar:
        for m in (o for o in tar if re.fullmatch(wanted, o.name)):
            to = site/'site_libs/katex'/m.name.removeprefix('package/dist/')
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(tar.extractfile(m).read())
    for f in site.rglob('*.html'):
        here = '../' * (len(f.relative_to(site).parts)-1) + 'site_libs/katex'
        text = f.read_text(encoding='utf-8')
        f.write_text(re.sub(r'https://cdn\.jsdelivr\.net/npm/katex@[\d.]+/dist', here, text),
                     encoding='utf-8')


def add_explainer(site):
    """Puts the RNN Explainer into every page with a picture that links to one of its views, and the
    weights that it needs there"""
    whole = explainer_file('explainer.safetensors').read_bytes()
    code = explainer_file('explainer.js').read_text(encoding='utf-8')
    needs = dict(count=('LMModel7', 60), cell=('LMModel7', 15), unroll=('LMModel4', 15))
    def part(some):
        "The file, with these models and epochs only"
        tensors,about = unpack(whole)
        models = {k: about['models'][k] | dict(epochs=[epoch]) for k,epoch in some}
        at = {k: about['models'][k]['epochs'].index(epoch) for k,epoch in some}
        return pack({k: t[at[name]][None] for k,t in tensors.items()
                     if (name := k.split('/')[0]) in at}, about | dict(models=models))
    for f in site.rglob('*.html'):
        text = f.read_text(encoding='utf-8')
        views = {*re.findall(r'<a [^>]*explainer\.html\?view=(\w+)[^>]*>\s*<img', text)}
        if not views: continue
        some = [needs[o] for o in sorted(views) if o in needs]
        data = whole if 'page' in views else part(some)
        # the first byte of each number, then the second of each: so it is deflated better
        data = base64.b64encode(zlib.compress(data[::2]+data[1::2], 9)).decode()
        script = (f'<script type="text/plain" id="rnnx-weights">{data}</script>'
                  f'<script type="module">\n{code}\nmount(document)\n</script>')
        f.write_text(text.replace('</body>', f'{script}</body>'), encoding='utf-8')


def build():
    "Write the site into `_docs`; any of smalldocs' warnings ends the program"
    start = time.perf_counter()
    shutil.rmtree(work, ignore_errors=True)
    places = {}
    for page in [Page('index.ipynb'), *all_pages()]:
        (work/page.path).parent.mkdir(parents=True, exist_ok=True)
        (work/page.path).write_text(json.dumps(page_notebook(page)), encoding='utf-8')
        names = [o for code in page.code for o in defined_names(code)]
        places |= {o: f'../{page.path}#{anchor(o)}' for o in names}
    for f in (o for ext in ('css', 'svg', 'html', 'md') for o in (root/'nbs').glob(f'*.{ext}')):
        shutil.copy(f, work)
    shutil.copytree(root/'nbs/stills', work/'stills')
    changes = (root/'CHANGELOG.md').read_text(encoding='utf-8').partition('\n')[2]
    (work/'changelog.md').write_text('---\ntitle: "Changelog"\ndescription: "What changed, '
                                     f'release by release"\n---\n\n{changes}', encoding='utf-8')

    conf = yaml.safe_load((root/'nbs/_quarto.yml').read_text(encoding='utf-8'))
    part = lambda title, paths: dict(section=title, contents=paths)
    side = [part(title, [o.path for o in pages]) for title,pages in by_part().items()]
    side.insert([o['section'] for o in side].index('Source'), part('API', api_pages(places)))
    conf['website']['sidebar']['contents'] = [
        dict(text='Home', href='index.ipynb'), 'explainer.md', *side, 'changelog.md']
    conf['website']['navbar']['left'] = [ # the first page of each part
        dict(text=o['section'], href=o['contents'][0]) for o in side if ':' not in o['section']]
    conf['website']['navbar']['left'].insert(1, dict(text='Explainer', href='explainer.md'))
    conf['smalldocs'] = dict(linkify=True)
    # Bootstrap's own dark colours, for a whole page
    light = (Path(markdown.__file__).parent/'assets/vendor/bootstrap/bootstrap.min.css').read_text()
    (work/'dark.css').write_text(light.replace('[data-bs-theme=dark]', ':root'), encoding='utf-8')
    conf['format']['html']['theme'] = dict(light='default', dark='dark.css')
    (work/'_quarto.yml').write_text(yaml.safe_dump(conf, sort_keys=False), encoding='utf-8')

    markdown.looks_like_code = lambda text: True # names that are plain words, too, become links
    site = Site(load(str(work)))
    site.build()
    if site.warnings: raise SystemExit('smalldocs warns: ' + '; '.join(site.warnings))
    add_katex(site.out, **katex)
    add_explainer(site.out)
    shutil.rmtree(out, ignore_errors=True)
    shutil.move(site.out, out)
    print(f'{len(list(out.rglob("*.html")))} pages in {out}: {time.perf_counter()-start:.0f} s',
          flush=True)


def stamp():
    "When the newest of the files was saved from which the site is made"
    return max(f.stat().st_mtime
               for f in (root/'nbs').rglob('*') if '.ipynb_checkpoints' not in f.parts)


if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument('--serve', action='store_true', help='show it, and build again at each save')
    ap.add_argument('--port', type=int, default=4200, help='where to serve it')
    args = ap.parse_args()
    build()
    if args.serve:
        handler = partial(SimpleHTTPRequestHandler, directory=str(out))
        server = ThreadingHTTPServer(('127.0.0.1', args.port), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f'The site is at http://127.0.0.1:{args.port} (Ctrl-C stops)', flush=True)
        seen = stamp()
        while True:
            time.sleep(1)
            if (now := stamp()) > seen: # in a process of its own: a module may have changed
                seen = now
                subprocess.run([sys.executable, __file__])
