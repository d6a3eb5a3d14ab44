"""Is the docs site fit to be published? `check_site.py FOLDER` serves FOLDER under the path it will have on GitHub Pages and uses every page
of it in Chromium as a reader would: wide and on a phone, light and dark, by mouse and by keyboard, with the network cut off."""
import argparse, json, os, re, shutil, sys, threading, time
from collections import Counter, defaultdict
from configparser import ConfigParser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from playwright.sync_api import Error, sync_playwright

root = Path(__file__).resolve().parent.parent
ini = ConfigParser(delimiters=['='])
ini.read(root/'settings.ini', encoding='utf-8')
git_url,doc_url = (ini['DEFAULT'][o].rstrip('/') for o in ('git_url', 'doc_url'))
prefix = urlsplit(doc_url).path + '/'
axe_js = (files('axe_playwright_python')/'axe.min.js').read_text(encoding='utf-8')
wide,phone = dict(width=1280, height=900),dict(width=375, height=800)
search_hit = '.search-result:visible, [role=option]:visible'
searches = {'RNNRegularizer': 'index.html', 'weight tying': 'questionnaire/errata.html'} # what is sought, from which page
folded = 'questionnaire/12_nlp_dive.html' # has answers and code that open
tabbed = 'index.html', folded             # walked through with Tab
mine = re.compile(r'dark mode|light mode|theme|colou?r (mode|scheme)', re.I)
# No look-ups, and none of the calls home that a new Chromium makes
flags = ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync']

# Everything about a page that is seen without touching it. Formulas are sought in text as a reader sees it: tags within a block are dropped.
look = r'''() => {
  const $$ = (s, r=document) => [...r.querySelectorAll(s)], main = document.querySelector('main'), bad = []
  const no = (ok, what, todo) => ok || bad.push([what, todo]), short = e => e.outerHTML.replace(/\s+/g, ' ').slice(0, 100)
  no(main, 'no <main>', 'Put what the page is about into <main>.')
  no(document.title.trim(), 'no <title>', 'Give the notebook a title (`# Title`).')
  no(document.documentElement.lang, 'no lang on <html>', 'Set `lang`.')
  const heads = $$('h1,h2,h3,h4,h5,h6', main || document).filter(e => e.checkVisibility()).map(e => [+e.tagName[1], e.textContent.trim()])
  no($$('h1').length == 1 && heads.length && heads[0][0] == 1, `${$$('h1').length} h1, the first heading is h${heads[0]?.[0]}`,
     'Begin the page with its only h1.')
  heads.slice(1).forEach(([l,t], i) => no(l <= heads[i][0]+1, `h${heads[i][0]} is followed by h${l} “${t}”`, 'Skip no heading level.'))
  $$('img').forEach(e => no(e.alt.trim() && !/^no description/i.test(e.alt), `image without a text: ${short(e)}`,
     'Add `#| fig-alt:` to the cell, or write ![text](file).'))
  $$('[onclick],[data-bs-toggle],[role=button],[role=tab]').forEach(e => no(e.tabIndex >= 0, `the keyboard does not reach ${short(e)}`,
     'Make it a <button>.'))
  const first = $$('a[href],button,input,select,textarea,summary,[tabindex="0"]')[0], skip = first?.getAttribute('href') || ''
  no(/^#./.test(skip) && main && document.getElementById(skip.slice(1))?.closest('main'), 'no skip link', 'Let the first thing that Tab reaches be a link into <main>.')
  const copy = document.body.cloneNode(true)
  $$('pre,code,script,style,svg,.katex,math', copy).forEach(e => e.replaceWith(' '))
  const block = /<\/?(?:p|li|td|th|h\d|div|section|article|figcaption|summary|details|dt|dd|ul|ol|blockquote|br|nav|a)\b[^>]*>/i
  copy.innerHTML.split(block).map(s => s.replace(/<[^>]*>/g, '')).forEach(s => {
    const m = s.match(/\\\(|\\\[|\$\$|\$[^\s$](?:[^$]*[^\s$])?\$(?!\d)|\\(?:frac|sqrt|sum|odot|sigma|mathbf|mathrm|begin)\b/)
    no(!m, `raw formula “${s.trim().slice(0, 60)}”`, 'Is KaTeX there, and is the formula in $…$ or $$…$$?') })
  $$('.katex-error').forEach(e => no(0, `KaTeX cannot read ${e.title || e.textContent}`, 'Mend the formula.'))
  const formulas = Math.max($$('.katex').length, $$('math').length)
  no(!$$('.katex').length || [...document.fonts].some(f => /KaTeX/.test(f.family) && f.status == 'loaded'), 'formulas without their fonts', 'Ship katex.min.css and its fonts.')
  const diagrams = $$('.mermaid, .language-mermaid')
  no(diagrams.every(e => e.matches('svg') || e.querySelector('svg')), 'a diagram is not drawn', 'Is mermaid there, and does it read the diagram?')
  return {bad, formulas, diagrams: diagrams.length, main: main?.textContent || '', h1: heads[0]?.[1], ids: $$('[id],a[name]').flatMap(e => [e.id, e.name]),
    links: $$('a[href],area[href]').map(e => e.href), files: $$('[src],link[href],object[data]').map(e => e.src || e.href || e.data)} }'''
