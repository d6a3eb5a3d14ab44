"""Is the docs site fit to be published? `check_site.py FOLDER` serves FOLDER under the path that it has on GitHub Pages, and uses every
page in Chromium as a reader would: wide and on a phone, light and dark, by mouse and by keyboard, with the network cut off."""
import argparse, ast, json, os, re, shutil, sys, threading, time
from collections import Counter, defaultdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from playwright.sync_api import Error, sync_playwright
from repo import root, settings

git_url,doc_url = (settings[o].rstrip('/') for o in ('git_url', 'doc_url'))
prefix = urlsplit(doc_url).path + '/'
axe_js = (files('axe_playwright_python')/'axe.min.js').read_text(encoding='utf-8')
wide,phone = dict(width=1280, height=900),dict(width=375, height=800)
home,sub,folded = 'index.html','questions/43_errata.html','questions/40_chapter12.html'
searches = {'RNNRegularizer': home, 'weight tying': sub} # what is sought, and from which page
search_box,search_hit = 'input[type=search]:visible','.search-result:visible, [role=option]:visible'
# No look-ups, and none of the calls home that a new Chromium makes
flags = ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync']

# What is seen of a page without touching it: [what is wrong, an example, what to do], and what later checks need.
# Formulas are sought in text as a reader sees it, so tags within a block are dropped.
look = r'''() => {
  const $$ = (s, r=document) => [...r.querySelectorAll(s)], main = document.querySelector('main') || document.body, bad = []
  const need = (ok, ...what) => ok || bad.push(what), short = e => e.outerHTML.replace(/\s+/g, ' ').slice(0, 100)
  need(document.title.trim() && document.documentElement.lang, 'no title, or no language', '', 'Set <title> and <html lang>.')
  const heads = $$('h1,h2,h3,h4,h5,h6', main).filter(e => e.checkVisibility()).map(e => [+e.tagName[1], e.textContent.trim()])
  need($$('h1').length == 1 && heads[0]?.[0] == 1, 'the page does not begin with its only h1', heads[0]?.[1] || '', 'Let it.')
  heads.slice(1).forEach(([n,t], i) => need(n <= heads[i][0]+1, 'a heading level is skipped', `h${heads[i][0]}, then h${n} “${t}”`, 'Skip none.'))
  $$('img').forEach(e => need(e.alt.trim() && !/^no description/i.test(e.alt), 'a picture without words', short(e),
    'Add `#| fig-alt:` to the cell, or write ![words](file).'))
  $$('[onclick],[data-bs-toggle],[role=button],[role=tab]').forEach(e => need(e.tabIndex >= 0, 'out of the reach of the keyboard', short(e),
    'Make it a <button>.'))
  const skip = $$('a[href],button,input,summary,[tabindex="0"]')[0]?.getAttribute('href') || ''
  need(/^#./.test(skip) && main.parentElement?.querySelector(skip), 'no skip link', '', 'Let Tab reach a link into <main> first.')
  const copy = document.body.cloneNode(true)
  $$('pre,code,script,style,svg,.katex,math', copy).forEach(e => e.replaceWith(' '))
  copy.innerHTML.split(/<\/?(?:p|li|t[dh]|h\d|div|section|figcaption|summary|details|d[td]|[uo]l|blockquote|br|nav|a)\b[^>]*>/i)
    .map(s => s.replace(/<[^>]*>/g, '')).forEach(s => need(
      !/\\[([]|\$\$|\$[^\s$]([^$]*[^\s$])?\$(?!\d)|\\(frac|sqrt|sum|odot|sigma|tanh|math\w+|text|begin)\b/.test(s), 'a raw formula',
      s.trim().slice(0, 90), 'Is KaTeX there, and is the formula in $…$ or $$…$$?'))
  $$('.katex-error').forEach(e => need(0, 'a formula that KaTeX cannot read', e.title || e.textContent, 'Mend it.'))
  need(!$$('.katex').length || [...document.fonts].some(f => /KaTeX/.test(f.family) && f.status == 'loaded'),
    'formulas without their fonts', '', 'Ship katex.min.css and its fonts.')
  const diagrams = $$('.mermaid, .language-mermaid')
  diagrams.forEach(e => need(e.querySelector('svg'), 'a diagram is not drawn', short(e), 'Is mermaid there, and can it read the diagram?'))
  return {bad, diagrams: diagrams.length, formulas: Math.max($$('.katex').length, $$('math').length), h1: heads[0]?.[1] || '',
    ids: $$('[id],a[name]').flatMap(e => [e.id, e.name]), to: [],
    links: $$('a[href],area[href]').map(e => e.href), files: $$('[src],link[href],object[data]').map(e => e.src || e.href || e.data)} }'''
