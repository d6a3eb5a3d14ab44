"""Is the RNN Explainer right, and can everybody use it? `check_explainer.py FOLDER`, with the built
site in FOLDER, opens it in Chromium with the network cut off. Its numbers are compared with
PyTorch's, each view is used by keyboard alone, and on a phone; axe looks at it in both colours.
`--stills` writes the pictures that stand where no JavaScript runs, from the same pages."""
import base64, html, io, json, re, statistics, sys, tempfile, time
from pathlib import Path
import torch
from PIL import Image
import check_site
from check_site import beside, opened, phone, tabbed, wide
from repo import root
from rnnlab.course.explainer import explainer_file, pack, pretrained
from rnnlab.data import number_words
from rnnlab.models import LMModel6

# The module itself, and the weights, in the page
module_js = """async () => {
  globalThis.x = await import('/explainer.js')
  globalThis.file = x.readWeights(await (await fetch('/explainer.safetensors')).arrayBuffer())
}"""

golden_js = """async () => {
  const cases = await (await fetch('/golden.json')).json()
  const far = (a, b) => { // relative to the largest number of the vector
    const off = Math.max(...b.map((v, i) => Math.abs(a[i] - v)))
    const size = Math.max(...b.map(Math.abs))
    return a.length === b.length ? off / (size || 1) : Infinity
  }
  const found = {}
  for (const [name, {model, epoch, ids, word, at, from, resets, holds, logits, gradient, steps}]
       of Object.entries(cases)) {
    const worst = found[name] = {}
    const keep = (k, v) => worst[k] = Math.max(worst[k] ?? 0, Number.isNaN(v) ? Infinity : v)
    const network = x.makeNetwork(file, model, epoch)
    const read = []
    ids.forEach((id, t) => {
      const before = t && !resets.includes(t) ? read[t - 1] : null
      read.push(x.read(network, before, id, holds.filter((o) => o.from <= t)))
      keep('logits', far(read[t].logits, logits[t]))
      steps[t].forEach((layer, l) => Object.entries(layer).forEach(
        ([k, v]) => keep(k, far(read[t].layers[l][k], v))))
    })
    const back = x.reach(network, read, at, word, from).gradients
    gradient.forEach((v, t) => keep('gradient', far(back[t], v)))
  }
  return found
}"""

def golden(model, ids, word, at, resets=(), cut=0, forget=None):
    """What PyTorch computes in double precision: logits, states and gates after each word, and the
    gradient of the logit of `word` after `at` to each embedding. The state is reset before the
    words `resets`, detached before `cut`, and from `forget` on all forget gates are 0"""
    model = model.double()
    x = model.i_h(torch.tensor(ids)[None]).detach().requires_grad_()
    steps = []
    def kept(t, o):
        if t in resets: return torch.zeros_like(o)
        return o.detach() if t == cut else o
    if hasattr(model, 'h_h'):
        h = torch.zeros(x.shape[-1], dtype=x.dtype)
        for t,o in enumerate(x[0]):
            h = torch.relu(model.h_h(kept(t, h) + o))
            steps.append([dict(h=h)])
        logits = [model.h_o(o[0]['h']) for o in steps]
    else:
        rnn = model.rnn
        seq = x[0]
        every = []
        for l in range(rnn.num_layers):
            wi,wh,bi,bh = (getattr(rnn, f'{o}_l{l}')
                           for o in ('weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'))
            h = c = torch.zeros(x.shape[-1], dtype=x.dtype)
            out = []
            for t,o in enumerate(seq):
                h,c = kept(t, h),kept(t, c)
                a = wi@o + bi
                b = wh@h + bh
                if rnn.mode == 'LSTM':
                    i,f,g,o = (a+b).chunk(4)
                    i,f,g,o = i.sigmoid(),f.sigmoid(),g.tanh(),o.sigmoid()
                    if forget is not None and t >= forget: f = torch.zeros_like(f)
                    c = f*c + i*g
                    h = o*c.tanh()
                    out.append(dict(i=i, f=f, g=g, o=o, c=c, h=h))
                elif rnn.mode == 'GRU':
                    ar,az,an = a.chunk(3)
                    br,bz,bn = b.chunk(3)
                    r = (ar+br).sigmoid()
                    z = (az+bz).sigmoid()
                    n = (an + r*bn).tanh()
                    h = (1-z)*n + z*h
                    out.append(dict(r=r, z=z, n=n, h=h))
                else:
                    h = (a+b).tanh()
                    out.append(dict(h=h))
            every.append(out)
            seq = torch.stack([o['h'] for o in out])
        steps = [list(o) for o in zip(*every)]
        logits = [model.h_o(o) for o in seq]
        if not (resets or forget): # PyTorch's own layers say the same
            assert torch.allclose(rnn(x.detach())[0][0], seq, rtol=1e-9, atol=1e-12)
    gradient, = torch.autograd.grad(logits[at][word], x)
    plain = lambda t: t.detach().tolist()
    return dict(logits=plain(torch.stack(logits)), gradient=plain(gradient[0, :at+1]),
                steps=[[{k: plain(v) for k,v in l.items()} for l in s] for s in steps])


