// The RNN Explainer: a trained network of the chapter that reads numbers in your browser.
//
// One module, no dependency. In Jupyter `anywidget` calls `render({ model, el })`; on the site
// `mount(document)`, at the end, does. In between: weights, networks, text, what an address may
// hold, and the views. Notebook 33 tests the numbers against PyTorch's.

// ---- Weights ---------------------------------------------------------------------------------
// A safetensors file: the length of its header, the header in JSON, the numbers. A tensor is
// called 'LMModel7/rnn.weight_ih_l0', and its first axis runs over the epochs.

function fromHalf(h) {
  const sign = h & 0x8000 ? -1 : 1
  const exponent = (h >> 10) & 31
  const fraction = h & 1023
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024)
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024)
}

export function readWeights(buffer) {
  const view = new DataView(buffer)
  const size = Number(view.getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)))
  const { vocab, models, sep, text } = JSON.parse(header.__metadata__.rnnlab)
  const tensors = {}
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const begin = 8 + size + data_offsets[0]
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
    for (let i = 0; i < values.length; i++)
      values[i] =
        dtype === 'F16'
          ? fromHalf(view.getUint16(begin + 2 * i, true))
          : view.getFloat32(begin + 4 * i, true)
    tensors[name] = { shape, values }
  }
  return { vocab, models, sep, text, tensors }
}

// ---- Networks --------------------------------------------------------------------------------
// All are an embedding, recurrent layers, and a linear layer that gives a score (a logit) for each
// word. A layer computes `wi @ x + bi` from the word and `wh @ h + bh` from its state, and:
//
//   loop  h = relu(a)         LMModel2 and 4, where both products are by the same matrix
//   rnn   h = tanh(a)         LMModel5
//   lstm  i, f, g, o = σ(a₁), σ(a₂), tanh(a₃), σ(a₄)        LMModel6 and 7
//         c = f·c₋₁ + i·g,  h = o·tanh(c)
//   gru   r, z, n = σ(a₁), σ(a₂), tanh(x₃ + r·h₃)           LMModel8
//         h = (1-z)·n + z·h₋₁

const gatesOf = { loop: [], rnn: [], lstm: ['i', 'f', 'g', 'o'], gru: ['r', 'z', 'n'] }
export const valuesOf = {
  loop: ['h'],
  rnn: ['h'],
  lstm: ['c', 'h', 'i', 'f', 'g', 'o'],
  gru: ['h', 'r', 'z', 'n'],
}

const sigmoid = (a) => 1 / (1 + Math.exp(-a))

function product(w, b, x) {
  const out = new Float64Array(b.length)
  for (let row = 0, k = 0; row < b.length; row++) {
    let sum = b[row]
    for (let col = 0; col < x.length; col++) sum += w[k++] * x[col]
    out[row] = sum
  }
  return out
}

// The transposed matrix times `y`, which is how a gradient goes back through `product`
function back(w, y, n) {
  const out = new Float64Array(n)
  for (let row = 0, k = 0; row < y.length; row++)
    for (let col = 0; col < n; col++) out[col] += w[k++] * y[row]
  return out
}

export function makeNetwork(file, name, epoch) {
  const at = file.models[name].epochs.indexOf(epoch)
  const take = (key) => {
    const t = file.tensors[`${name}/${key}`]
    const size = t.values.length / t.shape[0]
    return Float64Array.from(t.values.subarray(at * size, (at + 1) * size))
  }
  const has = (key) => `${name}/${key}` in file.tensors
  const [, , size] = file.tensors[`${name}/i_h.weight`].shape
  const layers = []
  if (has('h_h.weight')) {
    const w = take('h_h.weight')
    layers.push({ kind: 'loop', wi: w, wh: w, bi: take('h_h.bias'), bh: new Float32Array(size) })
  }
  for (let l = 0; has(`rnn.weight_ih_l${l}`); l++) {
    const rows = file.tensors[`${name}/rnn.weight_ih_l${l}`].shape[1]
    const kind = { 1: 'rnn', 3: 'gru', 4: 'lstm' }[rows / size]
    const [wi, wh, bi, bh] = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((k) =>
      take(`rnn.${k}_l${l}`),
    )
    layers.push({ kind, wi, wh, bi, bh })
  }
  const embedding = take('i_h.weight')
  const out = { w: has('h_o.weight') ? take('h_o.weight') : embedding, b: take('h_o.bias') }
  return { name, epoch, size, embedding, layers, out }
}

// One layer, one word. `held` is what the reader broke: [{ value, unit (or all), to }]
function layerStep(layer, x, before, held) {
  const size = x.length
  const a = product(layer.wi, layer.bi, x)
  const b = product(layer.wh, layer.bh, before.h)
  const now = { x, before, held, a, b, h: new Float64Array(size) }
  const units = (f) => {
    // faster than `map`, and this runs 63,000 times for all numbers
    const out = new Float64Array(size)
    for (let u = 0; u < size; u++) out[u] = f(u)
    return out
  }
  const gate = (k, f) => units((u) => f(a[k * size + u] + b[k * size + u]))
  const hold = (key) => {
    for (const { value, unit, to } of held)
      if (value === key) unit === 'all' ? now[key].fill(to) : (now[key][unit] = to)
  }
  if (layer.kind === 'loop') now.h = gate(0, (v) => Math.max(v, 0))
  if (layer.kind === 'rnn') now.h = gate(0, Math.tanh)
  if (layer.kind === 'lstm') {
    now.i = gate(0, sigmoid)
    now.f = gate(1, sigmoid)
    now.g = gate(2, Math.tanh)
    now.o = gate(3, sigmoid)
    gatesOf.lstm.forEach(hold)
    now.c = units((u) => now.f[u] * before.c[u] + now.i[u] * now.g[u])
    hold('c')
    now.h = units((u) => now.o[u] * Math.tanh(now.c[u]))
  }
  if (layer.kind === 'gru') {
    now.r = gate(0, sigmoid)
    now.z = gate(1, sigmoid)
    hold('r')
    hold('z')
    now.n = units((u) => Math.tanh(a[2 * size + u] + now.r[u] * b[2 * size + u]))
    hold('n')
    now.h = units((u) => (1 - now.z[u]) * now.n[u] + now.z[u] * before.h[u])
  }
  hold('h')
  return now
}

// `layerStep` backwards: from the gradients of its h and c to those of its word and its old state
function layerBack(layer, now, dh, dc) {
  const { before, held } = now
  const size = dh.length
  const free = (key, d, f) => {
    const out = d.map(f)
    for (const { value, unit } of held)
      if (value === key) unit === 'all' ? out.fill(0) : (out[unit] = 0)
    return out
  }
  const sigmoidBack = (d, s) => d.map((v, u) => v * s[u] * (1 - s[u]))
  const tanhBack = (d, t) => d.map((v, u) => v * (1 - t[u] * t[u]))
  dh = free('h', dh, (v) => v)
  let parts = []
  let hidden = null // the gradients on the state's side, where they are others than the word's
  const old = { h: new Float64Array(size), c: null }
  if (layer.kind === 'loop') parts = [dh.map((v, u) => (now.h[u] > 0 ? v : 0))]
  if (layer.kind === 'rnn') parts = [tanhBack(dh, now.h)]
  if (layer.kind === 'lstm') {
    const t = now.c.map(Math.tanh)
    dc = free('c', dc, (v, u) => v + dh[u] * now.o[u] * (1 - t[u] * t[u]))
    const di = free('i', dc, (v, u) => v * now.g[u])
    const df = free('f', dc, (v, u) => v * before.c[u])
    const dg = free('g', dc, (v, u) => v * now.i[u])
    const dout = free('o', dh, (v, u) => v * t[u])
    parts = [
      sigmoidBack(di, now.i),
      sigmoidBack(df, now.f),
      tanhBack(dg, now.g),
      sigmoidBack(dout, now.o),
    ]
    old.c = dc.map((v, u) => v * now.f[u])
  }
  if (layer.kind === 'gru') {
    const third = now.b.subarray(2 * size)
    const dn = tanhBack(
      free('n', dh, (v, u) => v * (1 - now.z[u])),
      now.n,
    )
    const dz = sigmoidBack(
      free('z', dh, (v, u) => v * (before.h[u] - now.n[u])),
      now.z,
    )
    const dr = sigmoidBack(
      free('r', dn, (v, u) => v * third[u]),
      now.r,
    )
    parts = [dr, dz, dn]
    hidden = [dr, dz, dn.map((v, u) => v * now.r[u])]
    old.h = dh.map((v, u) => v * now.z[u])
  }
  const flat = (arrays) => {
    if (arrays.length === 1) return arrays[0]
    const all = new Float64Array(arrays.length * size)
    arrays.forEach((o, k) => all.set(o, k * size))
    return all
  }
  const d = flat(parts)
  const through = back(layer.wh, hidden ? flat(hidden) : d, size)
  old.h = old.h.map((v, u) => v + through[u])
  return { x: back(layer.wi, d, size), old }
}

const nothing = (size) => ({ h: new Float64Array(size), c: new Float64Array(size) })

// Read one more word after `before`, a result of `read`, or null at the beginning of a text
export function read(network, before, id, held = []) {
  const { size } = network
  let x = Float64Array.from(network.embedding.subarray(id * size, (id + 1) * size))
  const layers = network.layers.map((layer, l) => {
    const was = before ? before.layers[l] : nothing(size)
    const now = layerStep(
      layer,
      x,
      { h: was.h, c: was.c },
      held.filter((o) => o.layer === l),
    )
    x = now.h
    return now
  })
  return { id, fresh: !before, layers, logits: product(network.out.w, network.out.b, x) }
}

// The gradient of the logit of `word` after step `at` to the embedding of each word so far, and of
// it the length. It ends where the state was reset, and before step `from`.
export function reach(network, steps, at, word, from = 0) {
  const { size, layers } = network
  const later = layers.map(() => nothing(size))
  const gradients = steps.slice(0, at + 1).map(() => new Float64Array(size))
  for (let t = at; t >= from; t--) {
    let above = new Float64Array(size)
    if (t === at) above = Float64Array.from(network.out.w.subarray(word * size, (word + 1) * size))
    for (let l = layers.length - 1; l >= 0; l--) {
      const dh = later[l].h.map((v, u) => v + above[u])
      const { x, old } = layerBack(layers[l], steps[t].layers[l], dh, later[l].c)
      later[l] = { h: old.h, c: old.c || new Float64Array(size) }
      above = x
    }
    gradients[t] = above
    if (steps[t].fresh) break
  }
  return { gradients, lengths: gradients.map((g) => Math.hypot(...g)) }
}

