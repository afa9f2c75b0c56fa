// COMPAS with a threshold for each group: the metrics that cannot all be equal. Counts by score, outcome and group; nothing about persons.
import {el, py, round} from './base.js';

const COMPAS = {
  names: ['black', 'white'],
  n: [
    [
      [307, 274, 201, 208, 189, 169, 163, 114, 111, 59],
      [91, 119, 145, 177, 176, 215, 237, 245, 269, 227],
    ],
    [
      [539, 248, 180, 172, 130, 83, 55, 32, 30, 19],
      [142, 113, 93, 113, 111, 111, 88, 82, 68, 45],
    ],
  ], // [group][arrested again?][score 1 … 10]
};
const METRICS = [
  ['fpr', 'labelled high, not arrested again', 'false positive rate'],
  ['fnr', 'labelled low, arrested again', 'false negative rate'],
  ['ppv', 'arrested again, of those labelled high', 'precision'],
  ['selection_rate', 'labelled high, of all', 'selection rate'],
  ['accuracy', 'labelled right', 'accuracy'],
];
const good = c =>
  Array.isArray(c) &&
  c.length === 2 &&
  c.every(
    o =>
      Array.isArray(o) && o.length === 10 && o.every(v => Number.isInteger(v) && v >= 0 && v < 1e7),
  );
const table = s =>
  s.n.length === 2 && s.n.every(good) && s.n.every(c => c.every(o => o.some(v => v)))
    ? s
    : {...s, ...COMPAS};
const name = (s, g) => String(s.names?.[g] ?? COMPAS.names[g]).slice(0, 14);
const threshold = (s, g) => Math.min(11, Math.max(1, Math.round(s.t?.[g] ?? 5)));

export function rates(c, t) {
  // the columns of walkdl.ethics.group_rates; NaN where nobody could count
  const sum = (o, from, to) => o.slice(from - 1, to - 1).reduce((a, v) => a + v, 0),
    [no, yes] = c;
  const fp = sum(no, t, 11),
    tn = sum(no, 1, t),
    tp = sum(yes, t, 11),
    fn = sum(yes, 1, t),
    n = fp + tn + tp + fn,
    part = (a, b) => (b ? a / b : NaN);
  return {
    n,
    base_rate: part(tp + fn, n),
    selection_rate: part(tp + fp, n),
    tpr: part(tp, tp + fn),
    fpr: part(fp, fp + tn),
    fnr: part(fn, tp + fn),
    ppv: part(tp, tp + fp),
    accuracy: part(tp + tn, n),
  };
}
const both = s => {
  const d = table(s);
  return d.n.map((c, g) => rates(c, threshold(s, g)));
};

function nearest(s, key) {
  // the pair with the smallest gap in one metric, of those the best accuracy; labelling nobody or everybody is no answer
  const d = table(s),
    grid = d.n.map(c => Array.from({length: 9}, (_, i) => rates(c, i + 2))),
    n = d.n.map(c => rates(c, 5).n);
  let best = s.t,
    least = Infinity;
  for (let a = 0; a < 9; a++)
    for (let b = 0; b < 9; b++) {
      const p = grid[0][a],
        q = grid[1][b],
        right = (p.accuracy * n[0] + q.accuracy * n[1]) / (n[0] + n[1]);
      const cost = Math.max(0, Math.abs(p[key] - q[key]) - 0.03) * 20 - right;
      if (cost < least) {
        least = cost;
        best = [a + 2, b + 2];
      }
    }
  return best;
}
const percent = v => `${(100 * v).toFixed(1)} %`;
const points = v => (isNaN(v) ? 'none' : (100 * Math.abs(v)).toFixed(1));

