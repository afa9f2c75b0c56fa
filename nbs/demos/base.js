// The shared base of the live models: <walk-demo name="train" state='{"lr":0.3}'>fallback</walk-demo>.
// One custom element, no framework, no build step, no other host. README.md holds the contract.
const HERE = new URL('.', import.meta.url);
const COLORS = [
  'ink',
  'paper',
  'quiet',
  'line',
  'panel',
  'blue',
  'orange',
  'green',
  'red',
  'purple',
  'sky',
  'yellow',
];
const still = matchMedia('(prefers-reduced-motion: reduce)');

// ---------------------------------------------------------------- small helpers, also for the modules

export function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) {
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (k in e) e[k] = v;
    else e.setAttribute(k, v);
  }
  e.append(...children);
  return e;
}

export const py = v =>
  // a value as a Python literal; strings are quoted
  v === null || v === undefined
    ? 'None'
    : v === true
      ? 'True'
      : v === false
        ? 'False'
        : Array.isArray(v)
          ? `[${v.map(py).join(', ')}]`
          : typeof v === 'object' && ArrayBuffer.isView(v)
            ? py([...v])
            : typeof v === 'object'
              ? `{${Object.entries(v)
                  .map(([k, x]) => `${py(k)}: ${py(x)}`)
                  .join(', ')}}`
              : JSON.stringify(v);

export function random(seed) {
  // mulberry32: the same numbers in every browser
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const mega = bytes => (bytes / 1e6).toFixed(1);
const spoken = text => text.replaceAll('␣', ' space ').replaceAll('⏎', ' new line ');
export const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
export const percent = p => `${(100 * p).toFixed(p > 0.0995 ? 0 : 1)} %`;
export const round = (v, digits = 3) =>
  Array.isArray(v) ? v.map(x => round(x, digits)) : Number(v.toFixed(digits));
export const pack = bytes =>
  btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
export const unpack = text =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));

export function readPoints(text, {columns = 3, classes = 2, min = 1, max = 200} = {}) {
  // "x, y, class" a line -> rows
  const rows = [],
    names = ['x', 'y', 'class', 'd', 'e'].slice(0, columns).join(', ');
  text.split(/\r?\n/).forEach((line, i) => {
    const cells = line
      .trim()
      .split(/[\s,;]+/)
      .filter(Boolean);
    if (!cells.length || line.trim()[0] === '#' || (!rows.length && cells.every(c => isNaN(c))))
      return;
    const bad = cells.find(c => !isFinite(Number(c)));
    if (bad !== undefined)
      throw Error(`Line ${i + 1}: “${bad.slice(0, 20)}” is not a number; write ${names}.`);
    if (cells.length !== columns)
      throw Error(`Line ${i + 1} has ${cells.length} numbers, ${columns} are wanted: ${names}.`);
    const row = cells.map(Number),
      k = row[2];
    if (columns > 2 && !(Number.isInteger(k) && k >= 0 && k < classes))
      throw Error(`Line ${i + 1}: class ${k} is none of 0 … ${classes - 1}.`);
    rows.push(row);
  });
  if (rows.length < min)
    throw Error(`${rows.length} points found, at least ${min} wanted: one a line, ${names}.`);
  if (rows.length > max) throw Error(`${rows.length} points found, at most ${max} fit.`);
  return rows;
}

const SPECKS = 0.0005, // the share of pixels that may be dirt
  FAINT = 0.12; // less contrast than this is light falling unevenly, not ink

export async function toGrey(file, size = 28) {
  // a picture of one drawn sign -> size*size values in 0..1, ink = 1
  const bitmap = await createImageBitmap(file).catch(() => {
    throw Error('This file is no picture that the browser can read; use PNG, JPEG or WebP.');
  });
  const w = Math.max(
    1,
    Math.round(bitmap.width * Math.min(1, 256 / bitmap.width, 256 / bitmap.height)),
  );
  const h = Math.max(1, Math.round((bitmap.height * w) / bitmap.width));
  const read = (source, W, H, ...box) => {
    const g = el('canvas', {width: W, height: H}).getContext('2d', {willReadFrequently: true});
    g.fillStyle = '#fff';
    g.fillRect(0, 0, W, H);
    g.imageSmoothingQuality = 'high';
    g.drawImage(source, ...box);
    const d = g.getImageData(0, 0, W, H).data;
    return [
      g.canvas,
      Float32Array.from(
        {length: W * H},
        (_, i) => (d[4 * i] * 0.299 + d[4 * i + 1] * 0.587 + d[4 * i + 2] * 0.114) / 255,
      ),
    ];
  };
  const [full, grey] = read(bitmap, w, h, 0, 0, w, h);
  const rim = [...grey]
    .filter((_, i) => i % w === 0 || i % w === w - 1 || i < w || i >= w * (h - 1))
    .sort((a, b) => a - b);
  const back = rim[rim.length >> 1]; // the rim is the paper; ink is what differs most from it
  const differs = sign => grey.map(v => Math.max(0, sign * (v - back)));
  const weight = values => values.reduce((sum, v) => sum + v * v, 0);
  const sign = weight(differs(1)) > weight(differs(-1)) ? 1 : -1;
  const black = differs(sign)
    .sort()
    .at(-1 - Math.floor(w * h * SPECKS)); // as dark as the ink gets
  if (black < FAINT) throw Error('The picture is of one tone: no sign was found in it.');
  const ink = v => clamp((sign * (v - back)) / black, 0, 1);
  let [x0, y0, x1, y1] = [w, h, -1, -1];
  grey.forEach((v, i) => {
    if (ink(v) > 0.35) {
      const x = i % w,
        y = (i / w) | 0;
      x0 = Math.min(x0, x);
      x1 = Math.max(x1, x);
      y0 = Math.min(y0, y);
      y1 = Math.max(y1, y);
    }
  });
  const inner = (size * 20) / 28,
    s = inner / Math.max(x1 - x0 + 1, y1 - y0 + 1),
    dw = (x1 - x0 + 1) * s,
    dh = (y1 - y0 + 1) * s;
  const pad = el('canvas', {width: size, height: size}).getContext('2d');
  pad.fillStyle = `rgb(${[back, back, back].map(v => v * 255)})`;
  pad.fillRect(0, 0, size, size);
  pad.imageSmoothingQuality = 'high';
  pad.drawImage(full, x0, y0, x1 - x0 + 1, y1 - y0 + 1, (size - dw) / 2, (size - dh) / 2, dw, dh);
  return read(pad.canvas, size, size, 0, 0)[1].map(ink);
}

