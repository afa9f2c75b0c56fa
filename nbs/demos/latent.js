// Walk through digits that nobody wrote: two generators of the GAN chapter, run in the page.
import {clamp, py, round} from './base.js';
import {torchRandom} from './torchrandom.js';

const Z = 64,
  N = 28,
  STEPS = 9,
  within = (v, a, b) => clamp(+v || 0, a, b),
  whole = (v, b) => Math.round(within(v, 0, b));
const noise = (seed, n) => torchRandom(seed).normal(n),
  DIRECTIONS = noise(1000, 2 * Z);
const add = (a, b, s, t) => a.map((v, i) => s * v + t * b[i]);
const oneHot = k => Float32Array.from({length: 10}, (_, i) => +(i === k));
const flat = rows => {
  const out = new Float32Array(rows.length * rows[0].length);
  rows.forEach((r, i) => out.set(r, i * r.length));
  return out;
};
const tidy = s => ({
  style: s.net !== 'dcgan',
  a: whole(s.a, 9),
  b: whole(s.b, 9),
  sa: whole(s.sa, 99),
  sb: whole(s.sb, 99),
  u: within(s.u, -2, 2),
  v: within(s.v, -2, 2),
  t: within(s.t, 0, 1),
  psi: within(s.psi, 0, 1.5),
  fine: whole(s.fine, 4),
});
const moved = q => noise(q.sa, Z).map((v, i) => v + q.u * DIRECTIONS[i] + q.v * DIRECTIONS[Z + i]);
const cut = (data, i, size) => data.slice(i * size, (i + 1) * size);

