// What a page does beyond its links: story or code, presenting, tables that filter, the menu, the theme.

// ---------- what stands in the address, links to a place in the page

const params = new URLSearchParams(location.search);
const inAddress = () => {
  const query = params.toString().replace(/=(?=&|$)/g, '');
  history.replaceState(null, '', (query ? `?${query}` : location.pathname) + location.hash);
};

const linkTo = (id, what) => {
  const link = Object.assign(document.createElement('a'), {
    href: `#${id}`,
    className: 'row-link',
    textContent: '#',
  });
  link.setAttribute('aria-label', `Link to this ${what}`);
  return link;
};
for (const claim of document.querySelectorAll('main :is(.claim, .better, .cited)[id]'))
  claim.append(linkTo(claim.id, 'claim'));
for (const code of document.querySelectorAll('.cell > .code-copy-outer-scaffold, [data-cell]'))
  code.append(linkTo(code.dataset.cell ?? code.parentElement.id, 'cell'));

// ---------- story or code: in the story, folded neighbours share a line; in the code each stands over its output

const root = document.documentElement;
const memory = () => {
  try {
    return localStorage;
  } catch {
    return {getItem: () => null, setItem: () => {}};
  }
};
const switches = document.querySelectorAll('.views [data-view]');
const folds = [...document.querySelectorAll('.cells > details.code-fold')].map(fold => ({
  fold,
  blocks: [...fold.querySelectorAll('[data-cell]')],
}));
const pressed = (view, on) => {
  for (const b of switches) if (b.dataset.view === view) b.setAttribute('aria-pressed', on);
};
const showView = view => {
  root.dataset.view = view;
  for (const {fold, blocks} of folds) {
    fold.hidden = view === 'code';
    if (fold.hidden)
      for (const code of blocks) document.getElementById(code.dataset.cell).prepend(code);
    else fold.append(...blocks);
  }
  for (const name of ['story', 'code']) pressed(name, name === view);
};
const chooseView = view => {
  for (const name of ['story', 'code']) params.delete(name);
  params.set(view, '');
  memory().setItem('view', view);
  inAddress();
  showView(view);
};
const openFold = () => {
  const there = target();
  if (!there) return;
  const mine = folds.find(({blocks}) => blocks.some(code => code.dataset.cell === there.id));
  if (mine) mine.fold.open = true;
};

// ---------- ledger tables: the filter stands in the address, each row has a link of its own

for (const box of document.querySelectorAll('.ledger-filter')) {
  const tables = box.dataset.for.split(' ').map(id => document.getElementById(id));
  const rows = tables.flatMap(table => [...table.querySelectorAll('tbody tr[id]')]);
  const [find, pick, count] = ['input', 'select', 'output'].map(tag => box.querySelector(tag));
  const texts = rows.map(row =>
    `${row.parentElement.dataset.chapter} ${row.textContent}`.toLowerCase(),
  );

  const remember = () => {
    for (const [name, value] of [
      ['q', find.value],
      ['chapter', pick.value],
    ]) {
      if (value) params.set(name, value);
      else params.delete(name);
    }
    inAddress();
  };
  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/);
    rows.forEach((row, i) => {
      const there = !pick.value || row.parentElement.dataset.chapter === pick.value;
      row.hidden = !(there && words.every(word => texts[i].includes(word)));
    });
    for (const group of tables.flatMap(table => [...table.tBodies]))
      group.hidden = !group.querySelector('tr[id]:not([hidden])');
    count.value = `${rows.filter(row => !row.hidden).length} of ${rows.length}`;
  };
  for (const row of rows) {
    row.cells[0].append(' ', linkTo(row.id, 'row'));
  }
  find.value = params.get('q') ?? '';
  pick.value = params.get('chapter') ?? '';
  if (pick.selectedIndex < 0) pick.value = '';
  find.addEventListener('input', () => (apply(), remember()));
  pick.addEventListener('change', () => (apply(), remember()));
  box.hidden = false;
  apply();
}

