// Search over the whole site, by MiniSearch: headings, terms and their other names before prose, prose before code.

const STOP = new Set(
  (
    'a about am an and are as at be by can did do does for from has have how i if in into is it its me my of on or ' +
    'not should than that the their them then there this to use was we what when where which who why will with without work works you your'
  ).split(' '),
);
const SPELLED = [
  [/iz(e|ed|es|ing|ation|ations)$/, 'is$1'],
  [/^licens/, 'licenc'],
  [/^defens/, 'defenc'],
  [/(ies)$/, 'y'],
  [/(?<=[a-z]{3})(ings?|ed|es|s|e)$/, ''],
];
const FIELDS = {heading: 8, also: 8, bold: 3, page: 2, text: 1, code: 0.3},
  KINDS = {term: 1.4, page: 1.2, section: 1, aside: 0.5, export: 0.15, reference: 0.3},
  FEW = 3,
  EACH = 2; // hits of one page before those of others

const words = text =>
  text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replaceAll('√', ' sqrt ')
    .split(/[\s\p{P}\p{S}]+/u)
    .filter(Boolean);
const stem = word => SPELLED.reduce((w, [from, to]) => w.replace(from, to), word.toLowerCase());
const known = word => (STOP.has(word.toLowerCase()) ? null : stem(word));

export async function finder(MiniSearch, entries) {
  // find(query) -> entries, best first: those with all words, then, where these are few, those with any
  const index = new MiniSearch({
    idField: 'href',
    fields: Object.keys(FIELDS),
    storeFields: ['page', 'heading', 'text', 'code', 'kind', 'also'],
    tokenize: words,
    processTerm: known,
  });
  await index.addAllAsync(entries);
  const options = {
    boost: FIELDS,
    prefix: (term, i, all) => i === all.length - 1 && term.length > 2,
    fuzzy: term => (term.length > 4 ? 0.15 : false),
    weights: {fuzzy: 0.2, prefix: 0.5},
    boostDocument: (id, term, {kind}) => KINDS[kind],
  };
  return query => {
    const all = index.search(query, {...options, combineWith: 'AND'});
    if (all.length >= FEW) return mixed(all);
    const ids = new Set(all.map(hit => hit.id)),
      any = index.search(query, {...options, combineWith: 'OR'});
    return mixed([...all, ...any.filter(hit => !ids.has(hit.id))]);
  };
}

function mixed(hits) {
  // no page takes all of the first places
  const seen = {},
    turn = ({id}) => {
      const page = id.split('#')[0];
      return (seen[page] = (seen[page] ?? 0) + 1);
    },
    late = hits.map(hit => turn(hit) > EACH);
  return [...hits.filter((_, i) => !late[i]), ...hits.filter((_, i) => late[i])];
}

const marked = (text, terms) =>
  // [[piece, does it match?], …]
  text.split(/([\p{L}\p{N}]+)/u).map(w => [w, terms.has(known(w) ?? '')]);

export function snippet({text = '', also = '', code = ''}, terms, length = 170) {
  // the part of an entry that shows most
  const whole = [text, also, code].find(part => marked(part, terms).some(([, hit]) => hit)) ?? text;
  const pieces = marked(whole, terms),
    first = Math.max(0, pieces.findIndex(([, hit]) => hit) - 16),
    shown = [];
  for (let i = first, n = 0; i < pieces.length && n < length; i++) {
    shown.push(pieces[i]);
    n += pieces[i][0].length;
  }
  if (first) shown.unshift(['… ', false]);
  return shown;
}

// ---------- the box

const SHOWN = 12;
const el = (tag, props, ...children) => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
};

function box(form) {
  const input = form.querySelector('input'),
    list = form.querySelector('.search-results'),
    root = new URL('.', import.meta.url);
  let find,
    active = -1;
  const ready = () =>
    (find ??= Promise.all([
      import(new URL('site_libs/minisearch/index.js', root)),
      fetch(new URL('search.json', root)).then(r => r.json()),
    ]).then(([{default: MiniSearch}, entries]) => finder(MiniSearch, entries)));

  const close = () => {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    choose(-1);
  };
  const choose = i => {
    const links = [...list.querySelectorAll('a')];
    active = i;
    links.forEach((a, k) => a.setAttribute('aria-selected', k === i));
    links[i]?.scrollIntoView({block: 'nearest'});
    if (links[i]) input.setAttribute('aria-activedescendant', links[i].id);
    else input.removeAttribute('aria-activedescendant');
  };
  const result = (hit, i) => {
    const terms = new Set(hit.terms),
      show = pieces => pieces.map(([w, on]) => (on ? el('mark', {}, w) : w));
    const a = el(
      'a',
      {href: new URL(hit.id, root).href, id: `result-${i}`, className: 'search-result'},
      el('strong', {}, ...show(marked(hit.heading ?? hit.page, terms))),
      hit.heading && hit.page ? el('span', {}, hit.page) : '',
      el('small', {}, ...show(snippet(hit, terms))),
    );
    a.setAttribute('role', 'option');
    return a;
  };
  const show = async () => {
    const query = input.value.trim();
    if (query.length < 2) return close();
    const hits = (await ready())(query).slice(0, SHOWN);
    if (query !== input.value.trim()) return;
    list.replaceChildren(
      ...(hits.length ? hits.map(result) : [el('p', {}, `Nothing is found for “${query}”.`)]),
    );
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    choose(-1);
  };

  input.addEventListener('focus', ready);
  input.addEventListener('input', show);
  input.addEventListener('keydown', e => {
    const links = list.querySelectorAll('a'),
      step = {ArrowDown: 1, ArrowUp: -1}[e.key];
    if (e.key === 'Escape') return close();
    if (step && links.length) {
      e.preventDefault();
      choose((active + step + (active < 0 && step < 0 ? 1 : 0) + links.length) % links.length);
    }
  });
  form.addEventListener('submit', e => {
    e.preventDefault();
    (list.querySelectorAll('a')[Math.max(active, 0)] ?? input).click();
  });
  list.addEventListener('click', close);
  document.addEventListener('pointerdown', e => form.contains(e.target) || close());
  document.addEventListener('keydown', e => {
    const typing = e.target.closest?.('input, textarea, select, canvas, [contenteditable]');
    const slash = e.key === '/' && !typing && !e.ctrlKey && !e.metaKey && !e.altKey;
    if (!slash && !((e.ctrlKey || e.metaKey) && e.key === 'k')) return;
    e.preventDefault();
    input.focus();
  });
}

// ---------- the filter of the glossary

function terms(label) {
  const [input, count] = ['input', 'output'].map(tag => label.querySelector(tag)),
    all = [...document.querySelectorAll('main dt')],
    parts = [...document.querySelectorAll('main section')];
  const apply = () => {
    const asked = input.value.toLowerCase().split(/\s+/);
    for (const dt of all) {
      const text = `${dt.textContent} ${dt.nextElementSibling.textContent}`.toLowerCase();
      dt.hidden = dt.nextElementSibling.hidden = !asked.every(word => text.includes(word));
    }
    for (const part of parts) part.hidden = !part.querySelector('dt:not([hidden])');
    count.value = `${all.filter(dt => !dt.hidden).length} of ${all.length}`;
  };
  input.addEventListener('input', apply);
  label.hidden = false;
  apply();
}

if (globalThis.document) {
  for (const form of document.querySelectorAll('form.search')) box(form);
  for (const label of document.querySelectorAll('.term-filter')) terms(label);
}