// ---------------------------------------------------------------- files: fetched once, when first needed

class Failure extends Error {} // its message is written for the reader

async function bytesOf(path, tell) {
  // tell(n): n more bytes are here
  const lost = why =>
    new Failure(`The network could not be fetched: ${why}. Check the connection and press again.`);
  const answer = await fetch(new URL(path, HERE)).catch(() => {
    throw lost('the server does not answer');
  });
  if (!answer.ok) throw lost(`the server has no ${path}`);
  const reader = answer.body.getReader(),
    parts = [];
  for (;;) {
    const {done, value} = await reader.read().catch(() => {
      throw lost('the connection broke off');
    });
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    parts.push(value);
    tell(value.length);
  }
}

const kept = new Map();
const once = (key, make) => {
  // the same promise for all who ask; what failed is tried anew
  if (!kept.has(key))
    kept.set(
      key,
      make().catch(e => {
        kept.delete(key);
        throw e;
      }),
    );
  return kept.get(key);
};

// ---------------------------------------------------------------- networks: the one place that knows the engine

const LARGE = 5e6; // bytes; onnx.js reads the whole file at once

const script = path =>
  import(new URL(path, HERE)).catch(() => {
    throw new Failure(
      'The network could not be fetched: the server does not answer. Check the connection and press again.',
    );
  });

const ort = tell =>
  once('ort', async () => {
    if (typeof WebAssembly !== 'object')
      throw new Failure(
        'This browser has no WebAssembly, which this network needs; any Firefox, Chrome, Edge or Safari since 2021 has it.',
      );
    const o = await script('ort/ort.wasm.min.mjs');
    o.env.wasm.numThreads = 1; // one thread: no special headers wanted from the server
    o.env.wasm.wasmPaths = new URL('ort/', HERE).href;
    o.env.wasm.wasmBinary = await bytesOf('ort/ort-wasm-simd-threaded.wasm', tell);
    return o;
  });

async function network(file, tell) {
  // an ONNX file -> {inputs, outputs, run(feeds) -> {name: {data, dims}}}; onnxruntime-web is fetched
  // only for a large one, or for an operator that onnx.js lacks
  const [ours, bytes] = await Promise.all([script('onnx.js'), file]);
  try {
    if (bytes.length < LARGE) return ours.network(bytes);
  } catch (e) {
    if (!(e instanceof ours.Unsupported)) throw new Failure(e.message);
  }
  return session(bytes, tell);
}

async function session(bytes, tell) {
  const o = await ort(tell),
    session = await o.InferenceSession.create(bytes, {executionProviders: ['wasm']}),
    tensor = v =>
      v instanceof o.Tensor ? v : new o.Tensor('float32', Float32Array.from(v.data), v.dims);
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: feeds =>
      session.run(Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, tensor(v)]))),
  };
}

const open = (path, tell) =>
  once(path, async () => {
    const net = await network(bytesOf(path, tell), tell).catch(e => {
      if (e instanceof Failure) throw e;
      console.warn(e);
      throw new Failure(
        'This browser cannot run the network. Reload the page, or try another one.',
      );
    });
    let last = Promise.resolve();
    const tensor = v =>
      typeof v === 'number'
        ? {data: [v], dims: []}
        : Array.isArray(v)
          ? {data: v[0], dims: v[1]}
          : v;
    const run = feeds =>
      net.run(Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, tensor(v)])));
    return {
      ...net,
      run: feeds => (last = last.catch(() => 0).then(() => run(feeds))), // one after the other
    };
  });

// ---------------------------------------------------------------- state in the address: #train:lr=0.3;steps=20&digits:…

const readHash = () =>
  Object.fromEntries(
    location.hash
      .slice(1)
      .split('&')
      .filter(p => p.includes(':'))
      .map(p => {
        const at = p.indexOf(':');
        return [
          p.slice(0, at),
          Object.fromEntries(
            p
              .slice(at + 1)
              .split(';')
              .filter(Boolean)
              .map(q => q.split(/=(.*)/s)),
          ),
        ];
      }),
  );
