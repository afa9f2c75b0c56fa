// What a page does beyond its links: tables that filter, boxes that scroll by keyboard, the menu, the theme.

// ---------- ledger tables: the filter stands in the address, each row has a link of its own

const params = new URLSearchParams(location.search);

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
    const query = params.toString();
    history.replaceState(null, '', (query ? `?${query}` : location.pathname) + location.hash);
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
    const link = Object.assign(document.createElement('a'), {
      href: `#${row.id}`,
      className: 'row-link',
      textContent: '#',
    });
    link.setAttribute('aria-label', 'Link to this row');
    row.cells[0].append(' ', link);
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
  const root = document.documentElement;
  const dark =
    root.dataset.scheme === 'alternate' ||
    [root, document.body].some(e => e.classList.contains('quarto-dark'));
  if (root.dataset.bsTheme !== (dark ? 'dark' : 'light'))
    root.dataset.bsTheme = dark ? 'dark' : 'light';
};
for (const node of [document.documentElement, document.body]) {
  new MutationObserver(theme).observe(node, {attributeFilter: ['class', 'data-scheme']});
}
theme();
