// Draw a digit; LeNet-5 shows what each layer makes of it and what it reads.
import {N, THREE, bars, best, board, buttons, inkCode, picture, seen, softmax} from './ink.js';

const LAYERS = [
  ['conv1', '6 kernels of 5 × 5, then ReLU: 6 maps of 28 × 28', 6, 28, 6],
  ['pool1', 'the largest of each 2 × 2: 6 maps of 14 × 14', 6, 14, 6],
  ['conv2', '16 kernels of 5 × 5 × 6, then ReLU: 16 maps of 10 × 10', 16, 10, 8],
  ['pool2', '16 maps of 5 × 5', 16, 5, 8],
  ['fc1', 'a dense layer: 120 numbers', 120, 1, 60],
  ['fc2', 'another: 84 numbers', 84, 1, 42],
];

export default {
  title: 'Draw a digit: what LeNet-5 sees and says',
  help: 'Draw with mouse, finger, or shift and the arrow keys. Your digit is scaled to 20 pixels and centred by its mass, as the data set was.',
  state: {ink: THREE, img: ''},
  above: 3,

  mount(ui) {
    let result = null;
    ui.stage.style.flex = '1 1 100%';
    board(ui, 260, ui.box('Draw here', 260));
    const given = ui.box('What it gets', 140);
    ui.canvas({
      label: 'The digit as the network gets it, 28 by 28 pixels',
      width: 140,
      into: given,
      draw(g, c) {
        c.image(seen(ui.state), N, N, {range: [0, 255]});
      },
    });
    buttons(ui, given);
    bars(ui, {
      label: 'Ten probabilities as bars',
      width: 200,
      height: 260,
      into: ui.box('What it says', 200),
      probs: () => result?.probs,
    });
    for (const [name, text, n, side, cols] of LAYERS) {
      const rows = n / cols,
        gap = side > 1 ? 4 : 1,
        tile = (640 - gap * (cols - 1)) / cols,
        tall = side > 1 ? tile : 16;
      ui.canvas({
        label: `Layer ${name}: ${text}`,
        width: 640,
        height: rows * (tall + gap) - gap,
        into: ui.box(`${name}: ${text}`, 560, 640),
        draw(g, c) {
          const v = result?.[name],
            top = v ? Math.max(...v, 1e-6) : 1,
            area = side * side;
          for (let i = 0; i < n; i++)
            c.image(v ? v.subarray(i * area, (i + 1) * area) : new Float32Array(area), side, side, {
              x: (i % cols) * (tile + gap),
              y: ((i / cols) | 0) * (tall + gap),
              width: tile,
              height: tall,
              range: [0, top],
            });
        },
      });
    }
    return {
      async update(s) {
        const net = await ui.model('models/lenet5.onnx'),
          bytes = seen(s);
        const out = await net.run({x: [Float32Array.from(bytes, v => v / 255), [1, 1, N, N]]});
        const logits = [...out.logits.data],
          probs = softmax(logits),
          says = best(probs),
          empty = !bytes.some(v => v);
        result = empty
          ? null
          : {probs, ...Object.fromEntries(LAYERS.map(([name]) => [name, out[name].data]))};
        ui.answer = {logits, probs, says, pixels: [...bytes]};
        const next = best(probs.map((p, i) => (i === says ? 0 : p)));
        ui.say(
          empty
            ? 'Nothing is drawn.'
            : `It reads ${says} with ${(100 * probs[says]).toFixed(1)} %; next comes ${next} with ${(100 * probs[next]).toFixed(1)} %.`,
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
