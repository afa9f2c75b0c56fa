// A game of two tiny networks, trained here in plain JavaScript with PyTorch's own random numbers: the steps of walkdl.gans.GAN.
import {clamp, py, readPoints, round} from './base.js';
import {torchRandom} from './torchrandom.js';

const H = 16,
  Z = 2,
  N = 128,
  MOST = 3000,
  GRID = 41,
  EDGE = 1.2;

// --- dense(i, H, o): three layers, leaky ReLU between; weights as torch starts them ---
function layer(i, o, rng) {
  const b = 1 / Math.sqrt(i),
    draw = n => Float32Array.from({length: n}, () => rng.uniform() * 2 * b - b),
    zeros = n => [new Float64Array(n), new Float64Array(n)];
  const w = draw(i * o),
    c = draw(o);
  return {i, o, w, b: c, m: [zeros(i * o), zeros(o)]};
}
const dense = (i, o, rng) => [layer(i, H, rng), layer(H, H, rng), layer(H, o, rng)];
const slope = (l, v) => (l < 2 && v < 0 ? 0.2 : 1);
function forward(net, x, like) {
  // x [n*i] -> the input and all outputs; like: an earlier run, whose slopes are taken, without biases
  const acts = [x];
  net.forEach(({i, o, w, b}, l) => {
    const n = x.length / i,
      y = new Float64Array(n * o);
    for (let r = 0; r < n; r++)
      for (let k = 0; k < o; k++) {
        let v = like ? 0 : b[k];
        for (let j = 0; j < i; j++) v += w[k * i + j] * x[r * i + j];
        y[r * o + k] = v * slope(l, like ? like[l + 1][r * o + k] : v);
      }
    acts.push((x = y));
  });
  return acts;
}
function backward(net, acts, g, inputs = acts) {
  // g: gradient by the output -> by the input (g), and by the weights (grads; none if inputs is null)
  const grads = [];
  for (let l = 2; l >= 0; l--) {
    const {i, o, w} = net[l],
      x = inputs?.[l],
      y = acts[l + 1],
      n = y.length / o,
      gx = new Float64Array(n * i),
      gw = new Float64Array(i * o),
      gb = new Float64Array(o);
    for (let r = 0; r < n; r++)
      for (let k = 0; k < o; k++) {
        const v = g[r * o + k] * slope(l, y[r * o + k]);
        gb[k] += v;
        for (let j = 0; j < i; j++) {
          gx[r * i + j] += v * w[k * i + j];
          if (x) gw[k * i + j] += v * x[r * i + j];
        }
      }
    grads[l] = [gw, gb];
    g = gx;
  }
  return {g, grads};
}
// R1 = weight · mean |s|² with s = ∂D/∂x at real data. Its gradient by the weights is that of the sum of s·v, where v = 2 weight s / n is held fixed.
// Between its kinks D is linear, so s·v is D's run on v with the same slopes and no biases, and backward serves again; the biases get none.
function r1(D, acts, weight) {
  const n = acts[3].length,
    ones = new Float64Array(n).fill(1),
    s = backward(D, acts, ones, null).g;
  const {grads} = backward(
    D,
    acts,
    ones,
    forward(
      D,
      s.map(v => ((2 * weight) / n) * v),
      acts,
    ),
  );
  grads.forEach(([, b]) => b.fill(0));
  return [(weight / n) * s.reduce((sum, v) => sum + v * v, 0), grads];
}
function adam(net, grads, lr, t) {
  // torch.optim.Adam, betas (.5, .99)
  net.forEach((l, k) =>
    [l.w, l.b].forEach((p, q) => {
      const g = grads[k][q],
        [m, v] = l.m[q];
      for (let j = 0; j < p.length; j++) {
        m[j] = 0.5 * m[j] + 0.5 * g[j];
        v[j] = 0.99 * v[j] + 0.01 * g[j] * g[j];
        p[j] -= ((lr / (1 - 0.5 ** t)) * m[j]) / (Math.sqrt(v[j] / (1 - 0.99 ** t)) + 1e-8);
      }
    }),
  );
}
const plus = (a, b) => a.map((l, k) => l.map((p, q) => p.map((v, j) => v + b[k][q][j])));
const sig = v => 1 / (1 + Math.exp(-v)),
  soft = v => (v > 30 ? v : Math.log1p(Math.exp(v)));
