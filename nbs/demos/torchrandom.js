// torch's random numbers: Mersenne twister, uniform in 24 bits, normal by Box and Muller in blocks of 16.
export function torchRandom(seed) {
  const s = new Uint32Array(624);
  let i = 624;
  s[0] = seed >>> 0;
  for (let k = 1; k < 624; k++) {
    const v = s[k - 1] ^ (s[k - 1] >>> 30);
    s[k] = Math.imul(1812433253, v) + k;
  }
  const next = () => {
    if (i === 624) {
      for (let k = 0; k < 624; k++) {
        const y = (s[k] & 0x80000000) | (s[(k + 1) % 624] & 0x7fffffff);
        s[k] = s[(k + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      i = 0;
    }
    let y = s[i++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  };
  const uniform = () => (next() & 0xffffff) / 16777216;
  const block = (v, at) => {
    for (let j = at; j < at + 8; j++) {
      const r = Math.sqrt(-2 * Math.log(1 - v[j])),
        a = 2 * Math.PI * v[j + 8];
      v[j] = r * Math.cos(a);
      v[j + 8] = r * Math.sin(a);
    }
  };
  const normal = n => {
    // n of 16 or more
    const v = new Float32Array(n);
    for (let k = 0; k < n; k++) v[k] = uniform();
    for (let k = 0; k + 16 <= n; k += 16) block(v, k);
    if (n % 16) {
      for (let k = n - 16; k < n; k++) v[k] = uniform();
      block(v, n - 16);
    }
    return v;
  };
  return {uniform, normal};
}
