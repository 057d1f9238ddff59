// Comfort, and nothing that the page needs: without this every word, number and curve is there all the same.
// The policy in the page's head names this very text by its digest, so no other script can run. What a record says is
// only ever moved or set as text, never read as markup.
"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const made = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });

  // A table is sorted by its headers: up, down, as it was. Groups stay groups, and a row of means stays below its own.
  const word = (cell) => (cell.classList.contains("n") ? cell.firstChild?.textContent ?? "" : cell.textContent).trim();
  const size = (text) => parseFloat(text.replace(/\u2212/g, "-").replace(/[\s,<>\u2264\u2265+]/g, ""));
  const order = (a, b) => {
    const [x, y] = [size(a), size(b)];
    if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;
    return isNaN(x) || x === y ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };
  const sort = (table, column, way) => {
    for (const group of table.tBodies) {
      const rows = [...group.rows].sort((a, b) => a.place - b.place);
      const one = (row) => word(row.cells[column]);
      if (way) rows.sort((a, b) => way * order(one(a), one(b)));
      const [told, last] = [(row) => !isNaN(size(one(row))), (row) => row.classList.contains("mean")];
      if (way < 0 && rows.some(told)) rows.sort((a, b) => told(b) - told(a));
      group.append(...rows.sort((a, b) => last(a) - last(b)));
    }
  };
  for (const table of all(".scroll table")) {
    const rows = [...table.tBodies].flatMap((group) => [...group.rows]);
    const heads = table.tHead?.rows.length === 1 ? [...table.tHead.rows[0].cells] : [];
    if (rows.length < 3 || rows.some((row) => row.cells.length !== heads.length)) continue;
    rows.forEach((row, place) => (row.place = place));
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = Object.assign(made("button", "sort"), { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" }[head.ariaSort ?? "none"];
        for (const other of heads) other.removeAttribute("aria-sort");
        if (next !== "none") head.ariaSort = next;
        sort(table, column, { ascending: 1, descending: -1, none: 0 }[next]);
      });
    });
  }

  // The contents say which section is before the reader's eyes.
  const contents = document.querySelector("nav");
  const links = new Map(all("a", contents ?? made("nav")).map((link) => [link.hash.slice(1), link]));
  const mark = (link) => {
    for (const other of links.values()) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    contents.scrollLeft = link.offsetLeft - contents.offsetLeft - contents.clientWidth / 3;
  };
  const watch = new IntersectionObserver(
    (seen) => seen.filter((one) => one.isIntersecting).forEach((one) => mark(links.get(one.target.id))),
    { rootMargin: "-25% 0px -70% 0px" },
  );
  for (const id of links.keys()) if (document.getElementById(id)) watch.observe(document.getElementById(id));
})();
