// Samuel's player of hexapawn: five weights, tested by playing and altered. The game, the terms and the exact chances are those of walkdl.intro.
import {py, random, round} from './base.js';

const n = 4,
  START = 'oooo........xxxx',
  TERMS = ['pawns', 'rows', 'threats', 'free', 'won'],
  MARGIN = 0.02,
  MOST = 300;
const turn = b =>
  [...b]
    .reverse()
    .map(c => (c === 'x' ? 'o' : c === 'o' ? 'x' : c))
    .join('');
const cells = [...Array(n * n).keys()];
function moves(b) {
  const mine = cells.filter(i => b[i] === 'x' && i >= n),
    out = mine.filter(i => b[i - n] === '.').map(i => [i, i - n]);
  for (const i of mine)
    for (const d of [-1, 1])
      if ((i % n) + d >= 0 && (i % n) + d < n && b[i - n + d] === 'o') out.push([i, i - n + d]);
  return out;
}
const play = (b, [i, j]) =>
  turn([...b].map((c, k) => (k === i ? '.' : k === j ? 'x' : c)).join(''));
const lost = b => b.slice(-n).includes('o') || !moves(b).length;
function terms(b) {
  // of a board that is handed over: b as the opponent sees it
  const me = turn(b),
    mine = cells.filter(i => me[i] === 'x'),
    rows = q => cells.reduce((t, i) => t + (q[i] === 'x' ? n - 1 - ((i / n) | 0) : 0), 0);
  const free = i => {
    for (let r = 0; r < ((i / n) | 0); r++)
      for (let k = Math.max(0, (i % n) - 1); k < Math.min(n, (i % n) + 2); k++)
        if (me[r * n + k] === 'o') return false;
    return true;
  };
  const threats = new Set(
    moves(b)
      .map(m => m[1])
      .filter(j => b[j] === 'o'),
  ).size;
  return [
    mine.length - cells.filter(i => b[i] === 'x').length,
    rows(me) - rows(b),
    threats,
    mine.filter(free).length,
    +lost(b),
  ];
}