# What reaches over the right edge of the window without a box of its own that scrolls
overflow = r'''() => {
  const out = e => { const r = e.getBoundingClientRect(); return r.width > 1 && r.right > innerWidth+1 && e.checkVisibility() }
  const held = e => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) {
    const s = getComputedStyle(p); if (s.position == 'fixed' || /auto|scroll/.test(s.overflowX) && !out(p)) return true } return false }
  const all = [...document.querySelectorAll('body *:not(.katex-mathml, .katex-mathml *)')].filter(e => out(e) && !held(e))
  const name = e => `<${e.tagName.toLowerCase()} class="${e.getAttribute('class') || ''}"> “${e.textContent.trim().slice(0, 40)}”`
  const width = document.scrollingElement.scrollWidth
  return width > innerWidth || all.length ? `${width} px wide; too far right: ${all.filter(e => !all.some(o => e !== o && e.contains(o))).slice(0, 3).map(name)}` : '' }'''
violations = '''o => axe.run(document, {resultTypes: ['violations'], ...o}).then(r => r.violations.filter(v => /serious|critical/.test(v.impact))
  .map(v => [`axe: ${v.id}: ${v.help}`, v.nodes.length, v.nodes[0].target.join(' '), v.helpUrl.split('?')[0], v.nodes[0].any[0]?.message || '']))'''
focusable = 'a[href],button,input,select,textarea,summary,[tabindex="0"]'
sign = '''e => { const s = getComputedStyle(e); return [s.outlineStyle == 'none' ? '' : s.outline, s.boxShadow, s.backgroundColor, s.borderColor, s.textDecoration].join() }'''


class Handler(SimpleHTTPRequestHandler):
    "Like GitHub Pages: the site lies under `prefix`, and there is nothing beside it"
    def translate_path(self, path): return super().translate_path('/' + path[len(prefix):] if path.startswith(prefix) else '/nothing-there')
    def log_message(self, *args): pass