def cases():
    "200 words from 8,990 on, most of them never read in training: plain, reset, cut, broken"
    _,vocab = pretrained()
    text = ' . '.join(number_words(n) for n in range(8990, 9040)).split()[:200]
    ids = vocab.encode(text).tolist()
    res = {}
    for name in 'LMModel2','LMModel4','LMModel5','LMModel6','LMModel7','LMModel8':
        model,_ = pretrained(name, 15)
        common = dict(model=name, epoch=15, ids=ids, word=vocab.o2i['hundred'], at=199)
        def case(how, resets=(), cut=0, holds=(), forget=None):
            broken = {'resets': [*resets], 'holds': [*holds], 'from': cut}
            res[f'{name} {how}'] = common | broken | golden(model, ids, common['word'], 199,
                                                            resets, cut, forget)
        case('whole')
        case('reset and cut', resets=[120], cut=150)
        if name in ('LMModel6', 'LMModel7'):
            hold = {'value': 'f', 'unit': 'all', 'to': 0, 'from': 190}
            case('broken', forget=190, holds=[hold | dict(layer=l) for l in (0, 1)])
    return res


class Check(check_site.Check):
    def __init__(self, *args):
        super().__init__(*args)
        self.said = []
        self.page = self.reader()

    def open(self, address='explainer.html', size=wide, motion='reduce'):
        "A page of the site"
        self.page.set_viewport_size(size)
        self.page.emulate_media(reduced_motion=motion)
        self.go(self.page, address)
        self.page.wait_for_selector('.rnnx')
        return self.page

    def module(self):
        "A page that holds the module itself, as `x`, and the weights, as `file`"
        page = self.open()
        page.evaluate(module_js)
        return page

    def numbers(self):
        page = self.module()
        with tempfile.TemporaryDirectory() as folder:
            beside['/golden.json'] = Path(folder)/'golden.json'
            beside['/golden.json'].write_text(json.dumps(cases()))
            found = page.evaluate(golden_js)
        worst = max(v for o in found.values() for v in o.values())
        for case,o in found.items():
            for k,v in o.items():
                self.need(v <= 1e-5, f"{case}: {k} is not PyTorch's", f'{v:.1e} off')
        self.said.append(f"{len(found)} readings of 200 words are PyTorch's to {worst:.0e}")
        words = page.evaluate("""() => {
          const all = [...Array(9999).keys()].map((n) => x.numberWords(n + 1))
          const wrong = all.slice(0, -1).filter((o, n) => [...all[n + 1], '.'].some((w, k, next) =>
            x.truthAfter([...o, '.', ...next.slice(0, k)]) !== w))
          return [all.map((o) => o.join(' ')), wrong.length, x.truthAfter(['two', '.', 'four']),
                  x.truthAfter(['two'])]
        }""")
        self.need(words[0] == [number_words(n) for n in range(1, 10000)], 'number_words differ')
        self.need(words[1:] == [0, None, None], 'what counting demands is wrong', words[1:])

    def state(self, page): return page.evaluate('location.search')
    def text(self, page, css): return page.locator(css).first.inner_text()

    def addresses(self):
        "An address shows what it says; a malformed one shows the default, and says so"
        good = '?model=LMModel8&epoch=4&text=38-41&at=5&unit=2%3A7%3Az&tab=cell'
        page = self.open(f'explainer.html{good}')
        shown = page.evaluate("""() => [...document.querySelectorAll('.rnnx select')].map(
            (e) => e.selectedOptions[0].textContent)""")
        for o in 'LMModel8: GRU, 2 layers','update gate z','layer 2, unit 7':
            self.need(o in shown, 'an address is not shown', f'{o}: {shown}')
        self.need('forty' in self.text(page, '.film [aria-current]') or
                  self.text(page, '.film [aria-current]') == '.', 'an address is not shown: at')
        self.need('layer 2, unit 7' in self.text(page, '.panel').lower(), 'no opened cell')
        wrong = ['model=LMModel99', 'epoch=3', 'at=-4', 'at=x', 'unit=9:99:q', 'unit=%00',
                 'tab=nothing', 'write=1e9', 'temperature=hot', 'break=1:f:all', 'reset=now',
                 'break=7:c:3:0:1', 'seed=-1', 'logit=<b>']
        page = self.module()
        links = {html.unescape(o) for f in self.folder.rglob('*.html')
                 for o in re.findall(r'href="[^"]*explainer\.html\?([^"]*)"', f.read_text('utf-8'))}
        self.need(len(links) >= 10, 'the pages link to less than they did', links)
        for query in links:
            notes = page.evaluate("""(query) => {
              const {state, notes} = x.readState(query, file)
              return [...notes, ...x.parseText(state.text, file.vocab).notes]
            }""", query)
            self.need(not notes, 'a page links to what does not exist', f'{query}: {notes}')
        standard = page.evaluate("x.readState('', file)")
        for query in wrong:
            got = page.evaluate('(query) => x.readState(query, file)', query)
            same = got['state'] == standard['state']
            self.need(same, 'a malformed address is not the default', query)
            self.need(len(got['notes']) == 1 and query.split('=')[0] in got['notes'][0],
                      'a malformed address is not spoken of', f'{query}: {got["notes"]}')
        self.open('explainer.html?epoch=99&unit=1')
        said = self.text(page, '.say')
        self.need('epoch “99”' in said and 'unit “1”' in said, 'the page does not say so', said)
        self.need('After “.”' in self.text(page, '.rnnx'), 'no default shown')

    def typing(self):
        "What cannot be read is said in words, and never breaks the page"
        page = self.open()
        box = page.get_by_label('Numbers or words')
        for text,said in {'one two blorp': '“blorp”', '': 'Type a number', '12345': '12,345',
                          '1-9999': 'first 400 words', '0': '1 to 9,999', 'x '*999: 'Type a number',
                          '<img src=x onerror=alert(1)>': 'Type a number', '799': '', '38-41': '',
                          'seven hundred ninety-nine, eight hundred': ''}.items():
            box.fill(text)
            box.press('Enter')
            got = self.text(page, '.say')
            self.need(said in got if said else not got, 'what was typed is answered wrongly',
                      f'{text[:30]!r}: “{got}”')
            self.need(page.locator('.film button').count() > 0, 'no words', text[:30])
        box.fill('999-1002')
        box.press('Enter')
        words = page.locator('.film button').all_inner_texts()
        right = 'nine hundred ninety nine .'.split()
        self.need(words[:5] == right, 'a range is read wrongly', words)

    def keyboard(self):
        "Every control has the focus in turn, and shows it; every view is reached by keys alone"
        page = self.open('explainer.html?text=797-801')
        page.evaluate('document.querySelectorAll(".rnnx details").forEach((e) => e.open = true)')
        dim,missed = tabbed(page)
        for o in dim: self.need(False, 'no sign of the focus', o)
        for o in missed: self.need(False, 'Tab does not reach', o)
        at = lambda: int(page.locator('.rnnx input[aria-label=Word]').input_value())
        chip = page.locator('.film [aria-current]')
        chip.press('End')
        last = page.locator('.film button').count()-1
        self.need(at() == last, 'End does not lead to the last word')
        page.keyboard.press('Home')
        page.keyboard.press('ArrowRight')
        self.need(at() == 1, 'the arrow keys do not step')
        page.locator('.scroll').first.press('ArrowDown')
        self.need('unit 2' in self.text(page, '.readout'), 'the arrow keys choose no unit')
        page.get_by_role('tab').first.press('ArrowRight')
        self.need('c = f·c₋₁ + i·g' in self.text(page, '.panel'), 'no equation')
        page.keyboard.press('ArrowRight')
        self.need(page.locator('.reach canvas').count() == 3, 'not three networks side by side')
        page.keyboard.press('ArrowLeft')
        page.keyboard.press('ArrowLeft')
        epoch = page.get_by_label('Epoch', exact=True)
        epoch.press('Home')
        self.need('untrained' in self.text(page, '.rnnx output'), 'no untrained network')
        epoch.press('End')
        page.get_by_role('button', name='Play').press('Enter')
        page.wait_for_timeout(900)
        page.get_by_role('button', name='Pause').press('Enter')
        self.need(at() > 1, 'Enter does not play')
        now = at()
        page.wait_for_timeout(600)
        self.need(at() == now, 'it cannot be paused')
        network = page.get_by_label('Network')
        network.select_option('LMModel2') # it is the quickest
        page.get_by_role('button', name='Where else').press('Enter')
        page.get_by_text('of all such words').wait_for()
        self.need('In all numbers from 1 to 9,999' in self.text(page, '.panel'), 'no other places')
        network.select_option('LMModel7')
        page.get_by_role('button', name='Reset the state').press('Enter')
        page.get_by_role('button', name='Forget everything').press('Enter')
        self.need(page.get_by_role('button', name='Mend:').count() == 3, 'nothing is broken')
        kept = 'break=' in self.state(page) and 'reset=' in self.state(page)
        self.need(kept, 'what is broken is not in the address')
        page.get_by_role('button', name='Mend all').press('Enter')
        self.need('break=' not in self.state(page), 'it is not mended')
        page.get_by_label('Then it writes').select_option('60')
        page.get_by_label('Temperature').select_option('1')
        first = page.locator('.film .own').all_inner_texts()
        page.get_by_role('button', name='Draw again').press('Enter')
        self.need(len(first) == 60 and first != page.locator('.film .own').all_inner_texts(),
                  'it does not write on')
        again = self.state(page)
        page.reload()
        page.wait_for_selector('.rnnx')
        self.need(self.state(page) == again, 'the address does not last', self.state(page))

    def figures(self):
        "The pictures in the lessons have become figures, which answer to their controls"
        for lesson in 'lesson1_counts','lesson3_state','lesson6_gates','lesson7_regularise':
            page = self.open(f'chapter/{lesson}.html')
            figure = page.locator('.rnnx')
            self.need(figure.count() == 1, f'{lesson} has no figure')
            still = page.locator('img[src*=stills]').count()
            self.need(not still, f'{lesson} shows a still picture')
            said = figure.inner_text()
            figure.locator('input[type=range]').first.press('ArrowLeft')
            self.need(figure.inner_text() != said, f'{lesson}: the figure cannot be moved')

    def own_model(self):
        "A model of a reader's, of characters, as `explain` hands it over in Jupyter"
        sd = LMModel6(4, 8, 1).state_dict()
        mine = {'Mine': dict(epochs=['now'])}
        about = dict(vocab=list('ab c'), sep='', text='ab ca', models=mine)
        data = pack({f'Mine/{k}': v[None] for k,v in sd.items()}, about)
        page = self.module()
        said,state = page.evaluate("""(data) => {
          const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0))
          const held = { weights: new DataView(bytes.buffer), state: '', view: 'page' }
          const model = { get: (k) => held[k], set: (k, v) => (held[k] = v), save_changes: () => 0 }
          const el = document.createElement('div')
          document.querySelector('main').append(el)
          x.default.render({ model, el })
          for (let i = 0; i < 2; i++) el.querySelector('[aria-label="One word on"]').click()
          return [el.innerText, held.state]
        }""", base64.b64encode(data).decode())
        right = 'After “␣” it expects' in said and 'at=2' in state
        self.need(right, "a reader's model is not shown", said[:200])
        self.need('or pick one' not in said and 'Epoch' not in said, 'it offers what it has not')

    def break_it(self):
        "Forgetting at one word changes what comes next; mending brings it back"
        page = self.open('explainer.html?text=341-344&at=12')
        bars = lambda: page.locator('.words').first.inner_text()
        whole = bars()
        page.locator('summary', has_text='Break it').click()
        page.get_by_role('button', name='Forget everything').click()
        self.need(bars() != whole, 'forgetting changes nothing')
        page.get_by_role('button', name='Mend all').click()
        self.need(bars() == whole, 'what is mended is not as it was')

    def looks(self):
        "axe, in both colours and on a phone, with each view open; nothing too wide"
        page = self.open('explainer.html?text=38-41&at=7&break=1:f:all:0:3')
        tabs = page.get_by_role('tab').all()
        for _ in range(2):
            how = 'dark' if page.evaluate('checkSite.dark()') else 'light'
            for tab in tabs:
                tab.click()
                self.axe(page, f'{how}, {tab.inner_text()}')
            self.toggle(page)
        page.set_viewport_size(phone)
        for tab in tabs:
            tab.click()
            self.overflow(page, f', {tab.inner_text()}')

    def playing(self):
        "60 frames a second while it plays, and nothing moves by itself where that is not wanted"
        page = self.open('explainer.html?text=790-830', motion='no-preference')
        page.get_by_label('Speed').select_option('16')
        page.get_by_role('button', name='Play').click()
        gaps = page.evaluate("""async () => {
          const gaps = []
          let last = null
          await new Promise((done) => requestAnimationFrame(function f(now) {
            if (last) gaps.push(now - last)
            last = now
            gaps.length < 120 ? requestAnimationFrame(f) : done()
          }))
          return gaps
        }""")
        middle = statistics.median(gaps)
        self.need(middle < 17.5, 'less than 60 frames a second', f'{middle:.1f} ms each')
        self.said.append(f'{1000/middle:.0f} frames a second')
        for motion in 'reduce','no-preference':
            page = self.open('index.html', motion=motion)
            film = page.locator('.rnnx p').first
            was = film.inner_text()
            page.wait_for_timeout(1100)
            self.need((film.inner_text() != was) == (motion != 'reduce'),
                      'the home page should count by itself only where motion is wanted', motion)
            if motion != 'reduce':
                page.locator('.rnnx canvas').click()
                was = film.inner_text()
                page.wait_for_timeout(700)
                self.need(film.inner_text() == was, 'it counts on after it was touched')

    def from_file(self):
        "The page works from the file, too, where a browser lets it load nothing by a script"
        page = self.browser.new_page()
        asked = []
        page.on('request', lambda o: asked.append(o.url))
        page.on('pageerror', lambda o: self.need(False, 'from the file, a script fails', str(o)))
        page.goto(f'{self.folder.resolve().as_uri()}/explainer.html?at=3')
        page.wait_for_selector('.rnnx')
        page.get_by_role('button', name='One word on').click()
        self.need('at=4' in self.state(page), 'from the file, the address does not follow')
        self.need('After' in self.text(page, '.rnnx'), 'from the file, it does not read')
        out = [o for o in asked if not o.startswith(('file:', 'data:', 'blob:'))]
        self.need(not out, 'from the file, it asks for something', out[:3])
        page.close()

    def sizes(self):
        size = (self.folder/'explainer.html').stat().st_size
        self.need(size <= 1_200_000, 'the page is larger than 1.2 MB', f'{size:,} bytes')
        weights = explainer_file('explainer.safetensors').stat().st_size
        self.need(weights <= 1_000_000, 'the weights are larger than 1 MB', f'{weights:,} bytes')
        self.said.append(f'{size/1e6:.2f} MB')