const LOSSES = {
  // [D of real, D of forged, G]: loss and its slope by the logit
  minimax: [v => [soft(-v), -sig(-v)], v => [soft(v), sig(v)], v => [-soft(v), -sig(v)]],
  nonsaturating: [v => [soft(-v), -sig(-v)], v => [soft(v), sig(v)], v => [soft(-v), -sig(-v)]],
  hinge: [
    v => [Math.max(0, 1 - v), v < 1 ? -1 : 0],
    v => [Math.max(0, 1 + v), v > -1 ? 1 : 0],
    v => [-v, -1],
  ],
  wgan: [v => [-v, -1], v => [v, 1], v => [-v, -1]],
  lsgan: [v => [(v - 1) ** 2, 2 * (v - 1)], v => [v * v, 2 * v], v => [(v - 1) ** 2, 2 * (v - 1)]],
};
const apply = (f, logits) => {
  let loss = 0;
  const n = logits.length,
    g = Float64Array.from(logits, v => {
      const [a, b] = f(v);
      loss += a / n;
      return b / n;
    });
  return [loss, g];
};

function start(dim, seed) {
  const rng = torchRandom(seed);
  return {dim, rng, t: 0, G: dense(Z, dim, rng), D: dense(dim, 1, rng)};
}
function step(game, real, {kind, lr, r1: weight}) {
  // the lines of GAN.step
  const [ofReal, ofForged, ofG] = LOSSES[kind],
    n = real.length / game.dim,
    {G, D} = game,
    t = ++game.t;
  const made = forward(G, game.rng.normal(n * Z)),
    fake = made[3];
  const a = forward(D, real),
    b = forward(D, fake),
    [la, ga] = apply(ofReal, a[3]),
    [lb, gb] = apply(ofForged, b[3]);
  let grads = plus(backward(D, a, ga).grads, backward(D, b, gb).grads),
    penalty = 0;
  if (weight) {
    const [value, more] = r1(D, a, weight);
    penalty = value;
    grads = plus(grads, more);
  }
  adam(D, grads, lr, t);
  const c = forward(D, fake),
    [lg, gc] = apply(ofG, c[3]);
  adam(G, backward(G, made, backward(D, c, gc, null).g).grads, lr, t);
  return [la + lb + penalty, lg];
}
function look({G, D, dim}, real, kind) {
  // what is shown: 128 forgeries, where G's loss pushes them, D's belief on a grid
  const fake = forward(G, torchRandom(1).normal(N * Z))[3],
    seen = forward(D, fake),
    at = i => EDGE * ((2 * i) / (GRID - 1) - 1);
  const push = backward(
      D,
      seen,
      seen[3].map(v => -LOSSES[kind][2](v)[1]),
      null,
    ).g,
    longest = Math.max(1, ...push.map(Math.abs));
  const grid =
    dim === 1
      ? Float64Array.from({length: GRID}, (_, i) => at(i))
      : Float64Array.from({length: 2 * GRID * GRID}, (_, i) =>
          i % 2 ? -at(((i >> 1) / GRID) | 0) : at((i >> 1) % GRID),
        );
  return {
    dim,
    real,
    fake,
    push: push.map(v => v / longest),
    belief: forward(D, grid)[3].map(sig),
    mean: seen[3].reduce((sum, v) => sum + sig(v), 0) / N,
  };
}
function covered({dim, real, fake}) {
  // share of the real points with a forgery within .15
  const point = (v, i) => v.slice(i * dim, (i + 1) * dim),
    forgeries = Array.from({length: N}, (_, j) => point(fake, j)),
    n = real.length / dim;
  const near = i => {
    const p = point(real, i);
    return forgeries.some(f => Math.hypot(...f.map((v, q) => v - p[q])) < 0.15);
  };
  return Array.from({length: n}, (_, i) => near(i)).filter(Boolean).length / n;
}
function data(name) {
  // walkdl.gans.game_data
  const out = [];
  for (let i = 0; i < N; i++) {
    const t = (i + 0.5) / N,
      a = 2 * Math.PI * t;
    if (name === 'bell') out.push(0.4 + 0.1 * Math.log(t / (1 - t)));
    else if (name === 'two bells') {
      const u = (t * 2) % 1;
      out.push((t < 0.5 ? -0.5 : 0.5) + 0.05 * Math.log(u / (1 - u)));
    } else if (name === 'ring') out.push(0.7 * Math.cos(a), 0.7 * Math.sin(a));
    else if (name === 'wave') out.push(1.6 * t - 0.8, 0.5 * Math.sin(a));
    else {
      const k = i % 8,
        r = 0.1 * Math.sqrt((Math.floor(i / 8) + 0.5) / 16),
        w = 2.4 * Math.floor(i / 8),
        c = (Math.PI * k) / 4;
      out.push(0.7 * Math.cos(c) + r * Math.cos(w), 0.7 * Math.sin(c) + r * Math.sin(w));
    }
  }
  return Float64Array.from(out, Math.fround);
}
const ONE = ['bell', 'two bells'],
  ALL = [...ONE, 'ring', 'wave', 'eight'];