class Check:
    def __init__(self, folder, base, browser):
        self.folder,self.base,self.browser,self.failures,self.at,self.seen = folder,base,browser,defaultdict(list),'',{}
        self.pages = sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*.html'))
        if 'index.html' not in self.pages: sys.exit(f'FAILED: {folder} has no index.html. Build the site first: `rnnlab-docs`.')
        nbs = [p.relative_to(root/'nbs') for p in sorted((root/'nbs').rglob('*.ipynb')) if not re.search(r'(^|/)[._]', p.relative_to(root).as_posix())]
        self.notebooks = {self.page_of(p): p.as_posix() for p in nbs}

    def page_of(self, nb): # nbdev takes the number off where the renderer reads its `output-file`
        with_no = nb.with_suffix('.html').as_posix()
        return with_no if with_no in self.pages else re.sub(r'(^|/)\d+\w?_', r'\1', with_no)

    def fail(self, what, todo, page=None):
        if (page or self.at) not in self.failures[what, todo]: self.failures[what, todo].append(page or self.at)

    def need(self, ok, what, todo, page=None):
        if not ok: self.fail(what, todo, page)
        return ok

    def open(self, **kwargs):
        "A new reader: a page whose every complaint is a failure"
        context = self.browser.new_context(viewport=wide, reduced_motion='reduce', service_workers='block', **kwargs)
        context.set_default_timeout(5000)
        context.route(re.compile(rf'^(?!{re.escape(self.base)}|data:|blob:)'), lambda r: (self.fail(f'asks for {r.request.url}', 'Ship it with the site, and link to it relatively.'), r.abort()))
        page = context.new_page()
        page.on('console', lambda m: m.type in ('error', 'warning') and self.fail(f'console: {m.text[:150]}', 'Mend the script, or what it reads.'))
        page.on('pageerror', lambda e: self.fail(f'script error: {e}', 'Mend the script.'))
        page.on('response', lambda r: r.status >= 400 and self.fail(f'{r.status} for {r.url}', 'Mend the link to it, or ship it.'))
        return page

    def go(self, page, name):
        self.at = name
        page.goto(self.base + name)
        page.evaluate('document.fonts.ready.then(() => 0)')

    def axe(self, page, how, **options):
        for what,n,where,url,why in page.evaluate(violations, options): self.fail(f'{what} ({how})', f'See {url}; {n} here, the first is `{where}`. {why}')

    def dark(self, page):
        return page.evaluate('''() => { const c = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number); return c[0]+c[1]+c[2] < 384 }''')

    def toggle(self, page):
        "The button for light and dark, pressed; what colour the page has then"
        button,before = page.get_by_role('button', name=mine).or_(page.get_by_role('link', name=mine)).first,self.dark(page)
        if not self.need(button.count(), 'no button for dark mode', 'A <button> whose name says so belongs on every page.'): return before
        button.click()
        page.wait_for_timeout(100)
        self.need(self.dark(page) != before, f'the button for dark mode leaves it {"dark" if before else "light"}', 'Mend the button.')
        return self.dark(page)

    def one_page(self, page, name):
        "Everything that must hold on each page, in one visit: as it comes, in the other colours, on a phone"
        self.go(page, name)
        if page.locator('.mermaid').count(): page.wait_for_timeout(1000)
        got = self.seen[name] = page.evaluate(look)
        for what,todo in got['bad']: self.fail(what, todo)
        if nb := self.notebooks.get(name):
            cells = json.loads((root/'nbs'/nb).read_text(encoding='utf-8'))['cells']
            text = '\n'.join(re.sub(r'(?ms)^```.*?^```|`[^`\n]+`', '', ''.join(c['source'])) for c in cells if c['cell_type'] == 'markdown')
            got['wanted'] = len(re.findall(r'\$\$.+?\$\$|\$[^\s$](?:[^$\n]*[^\s$])?\$(?!\d)', text, flags=re.S))
            self.need(got['formulas'] >= got['wanted'], f'{got["formulas"]} of {got["wanted"]} formulas rendered', 'Is KaTeX there?')
            repo,where = git_url.removeprefix('https://github.com/'),rf'/blob/(main|master|v[\d.]+)/nbs/{re.escape(nb)}$'
            for what,start in {'Open in Colab': f'https://colab.research.google.com/github/{repo}', 'view source': f'https://github.com/{repo}'}.items():
                self.need(any(re.match(re.escape(start) + where, o) for o in got['links']), f'no right link “{what}”', f'It goes to {start}/blob/main/nbs/{nb}')
        page.evaluate('document.querySelectorAll("details").forEach(e => e.open = true)')
        page.evaluate(axe_js)
        colour = 'dark' if self.dark(page) else 'light'
        self.axe(page, colour)
        colour = 'dark' if self.toggle(page) else 'light'
        self.axe(page, colour, runOnly=['color-contrast', 'link-in-text-block'])
        page.set_viewport_size(phone)
        if wrong := page.evaluate(overflow): self.fail(f'too wide for a phone: {wrong}', 'Let it wrap, or scroll in a box of its own (overflow-x: auto).')
        self.axe(page, 'on a phone', runOnly=['scrollable-region-focusable', 'color-contrast'])
        page.set_viewport_size(wide)

    def links(self):
        "No link or anchor is broken, and each page can be reached from the first"
        external,reach,todo = Counter(),set(),['index.html']
        for name,got in self.seen.items():
            for url in {o.replace(doc_url, self.base.rstrip('/')) for o in got['links'] + got['files']}:
                url,anchor = urldefrag(url)
                if not url.startswith(self.base):
                    if url.startswith(self.base.removesuffix(prefix[1:])): self.fail(f'link out of the site: {url}', 'Make it relative.', name)
                    elif url.startswith('http'): external[urlsplit(url).netloc] += 1
                    continue
                target = unquote(urlsplit(url).path.removeprefix(prefix))
                if not target or target.endswith('/'): target += 'index.html'
                got.setdefault('to', set()).add(target)
                ok = self.need((self.folder/target).is_file(), f'broken link to {target}', 'Mend the link, or build the page.', name)
                if ok and anchor and target in self.seen and anchor != 'top':
                    self.need(unquote(anchor) in self.seen[target]['ids'], f'broken anchor {target}#{anchor}', 'Mend the anchor, or the heading.', name)
        while todo:
            if (name := todo.pop()) not in reach: reach.add(name); todo += [o for o in self.seen[name].get('to', ()) if o in self.seen]
        for name in self.seen.keys() - reach - {'404.html'}: self.fail('no link leads here', 'Put it into the sidebar.', name)
        for page,nb in self.notebooks.items(): self.need(page in self.seen, f'nbs/{nb} has no page', 'Let the build include it.', page)
        return external

    def llms(self):
        "llms.txt names a Markdown copy of each page"
        self.at,txt = 'llms.txt',self.folder/'llms.txt'
        if not self.need(txt.is_file(), 'is missing', 'Set `website: llms-txt: true`.'): return
        urls = [urljoin(self.base, o.replace(doc_url, self.base.rstrip('/'))) for o in re.findall(r'\]\(([^)\s]+)\)', txt.read_text(encoding='utf-8'))]
        names = {unquote(urldefrag(o)[0].removeprefix(self.base)) for o in urls if o.startswith(self.base)}
        for o in sorted(names): self.need((self.folder/o).is_file(), f'broken link to {o}', 'Let the build write it.')
        for name in self.seen.keys() - {'404.html'}:
            copy = names & {f'{name}.md', *(name.removesuffix('html') + o for o in ('md', 'llms.md', 'html.md'))}
            ok = self.need(copy, f'no Markdown copy of {name}', 'Let the build write it.') and (self.folder/min(copy)).is_file()
            words = lambda s: re.sub(r'\W+', ' ', s).strip()
            if ok: self.need(words(self.seen[name]['h1'] or '') in words((self.folder/min(copy)).read_text(encoding='utf-8')), f'{min(copy)} lacks the title of its page', 'Is it the copy of that page?')

    def search(self, page):
        for query,start in searches.items():
            self.go(page, start)
            box,hits = page.locator('input[type=search]:visible').first,page.locator(search_hit)
            box.click()
            box.press_sequentially(query, delay=10)
            page.wait_for_timeout(500)
            if not self.need(hits.count(), f'search finds no “{query}”', 'Is search.json there, and is that in it?'): continue
            page.evaluate(axe_js)
            self.axe(page, 'search results open')
            box.press('ArrowDown')
            with page.expect_navigation(): box.press('Enter')
            found = page.evaluate('() => document.querySelector("main").textContent')
            self.need(re.sub(r'\W+', ' ', query).lower() in re.sub(r'\W+', ' ', found).lower(), f'the first hit for “{query}” leads to a page without it: {page.url}', 'Mend search.')
        box = page.locator('input[type=search]:visible').first
        box.click()
        box.press_sequentially('qqxzzy')
        page.wait_for_timeout(500)
        self.need(not hits.count(), 'search finds “qqxzzy”, which is nowhere', 'Mend search.')

    def fold(self, page):
        "Answers and code open and close by click and by keyboard"
        self.go(page, folded)
        for kind,css in {'answer': 'details:not(.code-fold)', 'code': 'details.code-fold'}.items():
            all,is_open = page.locator(css),lambda e: e.evaluate('e => e.open && e.lastElementChild.checkVisibility()')
            if not self.need(all.count(), f'no folded {kind}', 'Fold it.'): continue
            self.need(not any(is_open(o) for o in all.all()), f'an {kind} is open from the start', 'Fold it.')
            one = all.first
            for how,act in {'a click': lambda e: e.click(), 'Enter': lambda e: e.press('Enter'), 'Space': lambda e: e.press(' ')}.items():
                for want in (True, False):
                    act(one.locator('summary'))
                    self.need(is_open(one) == want, f'{how} does not {"open" if want else "close"} a folded {kind}', 'Use <details> and <summary>.')

    def keep_colours(self, page):
        "The choice of colours lasts, on the next page and after a reload; the keyboard changes it too"
        self.go(page, 'index.html')
        was = self.toggle(page)
        for name in ('questionnaire/errata.html', 'index.html'):
            self.go(page, name)
            self.need(self.dark(page) == was, 'the next page forgets the colours chosen', 'Keep the choice in localStorage.')
        if (button := page.get_by_role('button', name=mine).or_(page.get_by_role('link', name=mine)).first).count():
            button.press('Enter')
            page.wait_for_timeout(100)
            self.need(self.dark(page) != was, 'Enter does not press the button for dark mode', 'Use a <button>.')

    def tab(self, page):
        "Tab reaches everything that can be pressed, and one sees where one is; the skip link leads into <main>"
        for name in tabbed:
            self.go(page, name)
            n = page.evaluate('([s, sign]) => { f = eval(sign); all = [...document.querySelectorAll(s)].filter(e => e.checkVisibility({visibilityProperty: true}) && e.tabIndex >= 0 && !e.disabled);'
                              'all.forEach(e => e.before_ = f(e)); return all.length }', [focusable, sign])
            for _ in range(n+1):
                page.keyboard.press('Tab')
                dim = page.evaluate('''() => { const e = document.activeElement, r = e.getBoundingClientRect(); e.tabbed_ = true
                  return e !== document.body && (f(e) == e.before_ || r.bottom <= 0 || r.top >= innerHeight || r.width < 2) ? e.outerHTML.slice(0, 90) : '' }''')
                self.need(not dim, f'no sign of focus on {dim}', 'Style :focus-visible.')
            for o in page.evaluate("() => all.filter(e => !e.tabbed_).map(e => e.outerHTML.slice(0, 90))"): self.fail(f'Tab does not reach {o}', 'Is it covered, or its tabindex wrong?')
            self.go(page, name)
            page.keyboard.press('Tab')
            page.keyboard.press('Enter')
            page.keyboard.press('Tab')
            self.need(page.evaluate('() => !!document.activeElement.closest("main")'), 'after the skip link, Tab does not go on in <main>', 'Link to <main id=… tabindex="-1">.')

    def menu(self, page):
        "On a phone the menu opens, holds the search box and leads to another page"
        page.set_viewport_size(phone)
        self.go(page, 'index.html')
        button = page.get_by_role('button', name=re.compile('menu|navigation|sidebar', re.I)).first
        if self.need(button.count(), 'no button for the menu on a phone', 'Show one.'):
            button.press('Enter')
            page.wait_for_timeout(300)
            page.evaluate(axe_js)
            self.axe(page, 'menu open on a phone')
            if wrong := page.evaluate(overflow): self.fail(f'too wide for a phone with the menu open: {wrong}', 'Let it wrap.')
            self.need(page.locator('input[type=search]:visible').count() or page.get_by_role('button', name=re.compile('search', re.I)).count(), 'no search on a phone', 'Put it into the menu.')
            link = page.locator('nav a[href*="data.html"]:visible').first
            if self.need(link.count(), 'the menu on a phone leads nowhere', 'Show the sidebar.'): link.click(); page.wait_for_url('**/*data.html')
        page.set_viewport_size(wide)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('folder', type=Path, help='the built site, such as _docs')
    folder,start = ap.parse_args().folder.resolve(),time.time()
    names = os.environ.get('CHROMIUM', ''),'chromium','chromium-browser','google-chrome','google-chrome-stable'
    exe = next((p for o in names if o and (p := shutil.which(o))), None) or sys.exit('FAILED: no Chromium. `apt-get install chromium`, or set CHROMIUM to where it is.')
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=exe, args=flags)
        c = Check(folder, f'http://127.0.0.1:{server.server_port}{prefix}', browser)
        page = c.open()
        for name in c.pages: c.one_page(page, name)
        external = c.links()
        c.llms()
        for part in (c.search, c.fold, c.keep_colours, c.tab, c.menu):
            reader = c.open()
            try: part(reader)
            except Error as e: c.fail(f'{part.__name__} breaks off: {str(e).splitlines()[0]}', 'See what the page looks like there.')
            reader.context.close()
        browser.close()
    for (what,todo),pages in c.failures.items(): print(f'{pages[0]}{f" and {len(pages)-1} more" if pages[1:] else ""}: {what}. {todo}')
    print('links to other sites, not followed:', ', '.join(f'{k} {v}' for k,v in external.most_common()))
    total = lambda key: sum(o.get(key, 0) for o in c.seen.values())
    say = f'{len(c.seen)} pages, {total("formulas")} formulas, {total("diagrams")} diagrams, {time.time()-start:.0f} s'
    sys.exit(f'FAILED: {len(c.failures)} kinds of fault in {say}') if c.failures else print(f'ok: {say}')


if __name__ == '__main__': main()
