// Rosenblatt's rule, one sample at a time. The picture is a function of the points, the start and the number of samples seen.
import {el, py, random, readPoints} from './base.js';

const corners = y => y.map((c, i) => [i >> 1, i & 1, c]);
function blobs(apart, seed = 3, n = 12) {
  // two clouds on a grid of sixteenths, so that sums of them stay exact
  const u = random(seed),
    cloud = () => u() + u() + u() - 1.5,
    grid = v => Math.round(v * 16) / 16;
  return Array.from({length: 2 * n}, (_, i) => [
    grid(0.5 + (i % 2 ? apart : -apart) + 0.55 * cloud()),
    grid(0.5 + (i % 2 ? apart : -apart) / 2 + 0.55 * cloud()),
    i % 2,
  ]);
}
const presets = {
  AND: corners([0, 0, 0, 1]),
  OR: corners([0, 1, 1, 1]),
  XOR: corners([0, 1, 1, 0]),
  'Two blobs': blobs(0.65),
  'Blobs that overlap': blobs(0.25),
};
const LIMIT = 20000;

const points = s =>
  s.pts
    .filter(
      p =>
        Array.isArray(p) &&
        p.length === 3 &&
        p.every(Number.isFinite) &&
        (p[2] === 0 || p[2] === 1),
    )
    .slice(0, 200);
function begin(s) {
  // multiples of 1/64 for the same reason
  if (s.start !== 'random') return [0, 0, 0];
  const u = random(s.seed);
  return [0, 0, 0].map(() => Math.round(u() * 128 - 64) / 64);
}
const sum = (w, p) => w[0] + (w[1] * p[0] + w[2] * p[1]);
const answer = (w, p) => (sum(w, p) > 0 ? 1 : 0);

function look(t, pts) {
  // the rule itself: one sample, and a move if the answer is wrong
  const p = pts[t.seen++ % pts.length],
    s = 2 * p[2] - 1;
  t.wrong = answer(t.w, p) !== p[2];
  if (t.wrong) {
    t.before = t.w;
    t.w = [t.w[0] + s, t.w[1] + s * p[0], t.w[2] + s * p[1]];
    t.mistakes++;
    t.clean = 0;
  } else t.clean++;
  t.done = t.clean >= pts.length;
  if (t.seen % pts.length === 0 && !t.circle) {
    // the same weights at the end of two passes: the same for ever
    const key = t.w.join(),
      pass = t.seen / pts.length;
    if (t.ends.has(key) && !t.done) t.circle = [t.ends.get(key), pass];
    else t.ends.set(key, pass);
  }
  return t;
}

let memory = {};
function run(s) {
  // replays the samples seen; goes on from the last call where it can
  const pts = points(s),
    seen = pts.length ? Math.min(Math.max(Math.floor(s.seen), 0), LIMIT) : 0,
    key = JSON.stringify([pts, s.start, s.seed]);
  if (memory.key !== key || memory.t.seen > seen)
    memory = {
      key,
      t: {
        w: begin(s),
        before: null,
        seen: 0,
        mistakes: 0,
        clean: 0,
        wrong: false,
        done: false,
        ends: new Map(),
      },
    };
  while (memory.t.seen < seen) look(memory.t, pts);
  return memory.t;
}