const write = v =>
  encodeURIComponent(typeof v === 'string' ? v : JSON.stringify(v)).replace(
    /%(5B|5D|2C)/g,
    decodeURIComponent,
  );
const fits = (v, like) =>
  typeof v === typeof like && Array.isArray(v) === Array.isArray(like) && v !== null;
function readState(raw, like) {
  // keeps only what has the key and the type of the start state
  const out = {};
  for (const [k, t] of Object.entries(raw ?? {})) {
    try {
      const s = decodeURIComponent(t ?? ''),
        v = typeof like[k] === 'string' ? s : JSON.parse(s);
      if (k in like && fits(v, like[k])) out[k] = v;
    } catch {
      /* a broken link changes nothing */
    }
  }
  return out;
}

// ---------------------------------------------------------------- canvas: sharp, touchable, walkable with the arrow keys

const FRAME = 500, // milliseconds from picture to picture for readers who want less motion
  STEPS = 30; // the steps that others see in that time
const REST = 300, // milliseconds that a finger rests before it drags
  NEAR = 10; // pixels that a resting finger may wander

class Pad {
  constructor(
    ui,
    {
      label,
      width = 400,
      height = width,
      world = [0, width, height, 0],
      step,
      draw,
      press,
      drag,
      release,
      hover,
      erase,
      describe,
      strokes = false,
    },
  ) {
    Object.assign(this, {
      ui,
      width,
      height,
      world,
      strokes,
      pointer: null,
      on: {draw, press, drag, release, hover, erase, describe},
    });
    const [x0, x1, y0, y1] = world,
      live = press || drag || hover;
    this.step = step ?? [Math.abs(x1 - x0) / 20, Math.abs(y1 - y0) / 20];
    this.cursor = {x: (x0 + x1) / 2, y: (y0 + y1) / 2};
    this.shown = false;
    const keys = !live
      ? ''
      : '. Arrow keys move the cursor' +
        (press ? ', space acts' : '') +
        (drag ? ', shift with arrows drags' : '') +
        (erase ? ', delete removes' : '') +
        '.';
    this.node = el('canvas', {
      className: 'wd-canvas',
      role: live ? 'application' : 'img',
      'aria-label': label + keys,
      tabIndex: live ? 0 : -1,
      style: `aspect-ratio:${width}/${height};max-width:${width}px`,
    });
    if (live) this.listen();
    else this.node.removeAttribute('tabindex');
    new ResizeObserver(() => this.redraw()).observe(this.node);
  }
  X = x => ((x - this.world[0]) / (this.world[1] - this.world[0])) * this.width;
  Y = y => ((y - this.world[3]) / (this.world[2] - this.world[3])) * this.height;
  at(e) {
    const r = this.node.getBoundingClientRect(),
      [x0, x1, y0, y1] = this.world;
    return {
      x: x0 + ((e.clientX - r.left) / r.width) * (x1 - x0),
      y: y1 + ((e.clientY - r.top) / r.height) * (y0 - y1),
      shift: e.shiftKey,
      right: e.button === 2,
    };
  }
  act(name, p) {
    // a board shows the stroke at once; what else a press does may need the first answer
    const f = this.on[name];
    if (f) this.ui.act(() => f(p), this.strokes);
  }
  listen() {
    const c = this.node,
      on = this.on;
    c.addEventListener('pointerdown', e => this.begin(e));
    c.addEventListener('pointermove', e => this.move(e));
    c.addEventListener('pointerup', e => this.end(e));
    c.addEventListener('pointercancel', e => e.pointerId === this.pointer && this.lift());
    c.addEventListener('touchmove', e => this.down && e.preventDefault(), {passive: false});
    c.addEventListener('pointerleave', () => on.hover?.(null));
    c.addEventListener('contextmenu', e => (on.erase || this.down) && e.preventDefault());
    c.addEventListener('keydown', e => this.key(e));
    c.addEventListener('keyup', e => {
      if (e.key === 'Shift') this.lift();
    });
    c.addEventListener('blur', () => {
      this.lift();
      this.shown = false;
      this.redraw();
    });
    c.addEventListener('focus', () => {
      this.shown = c.matches(':focus-visible');
      this.redraw();
    });
    if (on.drag) c.classList.add(this.strokes ? 'wd-strokes' : 'wd-drags');
  }
  // One pointer at a time: the first one, by its main button. A mouse acts at once. A finger may be about
  // to scroll the page: it acts when it taps, moves sideways or rests, and on a board that it has tapped.
  begin(e) {
    const erases = e.button === 2 && this.on.erase;
    if (this.pointer !== null || (e.button !== 0 && !erases)) return;
    this.lift();
    this.shown = false;
    this.cursor = this.at(e);
    this.from = e;
    if (erases) {
      this.node.focus({preventScroll: true});
      return this.act('erase', this.cursor);
    }
    this.pointer = e.pointerId;
    if (e.pointerType !== 'touch' || (this.strokes && this.focused)) this.take();
    else if (this.on.drag) this.resting = setTimeout(() => this.take(), REST);
  }
  get focused() {
    return document.activeElement === this.node;
  }
  take() {
    clearTimeout(this.resting);
    this.down = true;
    this.node.focus({preventScroll: true});
    this.node.setPointerCapture(this.pointer);
    this.act('press', this.cursor);
  }
  move(e) {
    if (this.pointer === null) return this.on.hover?.(this.at(e));
    if (e.pointerId !== this.pointer) return;
    if (!(e.buttons & 1)) return this.lift(this.at(e)); // let go where nobody heard it
    const across = Math.abs(e.clientX - this.from.clientX),
      along = Math.abs(e.clientY - this.from.clientY);
    if (!this.down && Math.max(across, along) > NEAR) {
      clearTimeout(this.resting);
      if (this.on.drag && across > along) this.take();
    }
    if (this.down) this.act('drag', this.at(e));
  }
  end(e) {
    if (e.pointerId !== this.pointer) return;
    const tapped = Math.hypot(e.clientX - this.from.clientX, e.clientY - this.from.clientY) <= NEAR;
    if (!this.down && tapped) {
      if (this.strokes) {
        this.node.focus({preventScroll: true});
        this.ui.wake();
      } else this.take();
    }
    this.lift(this.at(e));
  }
  lift(p = this.cursor) {
    clearTimeout(this.resting);
    this.pointer = null;
    if (this.down) {
      this.down = false;
      this.act('release', p);
    }
  }
  key(e) {
    const d = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[e.key],
      on = this.on;
    const [x0, x1, y0, y1] = this.world,
      clip = (v, a, b) => clamp(v, Math.min(a, b), Math.max(a, b));
    if (e.ctrlKey || e.metaKey || e.altKey || this.pointer !== null) return;
    if (d) {
      if (e.shiftKey && on.drag && !this.down) {
        this.down = true;
        this.act('press', this.cursor);
      }
      this.cursor = {
        x: clip(this.cursor.x + d[0] * this.step[0], x0, x1),
        y: clip(this.cursor.y + d[1] * this.step[1] * Math.sign(y1 - y0), y0, y1),
      };
      if (this.down) this.act('drag', this.cursor);
      else {
        on.hover?.(this.cursor);
        if (on.describe) this.ui.say(on.describe(this.cursor));
      }
    } else if (e.key === ' ' || e.key === 'Enter') {
      this.act('press', this.cursor);
      this.act('release', this.cursor);
    } else if ((e.key === 'Delete' || e.key === 'Backspace') && on.erase)
      this.act('erase', this.cursor);
    else return;
    e.preventDefault();
    this.shown = true;
    this.redraw();
  }
  redraw() {
    if (!this.due && !this.ui.held)
      this.due = requestAnimationFrame(() => {
        this.due = 0;
        this.paintNow();
      });
  }
  paintNow() {
    const wide = this.node.clientWidth,
      k = (wide / this.width) * (devicePixelRatio || 1),
      g = this.node.getContext('2d');
    if (!wide) return;
    const W = Math.round(this.width * k),
      H = Math.round(this.height * k);
    if (this.node.width !== W || this.node.height !== H)
      Object.assign(this.node, {width: W, height: H});
    g.setTransform(k, 0, 0, k, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    g.font = '13px system-ui, sans-serif';
    g.fillStyle = g.strokeStyle = this.ui.colors.ink;
    g.lineWidth = 1.5;
    const stored = !this.strokes && this.ui.stored?.get(this.node);
    this.node.classList.toggle('wd-stored', !!stored);
    if (!stored) this.on.draw?.(g, this);
    else if (stored.complete) g.drawImage(stored, 0, 0, this.width, this.height);
    else stored.onload = () => this.redraw();
    if (!this.shown) return;
    const x = this.X(this.cursor.x),
      y = this.Y(this.cursor.y);
    for (const [color, w] of [
      ['paper', 4],
      ['ink', 1.5],
    ]) {
      g.strokeStyle = this.ui.colors[color];
      g.lineWidth = w;
      g.beginPath();
      g.moveTo(x - 9, y);
      g.lineTo(x + 9, y);
      g.moveTo(x, y - 9);
      g.lineTo(x, y + 9);
      g.stroke();
    }
  }
  // values[w*h], row by row from the top -> a picture. colors: two or three names spread over range;
  // colors: null takes red, green, blue in 0..255, three values a pixel
  image(
    values,
    w,
    h,
    {
      x = 0,
      y = 0,
      width = this.width,
      height = this.height,
      range = [0, 1],
      colors = ['paper', 'ink'],
      smooth = false,
    } = {},
  ) {
    const tile = el('canvas', {width: w, height: h}),
      t = tile.getContext('2d'),
      out = t.createImageData(w, h);
    const stops = colors?.map(c => this.ui.rgb(c)),
      n = stops?.length - 1,
      g = this.node.getContext('2d');
    for (let i = 0; i < w * h; i++) {
      out.data[4 * i + 3] = 255;
      if (!stops) {
        for (let j = 0; j < 3; j++) out.data[4 * i + j] = values[3 * i + j];
        continue;
      }
      const s = clamp((values[i] - range[0]) / (range[1] - range[0]), 0, 1) * n,
        k = Math.min(s | 0, n - 1);
      for (let j = 0; j < 3; j++)
        out.data[4 * i + j] = stops[k][j] + (stops[k + 1][j] - stops[k][j]) * (s - k);
    }
    t.putImageData(out, 0, 0);
    g.imageSmoothingEnabled = smooth;
    g.drawImage(tile, x, y, width, height);
  }
}

// A finger that lands on a slider may be about to scroll the page: nothing is told until it lifts or has moved
// sideways, and what a swipe has moved goes back.
function unswiped(host) {
  let held = null; // {box, value, x}
  const on = (type, f) => host.addEventListener(type, f, true),
    settle = () => {
      const {box, value} = held;
      held = null;
      if (box.value !== value) box.dispatchEvent(new Event('input', {bubbles: true}));
    };
  on('pointerdown', e => {
    const box = e.target.closest('input[type=range]');
    if (box && e.pointerType === 'touch') held = {box, value: box.value, x: e.clientX};
  });
  on('pointermove', e => held && Math.abs(e.clientX - held.x) > NEAR && settle());
  on('pointerup', () => held && settle());
  on('pointercancel', () => {
    if (held) held.box.value = held.value;
    held = null;
  });
  on('input', e => held && e.stopPropagation());
}

// ---------------------------------------------------------------- what a module is handed: ui

class UI {
  constructor(host, demo, start) {
    Object.assign(this, {
      host,
      demo,
      start,
      state: structuredClone(start),
      pads: [],
      syncs: [],
      answer: {},
      colors: {},
    });
    this.asked = new Promise(done => (this.ask = done));
    this.waiting = [];
    this.answered = false;
    this.first = {
      pictures: [...host.querySelectorAll('img.wd-canvas')],
      words: host.querySelector('.wd-say')?.textContent,
      bytes: +(host.querySelector('.wd-note')?.dataset.bytes ?? 0),
    };
    this.stage = el('div', {className: 'wd-stage'});
    this.panel = el('div', {className: 'wd-panel'});
    this.acts = el('div', {className: 'wd-acts'});
    this.words = el('p', {className: 'wd-say'});
    this.note = el('p', {className: 'wd-note'});
    this.live = el('p', {className: 'wd-hidden', role: 'status'});
    this.foot = el('div', {className: 'wd-foot'});
    this.readColors();
  }
  get still() {
    return still.matches;
  }
  get stale() {
    return this.again;
  } // the state changed since update() began
  id = () => 'wd' + (UI.count = (UI.count ?? 0) + 1);

