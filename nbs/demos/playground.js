// A small network trained in the page by plain numbers (mlp.js), on points of a square.
import {clamp, py, readPoints, round} from './base.js';
import {BENT, MLP} from './mlp.js';
import {torchRandom} from './torchrandom.js';

const POINTS = 200,
  MOST = 10000,
  BATCH = 10,
  GRID = 40,
  WIDE = 340,
  PLANE = 320,
  TALL = 438,
  UNIT = 40;
const TORCH = {sigmoid: 'torch.sigmoid', tanh: 'torch.tanh', relu: 'torch.relu'};
const SPREAD = ['orange', 'paper', 'blue'];
const SIZES = ['h1', 'h2', 'h3'];

// ---------------------------------------------------------------- points: here and, the same, in PyTorch

const DATA = {
  circle: {
    place: u => [2 * u[0] - 1, 2 * u[1] - 1],
    kind: ([x, y]) => x * x + y * y < 2 / Math.PI,
    code: `X = 2*u[:, :2] - 1
y = ((X**2).sum(1) < 2/torch.pi).double()`,
  },
  xor: {
    place: u => [2 * u[0] - 1, 2 * u[1] - 1],
    kind: ([x, y]) => x * y < 0,
    code: `X = 2*u[:, :2] - 1
y = (X[:, 0]*X[:, 1] < 0).double()`,
  },
  spirals: {
    place: (u, k) => {
      const angle = 9 * u[0] + Math.PI * k;
      return [0.95 * u[0] * Math.cos(angle), 0.95 * u[0] * Math.sin(angle)];
    },
    kind: (_, k) => k,
    code: `y = (torch.arange(${POINTS}) % 2).double()
angle = 9*u[:, 0] + torch.pi*y
X = .95*u[:, :1]*torch.stack([angle.cos(), angle.sin()], 1)`,
  },
  heaps: {
    place: (u, k) => [0, 1].map(j => 0.9 * k - 0.45 + 0.5 * (u[j] + u[j + 2] - 1)),
    kind: (_, k) => k,
    code: `y = (torch.arange(${POINTS}) % 2).double()
X = .9*y[:, None] - .45 + .5*(u[:, :2] + u[:, 2:4] - 1)`,
  },
};

const ownOf = s =>
  s.pts.filter(p => Array.isArray(p) && p.length === 3 && p.every(Number.isFinite));
function pointsOf(s) {
  // [x, y, class, is it for testing?]
  const {uniform} = torchRandom(100 + s.seed),
    made = DATA[s.data],
    own = ownOf(s),
    n = made ? POINTS : own.length;
  return Array.from({length: n}, (_, i) => {
    const u = Array.from({length: 7}, uniform),
      test = u[6] < s.share;
    if (!made) return [...own[i], test];
    const at = made.place(u, i % 2),
      moved = at.map((v, j) => clamp(v + s.noise * (2 * u[4 + j] - 1), -1, 1));
    return [...round(moved), Number(made.kind(at, i % 2)), test];
  });
}
const sizesOf = s => [
  2,
  ...SIZES.slice(0, clamp(s.layers, 1, 3)).map(k => clamp(Math.round(s[k]), 1, 8)),
  1,
];
const bendOf = s => (BENT.includes(s.act) ? s.act : 'sigmoid');

// ---------------------------------------------------------------- the run: from the seed to the step

function fresh(s, key) {
  const points = pointsOf(s),
    {uniform} = torchRandom(s.seed),
    run = {
      key,
      points,
      uniform,
      done: -1,
      train: points.filter(p => !p[3]),
      test: points.filter(p => p[3]),
      losses: {train: [], test: []},
      net: new MLP(sizesOf(s), bendOf(s), uniform),
    };
  note(run);
  return run;
}
function note(run) {
  run.done++;
  for (const part of ['train', 'test'])
    if (run[part].length) run.losses[part].push(run.net.loss(run[part]));
}
function advance(run, s) {
  const {train, net, uniform} = run,
    some = () => train[Math.floor(Math.fround(uniform() * train.length))];
  net.step(s.batch ? Array.from({length: BATCH}, some) : train, s.lr, s.l2);
  note(run);
}
const rightOf = (run, part) =>
  run[part].filter(([x, y, k]) => run.net.answer([x, y]) > 0.5 === (k === 1)).length;

