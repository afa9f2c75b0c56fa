// A multi-layer perceptron in plain numbers: answer, go back, step; the numbers are those of walkdl.mlp.MLP in float64.
const sigmoid = z => 1 / (1 + Math.exp(-z));
const BENDS = {
  // the activation, and its slope said by its value
  sigmoid: [sigmoid, a => a * (1 - a)],
  tanh: [Math.tanh, a => 1 - a * a],
  relu: [z => Math.max(0, z), a => (a > 0 ? 1 : 0)],
};
export const BENT = Object.keys(BENDS);

export class MLP {
  constructor(sizes, bend, uniform) {
    this.layers = sizes.slice(1).map((m, l) => {
      const n = sizes[l],
        most = Math.fround(n ** -0.5),
        start = count =>
          Float64Array.from({length: count}, () => Math.fround((2 * uniform() - 1) * most)),
        [f, slope] = BENDS[l < sizes.length - 2 ? bend : 'sigmoid'];
      return {n, m, f, slope, w: start(m * n), b: start(m)};
    });
  }

  forward(x) {
    // the values of every layer, inputs first
    const values = [x];
    for (const {n, m, f, w, b} of this.layers) {
      const from = values.at(-1),
        to = new Float64Array(m);
      for (let i = 0; i < m; i++) {
        let z = b[i];
        for (let j = 0; j < n; j++) z += w[i * n + j] * from[j];
        to[i] = f(z);
      }
      values.push(to);
    }
    return values;
  }
  answer(x) {
    return this.forward(x).at(-1)[0];
  }
  loss(points) {
    return (
      points.reduce((sum, [x, y, k]) => sum + (this.answer([x, y]) - k) ** 2, 0) / points.length
    );
  }

  backward(values, delta, grads) {
    // delta: the slope of the loss in the values of the last layer; adds every weight's slope to grads
    for (let l = this.layers.length - 1; l >= 0; l--) {
      const {n, m, slope, w} = this.layers[l],
        before = new Float64Array(n);
      for (let i = 0; i < m; i++) {
        const d = delta[i] * slope(values[l + 1][i]);
        grads[l].b[i] += d;
        for (let j = 0; j < n; j++) {
          grads[l].w[i * n + j] += d * values[l][j];
          before[j] += d * w[i * n + j];
        }
      }
      delta = before;
    }
  }
  gradient(points) {
    const grads = this.layers.map(({n, m}) => ({
      w: new Float64Array(m * n),
      b: new Float64Array(m),
    }));
    for (const [x, y, k] of points) {
      const values = this.forward([x, y]);
      this.backward(values, [(2 * (values.at(-1)[0] - k)) / points.length], grads);
    }
    return grads;
  }
  step(points, lr, decay = 0) {
    const grads = this.gradient(points);
    this.layers.forEach((layer, l) => {
      for (const key of ['w', 'b'])
        grads[l][key].forEach((d, i) => {
          layer[key][i] -= lr * (d + decay * layer[key][i]);
        });
    });
  }
}
