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
  const { vocab, models } = JSON.parse(header.__metadata__.rnnlab)
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
  return { vocab, models, tensors }
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
    return t.values.subarray(at * size, (at + 1) * size)
  }
  const has = (key) => `${name}/${key}` in file.tensors
  const [, words, size] = file.tensors[`${name}/i_h.weight`].shape
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
  return { name, words, size, embedding, layers, out }
}

// One layer, one word. `held` is what the reader broke: [{ value, unit (or all), to }]
function layerStep(layer, x, before, held) {
  const size = x.length
  const a = product(layer.wi, layer.bi, x)
  const b = product(layer.wh, layer.bh, before.h)
  const now = { x, before, held, a, b, h: new Float64Array(size) }
  const part = (k) => a.subarray(k * size, (k + 1) * size).map((v, u) => v + b[k * size + u])
  const hold = (key) => {
    for (const { value, unit, to } of held)
      if (value === key) unit === 'all' ? now[key].fill(to) : (now[key][unit] = to)
  }
  if (layer.kind === 'loop') now.h = part(0).map((v) => Math.max(v, 0))
  if (layer.kind === 'rnn') now.h = part(0).map(Math.tanh)
  if (layer.kind === 'lstm') {
    now.i = part(0).map(sigmoid)
    now.f = part(1).map(sigmoid)
    now.g = part(2).map(Math.tanh)
    now.o = part(3).map(sigmoid)
    gatesOf.lstm.forEach(hold)
    now.c = now.f.map((f, u) => f * before.c[u] + now.i[u] * now.g[u])
    hold('c')
    now.h = now.o.map((o, u) => o * Math.tanh(now.c[u]))
  }
  if (layer.kind === 'gru') {
    now.r = part(0).map(sigmoid)
    now.z = part(1).map(sigmoid)
    hold('r')
    hold('z')
    now.n = now.r.map((r, u) => Math.tanh(a[2 * size + u] + r * b[2 * size + u]))
    hold('n')
    now.h = now.z.map((z, u) => (1 - z) * now.n[u] + z * before.h[u])
  }
  hold('h')
  return now
}

// `layerStep` backwards: from the gradients of its h and c to those of its word and its old state
function layerBack(layer, now, dh, dc) {
  const { before, held } = now
  const size = dh.length
  const free = (key, d) => {
    for (const { value, unit } of held)
      if (value === key) unit === 'all' ? d.fill(0) : (d[unit] = 0)
    return d
  }
  const sigmoidBack = (d, s) => d.map((v, u) => v * s[u] * (1 - s[u]))
  const tanhBack = (d, t) => d.map((v, u) => v * (1 - t[u] * t[u]))
  dh = free('h', dh.slice())
  let parts = []
  let hidden = null // the gradients on the state's side, where they are others than the word's
  const old = { h: new Float64Array(size), c: null }
  if (layer.kind === 'loop') parts = [dh.map((v, u) => (now.h[u] > 0 ? v : 0))]
  if (layer.kind === 'rnn') parts = [tanhBack(dh, now.h)]
  if (layer.kind === 'lstm') {
    const t = now.c.map(Math.tanh)
    dc = free('c', dc.map((v, u) => v + dh[u] * now.o[u] * (1 - t[u] * t[u])))
    parts = [
      sigmoidBack(free('i', dc.map((v, u) => v * now.g[u])), now.i),
      sigmoidBack(free('f', dc.map((v, u) => v * before.c[u])), now.f),
      tanhBack(free('g', dc.map((v, u) => v * now.i[u])), now.g),
      sigmoidBack(free('o', dh.map((v, u) => v * t[u])), now.o),
    ]
    old.c = dc.map((v, u) => v * now.f[u])
  }
  if (layer.kind === 'gru') {
    const third = now.b.subarray(2 * size)
    const dn = tanhBack(free('n', dh.map((v, u) => v * (1 - now.z[u]))), now.n)
    const dz = sigmoidBack(free('z', dh.map((v, u) => v * (before.h[u] - now.n[u]))), now.z)
    const dr = sigmoidBack(free('r', dn.map((v, u) => v * third[u])), now.r)
    parts = [dr, dz, dn]
    hidden = [dr, dz, dn.map((v, u) => v * now.r[u])]
    old.h = dh.map((v, u) => v * now.z[u])
  }
  const flat = (arrays) => Float64Array.from(arrays.flatMap((o) => [...o]))
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
  const none = () => ({ h: new Float64Array(size), c: new Float64Array(size) })
  let later = layers.map(none)
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