function mapsOf(net) {
  // for every layer, inputs first, and every unit: its values over the plane, rows from the top
  const maps = [{m: 2}, ...net.layers].map(({m}) =>
    Array.from({length: m}, () => new Float64Array(GRID * GRID)),
  );
  for (let at = 0; at < GRID * GRID; at++) {
    const x = (2 * (at % GRID)) / (GRID - 1) - 1,
      y = 1 - (2 * ((at / GRID) | 0)) / (GRID - 1);
    net.forward([x, y]).forEach((values, l) => values.forEach((v, i) => (maps[l][i][at] = v)));
  }
  return maps;
}

// ---------------------------------------------------------------- the drawn network

const said = (v, digits = 2) => v.toFixed(digits).replace('-', '−');
const placeOf = (sizes, l, i) => ({
  x: UNIT / 2 + 4 + (l * (WIDE - UNIT - 8)) / (sizes.length - 1),
  y: TALL / 2 + (i - (sizes[l] - 1) / 2) * (TALL / 8),
});
const nameOf = (sizes, l, i) =>
  l === 0
    ? `input x${i + 1}`
    : l === sizes.length - 1
      ? 'output'
      : `hidden layer ${l}, unit ${i + 1}`;
function nearestUnit(sizes, p) {
  const units = sizes.flatMap((n, l) => Array.from({length: n}, (_, i) => ({l, i}))),
    far = ({l, i}) => Math.hypot(placeOf(sizes, l, i).x - p.x, placeOf(sizes, l, i).y - p.y);
  return units.reduce((a, b) => (far(b) < far(a) ? b : a));
}
const within = (sizes, {l, i}, p) => {
  const c = placeOf(sizes, l, i);
  return Math.max(Math.abs(c.x - p.x), Math.abs(c.y - p.y)) <= UNIT / 2;
};
function nearestWeight(net, sizes, p) {
  // the line that passes nearest to p, if one passes near
  let best = {far: 7};
  net.layers.forEach(({n, m, w}, l) => {
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        const a = placeOf(sizes, l, j),
          b = placeOf(sizes, l + 1, i),
          [dx, dy] = [b.x - a.x, b.y - a.y],
          t = clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy), 0, 1),
          far = Math.hypot(a.x + t * dx - p.x, a.y + t * dy - p.y);
        if (far < best.far) best = {far, l: l + 1, i, j, value: w[i * n + j]};
      }
  });
  return 'value' in best ? best : null;
}
function unitInWords(net, sizes, {l, i}) {
  const name = nameOf(sizes, l, i);
  if (l === 0) return `${name[0].toUpperCase()}${name.slice(1)}.`;
  const {n, w, b} = net.layers[l - 1],
    from = j => (l === 1 ? `x${j + 1}` : `unit ${j + 1}`),
    weights = Array.from({length: n}, (_, j) => `${from(j)} ${said(w[i * n + j])}`);
  return `${name[0].toUpperCase()}${name.slice(1)}: bias ${said(b[i])}, weights ${weights.join(', ')}.`;
}
function drawNet(g, c, ui, run, maps, shown, over) {
  const sizes = maps.map(layer => layer.length),
    bend = bendOf(ui.state);
  run.net.layers.forEach(({n, m, w}, l) => {
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        const a = placeOf(sizes, l, j),
          b = placeOf(sizes, l + 1, i),
          v = w[i * n + j];
        g.strokeStyle = ui.colors[v < 0 ? 'orange' : 'blue'];
        g.lineWidth = clamp(Math.abs(v), 0.4, 7);
        g.setLineDash(v < 0 ? [6, 3] : []);
        g.beginPath();
        g.moveTo(a.x, a.y);
        g.lineTo(b.x, b.y);
        g.stroke();
      }
  });
  g.setLineDash([]);
  maps.forEach((layer, l) =>
    layer.forEach((values, i) => {
      const {x, y} = placeOf(sizes, l, i),
        is = shown && shown.l === l && shown.i === i;
      c.image(values, GRID, GRID, {
        x: x - UNIT / 2,
        y: y - UNIT / 2,
        width: UNIT,
        height: UNIT,
        range: rangeOf(values, l, sizes, bend),
        colors: SPREAD,
        smooth: true,
      });
      g.strokeStyle = ui.colors[is ? 'ink' : 'quiet'];
      g.lineWidth = is ? 3 : 1;
      g.strokeRect(x - UNIT / 2, y - UNIT / 2, UNIT, UNIT);
    }),
  );
  if (over) label(g, ui, over.text, over);
}
function rangeOf(values, l, sizes, bend) {
  if (l === sizes.length - 1 || (l > 0 && bend === 'sigmoid')) return [0, 1];
  if (l === 0 || bend === 'tanh') return [-1, 1];
  const most = Math.max(...values, 1e-6);
  return [-most, most];
}
const pale = ([low, high]) => [1.4 * low - 0.4 * high, 1.4 * high - 0.4 * low];
function label(g, ui, text, {x, y}) {
  const w = g.measureText(text).width + 12,
    left = clamp(x + 10, 2, WIDE - w - 2),
    top = clamp(y - 28, 2, TALL - 24);
  g.fillStyle = ui.colors.paper;
  g.strokeStyle = ui.colors.ink;
  g.lineWidth = 1;
  g.fillRect(left, top, w, 22);
  g.strokeRect(left, top, w, 22);
  g.fillStyle = ui.colors.ink;
  g.fillText(text, left + 6, top + 15);
}