const own = s =>
  s.pts.filter(p => Array.isArray(p) && p.every(v => Number.isFinite(v))).slice(0, 200);
const isOwn = s => s.data === 'own' && own(s).length >= 8;
const realOf = s =>
  isOwn(s)
    ? Float64Array.from(
        own(s).flatMap(p => p.slice(0, 2)),
        Math.fround,
      )
    : data(ALL.includes(s.data) ? s.data : 'ring');
const dimOf = s => (ONE.includes(s.data) ? 1 : 2);
const game = s => ({
  kind: s.kind in LOSSES ? s.kind : 'nonsaturating',
  lr: s.lr,
  r1: clamp(+s.r1 || 0, 0, 1),
  seed: Math.abs(s.seed) || 0,
  steps: clamp(Math.round(s.steps) || 0, 0, MOST),
});

// --- the picture: points on a plane, or two histograms on a line ---
function dot(g, x, y, color, rim, triangle) {
  g.beginPath();
  if (triangle) {
    g.moveTo(x, y - 4.5);
    g.lineTo(x + 4, y + 3.5);
    g.lineTo(x - 4, y + 3.5);
    g.closePath();
  } else g.arc(x, y, 3.5, 0, 7);
  g.fillStyle = color;
  g.fill();
  g.strokeStyle = rim;
  g.lineWidth = 0.8;
  g.stroke();
}
function arrow(g, x, y, dx, dy) {
  if (Math.hypot(dx, dy) < 2) return;
  g.beginPath();
  g.moveTo(x, y);
  g.lineTo(x + dx, y + dy);
  g.moveTo(x + dx * 0.75 - dy * 0.15, y + dy * 0.75 + dx * 0.15);
  g.lineTo(x + dx, y + dy);
  g.lineTo(x + dx * 0.75 + dy * 0.15, y + dy * 0.75 - dx * 0.15);
  g.stroke();
}
function plane(g, c, k, {real, fake, push, belief}) {
  c.image(belief, GRID, GRID, {range: [0, 1], colors: ['red', 'paper', 'blue'], smooth: true});
  g.globalAlpha = 0.55;
  g.fillStyle = k.paper;
  g.fillRect(0, 0, c.width, c.height);
  g.globalAlpha = 1;
  for (let i = 0; i < real.length; i += 2) dot(g, c.X(real[i]), c.Y(real[i + 1]), k.blue, k.paper);
  g.strokeStyle = k.ink;
  g.lineWidth = 1;
  for (let i = 0; i < fake.length; i += 8)
    arrow(g, c.X(fake[i]), c.Y(fake[i + 1]), push[i] * 34, -push[i + 1] * 34);
  for (let i = 0; i < fake.length; i += 2)
    dot(g, c.X(fake[i]), c.Y(fake[i + 1]), k.red, k.paper, true);
}
function histogram(g, c, values, y, color, up) {
  const bins = 48,
    wide = c.width / bins,
    heights = new Array(bins).fill(0);
  values.forEach(v => {
    const b = Math.floor(((v + EDGE) / (2 * EDGE)) * bins);
    if (b >= 0 && b < bins) heights[b]++;
  });
  g.fillStyle = color;
  heights.forEach((m, i) => {
    const h = (m / values.length) * 480;
    g.fillRect(i * wide + 1, up ? y - h : y, wide - 2, h);
  });
}
function line(g, c, k, {real, fake, push, belief}) {
  histogram(g, c, real, c.Y(0.1), k.blue, true);
  histogram(g, c, fake, c.Y(-0.1), k.red, false);
  g.strokeStyle = k.ink;
  g.lineWidth = 2;
  g.beginPath();
  belief.forEach((v, i) => g.lineTo((i / (GRID - 1)) * c.width, c.Y(0.1 + v)));
  g.stroke();
  g.lineWidth = 1;
  for (let i = 0; i < fake.length; i += 8) arrow(g, c.X(fake[i]), c.Y(0), push[i] * 34, 0);
  g.fillStyle = k.ink;
  g.fillText('real', 8, 18);
  g.fillText('forged', 8, c.height - 8);
  g.fillText('D', c.width - 16, c.Y(0.1 + belief[GRID - 1]) - 6);
}

