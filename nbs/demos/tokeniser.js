// A tokeniser to type into: its merges one by one, and what a sentence costs in six languages.
import {clamp, el, py, round} from './base.js';
import {BPE} from './gpt.js';

const MERGES = 768,
  BYTES = 256,
  LONGEST = 300,
  TINTS = ['blue', 'orange', 'green', 'purple'];
// The Universal Declaration of Human Rights, beginning of article 1
const LANGUAGES = [
  ['English', 'All human beings are born free and equal in dignity and rights.'],
  ['Spanish', 'Todos los seres humanos nacen libres e iguales en dignidad y derechos.'],
  ['German', 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.'],
  ['Finnish', 'Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan.'],
  ['Greek', 'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.'],
  ['Chinese', '人人生而自由，在尊严和权利上一律平等。'],
];

// what a link says: whole characters, not too many
const read = s => ({
  text: [...new TextDecoder().decode(new TextEncoder().encode(s.text))].slice(0, LONGEST).join(''),
  merges: clamp(Math.round(s.merges), 0, MERGES),
});
const seen = text => text.replaceAll(' ', '␣').replaceAll('\n', '⏎');
const letters = text => [...text].length;

export default {
  title: 'Cut a text into tokens',
  help: 'Type a text. Slide the merges from none (bytes) to all 768, or go to the next one that changes your text. The merges were learned from the presidents’ speeches.',
  state: {text: LANGUAGES[0][1], merges: 264},

  mount(ui) {
    let table, whole, bpe;

    const area = el('textarea', {
        rows: 3,
        maxLength: LONGEST,
        spellcheck: false,
        oninput: () => ui.set({text: area.value}),
      }),
      boxes = el('ol', {
        className: 'wd-tokens',
        style: 'max-width:none',
        tabIndex: 0,
        ariaLabel: 'tokens, each with its id',
      });
    ui.stage.append(
      el(
        'div',
        {style: 'flex:1 1 100%;min-width:0'},
        el('label', {style: 'display:block'}, 'text', area),
        boxes,
      ),
    );

    // ---- the same sentence in several languages
    const prices = LANGUAGES.map(([name, text]) => {
      const cells = [el('td'), el('td'), el('td')];
      const row = el(
        'tr',
        {},
        el(
          'td',
          {className: 'wd-name'},
          el('button', {type: 'button', className: 'wd-link', onclick: () => ui.set({text})}, name),
        ),
        ...cells,
      );
      return {name, text, cells, row};
    });
    const head = text => el('th', {scope: 'col'}, text);
    ui.stage.append(
      el(
        'div',
        {style: 'flex:1 1 100%;min-width:0'},
        el(
          'table',
          {className: 'wd-table'},
          el('caption', {}, 'One sentence in six languages; press one to see its tokens'),
          el('tr', {}, ...['language', 'tokens', 'letters each', 'price'].map(head)),
          ...prices.map(p => p.row),
        ),
      ),
    );
    const compare = () => {
      const counts = prices.map(p => bpe.encode(p.text).length),
        most = Math.max(...counts);
      prices.forEach(({text, cells}, i) => {
        const said = [
          counts[i],
          (letters(text) / counts[i]).toFixed(2),
          `× ${(counts[i] / counts[0]).toFixed(2)}`,
        ];
        cells.forEach((td, n) => (td.textContent = said[n]));
        cells[2].style.setProperty('--wd-tint', 'var(--wd-orange)');
        cells[2].style.setProperty('--wd-share', `${Math.round((45 * counts[i]) / most)}%`);
      });
      return Object.fromEntries(prices.map((p, i) => [p.name, counts[i]]));
    };

    // ---- merges
    const load = async () => {
      table ??= await ui.data('models/tokens.json', {now: true});
      whole ??= new BPE(table);
    };
    const nextMerge = ({text, merges}) => {
      // the oldest pair of neighbours in the text as it is cut now
      const cut = new BPE({...table, merges: table.merges.slice(0, merges)}),
        ranks = (text.match(cut.pattern) ?? []).flatMap(w => {
          const parts = cut.word(w).map(i => table.tokens[i]);
          return parts.slice(1).map((p, i) => whole.rank.get(`${parts[i]} ${p}`) ?? Infinity);
        });
      return Math.min(...ranks) + 1;
    };
    ui.button(
      'Next merge',
      async () => {
        await load();
        const now = read(ui.state),
          next = nextMerge(now);
        return ui.set({merges: next <= MERGES ? next : MERGES});
      },
      {primary: true},
    );
    ui.button('No merges', () => ui.set({merges: 0}));
    ui.slider('merges', 'merges', {max: MERGES, step: 1, into: ui.acts});

    return {
      async update(s) {
        await load();
        const {text, merges} = read(s),
          made = merges && BYTES + merges - 1;
        bpe = new BPE({...table, merges: table.merges.slice(0, merges)});
        const ids = bpe.encode(text);
        if (document.activeElement !== area) area.value = text;
        boxes.replaceChildren(
          ...ids.map((id, i) =>
            el(
              'li',
              {
                className: made && id === made ? 'wd-token wd-made' : 'wd-token',
                style: `--wd-tint:var(--wd-${TINTS[i % TINTS.length]})`,
              },
              seen(bpe.piece(id)),
              el('small', {}, String(id)),
            ),
          ),
        );
        const each = ids.length ? letters(text) / ids.length : 0,
          languages = compare();
        ui.answer = {ids, pieces: ids.map(i => bpe.piece(i)), each: round(each, 5), languages};
        const last = merges
            ? table.merges[merges - 1].map(t => `“${seen(bpe.piece(whole.ids.get(t)))}”`)
            : [],
          times = ids.filter(i => made && i === made).length;
        ui.say(
          [
            merges
              ? `Merge ${merges} joins ${last.join(' and ')}: ${times ? `${times} here` : 'none left here'}.`
              : 'No merges: each token is one byte.',
            ids.length
              ? `${ids.length} tokens for ${letters(text)} letters, ${each.toFixed(2)} letters a token.`
              : 'Type a text.',
          ].join(' '),
        );
      },
    };
  },

  code: s => {
    const {text, merges} = read(s);
    return `from walkdl.demo import shipped
from walkdl.tokens import BPE
bpe = BPE(BPE.load(shipped('tokens.json')).merges[:${merges}])
ids = bpe.encode(${py(text)})
print([bpe.decode([i]) for i in ids])
ids`;
  },
};
