// A game of two tiny networks, trained here in plain JavaScript with PyTorch's own random numbers: the steps of walkdl.gans.GAN.
import {py, readPoints, round} from './base.js';

const H = 16, Z = 2, N = 128, MOST = 3000, GRID = 41;

// --- torch's random numbers: Mersenne twister, uniform in 24 bits, normal by Box and Muller in blocks of 16 ---
export function torchRandom(seed) {
  const s = new Uint32Array(624); let i = 624;
  s[0] = seed >>> 0;
  for (let k = 1; k < 624; k++) { const v = s[k - 1] ^ s[k - 1] >>> 30; s[k] = Math.imul(1812433253, v) + k; }
  const next = () => {
    if (i === 624) {
      for (let k = 0; k < 624; k++) { const y = (s[k] & 0x80000000) | (s[(k + 1) % 624] & 0x7fffffff); s[k] = s[(k + 397) % 624] ^ y >>> 1 ^ (y & 1 ? 0x9908b0df : 0); }
      i = 0;
    }
    let y = s[i++];
    y ^= y >>> 11; y ^= y << 7 & 0x9d2c5680; y ^= y << 15 & 0xefc60000; y ^= y >>> 18;
    return y >>> 0;
  };
  const uniform = () => (next() & 0xffffff) / 16777216;
  const block = (v, at) => { for (let j = at; j < at + 8; j++) { const r = Math.sqrt(-2 * Math.log(1 - v[j])), a = 2 * Math.PI * v[j + 8]; v[j] = r * Math.cos(a); v[j + 8] = r * Math.sin(a); } };
  const normal = n => {                                  // n of 16 or more
    const v = new Float32Array(n);
    for (let k = 0; k < n; k++) v[k] = uniform();
    for (let k = 0; k + 16 <= n; k += 16) block(v, k);
    if (n % 16) { for (let k = n - 16; k < n; k++) v[k] = uniform(); block(v, n - 16); }
    return v;
  };
  return {uniform, normal};
}

// --- dense(i, H, o): three layers, leaky ReLU between; weights as torch starts them ---
function layer(i, o, rng) {
  const b = 1 / Math.sqrt(i), draw = n => Float32Array.from({length: n}, () => rng.uniform() * 2 * b - b), zeros = n => [new Float64Array(n), new Float64Array(n)];
  const w = draw(i * o), c = draw(o);
  return {i, o, w, b: c, m: [zeros(i * o), zeros(o)]};
}
const dense = (i, o, rng) => [layer(i, H, rng), layer(H, H, rng), layer(H, o, rng)];
function forward(net, x) {                               // x [n*i] -> all inputs and the output
  const acts = [x];
  net.forEach(({i, o, w, b}, l) => {
    const n = x.length / i, y = new Float64Array(n * o);
    for (let r = 0; r < n; r++) for (let k = 0; k < o; k++) { let v = b[k]; for (let j = 0; j < i; j++) v += w[k * i + j] * x[r * i + j]; y[r * o + k] = l < 2 && v < 0 ? .2 * v : v; }
    acts.push(x = y);
  });
  return acts;
}
function backward(net, acts, g, learn = true) {          // g: slope by the output -> slopes by the input, and by the weights
  const grads = [];
  for (let l = 2; l >= 0; l--) {
    const {i, o, w} = net[l], x = acts[l], y = acts[l + 1], n = x.length / i, gx = new Float64Array(n * i), gw = new Float64Array(i * o), gb = new Float64Array(o);
    for (let r = 0; r < n; r++) for (let k = 0; k < o; k++) {
      const v = g[r * o + k] * (l < 2 && y[r * o + k] < 0 ? .2 : 1);
      if (learn) gb[k] += v;
      for (let j = 0; j < i; j++) { gx[r * i + j] += v * w[k * i + j]; if (learn) gw[k * i + j] += v * x[r * i + j]; }
    }
    grads[l] = [gw, gb]; g = gx;
  }
  return {g, grads};
}
function adam(net, grads, lr, t) {                       // torch.optim.Adam, betas (.5, .99)
  net.forEach((l, k) => [l.w, l.b].forEach((p, q) => {
    const g = grads[k][q], [m, v] = l.m[q];
    for (let j = 0; j < p.length; j++) {
      m[j] = .5 * m[j] + .5 * g[j]; v[j] = .99 * v[j] + .01 * g[j] * g[j];
      p[j] -= lr / (1 - .5 ** t) * m[j] / (Math.sqrt(v[j] / (1 - .99 ** t)) + 1e-8);
    }
  }));
}
const plus = (a, b) => a.map((l, k) => l.map((p, q) => p.map((v, j) => v + b[k][q][j])));
const sig = v => 1 / (1 + Math.exp(-v)), soft = v => v > 30 ? v : Math.log1p(Math.exp(v));
const LOSSES = {                                         // [D of real, D of forged, G]: loss and its slope by the logit
  minimax: [v => [soft(-v), -sig(-v)], v => [soft(v), sig(v)], v => [-soft(v), -sig(v)]],
  nonsaturating: [v => [soft(-v), -sig(-v)], v => [soft(v), sig(v)], v => [soft(-v), -sig(-v)]],
  hinge: [v => [Math.max(0, 1 - v), v < 1 ? -1 : 0], v => [Math.max(0, 1 + v), v > -1 ? 1 : 0], v => [-v, -1]],
  wgan: [v => [-v, -1], v => [v, 1], v => [-v, -1]],
  lsgan: [v => [(v - 1) ** 2, 2 * (v - 1)], v => [v * v, 2 * v], v => [(v - 1) ** 2, 2 * (v - 1)]],
};
const apply = (f, logits) => { let loss = 0; const n = logits.length, g = Float64Array.from(logits, v => { const [a, b] = f(v); loss += a / n; return b / n; }); return [loss, g]; };

