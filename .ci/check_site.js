// What .ci/check_site.py asks of a page, in the page

globalThis.checkSite = {
  // What is seen of a page without touching it: [what is wrong, an example, what to do], and what
  // later checks need. Formulas are sought in text as a reader sees it, so tags within a block are
  // dropped.
  look: () => {
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

  // What reaches over the right edge of the window, in no box that scrolls
  overflow: () => {
    const box = (e) => e.getBoundingClientRect(),
      width = document.scrollingElement.scrollWidth
    const scrolls = (e) => /auto|scroll/.test(getComputedStyle(e).overflowX),
      text = (n) => {
        const r = new Range()
        r.selectNodeContents(n)
        return r
      }
    const parts = (e) =>
      scrolls(e)
        ? [e]
        : [e, ...[...e.childNodes].filter((n) => n.nodeType == 3 && n.data.trim()).map(text)]
    const out = (e) =>
      box(e).width > 1 &&
      parts(e).some((o) => box(o).right > innerWidth + 1) &&
      e.checkVisibility({ opacityProperty: true })
    const held = (e) => {
      for (e = e.parentElement; e && e !== document.body; e = e.parentElement) {
        if (getComputedStyle(e).position == 'fixed' || (scrolls(e) && !out(e))) return true
      }
    }
    const over = [
      ...document.querySelectorAll('body *:not(svg *, .katex svg, .katex-mathml, .katex-mathml *)'),
    ].filter((e) => out(e) && !held(e))
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
    drop('tbody tr:nth-child(n + 4), svg.drawing *')
    drop('.katex > *', 6)
    if (menus) drop('#quarto-sidebar ul ul li:nth-child(n + 3)')
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

  // and of the texts that look alike, on grounds that look alike, three: their contrast is the same
  alike: () => {
    const grounds = new Map([[null, '']]),
      kinds = new Map()
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
    document.querySelectorAll('body *').forEach((e) => {
      if (!text(e) || !e.checkVisibility({ visibilityProperty: true })) return
      const kind =
          e.parentElement.localName +
          ground(e) +
          style(e, 'color', 'fontSize', 'fontWeight', 'textDecorationLine', 'textShadow'),
        same = kinds.get(kind) || []
      if (same.length < 3) kinds.set(kind, [...same, e])
    })
    return [...kinds.values()].flat()
  },

  axe: async (rules) => {
    const run = async (where, o) =>
      (await axe.run(where, { resultTypes: ['violations'], ...o })).violations
    const looks = ['color-contrast', 'link-in-text-block'],
      rest = rules.filter((o) => !looks.includes(o)),
      off = Object.fromEntries(looks.map((o) => [o, { enabled: false }])),
      bad = []
    if (!rules.length) bad.push(...(await run(document, { rules: off })))
    if (rest.length) bad.push(...(await run(document, { runOnly: rest })))
    if (rest.length < rules.length || !rules.length)
      bad.push(...(await run({ include: checkSite.alike() }, { runOnly: looks })))
    return bad
      .filter((v) => /serious|critical/.test(v.impact))
      .map(({ id, help, helpUrl, nodes }) => [
        `${id}: ${help}`,
        `${nodes.length} here, the first is ${nodes[0].target.join(' ')}: ${nodes[0].any[0]?.message || ''}`,
        helpUrl.split('?')[0],
      ])
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

  // Before Tab is pressed: everything that can have the focus, and how it looks without
  tabStart: () => {
    globalThis.sign = (e, s = getComputedStyle(e)) =>
      [s.outlineStyle == 'none' || s.outline, s.boxShadow, s.backgroundColor, s.border].join()
    globalThis.all = [
      ...document.querySelectorAll('a[href],button,input,select,textarea,summary,[tabindex="0"]'),
    ].filter(
      (e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }),
    )
    globalThis.looks = new Map(all.map((e) => [e, sign(e)]))
    return all.length
  },

  // After each Tab: what shows no sign of having it
  tabStep: () => {
    const e = document.activeElement,
      r = e.getBoundingClientRect(),
      i = all.indexOf(e)
    if (i >= 0) all.splice(i, 1)
    const dim = looks.get(e) === sign(e) || r.width < 2 || r.bottom <= 0 || r.top >= innerHeight
    return [all.length && e !== document.body, dim ? e.outerHTML.slice(0, 90) : '']
  },
}
