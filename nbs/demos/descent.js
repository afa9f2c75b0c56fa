// One sigmoid neuron on the four corners of two bits: its loss, the slope of the loss, and steps against it.
import {clamp, el, py, round} from './base.js';

const BITS = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  INPUTS = BITS.map(bits => [1, ...bits]),
  KEYS = [0, 1, 2],
  FAR = 10,
  MOST = 5000,
  GRID = 40;
const NAMED = {'0001': 'AND', '0111': 'OR', '0110': 'XOR', 1110: 'NAND', 1000: 'NOR', 1001: 'XNOR'};
const TARGETS = Array.from({length: 16}, (_, i) => i.toString(2).padStart(4, '0'));

const sum = values => values.reduce((a, b) => a + b, 0);
const answer = (w, x) => 1 / (1 + Math.exp(-sum(KEYS.map(k => w[k] * x[k]))));
const targetsOf = s => (TARGETS.includes(s.y) ? s.y : '0001').split('').map(Number);
const alongOf = s => (KEYS.includes(s.along) ? s.along : 0);
const loss = (w, y) => sum(INPUTS.map((x, i) => (answer(w, x) - y[i]) ** 2)) / 4;

function links(w, x, y) {
  // the three factors of the chain, one sample: loss in answer, answer in sum, sum in each weight
  const p = answer(w, x);
  return {p, miss: 2 * (p - y), bend: p * (1 - p), x};
}
function gradient(w, y) {
  const each = INPUTS.map((x, i) => links(w, x, y[i]));
  return KEYS.map(k => sum(each.map(({miss, bend, x}) => miss * bend * x[k])) / 4);
}
function walk(s) {
  // the weights and all losses, from the start through every stretch [learning rate, steps]
  const y = targetsOf(s);
  let w = KEYS.map(k => s.from[k] ?? 0);
  const losses = [loss(w, y)];
  for (const [lr, steps] of s.walked.filter(Array.isArray))
    for (let i = 0; i < steps && losses.length <= MOST; i++) {
      const g = gradient(w, y);
      w = w.map((v, k) => v - lr * g[k]);
      losses.push(loss(w, y));
    }
  return {w, losses, y};
}
function onward({walked, lr}, steps) {
  // the same walk and so many steps more
  const last = walked.at(-1);
  return last?.[0] === lr
    ? [...walked.slice(0, -1), [lr, last[1] + steps]]
    : [...walked, [lr, steps]];
}

const said = (v, digits = 3) => {
  const text = v.toFixed(digits);
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−');
};
const chain = ({miss, bend, x}, k) =>
  `2(p − y) · p(1 − p) · ${k ? `x${k}` : '1'} = ${said(miss)} · ${said(bend)} · ${x[k]} = ${said(miss * bend * x[k])}`;

