// Draw a digit; the page follows the gradient of a network's loss and changes each pixel by at most ε.
import {el, pack, py, random, unpack} from './base.js';
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
const clamp = (v, a, b) => Math.min(Math.max(v, a), b);
const settings = s => ({eps: clamp(+s.eps || 0, 0, .5), steps: clamp(Math.round(s.steps) || 1, 1, 40),
  target: Number.isInteger(s.target) && s.target >= 0 && s.target < 10 ? s.target : -1, net: s.net === 'robust' ? 'robust' : 'natural'});
const softmax = logits => { const top = Math.max(...logits), e = [...logits].map(v => Math.exp(v - top)), sum = e.reduce((a, b) => a + b, 0); return e.map(v => v / sum); };
const best = p => p.indexOf(Math.max(...p)), percent = p => `${(100 * p).toFixed(p > .0995 ? 0 : 1)} %`;

export default {
  title: 'Attack a digit with its own gradient',
  help: 'Draw with mouse, finger, or shift and the arrow keys. Then slide ε: the most that a pixel may change, of 1 between white and black.',
  state: {ink: 'UQaLiKpOqVlbeemhsnsvm1d2Vy', img: '', net: 'natural', eps: .15, steps: 10, target: -1},

  mount(ui) {
    let result = null, pen = null;
    ui.stage.style.flex = '1 1 100%';
    const box = text => { const d = el('div', {style: 'flex:1 1 140px;max-width:190px;min-width:0'}, el('p', {className: 'wd-help'}, text)); ui.stage.append(d); return d; };
    const strokes = () => ui.state.img ? [] : readStrokes(ui.state.ink), point = p => [p.x, p.y].map(v => clamp(Math.round(v), 0, 63));
    const put = all => ui.set({ink: writeStrokes(all), img: ''});
    const pad = box('Draw here');
    ui.canvas({label: 'Drawing board for one digit', width: 190, world: [0, 64, 64, 0], step: [2, 2], into: pad,
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
    const row = el('div', {style: 'display:flex;gap:.5rem;margin:.6rem 0'});
    const bars = (text, key, color, into) => ui.canvas({label: `Ten probabilities, ${text}, as bars`, width: 190, height: 190, into, draw(g, c) {
      const p = result?.[key];
      g.textBaseline = 'middle';
      for (let i = 0; i < 10; i++) {
        const y = 10 + 19 * i, top = p && i === best(p);
        g.fillStyle = ui.colors.ink; g.font = `${top ? 'bold ' : ''}13px system-ui, sans-serif`; g.fillText(String(i), 6, y);
        g.fillStyle = ui.colors.line; g.fillRect(22, y + 6, 110, 1);
        g.fillStyle = ui.colors[color]; g.fillRect(22, y - 6, 110 * (p?.[i] ?? 0), 12);
        g.fillStyle = ui.colors.ink; g.fillText(p ? percent(p[i]) : '', 138, y);
      }
    }});
    const picture = (text, label, key, options = () => ({})) => { const into = box(text); ui.canvas({label, width: 190, into,
      draw(g, c) { c.image(result?.[key] ?? new Float32Array(N * N), N, N, options()); }}); return into; };
    const gap = into => { into.append(el('div', {style: 'height:.6rem'})); return into; };
    bars('as drawn', 'clean', 'blue', gap(pad));
    pad.append(row);
    ui.button('Clear', () => ui.set({ink: '', img: ''}), {into: row});
    ui.button('Undo', () => put(strokes().slice(0, -1)), {into: row});
    bars('attacked', 'attacked', 'red', gap(picture('Attacked', 'The digit after the attack', 'z')));
    bars('coin tosses', 'noise', 'green', gap(picture('Coin tosses', 'The digit with each pixel changed by plus or minus epsilon at random', 'noisy')));
    picture('The change: + blue, − red', 'What the attack changed: darker in blue, lighter in red, as strong as can be shown', 'change',
      () => ({range: [-settings(ui.state).eps - 1e-6, settings(ui.state).eps + 1e-6], colors: ['red', 'paper', 'blue']}));
    ui.choice('network', 'net', [['natural', 'natural: trained as usual'], ['robust', 'robust: trained on attacks']]);
    ui.slider('ε, most change of a pixel', 'eps', {min: 0, max: .5, step: .01});
    ui.slider('steps', 'steps', {min: 1, max: 40, step: 1});
    ui.select('drive it towards', 'target', [[-1, 'anything else'], ...Array.from({length: 10}, (_, i) => [i, String(i)])]);
    return {
      async update(s) {
        const {eps, steps, target, net: name} = settings(s), net = await ui.model(`models/attack_${name}.onnx`);
        const x = Float32Array.from(seen(s), v => v / 255), empty = !x.some(v => v), one = i => Float32Array.from({length: 10}, (_, j) => +(i === j));
        const ask = (z, t) => net.run({x: [z, [1, 1, N, N]], target: [one(t), [1, 10]]});
        const clean = softmax((await ask(x, 0)).logits.data), says = best(clean), way = target < 0 ? 1 : -1, step = steps > 1 ? 2.5 * eps / steps : eps;
        let z = x;
        for (let k = 0; k < steps && !ui.stale; k++) {
          const g = (await ask(z, target < 0 ? says : target)).grad.data;
          z = z.map((v, i) => clamp(clamp(v + way * step * Math.sign(g[i]), x[i] - eps, x[i] + eps), 0, 1));
        }
        const toss = random(0), noisy = x.map(v => clamp(v + (toss() < .5 ? -eps : eps), 0, 1));
        const attacked = softmax((await ask(z, 0)).logits.data), noise = softmax((await ask(noisy, 0)).logits.data);
        result = empty ? null : {clean, attacked, noise, z, noisy, change: z.map((v, i) => v - x[i])};
        ui.answer = {pixels: [...seen(s)], z: [...z], clean, attacked, noise, says: best(attacked)};
        const line = p => `${best(p)} (${percent(Math.max(...p))})`;
        ui.say(empty ? 'Nothing is drawn.' : `The ${name} network reads ${line(clean)}, after the attack ${line(attacked)}, with coin tosses of the same size ${line(noise)}.`);
        ui.redraw();
      },
    };
  },

  code(s) {
    const {eps, steps, target, net} = settings(s), text = pack(seen(s)), one = steps > 1 ? '' : `, step=${py(eps)}`;
    return ['import base64, torch', 'from walkdl.core import load_weights', 'from walkdl.adversarial import pgd', 'from walkdl.defences import robust_net', '',
      `ink = base64.urlsafe_b64decode(${py(text + '='.repeat((4 - text.length % 4) % 4))})   # 28 × 28 bytes, as the network gets them`,
      'x = torch.tensor(list(ink)).view(1, 1, 28, 28)/255', `net = load_weights('defences_${net === 'robust' ? 'adversarial' : 'natural'}', robust_net())`,
      target < 0 ? 'y = net(x).argmax(1)' : `y = torch.tensor([${py(target)}])`,
      `z = pgd(net, x, y, ${py(eps)}, steps=${py(steps)}, start=False${target < 0 ? '' : ', targeted=True'}${one})`, 'net(z).softmax(1)'].join('\n');
  },
  picture: {size: 28, hint: 'One digit, dark on light or light on dark', read: grey => ({img: pack(centred(grey)), ink: ''})},
};
