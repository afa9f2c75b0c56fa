// What a page does beyond its links: tables that filter, and boxes that scroll by keyboard where they overflow.
for (const box of document.querySelectorAll('.ledger-filter')) {
  const rows = [...document.querySelectorAll(`#${box.dataset.for} tbody tr`)];
  const [find, pick, count] = ['input', 'select', 'output'].map(t => box.querySelector(t));
  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/), chapter = pick.value;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(words.every(w => text.includes(w)) && (!chapter || row.lastElementChild.textContent.includes(chapter)));
    }
    count.value = `${rows.filter(r => !r.hidden).length} of ${rows.length}`;
  };
  find.addEventListener('input', apply); pick.addEventListener('change', apply);
  box.hidden = false; apply();
}

const reachable = () => {
  for (const box of document.querySelectorAll('pre, .table-box, .math.display')) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0; else box.removeAttribute('tabindex');
  }
};
addEventListener('load', reachable); addEventListener('resize', reachable);
document.addEventListener('toggle', reachable, true);
