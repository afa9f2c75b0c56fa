// Runs ONNX files in plain JavaScript: the operators that the course's own exports use, and no others.
// A tensor is {data, dims}. Whole numbers of 64 bits are kept as doubles, exact to 2^53.

import {matmul} from './matmul.js';

export class Unsupported extends Error {} // a sound file, but for a larger engine

// ---------------------------------------------------------------- the file: protocol buffers

const signed = big => Number(BigInt.asIntN(64, big));

function* varints(bytes) {
  let value = 0n,
    shift = 0n;
  for (const b of bytes) {
    value |= BigInt(b & 127) << shift;
    shift += 7n;
    if (b > 127) continue;
    yield signed(value);
    value = shift = 0n;
  }
}

function* fields(bytes) {
  // [number, value] of each field: a whole number, or the bytes of anything else
  let at = 0;
  const varint = () => {
    const start = at;
    while (bytes[at++] > 127);
    return varints(bytes.subarray(start, at)).next().value;
  };
  const take = n => {
    if (!(n >= 0 && at + n <= bytes.length)) throw Error('it ends too early');
    return bytes.subarray(at, (at += n));
  };
  while (at < bytes.length) {
    const key = varint(),
      read = {0: varint, 1: () => take(8), 2: () => take(varint()), 5: () => take(4)}[key & 7];
    if (!read) throw Error('its bytes make no fields');
    yield [key >>> 3, read()];
  }
}

function message(bytes, schema) {
  const out = {};
  for (const [number, value] of fields(bytes)) {
    const [name, read] = schema[number] ?? [];
    if (name) out[name] = read(value, out[name]);
  }
  return out;
}

const int = v => v,
  text = v => new TextDecoder().decode(v),
  raw = v => v,
  real = v => new DataView(v.slice().buffer).getFloat32(0, true),
  one = schema => v => message(v, schema()),
  all = read => (v, old) => [...(old ?? []), read(v)],
  ints = (v, old) => [...(old ?? []), ...(typeof v === 'number' ? [v] : varints(v))],
  reals = (v, old) => [...(old ?? []), ...new Float32Array(v.slice().buffer)];

const TENSOR = {
  1: ['dims', ints],
  2: ['type', int],
  4: ['reals', reals],
  5: ['ints', ints],
  7: ['ints', ints],
  8: ['name', text],
  9: ['raw', raw],
  13: ['outside', raw],
};
const ATTRIBUTE = {
  1: ['name', text],
  2: ['value', real],
  3: ['value', int],
  4: ['value', text],
  5: ['value', one(() => TENSOR)],
  7: ['value', reals],
  8: ['value', ints],
};
const NODE = {
  1: ['inputs', all(text)],
  2: ['outputs', all(text)],
  4: ['op', text],
  5: ['attributes', all(one(() => ATTRIBUTE))],
  7: ['domain', text],
};
const SIZE = {1: ['size', int]},
  SHAPE = {1: ['sizes', all(one(() => SIZE))]},
  ARRAY = {1: ['type', int], 2: ['shape', one(() => SHAPE)]},
  TYPE = {1: ['array', one(() => ARRAY)]},
  VALUE = {1: ['name', text], 2: ['type', one(() => TYPE)]};
const GRAPH = {
  1: ['nodes', all(one(() => NODE))],
  5: ['constants', all(one(() => TENSOR))],
  11: ['inputs', all(one(() => VALUE))],
  12: ['outputs', all(one(() => VALUE))],
};
const OPSET = {1: ['domain', text], 2: ['version', int]},
  MODEL = {7: ['graph', one(() => GRAPH)], 8: ['opsets', all(one(() => OPSET))]};

const INT64 = 7,
  BOOLEAN = 9;
const ARRAYS = {
  1: Float32Array,
  2: Uint8Array,
  3: Int8Array,
  6: Int32Array,
  [INT64]: Float64Array,
  [BOOLEAN]: Uint8Array,
};

