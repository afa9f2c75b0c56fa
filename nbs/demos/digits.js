// Draw a digit; LeNet-5 shows what each layer makes of it and what it reads.
import {el, pack, py, round, unpack} from './base.js';
import {N, centred, prepare, readStrokes, writeStrokes} from './ink.js';

let memory = {};
function seen(s) {                                       // the 784 bytes that the network gets
  const key = s.img || s.ink;
  if (memory.key === key) return memory.v;
  let v = new Uint8Array(N * N);
  try { if (s.img) v.set(unpack(s.img).slice(0, N * N)); else v = prepare(readStrokes(s.ink)); } catch { /* a broken link shows nothing */ }
  memory = {key, v};
  return v;
}

const LAYERS = [['conv1', '6 kernels of 5 × 5, then ReLU: 6 maps of 28 × 28', 6, 28, 6], ['pool1', 'the largest of each 2 × 2: 6 maps of 14 × 14', 6, 14, 6],
  ['conv2', '16 kernels of 5 × 5 × 6, then ReLU: 16 maps of 10 × 10', 16, 10, 8], ['pool2', '16 maps of 5 × 5', 16, 5, 8],
  ['fc1', 'a dense layer: 120 numbers', 120, 1, 60], ['fc2', 'another: 84 numbers', 84, 1, 42]];

export default {
  title: 'Draw a digit: what LeNet-5 sees and says',
  help: 'Draw with mouse, finger, or shift and the arrow keys. Your digit is scaled to 20 pixels and centred by its mass, as the data set was.',
  state: {ink: 'UQaLiKpOqVlbeemhsnsvm1d2Vy', img: ''},

  mount(ui) {
    let result = null, pen = null;
    ui.stage.style.flex = '1 1 100%';
    const box = (text, width, grow) => { const d = el('div', {style: `flex:${grow} 1 ${width}px;max-width:${grow ? 640 : width}px;min-width:0`}, el('p', {className: 'wd-help'}, text)); ui.stage.append(d); return d; };
    const strokes = () => ui.state.img ? [] : readStrokes(ui.state.ink), point = p => [p.x, p.y].map(v => Math.min(Math.max(Math.round(v), 0), 63));
    const put = all => ui.set({ink: writeStrokes(all.slice(-40)), img: ''});
    ui.canvas({label: 'Drawing board for one digit', width: 260, world: [0, 64, 64, 0], step: [2, 2], into: box('Draw here', 260, 0),
      draw(g, c) {
        if (ui.state.img) return c.image(seen(ui.state), N, N, {range: [0, 255]});
        g.lineWidth = c.width * .075; g.lineCap = g.lineJoin = 'round';
        for (const s of strokes()) { g.beginPath(); g.moveTo(c.X(s[0][0]), c.Y(s[0][1])); for (const p of s) g.lineTo(c.X(p[0]) + .01, c.Y(p[1])); g.stroke(); }
        if (!strokes().length) { g.fillStyle = ui.colors.quiet; g.fillText('a digit, please', 12, 24); }
      },
      press(p) { pen = point(p); put([...strokes(), [pen]]); },
      drag(p) {
        const q = point(p), all = strokes();
        if (!pen || Math.hypot(q[0] - pen[0], q[1] - pen[1]) < 1.5 || !all.length || all.flat().length > 900) return;
        all[all.length - 1].push(pen = q); put(all);
      },
      release() { pen = null; },
      erase() { put(strokes().slice(0, -1)); }});
    const given = box('What it gets', 140, 0);
    ui.canvas({label: 'The digit as the network gets it, 28 by 28 pixels', width: 140, into: given, draw(g, c) { c.image(seen(ui.state), N, N, {range: [0, 255]}); }});
    const row = el('div', {style: 'display:flex;flex-wrap:wrap;gap:.5rem;margin-top:.6rem'});
    given.append(row);
    ui.button('Clear', () => ui.set({ink: '', img: ''}), {primary: true, into: row});
    ui.button('Undo', () => put(strokes().slice(0, -1)), {into: row});
    ui.canvas({label: 'Ten probabilities as bars', width: 200, height: 260, into: box('What it says', 200, 0), draw(g, c) {
      g.textBaseline = 'middle';
      for (let i = 0; i < 10; i++) {
        const p = result?.probs[i] ?? 0, y = 13 + i * 26, best = result && i === result.says;
        g.fillStyle = ui.colors.ink; g.font = `${best ? 'bold ' : ''}14px system-ui, sans-serif`; g.fillText(String(i), 8, y);
        g.fillStyle = ui.colors.line; g.fillRect(26, y + 7, 120, 1);
        g.fillStyle = ui.colors.blue; g.fillRect(26, y - 8, 120 * p, 16);
        g.fillStyle = ui.colors.ink; g.fillText(result ? `${(100 * p).toFixed(p > .0995 ? 0 : 1)} %` : '', 152, y);
      }
    }});
    for (const [name, text, n, side, cols] of LAYERS) {
      const rows = n / cols, gap = side > 1 ? 4 : 1, tile = (640 - gap * (cols - 1)) / cols, tall = side > 1 ? tile : 16;
      ui.canvas({label: `Layer ${name}: ${text}`, width: 640, height: rows * (tall + gap) - gap, into: box(`${name}: ${text}`, 560, 1), draw(g, c) {
        const v = result?.[name], top = v ? Math.max(...v, 1e-6) : 1, area = side * side;
        for (let i = 0; i < n; i++) c.image(v ? v.subarray(i * area, (i + 1) * area) : new Float32Array(area), side, side,
          {x: i % cols * (tile + gap), y: (i / cols | 0) * (tall + gap), width: tile, height: tall, range: [0, top]});
      }});
    }
    return {
      async update(s) {
        const net = await ui.model('models/lenet5.onnx'), bytes = seen(s);
        const out = await net.run({x: [Float32Array.from(bytes, v => v / 255), [1, 1, N, N]]});
        const logits = [...out.logits.data], top = Math.max(...logits), e = logits.map(v => Math.exp(v - top)), sum = e.reduce((a, b) => a + b, 0);
        const probs = e.map(v => v / sum), says = probs.indexOf(Math.max(...probs)), empty = !bytes.some(v => v);
        result = empty ? null : {probs, says, ...Object.fromEntries(LAYERS.map(([name]) => [name, out[name].data]))};
        ui.answer = {logits, probs, says, pixels: [...bytes]};
        const next = probs.map((p, i) => [p, i]).sort((a, b) => b[0] - a[0])[1];
        ui.say(empty ? 'Nothing is drawn.' : `It reads ${says} with ${(100 * probs[says]).toFixed(1)} %; next comes ${next[1]} with ${(100 * next[0]).toFixed(1)} %.`);
        ui.redraw();
      },
    };
  },

  code(s) {
    const text = pack(seen(s));
    return ['import base64, torch', 'from walkdl.core import load_weights', 'from walkdl.cnns import LeNet5', '',
      `ink = base64.urlsafe_b64decode(${py(text + '='.repeat((4 - text.length % 4) % 4))})   # 28 × 28 bytes, as the network gets them`,
      'x = torch.tensor(list(ink)).view(1, 1, 28, 28)/255', "net = load_weights('lenet5', LeNet5())", 'net(x).softmax(1)'].join('\n');
  },
  picture: {size: 28, hint: 'One digit, dark on light or light on dark', read: grey => ({img: pack(centred(grey)), ink: ''})},
};
