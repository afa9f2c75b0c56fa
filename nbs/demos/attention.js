// Attention step by step: a few tokens with small numbers, and where each number comes from.
import {clamp, el, py, round} from './base.js';

const MOST = 9, // of a number, and less its negative
  STEP = 0.5,
  WIDE = 8, // pixels that a number is dragged for one step
  LAST = 5,
  START = {
    words: 'the cat sits',
    d: 2,
    scale: true,
    causal: true,
    step: 1,
    // five rows of three numbers are kept; as many are used as there are words and features
    q: [
      [0, 2, 1],
      [2, 0, 0],
      [0.5, 2, -1],
      [1, 1, 0],
      [0, 1, 2],
    ],
    k: [
      [2, 0, 0],
      [0, 2, 1],
      [-1, 0.5, 2],
      [1, -1, 1],
      [0, 2, -1],
    ],
    v: [
      [1, 0, 2],
      [0, 3, 1],
      [2, 1, 0],
      [-1, 1, 1],
      [1, 2, -1],
    ],
  };
const STAGES = [
  // [key, caption], a step each
  ['scores', 'scores: Q times K'],
  ['scaled', 'divided by √d'],
  ['masked', 'causal mask'],
  ['weights', 'softmax: weights'],
  ['out', 'weighted sum of V'],
];
const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

const dot = (a, b) => a.reduce((t, x, i) => t + x * b[i], 0);

function softmax(row) {
  const top = Math.max(...row),
    e = row.map(x => Math.exp(x - top)),
    all = e.reduce((t, x) => t + x, 0);
  return e.map(x => x / all);
}

export function attend({q, k, v, d, scale, causal}) {
  const scores = q.map(a => k.map(b => dot(a, b))),
    scaled = scores.map(r => r.map(x => (scale ? x / Math.sqrt(d) : x))),
    masked = scaled.map((r, i) => r.map((x, j) => (causal && j > i ? -Infinity : x))),
    weights = masked.map(softmax),
    out = weights.map(w =>
      v[0].map((_, c) =>
        dot(
          w,
          v.map(r => r[c]),
        ),
      ),
    );
  return {scores, scaled, masked, weights, out};
}

// what a link says, cut to what there is
function read(s) {
  const said = String(s.words).split(/\s+/).filter(Boolean).slice(0, START.q.length),
    words = said.length ? said : START.words.split(' '),
    d = s.d === 3 ? 3 : 2;
  const rows = key =>
    words.map((_, i) =>
      START[key][i].slice(0, d).map((first, c) => {
        const x = s[key][i]?.[c];
        return Number.isFinite(x) ? clamp(x, -MOST, MOST) : first;
      }),
    );
  const step = clamp(Math.round(s.step), 0, LAST);
  return {
    words,
    d,
    q: rows('q'),
    k: rows('k'),
    v: rows('v'),
    step,
    scale: s.scale,
    causal: s.causal,
  };
}

// ---- numbers in words
const num = x =>
  x === -Infinity
    ? '−∞'
    : Math.abs(x) >= 1e5
      ? x.toExponential(1)
      : String(round(x, 2)).replace('-', '−');
const inside = x => (x < 0 ? `(${num(x)})` : num(x)),
  products = (a, b) => a.map((x, i) => `${inside(x)}×${inside(b[i])}`).join(' + ');

// key, row and column of a number -> [how it was made, the numbers that it was made of]
function origin(m, a, key, i, j) {
  const {words, d} = m,
    from = words[i],
    to = words[j],
    row = (name, n) =>
      a[name]?.[n].map((_, c) => [name, n, c]) ?? m[name][n].map((_, c) => [name, n, c]),
    value = num(a[key][i][j]);
  switch (key) {
    case 'scores':
      return [
        `“${from}” asks “${to}”, row of Q times row of K: ${products(m.q[i], m.k[j])} = ${value}.`,
        [...row('q', i), ...row('k', j)],
      ];
    case 'scaled':
      return [
        m.scale
          ? `${num(a.scores[i][j])} ÷ √${d} = ${num(a.scores[i][j])} ÷ ${num(Math.sqrt(d))} = ${value}.`
          : `The division is off: the score stays ${value}.`,
        [['scores', i, j]],
      ];
    case 'masked':
      return [
        !m.causal
          ? `The mask is off: ${value} stays.`
          : j > i
            ? `“${to}” comes after “${from}”, which must not look there: −∞.`
            : `“${from}” may look at “${to}”: ${value} stays.`,
        [['scaled', i, j]],
      ];
    case 'weights': {
      const all = a.masked[i].map(x => `exp(${num(x)})`);
      return [`${all[j]} ÷ (${all.join(' + ')}) = ${value}.`, row('masked', i)];
    }
    default: {
      const column = m.v.map(r => r[j]);
      return [
        `“${from}”, row of weights times column ${j + 1} of V: ${products(a.weights[i], column)} = ${value}.`,
        [...row('weights', i), ...m.v.map((_, n) => ['v', n, j])],
      ];
    }
  }
}

