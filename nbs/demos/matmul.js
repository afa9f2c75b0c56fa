// The product of two matrices of floats, four rows and eight columns at a time. JavaScript has no such
// instructions, WebAssembly has: its one function is assembled here, since nothing is built ahead.

// ---------------------------------------------------------------- WebAssembly's instructions, as bytes

const number = n => (n > 127 ? [(n & 127) | 128, ...number(n >>> 7)] : [n]),
  list = parts => [...number(parts.length), ...parts.flat()],
  section = (id, ...parts) => {
    const body = list(parts);
    return [id, ...number(body.length), ...body];
  },
  text = s => list([...s].map(c => c.charCodeAt(0)));

const INT = 0x7f,
  FOUR = 0x7b, // four floats
  END = 0x0b;
const get = i => [0x20, i],
  set = (i, v) => [...v, 0x21, i],
  small = n => [0x41, n], // below 64
  plus = (x, y) => [...x, ...y, 0x6a],
  minus = (x, y) => [...x, ...y, 0x6b],
  less = (x, y) => [...x, ...y, 0x49],
  zeros = [0xfd, 0x0c, ...Array(16).fill(0)],
  load = (at, offset) => [...at, 0xfd, 0x00, 2, offset],
  fill = at => [...at, 0xfd, 0x09, 2, 0], // one float, four times
  store = (at, offset, v) => [...at, ...v, 0xfd, 0x0b, 2, offset],
  add = (x, y) => [...x, ...y, 0xfd, 0xe4, 1],
  times = (x, y) => [...x, ...y, 0xfd, 0xe6, 1],
  repeat = (body, test) => [0x03, 0x40, ...body.flat(), ...test, 0x0d, 0, END];

// ---------------------------------------------------------------- the kernel

// The arguments: where a, b, c lie, how many rows a has (by fours), the bytes in a row of a and of b (by 32).
const [A, B, C, ROWS, LONG, WIDE] = [0, 1, 2, 3, 4, 5],
  [COLUMN, FROM, LAST, TO, SUMS] = [6, 7, 8, 9, 10],
  [LEFT, RIGHT] = [SUMS + 8, SUMS + 9];
const tile = [0, 1, 2, 3].flatMap(row =>
    [0, 1].map(half => ({row, half, at: SUMS + 2 * row + half})),
  ),
  down = (at, row, stride) => Array(row).fill(get(stride)).reduce(plus, at);

const products = repeat(
  [
    set(LEFT, load(get(TO), 0)),
    set(RIGHT, load(get(TO), 16)),
    ...tile.map(({row, half, at}) =>
      set(at, add(get(at), times(fill(down(get(FROM), row, LONG)), get(half ? RIGHT : LEFT)))),
    ),
    set(FROM, plus(get(FROM), small(4))),
    set(TO, plus(get(TO), get(WIDE))),
  ],
  less(get(FROM), get(LAST)),
);
const columns = repeat(
  [
    ...tile.map(({at}) => set(at, zeros)),
    set(FROM, get(A)),
    set(LAST, plus(get(A), get(LONG))),
    set(TO, plus(get(B), get(COLUMN))),
    products,
    ...tile.map(({row, half, at}) =>
      store(down(plus(get(C), get(COLUMN)), row, WIDE), 16 * half, get(at)),
    ),
    set(COLUMN, plus(get(COLUMN), small(32))),
  ],
  less(get(COLUMN), get(WIDE)),
);
const rows = repeat(
  [
    set(COLUMN, small(0)),
    columns,
    set(A, down(get(A), 4, LONG)),
    set(C, down(get(C), 4, WIDE)),
    set(ROWS, minus(get(ROWS), small(4))),
  ],
  get(ROWS),
);

function assembled() {
  const body = [...list([[4, INT], [10, FOUR]]), ...rows, END]; // prettier-ignore
  const {memory, multiply} = new WebAssembly.Instance(
    new WebAssembly.Module(
      Uint8Array.of(
        ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        ...section(1, [0x60, ...list(Array(6).fill(INT)), 0]),
        ...section(3, [0]),
        ...section(5, [0, 1]),
        ...section(7, [...text('memory'), 2, 0], [...text('multiply'), 0, 0]),
        ...section(10, [...number(body.length), ...body]),
      ),
    ),
  ).exports;
  return (a, b, m, n, k) => {
    if (!(m && n && k)) return new Float32Array(m * n);
    const tall = 4 * Math.ceil(m / 4),
      wide = 8 * Math.ceil(n / 8),
      [atB, atC, end] = [tall * k, tall * k + k * wide, tall * k + k * wide + tall * wide],
      missing = 4 * end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    const room = new Float32Array(memory.buffer);
    room.set(a);
    if (wide === n) room.set(b, atB);
    else for (let i = 0; i < k; i++) room.set(b.subarray(i * n, (i + 1) * n), atB + i * wide);
    multiply(0, 4 * atB, 4 * atC, tall, 4 * k, 4 * wide);
    if (wide === n) return room.slice(atC, atC + m * n);
    const c = new Float32Array(m * n);
    for (let i = 0; i < m; i++) c.set(room.subarray(atC + i * wide, atC + i * wide + n), i * n);
    return c;
  };
}

// ---------------------------------------------------------------- the same without WebAssembly

export function plain(a, b, m, n, k) {
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p];
      for (let j = 0; j < n; j++) c[i * n + j] += x * b[p * n + j];
    }
  return c;
}

function fastest() {
  try {
    return assembled();
  } catch {
    return plain; // an old browser, or a page that forbids it
  }
}

// a[m, k], b[k, n] -> their product [m, n], all as Float32Arrays, row after row
export const matmul = fastest();