function arrayOf(type) {
  if (!ARRAYS[type]) throw new Unsupported(`Numbers of ONNX's type ${type} are not implemented.`);
  return ARRAYS[type];
}

function constant({dims = [], type, raw: bytes, reals: r, ints: i, outside}) {
  if (outside) throw new Unsupported('Weights in a second file are not implemented.');
  const Kind = arrayOf(type);
  if (!bytes) return {data: Kind.from(r ?? i ?? []), dims};
  const whole = bytes.slice().buffer;
  if (whole.byteLength !== size(dims) * (type === INT64 ? 8 : Kind.BYTES_PER_ELEMENT))
    throw Error(`a constant of shape [${dims}] has ${whole.byteLength} bytes`);
  return {
    data: type === INT64 ? Kind.from(new BigInt64Array(whole), Number) : new Kind(whole),
    dims,
  };
}

// ---------------------------------------------------------------- shapes

const size = dims => dims.reduce((n, d) => n * d, 1);
const axisOf = (axis, {dims}) => (axis < 0 ? axis + dims.length : axis);

function stridesOf(dims) {
  const out = Array(dims.length).fill(1);
  for (let i = dims.length - 2; i >= 0; i--) out[i] = out[i + 1] * dims[i + 1];
  return out;
}

function walk(dims, strides, start, row) {
  // row(from, at) for each run along the last axis: where it lies in memory, where in order
  if (!dims.length) return row(start, 0);
  const last = dims.length - 1;
  let at = 0;
  const go = (axis, from) => {
    if (axis === last) {
      row(from, at);
      at += dims[last];
    } else for (let i = 0; i < dims[axis]; i++) go(axis + 1, from + i * strides[axis]);
  };
  go(0, start);
}

function gather(data, dims, strides, start = 0) {
  const out = new data.constructor(size(dims)),
    n = dims.at(-1) ?? 1,
    step = strides.at(-1) ?? 0;
  walk(dims, strides, start, (from, at) => {
    for (let i = 0; i < n; i++) out[at + i] = data[from + i * step];
  });
  return {data: out, dims};
}

function scatter(out, data, dims, strides, start = 0) {
  const n = dims.at(-1),
    step = strides.at(-1);
  walk(dims, strides, start, (from, at) => {
    for (let i = 0; i < n; i++) out[from + i * step] += data[at + i];
  });
}

function together(...shapes) {
  // the shape of tensors that are broadcast against each other
  const rank = Math.max(...shapes.map(d => d.length));
  return Array.from({length: rank}, (_, i) => {
    const sizes = shapes.map(d => d[i - rank + d.length] ?? 1),
      n = sizes.find(s => s !== 1) ?? 1;
    if (sizes.some(s => s !== 1 && s !== n))
      throw Error(`shapes ${shapes.map(d => `[${d}]`).join(' and ')} do not fit`);
    return n;
  });
}

function spread(t, dims) {
  if (size(dims) === t.data.length) return t.data;
  if (t.data.length === 1) return new t.data.constructor(size(dims)).fill(t.data[0]);
  const s = stridesOf(t.dims),
    ahead = dims.length - t.dims.length;
  const strides = dims.map((_, i) => (i < ahead || t.dims[i - ahead] === 1 ? 0 : s[i - ahead]));
  return gather(t.data, dims, strides).data;
}

function transposed(t, perm) {
  const s = stridesOf(t.dims);
  return gather(
    t.data,
    perm.map(p => t.dims[p]),
    perm.map(p => s[p]),
  );
}

function toLast(t, axes) {
  // the tensor with these axes last, and the order that does it
  const kept = t.dims.map((_, i) => i).filter(i => !axes.includes(i)),
    perm = [...kept, ...axes];
  return [perm.every((p, i) => p === i) ? t : transposed(t, perm), perm];
}

// ---------------------------------------------------------------- products