export function start(dim, seed) { const rng = torchRandom(seed); return {dim, rng, t: 0, G: dense(Z, dim, rng), D: dense(dim, 1, rng)}; }
export function step(game, real, kind, lr) {             // the lines of GAN.step
  const f = LOSSES[kind], n = real.length / game.dim, {G, D} = game, t = ++game.t;
  const made = forward(G, game.rng.normal(n * Z)), fake = made[3];
  const a = forward(D, real), b = forward(D, fake), [la, ga] = apply(f[0], a[3]), [lb, gb] = apply(f[1], b[3]);
  adam(D, plus(backward(D, a, ga).grads, backward(D, b, gb).grads), lr, t);
  const c = forward(D, fake), [lg, gc] = apply(f[2], c[3]);
  adam(G, backward(G, made, backward(D, c, gc, false).g).grads, lr, t);
  return [la + lb, lg];
}
export function data(name) {                             // walkdl.gans.game_data
  const out = [];
  for (let i = 0; i < N; i++) {
    const t = (i + .5) / N, a = 2 * Math.PI * t;
    if (name === 'bell') out.push(.4 + .1 * Math.log(t / (1 - t)));
    else if (name === 'two bells') { const u = (t * 2) % 1; out.push((t < .5 ? -.5 : .5) + .05 * Math.log(u / (1 - u))); }
    else if (name === 'ring') out.push(.7 * Math.cos(a), .7 * Math.sin(a));
    else if (name === 'wave') out.push(1.6 * t - .8, .5 * Math.sin(a));
    else { const k = i % 8, r = .1 * Math.sqrt((Math.floor(i / 8) + .5) / 16), w = 2.4 * Math.floor(i / 8), c = Math.PI * k / 4; out.push(.7 * Math.cos(c) + r * Math.cos(w), .7 * Math.sin(c) + r * Math.sin(w)); }
  }
  return Float64Array.from(out, Math.fround);
}
const ONE = ['bell', 'two bells'], ALL = [...ONE, 'ring', 'wave', 'eight'];
const own = s => s.pts.filter(p => Array.isArray(p) && p.every(v => Number.isFinite(v))).slice(0, 200);
const isOwn = s => s.data === 'own' && own(s).length >= 8;
const realOf = s => isOwn(s) ? Float64Array.from(own(s).flatMap(p => p.slice(0, 2)), Math.fround) : data(ALL.includes(s.data) ? s.data : 'ring');
const dimOf = s => ONE.includes(s.data) ? 1 : 2;
const kindOf = s => s.kind in LOSSES ? s.kind : 'nonsaturating';