# What reaches over the right edge of the window, in no box that scrolls
overflow = r'''() => {
  const box = e => e.getBoundingClientRect(), width = document.scrollingElement.scrollWidth
  const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX), text = n => { const r = new Range(); r.selectNodeContents(n); return r }
  const parts = e => scrolls(e) ? [e] : [e, ...[...e.childNodes].filter(n => n.nodeType == 3 && n.data.trim()).map(text)]
  const out = e => box(e).width > 1 && parts(e).some(o => box(o).right > innerWidth+1) && e.checkVisibility({opacityProperty: true})
  const held = e => { for (e = e.parentElement; e && e !== document.body; e = e.parentElement) {
    if (getComputedStyle(e).position == 'fixed' || scrolls(e) && !out(e)) return true } }
  const over = [...document.querySelectorAll('body *:not(svg *, .katex svg, .katex-mathml, .katex-mathml *)')].filter(e => out(e) && !held(e))
  const deepest = over.filter(e => !over.some(o => e !== o && e.contains(o))).slice(0, 3)
  const name = e => `<${e.localName} class="${e.getAttribute('class') || ''}"> “${e.textContent.trim().slice(0, 40)}”`
  return width > innerWidth || over.length ? `${width} px; too far right: ${deepest.map(name)}` : '' }'''
# axe needs minutes for the ten thousand spans of coloured code: one of each class tells as much
thin_out = r'''() => { const seen = new Set(); document.querySelectorAll('pre code').forEach(e => e.innerHTML = e.innerHTML.replace(
  /<span class="([^"]*)">([^<]*)<\/span>/g, (all, k, s) => seen.has(k) ? s : (seen.add(k), all))) }'''
# and of the texts (a table has hundreds) that look alike, on grounds that look alike, three: their contrast is the same
alike = r'''() => { const grounds = new Map([[null, '']]), kinds = new Map()
  const style = (e, ...keys) => keys.map(k => getComputedStyle(e)[k]).join()
  const ground = e => { if (!grounds.has(e)) { const s = style(e, 'backgroundColor', 'backgroundImage', 'opacity', 'filter', 'position')
    grounds.set(e, ground(e.parentElement) + (s == 'rgba(0, 0, 0, 0),none,1,none,static' ? '' : s + ';')) } return grounds.get(e) }
  const text = e => e.matches('input,select,textarea') || [...e.childNodes].some(o => o.nodeType == 3 && o.data.trim())
  document.querySelectorAll('body *').forEach(e => { if (!text(e) || !e.checkVisibility({visibilityProperty: true})) return
    const kind = ground(e) + style(e, 'color', 'fontSize', 'fontWeight', 'textShadow'), same = kinds.get(kind) || []
    if (same.length < 3) kinds.set(kind, [...same, e]) })
  return [...kinds.values()].flat() }'''
axe = '''async rules => { const run = async (where, o) => (await axe.run(where, {resultTypes: ['violations'], ...o})).violations
  const rest = rules.filter(o => o != 'color-contrast')
  const bad = await run(document, rules.length ? {runOnly: rest} : {rules: {'color-contrast': {enabled: false}}})
  if (!rules.length || rest.length < rules.length) bad.push(...await run({include: (%s)()}, {runOnly: ['color-contrast']}))
  return bad.filter(v => /serious|critical/.test(v.impact))
  .map(({id, help, helpUrl, nodes}) => [`${id}: ${help}`, `${nodes.length} here, the first is ${nodes[0].target.join(' ')}: ${nodes[0].any[0]?.message || ''}`,
    helpUrl.split('?')[0]]) }''' % alike
