// A small GPT: type, see what may come next and where each head looks, choose the next token.
import {clamp, el, percent, py, random} from './base.js';

const N = 64,
  LAYERS = 3,
  HEADS = 4;

// ---- byte-pair encoding, as walkdl.tokens.BPE does it
const seen = b => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
let hidden = 256;
const CHARS = Array.from({length: 256}, (_, b) => String.fromCharCode(seen(b) ? b : hidden++)),
  BYTES = new Map(CHARS.map((c, b) => [c, b]));
export class BPE {
  constructor({pattern, tokens, merges}) {
    this.pattern = RegExp(pattern, 'gu');
    this.tokens = tokens;
    this.cache = new Map();
    this.ids = new Map(tokens.map((t, i) => [t, i]));
    this.rank = new Map(merges.map(([a, b], i) => [a + ' ' + b, i]));
  }
  word(w) {
    let parts = [...new TextEncoder().encode(w)].map(b => CHARS[b]);
    while (parts.length > 1) {
      let best = Infinity,
        pair;
      for (let i = 1; i < parts.length; i++) {
        const r = this.rank.get(parts[i - 1] + ' ' + parts[i]);
        if (r < best) {
          best = r;
          pair = [parts[i - 1], parts[i]];
        }
      }
      if (!pair) break;
      const out = [];
      for (let i = 0; i < parts.length; i++)
        if (parts[i] === pair[0] && parts[i + 1] === pair[1]) {
          out.push(pair[0] + pair[1]);
          i++;
        } else out.push(parts[i]);
      parts = out;
    }
    return parts.map(p => this.ids.get(p));
  }
  encode(text) {
    return (text.match(this.pattern) ?? []).flatMap(w => {
      if (!this.cache.has(w)) this.cache.set(w, this.word(w));
      return this.cache.get(w);
    });
  }
  bytes(ids) {
    return Uint8Array.from(ids.flatMap(i => [...this.tokens[i]].map(c => BYTES.get(c))));
  }
  decode(ids) {
    return new TextDecoder('utf-8', {ignoreBOM: true}).decode(this.bytes(ids));
  }
  split(ids) {
    // [text, tail]: whole characters, and the tokens from the first half character on
    const strict = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
    for (let n = ids.length; n; n--)
      try {
        return [strict.decode(this.bytes(ids.slice(0, n))), ids.slice(n)];
      } catch {
        /* it ends within a character: one token less */
      }
    return ['', ids];
  }
  piece(id) {
    // one token for the eye; half a character as its bytes
    const text = this.decode([id]);
    if (!text.includes('\ufffd')) return text;
    const hex = [...this.bytes([id])].map(b => b.toString(16).padStart(2, '0'));
    return `‹${hex.join('·')}›`;
  }
}

// ---- temperature, top-k, nucleus, as walkdl.gpt.next_probs does it
export function nextProbs(logits, temp, k, p) {
  const order = logits.map((v, i) => i).sort((a, b) => logits[b] - logits[a]),
    out = new Array(logits.length).fill(0);
  if (temp === 0) {
    out[order[0]] = 1;
    return out;
  }
  const keep = k ? order.slice(0, k) : order,
    e = keep.map(i => Math.exp((logits[i] - logits[order[0]]) / temp)),
    all = e.reduce((a, b) => a + b, 0);
  let before = 0,
    sum = 0;
  keep.forEach((i, j) => {
    if (p >= 1 || before < p) {
      out[i] = e[j] / all;
      sum += out[i];
    }
    before += e[j] / all;
  });
  return out.map(v => v / sum);
}

// ---- words in lines of a given width: [number, left, width] each
function wrapped(g, words, width) {
  const lines = [[]];
  let x = 0;
  words.forEach((t, i) => {
    const wide = g.measureText(t).width + 8;
    if (x + wide > width) {
      x = 0;
      lines.push([]);
    }
    lines.at(-1).push([i, x, wide]);
    x += wide + 2;
  });
  return lines;
}

const shown = t => t.replace(/\n/g, '⏎').replace(/ /g, '␣');

