// Word vectors to ask: neighbours, analogies, and a plane between four words. The vectors are walkdl.vectors' own, learned from presidents' addresses.
import {clamp, el, py, round} from './base.js';

const START = {
  word: 'school',
  a: 'school',
  b: 'schools',
  c: 'bank',
  barred: true,
  left: 'peace',
  right: 'war',
  low: 'poor',
  high: 'rich',
  show: 'army navy children schools trade farmers workers tax treaty soldiers bank money congress freedom',
};

export class Vectors {
  // unit vectors from bytes
  constructor({words, dim, bytes}) {
    const raw = new Int8Array(Uint8Array.from(atob(bytes), c => c.charCodeAt(0)).buffer);
    this.words = words.split(' ');
    this.dim = dim;
    this.at = new Map(this.words.map((w, i) => [w, i]));
    this.unit = this.words.map((_, i) =>
      Vectors.norm(Float64Array.from(raw.subarray(i * dim, (i + 1) * dim))),
    );
  }
  static norm(v) {
    const n = Math.hypot(...v) + 1e-12;
    return v.map(x => x / n);
  }
  id(word) {
    const w = String(word).trim().toLowerCase();
    if (this.at.has(w)) return this.at.get(w);
    const like =
      w.length > 2 ? this.words.filter(v => v.startsWith(w.slice(0, 3))).slice(0, 4) : [];
    throw Error(
      `“${w.slice(0, 24)}” has no vector here.${like.length ? ` Near in spelling: ${like.join(', ')}.` : ''}`,
    );
  }
  sum(plus, minus = []) {
    const q = new Float64Array(this.dim);
    for (const w of plus) this.unit[this.id(w)].forEach((x, k) => (q[k] += x));
    for (const w of minus) this.unit[this.id(w)].forEach((x, k) => (q[k] -= x));
    return Vectors.norm(q);
  }
  near(q, n, bar = []) {
    const no = new Set(bar.map(w => this.id(w)));
    return this.unit
      .map((u, i) => [this.words[i], u.reduce((t, x, k) => t + x * q[k], 0), i])
      .filter(r => !no.has(r[2]))
      .sort((p, r) => r[1] - p[1])
      .slice(0, n)
      .map(r => r.slice(0, 2));
  }
}

const INPUT =
  'min-width:0;flex:1 1 3rem;width:3rem;min-height:30px;font:inherit;color:inherit;background:var(--wd-panel);border:1px solid var(--wd-quiet);border-radius:5px;padding:0 .3rem';
const list = s =>
  [
    ...new Set(
      String(s.show)
        .toLowerCase()
        .split(/[\s,;]+/)
        .filter(Boolean),
    ),
  ].slice(0, 30);