function swapped(t) {
  // the last two axes exchanged; a weight is turned once and remembers it
  const r = t.dims.length,
    perm = [...t.dims.keys()];
  return (t.swapped ??= {...transposed(t, [...perm.slice(0, r - 2), r - 1, r - 2]), swapped: t});
}

function product(a, b) {
  if (a.dims.length < 2 || b.dims.length < 2) throw Error('it multiplies matrices, not vectors');
  const [k, [h, n]] = [a.dims.at(-1), b.dims.slice(-2)],
    flat = b.dims.length === 2, // all rows of a meet the same b
    m = flat ? size(a.dims.slice(0, -1)) : a.dims.at(-2),
    batches = [flat ? [] : a.dims.slice(0, -2), b.dims.slice(0, -2)],
    batch = together(...batches),
    data = new Float32Array(size(batch) * m * n);
  if (k !== h) throw Error(`[${a.dims}] times [${b.dims}]: ${k} columns meet ${h} rows`);
  const [ia, ib] = batches.map(dims =>
    spread({data: Int32Array.from({length: size(dims)}, (_, i) => i), dims}, batch),
  );
  const part = (t, i, n) => t.data.subarray(i * n, (i + 1) * n);
  ia.forEach((_, i) =>
    data.set(matmul(part(a, ia[i], m * k), part(b, ib[i], k * n), m, n, k), i * m * n),
  );
  return {data, dims: flat ? [...a.dims.slice(0, -1), n] : [...batch, m, n]};
}

// ---------------------------------------------------------------- the operators, one function each

// An operator on numbers is given as its loop: a loop of its own for each is what makes it fast.
const each = loop => (how, x) => {
  const data = new x.data.constructor(x.data.length);
  loop(data, x.data, how);
  return {data, dims: x.dims};
};

const pairs = (loop, Kind) => (_, a, b) => {
  const dims = together(a.dims, b.dims),
    [x, y] = [spread(a, dims), spread(b, dims)],
    data = new (Kind ?? x.constructor)(x.length);
  loop(data, x, y);
  return {data, dims};
};

function where(_, test, a, b) {
  const dims = together(test.dims, a.dims, b.dims),
    [t, x, y] = [test, a, b].map(v => spread(v, dims)),
    data = new a.data.constructor(t.length);
  for (let i = 0; i < data.length; i++) data[i] = t[i] ? x[i] : y[i];
  return {data, dims};
}

const reduce =
  finish =>
  ({keepdims = 1}, x, list) => {
    const axes = list ? [...list.data].map(a => axisOf(a, x)) : [...x.dims.keys()],
      [{data}] = toLast(x, axes),
      n = size(axes.map(a => x.dims[a])),
      sums = new Float32Array(data.length / n);
    for (let i = 0; i < sums.length; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += data[i * n + j];
      sums[i] = finish(sum, n);
    }
    const dims = x.dims.map((d, i) => (axes.includes(i) ? 1 : d));
    return {data: sums, dims: keepdims ? dims : dims.filter((_, i) => !axes.includes(i))};
  };

const normalize =
  finish =>
  ({axis = -1}, x) => {
    const [t, perm] = toLast(x, [axisOf(axis, x)]),
      n = t.dims.at(-1),
      data = new Float32Array(t.data.length);
    for (let i = 0; i < data.length; i += n) finish(t.data.subarray(i, i + n), data, i);
    return transposed(
      {data, dims: t.dims},
      [...perm.keys()].sort((i, j) => perm[i] - perm[j]),
    );
  };

function exponentials(row, out, at) {
  // e to each number less the largest, into out; the sum and that largest
  let top = -Infinity,
    sum = 0;
  for (const v of row) top = Math.max(top, v);
  for (let i = 0; i < row.length; i++) sum += out[at + i] = Math.exp(row[i] - top);
  return {top, sum};
}

function softmax(row, out, at) {
  const {sum} = exponentials(row, out, at);
  for (let i = 0; i < row.length; i++) out[at + i] /= sum;
}