// the result of a step in words
function told(m, a) {
  const last = m.words.length - 1,
    from = m.words[last],
    best = row => row.indexOf(Math.max(...row)),
    to = m.words[best(a.weights[last])];
  return [
    'Each word has a row of Q, what it asks, of K, under what it is found, and of V, what it gives.',
    `Scores: each row of Q times each row of K. “${from}” fits “${m.words[best(a.scores[last])]}” best: ${num(Math.max(...a.scores[last]))}.`,
    `Divided by √${m.d} = ${num(Math.sqrt(m.d))}, so that more features do not make larger scores.`,
    'Causal mask: no word looks at those after it; their scores become −∞.',
    `Softmax: each row becomes positive and sums to one. “${from}” gives “${to}” ${num(Math.max(...a.weights[last]))} of its look.`,
    `Each word gets the rows of V in these shares: “${from}” gets ${a.out[last].map(num).join(', ')}.`,
  ][m.step];
}

export default {
  title: 'Attention, step by step',
  help: 'Press Next step. Point at a number, or walk there with Tab and the arrow keys: it says where it comes from. Change Q, K and V: type, step, or drag a number sideways.',
  state: START,

  mount(ui) {
    let m = null,
      a = null,
      shape = '',
      cells = {};
    const given = el('div', {style: 'flex:1 1 100%;min-width:0'}),
      made = el('div', {className: 'wd-tables'});
    ui.stage.append(given, made);

    const source = key => (i, j) => cells[key]?.[i]?.[j];
    const point = (key, i, j) => {
      unpoint();
      const hidden = stage(key) > m.step,
        [words, from] = origin(m, a, key, i, j);
      ui.say(hidden ? 'This step comes later: press Next step.' : words);
      if (!hidden) for (const [name, r, c] of from) source(name)(r, c).classList.add('wd-source');
    };
    const unpoint = () =>
      Object.values(cells)
        .flat(2)
        .forEach(c => c.classList.remove('wd-source'));
    const leave = () => {
      unpoint();
      ui.say(told(m, a));
    };
    const stage = key => 1 + STAGES.findIndex(([k]) => k === key);

    // ---- Q, K and V: one table of numbers to change
    const change = (key, i, c, x) => {
      const rows = structuredClone(ui.state[key]);
      rows[i] = START[key][i].map((first, n) => rows[i]?.[n] ?? first);
      rows[i][c] = clamp(round(x, 2), -MOST, MOST);
      return ui.set({[key]: rows});
    };
    const number = (key, i, c) => {
      let from = null;
      const box = el('input', {
        type: 'number',
        min: String(-MOST),
        max: String(MOST),
        step: String(STEP),
        ariaLabel: `${key.toUpperCase()} of ${m.words[i]}, feature ${c + 1}`,
        oninput: () =>
          box.value !== '' && Number.isFinite(+box.value) && change(key, i, c, +box.value),
        onblur: () => (box.value = m[key][i][c]),
        onpointerdown: e => (from = e.button ? null : {x: e.clientX, value: m[key][i][c]}),
        onpointermove: e => {
          const steps = from ? Math.trunc((e.clientX - from.x) / WIDE) : 0;
          if (!steps && !box.hasPointerCapture(e.pointerId)) return;
          box.setPointerCapture(e.pointerId);
          change(key, i, c, from.value + steps * STEP);
          box.value = m[key][i][c];
        },
        onpointerup: () => (from = null),
        onpointercancel: () => (from = null),
      });
      return box;
    };
    const head = (text, props) => el('th', {scope: 'col', title: text, ...props}, text);
    const inputs = () => {
      const keys = ['q', 'k', 'v'];
      for (const key of keys) cells[key] = [];
      return el(
        'table',
        {className: 'wd-table', ariaLabel: 'Q, K and V, a row for each word'},
        el(
          'tr',
          {},
          el('td', {className: 'wd-corner'}),
          ...['Q asks', 'K is found', 'V gives'].map(t =>
            head(t, {scope: 'colgroup', colSpan: m.d}),
          ),
        ),
        ...m.words.map((word, i) =>
          el(
            'tr',
            {},
            head(word, {scope: 'row'}),
            ...keys.flatMap(key => {
              cells[key][i] = m[key][i].map((_, c) => number(key, i, c));
              return cells[key][i].map((box, c) => el('td', {className: c ? '' : 'wd-first'}, box));
            }),
          ),
        ),
      );
    };

    // ---- what is made of them: a grid for each step, one stop of the Tab key each
    const grid = ([key, caption]) => {
      const names = key === 'out' ? m.v[0].map((_, c) => `${c + 1}`) : m.words;
      cells[key] = m.words.map((_, i) =>
        names.map((_, j) => {
          const td = el('td', {
            tabIndex: i + j ? -1 : 0,
            onfocus: () => {
              cells[key].flat().forEach(c => (c.tabIndex = c === td ? 0 : -1));
              point(key, i, j);
            },
            onpointerenter: () => point(key, i, j),
            onblur: leave,
            onpointerleave: leave,
            onkeydown: e => {
              const to = ARROWS[e.key];
              if (!to) return;
              e.preventDefault();
              cells[key][i + to[0]]?.[j + to[1]]?.focus();
            },
          });
          return td;
        }),
      );
      return el(
        'div',
        {className: 'wd-tabled', style: `flex-basis:${33 * (m.words.length + 1)}px`},
        el(
          'table',
          {className: 'wd-table', role: 'grid', ariaLabel: caption},
          el('caption', {}, caption),
          el('tr', {}, el('td', {className: 'wd-corner'}), ...names.map(n => head(n))),
          ...m.words.map((word, i) => el('tr', {}, head(word, {scope: 'row'}), ...cells[key][i])),
        ),
      );
    };
    const build = () => {
      cells = {};
      given.replaceChildren(inputs());
      made.replaceChildren(...STAGES.map(grid));
    };
    const show = () => {
      for (const key of ['q', 'k', 'v'])
        cells[key].flat().forEach((box, n) => {
          const x = m[key].flat()[n];
          if (document.activeElement !== box || +box.value !== x) box.value = x;
        });
      for (const [key] of STAGES) {
        const shown = stage(key) <= m.step,
          most = key === 'weights' ? 1 : MOST;
        cells[key].forEach((row, i) =>
          row.forEach((td, j) => {
            const x = a[key][i][j];
            td.textContent = !shown ? '·' : key === 'weights' ? x.toFixed(2) : num(x);
            td.style.setProperty('--wd-tint', `var(--wd-${x < 0 ? 'orange' : 'blue'})`);
            td.style.setProperty(
              '--wd-share',
              `${shown && Number.isFinite(x) ? Math.round(45 * Math.min(1, Math.abs(x) / most)) : 0}%`,
            );
          }),
        );
        made.children[stage(key) - 1].classList.toggle('wd-now', stage(key) === m.step);
      }
      next.textContent = m.step < LAST ? 'Next step' : 'From the start';
      back.disabled = m.step === 0;
    };

    const off = n => (n === stage('scaled') && !m.scale) || (n === stage('masked') && !m.causal);
    const go = by => {
      let n = m.step + by;
      while (off(n)) n += by;
      return ui.set({step: n > LAST ? 0 : n});
    };
    const next = ui.button('Next step', () => go(1), {primary: true}),
      back = ui.button('Back', () => go(-1));
    next.style.minWidth = '9rem';
    ui.check('divide by √d', 'scale');
    ui.check('causal mask: never look ahead', 'causal');
    ui.choice('features d', 'd', [2, 3]);
    const line = el('input', {
      type: 'text',
      maxLength: 60,
      spellcheck: false,
      onchange: () => ui.set({words: line.value}),
    });
    ui.panel.append(el('label', {className: 'wd-typed'}, `words, up to ${START.q.length}`, line));

    return {
      update(s) {
        m = read(s);
        a = attend(m);
        const now = JSON.stringify([m.words, m.d]);
        if (now !== shape) build();
        shape = now;
        show();
        if (document.activeElement !== line) line.value = m.words.join(' ');
        ui.answer = {
          ...m,
          ...a,
          masked: a.masked.map(r => r.map(x => (x === -Infinity ? null : x))),
        };
        ui.say(told(m, a));
      },
    };
  },

  code: s => {
    const {d, q, k, v, scale, causal} = read(s),
      rows = [q, k, v].map(x => `torch.tensor(${py(x)}).double()`);
    return `import torch
from walkdl.transformers import scaled_dot_product_attention
q = ${rows[0]}
k = ${rows[1]}
v = ${rows[2]}
out, weights = scaled_dot_product_attention(${scale ? 'q' : `q * ${d}**.5`}, k, v, causal=${py(!!causal)}, weights=True)
print(q @ k.T, weights, sep='\\n')
out`;
  },

  paste: {
    label: 'Paste words with numbers',
    hint: 'One word a line, then its numbers of Q, K and V: six for two features, nine for three.',
    example: 'the 0 2 2 0 1 0\ncat 2 0 0 2 0 3',
    read: text => {
      const lines = text
          .split('\n')
          .filter(l => l.trim())
          .map(l => l.trim().split(/[\s,;]+/)),
        d = (lines[0]?.length - 1) / 3;
      if (lines.length > START.q.length || (d !== 2 && d !== 3))
        throw Error(`Wanted are 1 to ${START.q.length} lines, each a word and 6 or 9 numbers.`);
      for (const [word, ...xs] of lines)
        if (xs.length !== 3 * d || !xs.every(x => Math.abs(+x) <= MOST))
          throw Error(
            `“${word.slice(0, 20)}” wants ${3 * d} numbers from −${MOST} to ${MOST} behind it.`,
          );
      const rows = n => lines.map(l => l.slice(1 + n * d, 1 + (n + 1) * d).map(Number));
      return {words: lines.map(l => l[0]).join(' '), d, q: rows(0), k: rows(1), v: rows(2)};
    },
    write: s => {
      const m = read(s);
      return m.words.map((w, i) => [w, ...m.q[i], ...m.k[i], ...m.v[i]].join(' ')).join('\n');
    },
  },
};