export default {
  title: 'Walk through digits that nobody wrote',
  help: 'Drag in the square to change A along two directions of its noise. Walk from A to B, or let B speak to the last layers only.',
  state: {net: 'stylegan', a: 3, sa: 4, b: 8, sb: 2, u: 0, v: 0, t: 0, psi: 0.8, fine: 0},

  mount(ui) {
    let view = null;
    const picture = (c, values, x, y, side) =>
      c.image(values, N, N, {x, y, width: side, height: side});
    const tell = (g, text, x, y) => {
      g.fillStyle = ui.colors.ink;
      g.fillText(text, x, y);
    };
    ui.canvas({
      label: 'A, the result and B',
      width: 420,
      height: 200,
      draw(g, c) {
        if (!view) return tell(g, 'touch to wake the forger', 12, 24);
        picture(c, view.A, 0, 60, 100);
        tell(g, 'A', 2, 54);
        picture(c, view.now, 120, 20, 180);
        tell(g, 'the result', 122, 14);
        picture(c, view.B, 320, 60, 100);
        tell(g, 'B', 322, 54);
      },
    });
    const stop = p => clamp(Math.floor(p.x), 0, STEPS - 1),
      layers = p => clamp(Math.floor(p.x), 0, 4);
    ui.canvas({
      label: 'Nine steps on the way from A to B; click to stand on one',
      width: 420,
      height: 64,
      world: [0, STEPS, 0, 1],
      step: [1, 1],
      draw(g, c) {
        tell(g, 'the walk from A to B', 2, 12);
        view?.walk.forEach((p, i) => picture(c, p, i * 46.6, 17, 44));
      },
      press: p => ui.set({t: stop(p) / (STEPS - 1)}),
      describe: p => `step ${stop(p) + 1} of ${STEPS}`,
    });
    ui.canvas({
      label:
        'StyleGAN only: B speaks to no layer, the last, the last two, the last three, all four; click to choose',
      width: 420,
      height: 92,
      world: [0, 5, 0, 1],
      step: [1, 1],
      draw(g, c) {
        tell(
          g,
          ui.state.net === 'dcgan'
            ? 'style mixing needs the StyleGAN'
            : 'B speaks to the last 0, 1, 2, 3, 4 layers',
          2,
          12,
        );
        view?.mixes.forEach((p, i) => picture(c, p, i * 84, 18, 72));
      },
      press: p => ui.set({fine: layers(p)}),
      describe: p => `B speaks to the last ${layers(p)} layers`,
    });
    const move = p => ui.set({u: round(clamp(p.x, -2, 2), 2), v: round(clamp(p.y, -2, 2), 2)});
    ui.canvas({
      label: 'Two directions in the noise of A',
      width: 200,
      world: [-2, 2, -2, 2],
      step: [0.25, 0.25],
      draw(g, c) {
        const q = tidy(ui.state);
        g.strokeStyle = ui.colors.line;
        g.strokeRect(0.5, 0.5, c.width - 1, c.height - 1);
        g.beginPath();
        g.moveTo(c.X(0), 0);
        g.lineTo(c.X(0), c.height);
        g.moveTo(0, c.Y(0));
        g.lineTo(c.width, c.Y(0));
        g.stroke();
        tell(g, 'drag: the noise of A', 8, 16);
        g.fillStyle = ui.colors.blue;
        g.beginPath();
        g.arc(c.X(q.u), c.Y(q.v), 7, 0, 7);
        g.fill();
      },
      press: move,
      drag: move,
      describe: p => `${round(p.x, 2)} and ${round(p.y, 2)}`,
    });
    const digits = Array.from({length: 10}, (_, i) => [i, String(i)]);
    ui.choice('generator', 'net', [
      ['stylegan', 'StyleGAN'],
      ['dcgan', 'DCGAN'],
    ]);
    ui.select('digit A', 'a', digits);
    ui.slider('noise of A', 'sa', {min: 0, max: 99, step: 1});
    ui.select('digit B', 'b', digits);
    ui.slider('noise of B', 'sb', {min: 0, max: 99, step: 1});
    ui.slider('walk to B', 't', {min: 0, max: 1, step: 0.05});
    ui.slider('truncation ψ', 'psi', {min: 0, max: 1.5, step: 0.05});
    ui.slider('layers that hear B', 'fine', {min: 0, max: 4, step: 1});
    ui.button(
      'Other noise',
      () =>
        ui.set({sa: (tidy(ui.state).sa + 1) % 100, sb: (tidy(ui.state).sb + 3) % 100, u: 0, v: 0}),
      {primary: true},
    );

    async function dcgan(q, za, zb, ts) {
      // a picture for each place of ts on the way from A to B
      const net = await ui.model('models/dcgan.onnx'),
        n = ts.length,
        length = t => Math.hypot(t, 1 - t);
      const zs = ts.map(t => add(za, zb, (1 - t) / length(t), t / length(t))),
        ys = ts.map(t => add(oneHot(q.a), oneHot(q.b), 1 - t, t));
      return (await net.run({x0: [flat(zs), [n, Z]], x1: [flat(ys), [n, 10]]})).picture;
    }
    async function style(q, za, zb, ts) {
      // the same, then A with B in the last 0, 1, 2, 3, 4 layers
      const map = await ui.model('models/style_map.onnx'),
        paint = await ui.model('models/style_paint.onnx');
      const {w, centre} = await map.run({
        x0: [flat([za, zb]), [2, Z]],
        x1: [flat([oneHot(q.a), oneHot(q.b)]), [2, 10]],
      });
      const [A, B] = [0, 1].map(i =>
          add(cut(centre.data, i, Z), cut(w.data, i, Z), 1 - q.psi, q.psi),
        ),
        at = t => add(A, B, 1 - t, t);
      const mixed = (from, k) => flat([0, 1, 2, 3].map(i => (i < 4 - k ? from : B)));
      const rows = [
        ...ts.map((t, i) => mixed(at(t), i < STEPS ? 0 : q.fine)),
        ...[0, 1, 2, 3, 4].map(k => mixed(A, k)),
      ];
      return (await paint.run({x: [flat(rows), [rows.length, 4, Z]]})).picture;
    }
    return {
      async update(s) {
        const q = tidy(s),
          za = moved(q),
          zb = noise(q.sb, Z),
          ts = [...Array.from({length: STEPS}, (_, i) => i / (STEPS - 1)), q.t];
        const {data} = await (q.style ? style : dcgan)(q, za, zb, ts);
        const at = i => cut(data, i, N * N),
          stops = n => Array.from({length: n}, (_, i) => i);
        view = {
          A: at(0),
          B: at(STEPS - 1),
          now: at(STEPS),
          walk: stops(STEPS).map(at),
          mixes: q.style ? stops(5).map(i => at(STEPS + 1 + i)) : [],
        };
        ui.answer = {picture: [...view.now]};
        const far = Math.hypot(...view.now.map((v, i) => v - view.A[i])),
          near = Math.hypot(...view.now.map((v, i) => v - view.B[i]));
        ui.say(
          `The result is ${far.toFixed(1)} away from A and ${near.toFixed(1)} from B, in pixels of full ink.`,
        );
      },
    };
  },

  code(s) {
    const q = tidy(s),
      noiseOf = `def noise(seed, *size):
    torch.manual_seed(seed)
    return torch.randn(*size)

u, v, t = ${py(q.u)}, ${py(q.v)}, ${py(q.t)}
d = noise(1000, 2, 64)
za, zb = noise(${py(q.sa)}, 64) + u*d[0] + v*d[1], noise(${py(q.sb)}, 64)`;
    return q.style
      ? `import torch
from walkdl.core import load_weights
from walkdl.gans import StyleGAN, mean_styles

gan = load_weights('gans/stylegan', StyleGAN())
${noiseOf}
digits = torch.tensor([${q.a}, ${q.b}])
w = mean_styles(gan)[digits].lerp(gan.G.map(torch.stack([za, zb]), digits), ${py(q.psi)})
ws = [w[0].lerp(w[1], t)]*${4 - q.fine} + [w[1]]*${q.fine}
picture = gan.G.synthesis([w[None] for w in ws], [0]*4).detach()`
      : `import torch
from walkdl.core import load_weights
from walkdl.gans import DCGAN

G = load_weights('gans/dcgan', DCGAN()).G
${noiseOf}
z, digit = (za*(1 - t) + zb*t)/(t*t + (1 - t)**2)**.5, G.label.weight[${q.a}]*(1 - t) + G.label.weight[${q.b}]*t
picture = G.body(G.first(torch.cat([z, digit])).view(1, -1, 7, 7)).detach()`;
  },
};