dark = "() => eval(getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).join('+')) < 384"
# Which of the menus' links a finger could touch
menu_link = 'nav a[href]:not([href^="#"])'
in_sight = '''() => [...document.querySelectorAll('%s')].map((e, i) => [e, i, e.getBoundingClientRect()]).filter(
  ([e,_,r]) => r.width > 1 && e.contains(document.elementFromPoint(r.x + r.width/2, r.y + r.height/2))).map(([_,i]) => i)''' % menu_link
# Before Tab is pressed: everything that can have the focus, and how it looks without. After each Tab: what shows no sign of having it
tab_start = '''() => {
  sign = (e, s=getComputedStyle(e)) => [s.outlineStyle == 'none' || s.outline, s.boxShadow, s.backgroundColor, s.border].join()
  all = [...document.querySelectorAll('a[href],button,input,select,textarea,summary,[tabindex="0"]')].filter(
    e => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true}))
  looks = new Map(all.map(e => [e, sign(e)])); return all.length }'''
tab_step = '''() => { const e = document.activeElement, r = e.getBoundingClientRect(), i = all.indexOf(e); if (i >= 0) all.splice(i, 1)
  const dim = looks.get(e) === sign(e) || r.width < 2 || r.bottom <= 0 || r.top >= innerHeight
  return [all.length && e !== document.body, dim ? e.outerHTML.slice(0, 90) : ''] }'''


class Handler(SimpleHTTPRequestHandler):
    "Like GitHub Pages: the site lies under `prefix`, with nothing beside it"
    def translate_path(self, path): return super().translate_path('/' + path[len(prefix):] if path.startswith(prefix) else '/nothing/here')
    def log_message(self, *args): pass