export default {
  title: 'A forger and a detective, played in your page',
  help: 'Press Play. Circles are real, triangles forged; the ground shows what the detective believes, arrows how the forgeries are pushed. Choose “your own” and click to draw real points.',
  state: {data: 'ring', kind: 'nonsaturating', lr: 0.01, r1: 0, steps: 0, seed: 0, pts: []},

  mount(ui) {
    let run = null,
      view = null;
    const limit = p => [p.x, p.y].map(v => round(clamp(v, -1, 1), 2));
    const add = p => {
      if (ui.state.data === 'own' && ui.state.pts.length < 200)
        ui.set({pts: [...ui.state.pts, limit(p)], steps: 0});
    };
    ui.canvas({
      label:
        "The game: real and forged points, the detective's belief as shades, arrows on the forgeries",
      width: 420,
      world: [-EDGE, EDGE, -EDGE, EDGE],
      draw(g, c) {
        if (view) (view.dim === 2 ? plane : line)(g, c, ui.colors, view);
      },
      press: add,
      drag: p => {
        const q = ui.state.pts.at(-1);
        if (!q || Math.hypot(q[0] - p.x, q[1] - p.y) > 0.06) add(p);
      },
      erase: () => ui.state.data === 'own' && ui.set({pts: ui.state.pts.slice(0, -1), steps: 0}),
      describe: p => `x ${round(p.x, 2)}, y ${round(p.y, 2)}`,
    });
    ui.canvas({
      label: 'Both losses, step by step',
      width: 420,
      height: 80,
      draw(g) {
        const l = run ? run.losses : [],
          top = Math.max(2, ...l.flat().map(Math.abs).filter(Number.isFinite)),
          n = Math.max(l.length - 1, 100);
        g.strokeStyle = ui.colors.line;
        g.strokeRect(0.5, 0.5, 419, 79);
        [
          ['blue', 0, []],
          ['red', 1, [5, 3]],
        ].forEach(([col, q, dash]) => {
          g.strokeStyle = ui.colors[col];
          g.setLineDash(dash);
          g.beginPath();
          l.forEach((v, i) => g.lineTo(4 + (i / n) * 410, 40 - (v[q] / top) * 34));
          g.stroke();
        });
        g.setLineDash([]);
        g.fillStyle = ui.colors.ink;
        g.fillText('loss of D (line) and of G (dashed)', 8, 74);
      },
    });
    ui.play(
      'Play',
      async () => ui.state.steps < MOST && {steps: Math.min(MOST, ui.state.steps + 10)},
    );
    ui.button('One step', () => ui.set({steps: Math.min(MOST, ui.state.steps + 1)}));
    ui.button('Start again', () => {
      ui.player.stop();
      return ui.set({steps: 0});
    });
    ui.button('Clear my points', () => {
      ui.player.stop();
      return ui.set({data: 'own', pts: [], steps: 0});
    });
    ui.select('real data', 'data', [
      ['bell', 'one bell (1-D)'],
      ['two bells', 'two bells (1-D)'],
      ['ring', 'a ring (2-D)'],
      ['wave', 'a wave (2-D)'],
      ['eight', 'eight heaps (2-D)'],
      ['own', 'your own (2-D)'],
    ]);
    ui.select('loss', 'kind', Object.keys(LOSSES));
    ui.slider('learning rate', 'lr', {values: [0.001, 0.003, 0.01, 0.03]});
    ui.slider('R1 penalty', 'r1', {min: 0, max: 1, step: 0.05});
    ui.slider('seed', 'seed', {min: 0, max: 9, step: 1});

    return {
      async update(s) {
        const {steps, seed, ...how} = game(s),
          real = realOf(s),
          key = JSON.stringify([s.data, seed, how, isOwn(s) && s.pts]);
        if (!run || run.key !== key || run.game.t > steps)
          run = {key, game: start(dimOf(s), seed), losses: []};
        while (run.game.t < steps) {
          run.losses.push(step(run.game, real, how));
          if (run.game.t % 100 === 0) {
            if (ui.stale) return;
            await new Promise(r => setTimeout(r));
          }
        }
        view = look(run.game, real, how.kind);
        const share = covered(view);
        ui.answer = {
          losses: run.losses.at(-1) ?? [null, null],
          fake: [...view.fake],
          belief: [...view.belief],
          steps: run.game.t,
          share,
        };
        ui.say(
          `Step ${run.game.t}: the detective believes forgeries with ${(100 * view.mean).toFixed(0)} %; near ${(100 * share).toFixed(0)} % of the real points there is a forgery.${s.data === 'own' && !isOwn(s) ? ' Draw at least 8 points; until then a ring is played.' : ''}`,
        );
      },
    };
  },

  code(s) {
    const {kind, lr, r1, seed, steps} = game(s),
      uses = ['GAN', ...(isOwn(s) ? [] : ['game_data']), ...(r1 ? ['r1_penalty'] : [])];
    return `import torch
from walkdl.gans import ${uses.join(', ')}

X = ${isOwn(s) ? `torch.tensor(${py(own(s).map(p => p.slice(0, 2)))})` : `game_data(${py(ALL.includes(s.data) ? s.data : 'ring')})`}
torch.manual_seed(${py(seed)})
gan = GAN(${dimOf(s)}, z=2, hidden=16, kind=${py(kind)}${r1 ? `, penalty=lambda D, real, fake: ${py(r1)}*r1_penalty(D, real)` : ''})
opts, luck = gan.optimizers(lr=${py(lr)}), torch.default_generator
for _ in range(${py(steps)}): losses = gan.step(X, opts, generator=luck)
fake = gan.sample(128, generator=1).detach()   # a long game is chaos: after some hundred steps the last digits decide`;
  },
  paste: {
    label: 'Paste points',
    hint: 'One a line: x, y in -1 … 1; 8 to 200 of them.',
    example: '0.5, 0.2\n-0.4, 0.7',
    read: text => ({data: 'own', steps: 0, pts: round(readPoints(text, {columns: 2, max: 200}))}),
    write: s => s.pts.map(p => p.join(', ')).join('\n'),
  },
};