  // --- state
  set(patch, {save = true} = {}) {
    const before = JSON.stringify(this.state);
    Object.assign(this.state, patch);
    if (JSON.stringify(this.state) !== before) this.wake();
    if (save) {
      clearTimeout(this.saving);
      this.saving = setTimeout(() => this.save(), 250);
    }
    this.redraw();
    this.syncs.forEach(f => f());
    return this.refresh();
  }
  changed() {
    return Object.entries(this.state).filter(
      ([k, v]) => JSON.stringify(v) !== JSON.stringify(this.start[k]),
    );
  }
  hash() {
    const all = readHash(),
      mine = this.changed()
        .map(([k, v]) => `${k}=${write(v)}`)
        .join(';');
    const others = Object.entries(all)
      .filter(([k]) => k !== this.host.key)
      .map(
        ([k, s]) =>
          `${k}:${Object.entries(s)
            .map(e => e.join('='))
            .join(';')}`,
      );
    return [`${this.host.key}:${mine}`, ...others].join('&');
  }
  save() {
    try {
      history.replaceState(history.state, '', '#' + this.hash());
    } catch {
      /* an embedded page may forbid it */
    }
  }
  reset() {
    this.player?.stop();
    return this.set(structuredClone(this.start));
  }
  refresh() {
    // update() never runs twice at once; the newest state wins
    this.again = true;
    return (this.busy ??= (async () => {
      while (this.again) {
        this.again = false;
        try {
          this.phase('busy');
          await this.view.update?.(this.state);
          this.phase('ready');
          if (!this.again) this.arrived();
        } catch (e) {
          this.fail(e);
        }
        this.redraw();
        this.showCode();
      }
      this.busy = null;
    })());
  }
  phase(p) {
    this.host.dataset.phase = p;
  }