class Check:
    def __init__(self, folder, base, browser):
        self.folder,self.base,self.browser,self.failures,self.seen,self.at = folder,base,browser,defaultdict(list),{},''
        self.pages = sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*.html'))
        nbs = sorted(p.relative_to(root/'nbs') for p in (root/'nbs').rglob('*.ipynb'))
        self.notebooks = {p.with_suffix('.html').as_posix(): p.as_posix() for p in nbs if not re.search(r'(^|/)[._]', p.as_posix())}

    def need(self, ok, what, detail='', todo='', page=None):
        if not ok: self.failures[what].append((page or self.at, f': {detail}' if detail else '', todo))
        return ok

    def reader(self):
        "A new reader's page; whatever it complains about is a failure"
        context = self.browser.new_context(viewport=wide, reduced_motion='reduce', service_workers='block')
        context.set_default_timeout(15000) # the machine may be busy
        def outside(route):
            self.need(False, 'asks another site', route.request.url, 'Ship it with the site, and name it by a relative path.')
            route.abort()
        context.route(re.compile(rf'^(?!{re.escape(self.base)}|data:|blob:)'), outside)
        page = context.new_page()
        page.on('console', lambda o: self.need(o.type not in ('error', 'warning'), 'speaks on the console', o.text[:150], 'Mend the script.'))
        page.on('pageerror', lambda o: self.need(False, 'a script fails', o, 'Mend it.'))
        page.on('response', lambda o: self.need(o.status < 400, 'a request fails', f'{o.status} {o.url}', 'Ship the file, or mend the name.'))
        return page

    def go(self, page, name):
        self.at = name
        page.goto(self.base + name)

    def axe(self, page, how, *rules):
        if not page.evaluate('() => !!window.axe'): page.evaluate(thin_out); page.evaluate(axe_js)
        for what,detail,todo in page.evaluate(axe, rules): self.need(False, f'axe ({how}) {what}', detail, todo)

    def buttons(self, page, name): return page.get_by_role('button', name=re.compile(name, re.I))

    def toggle(self, page, how='click'):
        "Change between light and dark; is it dark now?"
        button,before = self.buttons(page, 'dark mode|light mode|theme|colou?r (mode|scheme)').first,page.evaluate(dark)
        if not self.need(button.count(), 'no button for dark mode', todo='A <button> with an aria-label belongs on each page.'): return before
        button.press('Enter') if how == 'Enter' else button.click()
        page.wait_for_timeout(200) # styles, and then the script that sets the colours of code
        self.need(page.evaluate(dark) != before, f'{how} on the button for dark mode changes nothing', todo='Mend it.')
        return page.evaluate(dark)

    def overflow(self, page, when=''):
        if wrong := page.evaluate(overflow): self.need(False, f'too wide for a phone{when}', wrong, 'Let it wrap, or scroll in its own box.')

    def one_page(self, page, name):
        "What must hold on each page, in one visit: as it comes, in the other colours, on a phone"
        self.go(page, name)
        page.evaluate('document.querySelectorAll("details").forEach(e => e.open = true)')
        page.evaluate('document.fonts.ready.then(() => 0)')
        if page.locator('.mermaid').count(): page.wait_for_timeout(2000)
        got = self.seen[name] = page.evaluate(look)
        for o in got['bad']: self.need(False, *o)
        if nb := self.notebooks.get(name):
            cells = json.loads((root/'nbs'/nb).read_text(encoding='utf-8'))['cells']
            text = '\n'.join(re.sub(r'(?ms)^```.*?^```|`[^`\n]+`', '', ''.join(c['source'])) for c in cells if c['cell_type'] == 'markdown')
            n = len(re.findall(r'\$\$.+?\$\$|\$[^\s$](?:[^$\n]*[^\s$])?\$(?!\d)', text, flags=re.S))
            self.need(got['formulas'] >= n, 'formulas are missing', f'{got["formulas"]} of {n} are there', 'Is KaTeX there?')
            repo,where = git_url.removeprefix('https://github.com/'),rf'/blob/(main|master|v[\d.]+)/nbs/{re.escape(nb)}$'
            for what,host in ('Open in Colab', 'colab.research.google.com/github'),('view source', 'github.com'):
                ok = any(re.match(rf'https://{re.escape(f"{host}/{repo}")}{where}', o) for o in got['links'])
                self.need(ok, f'no right link “{what}”', todo=f'It goes to https://{host}/{repo}/blob/main/nbs/{nb}')
        self.axe(page, 'dark' if page.evaluate(dark) else 'light')
        self.axe(page, 'dark' if self.toggle(page) else 'light', 'color-contrast', 'link-in-text-block')
        page.set_viewport_size(phone)
        page.wait_for_timeout(50)
        self.overflow(page)
        self.axe(page, 'phone', 'scrollable-region-focusable')
        page.set_viewport_size(wide)

    def relative(self, url):
        "The path and the anchor of a URL of this site, else None"
        url,anchor = urldefrag(url.replace(doc_url, self.base.rstrip('/')))
        if not url.startswith(self.base): return None
        path = unquote(urlsplit(url).path.removeprefix(prefix))
        return (path + 'index.html' if path.endswith('/') or not path else path), unquote(anchor)

    def links(self):
        "No link and no anchor is broken; each page can be reached from the first, each notebook and public name has its place"
        external,reached,todo = Counter(),set(),[home]
        for name,got in self.seen.items():
            self.at = name
            for url in {o for o in got['links'] + got['files'] if o.startswith('http')}:
                if to := self.relative(url):
                    got['to'].append(to[0])
                    ok = self.need((self.folder/to[0]).is_file(), 'broken link', to[0], 'Mend the link, or build the page.')
                    if ok and to[1] and to[0] in self.seen:
                        self.need(to[1] in self.seen[to[0]]['ids'], 'broken anchor', '#'.join(to), 'Mend the anchor, or the heading.')
                elif self.need(urlsplit(url).hostname != '127.0.0.1', 'link out of the site', urlsplit(url).path, 'Make it relative.'):
                    external[urlsplit(url).netloc] += 1
        while todo:
            if (name := todo.pop()) not in reached:
                reached.add(name)
                todo += [o for o in self.seen.get(name, {'to': ()})['to'] if o in self.seen]
        for o in self.seen.keys() - reached - {'404.html'}: self.need(False, 'no link leads here', todo='Put it into the sidebar.', page=o)
        for o,nb in self.notebooks.items(): self.need(o in self.seen, 'a notebook without a page', f'nbs/{nb}', 'Build the site anew.', o)
        for path in sorted((root/'rnnlab').rglob('[!_]*.py')):
            if path.stem == 'all': continue  # each of its names is described where it is made
            names = re.search(r'(?ms)^__all__ = (\[.*?\])$', path.read_text(encoding='utf-8'))
            self.at = f'api/{path.stem}.html'
            for o in ast.literal_eval(names[1]) if names else []:
                self.need(o in self.seen.get(self.at, {'ids': ()})['ids'], 'not in the API reference', o, 'Let the build describe it.')
        return ', '.join(f'{k} {v}' for k,v in external.most_common())

    def llms(self):
        "llms.txt names a Markdown copy of each page"
        self.at,path,words = 'llms.txt',self.folder/'llms.txt',lambda s: re.sub(r'\W+', ' ', s).strip()
        if not self.need(path.is_file(), 'is missing', todo='Set `website: llms-txt: true`.'): return
        urls = [urljoin(self.base, o) for o in re.findall(r'\]\(([^)\s]+)\)', path.read_text(encoding='utf-8'))]
        names = {to[0] for o in urls if (to := self.relative(o))}
        for o in names: self.need((self.folder/o).is_file(), 'broken link', o, 'Let the build write it.')
        for o in self.seen.keys() - {'404.html'}:
            copy = [c for x in ('md', 'llms.md', 'html.md') if (c := o.removesuffix('html') + x) in names]
            text = (self.folder/copy[0]).read_text(encoding='utf-8') if copy and (self.folder/copy[0]).is_file() else ''
            title = re.search('(?m)^# (.*)', text)
            self.need(title and words(title[1]) == words(self.seen[o]['h1']), 'no Markdown copy, with its title, of', o, 'Let the build write it.')

    def search(self, page):
        hits,words = page.locator(search_hit),lambda s: re.sub(r'\W+', ' ', s).lower()
        def type_in(text):
            page.locator(search_box).first.click()
            page.locator(search_box).first.press_sequentially(text)
            now,was = [text],None
            while now != was: # the hits of its beginning are shown before those of `text`
                page.wait_for_timeout(500)
                now,was = hits.all_inner_texts(),now
            return len(now)
        for query,start in searches.items():
            self.go(page, start)
            if not self.need(type_in(query), 'search finds nothing', query, 'Is it in search.json?'): continue
            page.locator(search_box).first.press('ArrowDown')
            self.axe(page, 'search open')
            with page.expect_navigation(): page.locator(search_box).first.press('Enter')
            found = words(query) in words(page.evaluate('document.querySelector("main").textContent'))
            self.need(found, 'what search finds first does not hold what was sought', f'{query}: {page.url}', 'Mend search.')
        self.need(not type_in('qqxzzy'), 'search finds what is nowhere', 'qqxzzy', 'Mend search.')

    def folds(self, page):
        "Answers and code are folded, and open and close by click and by keyboard"
        self.go(page, folded)
        for kind,css in {'answer': 'details:not(.code-fold)', 'code': 'details.code-fold'}.items():
            one,is_open = page.locator(css).first,'e => e.open && e.lastElementChild.checkVisibility()'
            n = page.locator(css).evaluate_all(f'all => all.filter({is_open}).length')
            if not self.need(page.locator(css).count() and not n, f'no folded {kind}', f'{n} are open', 'Use <details>, closed.'): continue
            for how in 'click', 'Enter', ' ':
                for want in True,False:
                    one.locator('summary').click() if how == 'click' else one.locator('summary').press(how)
                    self.need(one.evaluate(is_open) == want, f'“{how}” does not {"open" if want else "close"} a folded {kind}', todo='Use <summary>.')

    def colours(self, page):
        "The choice between light and dark lasts, on other pages too, and the keyboard can make it"
        self.go(page, home)
        was = self.toggle(page)
        for o in sub,home,home:
            self.go(page, o)
            self.need(page.evaluate(dark) == was, 'the colours that were chosen are forgotten', todo='Keep the choice in localStorage.')
        self.toggle(page, 'Enter')

    def tab(self, page):
        "Tab reaches everything that can be pressed and shows where it is; the skip link leads into <main>"
        for name in home,folded:
            self.go(page, name)
            for _ in range(2*page.evaluate(tab_start) + 50): # boxes that scroll take a Tab each, too
                page.keyboard.press('Tab')
                on,dim = page.evaluate(tab_step)
                self.need(not dim, 'no sign of the focus', dim, 'Style :focus-visible.')
                if not on: break
            for o in page.evaluate('all.map(e => e.outerHTML.slice(0, 90))'): self.need(False, 'Tab does not reach', o, 'Is its tabindex wrong?')
            self.go(page, name)
            page.keyboard.press('Tab')
            if page.evaluate("/^#/.test(document.activeElement.getAttribute('href'))"):
                for key in 'Enter','Tab': page.keyboard.press(key)
                inside = page.evaluate('!!document.activeElement.closest("main")')
                self.need(inside, 'the skip link does not lead into <main>', todo='Give <main> an id.')

    def menu(self, page):
        "On a phone each menu opens; they lead to search and to other pages"
        page.set_viewport_size(phone)
        self.go(page, home)
        buttons,search,now = self.buttons(page, 'menu|navigation|sidebar'),False,[]
        if not self.need(buttons.count(), 'no button for a menu on a phone', todo='A <button> with an aria-label.'): return
        for i in range(buttons.count()):
            self.go(page, home)
            before,name = page.evaluate(in_sight),buttons.nth(i).get_attribute('aria-label')
            buttons.nth(i).press('Enter')
            page.wait_for_timeout(400)
            now = page.evaluate(in_sight)
            self.need(len(now) > len(before), 'a button for a menu on a phone shows no more links', name, 'Mend it.')
            self.axe(page, f'phone, {name}')
            self.overflow(page, f', {name}')
            search |= page.locator(search_box).count() > 0
        self.need(search, 'no search on a phone', todo='Put it into a menu.')
        if self.need(now, 'no menu leads anywhere on a phone', todo='Show the sidebar.'):
            with page.expect_navigation(): page.locator(menu_link).nth(now[-1]).click()


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('folder', type=Path, help='the built site')
    ap.add_argument('--all', action='store_true', help='say where each fault is, not only the first of its kind')
    args,start = ap.parse_args(),time.time()
    if not (args.folder/home).is_file(): sys.exit(f'FAILED: {args.folder} holds no {home}. Build the site: `python .ci/docs.py`.')
    found = [o for o in (os.environ.get('CHROMIUM', ''), 'chromium', 'google-chrome', 'chromium-browser') if o and shutil.which(o)]
    if not found: sys.exit('FAILED: no Chromium. `apt-get install chromium`, or set CHROMIUM to where it is.')
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=args.folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which(found[0]), args=flags)
        c = Check(args.folder, f'http://127.0.0.1:{server.server_port}{prefix}', browser)
        def tried(part, *args):
            try: part(*args)
            except Error as e: c.need(False, f'“{part.__name__}” broke off', str(e).splitlines()[0], 'Look at that page.')
        page = c.reader()
        for o in c.pages: tried(c.one_page, page, o)
        external = c.links()
        c.llms()
        for part in c.search,c.folds,c.colours,c.tab,c.menu: tried(part, c.reader())
    for what,where in c.failures.items():
        more = f' and {len({o[0] for o in where}) - 1} more pages' if {o[0] for o in where} - {where[0][0]} else ''
        for at,detail,todo in where if args.all else where[:1]: print(f'{at}{"" if args.all else more}: {what}{detail}. {todo}')
    n = lambda k: sum(o[k] for o in c.seen.values())
    print(f'links to other sites, not followed: {external}')
    did = f'{len(c.seen)} pages, {n("formulas")} formulas, {n("diagrams")} diagrams in {time.time()-start:.0f} s'
    sys.exit(f'FAILED: {len(c.failures)} kinds of fault; {did}') if c.failures else print(f'ok: {did}')


if __name__ == '__main__': main()