export function softmax(logits, temperature = 1) {
  const top = Math.max(...logits)
  const e = Array.from(logits, (v) => Math.exp((v - top) / temperature))
  const sum = e.reduce((a, b) => a + b, 0)
  return e.map((v) => v / sum)
}

// ---- Text ------------------------------------------------------------------------------------

const teens = 'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
const ones = ` one two three four five six seven eight nine ${teens}`.split(' ')
const tens = '  twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')

// 342 → ['three', 'hundred', 'forty', 'two']
export function numberWords(n) {
  if (n >= 1000) return [...numberWords(Math.floor(n / 1000)), 'thousand', ...numberWords(n % 1000)]
  if (n >= 100) return [ones[Math.floor(n / 100)], 'hundred', ...numberWords(n % 100)]
  if (n >= 20) return [tens[Math.floor(n / 10)], ...numberWords(n % 10)]
  return n ? [ones[n]] : []
}

let numberOf = null // 'three hundred forty two' → 342, made when it is first asked
function wordsNumber(words) {
  if (!numberOf) {
    numberOf = new Map()
    for (let n = 1; n < 10000; n++) numberOf.set(numberWords(n).join(' '), n)
  }
  return numberOf.get(words.join(' '))
}

// The word that counting on demands after `words`, or null where nothing does
export function truthAfter(words) {
  const end = words.lastIndexOf('.')
  if (end < 0) return null
  const n = wordsNumber(words.slice(words.lastIndexOf('.', end - 1) + 1, end))
  if (!n || n === 9999) return null
  const next = [...numberWords(n + 1), '.']
  const begun = words.slice(end + 1)
  return begun.every((w, i) => w === next[i]) ? next[begun.length] : null
}

export const mostWords = 400
const few = (words) => words.slice(0, 3).join(', ') + (words.length > 3 ? ', …' : '')

// What a reader typed, as words of the network, and what must be said of it: '797-801', '40 41',
// 'seven hundred ninety nine .', or any text for a network that does not count
export function parseText(text, vocab, sep = ' ') {
  const known = new Set(vocab)
  const notes = []
  const unknown = []
  const outside = []
  let words = []
  const number = (n) => {
    if (n >= 1 && n <= 9999) words.push(...numberWords(n), '.')
    else outside.push(n.toLocaleString('en'))
  }
  const counts = known.has('thousand') && known.has('.')
  const clean = counts
    ? text
        .toLowerCase()
        .replace(/(\d),(?=\d{3}\b)/g, '$1')
        .replace(/(\d)\s*[-–—…]+\s*(?=\d)/g, '$1-')
        .replace(/([a-z])-(?=[a-z])/g, '$1 ')
        .replace(/[,;.\n]+/g, ' . ')
    : text
  for (const piece of sep === '' ? [...text] : clean.split(/\s+/).filter(Boolean)) {
    const range = counts && piece.match(/^(\d+)(?:-(\d+))?$/)
    if (range) {
      const from = Number(range[1])
      const to = Number(range[2] || from)
      const step = to < from ? -1 : 1
      for (let n = from; n !== to + step && words.length <= 5 * mostWords; n += step) {
        number(n)
        if (outside.length > 3) break
      }
    } else if (known.has(piece)) words.push(piece)
    else unknown.push(`“${piece.slice(0, 20)}”`)
  }
  if (counts) words = words.filter((w, i) => w !== '.' || (i && words[i - 1] !== '.'))
  if (unknown.length) notes.push(`The network does not know ${few(unknown)}: left out.`)
  if (outside.length) notes.push(`${few(outside)}: it knows the words for 1 to 9,999 only.`)
  if (words.length > mostWords)
    notes.push(`That is a long text: the first ${mostWords} words of it are read.`)
  return { words: words.slice(0, mostWords), notes }
}

// ---- What an address may hold ----------------------------------------------------------------
// Such as ?model=LMModel7&epoch=4&text=797-801&at=17&unit=1:12:c&break=1:f:all:0:14

export function readState(query, file) {
  const asked = new URLSearchParams(query)
  const notes = []
  const names = Object.keys(file.models)
  const state = { model: names.includes('LMModel7') ? 'LMModel7' : names[0] }
  const pick = (key, fallback, choices) => {
    const value = asked.get(key)
    if (value === null) return fallback
    const found = choices.find((o) => String(o) === value)
    if (found !== undefined) return found
    const shown = value.slice(0, 30)
    notes.push(`The link's ${key} “${shown}” does not exist; this is ${fallback}.`)
    return fallback
  }
  const count = (key, fallback, most) => {
    const value = asked.get(key)
    if (value === null) return fallback
    if (/^\d{1,6}$/.test(value) && Number(value) <= most) return Number(value)
    notes.push(`The link's ${key} must be a whole number up to ${most}; this is ${fallback}.`)
    return fallback
  }
  state.model = pick('model', state.model, names)
  const epochs = file.models[state.model].epochs
  state.epoch = pick('epoch', epochs.includes(15) ? 15 : epochs.at(-1), epochs)
  const { kind } = makeNetwork(file, state.model, state.epoch).layers[0]
  state.text = asked.get('text') ?? file.text ?? '797-801'
  state.write = pick('write', 0, writeLengths)
  state.seed = count('seed', 1, 999999)
  // after 799, where much is to be seen
  state.at = count('at', file.text ? 0 : 14, mostWords + 200)
  state.tab = pick('tab', 'unit', ['unit', 'cell', 'reach'])
  state.temperature = pick('temperature', 0, temperatures)
  state.logit = pick('logit', null, file.vocab)
  state.value = valuesOf[kind][0]
  state.layer = 0
  state.unit = 0
  const network = makeNetwork(file, state.model, state.epoch)
  const place = (layer, unit) => layer < network.layers.length && unit < network.size
  const unit = asked.get('unit')
  if (unit !== null) {
    const [, l, u, v] = unit.match(/^(\d+):(\d+):(\w)$/) || []
    if (l && place(l - 1, u - 1) && l > 0 && u > 0 && valuesOf[kind].includes(v))
      Object.assign(state, { layer: l - 1, unit: u - 1, value: v })
    else notes.push(`The link's unit “${unit.slice(0, 30)}” does not exist; this is unit 1.`)
  }
  state.resets = []
  state.holds = []
  for (const o of (asked.get('reset') || '').split(',').filter(Boolean))
    if (/^\d{1,3}$/.test(o)) state.resets.push(Number(o))
    else notes.push(`The link's reset “${o.slice(0, 20)}” is not the place of a word.`)
  for (const o of (asked.get('break') || '').split(',').filter(Boolean)) {
    const [, l, value, u, to, from, until] =
      o.match(/^(\d+):(\w):(\d+|all):(-?\d+(?:\.\d+)?):(\d+)(?:-(\d+))?$/) || []
    const ok = l > 0 && place(l - 1, u === 'all' ? 0 : u - 1) && u !== '0'
    if (ok && valuesOf[kind].includes(value) && Math.abs(to) <= 10)
      state.holds.push({
        layer: l - 1,
        value,
        unit: u === 'all' ? 'all' : u - 1,
        to: Number(to),
        from: Number(from),
        until: until ? Number(until) : Infinity,
      })
    else notes.push(`The link's break “${o.slice(0, 30)}” cannot be done here.`)
  }
  return { state, notes }
}

export function writeState(state, file) {
  const standard = readState('', file).state
  const holds = state.holds.map((o) => {
    const unit = o.unit === 'all' ? 'all' : o.unit + 1
    const until = o.until === Infinity ? '' : `-${o.until}`
    return `${o.layer + 1}:${o.value}:${unit}:${o.to}:${o.from}${until}`
  })
  const parts = {
    unit: `${state.layer + 1}:${state.unit + 1}:${state.value}`,
    break: holds.join(','),
    reset: state.resets.join(','),
  }
  const plain = ['model', 'epoch', 'text', 'at', 'write', 'temperature', 'seed', 'tab', 'logit']
  for (const key of plain) if (state[key] !== standard[key]) parts[key] = state[key]
  return Object.entries(parts)
    .filter(([, v]) => v !== '' && v !== null)
    .map(([k, v]) => `${k}=${encodeURIComponent(v).replace(/%3A/g, ':').replace(/%2C/g, ',')}`)
    .join('&')
}

// ---- A reading: words, what was computed at each, what would be right -----------------------

const temperatures = [0, 0.5, 1, 1.5]
const writeLengths = [0, 5, 20, 60, 200] // of what it writes by itself