let world;
function positions() {
  // every position, numbered as walkdl.intro.Positions numbers them
  if (world) return world;
  const boards = [START],
    number = new Map([[START, 0]]),
    kids = [];
  for (let s = 0; s < boards.length; s++) {
    const after = lost(boards[s]) ? [] : moves(boards[s]).map(m => play(boards[s], m));
    for (const c of after)
      if (!number.has(c)) {
        number.set(c, boards.length);
        boards.push(c);
      }
    kids.push(after.map(c => number.get(c)));
  }
  const seen = new Uint8Array(boards.length),
    order = []; // children before parents
  const visit = s => {
    seen[s] = 1;
    for (const k of kids[s]) if (!seen[k]) visit(k);
    order.push(s);
  };
  visit(0);
  world = {boards, number, kids, order, X: boards.map(terms)};
  world.zeros = new Float64Array(boards.length);
  world.perfect = ahead(world.zeros, 20);
  return world;
}
const sum = w => Float64Array.from(positions().X, x => x.reduce((t, v, i) => t + v * w[i], 0));
function ahead(score, plies) {
  const {kids} = world,
    N = kids.length;
  let v = Float64Array.from({length: N}, (_, s) => (kids[s].length ? score[s] : 1e3));
  for (let p = 0; p < plies; p++)
    v = Float64Array.from({length: N}, (_, s) =>
      kids[s].length ? -Math.max(...kids[s].map(k => v[k])) : 1e3,
    );
  return v;
}
const best = (score, ks) => {
  let m = -Infinity;
  for (const k of ks) if (score[k] > m) m = score[k];
  return ks.filter(k => score[k] >= m - 1e-9);
};
function chance(a, b) {
  // exact: [a goes first, b goes first]
  const {kids, order} = positions(),
    mine = new Float64Array(kids.length),
    yours = new Float64Array(kids.length);
  for (const s of order) {
    if (!kids[s].length) {
      yours[s] = 1;
      continue;
    }
    const A = best(a, kids[s]),
      B = best(b, kids[s]);
    mine[s] = A.reduce((t, k) => t + yours[k], 0) / A.length;
    yours[s] = B.reduce((t, k) => t + mine[k], 0) / B.length;
  }
  return [mine[0], yours[0]];
}
function wins(score, games, u) {
  // played against random moves, first in every other game
  const {kids} = positions();
  let won = 0;
  for (let g = 0; g < games; g++) {
    let s = 0,
      me = g % 2 === 0;
    for (; kids[s].length; me = !me) {
      const ks = me ? best(score, kids[s]) : kids[s];
      s = ks[(u() * ks.length) | 0];
    }
    won += !me;
  }
  return won / games;
}
const gauss = u => Math.sqrt(-2 * Math.log(1 - u())) * Math.cos(2 * Math.PI * u());
const sane = s => ({
  from: TERMS.map((_, i) =>
    Number.isFinite(s.from[i]) ? Math.max(-9, Math.min(9, s.from[i])) : 0,
  ),
  games: Math.max(1, Math.min(1000, s.games | 0)),
  tests: Math.max(0, Math.min(MOST, s.tests | 0)),
  seed: s.seed | 0,
});
let memory = {};
function learn(state) {
  // replays the tests; goes on from the last call where it can
  const s = sane(state),
    key = JSON.stringify([s.from, s.games, s.seed]),
    {zeros} = positions();
  const mean = w => chance(sum(w), zeros).reduce((t, v) => t + v) / 2;
  if (memory.key !== key) memory = {key, ws: [s.from], strength: [mean(s.from)], kept: 0};
  const m = memory;
  for (let t = m.ws.length; t <= s.tests; t++) {
    const u = random(s.seed * 7919 + t),
      w = m.ws[t - 1],
      next = w.map(v => v + gauss(u));
    const before = wins(sum(w), s.games, u),
      after = wins(sum(next), s.games, u),
      keep = after > before + MARGIN;
    m.ws.push(keep ? next : w);
    m.strength.push(keep ? mean(next) : m.strength[t - 1]);
  }
  return {w: m.ws[s.tests], strength: m.strength.slice(0, s.tests + 1), tests: s.tests};
}
let scored = {};
function scores(s) {
  const {w} = learn(s),
    look = Math.max(0, Math.min(10, s.look | 0)),
    key = JSON.stringify([w, look]);
  if (scored.key !== key) {
    const raw = sum(w),
      v = look ? ahead(raw, look) : raw;
    scored = {key, v, chance: chance(v, world.zeros), first: chance(v, world.perfect)[0]};
  }
  return scored;
}
function reply(s, at) {
  const ks = best(scores(s).v, positions().kids[at]);
  return ks[(random(s.seed * 31 + at)() * ks.length) | 0];
}
function board(s) {
  // as the reader sees it
  const {boards, number} = positions();
  if (s.done === 'you' ? number.has(turn(s.board)) : number.has(s.board)) return s.board;
  return s.first === 'you' ? START : boards[reply(s, 0)];
}
const pct = v => `${(100 * v).toFixed(1)} %`;
const minus = v => String(round(v, 2)).replace('-', '−');