function logSoftmax(row, out, at) {
  const {top, sum} = exponentials(row, out, at),
    rest = top + Math.log(sum);
  for (let i = 0; i < row.length; i++) out[at + i] = row[i] - rest;
}

function gemm({alpha = 1, beta = 1, transA = 0, transB = 0}, a, b, c) {
  const {data, dims} = product(transA ? swapped(a) : a, transB ? swapped(b) : b),
    more = c && spread(c, dims);
  if (alpha !== 1 || more) data.forEach((v, i) => (data[i] = alpha * v + beta * (more?.[i] ?? 0)));
  return {data, dims};
}

function padded(x, pads, value = 0) {
  // room on both sides of the last axes
  const n = pads.length / 2,
    ahead = x.dims.length - n,
    dims = x.dims.map((d, i) => (i < ahead ? d : d + pads[i - ahead] + pads[i - ahead + n])),
    strides = stridesOf(dims),
    start = strides.slice(ahead).reduce((sum, s, i) => sum + s * pads[i], 0),
    data = new Float32Array(size(dims)).fill(value);
  walk(x.dims, strides, start, (to, at) => data.set(x.data.subarray(at, at + x.dims.at(-1)), to));
  return {data, dims};
}

function sliding(rank, {kernel_shape, strides, dilations, pads}) {
  // how a window moves, with what ONNX means when it is silent
  const ones = Array(rank).fill(1);
  return {
    kernel: kernel_shape,
    step: strides ?? ones,
    gap: dilations ?? ones,
    pads: pads ?? Array(2 * rank).fill(0),
  };
}

const places = (dims, {kernel, step, gap}) =>
  dims.map((d, i) => Math.floor((d - gap[i] * (kernel[i] - 1) - 1) / step[i]) + 1);
const times = (a, b) => a.map((v, i) => v * b[i]);

function conv(attributes, x, w, b) {
  const {group = 1, kernel_shape = w.dims.slice(2)} = attributes,
    how = sliding(kernel_shape.length, {...attributes, kernel_shape}),
    {data, dims} = padded(x, how.pads),
    s = stridesOf(dims),
    [n, channels] = [dims[0], w.dims[1]],
    filters = w.dims[0] / group,
    to = places(dims.slice(2), how);
  if (dims[1] !== channels * group)
    throw Error(`its weight reads ${channels * group} channels, x has ${dims[1]}`);
  const windows = gather(
    data,
    [n, group, channels, ...kernel_shape, ...to],
    [s[0], channels * s[1], s[1], ...times(s.slice(2), how.gap), ...times(s.slice(2), how.step)],
  );
  const [k, area] = [channels * size(kernel_shape), size(to)],
    out = product(
      {data: w.data, dims: [1, group, filters, k]},
      {data: windows.data, dims: [n, group, k, area]},
    );
  return withBias({data: out.data, dims: [n, w.dims[0], ...to]}, b);
}

function withBias(t, b) {
  const area = size(t.dims.slice(2));
  b?.data.forEach((v, c) => {
    for (let i = c * area; i < t.data.length; i += b.data.length * area)
      for (let j = 0; j < area; j++) t.data[i + j] += v;
  });
  return t;
}

function convTranspose(attributes, x, w, b) {
  const [channels, filters, ...kernel_shape] = w.dims,
    rank = kernel_shape.length,
    {step, gap, pads} = sliding(rank, {...attributes, kernel_shape}),
    more = attributes.output_padding ?? Array(rank).fill(0),
    [n, , ...from] = x.dims,
    full = from.map((d, i) => (d - 1) * step[i] + gap[i] * (kernel_shape[i] - 1) + 1 + more[i]),
    to = full.map((d, i) => d - pads[i] - pads[i + rank]),
    s = stridesOf([filters, ...full]);
  const parts = product(swapped({data: x.data, dims: [n, channels, size(from)]}), {
    data: w.data,
    dims: [channels, filters * size(kernel_shape)],
  });
  const [some, most] = [size(parts.dims.slice(1)), filters * size(full)],
    sum = new Float32Array(n * most);
  for (let i = 0; i < n; i++)
    scatter(
      sum.subarray(i * most),
      parts.data.subarray(i * some),
      [...from, filters, ...kernel_shape],
      [...times(s.slice(1), step), s[0], ...times(s.slice(1), gap)],
    );
  const start = s.slice(1).reduce((at, v, i) => at + v * pads[i], 0);
  return withBias(gather(sum, [n, filters, ...to], [most, ...s], start), b);
}