function solve(A, b) {
  // a small linear system, by elimination with pivots
  const n = b.length,
    M = A.map((r, i) => [...r, b[i]]);
  for (let i = 0; i < n; i++) {
    const k = M.slice(i).reduce((m, r, j) => (Math.abs(r[i]) > Math.abs(M[m][i]) ? i + j : m), i);
    [M[i], M[k]] = [M[k], M[i]];
    if (Math.abs(M[i][i]) < 1e-13) return null;
    for (let j = i + 1; j < n; j++) {
      const f = M[j][i] / M[i][i];
      for (let c = i; c <= n; c++) M[j][c] -= f * M[i][c];
    }
  }
  const x = Array(n).fill(0);
  for (let i = n - 1; i >= 0; i--)
    x[i] = (M[i][n] - M[i].reduce((a, v, c) => (c > i && c < n ? a + v * x[c] : a), 0)) / M[i][i];
  return x;
}
const dot = (a, b) => a.reduce((t, v, i) => t + v * b[i], 0);
function margin(pts) {
  // as walkdl.perceptron.margin: non-negative least squares (Lawson and Hanson 1974)
  const cols = pts.map(([x, y, c]) => {
    const s = 2 * c - 1;
    return [s, s * x, s * y, 1];
  });
  let P = [],
    x = [],
    rest = [0, 0, 0, 1];
  for (let round = 0; round < 3 * cols.length + 30; round++) {
    const gain = cols.map(c => dot(c, rest)),
      best = gain.reduce(
        (m, v, i) => (!P.includes(i) && v > 1e-10 && (m < 0 || v > gain[m]) ? i : m),
        -1,
      );
    if (best < 0) break;
    P.push(best);
    x.push(0);
    for (;;) {
      const z = solve(
        P.map(i => P.map(j => dot(cols[i], cols[j]))),
        P.map(i => cols[i][3]),
      );
      if (!z) {
        P.pop();
        x.pop();
        round = 1e9;
        break;
      }
      if (z.every(v => v > 1e-12)) {
        x = z;
        break;
      }
      const a = Math.min(...z.map((v, k) => (v <= 1e-12 ? x[k] / (x[k] - v || 1) : 1)));
      x = x.map((v, k) => v + a * (z[k] - v));
      const keep = x.map((v, k) => v > 1e-12 && !(z[k] <= 1e-12 && v < 1e-9));
      P = P.filter((_, k) => keep[k]);
      x = x.filter((_, k) => keep[k]);
      if (!P.length) break;
    }
    rest = [0, 1, 2, 3].map(r => (r === 3) - P.reduce((t, i, k) => t + cols[i][r] * x[k], 0));
  }
  const all = x.reduce((a, v) => a + v, 0),
    hull = [0, 1, 2].map(r => P.reduce((t, i, k) => t + cols[i][r] * x[k], 0) / all),
    g = Math.hypot(...hull);
  return g > 1e-7 * Math.max(1, ...cols.flat().map(Math.abs)) ? g : 0;
}
let kept = {};
function bound(s) {
  // (R/γ)², and 2·|start|/γ more for a start that is not zero
  const pts = points(s),
    key = JSON.stringify([pts, s.start, s.seed]);
  if (kept.key === key) return kept.value;
  const g = pts.length ? margin(pts) : 0,
    R2 = Math.max(...pts.map(p => 1 + p[0] * p[0] + p[1] * p[1]));
  kept = {key, value: g ? R2 / (g * g) + (2 * Math.hypot(...begin(s))) / g : Infinity};
  return kept.value;
}

function view(pts) {
  // the usual window, or one that holds pasted points
  const v = pts.flatMap(p => [p[0], p[1]]),
    lo = Math.min(-1, ...v),
    hi = Math.max(2, ...v);
  const rim = lo < -1 || hi > 2 ? (hi - lo) * 0.08 : 0;
  return [lo - rim, hi + rim, lo - rim, hi + rim];
}
function side(w, [x0, x1, y0, y1]) {
  // the part of the window where the sum is above 0
  const box = [
      [x0, y0],
      [x1, y0],
      [x1, y1],
      [x0, y1],
    ],
    out = [];
  box.forEach((a, i) => {
    const b = box[(i + 1) % 4],
      fa = sum(w, a),
      fb = sum(w, b);
    if (fa > 0) out.push(a);
    if (fa > 0 !== fb > 0) {
      const t = fa / (fa - fb);
      out.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
    }
  });
  return out;
}
const short = v => String(Math.round(v * 1000) / 1000).replace('-', '−');
const whole = v => Math.floor(v + 1e-9).toLocaleString('en');

