"""Is the docs site fit to be published? `check_site.py FOLDER` serves FOLDER under the path that it
has on GitHub Pages, and uses every page in Chromium as a reader would: wide and on a phone, light
and dark, by mouse and by keyboard, with the network cut off. It asks there what check_site.js says.
"""
import argparse, ast, json, os, re, shutil, sys, threading, time
from collections import Counter, defaultdict
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from playwright.sync_api import Error, sync_playwright
from repo import root, settings

git_url,doc_url = (settings[o].rstrip('/') for o in ('git_url', 'doc_url'))
prefix = urlsplit(doc_url).path + '/'
beside = {'/axe.js': files('axe_playwright_python')/'axe.min.js'}
wide = dict(width=1366, height=900)
phone = dict(width=375, height=800)
home = 'index.html'
sub = 'questions/43_errata.html'
folded = 'questions/40_chapter12.html'
# what is sought from which page; a lesson comes before what else has it, a name may be a name
searches = {'RNNRegularizer': home, 'weight tying': sub, 'detach': home}
search_box = 'input[type=search]:visible'
search_hit = '.search-result:visible, [role=option]:visible'
# No look-ups, and none of the calls home that a new Chromium makes
flags = ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--disable-gpu',
         '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync']

menu_link = 'nav a[href]:not([href^="#"])'
# What is asked of a page, in the page
in_page = Path(__file__).with_suffix('.js').read_text(encoding='utf-8')


class Handler(SimpleHTTPRequestHandler):
    "Like GitHub Pages: the site lies under `prefix`, with nothing of ours but `beside` it"
    def translate_path(self, path):
        if path in beside: return str(beside[path])
        return super().translate_path('/' + path[len(prefix):] if path.startswith(prefix)
                                      else '/nothing/here')
    def log_message(self, *args): pass


def tabbed(page):
    "After Tab was pressed to the page's end: what shows no sign of the focus, what never had it"
    n = page.evaluate('checkSite.tabStart()')
    for i in range(2*n + 50): # boxes that scroll take a Tab each, too
        page.keyboard.press('Tab')
        if i % 20 == 19 and page.evaluate('tabs.done'): break
    return page.evaluate('checkSite.tabEnd()')