function maxPool(attributes, x) {
  const rank = x.dims.length - 2,
    how = sliding(rank, attributes),
    {data, dims} = padded(x, how.pads, -Infinity),
    s = stridesOf(dims),
    to = [...dims.slice(0, 2), ...places(dims.slice(2), how)];
  const windows = gather(
    data,
    [...to, ...how.kernel],
    [...s.slice(0, 2), ...times(s.slice(2), how.step), ...times(s.slice(2), how.gap)],
  ).data;
  const n = size(how.kernel),
    out = Float32Array.from({length: size(to)}, (_, i) =>
      Math.max(...windows.subarray(i * n, (i + 1) * n)),
    );
  return {data: out, dims: to};
}

function instanceNormalization({epsilon = 1e-5}, x, scale, bias) {
  const n = size(x.dims.slice(2)),
    data = new Float32Array(x.data.length);
  for (let i = 0; i < data.length; i += n) {
    const row = x.data.subarray(i, i + n),
      c = (i / n) % x.dims[1],
      mean = row.reduce((a, b) => a + b, 0) / n,
      spreadOut = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n,
      by = scale.data[c] / Math.sqrt(spreadOut + epsilon);
    row.forEach((v, j) => (data[i + j] = (v - mean) * by + bias.data[c]));
  }
  return {data, dims: x.dims};
}

function reshape({allowzero = 0}, x, shape) {
  const dims = [...shape.data].map((d, i) => (d === 0 && !allowzero ? x.dims[i] : d)),
    free = dims.indexOf(-1);
  if (free >= 0) dims[free] = x.data.length / -size(dims);
  if (size(dims) !== x.data.length) throw Error(`[${x.dims}] does not fill [${dims}]`);
  return {data: x.data, dims};
}

function squeeze(_, x, axes) {
  const out = axes
    ? [...axes.data].map(a => axisOf(a, x))
    : [...x.dims.keys()].filter(i => x.dims[i] === 1);
  return {data: x.data, dims: x.dims.filter((_, i) => !out.includes(i))};
}

function unsqueeze(_, x, axes) {
  const rank = x.dims.length + axes.data.length,
    at = [...axes.data].map(a => (a < 0 ? a + rank : a)),
    rest = [...x.dims];
  return {
    data: x.data,
    dims: Array.from({length: rank}, (_, i) => (at.includes(i) ? 1 : rest.shift())),
  };
}

function slice(_, x, starts, ends, axes, steps) {
  const s = stridesOf(x.dims),
    dims = [...x.dims];
  let start = 0;
  starts.data.forEach((from, i) => {
    const axis = axisOf(axes?.data[i] ?? i, x),
      n = x.dims[axis],
      step = steps?.data[i] ?? 1,
      within = v => Math.min(Math.max(v < 0 ? v + n : v, step < 0 ? -1 : 0), step < 0 ? n - 1 : n),
      first = within(from);
    dims[axis] = Math.max(0, Math.ceil((within(ends.data[i]) - first) / step));
    start += first * s[axis];
    s[axis] *= step;
  });
  return gather(x.data, dims, s, start);
}