// ---------- a link to a section lands there, though a live model above it opens later

const target = () =>
  location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
const land = new ResizeObserver(() => target() && target().scrollIntoView());
const release = () => land.disconnect();
const hold = () => {
  if (!target()) return;
  land.observe(document.querySelector('main'));
  setTimeout(release, 10_000);
};
addEventListener('hashchange', hold);
for (const move of ['wheel', 'touchmove', 'keydown', 'pointerdown'])
  addEventListener(move, release, {passive: true});
hold();

// ---------- boxes that overflow can be reached by keyboard

const reachable = () => {
  for (const box of document.querySelectorAll('pre, .table-box, .math.display')) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute('tabindex');
  }
};
addEventListener('load', reachable);
addEventListener('resize', reachable);
document.addEventListener('toggle', reachable, true);

// ---------- parts of the menu and tabs, where the page comes without Bootstrap's script

const openPart = (button, part) => {
  const open = part.classList.toggle('show');
  button.classList.toggle('collapsed', !open);
  button.setAttribute('aria-expanded', open);
};
const openTab = (button, pane) => {
  for (const tab of button
    .closest('[role="tablist"], ul')
    .querySelectorAll('[data-bs-toggle="tab"]')) {
    tab.classList.toggle('active', tab === button);
    tab.setAttribute('aria-selected', tab === button);
  }
  for (const other of pane.parentElement.children) other.classList.toggle('active', other === pane);
};
if (!window.bootstrap) {
  document.addEventListener('click', event => {
    const button = event.target.closest('[data-bs-toggle="collapse"], [data-bs-toggle="tab"]');
    if (!button) return;
    const pane = document.querySelector(button.dataset.bsTarget || button.getAttribute('href'));
    (button.dataset.bsToggle === 'collapse' ? openPart : openTab)(button, pane);
    event.preventDefault();
  });
}

// ---------- one place where scripts and live models read the theme

const theme = () => {
  const dark =
    root.dataset.scheme === 'alternate' ||
    [root, document.body].some(e => e.classList.contains('quarto-dark'));
  if (root.dataset.bsTheme !== (dark ? 'dark' : 'light'))
    root.dataset.bsTheme = dark ? 'dark' : 'light';
};
for (const node of [root, document.body]) {
  new MutationObserver(theme).observe(node, {attributeFilter: ['class', 'data-scheme']});
}
theme();

// ---------- ?present: one section a screen, the first words and what is to be seen; the rest on demand

const SHOWN =
  '.math.display, figure, .table-box, .claim, .better, .cited, walk-demo, blockquote, walk-answer, li, .exercise-line';