class Check:
    def __init__(self, folder, base, browser):
        self.folder = folder
        self.base = base
        self.browser = browser
        self.failures = defaultdict(list)
        self.seen = {}
        self.code = [] # of each block of code, whether it is cut
        self.at = ''
        self.pages = sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*.html'))
        nbs = sorted(p.relative_to(root/'nbs') for p in (root/'nbs').rglob('*.ipynb'))
        self.notebooks = {p.with_suffix('.html').as_posix(): p.as_posix()
                          for p in nbs if not re.search(r'(^|/)[._]', p.as_posix())}

    def need(self, ok, what, detail='', todo='', page=None):
        if not ok:
            self.failures[what].append((page or self.at, f': {detail}' if detail else '', todo))
        return ok

    def reader(self):
        "A new reader's page; whatever it complains about is a failure"
        context = self.browser.new_context(viewport=wide, reduced_motion='reduce',
                                           service_workers='block')
        context.set_default_timeout(15000) # the machine may be busy
        context.add_init_script(in_page)
        page = context.new_page()
        # no other host is found, and page.route would turn the cache off
        ours = lambda url: (url.startswith((self.base, 'data:', 'blob:'))
                            or url in [urljoin(self.base, o) for o in beside])
        page.on('request',
                lambda o: self.need(ours(o.url), 'asks another site', o.url,
                                    'Ship it with the site, and name it by a relative path.'))
        page.on('console',
                lambda o: self.need(o.type not in ('error', 'warning'), 'speaks on the console',
                                    o.text[:150], 'Mend the script.'))
        page.on('pageerror', lambda o: self.need(False, 'a script fails', o, 'Mend it.'))
        page.on('response',
                lambda o: self.need(o.status < 400, 'a request fails', f'{o.status} {o.url}',
                                    'Ship the file, or mend the name.'))
        return page

    def go(self, page, name):
        self.at = name
        page.goto(self.base + name)

    def axe(self, page, how, *rules):
        for what,detail,todo in page.evaluate('([menus, rules]) => checkSite.axe(menus, rules)',
                                              [self.at not in (home, sub), rules]):
            self.need(False, f'axe ({how}) {what}', detail, todo)

    def buttons(self, page, name): return page.get_by_role('button', name=re.compile(name, re.I))

    def toggle(self, page, how='click'):
        "Change between light and dark; is it dark now?"
        button = page.locator('button[aria-label="Dark mode"]:visible').first
        before = page.evaluate('checkSite.dark()')
        if not self.need(button.count(), 'no button for dark mode',
                         todo='A <button> with an aria-label belongs on each page.'):
            return before
        button.press('Enter') if how == 'Enter' else button.click()
        now = page.evaluate('before => checkSite.changed(before)', before)
        self.need(now != before, f'{how} on the button for dark mode changes nothing',
                  todo='Mend it.')
        self.need(button.get_attribute('aria-pressed') == str(now).lower(),
                  'the button for dark mode says the wrong thing', todo='See accessible.html.')
        return now

    def overflow(self, page, when=''):
        if wrong := page.evaluate('checkSite.overflow()'):
            self.need(False, f'too wide for a phone{when}', wrong,
                      'Let it wrap, or scroll in its own box.')

    def one_page(self, page, name):
        "What must hold on each page, in one visit: as it comes, in the other colours, on a phone"
        self.go(page, name)
        got = self.seen[name] = page.evaluate('checkSite.look()')
        for o in got['bad']: self.need(False, *o)
        if nb := self.notebooks.get(name):
            cells = json.loads((root/'nbs'/nb).read_text(encoding='utf-8'))['cells']
            text = '\n'.join(re.sub(r'(?ms)^```.*?^```|`[^`\n]+`', '', ''.join(c['source']))
                             for c in cells if c['cell_type'] == 'markdown')
            n = len(re.findall(r'\$\$.+?\$\$|\$[^\s$](?:[^$\n]*[^\s$])?\$(?!\d)', text, flags=re.S))
            self.need(got['formulas'] >= n, 'formulas are missing',
                      f'{got["formulas"]} of {n} are there', 'Is KaTeX there?')
            repo = git_url.removeprefix('https://github.com/')
            where = rf'/blob/(main|master|v[\d.]+)/nbs/{re.escape(nb)}$'
            hosts = {'Open in Colab': 'colab.research.google.com/github',
                     'view source': 'github.com'}
            for what,host in hosts.items():
                ok = any(re.match(rf'https://{re.escape(f"{host}/{repo}")}{where}', o)
                         for o in got['links'])
                self.need(ok, f'no right link “{what}”',
                          todo=f'It goes to https://{host}/{repo}/blob/main/nbs/{nb}')
        self.cut(page, on_phone=False)
        page.set_viewport_size(phone)
        self.overflow(page)
        self.cut(page, on_phone=True)
        self.axe(page, 'phone', 'scrollable-region-focusable')
        page.set_viewport_size(wide)
        self.axe(page, 'dark' if page.evaluate('checkSite.dark()') else 'light')
        self.axe(page, 'dark' if self.toggle(page) else 'light', 'color-contrast',
                 'link-in-text-block')

    def cut(self, page, on_phone):
        "What does not fit scrolls, and shows it; but no table on a wide screen, and little code"
        got = page.evaluate('checkSite.cut()')
        for o in got['unsaid']:
            self.need(False, 'no sign that more is to the right', o, 'See accessible.html.')
        for o in got['small']: self.need(False, 'letters too small to read', o, 'See .ci/docs.py.')
        if on_phone: return
        for o in got['tables']:
            self.need(False, f'a table is cut at {wide["width"]} pixels', o,
                      'Show fewer columns, or shorter words.')
        self.code += got['code']

    def relative(self, url):
        "The path and the anchor of a URL of this site, else None"
        url,anchor = urldefrag(url.replace(doc_url, self.base.rstrip('/')))
        if not url.startswith(self.base): return None
        path = unquote(urlsplit(url).path.removeprefix(prefix))
        return (path + 'index.html' if path.endswith('/') or not path else path), unquote(anchor)

    def links(self):
        """No link and no anchor is broken; each page can be reached from the first, each notebook
        and public name has its place"""
        external = Counter()
        reached = set()
        todo = [home]
        for name,got in self.seen.items():
            self.at = name
            for url in {o for o in got['links'] + got['files'] if o.startswith('http')}:
                if to := self.relative(url):
                    got['to'].append(to[0])
                    ok = self.need((self.folder/to[0]).is_file(), 'broken link', to[0],
                                   'Mend the link, or build the page.')
                    if ok and to[1] and to[0] in self.seen:
                        self.need(to[1] in self.seen[to[0]]['ids'], 'broken anchor', '#'.join(to),
                                  'Mend the anchor, or the heading.')
                elif self.need(urlsplit(url).hostname != '127.0.0.1', 'link out of the site',
                               urlsplit(url).path, 'Make it relative.'):
                    external[urlsplit(url).netloc] += 1
        while todo:
            if (name := todo.pop()) not in reached:
                reached.add(name)
                todo += [o for o in self.seen.get(name, {'to': ()})['to'] if o in self.seen]
        for o in self.seen.keys() - reached - {'404.html'}:
            self.need(False, 'no link leads here', todo='Put it into the sidebar.', page=o)
        for o,nb in self.notebooks.items():
            self.need(o in self.seen, 'a notebook without a page', f'nbs/{nb}',
                      'Build the site anew.', o)
        for path in sorted((root/'rnnlab').rglob('[!_]*.py')):
            if path.stem == 'all': continue  # each of its names is described where it is made
            names = re.search(r'(?ms)^__all__ = (\[.*?\])$', path.read_text(encoding='utf-8'))
            self.at = f'api/{path.stem}.html'
            for o in ast.literal_eval(names[1]) if names else []:
                self.need(o in self.seen.get(self.at, {'ids': ()})['ids'],
                          'not in the API reference', o, 'Let the build describe it.')
        return ', '.join(f'{k} {v}' for k,v in external.most_common())

    def llms(self):
        "llms.txt names a Markdown copy of each page"
        self.at = 'llms.txt'
        path = self.folder/self.at
        words = lambda s: re.sub(r'\W+', ' ', s).strip()
        if not self.need(path.is_file(), 'is missing', todo='Set `website: llms-txt: true`.'):
            return
        urls = [urljoin(self.base, o)
                for o in re.findall(r'\]\(([^)\s]+)\)', path.read_text(encoding='utf-8'))]
        names = {to[0] for o in urls if (to := self.relative(o))}
        for o in names:
            self.need((self.folder/o).is_file(), 'broken link', o, 'Let the build write it.')
        for o in self.seen.keys() - {'404.html'}:
            copies = [o.removesuffix('html') + x for x in ('md', 'llms.md', 'html.md')]
            copy = [self.folder/c for c in copies if c in names and (self.folder/c).is_file()]
            text = copy[0].read_text(encoding='utf-8') if copy else ''
            title = re.search('(?m)^# (.*)', text)
            self.need(title and words(title[1]) == words(self.seen[o]['h1']),
                      'no Markdown copy, with its title, of', o, 'Let the build write it.')

    def search(self, page):
        hits = page.locator(search_hit)
        words = lambda s: re.sub(r'\W+', ' ', s).lower()
        def type_in(text):
            page.locator(search_box).first.click()
            page.locator(search_box).first.press_sequentially(text)
            was = None
            now = [text]
            while now != was: # the hits of its beginning are shown before those of `text`
                page.wait_for_timeout(500)
                was = now
                now = hits.all_inner_texts()
            return len(now)
        for query,start in searches.items():
            self.go(page, start)
            if not self.need(type_in(query), 'search finds nothing', query,
                             'Is it in search.json?'):
                continue
            page.locator(search_box).first.press('ArrowDown')
            self.axe(page, 'search open')
            with page.expect_navigation(): page.locator(search_box).first.press('Enter')
            found = words(query) in words(
                page.evaluate('document.querySelector("main").textContent'))
            self.need(found, 'what search finds first does not hold what was sought',
                      f'{query}: {page.url}', 'Mend search.')
            self.need('/chapter/' in page.url or query[0].isupper(), 'search finds no lesson first',
                      f'{query}: {page.url}', 'See accessible.html.')
        self.need(not type_in('qqxzzy'), 'search finds what is nowhere', 'qqxzzy', 'Mend search.')

    def folds(self, page):
        "Answers, their proofs and code are folded, and open and close by click and by keyboard"
        self.go(page, folded)
        kinds = {'answer': 'details:not(.code-fold, .proof)', 'proof': 'details.proof',
                 'code': 'details.code-fold'}
        for kind,css in kinds.items():
            one = page.locator(css).first
            is_open = 'e => e.open && e.lastElementChild.checkVisibility()'
            n = page.locator(css).evaluate_all(f'all => all.filter({is_open}).length')
            if not self.need(page.locator(css).count() and not n, f'no folded {kind}',
                             f'{n} are open', 'Use <details>, closed.'):
                continue
            for how in 'click', 'Enter', ' ':
                for want in True,False:
                    summary = one.locator('summary').first
                    summary.click() if how == 'click' else summary.press(how)
                    self.need(one.evaluate(is_open) == want,
                              f'“{how}” does not {"open" if want else "close"} a folded {kind}',
                              todo='Use <summary>.')
            one.evaluate('e => e.open = true') # the first proof is in the first answer

    def colours(self, page):
        "The choice between light and dark lasts, on other pages too, and the keyboard can make it"
        self.go(page, home)
        was = self.toggle(page)
        for o in sub,home,home:
            self.go(page, o)
            self.need(page.evaluate('checkSite.dark()') == was,
                      'the colours that were chosen are forgotten',
                      todo='Keep the choice in localStorage.')
        self.toggle(page, 'Enter')

    def tab(self, page):
        "Tab reaches all that can be pressed and shows where it is; the skip link leads into <main>"
        for name in home,folded:
            self.go(page, name)
            dim,missed = tabbed(page)
            for o in dim: self.need(False, 'no sign of the focus', o, 'Style :focus-visible.')
            for o in missed: self.need(False, 'Tab does not reach', o, 'Is its tabindex wrong?')
            self.go(page, name)
            page.keyboard.press('Tab')
            if page.evaluate("/^#/.test(document.activeElement.getAttribute('href'))"):
                for key in 'Enter','Tab': page.keyboard.press(key)
                inside = page.evaluate('!!document.activeElement.closest("main")')
                self.need(inside, 'the skip link does not lead into <main>',
                          todo='Give <main> an id.')

    def menu(self, page):
        "On a phone each menu opens; they lead to search and to other pages"
        page.set_viewport_size(phone)
        self.go(page, home)
        buttons = self.buttons(page, 'menu|navigation|sidebar')
        search = False
        now = []
        if not self.need(buttons.count(), 'no button for a menu on a phone',
                         todo='A <button> with an aria-label.'):
            return
        for i in range(buttons.count()):
            self.go(page, home)
            before = page.evaluate('link => checkSite.inSight(link)', menu_link)
            name = buttons.nth(i).get_attribute('aria-label')
            buttons.nth(i).press('Enter')
            page.wait_for_timeout(400)
            now = page.evaluate('link => checkSite.inSight(link)', menu_link)
            self.need(len(now) > len(before), 'a button for a menu on a phone shows no more links',
                      name, 'Mend it.')
            self.axe(page, f'phone, {name}')
            self.overflow(page, f', {name}')
            search |= page.locator(search_box).count() > 0
        self.need(search, 'no search on a phone', todo='Put it into a menu.')
        if self.need(now, 'no menu leads anywhere on a phone', todo='Show the sidebar.'):
            with page.expect_navigation(): page.locator(menu_link).nth(now[-1]).click()