function concat({axis}, ...parts) {
  const [{data: first, dims: like}] = parts,
    at = axisOf(axis, parts[0]),
    length = parts.reduce((n, t) => n + t.dims[at], 0),
    dims = like.map((d, i) => (i === at ? length : d)),
    rows = size(dims.slice(0, at)),
    data = new first.constructor(size(dims));
  let to = 0;
  for (let i = 0; i < rows; i++)
    for (const t of parts) {
      const n = t.data.length / rows;
      data.set(t.data.subarray(i * n, (i + 1) * n), to);
      to += n;
    }
  return {data, dims};
}

function split({axis = 0, num_outputs: n}, x, sizes) {
  const at = axisOf(axis, x),
    most = Math.ceil(x.dims[at] / n),
    part = (_, i) => Math.min(most, x.dims[at] - i * most),
    strides = stridesOf(x.dims);
  let start = 0;
  return [...(sizes?.data ?? Array.from({length: n}, part))].map(length => {
    const dims = x.dims.map((d, i) => (i === at ? length : d)),
      out = gather(x.data, dims, strides, start);
    start += length * strides[at];
    return out;
  });
}

function take({axis = 0}, x, index) {
  const at = axisOf(axis, x),
    [before, n, after] = [x.dims.slice(0, at), x.dims[at], x.dims.slice(at + 1)],
    run = size(after),
    data = new x.data.constructor(size(before) * index.data.length * run);
  let to = 0;
  for (let i = 0; i < size(before); i++)
    for (const k of index.data) {
      if (k < -n || k >= n) throw Error(`index ${k} is not within ${n} entries`);
      const from = (i * n + (k < 0 ? k + n : k)) * run;
      data.set(x.data.subarray(from, from + run), to);
      to += run;
    }
  return {data, dims: [...before, ...index.dims, ...after]};
}

function depthToSpace({blocksize: b}, x) {
  const [n, c, h, w] = x.dims,
    blocks = {data: x.data, dims: [n, c / b / b, b, b, h, w]};
  return {data: transposed(blocks, [0, 1, 4, 2, 5, 3]).data, dims: [n, c / b / b, h * b, w * b]};
}

function cast({to}, x) {
  const data = to === BOOLEAN ? x.data.map(v => v !== 0) : x.data;
  return {data: new (arrayOf(to))(to === INT64 ? data.map(Math.trunc) : data), dims: x.dims};
}

const even = v => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v)); // halves to even

function dynamicQuantizeLinear(_, x) {
  const low = x.data.reduce((a, b) => Math.min(a, b), 0),
    high = x.data.reduce((a, b) => Math.max(a, b), 0),
    scale = Math.fround(Math.fround(high - low) / 255) || 1,
    zero = even(Math.fround(-low / scale)),
    data = new Uint8ClampedArray(x.data.length);
  for (let i = 0; i < data.length; i++) data[i] = even(Math.fround(x.data[i] / scale)) + zero;
  return [
    {data: new Uint8Array(data.buffer), dims: x.dims},
    {data: Float32Array.of(scale), dims: []},
    {data: Uint8Array.of(zero), dims: []},
  ];
}

function above(t, zero) {
  // whole numbers minus their zero point, as floats
  const data = new Float32Array(t.data);
  if (zero) spread(zero, t.dims).forEach((z, i) => (data[i] -= z));
  return {data, dims: t.dims};
}

function matMulInteger(_, a, b, zeroA, zeroB) {
  return product(above(a, zeroA), (b.above ??= above(b, zeroB)));
}

function dequantizeLinear({axis = 1}, x, scale, zero) {
  const dims = x.dims.map((d, i) => (i === axisOf(axis, x) ? d : 1)),
    along = t => t && (t.dims.length ? {data: t.data, dims} : t);
  return multiply(null, above(x, along(zero)), along(scale));
}

const multiply = pairs((out, x, y) => {
  for (let i = 0; i < out.length; i++) out[i] = x[i] * y[i];
});
const divide = pairs((out, x, y) => {
  const whole = !(out instanceof Float32Array);
  for (let i = 0; i < out.length; i++) out[i] = whole ? Math.trunc(x[i] / y[i]) : x[i] / y[i];
});

