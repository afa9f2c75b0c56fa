// Draw a digit; the page follows the gradient of a network's loss and changes each pixel by at most ε.
import {clamp, el, percent, py, random} from './base.js';
import {N, THREE, bars, best, board, buttons, inkCode, picture, seen, softmax} from './ink.js';

const settings = s => ({
  eps: clamp(+s.eps || 0, 0, 0.5),
  steps: clamp(Math.round(s.steps) || 1, 1, 40),
  target: Number.isInteger(s.target) && s.target >= 0 && s.target < 10 ? s.target : -1,
  net: s.net === 'robust' ? 'robust' : 'natural',
});
const oneHot = i => Float32Array.from({length: 10}, (_, j) => +(i === j));

async function attack(ask, x, says, {eps, steps, target}, stale) {
  // projected gradient, as walkdl.adversarial.pgd does it
  const step = steps > 1 ? (2.5 * eps) / steps : eps,
    sign = target < 0 ? step : -step;
  let z = x;
  for (let k = 0; k < steps && !stale(); k++) {
    const {data} = (await ask(z, target < 0 ? says : target)).grad;
    z = z.map((v, i) => clamp(clamp(v + sign * Math.sign(data[i]), x[i] - eps, x[i] + eps), 0, 1));
  }
  return z;
}

export default {
  title: 'Attack a digit with its own gradient',
  help: 'Draw with mouse, finger, or shift and the arrow keys. Then slide ε: the most that a pixel may change, of 1 between white and black.',
  state: {ink: THREE, img: '', net: 'natural', eps: 0.15, steps: 10, target: -1},
  above: 4,

  mount(ui) {
    let result = null;
    ui.stage.style.flex = '1 1 100%';
    const drawn = ui.box('Draw here', 140, 190);
    board(ui, 190, drawn);
    const show = (caption, label, key, options = () => ({})) => {
      const into = ui.box(caption, 140, 190);
      ui.canvas({
        label,
        width: 190,
        into,
        draw(g, c) {
          c.image(result?.[key] ?? new Float32Array(N * N), N, N, options());
        },
      });
      return into;
    };
    const says = (text, key, color, into) => {
      into.append(el('div', {style: 'height:.6rem'}));
      bars(ui, {
        label: `Ten probabilities, ${text}, as bars`,
        width: 190,
        height: 190,
        color,
        into,
        probs: () => result?.[key],
      });
    };
    says('as drawn', 'clean', 'blue', drawn);
    buttons(ui, drawn);
    says('attacked', 'attacked', 'red', show('Attacked', 'The digit after the attack', 'z'));
    says(
      'coin tosses',
      'noise',
      'green',
      show(
        'Coin tosses',
        'The digit with each pixel changed by plus or minus epsilon at random',
        'noisy',
      ),
    );
    show(
      '+ blue, − red',
      'What the attack changed: more ink in blue, less in red, as strong as can be shown',
      'change',
      () => ({
        range: [-1, 1].map(v => v * (settings(ui.state).eps + 1e-6)),
        colors: ['red', 'paper', 'blue'],
      }),
    );
    ui.choice('network', 'net', [
      ['natural', 'natural: trained as usual'],
      ['robust', 'robust: trained on attacks'],
    ]);
    ui.slider('ε, most change of a pixel', 'eps', {min: 0, max: 0.5, step: 0.01, into: ui.acts});
    ui.slider('steps', 'steps', {min: 1, max: 40, step: 1});
    ui.select('drive it towards', 'target', [
      [-1, 'anything else'],
      ...Array.from({length: 10}, (_, i) => [i, String(i)]),
    ]);
    return {
      async update(s) {
        const {eps, net: name} = settings(s),
          net = await ui.model(`models/attack_${name}.onnx`);
        const ask = (z, target) =>
            net.run({x: [z, [1, 1, N, N]], target: [oneHot(target), [1, 10]]}),
          read = async z => softmax((await ask(z, 0)).logits.data);
        const x = Float32Array.from(seen(s), v => v / 255),
          clean = await read(x),
          toss = random(0);
        const z = await attack(ask, x, best(clean), settings(s), () => ui.stale),
          noisy = x.map(v => clamp(v + (toss() < 0.5 ? -eps : eps), 0, 1));
        const attacked = await read(z),
          noise = await read(noisy),
          empty = !x.some(v => v),
          line = p => `${best(p)} (${percent(Math.max(...p))})`;
        result = empty
          ? null
          : {clean, attacked, noise, z, noisy, change: z.map((v, i) => v - x[i])};
        ui.answer = {pixels: [...seen(s)], z: [...z], clean, attacked, noise, says: best(attacked)};
        ui.say(
          empty
            ? 'Nothing is drawn.'
            : `The ${name} network reads ${line(clean)}, after the attack ${line(attacked)}, with coin tosses of the same size ${line(noise)}.`,
        );
      },
    };
  },

  code(s) {
    const {eps, steps, target, net} = settings(s),
      more = (target < 0 ? '' : ', targeted=True') + (steps > 1 ? '' : `, step=${py(eps)}`);
    return `import base64, torch
from walkdl.core import load_weights
from walkdl.adversarial import pgd
from walkdl.defences import robust_net

${inkCode(s)}
net = load_weights('defences/${net === 'robust' ? 'adversarial' : 'natural'}', robust_net())
y = ${target < 0 ? 'net(x).argmax(1)' : `torch.tensor([${py(target)}])`}
z = pgd(net, x, y, ${py(eps)}, steps=${py(steps)}, start=False${more})
net(z).softmax(1)`;
  },
  picture,
};
