// From pen strokes, or a dropped picture, to 28 × 28 pixels as MNIST was made.
import {el} from './base.js';

export const N = 28;
// A drawing is strokes on a 64 × 64 board: two letters a point, a dot lifts the pen. PEN and FINE: pen width in pixels, the finer grid.
const ABC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', PEN = 2.3, FINE = 4;
export const readStrokes = text => text.split('.').map(t => [...(t.match(/../g) ?? [])].map(p => [ABC.indexOf(p[0]), ABC.indexOf(p[1])])
  .filter(([x, y]) => x >= 0 && y >= 0)).filter(s => s.length).slice(0, 40);
export const writeStrokes = strokes => strokes.slice(-40).map(s => s.map(([x, y]) => ABC[x] + ABC[y]).join('')).join('.');

function paint(strokes, scale, dx, dy) {                 // strokes -> 28·28 values in 0..1
  const side = N * FINE, g = el('canvas', {width: side, height: side}).getContext('2d', {willReadFrequently: true});
  g.setTransform(FINE * scale, 0, 0, FINE * scale, FINE * dx, FINE * dy);
  g.lineWidth = PEN / scale; g.lineCap = g.lineJoin = 'round';
  for (const s of strokes) { g.beginPath(); g.moveTo(...s[0]); (s.length > 1 ? s.slice(1) : s).forEach(p => g.lineTo(p[0] + 1e-3, p[1])); g.stroke(); }
  const d = g.getImageData(0, 0, side, side).data, out = new Float32Array(N * N);
  for (let i = 0; i < side * side; i++) out[(i / side / FINE | 0) * N + (i % side / FINE | 0)] += d[4 * i + 3] / 255 / FINE / FINE;
  return out;
}
function middle(v) {                                     // centre of mass
  let m = 0, x = 0, y = 0;
  v.forEach((a, i) => { m += a; x += a * (i % N + .5); y += a * ((i / N | 0) + .5); });
  return m ? [x / m, y / m] : [14.5, 14.5];
}
export function prepare(strokes) {                       // longer side 20 pixels, centre of mass in pixel (14, 14)
  if (!strokes.length) return new Uint8Array(N * N);
  const xs = strokes.flat().map(p => p[0]), ys = strokes.flat().map(p => p[1]), x = Math.min(...xs), y = Math.min(...ys);
  const w = Math.max(...xs) - x, h = Math.max(...ys) - y, scale = w + h ? (20 - PEN) / Math.max(w, h, 8) : 1;
  const dx = 14 - scale * (x + w / 2), dy = 14 - scale * (y + h / 2), [cx, cy] = middle(paint(strokes, scale, dx, dy));
  return Uint8Array.from(paint(strokes, scale, dx + 14.5 - cx, dy + 14.5 - cy), v => Math.min(255, Math.round(v * 255)));
}
export function centred(v) {                             // a dropped picture, shifted by whole pixels
  const [cx, cy] = middle(v), dx = Math.round(14.5 - cx), dy = Math.round(14.5 - cy);
  return Uint8Array.from({length: N * N}, (_, i) => { const x = i % N - dx, y = (i / N | 0) - dy; return x < 0 || y < 0 || x >= N || y >= N ? 0 : Math.round(v[y * N + x] * 255); });
}
