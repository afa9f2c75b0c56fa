// A board for one digit: from pen strokes, or a dropped picture, to 28 × 28 pixels as MNIST was made.
import {clamp, el, pack, percent, py, unpack} from './base.js';

export const N = 28,
  THREE = 'UQaLiKpOqVlbeemhsnsvm1d2Vy';
// A drawing is strokes on a 64 × 64 board: two letters a point, a dot lifts the pen. PEN and FINE: pen width in pixels, the finer grid.
const ABC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  PEN = 2.3,
  FINE = 4;
const readStrokes = text =>
  text
    .split('.')
    .map(t =>
      [...(t.match(/../g) ?? [])]
        .map(p => [ABC.indexOf(p[0]), ABC.indexOf(p[1])])
        .filter(([x, y]) => x >= 0 && y >= 0),
    )
    .filter(s => s.length)
    .slice(0, 40);
const writeStrokes = strokes =>
  strokes
    .slice(-40)
    .map(s => s.map(([x, y]) => ABC[x] + ABC[y]).join(''))
    .join('.');

function paint(strokes, scale, dx, dy) {
  // strokes -> 28·28 values in 0..1
  const side = N * FINE,
    g = el('canvas', {width: side, height: side}).getContext('2d', {willReadFrequently: true});
  g.setTransform(FINE * scale, 0, 0, FINE * scale, FINE * dx, FINE * dy);
  g.lineWidth = PEN / scale;
  g.lineCap = g.lineJoin = 'round';
  for (const s of strokes) {
    g.beginPath();
    g.moveTo(...s[0]);
    (s.length > 1 ? s.slice(1) : s).forEach(p => g.lineTo(p[0] + 1e-3, p[1]));
    g.stroke();
  }
  const d = g.getImageData(0, 0, side, side).data,
    out = new Float32Array(N * N);
  for (let i = 0; i < side * side; i++)
    out[((i / side / FINE) | 0) * N + (((i % side) / FINE) | 0)] +=
      d[4 * i + 3] / 255 / FINE / FINE;
  return out;
}
function middle(v) {
  // centre of mass
  let m = 0,
    x = 0,
    y = 0;
  v.forEach((a, i) => {
    m += a;
    x += a * ((i % N) + 0.5);
    y += a * (((i / N) | 0) + 0.5);
  });
  return m ? [x / m, y / m] : [14.5, 14.5];
}
function prepare(strokes) {
  // longer side 20 pixels, centre of mass in pixel (14, 14)
  if (!strokes.length) return new Uint8Array(N * N);
  const xs = strokes.flat().map(p => p[0]),
    ys = strokes.flat().map(p => p[1]),
    x = Math.min(...xs),
    y = Math.min(...ys);
  const w = Math.max(...xs) - x,
    h = Math.max(...ys) - y,
    scale = w + h ? (20 - PEN) / Math.max(w, h, 8) : 1;
  const dx = 14 - scale * (x + w / 2),
    dy = 14 - scale * (y + h / 2),
    [cx, cy] = middle(paint(strokes, scale, dx, dy));
  return Uint8Array.from(paint(strokes, scale, dx + 14.5 - cx, dy + 14.5 - cy), v =>
    Math.min(255, Math.round(v * 255)),
  );
}
function centred(v) {
  // a dropped picture, shifted by whole pixels
  const [cx, cy] = middle(v),
    dx = Math.round(14.5 - cx),
    dy = Math.round(14.5 - cy);
  return Uint8Array.from({length: N * N}, (_, i) => {
    const x = (i % N) - dx,
      y = ((i / N) | 0) - dy;
    return x < 0 || y < 0 || x >= N || y >= N ? 0 : Math.round(v[y * N + x] * 255);
  });
}

// The state holds strokes in `ink` or, if not empty, 784 packed bytes in `img`.
let memory = {};
export function seen({ink, img}) {
  // the bytes that the network gets
  const key = img || ink;
  if (memory.key === key) return memory.v;
  let v = new Uint8Array(N * N);
  try {
    if (img) v.set(unpack(img).slice(0, N * N));
    else v = prepare(readStrokes(ink));
  } catch {
    /* a broken link shows nothing */
  }
  memory = {key, v};
  return v;
}
const strokesOf = ({state}) => (state.img ? [] : readStrokes(state.ink)),
  put = (ui, strokes) => ui.set({ink: writeStrokes(strokes), img: ''});