export default {
  title: 'A neuron feels its slope',
  help: 'Press Step. Or drag the point along the curve. Click a corner to change what is wanted there.',
  state: {from: [0, 0, 0], walked: [], lr: 1, y: '0001', along: 0, sample: 3},
  above: 2,
  lines: 3,

  mount(ui) {
    let now = null;
    const far = () => Math.max(0, Math.abs(now.w[alongOf(ui.state)]) - FAR);
    const frame = () => {
      const shift = Math.sign(now.w[alongOf(ui.state)]) * far();
      return [shift - FAR, shift + FAR];
    };
    const grab = p => now && put(alongOf(ui.state), p.x + frame()[0] + FAR);
    const put = (k, v) =>
      now && ui.set({from: now.w.map((old, i) => (i === k ? round(v, 2) : old)), walked: []});

    ui.stage.classList.add('wd-full');
    ui.panel.classList.add('wd-grid');
    const left = ui.box('The loss, as one weight alone moves', 300, 340),
      right = ui.box('Its answers: blue 1, orange 0', 240, 260);
    ui.canvas({
      into: left,
      label: 'The loss over the chosen weight, with its tangent at the present point',
      width: 340,
      height: 260,
      world: [-FAR, FAR, 0, 1],
      step: [0.5, 0.05],
      draw(g, c) {
        if (!now) return;
        const k = alongOf(ui.state),
          [low, high] = frame(),
          X = v => ((v - low) / (high - low)) * c.width,
          at = loss(now.w, now.y),
          curve = Array.from({length: 171}, (_, i) => {
            const v = low + (i / 170) * (high - low);
            return loss(
              now.w.map((old, j) => (j === k ? v : old)),
              now.y,
            );
          }),
          Y = v => 232 - (v / Math.max(0.3, at, ...curve)) * 190,
          here = now.w[k],
          slope = gradient(now.w, now.y)[k];
        g.strokeStyle = ui.colors.line;
        g.lineWidth = 1;
        for (let v = Math.ceil(low / 5) * 5; v <= high; v += 5) {
          g.beginPath();
          g.moveTo(X(v), 16);
          g.lineTo(X(v), 232);
          g.stroke();
          g.fillText(said(v, 0), clamp(X(v) - 8, 2, c.width - 24), 250);
        }
        g.strokeStyle = ui.colors.blue;
        g.lineWidth = 2.5;
        g.beginPath();
        curve.forEach((v, i) => g.lineTo((i / 170) * c.width, Y(v)));
        g.stroke();
        g.strokeStyle = ui.colors.ink;
        g.lineWidth = 1.5;
        g.beginPath();
        g.moveTo(X(here - 3), Y(at - 3 * slope));
        g.lineTo(X(here + 3), Y(at + 3 * slope));
        g.stroke();
        g.fillStyle = ui.colors.ink;
        g.beginPath();
        g.arc(X(here), Y(at), 5.5, 0, 7);
        g.fill();
        g.fillText(`loss ${said(at, 4)}`, 8, 28);
        g.fillText(`slope in w${k}: ${said(slope, 4)}`, 120, 28);
      },
      press: grab,
      drag: grab,
      describe: p => {
        const k = alongOf(ui.state),
          v = p.x + frame()[0] + FAR,
          there = now.w.map((old, j) => (j === k ? v : old));
        return `At w${k} = ${said(v, 2)} the loss is ${said(loss(there, now.y))}.`;
      },
    });
    ui.canvas({
      into: right,
      label: 'The plane of both inputs, coloured by the answer, with the four corners',
      width: 260,
      world: [-0.4, 1.4, -0.4, 1.4],
      step: [0.5, 0.5],
      draw(g, c) {
        if (!now) return;
        const answers = Float64Array.from({length: GRID * GRID}, (_, i) => {
          const x = -0.4 + (1.8 * (i % GRID)) / (GRID - 1),
            y = 1.4 - (1.8 * ((i / GRID) | 0)) / (GRID - 1);
          return answer(now.w, [1, x, y]);
        });
        c.image(answers, GRID, GRID, {
          range: [-0.4, 1.4],
          colors: ['orange', 'paper', 'blue'],
          smooth: true,
        });
        BITS.forEach(([a, b], i) => corner(g, c.X(a), c.Y(b), i));
      },
      press(p) {
        const i = 2 * (p.x > 0.5) + (p.y > 0.5),
          y = targetsOf(ui.state).map((t, j) => (j === i ? 1 - t : t));
        return ui.set({y: y.join(''), sample: i});
      },
      describe: p =>
        `At (${said(p.x, 2)}, ${said(p.y, 2)}) it says ${said(answer(now.w, [1, p.x, p.y]), 2)}.`,
    });
    function corner(g, x, y, i) {
      // square wants 1, circle wants 0; the chosen sample has a thick rim
      g.fillStyle = ui.colors.paper;
      g.strokeStyle = ui.colors.ink;
      g.lineWidth = i === ui.state.sample ? 4 : 1.5;
      g.beginPath();
      if (now.y[i]) g.rect(x - 8, y - 8, 16, 16);
      else g.arc(x, y, 9, 0, 7);
      g.fill();
      g.stroke();
      g.fillStyle = ui.colors.ink;
      g.fillText(said(answer(now.w, INPUTS[i]), 2), x - 13, y + 26);
    }
    const rows = el('tbody'),
      head = el('tr'),
      table = el(
        'table',
        {className: 'wd-chain'},
        el('caption', {}, 'The chain, sample by sample'),
        el('thead', {}, head),
        rows,
      );
    ui.stage.append(el('div', {className: 'wd-full'}, table));
    ui.canvas({
      label: 'The loss so far, step by step',
      width: 340,
      height: 80,
      draw(g, c) {
        if (!now) return;
        const {losses} = now,
          top = Math.max(0.26, ...losses),
          n = Math.max(losses.length - 1, 20),
          every = Math.ceil(losses.length / 600);
        g.strokeStyle = ui.colors.line;
        g.strokeRect(0.5, 0.5, c.width - 1, c.height - 1);
        g.strokeStyle = ui.colors.ink;
        g.beginPath();
        losses.forEach((v, i) => {
          if (i % every && i < losses.length - 1) return;
          g.lineTo(4 + (i / n) * (c.width - 8), c.height - 4 - (v / top) * (c.height - 10));
        });
        g.stroke();
        g.fillText('loss so far', 6, c.height - 8);
      },
    });
    function fill(k) {
      const cell = (tag, v) => el(tag, tag === 'th' ? {scope: 'row'} : {}, v);
      head.replaceChildren(
        ...['x → y', 'p', '2(p − y)', 'p(1 − p)', k ? `x${k}` : '1', 'slope'].map(t =>
          el('th', {scope: 'col'}, t),
        ),
      );
      rows.replaceChildren(
        ...INPUTS.map((x, i) => {
          const {p, miss, bend} = links(now.w, x, now.y[i]),
            row = el('tr', {}, cell('th', `(${x[1]}, ${x[2]}) → ${now.y[i]}`));
          row.append(
            ...[said(p), said(miss), said(bend), String(x[k]), said(miss * bend * x[k])].map(v =>
              cell('td', v),
            ),
          );
          row.classList.toggle('wd-chosen', i === ui.state.sample);
          return row;
        }),
        el(
          'tr',
          {},
          el('th', {scope: 'row', colSpan: 5}, `mean: the slope in w${k}`),
          cell('td', said(gradient(now.w, now.y)[k])),
        ),
      );
    }

    const taken = () => now.losses.length - 1;
    const more = n => {
      const free = now ? Math.min(n, MOST - taken()) : 0;
      return free > 0 && {walked: onward(ui.state, free)};
    };
    ui.play('Descend', async () => more(1));
    ui.button('Step', () => more(1) && ui.set(more(1)));
    ui.button('100 steps', () => more(100) && ui.set(more(100)));
    ui.slider('learning rate', 'lr', {values: [0.01, 0.1, 0.3, 1, 3, 10, 30, 100, 1000]});
    const weights = KEYS.map(k => {
      const out = el('span', {className: 'wd-value', ariaHidden: 'true'}),
        box = el('input', {type: 'range', min: String(-FAR), max: String(FAR), step: '0.1'});
      box.addEventListener('input', () => put(k, +box.value));
      ui.field(ui.panel, k ? `weight w${k}` : 'bias w0', box, out);
      return {box, out};
    });
    ui.select(
      'wanted at the corners',
      'y',
      TARGETS.map(t => [t, NAMED[t] ?? t.split('').join(', ')]),
    );
    ui.select(
      'sample of the chain',
      'sample',
      BITS.map((bits, i) => [i, `(${bits.join(', ')})`]),
    );
    ui.choice('the curve is over', 'along', [
      [0, 'w0'],
      [1, 'w1'],
      [2, 'w2'],
    ]);

    return {
      update(s) {
        now = walk(s);
        const {w, losses, y} = now,
          k = alongOf(s),
          g = gradient(w, y),
          sample = INPUTS[s.sample] ? s.sample : 3;
        weights.forEach(({box, out}, i) => {
          box.value = w[i];
          out.textContent = said(w[i], 2);
          box.setAttribute('aria-valuetext', said(w[i], 2));
        });
        fill(k);
        ui.answer = {w, loss: losses.at(-1), losses, gradient: g, steps: losses.length - 1};
        const way = Math.abs(g[k]) < 0.0005 ? 'stays' : g[k] > 0 ? 'falls' : 'rises';
        ui.say(
          `After ${losses.length - 1} steps the loss is ${said(losses.at(-1), 4)}. ` +
            `Sample (${BITS[sample].join(', ')}) → ${y[sample]}: slope in w${k} is ` +
            `${chain(links(w, INPUTS[sample], y[sample]), k)}. ` +
            `Mean of all four: ${said(g[k], 4)}, so w${k} ${way}.`,
        );
      },
    };
  },

  code: s => `import torch

X = torch.tensor([[1., 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]], dtype=torch.float64)
y = torch.tensor(${py(targetsOf(s))}, dtype=torch.float64)
w = torch.tensor(${py(s.from)}, dtype=torch.float64)

def slopes(w):
    p = torch.sigmoid(X @ w)
    return ((2*(p - y) * p*(1 - p))[:, None] * X).mean(0)

for lr, steps in ${py(s.walked)}:
    for step in range(steps): w = w - lr*slopes(w)
print(w.tolist(), slopes(w).tolist(), ((torch.sigmoid(X @ w) - y)**2).mean().item())`,
};