  // --- asleep and awake: networks and large files wait for the reader's first act
  act(f, now = false) {
    // does it now, or in its turn after the first answer
    const done = async () => {
      if (!now && !this.answered) await this.awake();
      return f();
    };
    return done().catch(e => this.fail(e));
  }
  awake() {
    if (this.answered) return undefined;
    this.wake();
    return new Promise(done => this.waiting.push(done));
  }
  wake() {
    this.touched = true;
    this.ask();
    if (this.host.dataset.phase === 'error' && !this.busy) this.refresh();
  }
  arrived() {
    if (this.answered) return;
    this.answered = true;
    this.stored = null;
    this.note.textContent =
      this.loaded && navigator.serviceWorker?.controller
        ? 'From now on this works offline too.'
        : '';
    this.waiting.splice(0).forEach(done => done());
  }
  async needs(key, fetched, now = false) {
    if (!this.touched && !now) {
      const {pictures, words, bytes} = this.first;
      this.phase('touch');
      this.stored = new Map(
        [...this.host.querySelectorAll('canvas')].map((c, i) => [c, pictures[i]]),
      );
      for (const p of pictures) p.loading = 'eager';
      this.say(words ?? 'Press, draw or choose: the network is fetched then.');
      this.note.textContent = `Your first press fetches the network${bytes ? `: ${mega(bytes)} MB` : ''}, once.`;
      this.redraw();
      globalThis.caches?.match(new URL(key, HERE)).then(found => {
        if (found && !this.touched)
          this.note.textContent = 'Kept from your last visit: it works offline too.';
      });
      await this.asked;
      this.phase('busy');
    }
    if (kept.has(key)) return fetched();
    this.loaded ??= 0;
    return fetched(n => {
      this.loaded += n;
      const of = this.first.bytes >= this.loaded ? ` of ${mega(this.first.bytes)}` : '';
      this.words.textContent = `Fetching the network, ${mega(this.loaded)}${of} MB …`;
    });
  }
  model(path) {
    return this.needs(path, tell => open(path, tell));
  }
  data(path, {now = false} = {}) {
    return this.needs(
      path,
      tell =>
        once(path, async () => JSON.parse(new TextDecoder().decode(await bytesOf(path, tell)))),
      now,
    );
  }