# What the pictures show that stand where no JavaScript runs
stills = {'page': 'at=14&unit=1:2:c', 'batches': 'view=batches', 'unroll': 'view=unroll',
          'cell': 'view=cell&at=14&unit=1:2:c', 'masks': 'view=masks', 'count': 'view=count'}


def write_stills(c):
    for name,query in stills.items():
        page = c.open(f'explainer.html?{query}', size=dict(width=1150, height=900))
        png = Image.open(io.BytesIO(page.locator('.rnnx').screenshot()))
        png.convert('RGB').quantize(128).save(root/f'nbs/stills/{name}.png', optimize=True)


def main(folder, task=''):
    start = time.time()
    torch.set_num_threads(1)
    for o in 'explainer.js','explainer.safetensors': beside[f'/{o}'] = explainer_file(o)
    with opened(folder) as (base, browser):
        c = Check(Path(folder), base, browser)
        if task == '--stills': return write_stills(c)
        for part in (c.sizes, c.from_file, c.numbers, c.addresses, c.typing, c.keyboard,
                     c.figures, c.own_model, c.break_it, c.looks, c.playing):
            began = time.time()
            try: part()
            except Exception as e: c.need(False, f'“{part.__name__}” broke off', str(e)[:400])
            print(f'{part.__name__}: {time.time()-began:.0f} s', flush=True)
    for what,where in c.failures.items():
        for at,detail,_ in dict.fromkeys(where): print(f'{at}: {what}{detail}')
    did = f'{", ".join(c.said)}; {time.time()-start:.0f} s'
    if c.failures: sys.exit(f'FAILED: {len(c.failures)} kinds of fault; {did}')
    print(f'ok: {did}')


if __name__ == '__main__': main(*sys.argv[1:])