function random(seed) {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const best = (logits) => logits.indexOf(Math.max(...logits))

function draw(logits, temperature, chance) {
  if (!temperature) return best(logits)
  let rest = chance()
  return softmax(logits, temperature).findIndex((p) => (rest -= p) < 0)
}

// Read `words`, then write on by itself. Each place: its word, `step` (what `read` gave), the truth
// after it (null where nothing demands a word), and what the network says would come
export function readAll(file, network, words, { holds, resets, write, temperature, seed }) {
  const counts = file.vocab.includes('thousand')
  const ids = words.map((w) => file.vocab.indexOf(w))
  const chance = random(seed)
  const places = []
  for (let t = 0; t < ids.length; t++) {
    const before = t && !resets.includes(t) ? places[t - 1].step : null
    const held = holds.filter((o) => o.from <= t && t <= o.until)
    const step = read(network, before, ids[t], held)
    const said = best(step.logits)
    if (t === ids.length - 1 && ids.length < words.length + write)
      ids.push(draw(step.logits, temperature, chance))
    const sofar = ids.slice(Math.max(0, t - 30), t + 1).map((i) => file.vocab[i])
    let truth = counts ? truthAfter(sofar) : (file.vocab[ids[t + 1]] ?? null)
    if (!counts && t + 1 >= words.length) truth = null
    const own = t >= words.length
    places.push({
      word: file.vocab[ids[t]],
      step,
      truth,
      said: file.vocab[said],
      own,
      broken: held.length > 0,
    })
  }
  return places
}

// ---- What is drawn with ----------------------------------------------------------------------

const style = `
.rnnx { --x-ink: var(--bs-body-color, var(--jp-ui-font-color1, #1b2733));
  --x-paper: var(--bs-body-bg, var(--jp-layout-color1, #fff)); --x-grey: #5d6874; --x-line: #c9d0d7;
  --x-soft: #f1f4f7; --x-plus: #D55E00; --x-minus: #0072B2; --x-gate: #00785a; --x-good: #00694f;
  --x-bad: #b03a00; --x-mark: #8a4b7d; --x-link: #0b5394;
  color: var(--x-ink); font: 15px/1.45 system-ui, sans-serif; margin: 1rem 0; width: 100%;
  contain: inline-size; }
.rnnx.dark { --x-grey: #a9b4c0; --x-line: #46525e; --x-soft: #262d35; --x-plus: #ff8a3d;
  --x-minus: #5ab4f0; --x-gate: #35c79b; --x-good: #4fd0a5; --x-bad: #ff9a6b; --x-mark: #e0a3d2;
  --x-link: #8ab8ff; }
.rnnx * { box-sizing: border-box; } .rnnx [hidden] { display: none; }
.rnnx :where(button, select, input[type=text], input[type=number]) { font: inherit; color: var(--x-ink);
  background: var(--x-paper); border: 1px solid var(--x-line); border-radius: .4rem;
  padding: .2rem .5rem; min-height: 2rem; max-width: 100%; }
.rnnx button { cursor: pointer; }
.rnnx button:hover:not(:disabled) { border-color: var(--x-grey); }
.rnnx button:disabled { opacity: .55; cursor: default; }
.rnnx .main { background: var(--x-link); border-color: var(--x-link); color: var(--x-paper);
  min-width: 5.2rem; font-weight: 600; }
.rnnx.dark .main { color: #10161c; }
.rnnx input[type=range] { accent-color: var(--x-link); vertical-align: middle; width: 100%; }
.rnnx :focus-visible { outline: 2px solid var(--x-link); outline-offset: 2px; }
.rnnx label { display: flex; gap: .4rem; align-items: center; color: var(--x-grey); }
.rnnx output { font-variant-numeric: tabular-nums; color: var(--x-ink); }
.rnnx .bunch { display: flex; flex-wrap: wrap; gap: .5rem .8rem; align-items: center; margin: .5rem 0; }
.rnnx .grow { flex: 1 1 14rem; } .rnnx .grow > input { flex: 1; min-width: 0; }
.rnnx .short > input[type=range] { width: 6.5rem; }
.rnnx .say { min-height: 1.45em; color: var(--x-bad); margin: .3rem 0; }
.rnnx .say:empty { min-height: 0; margin: 0; }
.rnnx .film { display: flex; gap: .3rem; overflow-x: auto; padding: .5rem .25rem; align-items: center;
  min-height: 3.6rem; scrollbar-width: thin; position: relative; }
.rnnx .film button { flex: none; padding: .1rem .45rem; border-color: transparent; min-height: 1.8rem;
  background: none; border-radius: .3rem; border-bottom: 3px solid transparent; }
.rnnx .film .right { border-bottom-color: var(--x-good); }
.rnnx .film .wrong { border-bottom: 3px dashed var(--x-bad); }
.rnnx .film .later { color: var(--x-grey); }
.rnnx .film .own { font-style: italic; }
.rnnx .film .broken { background: color-mix(in srgb, var(--x-mark) 15%, transparent); color: var(--x-ink); }
.rnnx .film .reset { border-left: 4px solid var(--x-mark); }
.rnnx .film [aria-current] { font-weight: 700; box-shadow: inset 0 0 0 2px var(--x-ink);
  font-size: 1.2em; color: var(--x-ink); }
.rnnx .two { display: grid; grid-template-columns: minmax(0, 1fr) 16.5rem; gap: 1.2rem; align-items: start; }
.rnnx .two > *, .rnnx .panel { min-width: 0; }
.rnnx .scroll { overflow-x: auto; scrollbar-width: thin; }
.rnnx canvas { display: block; } .rnnx .fit { max-width: 100%; }
.rnnx .strip { cursor: crosshair; }
.rnnx .title { font-size: 1rem; font-weight: 600; margin: .2rem 0 .4rem; }
.rnnx .quiet { color: var(--x-grey); font-size: .9em; }
.rnnx .readout { min-height: 1.45em; font-variant-numeric: tabular-nums; }
.rnnx .words { display: grid; grid-template-columns: 5.4rem 1fr 3.4rem; gap: .25rem .5rem; align-items: center; }
.rnnx .words .bar { background: var(--x-soft); height: 1.05rem; border-radius: .2rem; }
.rnnx .words .bar i { display: block; height: 100%; background: var(--x-grey); border-radius: .2rem; }
.rnnx .words .true { font-weight: 700; color: var(--x-good); }
.rnnx .words .true + .bar i { background: var(--x-good); }
.rnnx .words .p { text-align: right; font-variant-numeric: tabular-nums; }
.rnnx .verdict { margin: .6rem 0 0; } .rnnx .good { color: var(--x-good); } .rnnx .bad { color: var(--x-bad); }
.rnnx .tabs { display: flex; gap: .3rem; border-bottom: 1px solid var(--x-line); margin-top: 1rem; flex-wrap: wrap; }
.rnnx .tabs button { border: 0; border-radius: .4rem .4rem 0 0; background: none; border-bottom: 3px solid transparent; }
.rnnx .tabs [aria-selected=true] { font-weight: 600; border-bottom-color: var(--x-link); }
.rnnx .panel { padding: .8rem 0; min-height: 15rem; }
.rnnx table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0; width: auto; }
.rnnx :is(th, td) { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--x-line);
  white-space: nowrap; color: inherit; background: none; }
.rnnx th { font-weight: 600; } .rnnx tbody th, .rnnx th:first-child { text-align: left; }
.rnnx .now { background: var(--x-soft); }
.rnnx .eq { font: 14px/1.7 ui-monospace, Menlo, Consolas, monospace; margin: 0 0 .8rem;
  white-space: pre-wrap; background: var(--x-soft); color: inherit; border-radius: .4rem; padding: .6rem .8rem; }
.rnnx details { border: 1px solid var(--x-line); border-radius: .4rem; padding: .3rem .8rem; margin: .5rem 0; }
.rnnx summary { cursor: pointer; font-weight: 500; }
.rnnx ul { margin: .3rem 0; padding-left: 1.2rem; }
.rnnx .reach { margin: .5rem 0; width: max-content; } .rnnx .told { position: sticky; left: 0; } .rnnx .reach canvas { margin-top: .2rem; }
.rnnx svg { display: block; max-width: 100%; } .rnnx svg text { fill: var(--x-ink); font: 12px system-ui, sans-serif; }
.rnnx figcaption { color: var(--x-grey); font-size: .9em; margin-top: .4rem; }
@media (max-width: 700px) { .rnnx .two { grid-template-columns: minmax(0, 1fr); gap: .4rem; }
  .rnnx .first { order: -1; } .rnnx .eq { font-size: 12px; padding: .6rem .5rem; } }
`

// An element: its attributes (`on…` are listeners), and what is in it
function h(tag, attributes = {}, ...children) {
  const svg = ['svg', 'path', 'line', 'circle', 'rect', 'text'].includes(tag)
  const e = svg
    ? document.createElementNS('http://www.w3.org/2000/svg', tag)
    : document.createElement(tag)
  for (const [k, v] of Object.entries(attributes)) {
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v)
    else if (k === 'value') e.value = v
    else if (v !== false && v !== null && v !== undefined) e.setAttribute(k, v === true ? '' : v)
  }
  e.append(...children.filter((o) => o !== null))
  return e
}

const labelled = (words, control, kind = '') => h('label', { class: kind }, words, control)
const option = (value, text) => h('option', { value: String(value) }, text)
function select(choices, chosen, onchange, more = {}) {
  const e = h('select', { onchange: () => onchange(e.value), ...more })
  e.append(...choices.map(([v, text]) => option(v, text)))
  e.value = String(chosen)
  return e
}
const fixed = (v, n = 2) =>
  (Math.abs(v) < 0.5 * 10 ** -n ? (0).toFixed(n) : v.toFixed(n)).replace('-', '−')
const visible = (word) => ({ ' ': '␣', '\n': '↵' })[word] ?? word // a network of characters has these
const percent = (p) => (p < 0.0005 ? '0 %' : `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`)
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches
const kindNames = { loop: 'a loop', rnn: 'RNN', lstm: 'LSTM', gru: 'GRU' }
const names = {
  c: 'cell state c',
  h: 'hidden state h',
  i: 'input gate i',
  f: 'forget gate f',
  g: 'candidate g',
  o: 'output gate o',
  r: 'reset gate r',
  z: 'update gate z',
  n: 'candidate n',
}

// A root with the style, which follows the page between light and dark
function root(el, kind) {
  if (!document.getElementById('rnnx-style'))
    document.head.append(h('style', { id: 'rnnx-style' }, style))
  const top = h('div', { class: `rnnx ${kind}` })
  const redraw = []
  const look = () => {
    const of = (e) =>
      getComputedStyle(e)
        .backgroundColor.match(/[\d.]+/g)
        .map(Number)
    let e = el
    while (e && of(e)[3] === 0) e = e.parentElement
    const dark = e
      ? of(e)
          .slice(0, 3)
          .reduce((a, b) => a + b, 0) < 384
      : false
    if (top.classList.contains('dark') !== dark) {
      top.classList.toggle('dark', dark)
      redraw.forEach((f) => f())
    }
  }
  el.replaceChildren(top)
  look()
  const seen = new MutationObserver(() => setTimeout(look))
  seen.observe(document.documentElement, { attributes: true })
  seen.observe(document.body, { attributes: true })
  return { top, onColours: (f) => redraw.push(f), end: () => seen.disconnect() }
}

// A colour of the style, looked up once for each theme
function colour(top, name) {
  const dark = top.classList.contains('dark')
  if (top.colours?.dark !== dark) top.colours = { dark }
  return (top.colours[name] ??= getComputedStyle(top).getPropertyValue(`--x-${name}`).trim())
}

// Paints a value between -1 and 1 (a gate: 0 and 1) as a colour over the page
function painter(top, context) {
  const [plus, minus, gate] = ['plus', 'minus', 'gate'].map((o) => colour(top, o))
  return (v, isGate, x, y, w, h) => {
    context.globalAlpha = Math.min(1, Math.abs(v))
    context.fillStyle = isGate ? gate : v > 0 ? plus : minus
    context.fillRect(x, y, w, h)
    context.globalAlpha = 1
  }
}

function sized(canvas, width, height) {
  const ratio = width * devicePixelRatio > 8000 ? 1 : Math.max(1, devicePixelRatio)
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  const context = canvas.getContext('2d')
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  return context
}

const isGate = (value) => 'ifozr'.includes(value)

// Of each value, what is painted in full colour: 1, or the largest there is
function scaleOf(places, layer, value) {
  if (value !== 'c' && places[0].step.layers[layer].c) return 1
  if (value !== 'c' && 'rzn'.includes(value)) return 1
  let most = 1
  for (const { step } of places)
    for (const v of step.layers[layer][value]) most = Math.max(most, Math.abs(v))
  return most
}

// ---- The whole page --------------------------------------------------------------------------

const examples = [
  ['38-41', 'a new ten: 38 to 41'],
  ['797-801', 'a new hundred: 797 to 801'],
  ['1997-2001', 'a new thousand: 1,997 to 2,001'],
  ['7996-7999', 'the end of its training text: 7,999'],
  ['9003-9006', 'nine thousand, which it never read'],
]

