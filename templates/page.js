// Comfort, and nothing that the page needs: without this every word, number and curve is there all the same.
// The policy in the page's head names this very text by its digest, so no other script can run. What a record says is
// only ever moved or set as text, never read as markup.
"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const made = (tag, className, textContent = "") =>
    Object.assign(document.createElement(tag), { className, textContent });
  const wrapped = (holder, className) => {
    const button = Object.assign(made("button", className), { type: "button" });
    button.append(...holder.childNodes);
    holder.append(button);
    return button;
  };

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
      wrapped(head, "sort").addEventListener("click", () => {
        const next = { ascending: "descending", descending: "none" }[head.getAttribute("aria-sort")] ?? "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        if (next !== "none") head.setAttribute("aria-sort", next);
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

  // An arm is put away and brought back by its name in the legend, in all charts at once; so are the seeds' thin lines.
  const toggle = (item, name, what) => {
    const button = wrapped(item, "toggle");
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      const put = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!put));
      all(what).forEach((part) => part.classList.toggle(`no-${name}`, put));
    });
  };
  const arms = all(".arms-drawn [data-arm]");
  for (const legend of all(".arms-drawn")) {
    for (const item of arms) {
      if (legend.contains(item)) toggle(item, "arm", `.chart [data-arm="${item.dataset.arm}"]`);
    }
    if (!document.querySelector(".chart .mean")) continue;
    legend.append(made("li", "added", "seeds one by one"));
    toggle(legend.lastChild, "seed", ".chart .seed:has(~ .mean)");
  }

  // A chart says the value under the pointer, or under the arrow keys, in words: of the arm and seed that lie nearest.
  // The numbers are read from the drawing, which is exact to a tenth of a unit of its box.
  const letters = new Map(arms.map((one) => [one.dataset.arm, one.querySelector(".key")?.textContent]));
  const points = (path) =>
    (path.getAttribute("d").match(/M[^M]*/g) ?? []).flatMap((piece) => {
      const [x, y, ...steps] = piece.match(/-?(\d+\.?\d*|\.\d+)/g).map(Number);
      const found = [[x, y]];
      for (let n = 0; n < steps.length; n += 2) {
        const [a, b] = found.at(-1);
        found.push([a + steps[n], b + steps[n + 1]]);
      }
      return found;
    });
  const short = (value) => {
    const plain = value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6);
    return plain ? String(Number(value.toPrecision(4))) : value.toExponential(2);
  };
  for (const chart of all(".chart[data-box]")) {
    const [first, last] = chart.dataset.x.split(" ").map(Number);
    const [foot, top] = chart.dataset.y.split(" ").map(Number);
    const [left, above, wide, up] = chart.dataset.box.split(" ").map(Number);
    const told = made("output", "told");
    const here = document.createElementNS(chart.namespaceURI, "circle");
    let [lines, line, place] = [null, 0, 0];
    const shown = () => {
      lines ??= all(".seed, .mean", chart).map((group) => {
        const drawn = group.matches(".mean") ? all(".bold, .thinner", group) : all("path", group).slice(0, 1);
        return { group, points: drawn.flatMap(points) };
      });
      return lines.filter((one) => one.points.length && getComputedStyle(one.group).display !== "none");
    };
    const say = (one, [x, y]) => {
      const { arm, seed } = one.group.dataset;
      const who = [letters.get(arm) ?? "", seed === undefined ? "mean" : `seed ${seed}`].filter(Boolean).join(", ");
      const height = foot + ((above + up - y) / up) * (top - foot);
      const value = short(chart.dataset.log === "1" ? 10 ** height : height);
      const beyond = y <= above ? "at or above " : y >= above + up ? "at or below " : "≈ ";
      told.textContent = `${who}: step ${Math.round(first + ((x - left) / wide) * (last - first))}, ${beyond}${value}`;
      for (const [name, number] of [["cx", x], ["cy", y], ["r", 3.5]]) here.setAttribute(name, number);
      here.setAttribute("class", `here ${[...one.group.classList].find((name) => name.startsWith("in-arm")) ?? ""}`);
      chart.append(here);
    };
    const quiet = () => (here.remove(), (told.textContent = ""));
    chart.after(told);
    chart.setAttribute("tabindex", "0");
    chart.addEventListener("pointermove", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
      let best = null;
      shown().forEach((one, index) => {
        one.points.forEach(([x, y], number) => {
          const far = 4 * Math.abs(x - at.x) + Math.abs(y - at.y);
          if (!best || far < best.far) best = { far, one, index, number };
        });
      });
      if (!best) return quiet();
      [line, place] = [best.index, best.number];
      say(best.one, best.one.points[place]);
    });
    chart.addEventListener("pointerleave", quiet);
    chart.addEventListener("blur", quiet);
    const go = (row, step) => {
      const found = shown();
      if (!found.length) return quiet();
      line = (line + row + found.length) % found.length;
      const own = found[line].points;
      place = Math.max(0, Math.min(own.length - 1, step));
      say(found[line], own[place]);
    };
    chart.addEventListener("focus", () => chart.matches(":focus-visible") && go(0, place));
    chart.addEventListener("keydown", (event) => {
      const along = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: Infinity }[event.key];
      const across = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") quiet();
      if ((along ?? across) === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      go(across ?? 0, along ?? place);
    });
  }
})();