function read(text) {
  // "group, score, outcome" a line
  const names = [],
    n = [];
  text.split(/\r?\n/).forEach((line, i) => {
    const cells = line.trim().split(/\s*[,;\t]\s*/);
    if (!line.trim() || (!names.length && cells.length > 1 && isNaN(cells[1]))) return;
    const [who, score, out] = [cells[0], Number(cells[1]), Number(cells[2])];
    if (cells.length !== 3)
      throw Error(`Line ${i + 1} has ${cells.length} parts, 3 are wanted: group, score, outcome.`);
    if (!Number.isInteger(score) || score < 1 || score > 10)
      throw Error(`Line ${i + 1}: the score “${cells[1]}” is no whole number from 1 to 10.`);
    if (out !== 0 && out !== 1)
      throw Error(`Line ${i + 1}: the outcome “${cells[2]}” is neither 0 nor 1.`);
    let g = names.indexOf(who);
    if (g < 0) {
      if (names.length === 2)
        throw Error(`Line ${i + 1}: “${who.slice(0, 20)}” would be a third group; two fit.`);
      g = names.push(who.slice(0, 14)) - 1;
      n.push([Array(10).fill(0), Array(10).fill(0)]);
    }
    n[g][out][score - 1]++;
  });
  if (names.length < 2)
    throw Error(
      'Two groups are wanted: group, score (1 to 10), outcome (0 or 1), one person a line.',
    );
  n.forEach((c, g) =>
    c.forEach((o, t) => {
      if (!o.some(v => v))
        throw Error(`In ${names[g]} nobody has outcome ${t}; both outcomes are wanted.`);
    }),
  );
  return {names, n, t: [5, 5]};
}

