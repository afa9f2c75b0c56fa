// The front page's model: draw a digit, LeNet-5 reads it. Its first answer needs no network.
import {N, THREE, bars, best, board, buttons, inkCode, picture, seen, softmax} from './ink.js';

// what the network says of the first 3; tests/test_front.py compares it with PyTorch
const FIRST = [
  0.003928, 0.003202, 0.003628, 0.96563, 0.003804, 0.003304, 0.00504, 0.003845, 0.003124, 0.004495,
];

export default {
  title: 'Draw a digit: a network reads it',
  help: '',
  above: 2,
  lines: 1,
  state: {ink: THREE, img: ''},

  mount(ui) {
    let probs = FIRST;
    ui.stage.style.flex = '1 1 100%';
    const left = ui.box('Draw over it', 150, 200);
    board(ui, 200, left);
    buttons(ui, left);
    bars(ui, {
      label: 'Ten probabilities as bars',
      width: 130,
      height: 200,
      into: ui.box('It says', 100, 130),
      probs: () => probs,
    });
    return {
      async update(s) {
        const bytes = seen(s);
        if (s.ink === THREE && !s.img) probs = FIRST;
        else {
          const net = await ui.model('models/lenet5.onnx');
          const out = await net.run({x: [Float32Array.from(bytes, v => v / 255), [1, 1, N, N]]});
          probs = bytes.some(v => v) ? softmax([...out.logits.data]) : null;
        }
        ui.answer = {probs, says: probs && best(probs), pixels: [...bytes]};
        ui.say(
          probs
            ? `It reads ${best(probs)} with ${(100 * Math.max(...probs)).toFixed(1)} %.`
            : 'Nothing is drawn.',
        );
      },
    };
  },

  code: s => `import base64, torch
from walkdl.core import load_weights
from walkdl.cnns import LeNet5

${inkCode(s)}
net = load_weights('cnns/lenet5', LeNet5())
net(x).softmax(1)`,
  picture,
};