const OPERATORS = {
  __proto__: null,
  Add: pairs((out, x, y) => {
    for (let i = 0; i < out.length; i++) out[i] = x[i] + y[i];
  }),
  Cast: cast,
  Concat: concat,
  Conv: conv,
  ConvTranspose: convTranspose,
  DepthToSpace: depthToSpace,
  DequantizeLinear: dequantizeLinear,
  Div: divide,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  Exp: each((out, x) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.exp(x[i]);
  }),
  Expand: (_, x, shape) => {
    const dims = together(x.dims, [...shape.data]);
    return {data: spread(x, dims), dims};
  },
  Gather: take,
  Gemm: gemm,
  InstanceNormalization: instanceNormalization,
  LeakyRelu: each((out, x, {alpha = 0.01}) => {
    for (let i = 0; i < out.length; i++) out[i] = x[i] < 0 ? alpha * x[i] : x[i];
  }),
  LessOrEqual: pairs((out, x, y) => {
    for (let i = 0; i < out.length; i++) out[i] = x[i] <= y[i];
  }, Uint8Array),
  LogSoftmax: normalize(logSoftmax),
  MatMul: (_, a, b) => product(a, b),
  MatMulInteger: matMulInteger,
  MaxPool: maxPool,
  Mul: multiply,
  Neg: each((out, x) => {
    for (let i = 0; i < out.length; i++) out[i] = -x[i];
  }),
  Pow: pairs((out, x, y) => {
    for (let i = 0; i < out.length; i++) out[i] = x[i] ** y[i];
  }),
  Reciprocal: each((out, x) => {
    for (let i = 0; i < out.length; i++) out[i] = 1 / x[i];
  }),
  ReduceMean: reduce((sum, n) => sum / n),
  ReduceSum: reduce(sum => sum),
  Relu: each((out, x) => {
    for (let i = 0; i < out.length; i++) out[i] = x[i] < 0 ? 0 : x[i];
  }),
  Reshape: reshape,
  Shape: ({start = 0, end}, {dims}) => {
    const data = Float64Array.from(dims.slice(start, end));
    return {data, dims: [data.length]};
  },
  Sigmoid: each((out, x) => {
    for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-x[i]));
  }),
  Slice: slice,
  Softmax: normalize(softmax),
  Split: split,
  Sqrt: each((out, x) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(x[i]);
  }),
  Squeeze: squeeze,
  Sub: pairs((out, x, y) => {
    for (let i = 0; i < out.length; i++) out[i] = x[i] - y[i];
  }),
  Tanh: each((out, x) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.tanh(x[i]);
  }),
  Transpose: ({perm}, x) => transposed(x, perm ?? [...x.dims.keys()].reverse()),
  Unsqueeze: unsqueeze,
  Where: where,
};

// Attributes that may have one value only, and those that the operators read.
const ONLY = {
  __proto__: null,
  auto_pad: 'NOTSET',
  ceil_mode: 0,
  mode: 'CRD',
  noop_with_empty_axes: 0,
  storage_order: 0,
};
const READ = new Set(
  (
    'allowzero alpha axis beta blocksize dilations end epsilon group keepdims kernel_shape ' +
    'num_outputs output_padding pads perm start strides to transA transB'
  ).split(' '),
);

// ---------------------------------------------------------------- the network

const OLDEST = 18, // the versions of ONNX's operators that are meant here
  NEWEST = 23;

function parsed(bytes) {
  const {graph, opsets = []} = message(new Uint8Array(bytes), MODEL),
    version = opsets.find(o => !o.domain)?.version;
  if (!graph?.outputs?.length) throw Error('it holds no network');
  if (!(version >= OLDEST && version <= NEWEST))
    throw new Unsupported(
      `The file's operators are of version ${version}, not ${OLDEST} to ${NEWEST}.`,
    );
  return {nodes: [], constants: [], inputs: [], ...graph};
}

