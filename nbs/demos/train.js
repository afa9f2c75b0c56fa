// A network of 123 numbers, defined in PyTorch, is trained in the page by its exported training step.
import {py, readPoints, round} from './base.js';

const ROWS = 150,
  MOST = 3000,
  GRID = 48,
  COLORS = ['blue', 'orange', 'green'];
const MODULE = {tanh: 'nn.Tanh', relu: 'nn.ReLU', none: 'nn.Identity'};

const plane = Float32Array.from({length: 2 * GRID * GRID}, (_, i) => {
  // rows from the top, as a picture has them
  const at = i >> 1;
  return i & 1 ? 1 - (2 * ((at / GRID) | 0)) / (GRID - 1) : (2 * (at % GRID)) / (GRID - 1) - 1;
});
const largest = (row, n, k) => {
  let b = 0;
  for (let j = 1; j < k; j++) if (row[n * k + j] > row[n * k + b]) b = j;
  return b;
};

function mark(g, x, y, k, ui) {
  // circle, square, triangle
  g.beginPath();
  if (k === 0) g.arc(x, y, 4.5, 0, 7);
  else if (k === 1) g.rect(x - 4, y - 4, 8, 8);
  else {
    g.moveTo(x, y - 5.5);
    g.lineTo(x + 5, y + 4);
    g.lineTo(x - 5, y + 4);
    g.closePath();
  }
  g.fillStyle = ui.colors[COLORS[k]];
  g.strokeStyle = ui.dark ? ui.colors.ink : ui.colors.paper;
  g.lineWidth = 1.5;
  g.fill();
  g.stroke();
}