export default {
  title: 'A forger and a detective, played in your page',
  help: 'Press Play. Circles are real, triangles forged; the ground shows what the detective believes, arrows how the forgeries are pushed. Choose “your own” and click to draw real points.',
  state: {data: 'ring', kind: 'nonsaturating', lr: .01, steps: 0, seed: 0, pts: []},

  mount(ui) {
    let run = null, view = null;
    const limit = p => [round(Math.min(1, Math.max(-1, p.x)), 2), round(Math.min(1, Math.max(-1, p.y)), 2)];
    const add = p => { if (ui.state.data === 'own' && ui.state.pts.length < 200) ui.set({pts: [...ui.state.pts, limit(p)], steps: 0}); };
    ui.canvas({label: 'The game: real and forged points, the detective\'s belief as shades, arrows on the forgeries', width: 420, world: [-1.2, 1.2, -1.2, 1.2],
      draw(g, c) {
        if (!view) return;
        const k = ui.colors, dot = (x, y, col, tri) => { g.beginPath(); if (tri) { g.moveTo(x, y - 4.5); g.lineTo(x + 4, y + 3.5); g.lineTo(x - 4, y + 3.5); g.closePath(); } else g.arc(x, y, 3.5, 0, 7); g.fillStyle = col; g.fill(); g.strokeStyle = k.paper; g.lineWidth = .8; g.stroke(); };
        const arrow = (x, y, dx, dy) => { const l = Math.hypot(dx, dy); if (l < 2) return; g.beginPath(); g.moveTo(x, y); g.lineTo(x + dx, y + dy); g.moveTo(x + dx * .75 - dy * .15, y + dy * .75 + dx * .15); g.lineTo(x + dx, y + dy); g.lineTo(x + dx * .75 + dy * .15, y + dy * .75 - dx * .15); g.stroke(); };
        if (view.dim === 2) {
          c.image(view.belief, GRID, GRID, {range: [0, 1], colors: ['red', 'paper', 'blue'], smooth: true}); g.globalAlpha = .55; g.fillStyle = k.paper; g.fillRect(0, 0, c.width, c.height); g.globalAlpha = 1;
          for (let i = 0; i < view.real.length; i += 2) dot(c.X(view.real[i]), c.Y(view.real[i + 1]), k.blue);
          g.strokeStyle = k.ink; g.lineWidth = 1;
          for (let i = 0; i < view.fake.length; i += 8) arrow(c.X(view.fake[i]), c.Y(view.fake[i + 1]), view.push[i] * 34, -view.push[i + 1] * 34);
          for (let i = 0; i < view.fake.length; i += 2) dot(c.X(view.fake[i]), c.Y(view.fake[i + 1]), k.red, true);
          return;
        }
        const bars = (v, y0, up, col) => { const h = new Array(48).fill(0); v.forEach(a => { const b = Math.floor((a + 1.2) / 2.4 * 48); if (b >= 0 && b < 48) h[b]++; }); g.fillStyle = col; h.forEach((m, i) => { const t = m / v.length * 480; g.fillRect(i * c.width / 48 + 1, up ? y0 - t : y0, c.width / 48 - 2, t); }); };
        bars(view.real, c.Y(.1), true, k.blue); bars(view.fake, c.Y(-.1), false, k.red);
        g.strokeStyle = k.ink; g.lineWidth = 2; g.beginPath(); view.belief.forEach((v, i) => g.lineTo(i / (GRID - 1) * c.width, c.Y(.1 + v))); g.stroke(); g.lineWidth = 1;
        for (let i = 0; i < view.fake.length; i += 8) arrow(c.X(view.fake[i]), c.Y(0), view.push[i] * 34, 0);
        g.fillStyle = k.ink; g.fillText('real', 8, 18); g.fillText('forged', 8, c.height - 8); g.fillText('D', c.width - 16, c.Y(.1 + view.belief[GRID - 1]) - 6);
      },
      press: add, drag: p => { const q = ui.state.pts.at(-1); if (!q || Math.hypot(q[0] - p.x, q[1] - p.y) > .06) add(p); },
      erase: () => ui.state.data === 'own' && ui.set({pts: ui.state.pts.slice(0, -1), steps: 0}),
      describe: p => `x ${round(p.x, 2)}, y ${round(p.y, 2)}`});
    ui.canvas({label: 'Both losses, step by step', width: 420, height: 80, draw(g, c) {
      const l = run ? run.losses : [], top = Math.max(2, ...l.flat().map(Math.abs).filter(Number.isFinite)), n = Math.max(l.length - 1, 100);
      g.strokeStyle = ui.colors.line; g.strokeRect(.5, .5, 419, 79);
      [['blue', 0, []], ['red', 1, [5, 3]]].forEach(([col, q, dash]) => { g.strokeStyle = ui.colors[col]; g.setLineDash(dash); g.beginPath(); l.forEach((v, i) => g.lineTo(4 + i / n * 410, 40 - v[q] / top * 34)); g.stroke(); });
      g.setLineDash([]); g.fillStyle = ui.colors.ink; g.fillText('loss of D (line) and of G (dashed)', 8, 74);
    }});
    ui.play('Play', async () => ui.state.steps < MOST && {steps: Math.min(MOST, ui.state.steps + 10)});
    ui.button('One step', () => ui.set({steps: Math.min(MOST, ui.state.steps + 1)}));
    ui.button('Start again', () => { ui.player.stop(); return ui.set({steps: 0}); });
    ui.button('Clear my points', () => { ui.player.stop(); return ui.set({data: 'own', pts: [], steps: 0}); });
    ui.select('real data', 'data', [['bell', 'one bell (1-D)'], ['two bells', 'two bells (1-D)'], ['ring', 'a ring (2-D)'], ['wave', 'a wave (2-D)'], ['eight', 'eight heaps (2-D)'], ['own', 'your own (2-D)']]);
    ui.select('loss', 'kind', Object.keys(LOSSES));
    ui.slider('learning rate', 'lr', {values: [.001, .003, .01, .03]});
    ui.slider('seed', 'seed', {min: 0, max: 9, step: 1});

    return {
      async update(s) {
        const dim = dimOf(s), real = realOf(s), kind = kindOf(s), key = JSON.stringify([s.data, kind, s.lr, s.seed, isOwn(s) && s.pts]);
        const goal = Math.min(MOST, Math.max(0, Math.round(s.steps) || 0));
        if (!run || run.key !== key || run.game.t > goal) run = {key, game: start(dim, Math.abs(s.seed) || 0), losses: []};
        while (run.game.t < goal) {
          run.losses.push(step(run.game, real, kind, s.lr));
          if (run.game.t % 100 === 0) { if (ui.stale) return; await new Promise(r => setTimeout(r)); }
        }
        const {G, D} = run.game, fake = forward(G, torchRandom(1).normal(N * Z))[3], seen = forward(D, fake), f = LOSSES[kind][2];
        const push = backward(D, seen, Float64Array.from(seen[3], v => -f(v)[1]), false).g;
        const longest = Math.max(1, ...push.map(Math.abs)), at = i => -1.2 + 2.4 * i / (GRID - 1);
        const grid = dim === 1 ? Float64Array.from({length: GRID}, (_, i) => at(i)) : Float64Array.from({length: 2 * GRID * GRID}, (_, i) => i % 2 ? -at((i >> 1) / GRID | 0) : at((i >> 1) % GRID));
        view = {dim, real, fake, push: push.map(v => v / longest), belief: Float64Array.from(forward(D, grid)[3], sig)};
        const mean = seen[3].reduce((a, v) => a + sig(v), 0) / N, l = run.losses.at(-1) ?? [null, null];
        const reach = Array.from({length: real.length / dim}, (_, i) => { let m = 9; for (let j = 0; j < N; j++) { let d = 0; for (let q = 0; q < dim; q++) d += (real[i * dim + q] - fake[j * dim + q]) ** 2; m = Math.min(m, d); } return m < .0225; });
        const share = reach.filter(Boolean).length / reach.length;
        ui.answer = {losses: l, fake: [...fake], belief: [...view.belief], steps: run.game.t, share};
        ui.say(`Step ${run.game.t}: the detective believes forgeries with ${(100 * mean).toFixed(0)} %; near ${(100 * share).toFixed(0)} % of the real points there is a forgery.${s.data === 'own' && !isOwn(s) ? ' Draw at least 8 points; until then a ring is played.' : ''}`);
        ui.redraw();
      },
    };
  },

  code: s => `import torch
from walkdl.gans import GAN${isOwn(s) ? '' : ', game_data'}

X = ${isOwn(s) ? `torch.tensor(${py(own(s).map(p => p.slice(0, 2)))})` : `game_data(${py(ALL.includes(s.data) ? s.data : 'ring')})`}
torch.manual_seed(${py(Math.abs(s.seed) || 0)})
gan = GAN(${isOwn(s) ? 2 : dimOf(s)}, z=2, hidden=16, kind=${py(kindOf(s))}, lr=${py(s.lr)})
for _ in range(${py(Math.min(MOST, Math.max(0, Math.round(s.steps) || 0)))}): losses = gan.step(X)
torch.manual_seed(1)
fake = gan.sample(128).detach()   # a long game is chaos: after some hundred steps the last digits decide`,
  paste: {label: 'Paste points', hint: 'One a line: x, y in -1 … 1; 8 to 200 of them.', example: '0.5, 0.2\n-0.4, 0.7',
    read: text => ({data: 'own', steps: 0, pts: round(readPoints(text, {columns: 2, max: 200}))}), write: s => s.pts.map(p => p.join(', ')).join('\n')},
};