function mark(g, x, y, [, , k, test], ui) {
  // circle or square; a point for testing is hollow
  g.beginPath();
  if (k) g.rect(x - 3.5, y - 3.5, 7, 7);
  else g.arc(x, y, 4, 0, 7);
  const fill = ui.colors[k ? 'blue' : 'orange'],
    rim = ui.dark ? ui.colors.ink : ui.colors.paper;
  g.fillStyle = test ? rim : fill;
  g.strokeStyle = test ? fill : rim;
  g.lineWidth = test ? 2 : 1;
  g.fill();
  g.stroke();
}

function drawLosses(g, c, ui, {train, test}) {
  const top = Math.max(0.26, ...train.slice(0, 5), ...test.slice(0, 5)),
    n = Math.max(train.length - 1, 50),
    [w, h] = [c.width, c.height];
  g.strokeStyle = ui.colors.line;
  g.strokeRect(0.5, 0.5, w - 1, h - 1);
  for (const [losses, name, color, dash] of [
    [train, 'training', 'ink', []],
    [test, 'test', 'red', [5, 3]],
  ]) {
    if (!losses.length) continue;
    const row = name === 'test' ? 34 : 16,
      every = Math.ceil(losses.length / 600);
    g.strokeStyle = ui.colors[color];
    g.setLineDash(dash);
    g.beginPath();
    g.moveTo(w - 150, row - 4);
    g.lineTo(w - 126, row - 4);
    g.stroke();
    g.beginPath();
    losses.forEach((v, i) => {
      if (i % every && i < losses.length - 1) return;
      g.lineTo(4 + (i / n) * (w - 8), h - 4 - (Math.min(v, top) / top) * (h - 46));
    });
    g.stroke();
    g.fillText(`${name} ${losses.at(-1).toFixed(4)}`, w - 120, row);
  }
  g.setLineDash([]);
  g.fillText('loss', 6, h - 8);
}

// ---------------------------------------------------------------- the live model