function settings({op, attributes = []}) {
  for (const {name, value} of attributes)
    if (name in ONLY ? ONLY[name] !== value : !READ.has(name))
      throw new Unsupported(`The operator ${op} is not implemented with ${name} = ${value}.`);
  if (op === 'ConvTranspose' && attributes.some(a => a.name === 'group' && a.value !== 1))
    throw new Unsupported('The operator ConvTranspose is not implemented in groups.');
  return Object.fromEntries(attributes.map(a => [a.name, a.value]));
}

function step(node) {
  // a node as a function of the values so far
  const {op, domain, inputs = [], outputs = []} = node,
    call = OPERATORS[domain ? `${domain}.${op}` : op];
  if (!call)
    throw new Unsupported(`The operator ${domain ? `${domain}.` : ''}${op} is not implemented.`);
  const how = settings(node);
  const run = values => {
    try {
      const out = call(how, ...inputs.map(name => values.get(name)));
      outputs.forEach((name, i) => values.set(name, Array.isArray(out) ? out[i] : out));
    } catch (e) {
      throw Error(`The operator ${op} failed: ${e.message}.`, {cause: e});
    }
  };
  return {op, inputs: inputs.filter(Boolean), outputs, run};
}

function ordered(steps, known) {
  // nothing is read before it is made
  const made = new Set(known);
  for (const {op, inputs, outputs} of steps) {
    const missing = inputs.find(name => !made.has(name));
    if (missing !== undefined) throw Error(`${op} reads “${missing}”, which nothing has made`);
    outputs.forEach(name => made.add(name));
  }
  return made;
}

function folded(steps, values) {
  // what depends on constants alone is worked out once; the rest is left
  return steps.filter(({inputs, run}) => {
    const fixed = inputs.every(name => values.has(name));
    if (fixed) run(values);
    return !fixed;
  });
}

function fed(feeds, {name, type: {array}}) {
  // the tensor for an input, as the file declares it
  const want = (array.shape?.sizes ?? []).map(d => d.size ?? 'any');
  if (!feeds[name]) throw Error(`The input “${name}” is missing; it has the shape [${want}].`);
  const {data, dims} = feeds[name],
    Kind = arrayOf(array.type);
  if (dims.length !== want.length || want.some((d, i) => d !== 'any' && d !== dims[i]))
    throw Error(`The input “${name}” has the shape [${want}]; [${dims}] came.`);
  if (data.length !== size(dims))
    throw Error(
      `The input “${name}” has ${size(dims)} numbers, as [${dims}] says; ${data.length} came.`,
    );
  return {data: data instanceof Kind ? data : Kind.from(data, Number), dims};
}

export function network(bytes) {
  // the file's bytes -> {inputs, outputs, run}, as onnxruntime-web's session has them
  let constants, inputs, outputs, steps;
  try {
    const graph = parsed(bytes);
    constants = new Map(graph.constants.map(t => [t.name, constant(t)]));
    inputs = graph.inputs.filter(({name}) => !constants.has(name));
    outputs = graph.outputs.map(({name}) => name);
    const all = graph.nodes.map(step),
      made = ordered(all, [...constants.keys(), ...inputs.map(({name}) => name)]),
      missing = outputs.find(name => !made.has(name));
    if (missing !== undefined) throw Error(`nothing makes its output “${missing}”`);
    steps = folded(all, constants);
  } catch (e) {
    if (e instanceof Unsupported) throw e;
    throw Error(`This is no whole ONNX file: ${e.message}.`, {cause: e});
  }
  const run = async feeds => {
    const values = new Map(constants);
    for (const input of inputs) values.set(input.name, fed(feeds, input));
    for (const step of steps) step.run(values);
    return Object.fromEntries(outputs.map(name => [name, values.get(name)]));
  };
  return {inputs: inputs.map(({name}) => name), outputs, run};
}