function page({ el, file, query, save, linked }) {
  const { top, onColours, end } = root(el, 'page')
  let { state, notes } = readState(query, file)
  let network
  let places = []
  let playing = 0
  let pointed = null // the unit under the mouse
  const counts = file.vocab.includes('thousand')
  const said = h('p', { class: 'say', role: 'status' })

  const kind = () => network.layers[0].kind
  const say = (text) => (said.textContent = text)
  const remember = () => save(writeState(state, file))

  // Anything but the place has changed: read the text anew
  function change(changes = {}, ...more) {
    Object.assign(state, changes)
    const found = [...more]
    network = makeNetwork(file, state.model, state.epoch)
    if (!valuesOf[kind()].includes(state.value)) state.value = valuesOf[kind()][0]
    state.layer = Math.min(state.layer, network.layers.length - 1)
    state.unit = Math.min(state.unit, network.size - 1)
    const some = (o) => o.layer < network.layers.length && valuesOf[kind()].includes(o.value)
    if (!state.holds.every(some))
      found.push('What was broken does not exist in this network: mended.')
    state.holds = state.holds.filter(some)
    let parsed = parseText(state.text, file.vocab, file.sep)
    found.push(...parsed.notes)
    if (!parsed.words.length) {
      const instead = file.text ?? '797-801'
      const what = counts ? 'Type a number, like 799, or words' : 'Type some words'
      found.push(`${what}; until then it reads ${instead}.`)
      parsed = parseText(instead, file.vocab, file.sep)
    }
    places = readAll(file, network, parsed.words, state)
    state.at = Math.min(state.at, places.length - 1)
    say(found.join(' '))
    layout()
    remember()
  }

  // -- the text and the controls
  const text = h('input', {
    type: 'text',
    spellcheck: 'false',
    autocomplete: 'off',
    value: state.text,
  })
  const typed = () =>
    text.value !== state.text && change({ text: text.value, at: 0, holds: [], resets: [] })
  text.addEventListener('change', typed)
  const chosen = select(
    [['', 'or pick one'], ...examples],
    '',
    (v) => {
      if (v) text.value = v
      typed()
      chosen.value = ''
    },
    { 'aria-label': 'Pick a text' },
  )
  const film = h('div', {
    class: 'film',
    role: 'group',
    'aria-label': 'The words it reads; arrow keys step',
  })
  const playButton = h(
    'button',
    { class: 'main', type: 'button', onclick: () => (playing ? stop() : play()) },
    '▶ Play',
  )
  const back1 = h(
    'button',
    { type: 'button', 'aria-label': 'One word back', onclick: () => go(state.at - 1) },
    '‹',
  )
  const next1 = h(
    'button',
    { type: 'button', 'aria-label': 'One word on', onclick: () => go(state.at + 1) },
    '›',
  )
  let speed = 4
  const speeds = select(
    [1, 2, 4, 8, 16].map((v) => [v, `${v} words/s`]),
    speed,
    (v) => (speed = Number(v)),
    { 'aria-label': 'Speed' },
  )
  const describe = (name) => {
    const net = makeNetwork(file, name, file.models[name].epochs[0])
    const n = net.layers.length
    return `${name}: ${kindNames[net.layers[0].kind]}${n > 1 ? `, ${n} layers` : ''}`
  }
  const models = Object.keys(file.models)
  const modelChoice = select(
    models.map((o) => [o, describe(o)]),
    state.model,
    (v) => {
      const { epochs } = file.models[v]
      change({ model: v, epoch: epochs.includes(state.epoch) ? state.epoch : epochs.at(-1) })
    },
  )
  const epochChoice = h('input', {
    type: 'range',
    min: 0,
    step: 1,
    oninput: () => change({ epoch: file.models[state.model].epochs[epochChoice.value] }),
  })
  const epochSaid = h('output', { style: 'white-space: nowrap' })
  const epochRow = h(
    'label',
    { class: 'short', style: 'width: 16rem' },
    'Epoch',
    epochChoice,
    epochSaid,
  )
  const writes = select(
    writeLengths.map((v) => [v, v ? `${v} words` : 'nothing']),
    state.write,
    (v) => change({ write: Number(v) }),
  )
  const heat = select(
    temperatures.map((v) => [v, v ? `${v}` : '0: the likeliest']),
    state.temperature,
    (v) => change({ temperature: Number(v) }),
  )
  const again = h(
    'button',
    { type: 'button', onclick: () => change({ seed: state.seed + 1 }) },
    'Draw again',
  )
  const link = h(
    'button',
    {
      type: 'button',
      onclick: async () => {
        remember()
        try {
          await navigator.clipboard.writeText(location.href)
          say('The link to what you see is copied.')
        } catch {
          say('The address of this page is the link to what you see.')
        }
      },
    },
    'Copy link',
  )

  // -- breaking it
  const holdLayer = h('select', { 'aria-label': 'Layer to break' })
  const holdValue = h('select', { 'aria-label': 'What to hold' })
  const holdUnit = h('select', { 'aria-label': 'Unit to hold' })
  const holdTo = h('input', {
    type: 'number',
    min: -10,
    max: 10,
    step: 'any',
    value: '0',
    'aria-label': 'Value to hold it at',
    style: 'width: 5rem',
  })
  const holdLong = select(
    [
      ['on', 'from this word on'],
      ['once', 'at this word only'],
    ],
    'on',
    () => {},
    { 'aria-label': 'For how long' },
  )
  const hold = (o) => change({ holds: [...state.holds, { from: state.at, until: Infinity, ...o }] })
  const broken = h('ul')
  const breaking = h(
    'details',
    {},
    h('summary', {}, 'Break it'),
    h(
      'div',
      { class: 'bunch' },
      h(
        'button',
        {
          type: 'button',
          onclick: () => change({ resets: [...new Set([...state.resets, state.at])] }),
        },
        'Reset the state before this word',
      ),
      h(
        'button',
        {
          type: 'button',
          class: 'forget',
          onclick: () => {
            network.layers.forEach((_, layer) =>
              state.holds.push({
                layer,
                value: 'f',
                unit: 'all',
                to: 0,
                from: state.at,
                until: state.at,
              }),
            )
            change()
          },
        },
        'Forget everything at this word: f = 0',
      ),
      h('button', { type: 'button', onclick: () => change({ holds: [], resets: [] }) }, 'Mend all'),
    ),
    h(
      'div',
      { class: 'bunch' },
      'Hold',
      holdLayer,
      holdValue,
      holdUnit,
      'at',
      holdTo,
      holdLong,
      h(
        'button',
        {
          type: 'button',
          onclick: () => {
            const to = Number(holdTo.value)
            if (holdTo.value === '' || !(Math.abs(to) <= 10))
              return say('Hold it at a number from −10 to 10.')
            hold({
              layer: Number(holdLayer.value),
              value: holdValue.value,
              unit: holdUnit.value === 'all' ? 'all' : Number(holdUnit.value),
              to,
              until: holdLong.value === 'once' ? state.at : Infinity,
            })
          },
        },
        'Break',
      ),
    ),
    broken,
  )
  breaking.open = state.holds.length + state.resets.length > 0

  // -- the state and the next words
  const canvas = h('canvas', { class: 'strip', role: 'img' })
  const strip = h(
    'div',
    {
      class: 'scroll',
      tabindex: '0',
      role: 'group',
      'aria-label': 'State, a row for each unit; left and right step, up and down choose a unit',
    },
    canvas,
  )
  const readout = h('span', { class: 'readout quiet' })
  const legend = h('p', { class: 'quiet', style: 'margin: .3rem 0' })
  const scrub = h('input', {
    type: 'range',
    min: 0,
    step: 1,
    'aria-label': 'Word',
    oninput: () => go(Number(scrub.value)),
  })
  const valueChoice = h('select', { onchange: () => change({ value: valueChoice.value }) })
  const unitChoice = h('select', {
    onchange: () => {
      const [layer, unit] = unitChoice.value.split(':').map(Number)
      go(state.at, { layer, unit })
    },
  })
  const expects = h('p', { class: 'title' })
  const rows = h('div', { class: 'words' })
  const verdict = h('p', { class: 'verdict' })
  const tabNames = { unit: 'This unit', cell: 'This cell, opened', reach: 'How far back' }
  const panel = h('div', {
    class: 'panel',
    role: 'tabpanel',
    tabindex: '0',
    'aria-label': 'Details',
  })
  const tabs = h(
    'div',
    {
      class: 'tabs',
      role: 'tablist',
      'aria-label': 'Details',
      onkeydown: (e) => {
        const keys = Object.keys(tabNames)
        const i = keys.indexOf(state.tab) + ({ ArrowRight: 1, ArrowLeft: -1 }[e.key] ?? NaN)
        if (!(i in keys)) return
        go(state.at, { tab: keys[i] })
        tabs.children[i].focus()
        e.preventDefault()
      },
    },
    ...Object.entries(tabNames).map(([k, v]) =>
      h('button', { role: 'tab', type: 'button', onclick: () => go(state.at, { tab: k }) }, v),
    ),
  )

  let colW = 24
  const gap = 12
  const wordsH = 76
  let rowH = 6
  let scales = []
  let context
  const columnTop = (layer) => layer * (network.size * rowH + gap)
  const height = () => columnTop(network.layers.length) + wordsH

  function paintColumn(t) {
    const put = painter(top, context)
    const x = t * colW
    context.clearRect(x, 0, colW, height())
    const seen = t <= state.at
    network.layers.forEach((_, l) => {
      const y = columnTop(l)
      const values = places[t].step.layers[l][state.value]
      if (seen)
        values.forEach((v, u) =>
          put(
            v / scales[l],
            isGate(state.value),
            x + 1,
            y + u * rowH,
            colW - 2,
            rowH - (rowH > 3 ? 1 : 0),
          ),
        )
      else {
        context.fillStyle = colour(top, 'soft')
        context.fillRect(x + 1, y, colW - 2, network.size * rowH - 1)
      }
    })
    const y = columnTop(state.layer) + state.unit * rowH
    context.fillStyle = colour(top, 'ink')
    context.fillRect(x, y - 1, colW, 1)
    context.fillRect(x, y + rowH - 1, colW, 1)
    if (t === state.at)
      network.layers.forEach((_, l) => {
        context.strokeStyle = colour(top, 'ink')
        context.lineWidth = 2
        context.strokeRect(x + 1, columnTop(l) + 1, colW - 2, network.size * rowH - 2)
      })
    label(context, t, columnTop(network.layers.length) - gap + 6)
  }

  function label(context, t, y) {
    context.save()
    context.translate((t + 0.5) * colW - 4, y)
    context.rotate(Math.PI / 2)
    context.font = `${t === state.at ? 'bold ' : ''}13px system-ui, sans-serif`
    context.fillStyle = colour(top, t > state.at ? 'grey' : 'ink')
    context.fillText(visible(places[t].word).slice(0, 10), 0, 0)
    context.restore()
  }

  // Everything, after `change`
  function layout() {
    const { epochs, accuracy } = file.models[state.model]
    modelChoice.value = state.model
    epochRow.hidden = epochs.length < 2
    epochChoice.max = epochs.length - 1
    epochChoice.value = epochs.indexOf(state.epoch)
    const acc = accuracy && accuracy[epochs.indexOf(state.epoch)]
    const quality = state.epoch === 0 ? ', untrained' : ''
    epochSaid.textContent = `${state.epoch}${acc ? `, ${percent(acc)} right` : quality}`
    epochSaid.title = 'of the words of a text that it has not read'
    epochChoice.setAttribute(
      'aria-valuetext',
      state.epoch === 0 ? 'untrained' : `after epoch ${state.epoch}`,
    )
    writes.value = String(state.write)
    again.hidden = !(state.write && state.temperature)
    valueChoice.replaceChildren(...valuesOf[kind()].map((o) => option(o, names[o])))
    valueChoice.value = state.value
    const colours = isGate(state.value)
      ? 'the greener, the wider the gate is open'
      : 'orange is above 0, blue below'
    legend.textContent = `A column for each word, a row for each unit: ${colours}. Point at a unit, or choose it.`
    const units = [...Array(network.size).keys()]
    unitChoice.replaceChildren(
      ...network.layers.flatMap((_, l) =>
        units.map((u) => option(`${l}:${u}`, `layer ${l + 1}, unit ${u + 1}`)),
      ),
    )
    holdLayer.replaceChildren(...network.layers.map((_, l) => option(l, `layer ${l + 1}`)))
    holdValue.replaceChildren(...valuesOf[kind()].map((o) => option(o, names[o])))
    holdUnit.replaceChildren(
      option('all', 'of all units'),
      ...units.map((u) => option(u, `of unit ${u + 1}`)),
    )
    top.querySelector('.forget').hidden = kind() !== 'lstm'
    const lines = [
      ...state.resets
        .filter((t) => t < places.length)
        .map((t) => [
          `The state is reset before word ${t + 1}, “${places[t].word}”.`,
          () => change({ resets: state.resets.filter((o) => o !== t) }),
        ]),
      ...state.holds.map((o) => {
        const unit = o.unit === 'all' ? 'all units' : `unit ${o.unit + 1}`
        const when = o.until === Infinity ? `from word ${o.from + 1} on` : `at word ${o.from + 1}`
        return [
          `Layer ${o.layer + 1}, ${names[o.value]} of ${unit} is held at ${o.to} ${when}.`,
          () => change({ holds: state.holds.filter((p) => p !== o) }),
        ]
      }),
    ]
    broken.replaceChildren(
      ...lines.map(([words, mend]) =>
        h(
          'li',
          {},
          words,
          ' ',
          h('button', { type: 'button', 'aria-label': `Mend: ${words}`, onclick: mend }, 'Mend'),
        ),
      ),
    )
    film.replaceChildren(
      ...places.map((o, t) =>
        h('button', { type: 'button', tabindex: -1, onclick: () => go(t) }, visible(o.word)),
      ),
    )
    scrub.max = places.length - 1
    rowH = network.size * network.layers.length <= 64 ? 5 : 4
    colW = Math.max(24, Math.min(44, Math.floor(strip.clientWidth / places.length)))
    scales = network.layers.map((_, l) => scaleOf(places, l, state.value))
    context = sized(canvas, places.length * colW, height())
    marks(0, places.length - 1)
    places.forEach((_, t) => paintColumn(t))
    update(true)
  }

  function marks(first, last) {
    for (let t = first; t <= last; t++) {
      const o = places[t]
      const e = film.children[t]
      const before = t && places[t - 1]
      const known = before && before.truth !== null && t <= state.at
      const kinds = []
      if (known) kinds.push(before.said === before.truth ? 'right' : 'wrong')
      if (t > state.at) kinds.push('later')
      if (o.own) kinds.push('own')
      if (o.broken) kinds.push('broken')
      if (state.resets.includes(t)) kinds.push('reset')
      e.className = kinds.join(' ')
      const told = known ? `, it said “${before.said}”: ${kinds[0]}` : ''
      e.title = `word ${t + 1}${o.own ? ', which it wrote itself' : ''}${told}`
    }
  }

  // Move to a place, or choose another unit, without reading anew
  function go(at, changes = {}) {
    const was = state.at
    Object.assign(state, changes)
    state.at = Math.max(0, Math.min(at, places.length - 1))
    if (Object.keys(changes).length) places.forEach((_, t) => paintColumn(t))
    const [first, last] = [Math.min(was, state.at), Math.max(was, state.at)]
    if (!Object.keys(changes).length) for (let t = first; t <= last; t++) paintColumn(t)
    marks(first, last)
    update(was !== state.at || 'tab' in changes)
    if (!playing) remember()
  }

  function update(moved) {
    const { word, step, truth, said: top1 } = places[state.at]
    const old = film.querySelector('[aria-current]')
    old?.removeAttribute('aria-current')
    if (old) old.tabIndex = -1
    const chip = film.children[state.at]
    chip.setAttribute('aria-current', 'step')
    chip.tabIndex = 0
    if (moved) {
      film.scrollLeft = chip.offsetLeft - film.clientWidth / 2 + chip.offsetWidth / 2
      const x = state.at * colW
      const room = strip.clientWidth
      if (x < strip.scrollLeft || x + colW > strip.scrollLeft + room)
        strip.scrollLeft = x - room * 0.6
    }
    scrub.value = state.at
    scrub.setAttribute('aria-valuetext', `word ${state.at + 1} of ${places.length}: ${word}`)
    back1.disabled = state.at === 0
    next1.disabled = state.at === places.length - 1
    unitChoice.value = `${state.layer}:${state.unit}`
    for (const [i, k] of Object.keys(tabNames).entries()) {
      tabs.children[i].setAttribute('aria-selected', k === state.tab)
    }
    nextWords(word, step, truth, top1)
    canvas.setAttribute(
      'aria-label',
      `${names[state.value]} of ${network.layers.length * network.size} units over ${state.at + 1} words`,
    )
    tell(state.at, state.layer, state.unit)
    details(state.layer, state.unit)
  }

  const tell = (t, l, u) =>
    (readout.textContent = `layer ${l + 1}, unit ${u + 1}, after “${places[t].word}”: ${fixed(places[t].step.layers[l][state.value][u])}`)

  function nextWords(word, step, truth, top1) {
    const p = softmax(step.logits)
    const order = p.map((v, i) => i).sort((a, b) => p[b] - p[a])
    const right = truth === null ? -1 : file.vocab.indexOf(truth)
    const shown = order.slice(0, 6)
    if (right >= 0 && !shown.includes(right)) shown[5] = right
    expects.textContent = `After “${visible(word)}” it expects`
    rows.replaceChildren(
      ...shown.flatMap((i) => [
        h(
          'span',
          { class: i === right ? 'true' : '' },
          `${i === right ? '✓ ' : ''}${visible(file.vocab[i])}`,
        ),
        h('span', { class: 'bar' }, h('i', { style: `width: ${100 * p[i]}%` })),
        h('span', { class: 'p' }, percent(p[i])),
      ]),
    )
    const judged = places.slice(0, state.at + 1).filter((o) => o.truth !== null)
    const good = judged.filter((o) => o.said === o.truth).length
    const now =
      truth === null
        ? [h('span', { class: 'quiet' }, 'Any word could follow here.')]
        : top1 === truth
          ? [h('strong', { class: 'good' }, '✓ right')]
          : [h('strong', { class: 'bad' }, `✗ wrong: it is “${visible(truth)}”`)]
    verdict.replaceChildren(
      ...now,
      judged.length ? ` · ${good} of ${judged.length} right so far` : '',
    )
  }

  // -- the three panels
  function details(l, u) {
    if (state.tab === 'cell') panel.replaceChildren(...cellPanel(places, network, state.at, l, u))
    else if (state.tab === 'reach') reachPanel()
    else unitPanel(l, u)
  }

  const historyHost = h('div')
  const elsewhereHost = h('div')
  let askedFor = ''
  function unitPanel(l, u) {
    historyHost.replaceChildren(
      h(
        'p',
        { class: 'title' },
        `${names[state.value]} of layer ${l + 1}, unit ${u + 1}, word by word`,
      ),
      unitHistory(
        places,
        state.at,
        l,
        u,
        state.value,
        historyHost.clientWidth || panel.clientWidth || 600,
      ),
    )
    const key = [state.model, state.epoch, l, u, state.value, state.at, state.text].join()
    if (key !== askedFor && l === state.layer && u === state.unit) {
      askedFor = key
      const ask = h(
        'button',
        { type: 'button', onclick: () => elsewhere(l, u, key) },
        'Where else is it like this?',
      )
      elsewhereHost.replaceChildren(counts ? ask : '')
    }
    if (panel.firstChild !== historyHost) panel.replaceChildren(historyHost, elsewhereHost)
  }

  async function elsewhere(l, u, key) {
    const v = places[state.at].step.layers[l][state.value][u]
    const bar = h('progress', { max: 9999, value: 0, 'aria-label': 'How far it has read' })
    elsewhereHost.replaceChildren(h('p', { class: 'quiet' }, 'It reads 1 to 9,999 … ', bar))
    const trace = await scan(file, network, l, state.value, (n) => {
      bar.value = n
      return key === askedFor && top.isConnected
    })
    if (!trace || key !== askedFor) return
    elsewhereHost.replaceChildren(
      ...likeThis(top, trace, network.size, u, v, state.value, (n) => {
        text.value = `${Math.max(1, n - 2)}-${Math.min(9999, n + 1)}`
        typed()
      }),
    )
  }

  function reachPanel() {
    const { step, truth, said: top1 } = places[state.at]
    const wanted = state.logit ?? truth ?? top1
    const id = file.vocab.indexOf(wanted)
    const choice = select(
      [
        ['', `the ${truth !== null ? 'right' : 'likeliest'} word, “${truth ?? top1}”`],
        ...file.vocab.map((o) => [o, `“${o}”`]),
      ],
      state.logit ?? '',
      (v) => go(state.at, { logit: v || null }),
    )
    const others = ['LMModel5', 'LMModel8', 'LMModel7'].filter((o) => o in file.models)
    const compared = others.includes(state.model) ? others : [state.model, ...others]
    const all = compared.map((name) => {
      const { epochs } = file.models[name]
      const epoch = epochs.includes(state.epoch) ? state.epoch : epochs.at(-1)
      if (name === state.model) return { name, epoch, net: network, run: places }
      const net = makeNetwork(file, name, epoch)
      const run = places.slice(0, state.at + 1).reduce((list, o, t) => {
        const before = t && !state.resets.includes(t) ? list[t - 1].step : null
        return [...list, { step: read(net, before, file.vocab.indexOf(o.word)) }]
      }, [])
      return { name, epoch, net, run }
    })
    const pieces = all.map(({ name, epoch, net, run }) => {
      const { lengths } = reach(
        net,
        run.map((o) => o.step),
        state.at,
        id,
      )
      const most = Math.max(...lengths, 1e-300)
      const total = lengths.reduce((a, b) => a + b, 0) || 1
      let sum = 0
      let near = 0
      while (sum < 0.9 * total && near <= state.at) sum += lengths[state.at - near++]
      const last = name === compared.at(-1)
      const c = h('canvas', {
        role: 'img',
        'aria-label': `${name}: nine tenths of the gradient come from the last ${near} words`,
      })
      const ctx = sized(c, colW * (state.at + 1), last ? 56 + wordsH : 56)
      ctx.fillStyle = colour(top, 'plus')
      lengths.forEach((v, t) => {
        const tall = (52 * v) / most
        ctx.fillRect(t * colW + 1, 56 - tall, colW - 2, tall)
        if (last) label(ctx, t, 62)
      })
      return h(
        'div',
        { class: 'reach' },
        h(
          'span',
          { class: 'told' },
          h('strong', {}, kindNames[net.layers[0].kind]),
          h(
            'span',
            { class: 'quiet' },
            ` (${name}, epoch ${epoch}): 90 % from the last ${near > 1 ? `${near} words` : 'word'}`,
          ),
        ),
        c,
      )
    })
    panel.replaceChildren(
      h('div', { class: 'bunch' }, labelled('How much does each word matter for', choice)),
      h(
        'p',
        { class: 'quiet' },
        `A bar is the length of the gradient that the score of “${wanted}” sends back to a word, in each network beside its longest.`,
      ),
      h(
        'div',
        {
          class: 'scroll',
          tabindex: '0',
          role: 'group',
          'aria-label': 'The gradient at each word',
        },
        ...pieces,
      ),
    )
    panel.lastChild.scrollLeft = strip.scrollLeft
  }

  // -- playing
  let last = 0
  const frame = (now) => {
    if (!playing) return
    if (now - last >= 1000 / speed) {
      last = now
      if (state.at === places.length - 1) return stop()
      go(state.at + 1)
    }
    playing = requestAnimationFrame(frame)
  }
  function play() {
    if (state.at === places.length - 1) go(0)
    playButton.textContent = '❚❚ Pause'
    last = 0
    playing = requestAnimationFrame(frame)
  }
  function stop() {
    cancelAnimationFrame(playing)
    playing = 0
    playButton.textContent = '▶ Play'
    remember()
  }

  // -- keys and mouse
  const arrows = (e, focus) => {
    const steps = {
      ArrowLeft: state.at - 1,
      ArrowRight: state.at + 1,
      Home: 0,
      End: places.length - 1,
    }
    if (e.key in steps) go(steps[e.key])
    else if (focus === 'strip' && (e.key === 'ArrowUp' || e.key === 'ArrowDown')) {
      const flat = state.layer * network.size + state.unit + (e.key === 'ArrowDown' ? 1 : -1)
      if (flat >= 0 && flat < network.size * network.layers.length)
        go(state.at, { layer: Math.floor(flat / network.size), unit: flat % network.size })
    } else return
    e.preventDefault()
    e.stopPropagation() // Jupyter has the arrow keys, too
    if (focus === 'film') film.children[state.at].focus({ preventScroll: true })
  }
  film.addEventListener('keydown', (e) => arrows(e, 'film'))
  strip.addEventListener('keydown', (e) => arrows(e, 'strip'))
  const under = (e) => {
    const box = canvas.getBoundingClientRect()
    const t = Math.floor((e.clientX - box.left) / colW)
    for (let l = 0; l < network.layers.length; l++) {
      const u = Math.floor((e.clientY - box.top - columnTop(l)) / rowH)
      if (u >= 0 && u < network.size && t in places) return { t, l, u }
    }
    return null
  }
  canvas.addEventListener('mousemove', (e) => {
    const o = under(e)
    if (!o || playing) return
    tell(Math.min(o.t, state.at), o.l, o.u)
    const key = `${o.l}:${o.u}`
    if (state.tab !== 'reach' && key !== pointed) details(o.l, o.u)
    pointed = key
  })
  canvas.addEventListener('mouseleave', () => {
    if (pointed && !playing) update(false)
    pointed = null
  })
  canvas.addEventListener('click', (e) => {
    const o = under(e)
    if (o) go(o.t, { layer: o.l, unit: o.u })
  })

  top.append(
    h(
      'div',
      { class: 'bunch' },
      labelled(counts ? 'Numbers or words' : 'Text', text, 'grow'),
      counts ? chosen : null,
    ),
    said,
    film,
    h(
      'div',
      { class: 'bunch' },
      playButton,
      back1,
      next1,
      speeds,
      labelled('Network', modelChoice),
      epochRow,
      linked ? link : null,
    ),
    h(
      'div',
      { class: 'two' },
      h(
        'div',
        {},
        h(
          'div',
          { class: 'bunch' },
          labelled('State', valueChoice),
          labelled('Unit', unitChoice),
          readout,
        ),
        strip,
        scrub,
        legend,
      ),
      h('div', { class: 'first' }, expects, rows, verdict),
    ),
    h(
      'div',
      { class: 'bunch' },
      labelled('Then it writes', writes),
      labelled('Temperature', heat),
      again,
    ),
    breaking,
    tabs,
    panel,
  )
  epochChoice.setAttribute('aria-label', 'Epoch')
  onColours(() => layout())
  const observer = new ResizeObserver(() => details(state.layer, state.unit))
  observer.observe(panel)
  change({}, ...notes)
  return () => {
    stop()
    observer.disconnect()
    end()
  }
}