export default {
  title: 'A playground of layers',
  help: 'Press Train. Click into the plane to add a point; press a unit to see what it says.',
  state: {
    data: 'circle',
    noise: 0,
    share: 0.3,
    layers: 1,
    h1: 3,
    h2: 3,
    h3: 2,
    act: 'sigmoid',
    lr: 4,
    batch: 0,
    l2: 0,
    pace: 5,
    seed: 0,
    steps: 0,
    cls: 0,
    show: [],
    pts: [],
    hide: [],
  },
  above: 2,

  mount(ui) {
    let run = null,
      maps = null,
      over = null;
    const parts = {};
    const sizes = () => maps.map(layer => layer.length);
    const shown = () => {
      const [l, i] = ui.state.show;
      return maps?.[l]?.[i] ? {l, i} : maps && {l: maps.length - 1, i: 0};
    };
    const mine = pts => ui.set({data: 'own', pts: pts.map(p => round(p.slice(0, 3)))});
    const remove = p => {
      const far = q => Math.hypot(q[0] - p.x, q[1] - p.y),
        {points} = run;
      if (!points.length) return;
      const gone = points.reduce((a, b) => (far(b) < far(a) ? b : a));
      return mine(points.filter(q => q !== gone));
    };
    const add = p =>
      run.points.length < POINTS + 50
        ? mine([...run.points, [clamp(p.x, -1, 1), clamp(p.y, -1, 1), ui.state.cls]])
        : ui.say(`${POINTS + 50} points are the most; remove one first.`);

    ui.stage.classList.add('wd-full');
    ui.panel.classList.add('wd-grid');
    const left = ui.box('The plane, as the chosen unit sees it', 300, WIDE),
      right = ui.box('Weights: blue adds, dashed takes away', 300, WIDE);
    ui.canvas({
      into: left,
      label: 'The plane with the points, coloured by what the chosen unit says',
      width: WIDE,
      height: PLANE,
      world: [-1.05, 1.05, -1.05, 1.05],
      draw(g, c) {
        if (!maps) return;
        const {l, i} = shown();
        c.image(maps[l][i], GRID, GRID, {
          x: c.X(-1),
          y: c.Y(1),
          width: c.X(1) - c.X(-1),
          height: c.Y(-1) - c.Y(1),
          range: pale(rangeOf(maps[l][i], l, sizes(), bendOf(ui.state))),
          colors: SPREAD,
          smooth: true,
        });
        for (const p of run.points) mark(g, c.X(p[0]), c.Y(p[1]), p, ui);
      },
      press: p => run && (ui.state.cls === 2 ? remove(p) : add(p)),
      erase: p => run && remove(p),
      describe: p =>
        `x ${said(p.x)}, y ${said(p.y)}: the network says ${run.net.answer([p.x, p.y]).toFixed(2)}.`,
    });
    const curve = ui.canvas({
      into: left,
      label: 'The loss after each step: on the training points solid, on the test points dashed',
      width: WIDE,
      height: 110,
      draw: (g, c) => run && drawLosses(g, c, ui, run.losses),
    });
    curve.node.style.marginTop = '8px';
    const glance = p => {
      if (!maps) return;
      const unit = p && nearestUnit(sizes(), p),
        weight = p && nearestWeight(run.net, sizes(), p);
      over = !p
        ? null
        : within(sizes(), unit, p)
          ? {x: p.x, y: p.y, text: brief(unit)}
          : weight && {x: p.x, y: p.y, text: `weight ${said(weight.value)}`};
      net.redraw();
    };
    const brief = ({l, i}) => (l === 0 ? `x${i + 1}` : `bias ${said(run.net.layers[l - 1].b[i])}`);
    const net = ui.canvas({
      into: right,
      label: 'The network: inputs on the left, the output on the right, weights as lines',
      width: WIDE,
      height: TALL,
      step: [(WIDE - UNIT - 8) / 4, TALL / 8],
      draw: (g, c) => maps && drawNet(g, c, ui, run, maps, shown(), over),
      hover: glance,
      press(p) {
        if (!maps) return;
        glance(p);
        const unit = nearestUnit(sizes(), p);
        if (within(sizes(), unit, p)) ui.set({show: [unit.l, unit.i]});
      },
      describe: p => unitInWords(run.net, sizes(), nearestUnit(sizes(), p)),
    });

    const more = n => ui.state.steps < MOST && {steps: Math.min(MOST, ui.state.steps + n)};
    ui.play('Train', async () => run?.train.length > 0 && more(Math.max(1, ui.state.pace)));
    ui.button('One step', () => more(1) && ui.set(more(1)));
    ui.button('Start again', () => {
      ui.player.stop();
      return ui.set({steps: 0});
    });
    const control = (key, make) => {
      make();
      parts[key] = ui.panel.lastElementChild;
    };
    const slide = (name, key, how) => control(key, () => ui.slider(name, key, how));
    const pick = (name, key, options) => control(key, () => ui.select(name, key, options));
    pick('points', 'data', [
      ['circle', 'circle'],
      ['xor', 'XOR'],
      ['spirals', 'two spirals'],
      ['heaps', 'two heaps'],
      ['own', 'your own'],
    ]);
    slide('noise', 'noise', {min: 0, max: 0.5, step: 0.05});
    slide('kept for testing', 'share', {min: 0, max: 0.5, step: 0.1});
    slide('hidden layers', 'layers', {min: 1, max: 3, step: 1});
    SIZES.forEach((key, l) => slide(`units in layer ${l + 1}`, key, {min: 1, max: 8, step: 1}));
    pick('activation', 'act', [
      ['sigmoid', 'sigmoid'],
      ['tanh', 'tanh'],
      ['relu', 'ReLU'],
    ]);
    slide('learning rate', 'lr', {values: [0.01, 0.03, 0.1, 0.3, 1, 2, 4, 10]});
    pick('batch', 'batch', [
      [0, 'all points'],
      [BATCH, `${BATCH} drawn points`],
    ]);
    slide('L2 (weight decay)', 'l2', {values: [0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03]});
    slide('steps a frame', 'pace', {values: [1, 5, 20, 100]});
    slide('seed', 'seed', {min: 0, max: 9, step: 1});
    control('cls', () =>
      ui.choice('a click', 'cls', [
        [0, 'adds a circle (0)'],
        [1, 'adds a square (1)'],
        [2, 'removes'],
      ]),
    );

    return {
      async update(s) {
        for (const key in parts) {
          const gone = s.hide.includes(key) || s.hide.includes('all');
          parts[key].style.display = gone ? 'none' : '';
        }
        SIZES.forEach((key, l) => (parts[key].querySelector('input').disabled = l >= s.layers));
        const {data, noise, share, lr, batch, l2, seed, pts} = s,
          own = data in DATA ? [] : pts,
          key = JSON.stringify([
            data,
            noise,
            share,
            sizesOf(s),
            bendOf(s),
            lr,
            batch,
            l2,
            seed,
            own,
          ]),
          goal = clamp(s.steps, 0, MOST);
        if (!run || run.key !== key || run.done > goal) {
          run = fresh(s, key);
          over = null;
        }
        let rest = performance.now();
        while (run.done < goal && run.train.length) {
          advance(run, s);
          if (performance.now() - rest < 100) continue;
          if (goal - run.done > 200) ui.say(`Step ${run.done} of ${goal} …`);
          ui.redraw();
          await new Promise(r => setTimeout(r));
          if (ui.stale) break;
          rest = performance.now();
        }
        maps = mapsOf(run.net);
        const {train, test, losses} = run,
          loss = losses.train.at(-1) ?? null,
          tested = losses.test.at(-1) ?? null,
          right = rightOf(run, 'train');
        ui.answer = {loss, test: tested, right, steps: run.done, points: run.points.length};
        if (!train.length)
          return ui.say('No point to train on: click into the plane, or choose points.');
        const held = test.length
          ? `; on test points ${tested.toFixed(4)}, ${rightOf(run, 'test')} of ${test.length} right`
          : '';
        ui.say(
          `Step ${run.done}: loss ${loss.toFixed(4)}, ${right} of ${train.length} training points right${held}.`,
        );
      },
    };
  },

  code: s => `import torch
from walkdl.mlp import MLP

g = torch.Generator().manual_seed(${py(100 + s.seed)})
${
  s.data in DATA
    ? `u = torch.rand(${POINTS}, 7, generator=g).double()
${DATA[s.data].code}
X = (X + ${py(s.noise)}*(2*u[:, 4:6] - 1)).clamp(-1, 1).round(decimals=3)`
    : `P = torch.tensor(${py(ownOf(s))}, dtype=torch.float64).reshape(-1, 3)
X, y = P[:, :2], P[:, 2]
u = torch.rand(len(P), 7, generator=g).double()`
}
test = u[:, 6] < ${py(s.share)}
x, t = X[~test], y[~test] # to train on

g = torch.Generator().manual_seed(${py(s.seed)})
net = MLP(${py(sizesOf(s))}, ${TORCH[bendOf(s)]}, g).double()
sgd = torch.optim.SGD(net.parameters(), lr=${py(s.lr)}, weight_decay=${py(s.l2)})
def loss(x, t): return ((torch.sigmoid(net(x)[:, 0]) - t)**2).mean()

for step in range(${py(clamp(s.steps, 0, MOST))}):
    sgd.zero_grad()
${
  s.batch
    ? `    rows = (torch.rand(${BATCH}, generator=g)*len(x)).long()
    loss(x[rows], t[rows]).backward()`
    : '    loss(x, t).backward()'
}
    sgd.step()
print(loss(x, t).item(), loss(X[test], y[test]).item())`,

  paste: {
    label: 'Paste points',
    hint: `One a line: x, y, class. x and y in -1 … 1, class 0 or 1; at most ${POINTS + 50}. A CSV file can be dropped here.`,
    example: 'x,y,class\n0.5, 0.2, 1\n-0.4, 0.7, 0',
    read(text) {
      const pts = readPoints(text, {columns: 3, classes: 2, max: POINTS + 50}),
        far = pts.find(([x, y]) => Math.abs(x) > 1 || Math.abs(y) > 1);
      if (far)
        throw Error(
          `The point ${far[0]}, ${far[1]} lies outside -1 … 1; divide all x and y by the largest.`,
        );
      return {data: 'own', pts: round(pts)};
    },
    write: s =>
      ownOf(s)
        .map(p => p.join(', '))
        .join('\n'),
  },
};
