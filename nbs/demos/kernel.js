// One kernel slides over one picture: the convolution of chapter cnns, a number at a time.
import {el, pack, py, round, unpack} from './base.js';

const KERNELS = {
  cross: [1, 0, 1, 0, 1, 0, 1, 0, 1],
  blur: Array(9).fill(0.111),
  sharpen: [0, -1, 0, -1, 5, -1, 0, -1, 0],
  outline: [-1, -1, -1, -1, 8, -1, -1, -1, -1],
  'edges across': [-1, -2, -1, 0, 0, 0, 1, 2, 1],
  'edges upright': [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  'move right': [0, 0, 0, 1, 0, 0, 0, 0, 0],
};
const bits = text => ({n: Math.sqrt(text.length), v: Float64Array.from(text, Number)});
const bytes = text => {
  const b = unpack(text),
    n = Math.floor(Math.sqrt(b.length));
  return {n, v: Float64Array.from(b.slice(0, n * n), x => x / 255)};
};
const drawn = await (await fetch(new URL('models/pictures.json', import.meta.url))).json();
const PICTURES = {
  lecture: bits('1110001110001110011001100'),
  'nine by nine': bits(
    '101100111011110011100101011010111101110000100101110001101011101001100001100111110',
  ),
  digit: bytes(drawn.digit),
  cat: bytes(drawn.cat),
};
const LABELS = {
  lecture: 'the lecture’s 5 × 5',
  'nine by nine': 'the lecture’s 9 × 9',
  digit: 'a digit, 28 × 28',
  cat: 'a cat, 56 × 56',
  own: 'your own',
};

function picture(s) {
  // an edited or dropped picture travels in `img`
  if (s.img) {
    try {
      const p = bytes(s.img);
      if (p.n >= 3 && p.n <= 64) return p;
    } catch {
      /* a broken link shows the lecture's picture */
    }
  }
  return PICTURES[s.pic] ?? PICTURES.lecture;
}
const weights = s =>
  s.preset === 'own'
    ? Array.from({length: 9}, (_, i) => Number(s.k[i]) || 0)
    : (KERNELS[s.preset] ?? KERNELS.cross);

let memory = {};
function convolve(s) {
  // exactly walkdl.cnns.conv2d for one picture and one 3×3 kernel
  const p = picture(s),
    k = weights(s),
    stride = Math.min(Math.max(Math.round(s.stride), 1), 3),
    pad = s.pad ? 1 : 0;
  const key = [s.img || s.pic, k, stride, pad].join();
  if (memory.key === key) return memory;
  const n = Math.floor((p.n + 2 * pad - 3) / stride) + 1,
    out = new Float64Array(n * n);
  const pixel = (r, c) => (r < 0 || c < 0 || r >= p.n || c >= p.n ? 0 : p.v[r * p.n + c]);
  for (let i = 0; i < n * n; i++)
    for (let j = 0; j < 9; j++)
      out[i] +=
        k[j] *
        pixel(((i / n) | 0) * stride - pad + ((j / 3) | 0), (i % n) * stride - pad + (j % 3));
  return (memory = {key, p, k, n, out, stride, pad, pixel});
}
const place = (s, m) => Math.min(Math.max(Math.floor(s.at), 0), m.n * m.n - 1);
const corner = (at, m) => [((at / m.n) | 0) * m.stride - m.pad, (at % m.n) * m.stride - m.pad];
const show = v => String(round(v, 2));

function board(ui, g, c, values, n, {range, colors, text, rim = 0}) {
  // pixels, lines between them if few, numbers if few
  const side = c.width / (n + 2 * rim),
    at = i => (i + rim) * side;
  c.image(values, n, n, {x: at(0), y: at(0), width: n * side, height: n * side, range, colors});
  if (n > 12) return;
  g.strokeStyle = ui.colors.line;
  g.lineWidth = 1;
  for (let i = 0; i <= n; i++) {
    g.beginPath();
    g.moveTo(at(0), at(i));
    g.lineTo(at(n), at(i));
    g.moveTo(at(i), at(0));
    g.lineTo(at(i), at(n));
    g.stroke();
  }
  g.font = `${Math.min(side * 0.45, 22)}px system-ui, sans-serif`;
  g.textAlign = 'center';
  g.textBaseline = 'middle';
  values.forEach((v, i) => {
    g.fillStyle = ui.colors.ink;
    g.fillText(text(v), at(i % n) + side / 2, at((i / n) | 0) + side / 2);
  });
}
function frame(ui, g, x, y, w) {
  for (const [color, line] of [
    ['paper', 7],
    ['red', 3.5],
  ]) {
    g.strokeStyle = ui.colors[color];
    g.lineWidth = line;
    g.strokeRect(x, y, w, w);
  }
}

export default {
  title: 'One kernel slides over a picture',
  help: 'Change the kernel’s numbers. Click a pixel of a small picture to flip it, or a place of the feature map to lay the kernel there.',
  state: {
    pic: 'lecture',
    img: '',
    preset: 'cross',
    k: [1, 0, 1, 0, 1, 0, 1, 0, 1],
    stride: 1,
    pad: false,
    at: 0,
  },
  above: 2,
  lines: 3,

  mount(ui) {
    const box = text => {
      const d = el(
        'div',
        {style: 'flex:1 1 220px;max-width:300px'},
        el('p', {className: 'wd-help'}, text),
      );
      ui.stage.append(d);
      return d;
    };
    const few = n => n <= 12,
      photo = s => !s.img && s.pic === 'cat';
    const left = ui.canvas({
      label: 'The picture, with a frame where the kernel lies',
      width: 300,
      world: [0, 1, 1, 0],
      step: [1 / 7, 1 / 7],
      into: box('Picture'),
      draw(g, c) {
        const m = convolve(ui.state),
          n = m.p.n,
          N = n + 2 * m.pad,
          side = 300 / N,
          [r, q] = corner(place(ui.state, m), m);
        const colors = photo(ui.state) === !ui.dark ? ['ink', 'paper'] : ['paper', 'ink'];
        board(ui, g, c, m.p.v, n, {
          colors: few(n) ? ['paper', 'sky'] : colors,
          range: few(n) ? [0, 1.6] : [0, 1],
          text: show,
          rim: m.pad,
        });
        frame(ui, g, (q + m.pad) * side, (r + m.pad) * side, 3 * side);
      },
      press(p) {
        const m = convolve(ui.state),
          N = m.p.n + 2 * m.pad,
          r = Math.floor(p.y * N) - m.pad,
          q = Math.floor(p.x * N) - m.pad;
        if (!few(m.p.n))
          return aim(
            Math.round((r - 1 + m.pad) / m.stride),
            Math.round((q - 1 + m.pad) / m.stride),
          );
        if (r < 0 || q < 0 || r >= m.p.n || q >= m.p.n) return;
        const v = Uint8Array.from(m.p.v, x => x * 255),
          i = r * m.p.n + q;
        v[i] = v[i] > 127 ? 0 : 255;
        ui.set({img: pack(v)});
      },
      describe(p) {
        const m = convolve(ui.state),
          N = m.p.n + 2 * m.pad,
          r = Math.floor(Math.min(p.y, 0.999) * N) - m.pad,
          q = Math.floor(Math.min(p.x, 0.999) * N) - m.pad;
        return `Row ${r + 1}, column ${q + 1}: ${show(m.pixel(r, q))}`;
      },
    });
    const aim = (r, q) => {
      const n = convolve(ui.state).n,
        clip = v => Math.min(Math.max(v, 0), n - 1);
      ui.set({at: clip(r) * n + clip(q)});
    };
    ui.canvas({
      label: 'The feature map, with a frame around the number under work',
      width: 300,
      world: [0, 1, 1, 0],
      step: [1 / 7, 1 / 7],
      into: box('Feature map'),
      draw(g, c) {
        const m = convolve(ui.state),
          top = Math.max(...m.out.map(Math.abs), 1e-9),
          low = Math.min(...m.out) < 0,
          at = place(ui.state, m),
          side = 300 / m.n;
        board(ui, g, c, m.out, m.n, {
          range: [low ? -top : 0, few(m.n) ? 1.6 * top : top],
          colors: few(m.n)
            ? low
              ? ['orange', 'paper', 'sky']
              : ['paper', 'sky']
            : low
              ? ['orange', 'paper', 'blue']
              : photo(ui.state) === !ui.dark
                ? ['ink', 'paper']
                : ['paper', 'ink'],
          text: show,
        });
        frame(ui, g, (at % m.n) * side, ((at / m.n) | 0) * side, side);
      },
      press(p) {
        const n = convolve(ui.state).n;
        aim(Math.floor(p.y * n), Math.floor(p.x * n));
      },
      describe(p) {
        const m = convolve(ui.state),
          i =
            Math.min(Math.floor(p.y * m.n), m.n - 1) * m.n +
            Math.min(Math.floor(p.x * m.n), m.n - 1);
        return `Output ${show(m.out[i])}`;
      },
    });

    const cells = KERNELS.cross.map((_, i) =>
      el('input', {
        type: 'number',
        step: 'any',
        'aria-label': `kernel, row ${1 + ((i / 3) | 0)}, column ${1 + (i % 3)}`,
        style:
          'width:100%;min-height:34px;font:inherit;text-align:center;color:inherit;background:var(--wd-panel);border:1px solid color-mix(in srgb, var(--wd-ink) 55%, var(--wd-paper));border-radius:5px',
        oninput: () => {
          const k = cells.map(c => Math.min(Math.max(Number(c.value) || 0, -99), 99));
          ui.set({preset: 'own', k});
        },
      }),
    );
    ui.panel.append(
      el(
        'fieldset',
        {style: 'flex:1 1 100%;border:0;margin:0;padding:0'},
        el('legend', {style: 'font-size:inherit'}, 'kernel'),
        el(
          'div',
          {style: 'display:grid;grid-template-columns:repeat(3,1fr);gap:.3rem;max-width:210px'},
          ...cells,
        ),
      ),
    );
    ui.select('kernel to begin with', 'preset', [...Object.keys(KERNELS), 'own']);
    const pics = ui.select('picture', 'pic', Object.entries(LABELS));
    pics.addEventListener('change', () =>
      ui.set({img: '', at: 0, pic: ui.state.pic === 'own' ? 'lecture' : ui.state.pic}),
    );
    ui.slider('stride', 'stride', {values: [1, 2, 3]});
    ui.check('one zero around (padding 1)', 'pad');
    const player = ui.play('Slide', async () => {
      const m = convolve(ui.state),
        at = place(ui.state, m),
        many = m.n * m.n;
      await new Promise(r => setTimeout(r, few(m.n) ? 350 : 30));
      return at + 1 < many && {at: Math.min(at + Math.ceil(many / 250), many - 1)};
    });
    ui.button('Step', () => {
      player.stop();
      const m = convolve(ui.state);
      return ui.set({at: (place(ui.state, m) + 1) % (m.n * m.n)});
    });
    ui.button('To the start', () => ui.set({at: 0}));
    return {
      update(s) {
        const m = convolve(s),
          at = place(s, m),
          [r, q] = corner(at, m),
          terms = m.k.map((w, j) => [m.pixel(r + ((j / 3) | 0), q + (j % 3)), w]);
        cells.forEach((c, i) => {
          if (document.activeElement !== c) c.value = String(m.k[i]);
        });
        ui.answer = {out: [...m.out], size: m.n, at, value: m.out[at]};
        const sum =
          terms
            .filter(([, w]) => w)
            .map(([x, w]) => `${show(x)}·${w < 0 ? `(${show(w)})` : show(w)}`)
            .join(' + ') || '0';
        ui.say(
          `${m.p.n} × ${m.p.n} pixels give ${m.n} × ${m.n} numbers. Here: ${sum} = ${show(m.out[at])}`,
        );
        left.redraw();
      },
    };
  },

  code(s) {
    const m = convolve(s),
      rows = (v, n) =>
        '[' +
        Array.from({length: n}, (_, i) => py(round([...v.slice(i * n, i * n + n)], 4))).join(
          ',\n' + ' '.repeat(18),
        ) +
        ']';
    const head = ['import torch', 'from walkdl.cnns import conv2d'],
      at = s.img ? 'own' : s.pic;
    if (at === 'cat')
      return [
        ...head,
        'from walkdl.data import get',
        '',
        "cat = torch.tensor(get('photos')['chelsea'])[20:260, 60:300].float().mean(2)",
        "x = torch.nn.functional.interpolate(cat[None, None], (56, 56), mode='area').round()/255",
        ...tail(m),
      ].join('\n');
    const x =
      m.p.n > 12
        ? [
            `import base64`,
            `ink = base64.urlsafe_b64decode(${py(pad(pack(Uint8Array.from(m.p.v, v => Math.round(v * 255)))))})`,
            `x = torch.tensor(list(ink)).view(1, 1, ${m.p.n}, ${m.p.n})/255`,
          ]
        : [`x = torch.tensor(${rows(m.p.v, m.p.n)}, dtype=torch.float)[None, None]`];
    return [...head, '', ...x, ...tail(m)].join('\n');
  },
  picture: {
    size: 28,
    hint: 'One dark sign on a light ground, or light on dark',
    read: grey => ({img: pack(Uint8Array.from(grey, v => Math.round(v * 255))), pic: 'own', at: 0}),
  },
  paste: {
    label: 'Paste a picture as numbers',
    hint: 'Rows of 0 and 1 (or 0 … 255), as many rows as columns, 3 to 12',
    example: '11100\n01110\n00111\n00110\n01100',
    read(text) {
      const rows = text
          .trim()
          .split(/\r?\n/)
          .map(l =>
            /[\s,;]/.test(l.trim())
              ? l
                  .trim()
                  .split(/[\s,;]+/)
                  .map(Number)
              : [...l.trim()].map(Number),
          ),
        n = rows.length;
      if (n < 3 || n > 12) throw Error(`${n} rows found, 3 to 12 are wanted.`);
      rows.forEach((r, i) => {
        if (r.length !== n || !r.every(v => v >= 0 && v <= 255))
          throw Error(`Row ${i + 1} must hold ${n} numbers in 0 … 255, as there are ${n} rows.`);
      });
      const top = Math.max(...rows.flat()) > 1 ? 1 : 255;
      return {img: pack(Uint8Array.from(rows.flat(), v => v * top)), pic: 'own', at: 0};
    },
  },
};
const pad = text => text + '='.repeat((4 - (text.length % 4)) % 4);
const tail = m => [
  `k = torch.tensor(${py([0, 3, 6].map(i => m.k.slice(i, i + 3)))})`,
  `conv2d(x, k[None, None].float(), stride=${m.stride}, padding=${m.pad})[0, 0]`,
];