// ---- Details ---------------------------------------------------------------------------------

function unitHistory(places, at, l, u, value, width) {
  const tall = 120
  const values = places.slice(0, at + 1).map((o) => o.step.layers[l][value][u])
  const least = Math.min(0, ...values)
  const most = Math.max(isGate(value) ? 1 : 0.1, ...values)
  const x = (t) => 44 + ((t + 0.5) * (width - 56)) / places.length
  const y = (v) => 8 + ((most - v) / (most - least)) * (tall - 16)
  const d = values.map((v, t) => `${t ? 'L' : 'M'}${x(t).toFixed(1)},${y(v).toFixed(1)}`).join('')
  const grid = [...new Set([most, 0, least])].flatMap((v) => [
    h('line', { x1: 44, x2: width - 12, y1: y(v), y2: y(v), stroke: 'var(--x-line)' }),
    h('text', { x: 38, y: y(v) + 4, 'text-anchor': 'end' }, fixed(v)),
  ])
  return h(
    'svg',
    {
      width,
      height: tall,
      role: 'img',
      'aria-label': `from ${fixed(values[0])} to ${fixed(values[at])}, between ${fixed(Math.min(...values))} and ${fixed(Math.max(...values))}`,
    },
    ...grid,
    h('path', {
      d,
      fill: 'none',
      stroke: 'var(--x-link)',
      'stroke-width': 2,
      'stroke-linejoin': 'round',
    }),
    h('circle', { cx: x(at), cy: y(values[at]), r: 4, fill: 'var(--x-link)' }),
  )
}