  // --- words
  say(text) {
    if (!text) return;
    this.told = text;
    if (this.held) return;
    this.words.textContent = text;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.live.textContent = spoken(text);
    }, 500);
  }
  fail(e) {
    console.warn(e);
    this.waiting = [];
    if (this.player?.running) this.player.stop();
    this.phase('error');
    this.say(e.message);
  }

  // --- drawing
  readColors() {
    const probe = el('span'),
      g = el('canvas', {width: 1, height: 1}).getContext('2d', {willReadFrequently: true});
    this.host.append(probe);
    this.rgbs = {};
    for (const name of COLORS) {
      probe.style.color = `var(--wd-${name})`;
      g.fillStyle = getComputedStyle(probe).color;
      g.fillRect(0, 0, 1, 1);
      this.rgbs[name] = [...g.getImageData(0, 0, 1, 1).data.slice(0, 3)];
      this.colors[name] = `rgb(${this.rgbs[name]})`;
    }
    probe.remove();
    this.dark = this.rgbs.paper[0] + this.rgbs.paper[1] + this.rgbs.paper[2] < 384;
  }
  rgb(name) {
    return this.rgbs[name];
  }
  canvas(options) {
    const p = new Pad(this, options);
    this.pads.push(p);
    (options.into ?? this.stage).append(p.node);
    return p;
  }
  box(caption, width, max = width) {
    // a column of the stage; wider than width only up to max
    const d = el(
      'div',
      {style: `flex:${max > width ? 1 : 0} 1 ${width}px;max-width:${max}px;min-width:0`},
      el('p', {className: 'wd-help'}, caption),
    );
    this.stage.append(d);
    return d;
  }
  redraw() {
    this.pads.forEach(p => p.redraw());
  }
  async frame(step, goes) {
    // one step and its picture; for readers who want less motion, half a second of steps
    const from = performance.now(),
      most = this.still ? STEPS : 1;
    this.held = this.still;
    try {
      for (let i = 0; i < most && performance.now() - from < FRAME; i++) {
        const patch = await step();
        if (!patch || !goes()) return false;
        await this.set(patch, {save: false});
      }
    } finally {
      if (this.held) {
        this.held = false;
        this.redraw();
        this.say(this.told);
      }
    }
    const rest = FRAME - (performance.now() - from);
    await new Promise(r => (this.still ? setTimeout(r, rest) : requestAnimationFrame(r)));
    return true;
  }
  fingers() {
    // what a finger does otherwise than a mouse, because it also scrolls
    const drags = this.pads.filter(p => p.on.drag);
    if (!drags.length) return '';
    return drags.some(p => p.strokes)
      ? 'With a finger: tap the board, then draw.'
      : 'With a finger: tap; to drag, rest a moment first or move sideways.';
  }

  // --- controls: native elements with labels, bound to a key of the state
  field(into, label, node, ...more) {
    const id = (node.id = this.id());
    into.append(
      el('div', {className: 'wd-field'}, el('label', {htmlFor: id}, label), node, ...more),
    );
  }
  slider(
    label,
    key,
    {
      values,
      min = 0,
      max = values ? values.length - 1 : 1,
      step = values ? 1 : 0.01,
      format = String,
      into = this.panel,
    } = {},
  ) {
    const out = el('span', {className: 'wd-value', ariaHidden: 'true'}),
      box = el('input', {type: 'range', min: String(min), max: String(max), step: String(step)});
    const value = () => (values ? values[+box.value] : +box.value);
    box.addEventListener('input', () => this.set({[key]: value()}));
    this.syncs.push(() => {
      const v = this.state[key];
      box.value = values
        ? values.reduce((b, u, i) => (Math.abs(u - v) < Math.abs(values[b] - v) ? i : b), 0)
        : v;
      out.textContent = format(v);
      box.setAttribute('aria-valuetext', format(v));
    });
    this.field(into, label, box, out);
    return box;
  }
  select(label, key, options, {into = this.panel} = {}) {
    // options: [value, …] or [[value, text], …]
    const all = options.map(o => (Array.isArray(o) ? o : [o, String(o)])),
      box = el('select', {}, ...all.map(([, t], i) => el('option', {value: String(i)}, t)));
    box.addEventListener('change', () => this.set({[key]: all[+box.value][0]}));
    this.syncs.push(() => {
      box.value = String(all.findIndex(([v]) => v === this.state[key]));
    });
    this.field(into, label, box);
    return box;
  }
  choice(label, key, options, {into = this.panel} = {}) {
    // the same as radio buttons in one line
    const all = options.map(o => (Array.isArray(o) ? o : [o, String(o)])),
      name = this.id();
    const boxes = all.map(([v]) =>
      el('input', {type: 'radio', name, onchange: () => this.set({[key]: v})}),
    );
    into.append(
      el(
        'fieldset',
        {className: 'wd-choice'},
        el('legend', {}, label),
        ...all.map(([, t], i) => el('label', {}, boxes[i], el('span', {}, t))),
      ),
    );
    this.syncs.push(() =>
      boxes.forEach((b, i) => {
        b.checked = all[i][0] === this.state[key];
      }),
    );
  }
  check(label, key, {into = this.panel} = {}) {
    const box = el('input', {type: 'checkbox', onchange: () => this.set({[key]: box.checked})});
    this.syncs.push(() => {
      box.checked = this.state[key];
    });
    into.append(el('label', {className: 'wd-check'}, box, label));
    return box;
  }
  button(label, action, {into = this.acts, primary = false, now = false} = {}) {
    const b = el(
      'button',
      {
        type: 'button',
        className: 'wd-button' + (primary ? ' wd-primary' : ''),
        onclick: () => this.act(action, now),
      },
      label,
    );
    into.append(b);
    return b;
  }
  play(label, step, {pause = 'Pause'} = {}) {
    // a button that repeats step() -> patch, or false when done
    const p = {
      running: false,
      turn: 0,
      start: async () => {
        const turn = ++p.turn,
          goes = () => p.running && turn === p.turn,
          resting = () => this.visible === false || document.hidden;
        p.running = true;
        b.textContent = pause;
        await this.awake();
        while (goes()) {
          if (resting()) await new Promise(r => setTimeout(r, FRAME));
          else if (!(await this.frame(step, goes))) break;
        }
        if (goes()) p.stop();
      },
      stop: () => {
        p.running = false;
        b.textContent = label;
        this.save();
      },
    };
    const b = this.button(label, () => (p.running ? p.stop() : p.start()), {
      primary: true,
      now: true,
    });
    b.style.minWidth = `${Math.max(label.length, pause.length) + 3}ch`;
    this.player = p;
    p.button = b;
    return p;
  }

  // --- the foot: reset, link, code, own data
  build() {
    const {demo, host} = this,
      framed = window !== window.parent;
    const copy = async (b, text) => {
      const t = b.textContent;
      try {
        await navigator.clipboard.writeText(text);
        b.textContent = 'Copied';
      } catch {
        prompt('Copy this:', text);
      }
      setTimeout(() => {
        b.textContent = t;
      }, 1500);
    };
    const kwargs = () =>
      this.changed()
        .map(([k, v]) => `, ${k}=${py(v)}`)
        .join('');
    this.button('Reset', () => this.reset(), {into: this.foot, now: true});
    const link = this.button(
      framed ? 'Copy as Demo(…)' : 'Copy link',
      () => {
        this.save();
        return copy(
          link,
          framed
            ? `Demo(${py(host.name)}${kwargs()})`
            : location.href.split('#')[0] + '#' + this.hash(),
        );
      },
      {into: this.foot, now: true},
    );
    const code = this.view.code ?? demo.code;
    if (code) {
      this.pre = el('code');
      this.code = () => code.call(demo, this.state);
      this.fold = el(
        'details',
        {ontoggle: () => this.showCode()},
        el('summary', {}, 'This as code'),
        el('pre', {tabIndex: 0}, this.pre),
      );
      const b = this.button('Copy code', () => copy(b, this.code()), {into: this.fold, now: true});
      this.foot.append(this.fold);
    }
    if (demo.paste || demo.picture) this.foot.append(this.ownData(demo));
    this.settle(demo);
    unswiped(host);
    host.replaceChildren(
      el(
        'div',
        {className: 'wd-head'},
        el('p', {className: 'wd-title', role: 'heading', 'aria-level': '3'}, demo.title),
        el(
          'p',
          {className: 'wd-help'},
          `${demo.help} `,
          el('span', {className: 'wd-finger'}, this.fingers()),
        ),
      ),
      el('div', {className: 'wd-main'}, this.stage, this.panel),
      this.foot,
    );
    this.syncs.forEach(f => f());
    this.redraw();
  }
  settle({above = 1, lines = 2}) {
    // buttons and sentence under the main picture: on a phone its first canvas, else the first row
    const parts = [...this.stage.children],
      main = Math.max(
        parts.findIndex(part => part.matches('canvas') || part.querySelector('canvas')),
        0,
      );
    parts.forEach((part, i) => {
      if (i > main) part.classList.add(i < above ? 'wd-beside' : 'wd-below');
    });
    this.words.style.setProperty('--wd-lines', lines);
    const {acts, words, note, live} = this;
    this.stage.append(el('div', {className: 'wd-answer'}, acts, words, note, live));
  }
  showCode() {
    if (this.fold?.open) this.pre.textContent = this.code();
  }
  ownData({paste, picture}) {
    const wrong = el('p', {className: 'wd-wrong', role: 'alert'}),
      fold = el('details', {}, el('summary', {}, 'Your own data'));
    const take = async read => {
      try {
        wrong.textContent = '';
        const patch = await read();
        if (patch) await this.set(patch);
      } catch (e) {
        wrong.textContent = e.message;
      }
    };
    if (paste) {
      const area = el('textarea', {
        rows: 6,
        spellcheck: false,
        id: this.id(),
        placeholder: paste.example ?? '',
      });
      fold.append(
        el('label', {htmlFor: area.id}, paste.label ?? 'Paste points'),
        el('p', {}, paste.hint ?? ''),
        area,
      );
      this.button('Use these', () => take(() => paste.read(area.value, this)), {
        into: fold,
        now: true,
      });
      fold.addEventListener('toggle', () => {
        if (fold.open && paste.write && !area.value) area.value = paste.write(this.state);
      });
    }
    if (picture) {
      const file = el('input', {
        type: 'file',
        accept: 'image/*',
        id: this.id(),
        onchange: () =>
          file.files[0] &&
          take(async () => picture.read(await toGrey(file.files[0], picture.size), this)),
      });
      fold.append(
        el('label', {htmlFor: file.id}, picture.label ?? 'Choose a picture, or drop one here'),
        el('p', {}, picture.hint ?? ''),
        file,
      );
    }
    fold.addEventListener('dragover', e => e.preventDefault());
    this.host.addEventListener('dragover', e => e.preventDefault());
    this.host.addEventListener('drop', e => {
      const f = e.dataTransfer.files[0];
      if (!f) return;
      e.preventDefault();
      fold.open = true;
      take(async () =>
        picture && f.type.startsWith('image/')
          ? picture.read(await toGrey(f, picture.size), this)
          : paste
            ? paste.read(await f.text(), this)
            : Promise.reject(Error('A picture is wanted here.')),
      );
    });
    fold.append(wrong);
    return fold;
  }
}