export default {
  title: 'Train 123 numbers',
  help: 'Press Train. Then click into the plane to add a point or take one away, and see the whole training done again.',
  state: {data: 'spiral', act: 'tanh', lr: 0.3, steps: 0, seed: 0, cls: 0, pts: []},

  mount(ui) {
    let kept,
      points = [],
      run = null,
      view = null;
    const given = () => (kept ? (kept.points[ui.state.data] ?? []) : []);
    const mine = pts => ui.set({data: 'own', pts: round(pts)});
    const nearest = p =>
      points.reduce(
        (b, q, i) =>
          Math.hypot(q[0] - p.x, q[1] - p.y) < Math.hypot(points[b][0] - p.x, points[b][1] - p.y)
            ? i
            : b,
        0,
      );
    const remove = p => points.length > 1 && mine(points.filter((_, i) => i !== nearest(p)));

    ui.canvas({
      label: 'The plane with the points; its colour is the class the network sees there',
      width: 420,
      world: [-1.05, 1.05, -1.05, 1.05],
      draw(g, c) {
        if (view)
          c.image(view.rgb, GRID, GRID, {
            colors: null,
            smooth: true,
            x: c.X(-1),
            y: c.Y(1),
            width: c.X(1) - c.X(-1),
            height: c.Y(-1) - c.Y(1),
          });
        for (const [x, y, k] of points) mark(g, c.X(x), c.Y(y), k, ui);
      },
      press: p =>
        ui.state.cls === 3
          ? remove(p)
          : points.length < ROWS
            ? mine([...points, [p.x, p.y, ui.state.cls]])
            : ui.say(`${ROWS} points are the most this file takes; remove one first.`),
      erase: remove,
      describe: p =>
        view
          ? `x ${round(p.x, 2)}, y ${round(p.y, 2)}: class ${view.at(p.x, p.y)}`
          : `x ${round(p.x, 2)}, y ${round(p.y, 2)}`,
    });
    ui.canvas({
      label: 'What each of the 16 hidden units sees: first layer above, second below',
      width: 420,
      height: 106,
      draw(g, c) {
        for (let layer = 0; layer < 2; layer++)
          for (let u = 0; u < 8; u++) {
            const box = {x: u * 53, y: layer * 54, width: 49, height: 50};
            if (view)
              c.image(view.units[layer][u], GRID, GRID, {
                ...box,
                range: [-1, 1],
                colors: ['orange', 'paper', 'blue'],
                smooth: true,
              });
            else {
              g.strokeStyle = ui.colors.line;
              g.strokeRect(box.x + 1, box.y + 1, 47, 48);
            }
          }
      },
    });
    ui.canvas({
      label: 'The loss, step by step',
      width: 420,
      height: 90,
      draw(g) {
        const losses = run ? [...run.losses, ...run.now] : [],
          top = Math.max(1.2, ...losses),
          n = Math.max(losses.length - 1, 100);
        g.fillText('loss', 6, 80);
        g.strokeStyle = ui.colors.line;
        g.strokeRect(0.5, 0.5, 419, 89);
        g.strokeStyle = ui.colors.ink;
        g.beginPath();
        losses.forEach((v, i) => g.lineTo(4 + (i / n) * 410, 84 - (v / top) * 72));
        g.stroke();
        if (losses.length) g.fillText(losses.at(-1).toFixed(3), 374, 16);
      },
    });

    ui.play(
      'Train',
      async () => ui.state.steps < MOST && {steps: Math.min(MOST, ui.state.steps + 10)},
    );
    ui.button('One step', () => ui.set({steps: Math.min(MOST, ui.state.steps + 1)}));
    ui.button('Start again', () => {
      ui.player.stop();
      return ui.set({steps: 0});
    });
    ui.select('points', 'data', [
      ['spiral', 'spiral'],
      ['rings', 'rings'],
      ['xor', 'two classes, crossed (xor)'],
      ['blobs', 'three blobs'],
      ['own', 'your own'],
    ]);
    ui.select('activation', 'act', [
      ['tanh', 'tanh'],
      ['relu', 'ReLU'],
      ['none', 'none'],
    ]);
    ui.slider('learning rate', 'lr', {values: [0.01, 0.03, 0.1, 0.3, 1, 3]});
    ui.slider('seed', 'seed', {min: 0, max: 4, step: 1});
    ui.choice('a click', 'cls', [
      [0, 'adds a circle'],
      [1, 'adds a square'],
      [2, 'adds a triangle'],
      [3, 'removes'],
    ]);

    const fresh = (s, key) => ({
      key,
      done: 0,
      losses: [],
      now: [],
      params: Object.fromEntries(
        Object.entries(kept.starts[s.seed] ?? kept.starts[0]).map(([k, v]) => [
          k,
          [v, kept.shapes[k]],
        ]),
      ),
    });
    const batch = () => {
      // unused rows stay zero and count nothing
      const x = new Float32Array(2 * ROWS),
        target = new Float32Array(3 * ROWS);
      points.forEach(([a, b, k], i) => {
        x[2 * i] = a;
        x[2 * i + 1] = b;
        target[3 * i + k] = 1;
      });
      return {x: [x, [ROWS, 2]], target: [target, [ROWS, 3]]};
    };
    async function look(act) {
      const net = await ui.model(`models/look_${act}.onnx`);
      const out = await net.run({x: [plane, [GRID * GRID, 2]], ...run.params}),
        rgb = new Float32Array(3 * GRID * GRID),
        z = out.logits.data;
      const paper = ui.rgb('paper'),
        colors = COLORS.map(c => ui.rgb(c));
      for (let i = 0; i < GRID * GRID; i++) {
        const e = [0, 1, 2].map(k =>
            Math.exp(z[3 * i + k] - Math.max(z[3 * i], z[3 * i + 1], z[3 * i + 2])),
          ),
          sum = e[0] + e[1] + e[2];
        for (let j = 0; j < 3; j++)
          rgb[3 * i + j] =
            0.5 * paper[j] +
            (0.5 * (e[0] * colors[0][j] + e[1] * colors[1][j] + e[2] * colors[2][j])) / sum;
      }
      const unit = (h, u) => {
        const v = Float32Array.from({length: GRID * GRID}, (_, i) => h[8 * i + u]),
          m = Math.max(...v.map(Math.abs), 1e-6);
        return v.map(a => a / m);
      };
      const cell = t => Math.round(((t + 1) / 2) * (GRID - 1)),
        at = (x, y) => largest(z, (GRID - 1 - cell(y)) * GRID + cell(x), 3);
      view = {
        rgb,
        at,
        units: [out.h1.data, out.h2.data].map(h => Array.from({length: 8}, (_, u) => unit(h, u))),
      };
    }

    return {
      async update(s) {
        kept ??= await ui.data('models/train.json');
        points = s.data === 'own' ? s.pts : given();
        ui.redraw();
        const act = s.act in MODULE ? s.act : 'tanh',
          net = await ui.model(`models/train_${act}.onnx`),
          key = JSON.stringify([points, act, s.lr, s.seed]);
        if (!run || run.key !== key || run.done > s.steps) run = fresh(s, key);
        const goal = Math.min(s.steps, MOST);
        const feeds = {...batch(), lr: s.lr};
        while (run.done < goal) {
          const out = await net.run({...feeds, ...run.params});
          run.losses.push(out.loss.data[0]);
          run.now = [];
          for (const k in run.params) run.params[k] = out['new.' + k];
          if (++run.done % 200 === 0) {
            if (ui.stale) return;
            ui.redraw();
            await new Promise(r => setTimeout(r));
          }
        }
        await look(act);
        const now = await net.run({...feeds, lr: 0, ...run.params}),
          loss = now.loss.data[0];
        run.now = [loss];
        const right = await score(act);
        ui.answer = {loss, right, points: points.length, steps: s.steps};
        ui.say(
          `Step ${s.steps}: loss ${loss.toFixed(3)}, ${right} of ${points.length} points right.`,
        );
      },
    };

    async function score(act) {
      const net = await ui.model(`models/look_${act}.onnx`),
        {logits} = await net.run({x: batch().x, ...run.params});
      return points.filter((p, i) => largest(logits.data, i, 3) === p[2]).length;
    }
  },

  code: s => `import torch
from torch import nn
${
  s.data === 'own'
    ? `
P = torch.tensor(${py(s.pts)})
X, y = P[:, :2], P[:, 2].long()`
    : `from walkdl.demo import toy

X, y = toy(${py(s.data)})`
}
torch.manual_seed(${py(s.seed)})
net = nn.Sequential(nn.Linear(2, 8), ${MODULE[s.act]}(), nn.Linear(8, 8), ${MODULE[s.act]}(), nn.Linear(8, 3))
for step in range(${py(s.steps)}):
    loss = nn.functional.cross_entropy(net(X), y)
    grads = torch.autograd.grad(loss, list(net.parameters()))
    with torch.no_grad():
        for p, g in zip(net.parameters(), grads): p -= ${py(s.lr)}*g
print(nn.functional.cross_entropy(net(X), y).item(), (net(X).argmax(1) == y).sum().item())`,

  paste: {
    label: 'Paste points',
    hint: 'One a line: x, y, class. x and y in -1 … 1, class 0, 1 or 2; at most 150. A CSV file can be dropped here.',
    example: 'x,y,class\n0.5, 0.2, 1\n-0.4, 0.7, 0',
    read(text) {
      const pts = readPoints(text, {columns: 3, classes: 3, max: ROWS}),
        far = pts.find(([x, y]) => Math.abs(x) > 1 || Math.abs(y) > 1);
      if (far)
        throw Error(
          `The point ${far[0]}, ${far[1]} lies outside -1 … 1; divide all x and y by the largest.`,
        );
      return {data: 'own', pts: round(pts)};
    },
    write: s => s.pts.map(p => p.join(', ')).join('\n'),
  },
};