const pre = (now, k, u) => now.a[k * now.h.length + u] + now.b[k * now.h.length + u]

// The equations of one unit with its numbers, and its last words beside one another
function cellPanel(places, network, at, l, u) {
  const { kind } = network.layers[l]
  const now = places[at].step.layers[l]
  const v = (key) => fixed(now[key][u])
  const remark = (equation, words) => equation.padEnd(24) + words
  const lines = {
    loop: () => [`h = relu(${fixed(pre(now, 0, u))}) = ${v('h')}`],
    rnn: () => [`h = tanh(${fixed(pre(now, 0, u))}) = ${v('h')}`],
    lstm: () => [
      remark(`f = σ(${fixed(pre(now, 1, u))}) = ${v('f')}`, 'how much is kept'),
      remark(`i = σ(${fixed(pre(now, 0, u))}) = ${v('i')}`, 'how much is written'),
      remark(`g = tanh(${fixed(pre(now, 2, u))}) = ${v('g')}`, 'what is written'),
      remark(`o = σ(${fixed(pre(now, 3, u))}) = ${v('o')}`, 'how much is shown'),
      '',
      `c = f·c₋₁ + i·g = ${v('f')}·${fixed(now.before.c[u])} + ${v('i')}·${v('g')} = ${v('c')}`,
      `h = o·tanh(c) = ${v('o')}·tanh(${v('c')}) = ${v('h')}`,
    ],
    gru: () => {
      const size = now.h.length
      return [
        remark(
          `r = σ(${fixed(pre(now, 0, u))}) = ${v('r')}`,
          'how much of the old the new one reads',
        ),
        remark(`z = σ(${fixed(pre(now, 1, u))}) = ${v('z')}`, 'how much of the old is kept'),
        `n = tanh(${fixed(now.a[2 * size + u])} + ${v('r')}·${fixed(now.b[2 * size + u])}) = ${v('n')}`,
        '',
        `h = (1−z)·n + z·h₋₁ = ${fixed(1 - now.z[u])}·${v('n')} + ${v('z')}·${fixed(now.before.h[u])} = ${v('h')}`,
      ]
    },
  }[kind]()
  const held = now.held.filter((o) => o.unit === 'all' || o.unit === u)
  if (held.length)
    lines.push('', `held by you: ${held.map((o) => `${o.value} = ${o.to}`).join(', ')}`)
  const first = Math.max(0, at - 5)
  const shown = places.slice(first, at + 1)
  const order = {
    loop: ['h'],
    rnn: ['h'],
    lstm: ['f', 'i', 'g', 'o', 'c', 'h'],
    gru: ['r', 'z', 'n', 'h'],
  }[kind]
  const cell = (o, i, key) =>
    h('td', { class: first + i === at ? 'now' : '' }, fixed(o.step.layers[l][key][u]))
  return [
    h('p', { class: 'title' }, `Layer ${l + 1}, unit ${u + 1}, at “${places[at].word}”`),
    h('div', { class: 'eq' }, lines.join('\n')),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'The last words, unrolled' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, 'unrolled'),
            ...shown.map((o, i) =>
              h('th', { scope: 'col', class: first + i === at ? 'now' : '' }, o.word),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          ...order.map((key) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, names[key]),
              ...shown.map((o, i) => cell(o, i, key)),
            ),
          ),
        ),
      ),
    ),
  ]
}