// ---------------------------------------------------------------- the element

class WalkDemo extends HTMLElement {
  connectedCallback() {
    if (this.dataset.phase) return;
    this.name = this.getAttribute('name') ?? '';
    this.dataset.phase = 'asleep';
    const twins = [...document.querySelectorAll('walk-demo')].filter(
      d => d.getAttribute('name') === this.name,
    );
    this.key =
      this.id || this.name + (twins.indexOf(this) > 0 ? '~' + (twins.indexOf(this) + 1) : '');
    new IntersectionObserver(
      ([e]) => {
        if (this.ui) this.ui.visible = e.isIntersecting;
      },
      {rootMargin: '200px'},
    ).observe(this);
    this.load().then(() => this.key in readHash() && this.scrollIntoView());
  }
  load() {
    return (this.loading ??= this.open().catch(e => {
      this.dataset.phase = 'error';
      console.warn(e);
      this.append(
        el(
          'p',
          {className: 'wd-wrong'},
          `The live model “${this.name}” could not be loaded: ${e.message}`,
        ),
      );
    }));
  }
  async open() {
    if (!/^[\w-]+$/.test(this.name)) throw Error(`“${this.name}” is no name of a demo`);
    const {default: demo} = await import(new URL(`${this.name}.js`, HERE));
    const start = {...demo.state, ...JSON.parse(this.getAttribute('state') || '{}')},
      ui = (this.ui = new UI(this, demo, start));
    this.setAttribute('role', 'group');
    this.setAttribute('aria-label', demo.title);
    Object.assign(ui.state, this.fromHash());
    ui.view = demo.mount(ui) ?? {};
    ui.build();
    ui.refresh();
    addEventListener('hashchange', () => {
      if (this.key in readHash())
        ui.set({...structuredClone(start), ...this.fromHash()}, {save: false});
    });
    if (window !== window.parent)
      new ResizeObserver(() =>
        parent.postMessage(
          {walkDemoHeight: Math.ceil(this.getBoundingClientRect().bottom + scrollY) + 24},
          '*',
        ),
      ).observe(this);
  }
  fromHash() {
    const s = readState(readHash()[this.key], this.ui.start);
    if (Object.keys(s).length) this.ui.touched = true;
    return s;
  }
}

if (!customElements.get('walk-demo')) {
  if (!document.querySelector('link[href$="demos.css"]'))
    document.head.append(
      el('link', {rel: 'stylesheet', href: new URL('demos.css', HERE).href, onload: recolor}),
    );
  customElements.define('walk-demo', WalkDemo);
  const eyes = new MutationObserver(recolor);
  for (const node of [document.documentElement, document.body])
    eyes.observe(node, {
      attributes: true,
      attributeFilter: ['data-bs-theme', 'class', 'data-theme'],
    });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolor);
  watchRatio();
}
function watchRatio() {
  // another screen or zoom: other pixels for the same size
  matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener(
    'change',
    () => {
      for (const {ui} of document.querySelectorAll('walk-demo')) ui?.redraw();
      watchRatio();
    },
    {once: true},
  );
}
function recolor() {
  for (const {ui} of document.querySelectorAll('walk-demo')) {
    const before = JSON.stringify(ui?.rgbs);
    ui?.readColors();
    if (ui?.view && JSON.stringify(ui.rgbs) !== before) {
      ui.redraw();
      ui.refresh();
    }
  }
}
