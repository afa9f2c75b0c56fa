// An exercise answered on the page: <walk-answer data-exercise='{"name": …, "kind": "number", …}'>.
// The page knows hashes of the right answer and, scrambled with them, the sentences about the likeliest mistakes:
// what is wrong can be read only by who makes that mistake. Progress stays in this browser.

const bytes = text => new TextEncoder().encode(text);

async function digest(...parts) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes(parts.join('|'))));
}

const hex = array => [...array].map(b => b.toString(16).padStart(2, '0')).join('');

function number(text) {
  const fraction = text.match(/^([-+]?[\d.]+)\s*\/\s*([\d.]+)$/);
  const value = fraction
    ? fraction[1] / fraction[2]
    : text.trim() === ''
      ? NaN
      : Number(text.replace('−', '-'));
  return Number.isFinite(value) ? value : null;
}

function word(text, digits) {
  const value = number(text);
  return value === null ? text.trim().toLowerCase() : fixed(value, digits);
}

function fixed(value, digits) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

// The one way to write an answer: the same as walkdl.core does it.
export function canonical(text, kind, digits) {
  if (kind === 'number') {
    const value = number(text.trim());
    return value === null ? null : fixed(value, digits);
  }
  if (kind === 'choice') return word(text.trim().replace(/^["'“”]|["'“”]$/g, ''), digits) || null;
  const items = text
    .trim()
    .replace(/^[[({]|[\])}]$/g, '')
    .split(/[,;\n]/);
  const words = items
    .map(s => word(s.trim().replace(/^["'“”]|["'“”]$/g, ''), digits))
    .filter(Boolean);
  if (kind === 'set') words.sort();
  return words.length ? words.join(',') : null;
}

async function unscramble(coded, salt, key) {
  const data = Uint8Array.from(atob(coded), c => c.charCodeAt(0));
  for (let block = 0; block * 32 < data.length; block++) {
    const pad = await digest(salt, key, String(block));
    for (let i = block * 32; i < Math.min(data.length, block * 32 + 32); i++)
      data[i] ^= pad[i % 32];
  }
  return new TextDecoder().decode(data);
}

// {solved, said}: is this text the answer, and what is said about it?
export async function check(exercise, text) {
  const key = canonical(text, exercise.kind, exercise.digits);
  if (key === null) {
    const wanted = {
      number: 'a number',
      choice: 'one of the choices',
      list: 'a list, with commas',
      set: 'a list, with commas',
    };
    return {solved: false, said: `Type ${wanted[exercise.kind]}.`};
  }
  const name = hex(await digest(exercise.salt, key)).slice(0, 20);
  if (exercise.right.includes(name)) return {solved: true, said: 'Right.'};
  const known = exercise.wrong[name];
  const said = known
    ? await unscramble(known, exercise.salt, key)
    : `${text.trim()} is not it. What would have to be true for it to be right?`;
  return {solved: false, said: said[0].toUpperCase() + said.slice(1)};
}

// ---------------------------------------------------------------- what this browser remembers

const SHELF = 'walkdl progress';

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(SHELF)) || {};
  } catch {
    return {};
  }
}

function remember(all) {
  try {
    localStorage.setItem(SHELF, JSON.stringify(all));
  } catch {
    /* a browser that keeps nothing */
  }
  dispatchEvent(new CustomEvent('walk-progress'));
}

const PAGE = globalThis.location?.pathname.split('/').pop().replace('.html', '') || 'index';

function make(tag, props, ...children) {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
}

function define() {
  class Answer extends HTMLElement {
    connectedCallback() {
      const exercise = JSON.parse(this.dataset.exercise);
      const slot = `${PAGE}/${exercise.name}`,
        kept = remembered()[slot];
      const input = make('input', {
        type: 'text',
        autocomplete: 'off',
        spellcheck: false,
        value: kept?.answer ?? '',
        inputMode: exercise.kind === 'number' ? 'decimal' : 'text',
        placeholder: {list: 'one, two, …', set: 'one, two, …'}[exercise.kind] ?? '',
      });
      const said = make('output', {className: 'answer-said'});
      const form = make(
        'form',
        {className: 'answer'},
        make('label', {}, 'Your answer ', input),
        make('button', {type: 'submit'}, 'Check'),
        said,
      );
      const show = (solved, text) => {
        said.dataset.solved = solved;
        said.value = `${solved ? '✓' : '✗'} ${text}`;
      };
      form.addEventListener('submit', async event => {
        event.preventDefault();
        if (!globalThis.crypto?.subtle)
          return show(false, 'This page can check answers only over https or from this machine.');
        const {solved, said: text} = await check(exercise, input.value);
        show(solved, text);
        remember({...remembered(), [slot]: {answer: input.value, solved}});
      });
      if (kept?.solved) show(true, 'Right.');
      this.replaceChildren(form);
    }
  }

  class Progress extends HTMLElement {
    connectedCallback() {
      addEventListener('walk-progress', () => this.draw());
      this.draw();
    }

    draw() {
      const all = remembered(),
        here = [...document.querySelectorAll('walk-answer')].map(
          a => `${PAGE}/${JSON.parse(a.dataset.exercise).name}`,
        );
      const solved = here.filter(slot => all[slot]?.solved).length;
      const save = make(
        'button',
        {type: 'button', onclick: () => this.save(all)},
        'Save as a file',
      );
      const erase = make('button', {type: 'button', onclick: () => this.erase()}, 'Erase');
      const line = `${solved} of the ${here.length} that can be answered here are solved. Kept in this browser only. `;
      this.replaceChildren(
        make(
          'p',
          {className: 'progress-line'},
          line,
          ...(Object.keys(all).length ? [save, ' ', erase] : []),
        ),
      );
    }

    save(all) {
      const url = URL.createObjectURL(
        new Blob([JSON.stringify(all, null, 1)], {type: 'application/json'}),
      );
      make('a', {href: url, download: 'walkdl-progress.json'}).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    }

    erase() {
      if (!confirm('Erase all answers that this browser keeps for the course?')) return;
      remember({});
      for (const a of document.querySelectorAll('walk-answer')) a.connectedCallback();
      this.firstChild.tabIndex = -1; // the button is gone: its reader stays here
      this.firstChild.focus();
    }
  }

  customElements.define('walk-answer', Answer);
  customElements.define('walk-progress', Progress);
  const heading = document.querySelector('#exercises');
  const title = heading?.matches('section') ? heading.querySelector('h2') : heading;
  if (title && document.querySelector('walk-answer') && !document.querySelector('walk-progress'))
    title.after(document.createElement('walk-progress'));
}

if (globalThis.customElements) define();