// All numbers from 1 to 9,999, read in slices so that the page stays awake
let wholeText = null
async function scan(file, network, layer, value, wanted) {
  if (!wholeText) {
    wholeText = { words: [], numbers: [] }
    for (let n = 1; n < 10000; n++)
      for (const w of [...numberWords(n), '.']) {
        wholeText.words.push(w)
        wholeText.numbers.push(n)
      }
  }
  const scans = (file.scans ??= new Map())
  const key = [network.name, network.epoch, layer, value].join()
  if (scans.has(key)) return scans.get(key)
  const trace = new Float32Array(wholeText.words.length * network.size)
  let step = null
  let since = performance.now()
  for (let t = 0; t < wholeText.words.length; t++) {
    step = read(network, step && { layers: step.layers }, file.vocab.indexOf(wholeText.words[t]))
    trace.set(step.layers[layer][value], t * network.size)
    step.layers.forEach((o) => (o.before = null)) // or none of them could be freed
    if (performance.now() - since > 10) {
      await new Promise((done) => setTimeout(done))
      if (!wanted(wholeText.numbers[t])) return null
      since = performance.now()
    }
  }
  if (scans.size > 3) scans.delete(scans.keys().next().value)
  scans.set(key, trace)
  return trace
}

function likeThis(top, trace, size, u, v, value, open) {
  const { words, numbers } = wholeText
  const alike = words.map((_, t) =>
    v < 0 ? trace[t * size + u] <= v + 1e-9 : trace[t * size + u] >= v - 1e-9,
  )
  const total = alike.filter(Boolean).length
  const byWord = new Map()
  words.forEach((w, t) => {
    const o = byWord.get(w) || { all: 0, like: 0 }
    o.all++
    if (alike[t]) o.like++
    byWord.set(w, o)
  })
  const rows = [...byWord]
    .filter(([, o]) => o.like)
    .sort((a, b) => b[1].like - a[1].like)
    .slice(0, 6)
  const bins = new Float64Array(100)
  const sizes = new Float64Array(100)
  numbers.forEach((n, t) => {
    sizes[Math.floor(n / 100)]++
    if (alike[t]) bins[Math.floor(n / 100)]++
  })
  const canvas = h('canvas', {
    role: 'img',
    'aria-label': 'Where in 1 to 9,999, a bar for each hundred',
  })
  const wide = Math.max(200, Math.min(700, top.clientWidth - 20))
  const context = sized(canvas, wide, 60)
  context.fillStyle = colour(top, 'link')
  const most = Math.max(...bins.map((b, i) => b / sizes[i]))
  bins.forEach((b, i) => {
    const tall = (b / sizes[i] / (most || 1)) * 46
    context.fillRect((i * wide) / 100, 46 - tall, wide / 100 - 1, tall)
  })
  context.fillStyle = colour(top, 'grey')
  context.font = '11px system-ui, sans-serif'
  for (let k = 0; k < 10; k += 1) context.fillText(k ? `${k},000` : '1', (k * wide) / 10, 58)
  const places = alike.flatMap((o, t) => (o ? [t] : []))
  const some = [0.1, 0.35, 0.6, 0.85]
    .map((q) => places[Math.floor(q * places.length)])
    .filter((o) => o !== undefined)
  return [
    h('p', { class: 'title' }, 'Where else is it like this?'),
    h(
      'p',
      {},
      `In all numbers from 1 to 9,999, ${value} of this unit is ${v < 0 ? 'at most' : 'at least'} ${fixed(v)} after ${total.toLocaleString('en')} of ${words.length.toLocaleString('en')} words (${percent(total / words.length)}).`,
    ),
    canvas,
    h(
      'div',
      { class: 'bunch', style: 'align-items: flex-start; gap: 2rem' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['after', 'so often', 'of all such words'].map((o) => h('th', { scope: 'col' }, o)),
          ),
        ),
        h(
          'tbody',
          {},
          ...rows.map(([w, o]) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, w),
              h('td', {}, o.like.toLocaleString('en')),
              h('td', {}, percent(o.like / o.all)),
            ),
          ),
        ),
      ),
      h(
        'div',
        {},
        h('p', { class: 'quiet', style: 'margin: 0' }, 'Look there:'),
        ...[...new Set(some.map((t) => numbers[t]))].map((n) =>
          h(
            'button',
            { type: 'button', style: 'margin: .15rem', onclick: () => open(n) },
            n.toLocaleString('en'),
          ),
        ),
      ),
    ),
  ]
}

// ---- Small figures for the lessons -----------------------------------------------------------

const range = (words, min, max, value, oninput) => {
  const out = h('output', {}, String(value))
  const e = h('input', {
    type: 'range',
    min,
    max,
    step: 1,
    value,
    oninput: () => {
      out.textContent = e.value
      oninput()
    },
  })
  return {
    e,
    row: h('label', { class: 'short' }, words, e, out),
    get value() {
      return Number(e.value)
    },
  }
}
const caption = (text) => h('figcaption', { role: 'status' }, text)

// Lesson 1: the text is cut into `bs` streams, and each batch has the next `sl` words of all
function batches({ el }) {
  const { top, end } = root(el, 'figure')
  const colours = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9']
  const words = [...Array(40).keys()].flatMap((n) => [...numberWords(n + 1), '.']).slice(0, 60)
  const tint = (row) =>
    `background: color-mix(in srgb, ${colours[row]} 26%, transparent); padding: .05rem .35rem; border-radius: .25rem`
  const text = h('div', { class: 'bunch', style: 'gap: .15rem .2rem; font-size: .9em' })
  const grid = h('div', {
    class: 'bunch',
    style: 'align-items: flex-start; gap: 1rem; font-size: .9em',
  })
  const told = caption('')
  const bs = range('Batch size bs', 1, 6, 3, show)
  const sl = range('Sequence length sl', 2, 8, 5, show)
  function show() {
    const n = Math.floor(words.length / bs.value / sl.value)
    const long = n * sl.value
    text.replaceChildren(
      ...words.map((w, i) => {
        const row = Math.floor(i / long)
        return h('span', { style: row < bs.value ? tint(row) : 'opacity: .65' }, w)
      }),
    )
    grid.replaceChildren(
      ...[...Array(n).keys()]
        .slice(0, 4)
        .map((b) =>
          h(
            'table',
            { 'aria-label': `Batch ${b}` },
            h('caption', { style: 'caption-side: top; padding: 0; color: inherit' }, `batch ${b}`),
            h(
              'tbody',
              {},
              ...[...Array(bs.value).keys()].map((row) =>
                h(
                  'tr',
                  {},
                  ...[...Array(sl.value).keys()].map((k) =>
                    h(
                      'td',
                      { style: 'padding: .1rem; text-align: left; border: 0' },
                      h('span', { style: tint(row) }, words[row * long + b * sl.value + k]),
                    ),
                  ),
                ),
              ),
            ),
          ),
        ),
    )
    const left = words.length - bs.value * long
    told.textContent = `${bs.value} stream${bs.value > 1 ? 's' : ''} of ${long} words, a colour each; ${n} batches of ${bs.value} × ${sl.value}${n > 4 ? ', the first four are shown' : ''}. Row i of a batch goes on where row i of the one before ended. ${left ? `${left} words are left over.` : 'No word is left over.'}`
  }
  top.append(
    h('div', { class: 'bunch' }, bs.row, sl.row),
    text,
    h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Batches' }, grid),
    told,
  )
  show()
  return end
}

// Lessons 2 and 3: the loop unrolled, and the way of the gradient back to where `detach` cuts it
function unroll({ el, file }) {
  const { top, end } = root(el, 'figure')
  const words = [...Array(5).keys()].flatMap((n) => [...numberWords(n + 1), '.'])
  const name = file.models.LMModel4 ? 'LMModel4' : Object.keys(file.models)[0]
  const network = makeNetwork(file, name, file.models[name].epochs.at(-1))
  const places = readAll(file, network, words, {
    holds: [],
    resets: [],
    write: 0,
    temperature: 0,
    seed: 1,
  })
  const host = h('div')
  const line = h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'The loop, unrolled' },
    host,
  )
  const told = caption('')
  const loss = range('Loss after word', 1, words.length, 8, show)
  const cut = range('detach before word', 1, words.length, 4, show)
  function show() {
    const at = loss.value - 1
    const from = cut.value - 1
    const id = file.vocab.indexOf(places[at].truth ?? words[at + 1] ?? 'six')
    const { lengths } =
      from > at
        ? { lengths: words.map(() => 0) }
        : reach(
            network,
            places.map((o) => o.step),
            at,
            id,
            from,
          )
    const most = Math.max(...lengths, 1e-12)
    const share = (t) => (lengths[t] ?? 0) / most
    const w = 72
    const width = words.length * w
    const x = (t) => t * w + w / 2
    const arrow = (x1, y1, x2, y2, stroke, wide = 1.5) => {
      const a = Math.atan2(y2 - y1, x2 - x1)
      const tip = (d) => `${x2 - 7 * Math.cos(a + d)},${y2 - 7 * Math.sin(a + d)}`
      return h('path', {
        d: `M${x1},${y1}L${x2},${y2}M${tip(0.45)}L${x2},${y2}L${tip(-0.45)}`,
        stroke,
        'stroke-width': wide,
        fill: 'none',
      })
    }
    const mid = { 'text-anchor': 'middle' }
    host.replaceChildren(
      h(
        'svg',
        {
          width,
          height: 232,
          role: 'img',
          'aria-label': `${words.length} steps of ${name}, the gradient goes back to word ${Math.min(from, at) + 1}`,
          style: 'max-width: none',
        },
        ...words.flatMap((word, t) =>
          [
            t === at
              ? h(
                  'text',
                  { x: x(t), y: 20, ...mid, style: 'font-weight: 700; fill: var(--x-good)' },
                  `loss: ${file.vocab[id]}`,
                )
              : null,
            arrow(x(t), 66, x(t), 30, t === at ? 'var(--x-good)' : 'var(--x-line)'),
            h('circle', {
              cx: x(t),
              cy: 86,
              r: 18,
              fill: 'var(--x-soft)',
              stroke: 'var(--x-plus)',
              'stroke-width': 1.5,
            }),
            h('text', { x: x(t), y: 90, ...mid }, 'h'),
            arrow(x(t), 140, x(t), 108, 'var(--x-minus)'),
            h('text', { x: x(t), y: 156, ...mid }, word),
            t ? arrow(x(t - 1) + 20, 82, x(t) - 21, 82, 'var(--x-grey)') : null,
            t && t > from && t <= at
              ? arrow(
                  x(t) - 20,
                  94,
                  x(t - 1) + 21,
                  94,
                  'var(--x-mark)',
                  1 + 3 * Math.sqrt(share(t - 1)),
                )
              : null,
            h('rect', {
              x: x(t) - 14,
              y: 224 - 52 * share(t),
              width: 28,
              height: 52 * share(t),
              fill: 'var(--x-mark)',
            }),
          ].filter(Boolean),
        ),
        h('line', { x1: 0, x2: width, y1: 224, y2: 224, stroke: 'var(--x-line)' }),
        ...(from
          ? [
              h('line', {
                x1: x(from) - w / 2,
                x2: x(from) - w / 2,
                y1: 50,
                y2: 224,
                stroke: 'var(--x-bad)',
                'stroke-width': 2,
                'stroke-dasharray': '5 4',
              }),
              h(
                'text',
                { x: x(from) - w / 2, y: 44, ...mid, style: 'fill: var(--x-bad)' },
                'detach',
              ),
            ]
          : []),
      ),
    )
    line.scrollLeft = x(at) + w - line.clientWidth // on a phone, too, the loss is in sight
    told.textContent =
      from > at
        ? 'The loss stands before the cut: there is nothing to go back to.'
        : `The state passes the cut, the gradient does not. A bar is the length of the gradient that arrives at a word, in ${name} after training: ${lengths.slice(from, at + 1).filter((v) => v > most / 100).length} of the ${at - from + 1} words get more than a hundredth of the largest.`
  }
  top.append(
    h('div', { class: 'bunch' }, loss.row, cut.row),
    line,
    told,
  )
  show()
  return end
}