export default {
  title: 'A perceptron learns',
  help: 'Click to place a point, drag it, delete or right-click to remove it. The shaded side answers 1, a stroke marks a wrong answer, the ring the sample just seen.',
  state: {pts: presets.AND, cls: 1, start: 'zero', seed: 1, seen: 0},
  above: 2,

  mount(ui) {
    let held = -1;
    const type = (g, c) => {
      g.font = `${13 * Math.max(1, c.width / (c.node.clientWidth || c.width))}px system-ui, sans-serif`;
    }; // no smaller on a phone
    const snap = v => Math.round(v * 16) / 16;
    const near = (p, pad) => {
      const reach = (pad.world[1] - pad.world[0]) * 0.055;
      let best = -1,
        d = reach;
      points(ui.state).forEach((q, i) => {
        const e = Math.hypot(q[0] - p.x, q[1] - p.y);
        if (e < d) {
          d = e;
          best = i;
        }
      });
      return best;
    };
    const edit = pts => ui.set({pts, seen: 0});
    const clip = (v, w) => snap(Math.min(Math.max(v, w[0]), w[1]));

    const pad = ui.canvas({
      label: 'Points of two classes and the line between the answers',
      width: 420,
      height: 420,
      world: [-1, 2, -1, 2],
      step: [0.125, 0.125],
      draw(g, c) {
        const s = ui.state,
          pts = points(s),
          t = run(s),
          k = ui.colors;
        if (!pad.busy) {
          c.world = view(pts);
          c.step =
            c.world[0] === -1 && c.world[1] === 2
              ? [0.125, 0.125]
              : [(c.world[1] - c.world[0]) / 24, (c.world[1] - c.world[0]) / 24];
        }
        const shape = side(t.w, c.world);
        g.beginPath();
        shape.forEach((p, i) =>
          i ? g.lineTo(c.X(p[0]), c.Y(p[1])) : g.moveTo(c.X(p[0]), c.Y(p[1])),
        );
        g.closePath();
        g.globalAlpha = 0.22;
        g.fillStyle = k.sky;
        g.fill();
        g.globalAlpha = 1;
        g.strokeStyle = k.line;
        g.lineWidth = 1;
        g.beginPath();
        for (const v of [0, 1]) {
          g.moveTo(c.X(v), 0);
          g.lineTo(c.X(v), c.height);
          g.moveTo(0, c.Y(v));
          g.lineTo(c.width, c.Y(v));
        }
        g.stroke();
        g.fillStyle = k.quiet;
        type(g, c);
        for (const v of [0, 1]) {
          g.fillText(v, c.X(v) + 4, c.height - 6);
          g.fillText(v, 5, c.Y(v) - 4);
        }
        const line = (w, dash) => {
          // where the sum is 0, far beyond both ends of the window
          const l = Math.hypot(w[1], w[2]),
            far = 3 * (c.world[1] - c.world[0]);
          if (!l) return;
          const mx = (c.world[0] + c.world[1]) / 2,
            my = (c.world[2] + c.world[3]) / 2,
            h = sum(w, [mx, my]) / l / l,
            x = mx - h * w[1],
            y = my - h * w[2];
          g.setLineDash(dash);
          g.beginPath();
          g.moveTo(c.X(x - (far * w[2]) / l), c.Y(y + (far * w[1]) / l));
          g.lineTo(c.X(x + (far * w[2]) / l), c.Y(y - (far * w[1]) / l));
          g.stroke();
          g.setLineDash([]);
        };
        if (t.wrong && t.before) {
          g.strokeStyle = k.quiet;
          g.lineWidth = 1.2;
          line(t.before, [5, 5]);
        }
        g.strokeStyle = k.ink;
        g.lineWidth = 2;
        line(t.w, []);
        const last = t.seen ? (t.seen - 1) % pts.length : -1;
        pts.forEach(([x, y, cl], i) => {
          const X = c.X(x),
            Y = c.Y(y),
            good = answer(t.w, [x, y]) === cl;
          g.beginPath();
          g.lineWidth = 2.5;
          if (cl) {
            g.rect(X - 7, Y - 7, 14, 14);
            g.fillStyle = g.strokeStyle = k.red;
          } else {
            g.arc(X, Y, 7.5, 0, 7);
            g.fillStyle = k.paper;
            g.strokeStyle = ui.dark ? k.sky : k.blue;
          }
          g.fill();
          g.stroke();
          if (!good) {
            g.strokeStyle = k.ink;
            g.lineWidth = 2;
            g.beginPath();
            g.moveTo(X - 11, Y + 11);
            g.lineTo(X + 11, Y - 11);
            g.stroke();
          }
          if (i === last) {
            g.strokeStyle = k.ink;
            g.lineWidth = t.wrong ? 2.5 : 1;
            g.beginPath();
            g.arc(X, Y, 14, 0, 7);
            g.stroke();
          }
        });
        if (!pts.length) {
          g.fillStyle = k.ink;
          g.fillText('Click to place a first point', c.width / 2 - 80, c.height / 2);
        }
      },
      press(p) {
        const pts = points(ui.state);
        pad.busy = true;
        held = near(p, pad);
        if (held < 0 && pts.length < 200) {
          edit([
            ...pts,
            [clip(p.x, pad.world), clip(p.y, pad.world.slice(2)), ui.state.cls === 0 ? 0 : 1],
          ]);
          held = pts.length;
        }
      },
      drag(p) {
        if (held >= 0)
          edit(
            points(ui.state).map((q, i) =>
              i === held ? [clip(p.x, pad.world), clip(p.y, pad.world.slice(2)), q[2]] : q,
            ),
          );
      },
      release() {
        held = -1;
        pad.busy = false;
        pad.redraw();
      },
      erase(p) {
        const i = near(p, pad);
        if (i >= 0) edit(points(ui.state).filter((_, j) => j !== i));
      },
      describe(p) {
        const i = near(p, pad),
          q = points(ui.state)[i],
          t = run(ui.state),
          at = `x1 ${short(snap(p.x))}, x2 ${short(snap(p.y))}`;
        return q
          ? `${at}: a point of class ${q[2]}, answered ${answer(t.w, q)}.`
          : `${at}: empty, would be answered ${answer(t.w, [p.x, p.y])}.`;
      },
    });

    ui.canvas({
      label: 'Mistakes so far beside the bound that no run can pass',
      width: 420,
      height: 40,
      draw(g, c) {
        type(g, c);
        const t = run(ui.state),
          b = bound(ui.state),
          k = ui.colors,
          full = Number.isFinite(b),
          most = full ? Math.max(b, t.mistakes) : Math.max(40, t.mistakes * 1.25);
        g.fillStyle = k.panel;
        g.fillRect(0, 22, c.width, 14);
        g.fillStyle = k.blue;
        g.fillRect(0, 22, (t.mistakes / most) * c.width, 14);
        g.strokeStyle = k.ink;
        g.lineWidth = 1;
        if (full) g.strokeRect(0.5, 22.5, c.width - 1, 13);
        else {
          g.setLineDash([4, 4]);
          g.beginPath();
          g.moveTo(0, 36.5);
          g.lineTo(c.width, 36.5);
          g.stroke();
          g.setLineDash([]);
        }
        g.fillStyle = k.ink;
        g.fillText(`${whole(t.mistakes)} mistake${t.mistakes === 1 ? '' : 's'}`, 0, 14);
        const right = full ? `at most ${whole(b)}` : 'no line separates: no bound';
        g.fillText(right, c.width - g.measureText(right).width, 14);
      },
    });

    const line = el('div', {className: 'wd-field'});
    ui.panel.append(line);
    line.append(el('span', {}, 'Points'));
    const row = el('div', {style: 'display:flex;flex-wrap:wrap;gap:.35rem;grid-column:1/-1'});
    line.append(row);
    for (const name of Object.keys(presets))
      ui.button(
        name,
        () => {
          play.stop();
          return edit(structuredClone(presets[name]));
        },
        {into: row},
      );
    ui.button(
      'Clear',
      () => {
        play.stop();
        return edit([]);
      },
      {into: row},
    );
    ui.choice('A click places', 'cls', [
      [1, 'class 1 (square)'],
      [0, 'class 0 (circle)'],
    ]);
    ui.select('Start', 'start', [
      ['zero', 'all weights 0'],
      ['random', 'random weights'],
    ]);
    const again = () => {
      const s = ui.state,
        t = run(s);
      return !points(s).length || t.done || t.seen >= LIMIT;
    };
    const play = ui.play('Run', async () => {
      // rests a little after a move, so that it can be seen
      if (!ui.still && run(ui.state).wrong) await new Promise(r => setTimeout(r, 150));
      return again() ? false : {seen: run(ui.state).seen + 1};
    });
    ui.button('One sample', () => {
      play.stop();
      return again() ? null : ui.set({seen: run(ui.state).seen + 1});
    });
    ui.button('To the next mistake', () => {
      play.stop();
      if (again()) return null;
      const s = {...ui.state, seen: run(ui.state).seen};
      let t;
      do {
        s.seen++;
        t = run(s);
      } while (!t.wrong && !t.done && s.seen < LIMIT);
      return ui.set({seen: s.seen});
    });
    ui.button('From the start', () => {
      play.stop();
      return ui.set({seen: 0, ...(ui.state.start === 'random' ? {seed: ui.state.seed + 1} : {})});
    });

    return {
      update(s) {
        const pts = points(s),
          t = run(s),
          b = bound(s),
          n = pts.length;
        ui.answer = {
          w: t.w,
          mistakes: t.mistakes,
          seen: t.seen,
          done: t.done,
          circle: t.circle ?? null,
          bound: Number.isFinite(b) ? b : null,
          answers: pts.map(p => answer(t.w, p)),
          start: begin(s),
        };
        const wrong = pts.filter(p => answer(t.w, p) !== p[2]).length,
          w = `w = (${t.w.map(short).join(', ')})`;
        ui.say(
          !n
            ? 'No points yet.'
            : !t.seen
              ? `${n} points, ${wrong} answered wrongly. ${w}.`
              : t.done
                ? `At rest after ${whole(t.seen)} samples and ${whole(t.mistakes)} mistakes: a whole round without error. ${w}.`
                : t.circle
                  ? `Pass ${t.circle[1]} ended with the weights of pass ${t.circle[0]}: it runs in a circle and never stops. ${whole(t.mistakes)} mistakes, ${w}.`
                  : `Pass ${Math.ceil(t.seen / n)}, sample ${((t.seen - 1) % n) + 1}: ${t.wrong ? `a false ${1 - pts[(t.seen - 1) % n][2]}, the line moved` : 'right, nothing moved'}. ${w}.`,
        );
      },
    };
  },

  code: s => `import numpy as np
from walkdl.perceptron import Perceptron, mistake_bound

data = np.array(${py(points(s))}, dtype=float).reshape(-1, 3)
X, y = data[:, :2], data[:, 2].astype(int)
p = Perceptron(start=${py(begin(s))}).begin(2)
for k in range(${points(s).length ? run(s).seen : 0}): p.learn(X[k % len(X)], y[k % len(X)])
p.w_, p.mistakes_, p.predict(X)${points(s).length && s.start !== 'random' ? ', mistake_bound(X, y)' : ''}`,

  paste: {
    label: 'Paste points',
    hint: 'x1, x2, class (0 or 1): one point a line, up to 200. The rule sees them in this order.',
    example: '0, 0, 0\n0, 1, 0\n1, 0, 0\n1, 1, 1',
    read: text => ({pts: readPoints(text), seen: 0}),
    write: s =>
      points(s)
        .map(p => p.join(', '))
        .join('\n'),
  },
};