export default {
  title: 'Samuel’s player learns hexapawn',
  help: 'Let it learn, then play: you are the circles. Choose one of your pawns, then the square it goes to: one up, or one diagonally up to take. Drag the bars to set the weights yourself.',
  state: {
    from: [0, 0, 0, 0, 0],
    tests: 0,
    games: 200,
    seed: 1,
    look: 0,
    first: 'you',
    board: '',
    pick: -1,
    done: '',
    won: 0,
    lost: 0,
  },
  above: 2,
  lines: 3,

  mount(ui) {
    const square = p =>
      Math.max(0, Math.min(n - 1, Math.floor(p.y))) * n +
      Math.max(0, Math.min(n - 1, Math.floor(p.x)));
    const fresh = {board: '', pick: -1, done: ''};
    ui.canvas({
      label: 'The board. Your pawns are circles and go up, its pawns are squares and go down',
      width: 230,
      height: 230,
      world: [0, n, n, 0],
      step: [1, 1],
      draw(g, c) {
        const s = ui.state,
          b = board(s),
          k = ui.colors,
          side = c.width / n,
          open = s.done ? [] : moves(b);
        for (const i of cells) {
          const x = (i % n) * side,
            y = ((i / n) | 0) * side;
          g.fillStyle = ((i % n) + ((i / n) | 0)) % 2 ? k.panel : k.line;
          g.fillRect(x, y, side, side);
          if (s.pick >= 0 && open.some(m => m[0] === s.pick && m[1] === i)) {
            g.strokeStyle = k.ink;
            g.lineWidth = 2;
            g.setLineDash([4, 4]);
            g.strokeRect(x + 6, y + 6, side - 12, side - 12);
            g.setLineDash([]);
          }
          if (b[i] === '.') continue;
          g.beginPath();
          g.lineWidth = s.pick === i ? 4 : 1.5;
          g.strokeStyle = k.ink;
          if (b[i] === 'x') {
            g.arc(x + side / 2, y + side / 2, side * 0.3, 0, 7);
            g.fillStyle = k.blue;
          } else {
            g.rect(x + side * 0.24, y + side * 0.24, side * 0.52, side * 0.52);
            g.fillStyle = k.red;
          }
          g.fill();
          g.stroke();
        }
      },
      press(p) {
        const s = ui.state,
          b = board(s),
          i = square(p),
          {kids, boards, number} = positions();
        if (s.done) return ui.set(fresh);
        if (b[i] === 'x') return ui.set({pick: s.pick === i ? -1 : i, board: b});
        const m = moves(b).find(v => v[0] === s.pick && v[1] === i);
        if (!m) return ui.set({pick: -1});
        const mid = number.get(play(b, m));
        if (!kids[mid].length)
          return ui.set({board: turn(boards[mid]), pick: -1, done: 'you', won: s.won + 1});
        const end = reply(s, mid),
          over = !kids[end].length;
        return ui.set({
          board: boards[end],
          pick: -1,
          done: over ? 'machine' : '',
          lost: s.lost + over,
        });
      },
      describe(p) {
        const i = square(p),
          c = board(ui.state)[i];
        return `Row ${n - ((i / n) | 0)}, column ${(i % n) + 1}: ${c === 'x' ? 'your pawn' : c === 'o' ? 'its pawn' : 'empty'}${ui.state.pick === i ? ', chosen' : ''}.`;
      },
    });

    const SPAN = 6;
    ui.canvas({
      label: 'The five weights, one bar each; drag a bar to set its weight',
      width: 230,
      height: 230,
      world: [-SPAN, SPAN, 5, 0],
      step: [0.5, 1],
      draw(g, c) {
        const {w} = learn(ui.state),
          k = ui.colors,
          big = Math.max(SPAN, ...w.map(Math.abs));
        g.strokeStyle = k.line;
        g.lineWidth = 1;
        g.beginPath();
        g.moveTo(c.X(0), 0);
        g.lineTo(c.X(0), c.height);
        g.stroke();
        w.forEach((v, i) => {
          g.fillStyle = v < 0 ? k.orange : k.blue;
          const x = c.X((v / big) * SPAN);
          g.fillRect(
            Math.min(x, c.X(0)),
            c.Y(i + 0.5),
            Math.abs(x - c.X(0)),
            (c.height / 5) * 0.34,
          );
          g.fillStyle = k.ink;
          g.fillText(`${TERMS[i]} ${minus(v)}`, 6, c.Y(i + 0.4));
        });
      },
      press: p => setWeight(p),
      drag: p => setWeight(p),
      describe(p) {
        const i = Math.max(0, Math.min(4, Math.floor(p.y)));
        return `${TERMS[i]}: ${minus(learn(ui.state).w[i])}; press to set it to ${minus(p.x)}.`;
      },
    });
    function setWeight(p) {
      const i = Math.max(0, Math.min(4, Math.floor(p.y))),
        v = Math.round(Math.max(-SPAN, Math.min(SPAN, p.x)) * 10) / 10;
      watch.stop();
      return ui.set({from: learn(ui.state).w.map((o, j) => (j === i ? v : round(o, 2))), tests: 0});
    }

    ui.canvas({
      label: 'Exact share of games won against random play, after each test',
      width: 470,
      height: 130,
      draw(g, c) {
        const {strength, tests} = learn(ui.state),
          k = ui.colors,
          last = Math.max(50, tests),
          X = t => 34 + (t / last) * (c.width - 44),
          Y = v => 10 + (1 - v) * (c.height - 32);
        g.lineWidth = 1;
        for (const [v, label] of [
          [1, '100 %'],
          [0.5, '50 %'],
          [0, '0'],
        ]) {
          g.strokeStyle = k.line;
          g.beginPath();
          g.moveTo(34, Y(v));
          g.lineTo(c.width, Y(v));
          g.stroke();
          g.fillStyle = k.quiet;
          g.fillText(label, 0, Y(v) + 4);
        }
        g.fillText('tests', c.width - 34, c.height - 4);
        g.fillText(String(last), c.width - 62, c.height - 4);
        g.fillText('0', 34, c.height - 4);
        g.strokeStyle = k.blue;
        g.lineWidth = 2;
        g.beginPath();
        strength.forEach((v, t) => (t ? g.lineTo(X(t), Y(v)) : g.moveTo(X(t), Y(v))));
        g.stroke();
        g.fillStyle = k.blue;
        g.beginPath();
        g.arc(X(tests), Y(strength[tests]), 4, 0, 7);
        g.fill();
      },
    });

    const watch = ui.play('Learn', () =>
      learn(ui.state).tests < MOST ? {tests: learn(ui.state).tests + 1} : false,
    );
    ui.button('One test', () => {
      watch.stop();
      return ui.set({tests: Math.min(MOST, learn(ui.state).tests + 1)});
    });
    ui.button('Forget all', () => {
      watch.stop();
      return ui.set({from: [0, 0, 0, 0, 0], tests: 0, seed: (ui.state.seed % 99) + 1});
    });
    ui.slider('games a test', 'games', {values: [1, 20, 50, 200, 500]});
    ui.select('it looks ahead', 'look', [
      [0, 'not at all'],
      [2, '2 half-moves'],
      [4, '4 half-moves'],
      [10, '10 half-moves'],
    ]);
    const who = ui.select('first move', 'first', [
      ['you', 'you'],
      ['machine', 'the machine'],
    ]);
    who.addEventListener('change', () => ui.set(fresh));
    ui.button('New game', () => ui.set(fresh), {primary: true});

    return {
      update(s) {
        const {w, tests, strength} = learn(s),
          {chance: c, first} = scores(s),
          {number, perfect, boards} = positions(),
          b = board(s);
        const mean = (c[0] + c[1]) / 2,
          at = number.get(b);
        ui.answer = {
          w: [...w],
          tests,
          strength: strength[tests],
          chance: [...c],
          mean,
          first,
          positions: boards.length,
          board: b,
          done: s.done,
          winning: s.done ? null : perfect[at] < 0,
        };
        const game =
          s.done === 'you'
            ? 'You won. Press the board for a new game.'
            : s.done === 'machine'
              ? 'The machine won. Press the board for a new game.'
              : `Your move; with perfect play ${perfect[at] < 0 ? 'you would win' : 'the machine would win'} from here.`;
        ui.say(
          `After ${tests} tests it wins ${pct(mean)} against random play, and ${pct(first)} going first against perfect play. ${game} You ${s.won}, machine ${s.lost}.`,
        );
      },
    };
  },

  paste: {
    label: 'Five weights of your own',
    hint: 'pawns, rows, threats, free, won',
    example: '1, 0.2, -0.5, 0, 3',
    read(text) {
      const v = text
        .trim()
        .split(/[\s,;]+/)
        .map(Number);
      if (v.length !== 5 || v.some(x => !Number.isFinite(x) || Math.abs(x) > 9))
        throw Error(`Five numbers from −9 to 9 are wanted: ${TERMS.join(', ')}.`);
      return {from: v, tests: 0};
    },
    write: s =>
      learn(s)
        .w.map(v => round(v, 3))
        .join(', '),
  },
  code: s => `import numpy as np
from walkdl.intro import *

pos = Positions(Hexapawn())
X = np.array([terms(pos.game, b) for b in pos.boards])
score = X @ np.array(${py(learn(s).w)})
${s.look ? `score = look_ahead(pos, score, ${py(Math.max(0, Math.min(10, s.look | 0)))})\n` : ''}print(win_chance(pos, score, np.zeros(len(X))).mean())`,
};