const slides = [];
const gather = node => {
  for (const block of node.children) {
    if (block.matches('section')) gather(block);
    else if (
      !block.matches('.print-line, .page-navigation, .contents, .chapter-bar, .chapter-meta')
    ) {
      const starts = block.matches('header, h2, h3');
      if (starts && !slides.at(-1)?.every(b => b.matches('h2'))) slides.push([]);
      slides.at(-1)?.push(block);
    }
  }
};
const bar = Object.assign(document.createElement('nav'), {className: 'present-bar'});
let now = 0;
const scrollPage = step => {
  const before = scrollY;
  scrollBy(0, step * 0.85 * innerHeight);
  return scrollY !== before;
};
const showSlide = (n, end) => {
  now = Math.max(0, Math.min(n, slides.length - 1));
  slides.forEach((blocks, i) => {
    for (const block of blocks) block.classList.toggle('off-slide', i !== now);
  });
  bar.querySelector('output').value = `${now + 1} of ${slides.length}`;
  const id = slides[now][0].closest('section')?.id;
  history.replaceState(null, '', location.pathname + location.search + (id ? `#${id}` : ''));
  scrollTo(0, end ? root.scrollHeight : 0);
};
const demand = what => {
  const on = root.classList.toggle(`with-${what}`);
  bar.querySelector(`[data-do="${what}"]`).setAttribute('aria-pressed', on);
};
const leave = () => {
  params.delete('present');
  inAddress();
  delete root.dataset.present;
  bar.remove();
  showView(root.dataset.view);
  for (const block of document.querySelectorAll('.off-slide')) block.classList.remove('off-slide');
  target()?.scrollIntoView();
};
const go = {
  next: () => showSlide(now + 1),
  back: () => showSlide(now - 1),
  down: () => scrollPage(1) || go.next(),
  up: () => scrollPage(-1) || showSlide(now - 1, now > 0),
  first: () => showSlide(0),
  last: () => showSlide(slides.length),
  code: () => demand('code'),
  notes: () => demand('notes'),
  leave,
};
const KEYS = {
  ArrowRight: 'next',
  ArrowLeft: 'back',
  ArrowDown: 'down',
  ArrowUp: 'up',
  PageDown: 'down',
  PageUp: 'up',
  ' ': 'down',
  Home: 'first',
  End: 'last',
  c: 'code',
  n: 'notes',
  Escape: 'leave',
};
const BUTTONS = {
  back: ['‹', 'Section before'],
  next: ['›', 'Next section'],
  code: ['Code', 'Code (c)'],
  notes: ['Notes', 'Notes (n)'],
  leave: ['Leave', 'Leave (Escape)'],
};
const present = () => {
  if (!slides.length) {
    gather(document.querySelector('main'));
    for (const blocks of slides) {
      const lead = blocks.find(b => b.matches('p, header'));
      for (const b of blocks) {
        if (b.matches('h2, h3, header') || b === lead) continue;
        if (!b.matches(SHOWN) && !b.querySelector(SHOWN)) b.classList.add('note');
      }
    }
    bar.setAttribute('aria-label', 'Presentation');
    for (const [what, [text, label]] of Object.entries(BUTTONS)) {
      const button = Object.assign(document.createElement('button'), {
        type: 'button',
        textContent: text,
      });
      button.dataset.do = what;
      button.setAttribute('aria-label', label);
      button.addEventListener('click', () => go[what]());
      bar.append(button);
    }
    const count = document.createElement('output');
    count.setAttribute('aria-live', 'polite');
    bar.prepend(count);
  }
  params.set('present', '');
  inAddress();
  root.dataset.present = '';
  document.body.append(bar);
  const at = target();
  showSlide(
    at ? slides.findIndex(blocks => blocks.some(b => at.contains(b) || b.contains(at))) : 0,
  );
};
addEventListener('keydown', event => {
  const what = KEYS[event.key];
  const busy = event.target.closest('walk-demo, input, select, textarea, [contenteditable]');
  const pressing = event.key === ' ' && event.target.closest('button, summary, a');
  if (!('present' in root.dataset) || !what || event.defaultPrevented || pressing) return;
  if (event.ctrlKey || event.metaKey || event.altKey || (busy && what !== 'leave')) return;
  event.preventDefault();
  go[what]();
});

// ---------- how this page begins

const wished = ['story', 'code'].find(view => params.has(view)) ?? memory().getItem('view');
showView(wished === 'code' ? 'code' : 'story');
for (const button of switches) {
  const {view} = button.dataset;
  button.addEventListener('click', () => (view === 'present' ? present() : chooseView(view)));
}
addEventListener('hashchange', openFold);
openFold();
if (params.has('present')) present();
addEventListener('beforeprint', () => {
  const day = document.querySelector('.print-line > span');
  if (day) day.textContent = ` · ${new Date().toLocaleDateString('en-GB', {dateStyle: 'long'})}`;
});

// ---------- a second visit works without the network: what this page has loaded is kept

const worker = new URL('offline.js', document.currentScript.src);
if (navigator.serviceWorker && window === window.top)
  addEventListener('load', async () => {
    await navigator.serviceWorker.register(worker).catch(() => null);
    const {active} = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType('resource').map(entry => entry.name);
    const own = [location.href.split('#')[0], ...loaded].filter(url =>
      url.startsWith(location.origin),
    );
    active.postMessage(own);
  });