export default {
  title: 'Two thresholds and one price list',
  help: 'Drag a threshold in the upper pictures (or use the sliders): everybody at or above it is labelled high. Below, see what becomes equal and what does not.',
  state: {t: [5, 5], names: COMPAS.names, n: COMPAS.n},
  above: 2,
  lines: 3,

  mount(ui) {
    for (const g of [0, 1]) {
      const move = p => {
        const t = [threshold(ui.state, 0), threshold(ui.state, 1)];
        t[g] = Math.min(11, Math.max(1, Math.round(p.x)));
        if (t[g] !== threshold(ui.state, g)) ui.set({t});
      };
      ui.canvas({
        label: `${['First', 'Second'][g]} group: people at each score, arrested again above the line, not arrested below; a vertical line is the threshold`,
        width: 236,
        height: 170,
        world: [0.4, 11.6, -1, 1],
        step: [1, 0.25],
        draw(g2, c) {
          const s = ui.state,
            d = table(s),
            t = threshold(s, g),
            k = ui.colors,
            top = Math.max(...d.n[g].flat());
          g2.fillStyle = k.ink;
          g2.fillText(`${name(d, g)}: high from ${t > 10 ? 'nobody' : t}`, 6, 14);
          for (let i = 1; i <= 10; i++)
            for (const o of [0, 1]) {
              const v = (d.n[g][o][i - 1] / top) * 0.72,
                x = c.X(i - 0.4),
                w = c.X(i + 0.4) - x,
                y0 = c.Y(0),
                y1 = c.Y(o ? v : -v),
                high = i >= t;
              g2.fillStyle = o ? k.red : ui.dark ? k.sky : k.blue;
              g2.globalAlpha = high ? 1 : 0.3;
              g2.fillRect(x, Math.min(y0, y1), w, Math.abs(y1 - y0));
              g2.globalAlpha = 1;
              if (high !== !!o) {
                g2.strokeStyle = k.ink;
                g2.lineWidth = 1.2;
                g2.strokeRect(x, Math.min(y0, y1), w, Math.abs(y1 - y0));
              }
            }
          g2.strokeStyle = k.ink;
          g2.lineWidth = 2;
          g2.setLineDash([4, 3]);
          g2.beginPath();
          g2.moveTo(c.X(t - 0.5), 38);
          g2.lineTo(c.X(t - 0.5), c.height - 4);
          g2.stroke();
          g2.setLineDash([]);
          g2.fillStyle = k.quiet;
          g2.fillText('arrested again', 6, 32);
          g2.fillText('not', 6, c.height - 6);
        },
        press: move,
        drag: move,
        describe(p) {
          const d = table(ui.state),
            i = Math.min(10, Math.max(1, Math.round(p.x)));
          return `Score ${i}: ${d.n[g][1][i - 1]} arrested again, ${d.n[g][0][i - 1]} not. Space puts the threshold here.`;
        },
      });
    }

    ui.canvas({
      label:
        'Five metrics, one row each: a square for the first group, a circle for the second, joined by their gap',
      width: 482,
      height: 212,
      draw(g, c) {
        const s = ui.state,
          r = both(s),
          k = ui.colors,
          left = 10,
          right = c.width - 62,
          X = v => left + v * (right - left);
        METRICS.forEach(([key, words], i) => {
          const y = 30 + i * 42,
            [a, b] = r.map(v => v[key]),
            gap = Math.abs(a - b),
            same = gap < 0.03;
          g.fillStyle = k.ink;
          g.fillText(words, left, y - 14);
          g.strokeStyle = k.line;
          g.lineWidth = 1;
          g.beginPath();
          g.moveTo(X(0), y);
          g.lineTo(X(1), y);
          g.stroke();
          g.strokeStyle = same ? k.green : k.ink;
          g.lineWidth = same ? 6 : 3;
          g.beginPath();
          g.moveTo(X(a), y);
          g.lineTo(X(b), y);
          g.stroke();
          g.fillStyle = ui.dark ? k.sky : k.blue;
          g.fillRect(X(a) - 5, y - 5, 10, 10);
          g.fillStyle = k.red;
          g.beginPath();
          g.arc(X(b), y, 5.5, 0, 7);
          g.fill();
          g.fillStyle = k.ink;
          g.fillText(same ? `= (${points(gap)})` : points(gap), right + 10, y + 4);
        });
        g.fillStyle = k.quiet;
        g.fillText('gap', right + 10, 14);
      },
    });

    const field = [0, 1].map(g => {
      // sliders on the two entries of t
      const out = el('output'),
        box = el('input', {
          type: 'range',
          min: '1',
          max: '11',
          step: '1',
          oninput: () => {
            const t = [threshold(ui.state, 0), threshold(ui.state, 1)];
            t[g] = +box.value;
            ui.set({t});
          },
        });
      const label = el('label', {}, el('span', {}, ''), box);
      ui.panel.append(el('div', {className: 'wd-field'}, label, out));
      return {box, out, text: label.firstChild};
    });
    const row = el('div', {style: 'display:flex;flex-wrap:wrap;gap:.35rem;grid-column:1/-1'});
    ui.panel.append(el('div', {className: 'wd-field'}, el('span', {}, 'Make equal'), row));
    for (const [key, , short] of METRICS.slice(0, 4))
      ui.button(short, () => ui.set({t: nearest(ui.state, key)}), {into: row});
    ui.button('As used (5 and 5)', () => ui.set({t: [5, 5]}), {into: row});

    return {
      update(s) {
        const d = table(s),
          r = both(s),
          gap = key => r[0][key] - r[1][key],
          t = [threshold(s, 0), threshold(s, 1)];
        field.forEach(({box, out, text}, g) => {
          box.value = t[g];
          text.textContent = `Threshold, ${name(d, g)}`;
          out.textContent = t[g] > 10 ? 'nobody' : t[g];
          box.setAttribute('aria-valuetext', t[g] > 10 ? 'nobody labelled high' : `from ${t[g]}`);
        });
        ui.answer = {
          t,
          rates: r.map(v =>
            Object.fromEntries(Object.entries(v).map(([k, x]) => [k, round(x, 6)])),
          ),
          gaps: Object.fromEntries(METRICS.map(([k]) => [k, round(gap(k), 6)])),
        };
        const three = METRICS.slice(0, 3),
          open = three.filter(([k]) => isNaN(gap(k))).map(m => m[2]),
          equal = three.filter(([k]) => Math.abs(gap(k)) < 0.03).map(m => m[2]),
          apart = three
            .filter(([k]) => Math.abs(gap(k)) >= 0.03)
            .map(([k, , m]) => `${m} ${points(gap(k))}`);
        ui.say(
          `${name(d, 0)} from ${t[0]}, ${name(d, 1)} from ${t[1]}. ` +
            (equal.length
              ? `Equal within 3 points: ${equal.join(', ')}. `
              : 'None of the three is equal. ') +
            (apart.length ? `Apart, in points: ${apart.join(', ')}.` : '') +
            (open.length ? ` Undefined, as nobody could count: ${open.join(', ')}.` : '') +
            (equal.length === 3 ? 'All three agree.' : '') +
            ` False positives: ${percent(r[0].fpr)} and ${percent(r[1].fpr)}.`,
        );
      },
    };
  },

  code: s => {
    const d = table(s);
    return `import numpy as np
from walkdl.ethics import group_rates

counts = np.array(${py(d.n)})  # [group, outcome, score 1 … 10]
g, y, score = (v.repeat(counts.ravel()) for v in np.indices(counts.shape).reshape(3, -1))
high = score + 1 >= np.array(${py([threshold(s, 0), threshold(s, 1)])})[g]
group_rates(y, high, np.array(${py([name(d, 0), name(d, 1)])})[g])`;
  },

  paste: {
    label: 'Paste people',
    hint: 'group, score (1 to 10), outcome (0 or 1): one person a line, two groups.',
    example: 'a, 3, 0\na, 8, 1\nb, 2, 1\nb, 9, 0',
    read,
  },
};