export default {
  title: 'Ask the words of the presidents',
  help: 'Type words into the fields, or press a neighbour to go on from there. 3,631 words, learned from 233 State of the Union addresses; nothing else is known to them.',
  state: START,
  above: 2,

  mount(ui) {
    let V = null,
      result = {near: [], analogy: [], plane: []};
    const TOP = 24,
      ROW = 23;
    const box = (label, key, color, title) => {
      const row = p => result[key][Math.floor((p.y - TOP) / ROW)];
      ui.canvas({
        label,
        width: 236,
        height: 210,
        world: [0, 236, 210, 0],
        step: [20, ROW],
        draw(g, c) {
          g.fillStyle = ui.colors.quiet;
          g.fillText(title(ui.state).slice(0, 38), 8, 15);
          result[key].forEach(([w, v], i) => {
            const y = TOP + i * ROW;
            g.fillStyle = ui.colors[color];
            g.globalAlpha = 0.35;
            g.fillRect(6, y, Math.max(0, v) * (c.width - 12), ROW - 5);
            g.globalAlpha = 1;
            g.fillStyle = ui.colors.ink;
            g.fillText(w, 10, y + 13);
            g.fillText(v.toFixed(2), c.width - 34, y + 13);
          });
        },
        press(p) {
          const r = row(p);
          if (r) ui.set({word: r[0]});
        },
        describe(p) {
          const r = row(p);
          return r ? `${r[0]}, cosine ${r[1].toFixed(2)}; press to go there.` : 'nothing here';
        },
      });
    };
    box(
      'The eight nearest words, a bar for each cosine',
      'near',
      'blue',
      s => `nearest to ${s.word}`,
    );
    box(
      'The best answers to the analogy, a bar for each cosine',
      'analogy',
      'orange',
      s => `${s.a} → ${s.b}, ${s.c} → …`,
    );

    const scale = () =>
      0.56 / Math.max(0.2, ...result.plane.flatMap(r => [Math.abs(r[1]), Math.abs(r[2])])); // the farthest word just fits
    const nearest = p =>
      result.plane
        .map(r => [Math.hypot(r[1] * scale() - p.x, r[2] * scale() - p.y), r])
        .sort((a, b) => a[0] - b[0])[0]?.[1];
    ui.canvas({
      label:
        'A plane: how much more a word is like the right than the left word, and like the upper than the lower',
      width: 482,
      height: 340,
      world: [-0.72, 0.72, -0.72, 0.72],
      step: [0.08, 0.08],
      draw(g, c) {
        const k = ui.colors,
          s = ui.state;
        g.strokeStyle = k.line;
        g.lineWidth = 1;
        g.beginPath();
        g.moveTo(c.X(-0.7), c.Y(0));
        g.lineTo(c.X(0.7), c.Y(0));
        g.moveTo(c.X(0), c.Y(-0.7));
        g.lineTo(c.X(0), c.Y(0.7));
        g.stroke();
        g.fillStyle = k.quiet;
        g.fillText(`← ${s.left}`, 6, c.Y(0) - 6);
        g.textAlign = 'right';
        g.fillText(`${s.right} →`, c.width - 6, c.Y(0) - 6);
        g.textAlign = 'center';
        g.fillText(`↑ ${s.high}`, c.X(0), 14);
        g.fillText(`↓ ${s.low}`, c.X(0), c.height - 6);
        g.textAlign = 'start';
        const f = scale(),
          dots = result.plane.map(([w, x, y]) => [
            w,
            clamp(c.X(x * f), 4, c.width - 8),
            clamp(c.Y(y * f), 8, c.height - 8),
          ]);
        const used = dots.map(([, x, y]) => [x - 3.5, y + 4, 7]); // [left, base line, width] of what a label must not hide
        g.fillStyle = k.blue;
        for (const [, x, y] of dots) {
          g.beginPath();
          g.arc(x, y, 3.5, 0, 7);
          g.fill();
        }
        g.fillStyle = k.ink;
        for (const [w, x, y] of dots) {
          const wide = g.measureText(w).width,
            left = x + 6 + wide > c.width ? x - 8 - wide : x + 6;
          let base = y + 4;
          for (
            let i = 1;
            i < 25 &&
            used.some(
              u => Math.abs(u[1] - base) < 12 && left < u[0] + u[2] + 2 && u[0] < left + wide + 2,
            );
            i++
          )
            base += i % 2 ? -i * 6 : i * 6;
          used.push([left, base, wide]);
          g.fillText(w, left, base);
        }
      },
      press(p) {
        const r = nearest(p);
        if (r) ui.set({word: r[0]});
      },
      describe(p) {
        const r = nearest(p),
          s = ui.state;
        return r
          ? `${r[0]}: ${s.right} minus ${s.left} ${r[1].toFixed(2)}, ${s.high} minus ${s.low} ${r[2].toFixed(2)}.`
          : 'no words';
      },
    });

    const fields = {};
    const field = (label, keys, into = ui.panel) => {
      const line = el('div', {style: 'display:flex;gap:.3rem'});
      for (const [key, name] of keys) {
        fields[key] = el('input', {
          type: 'text',
          ariaLabel: name,
          value: ui.state[key],
          size: key === 'show' ? 28 : 8,
          maxLength: key === 'show' ? 400 : 24,
          autocapitalize: 'off',
          spellcheck: false,
          style: INPUT,
          onchange: e =>
            ui.set({[key]: e.target.value.trim().toLowerCase() || START[key]}, {save: true}),
        });
        line.append(fields[key]);
      }
      into.append(
        el('div', {role: 'group', ariaLabel: label, style: 'flex:1 1 100%'}, label, line),
      );
    };
    field('Neighbours of', [['word', 'word whose neighbours are shown']], ui.acts);
    field('Analogy: first is to second as third is to …', [
      ['a', 'first word'],
      ['b', 'second word'],
      ['c', 'third word'],
    ]);
    ui.check('bar the three words as answers', 'barred');
    field('Plane: left, right, lower, upper word', [
      ['left', 'left word'],
      ['right', 'right word'],
      ['low', 'lower word'],
      ['high', 'upper word'],
    ]);
    field('Words in the plane', [['show', 'words shown in the plane']]);

    return {
      async update(s) {
        V ??= new Vectors(await ui.data('models/words.json'));
        for (const [k, f] of Object.entries(fields))
          if (document.activeElement !== f || f.value !== s[k]) f.value = s[k];
        const told = [],
          safe = (f, otherwise) => {
            try {
              return f();
            } catch (e) {
              told.push(e.message);
              return otherwise;
            }
          };
        const near = safe(() => V.near(V.sum([s.word]), 8, [s.word]), []);
        const analogy = safe(
          () => V.near(V.sum([s.b, s.c], [s.a]), 8, s.barred ? [s.a, s.b, s.c] : []),
          [],
        );
        const axes = safe(() => [V.sum([s.right], [s.left]), V.sum([s.high], [s.low])], null);
        const dot = (u, q) => u.reduce((t, x, k) => t + x * q[k], 0),
          gone = list(s).filter(w => !V.at.has(w));
        const plane = axes
          ? list(s)
              .filter(w => V.at.has(w))
              .map(w => [w, ...axes.map(q => dot(V.unit[V.at.get(w)], q))])
          : [];
        if (gone.length)
          told.push(
            `Not in the plane, as they have no vector here: ${gone.slice(0, 6).join(', ')}.`,
          );
        result = {near, analogy, plane};
        const fine = r => r.map(([w, ...v]) => [w, ...v.map(x => round(x, 5))]);
        ui.answer = {near: fine(near), analogy: fine(analogy), plane: fine(plane), told};
        ui.say(
          [
            near.length &&
              `Nearest to ${s.word}: ${near
                .slice(0, 4)
                .map(r => r[0])
                .join(', ')}.`,
            analogy.length && `${s.a} is to ${s.b} as ${s.c} is to ${analogy[0][0]}.`,
            ...told,
          ]
            .filter(Boolean)
            .join(' '),
        );
      },
    };
  },

  code: s => `from walkdl.vectors import presidents
V = presidents()
print(V.most_similar(${py(s.word)}, n=8))
V.analogy(${py(s.a)}, ${py(s.b)}, ${py(s.c)}, n=8, barred=${py(!!s.barred)})`,
  paste: {
    label: 'Paste words',
    hint: 'Up to 30 words for the plane, with spaces between them.',
    example: 'army navy war peace treaty',
    read: text => {
      const show = list({show: text});
      if (!show.length) throw Error('No word was found.');
      return {show: show.join(' ')};
    },
    write: s => String(s.show),
  },
};