export default {
  title: 'A small GPT at work',
  help: 'Type a beginning. Click a bar to choose the next token, or roll the dice. Click a token to see where a head looks from there; click a small map to change the head.',
  state: {
    text: 'My fellow Americans, we must',
    tail: [],
    temperature: 1,
    top_k: 0,
    top_p: 0.9,
    seed: 0,
    head: 0,
    place: -1,
  },

  above: 3,

  mount(ui) {
    let bpe,
      result = null;
    const area = el('textarea', {
      rows: 2,
      value: ui.state.text,
      spellcheck: false,
      ariaLabel: 'The text so far',
      style: 'width:100%;resize:vertical',
      oninput: () => {
        const halves = tail().length ? /\ufffd/g : /(?!)/g;
        ui.set({text: area.value.replace(halves, '').slice(-2000), tail: [], place: -1});
      },
    });
    ui.box('The text so far', 560, 720).append(area);
    const bars = () => (result ? result.top : []);
    // the tokens after the last whole character: text alone cannot hold half of one
    const tail = () => ui.state.tail.filter(i => bpe?.tokens[i] !== undefined);
    const grown = id => {
      const [more, rest] = bpe.split([...tail(), id]);
      return {text: ui.state.text + more, tail: rest, place: -1};
    };
    const shrunk = () => {
      if (tail().length) return {tail: tail().slice(0, -1), place: -1};
      const [text, rest] = bpe.split(bpe.encode(ui.state.text).slice(0, -1));
      return {text, tail: rest, place: -1};
    };
    const add = id => ui.set(grown(id));
    const choose = p => {
      const t = bars()[Math.floor(p.y)];
      if (t) add(t[0]);
    };
    ui.canvas({
      label: 'The twelve likeliest next tokens as bars; press one to append it',
      width: 300,
      height: 312,
      world: [0, 1, 12, 0],
      step: [1, 1],
      into: ui.box('What comes next? (frame: before temperature, top-k and top-p)', 260, 340),
      draw(g) {
        g.textBaseline = 'middle';
        g.font = '14px system-ui, sans-serif';
        const most = Math.max(...bars().flatMap(([, p, raw]) => [p, raw]));
        bars().forEach(([id, p, raw], i) => {
          const y = 26 * i;
          g.fillStyle = ui.colors.blue;
          g.fillRect(120, y + 6, (120 * p) / most, 14);
          g.strokeStyle = ui.colors.quiet;
          g.lineWidth = 1;
          g.strokeRect(120, y + 3.5, (120 * raw) / most, 19);
          g.fillStyle = ui.colors.ink;
          g.textAlign = 'right';
          g.fillText(shown(bpe.piece(id)), 112, y + 13);
          g.textAlign = 'left';
          g.fillStyle = p ? ui.colors.ink : ui.colors.quiet;
          g.fillText(p ? percent(p) : 'cut', 246, y + 13);
        });
      },
      press: choose,
      describe(p) {
        const t = bars()[Math.floor(p.y)];
        return t ? `${bpe.piece(t[0])}, ${percent(t[1])}` : '';
      },
    });
    const n = () => result?.ids.length ?? 0,
      place = () => {
        const p = ui.state.place;
        return p < 0 || p >= n() ? n() - 1 : p;
      };
    const head = () => clamp(Math.round(ui.state.head), 0, LAYERS * HEADS - 1),
      row = (h, t) => result.attention.subarray((h * N + t) * N, (h * N + t) * N + n());
    let spots = [];
    const spotAt = p =>
      spots.find(([, x, y, wide]) => p.x >= x && p.x <= x + wide && p.y >= y && p.y < y + 26);
    ui.canvas({
      label:
        'The tokens of the text; from the framed one, the chosen head looks at the coloured ones',
      width: 340,
      height: 208,
      world: [0, 340, 208, 0],
      step: [12, 26],
      into: ui.box('Where this head looks from the framed token', 260, 380),
      draw(g) {
        spots = [];
        if (!result) return;
        g.font = '14px system-ui, sans-serif';
        g.textBaseline = 'middle';
        g.textAlign = 'left';
        const w = row(head(), place()),
          words = result.ids.map(i => shown(bpe.piece(i)));
        const lines = wrapped(g, words, 340),
          at = lines.findIndex(l => l.some(([i]) => i === place())),
          from = Math.max(0, Math.min(at - 5, lines.length - 8));
        lines.slice(from, from + 8).forEach((l, r) =>
          l.forEach(([i, x, wide]) => {
            const y = 26 * r;
            g.globalAlpha = i <= place() ? 0.85 * Math.sqrt(w[i]) : 0;
            g.fillStyle = ui.colors.sky;
            g.fillRect(x, y + 1, wide, 22);
            g.globalAlpha = i <= place() ? 1 : 0.45;
            g.fillStyle = ui.colors.ink;
            g.fillText(words[i], x + 4, y + 12);
            g.globalAlpha = 1;
            if (i === place()) {
              g.strokeStyle = ui.colors.ink;
              g.lineWidth = 2;
              g.strokeRect(x + 1, y + 1, wide - 2, 22);
            }
            spots.push([i, x, y, wide]);
          }),
        );
      },
      press(p) {
        const s = spotAt(p);
        if (s) ui.set({place: s[0]});
      },
      describe(p) {
        const s = spotAt(p);
        return s
          ? `token ${s[0] + 1}: ${bpe.piece(result.ids[s[0]])}, looked at with ${percent(row(head(), place())[s[0]])}`
          : '';
      },
    });
    const mapAt = p => [
      clamp(Math.floor(p.y), 0, LAYERS - 1),
      clamp(Math.floor(p.x), 0, HEADS - 1),
    ];
    ui.canvas({
      label:
        'Twelve maps, a row for each layer, a column for each head: who looks at whom; press one to choose the head',
      width: 640,
      height: 486,
      world: [0, HEADS, LAYERS, 0],
      step: [1, 1],
      into: ui.box(
        'All heads: each row of a map is a token, blue where it looks. Layer 1 above, layer 3 below',
        560,
        720,
      ),
      draw(g, c) {
        const S = 152,
          k = n() || 1;
        for (let h = 0; h < LAYERS * HEADS; h++) {
          const x = (h % HEADS) * 162,
            y = ((h / HEADS) | 0) * 162,
            v = new Float32Array(k * k);
          if (result)
            for (let t = 0; t < k; t++)
              row(h, t).forEach((a, j) => {
                v[t * k + j] = Math.sqrt(a);
              });
          c.image(v, k, k, {x: x + 2, y: y + 2, width: S, height: S, colors: ['paper', 'blue']});
          g.strokeStyle = h === head() ? ui.colors.ink : ui.colors.line;
          g.lineWidth = h === head() ? 3 : 1;
          g.strokeRect(x + 2, y + 2, S, S);
        }
      },
      press(p) {
        const [layer, column] = mapAt(p);
        ui.set({head: layer * HEADS + column});
      },
      describe(p) {
        const [layer, column] = mapAt(p);
        return `layer ${layer + 1}, head ${column + 1}`;
      },
    });
    const roll = () => {
      const p = result.probs;
      let u = random(1000 * ui.state.seed + n() + ui.state.text.length + tail().length)(),
        i = 0;
      while (i < p.length - 1 && (u -= p[i]) >= 0) i++;
      while (!p[i]) i--;
      return i;
    };
    ui.button('Roll the dice', () => result && add(roll()), {primary: true});
    let wrote = 0;
    ui.play('Write on', () => {
      // at most 40 tokens at a time
      if (!result || wrote === 40) {
        wrote = 0;
        return false;
      }
      wrote++;
      return grown(roll());
    });
    ui.button('Take back', () => {
      if (bpe) ui.set(shrunk());
    });
    ui.slider('temperature', 'temperature', {
      max: 2,
      step: 0.1,
      format: v => (v ? v.toFixed(1) : '0: greedy'),
    });
    ui.slider('top-k', 'top_k', {
      values: [1, 2, 3, 5, 10, 20, 40, 100, 0],
      format: v => (v ? `the best ${v}` : 'all'),
    });
    ui.slider('top-p', 'top_p', {
      min: 0.05,
      max: 1,
      step: 0.05,
      format: v => (v < 1 ? v.toFixed(2) : 'all'),
    });
    ui.slider('seed of the dice', 'seed', {max: 20, step: 1});
    return {
      async update(s) {
        bpe ??= new BPE(await ui.data('models/gpt.json'));
        const read = s.text + bpe.decode(tail());
        if (document.activeElement !== area || area.value !== read) {
          area.value = read;
          area.scrollTop = area.scrollHeight;
        }
        const all = [...bpe.encode(s.text), ...tail()],
          ids = all.slice(-N);
        const net = await ui.model('models/gpt.onnx');
        if (!ids.length) {
          result = null;
          ui.answer = {ids: [], probs: []};
          ui.say('Type something: a model continues, it does not begin.');
          return;
        }
        const x = new Float32Array(N);
        x.set(ids);
        const out = await net.run({x: [x, [1, N]]}),
          V = out.logits.dims[2];
        const logits = [...out.logits.data.subarray((ids.length - 1) * V, ids.length * V)];
        const raw = nextProbs(logits, 1, 0, 1),
          probs = nextProbs(logits, s.temperature, Math.round(s.top_k), s.top_p);
        const top = raw
            .map((v, i) => [i, probs[i], v])
            .sort((a, b) => b[2] - a[2])
            .slice(0, 12),
          kept = probs.filter(v => v).length;
        result = {ids, probs, top, attention: out.attention.data};
        ui.answer = {
          ids: all,
          logits,
          probs,
          best: bpe.decode([top[0][0]]),
          kept,
          roll: roll(),
          row: [...row(head(), place())],
        };
        ui.say(
          `After ${ids.length} tokens${all.length > N ? `, the last that the model sees,` : ''} the likeliest is “${shown(bpe.piece(top[0][0]))}” with ${percent(top[0][2])}. The dice choose among ${kept} ${kept === 1 ? 'token' : 'tokens'} and give it ${percent(top[0][1])}.`,
        );
      },
    };
  },

  code: s => {
    const tail = s.tail.filter(Number.isInteger);
    return `import torch
from walkdl.gpt import load_gpt, next_probs
gpt, bpe = load_gpt()
ids = ${tail.length ? `(bpe.encode(${py(s.text)}) + ${py(tail)})` : `bpe.encode(${py(s.text)})`}[-${N}:]
logits = gpt(torch.tensor([ids]))[0, -1]
next_probs(logits, ${py(s.temperature)}, ${s.top_k > 0 ? Math.round(s.top_k) : 'None'}, ${s.top_p < 1 ? s.top_p : 'None'})`;
  },
  paste: {
    label: 'Paste a text',
    hint: 'It becomes the beginning; the model sees its last 64 tokens',
    example: 'Tonight I can report',
    read: text => ({text: text.trim().slice(0, 2000), tail: [], place: -1}),
  },
};