const undo = ui => put(ui, strokesOf(ui).slice(0, -1));

export function board(ui, width, into) {
  const point = p => [p.x, p.y].map(v => clamp(Math.round(v), 0, 63));
  let pen = null;
  ui.canvas({
    label: 'Drawing board for one digit',
    strokes: true,
    width,
    world: [0, 64, 64, 0],
    step: [2, 2],
    into,
    draw(g, c) {
      if (ui.state.img) return c.image(seen(ui.state), N, N, {range: [0, 255]});
      const strokes = strokesOf(ui);
      g.lineWidth = c.width * 0.075;
      g.lineCap = g.lineJoin = 'round';
      for (const s of strokes) {
        g.beginPath();
        g.moveTo(c.X(s[0][0]), c.Y(s[0][1]));
        for (const p of s) g.lineTo(c.X(p[0]) + 0.01, c.Y(p[1]));
        g.stroke();
      }
      if (!strokes.length) {
        g.fillStyle = ui.colors.quiet;
        g.fillText('a digit, please', 12, 24);
      }
    },
    press(p) {
      pen = point(p);
      put(ui, [...strokesOf(ui), [pen]]);
    },
    drag(p) {
      const q = point(p),
        all = strokesOf(ui);
      if (
        !pen ||
        Math.hypot(q[0] - pen[0], q[1] - pen[1]) < 1.5 ||
        !all.length ||
        all.flat().length > 900
      )
        return;
      all.at(-1).push((pen = q));
      put(ui, all);
    },
    release() {
      pen = null;
    },
    erase() {
      undo(ui);
    },
  });
}
export function buttons(ui, into) {
  // Clear and Undo, side by side
  const row = el('div', {style: 'display:flex;flex-wrap:wrap;gap:.5rem;margin-top:.6rem'});
  into.append(row);
  ui.button('Clear', () => put(ui, []), {into: row});
  ui.button('Undo', () => undo(ui), {into: row});
}
export function bars(ui, {label, width, height, color = 'blue', into, probs}) {
  // probs() -> ten probabilities, or nothing yet
  ui.canvas({
    label,
    width,
    height,
    into,
    draw(g) {
      const p = probs(),
        most = p && best(p),
        tall = height / 10,
        long = width - 80;
      g.textBaseline = 'middle';
      for (let i = 0; i < 10; i++) {
        const y = (i + 0.5) * tall;
        g.fillStyle = ui.colors.ink;
        g.font = `${i === most ? 'bold ' : ''}13px system-ui, sans-serif`;
        g.fillText(String(i), 7, y);
        g.fillText(p ? percent(p[i]) : '', long + 30, y);
        g.fillStyle = ui.colors.line;
        g.fillRect(24, y + 0.3 * tall, long, 1);
        g.fillStyle = ui.colors[color];
        g.fillRect(24, y - 0.3 * tall, long * (p?.[i] ?? 0), 0.6 * tall);
      }
    },
  });
}
export const best = p => p.indexOf(Math.max(...p));
export function softmax(logits) {
  const top = Math.max(...logits),
    e = Array.from(logits, v => Math.exp(v - top)),
    sum = e.reduce((a, b) => a + b, 0);
  return e.map(v => v / sum);
}
export function inkCode(s) {
  // Python: x, as the network gets it
  const text = pack(seen(s));
  return `ink = base64.urlsafe_b64decode(${py(text + '='.repeat((4 - (text.length % 4)) % 4))})   # 28 × 28 bytes, as the network gets them
x = torch.tensor(list(ink)).view(1, 1, 28, 28)/255`;
}
export const picture = {
  size: N,
  hint: 'One digit, dark on light or light on dark',
  read: grey => ({img: pack(centred(grey)), ink: ''}),
};