// Lesson 6: one unit of an LSTM with its numbers
function cell({ el, file, query }) {
  const { top, end } = root(el, 'figure')
  const { state } = readState(query, file)
  const network = makeNetwork(file, state.model, state.epoch)
  const { words } = parseText(state.text, file.vocab)
  const places = readAll(file, network, words, { ...state, write: 0 })
  const panel = h('div')
  const line = h('div', { class: 'film', role: 'group', 'aria-label': 'The words' })
  const at = range('Word', 1, words.length, Math.min(state.at, words.length - 1) + 1, show)
  const unit = range('Unit', 1, network.size, state.unit + 1, show)
  function show() {
    line.replaceChildren(
      ...words.map((w, t) =>
        h(
          'button',
          {
            type: 'button',
            'aria-current': t === at.value - 1 ? 'step' : null,
            class: t < at.value ? '' : 'later',
            tabindex: t === at.value - 1 ? 0 : -1,
            onclick: () => {
              at.e.value = t + 1
              at.e.dispatchEvent(new Event('input'))
            },
          },
          w,
        ),
      ),
    )
    const chip = line.children[at.value - 1]
    line.scrollLeft = chip.offsetLeft - line.clientWidth / 2
    panel.replaceChildren(...cellPanel(places, network, at.value - 1, state.layer, unit.value - 1))
  }
  top.append(h('div', { class: 'bunch' }, at.row, unit.row), line, panel)
  show()
  return end
}

// Lesson 7: what three kinds of dropout set to zero
function masks({ el }) {
  const { top, onColours, end } = root(el, 'figure')
  let seed = 1
  const n = 16
  const kinds = [
    [
      'Dropout',
      'a new draw for each word and unit',
      'units',
      'words',
      (chance, p) => [...Array(n * n)].map(() => chance() < p),
    ],
    [
      'RNNDropout',
      'one draw of units for all words of a batch',
      'units',
      'words',
      (chance, p) => {
        const row = [...Array(n)].map(() => chance() < p)
        return [...Array(n * n).keys()].map((i) => row[i % n])
      },
    ],
    [
      'WeightDropout',
      'one draw of weights from state to state for all words',
      'from unit',
      'to unit',
      (chance, p) => [...Array(n * n)].map(() => chance() < p),
    ],
  ]
  const canvases = kinds.map(([name]) =>
    h('canvas', { role: 'img', 'aria-label': `Mask of ${name}` }),
  )
  const p = range('Share p, in %', 0, 90, 40, show)
  const told = caption('')
  function show() {
    const chance = random(seed)
    const shares = kinds.map(([, , , , make], k) => {
      const context = sized(canvases[k], n * 12, n * 12)
      const off = make(chance, p.value / 100)
      context.fillStyle = colour(top, 'link')
      off.forEach((o, i) => !o && context.fillRect((i % n) * 12, Math.floor(i / n) * 12, 11, 11))
      return off.filter(Boolean).length / off.length
    })
    told.textContent = `Gaps are zeros: ${shares.map((o, k) => `${percent(o)} in ${kinds[k][0]}`).join(', ')}. What stays is divided by ${(1 - p.value / 100).toFixed(2)}, so that the mean stays as it was.`
  }
  const again = h(
    'button',
    {
      type: 'button',
      onclick: () => {
        seed++
        show()
      },
    },
    'Draw again',
  )
  top.append(
    h('div', { class: 'bunch' }, p.row, again),
    h(
      'div',
      { class: 'bunch', style: 'gap: 1.6rem; align-items: flex-start' },
      ...kinds.map(([name, what, across, down], k) =>
        h(
          'div',
          { style: 'width: 12.2rem' },
          h('strong', {}, name),
          h('div', { class: 'quiet', style: 'min-height: 2.9em' }, what),
          canvases[k],
          h('div', { class: 'quiet' }, `across: ${across}, down: ${down}`),
        ),
      ),
    ),
    told,
  )
  onColours(show)
  show()
  return end
}

// The home page: it counts by itself until it is touched
function count({ el, file, query }) {
  const { top, onColours, end } = root(el, 'figure')
  const { state } = readState(query, file)
  const network = makeNetwork(file, state.model, file.models[state.model].epochs.at(-1))
  const { words } = parseText('84-97', file.vocab)
  const places = readAll(file, network, words, { ...state, write: 400, temperature: 0 })
  const span = 40
  let at = words.length - 1
  let timer = 0
  const film = h('p', {
    style:
      'font-size: 1.15em; margin: .2rem 0; white-space: nowrap; overflow: hidden; direction: rtl',
    'aria-live': 'off',
  })
  const line = h('span', { style: 'unicode-bidi: embed; direction: ltr' })
  film.append(h('bdi', { dir: 'ltr' }, line))
  const canvas = h('canvas', {
    class: 'fit',
    style: 'margin-left: auto',
    role: 'img',
    'aria-label': 'Hidden state of the first layer over the last words',
  })
  const expects = h('div', { class: 'words' })
  const button = h('button', { type: 'button', class: 'main' })
  function show() {
    const from = at + 1 - span
    const context = sized(canvas, span * 14, network.size * 5)
    const put = painter(top, context)
    for (let t = Math.max(0, from); t <= at; t++)
      places[t].step.layers[0].h.forEach((v, u) => put(v, false, (t - from) * 14, u * 5, 13, 4))
    line.replaceChildren(
      ...places
        .slice(Math.max(0, at - 12), at + 1)
        .map((o, k, all) => h(k === all.length - 1 ? 'strong' : 'span', {}, `${o.word} `)),
    )
    const p = softmax(places[at].step.logits)
    const order = p
      .map((_, i) => i)
      .sort((a, b) => p[b] - p[a])
      .slice(0, 4)
    expects.replaceChildren(
      ...order.flatMap((i) => [
        h(
          'span',
          { class: file.vocab[i] === places[at].truth ? 'true' : '' },
          `${file.vocab[i] === places[at].truth ? '✓ ' : ''}${file.vocab[i]}`,
        ),
        h('span', { class: 'bar' }, h('i', { style: `width: ${100 * p[i]}%` })),
        h('span', { class: 'p' }, percent(p[i])),
      ]),
    )
  }
  const tick = () => {
    at = at === places.length - 1 ? words.length - 1 : at + 1
    show()
  }
  const stop = () => {
    clearInterval(timer)
    timer = 0
    button.textContent = '▶ Count'
  }
  const start = () => {
    timer = setInterval(tick, 450)
    button.textContent = '❚❚ Pause'
  }
  button.addEventListener('click', (e) => {
    e.stopPropagation()
    timer ? stop() : start()
  })
  top.addEventListener('pointerdown', (e) => button.contains(e.target) || stop())
  const open = h('a', { href: 'explainer.html' }, 'Step through it, open its cells, break it')
  top.append(
    film,
    h(
      'div',
      { class: 'two' },
      h('div', { style: 'overflow: hidden' }, canvas),
      h('div', {}, h('div', { class: 'quiet' }, 'next, it expects'), expects),
    ),
    h('div', { class: 'bunch' }, button, open),
  )
  onColours(show)
  show()
  calm() ? stop() : start()
  return () => {
    stop()
    end()
  }
}

// ---- In Jupyter and on a page ----------------------------------------------------------------

const views = { page, batches, unroll, cell, masks, count }

function render({ model, el }) {
  const data = model.get('weights')
  const file = data?.byteLength
    ? readWeights(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength))
    : null
  const save = (query) => {
    model.set('state', query)
    model.save_changes()
  }
  const linked = Boolean(model.get('linked'))
  return views[model.get('view')]({ el, file, query: model.get('state'), save, linked })
}

const explainer = { render }
export default explainer

// The weights as they stand in a page: the first byte of each number, then the second of each, which
// is deflated better, in base64
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))
  const planes = new Uint8Array(await new Response(stream).arrayBuffer())
  const half = planes.length / 2
  return new DataView(planes.map((_, i) => planes[(i >> 1) + (i & 1) * half]).buffer)
}

// On a page of the site: every place that asks for a view gets one, and so does every picture that
// links to one. The weights stand in the page, and the state is in its address
export async function mount(where) {
  const given = where.getElementById('rnnx-weights')
  const weights = given && (await unpacked(given.textContent))
  for (const a of where.querySelectorAll('a[href*="explainer.html?view="]:has(img)')) {
    const asked = new URL(a.href)
    const el = h('div', {
      'data-explain': asked.searchParams.get('view'),
      'data-state': asked.search,
    })
    const alone = a.closest('p, figure')
    ;(alone?.textContent.trim() ? a : alone || a).replaceWith(el)
  }
  for (const el of where.querySelectorAll('[data-explain]')) {
    const own = el.dataset.explain === 'page'
    const asked = own && new URLSearchParams(location.search).get('view')
    const values = {
      view: asked in views ? asked : el.dataset.explain,
      state: own ? location.search : el.dataset.state || '',
      weights,
      linked: own,
    }
    const model = {
      get: (key) => values[key],
      set: (key, value) => (values[key] = value),
      save_changes: () => {
        if (own) history.replaceState(null, '', `${location.pathname}?${values.state}`)
      },
    }
    render({ model, el })
  }
}
