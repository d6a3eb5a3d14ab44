// What .ci/check_site.py asks of a page, in the page

globalThis.checkSite = {
  // What is seen of a page without touching it: [what is wrong, an example, what to do], and what
  // later checks need. Formulas are sought in text as a reader sees it, so tags within a block are
  // dropped.
  look: async () => {
    document.querySelectorAll('details').forEach((e) => (e.open = true))
    await document.fonts.ready
    await checkSite.settled()
    const $$ = (s, r = document) => [...r.querySelectorAll(s)],
      main = document.querySelector('main') || document.body,
      bad = []
    const need = (ok, ...what) => ok || bad.push(what),
      short = (e) => e.outerHTML.replace(/\s+/g, ' ').slice(0, 100)
    need(
      document.title.trim() && document.documentElement.lang,
      'no title, or no language',
      '',
      'Set <title> and <html lang>.',
    )
    const heads = $$('h1,h2,h3,h4,h5,h6', main)
      .filter((e) => e.checkVisibility())
      .map((e) => [+e.tagName[1], e.textContent.trim()])
    need(
      $$('h1').length == 1 && heads[0]?.[0] == 1,
      'the page does not begin with its only h1',
      heads[0]?.[1] || '',
      'Let it.',
    )
    heads
      .slice(1)
      .forEach(([n, t], i) =>
        need(
          n <= heads[i][0] + 1,
          'a heading level is skipped',
          `h${heads[i][0]}, then h${n} “${t}”`,
          'Skip none.',
        ),
      )
    $$('img').forEach((e) =>
      need(
        e.alt.trim() && !/^no description/i.test(e.alt),
        'a picture without words',
        short(e),
        'Add `#| fig-alt:` to the cell, or write ![words](file).',
      ),
    )
    $$('[onclick],[data-bs-toggle],[role=button],[role=tab]').forEach((e) =>
      need(e.tabIndex >= 0, 'out of the reach of the keyboard', short(e), 'Make it a <button>.'),
    )
    const skip = $$('a[href],button,input,summary,[tabindex="0"]')[0]?.getAttribute('href') || ''
    need(
      /^#./.test(skip) && main.parentElement?.querySelector(skip),
      'no skip link',
      '',
      'Let Tab reach a link into <main> first.',
    )
    const copy = document.body.cloneNode(true)
    $$('pre,code,script,style,svg,.katex,math', copy).forEach((e) => e.replaceWith(' '))
    copy.innerHTML
      .split(
        /<\/?(?:p|li|t[dh]|h\d|div|section|figcaption|summary|details|d[td]|[uo]l|blockquote|br|nav|a)\b[^>]*>/i,
      )
      .map((s) => s.replace(/<[^>]*>/g, ''))
      .forEach((s) =>
        need(
          !/\\[([]|\$\$|\$[^\s$]([^$]*[^\s$])?\$(?!\d)|\\(frac|sqrt|sum|odot|sigma|tanh|math\w+|text|begin)\b/.test(
            s,
          ),
          'a raw formula',
          s.trim().slice(0, 90),
          'Is KaTeX there, and is the formula in $…$ or $$…$$?',
        ),
      )
    $$('.katex-error').forEach((e) =>
      need(0, 'a formula that KaTeX cannot read', e.title || e.textContent, 'Mend it.'),
    )
    need(
      !$$('.katex').length ||
        [...document.fonts].some((f) => /KaTeX/.test(f.family) && f.status == 'loaded'),
      'formulas without their fonts',
      '',
      'Ship katex.min.css and its fonts.',
    )
    return {
      bad,
      formulas: Math.max($$('.katex').length, $$('math').length),
      h1: heads[0]?.[1] || '',
      ids: $$('[id],a[name]').flatMap((e) => [e.id, e.name]),
      to: [],
      links: $$('a[href],area[href]').map((e) => e.href),
      files: $$('[src],link[href],object[data]').map((e) => e.src || e.href || e.data),
    }
  },

  // What follows a change, such as the page's own scripts, has been done and drawn
  settled: async () => {
    for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame)
  },

  // What reaches over the right edge of the window, in no box that scrolls
  overflow: async () => {
    await checkSite.settled()
    const box = (e) => e.getBoundingClientRect(),
      width = document.scrollingElement.scrollWidth,
      over = []
    const text = (n) => {
      const r = new Range()
      r.selectNodeContents(n)
      return r
    }
    const look = (e) => {
      if (e.matches('svg *, .katex-mathml')) return
      const { overflowX, position } = getComputedStyle(e),
        scrolls = /auto|scroll/.test(overflowX),
        words = [...e.childNodes].filter((n) => n.nodeType == 3 && n.data.trim()).map(text)
      const out =
        box(e).width > 1 &&
        [e, ...(scrolls ? [] : words)].some((o) => box(o).right > innerWidth + 1) &&
        e.checkVisibility({ opacityProperty: true })
      if (out) over.push(e)
      if (position != 'fixed' && (out || !scrolls)) [...e.children].forEach(look)
    }
    ;[...document.body.children].forEach(look)
    const deepest = over.filter((e) => !over.some((o) => e !== o && e.contains(o))).slice(0, 3)
    const name = (e) =>
      `<${e.localName} class="${e.getAttribute('class') || ''}"> “${e.textContent.trim().slice(0, 40)}”`
    return width > innerWidth || over.length
      ? `${width} px; too far right: ${deepest.map(name)}`
      : ''
  },

  // What is cut at the right edge of its box, of tables and of code, and what shows that it scrolls
  cut: () => {
    const $$ = (s) => [...document.querySelectorAll('main ' + s)].filter((e) => e.checkVisibility()),
      box = (e) => e.closest('.cell-output-display, .sd-table, pre'),
      wide = (e) => box(e) && box(e).scrollWidth > box(e).clientWidth + 1,
      say = (e) => e.textContent.replace(/\s+/g, ' ').trim().slice(0, 60)
    return {
      tables: $$('table').filter(wide).map(say),
      code: $$('pre.sourceCode').map((e) => wide(e)),
      unsaid: $$('table, pre, svg.drawing')
        .filter((e) => wide(e) && (box(e).tabIndex < 0 || getComputedStyle(box(e)).boxShadow == 'none'))
        .map(say),
      small: $$('svg.drawing text')
        .filter((e) => {
          const { a, b } = e.getScreenCTM() // b: of letters that stand upright
          return parseFloat(getComputedStyle(e).fontSize) * Math.hypot(a, b) < 9
        })
        .map(say),
    }
  },

  // axe needs minutes for ten thousand spans of coloured code, formulas, cells of tables, and a
  // menu that is the same on all pages: a few of each tell as much
  thinOut: (menus) => {
    const seen = new Set(),
      drop = (s, from = 0) => [...document.querySelectorAll(s)].slice(from).forEach((e) => e.remove())
    drop('tbody tr:nth-child(n + 4), svg > :not(title)')
    drop('.katex > *', 6)
    if (menus) drop('#quarto-sidebar li:nth-child(n + 3), #TOC li:nth-child(n + 4)')
    document
      .querySelectorAll('pre code')
      .forEach(
        (e) =>
          (e.innerHTML = e.innerHTML.replace(
            /<span class="([^"]*)">([^<]*)<\/span>/g,
            (all, k, s) => (seen.has(k) ? s : (seen.add(k), all)),
          )),
      )
  },

  // and of the texts that look alike, on grounds that look alike, three of all pages: their contrast
  // is the same
  alike: () => {
    const grounds = new Map([[null, '']]),
      kinds = JSON.parse(sessionStorage.kinds ?? '{}')
    const style = (e, ...keys) => keys.map((k) => getComputedStyle(e)[k]).join()
    const ground = (e) => {
      if (!grounds.has(e)) {
        const s = style(e, 'backgroundColor', 'backgroundImage', 'opacity', 'filter', 'position')
        grounds.set(
          e,
          ground(e.parentElement) + (s == 'rgba(0, 0, 0, 0),none,1,none,static' ? '' : s + ';'),
        )
      }
      return grounds.get(e)
    }
    const text = (e) =>
      e.matches('input,select,textarea') ||
      [...e.childNodes].some((o) => o.nodeType == 3 && o.data.trim())
    const found = [...document.querySelectorAll('body *')].filter((e) => {
      if (!text(e) || !e.checkVisibility({ visibilityProperty: true })) return false
      const kind =
        e.parentElement.localName +
        ground(e) +
        style(e, 'color', 'fontSize', 'fontWeight', 'textDecorationLine', 'textShadow') +
        style(e.parentElement, 'color')
      kinds[kind] = (kinds[kind] ?? 0) + 1
      return kinds[kind] <= 3
    })
    sessionStorage.kinds = JSON.stringify(kinds)
    return found
  },

  // axe's serious findings, by these rules or, without any, by all
  axe: async (menus, rules) => {
    if (!globalThis.axe) {
      checkSite.thinOut(menus)
      const script = document.createElement('script')
      script.src = '/axe.js'
      document.head.append(script)
      await new Promise((done) => (script.onload = done))
    }
    const looks = ['color-contrast', 'link-in-text-block'],
      rest = rules.filter((o) => !looks.includes(o)),
      // `region` is dear, and never serious
      off = Object.fromEntries([...looks, 'region'].map((o) => [o, { enabled: false }])),
      texts = rest.length ? [] : checkSite.alike(),
      bad = []
    const run = async (where, o) =>
      bad.push(...(await axe.run(where, { resultTypes: ['violations'], ...o })).violations)
    if (rest.length) await run(document, { runOnly: rest })
    else if (!rules.length) await run(document, { rules: off })
    if (texts.length) await run({ include: texts }, { runOnly: looks })
    return bad
      .filter((v) => /serious|critical/.test(v.impact))
      .map(({ id, help, helpUrl, nodes }) => [
        `${id}: ${help}`,
        `${nodes.length} here, the first is ${nodes[0].target.join(' ')}: ${nodes[0].any[0]?.message || ''}`,
        helpUrl.split('?')[0],
      ])
  },

  // Whether it is dark, a second after or as soon as that has changed
  changed: async (before) => {
    const end = performance.now() + 1000
    // the script that sets the colours of code follows the styles
    const done = () =>
      checkSite.dark() != before && document.documentElement.matches('.quarto-dark') != before
    while (!done() && performance.now() < end) await checkSite.settled()
    return checkSite.dark()
  },

  dark: () =>
    eval(
      getComputedStyle(document.body)
        .backgroundColor.match(/[\d.]+/g)
        .slice(0, 3)
        .join('+'),
    ) < 384,

  // Which of the menus' links a finger could touch
  inSight: (link) =>
    [...document.querySelectorAll(link)]
      .map((e, i) => [e, i, e.getBoundingClientRect()])
      .filter(
        ([e, _, r]) =>
          r.width > 1 &&
          e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)),
      )
      .map(([_, i]) => i),

  // From now on, after each Tab: which of all that can have the focus shows no sign of it, and which
  // has not had it yet; done when there are none, or at the end
  tabStart: () => {
    const sign = (e, s = getComputedStyle(e)) =>
      [s.outlineStyle == 'none' || s.outline, s.boxShadow, s.backgroundColor, s.border].join()
    const all = [
      ...document.querySelectorAll('a[href],button,input,select,textarea,summary,[tabindex="0"]'),
    ].filter(
      (e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }),
    )
    const looks = new Map(all.map((e) => [e, sign(e)])),
      missed = new Set(all),
      tabs = (globalThis.tabs = { dim: new Set(), missed, done: false })
    const step = () => {
      const e = document.activeElement,
        r = e.getBoundingClientRect()
      tabs.done ||= e === document.body || !missed.size
      if (tabs.done) return
      if (looks.get(e) === sign(e) || r.width < 2 || r.bottom <= 0 || r.top >= innerHeight)
        tabs.dim.add(e)
    }
    addEventListener('focusin', (e) => missed.delete(e.target), true) // none is too short for it
    addEventListener('keyup', step, true)
    return all.length
  },

  tabEnd: () =>
    [tabs.dim, tabs.missed].map((some) => [...some].map((e) => e.outerHTML.slice(0, 90))),
}
