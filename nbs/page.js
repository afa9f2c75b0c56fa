// What a page does beyond its links: tables that filter, and boxes that scroll by keyboard where they overflow.
for (const box of document.querySelectorAll('.ledger-filter')) {
  const rows = [...document.querySelectorAll(`#${box.dataset.for} tbody tr`)];
  const [find, pick, count] = ['input', 'select', 'output'].map(t => box.querySelector(t));
  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/),
      chapter = pick.value;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(
        words.every(w => text.includes(w)) &&
        (!chapter || row.lastElementChild.textContent.includes(chapter))
      );
    }
    count.value = `${rows.filter(r => !r.hidden).length} of ${rows.length}`;
  };
  find.addEventListener('input', apply);
  pick.addEventListener('change', apply);
  box.hidden = false;
  apply();
}

const reachable = () => {
  for (const box of document.querySelectorAll('pre, .table-box, .math.display')) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute('tabindex');
  }
};
addEventListener('load', reachable);
addEventListener('resize', reachable);
document.addEventListener('toggle', reachable, true);

if (!window.bootstrap)
  document.addEventListener('click', event => {
    // smalldocs' pages come without Bootstrap's script
    const button = event.target.closest('[data-bs-toggle="collapse"], [data-bs-toggle="tab"]');
    if (!button) return;
    const target = document.querySelector(button.dataset.bsTarget || button.getAttribute('href'));
    if (button.dataset.bsToggle === 'collapse') {
      const open = target.classList.toggle('show');
      button.classList.toggle('collapsed', !open);
      button.setAttribute('aria-expanded', open);
    } else {
      for (const tab of button
        .closest('[role="tablist"], ul')
        .querySelectorAll('[data-bs-toggle="tab"]')) {
        tab.classList.toggle('active', tab === button);
        tab.setAttribute('aria-selected', tab === button);
      }
      for (const pane of target.parentElement.children)
        pane.classList.toggle('active', pane === target);
    }
    event.preventDefault();
  });

const theme = () => {
  // one place where scripts and live models read the theme
  const root = document.documentElement;
  const dark =
    root.dataset.scheme === 'alternate' ||
    [root, document.body].some(e => e.classList.contains('quarto-dark'));
  if (root.dataset.bsTheme !== (dark ? 'dark' : 'light'))
    root.dataset.bsTheme = dark ? 'dark' : 'light';
};
for (const node of [document.documentElement, document.body])
  new MutationObserver(theme).observe(node, {attributeFilter: ['class', 'data-scheme']});
theme();