def chromium():
    "Where Chromium is"
    for o in os.environ.get('CHROMIUM', ''),'chromium','google-chrome','chromium-browser':
        if o and shutil.which(o): return shutil.which(o)
    sys.exit('FAILED: no Chromium. `apt-get install chromium`, or set CHROMIUM to where it is.')


@contextmanager
def opened(folder):
    "The address of the site in `folder`, and a browser"
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=flags)
        yield f'http://127.0.0.1:{server.server_port}{prefix}', browser


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('folder', type=Path, help='the built site')
    ap.add_argument('--all', action='store_true',
                    help='say where each fault is, not only the first of its kind')
    args = ap.parse_args()
    start = time.time()
    if not (args.folder/home).is_file():
        sys.exit(f'FAILED: {args.folder} holds no {home}. Build the site: `python .ci/docs.py`.')
    with opened(args.folder) as (base, browser):
        c = Check(args.folder, base, browser)
        def tried(part, *args):
            try: part(*args)
            except Error as e:
                c.need(False, f'“{part.__name__}” broke off', str(e).splitlines()[0],
                       'Look at that page.')
        page = c.reader()
        for o in c.pages: tried(c.one_page, page, o)
        c.need(sum(c.code) <= .03*len(c.code), 'more than 3 % of the code is cut',
               f'{sum(c.code)} of {len(c.code)} blocks', 'Break the lines.', 'the whole site')
        external = c.links()
        c.llms()
        for part in c.search,c.folds,c.colours,c.tab,c.menu: tried(part, page)
    for what,where in c.failures.items():
        more = (f' and {len({o[0] for o in where}) - 1} more pages'
                if {o[0] for o in where} - {where[0][0]} else '')
        for at,detail,todo in where if args.all else where[:1]:
            print(f'{at}{"" if args.all else more}: {what}{detail}. {todo}')
    print(f'links to other sites, not followed: {external}')
    did = (f'{len(c.seen)} pages, {sum(o["formulas"] for o in c.seen.values())} formulas, '
           f'{sum(c.code)} of {len(c.code)} blocks of code cut, in {time.time()-start:.0f} s')
    if c.failures: sys.exit(f'FAILED: {len(c.failures)} kinds of fault; {did}')
    print(f'ok: {did}')


if __name__ == '__main__': main()
