"use strict";

const status = document.querySelector(".status");
const say = (words) => {
  status.textContent = words;
  setTimeout(() => (status.textContent = ""), 2500);
};

// Numbers before text, empty cells last whichever way the column is sorted.
const order = new Intl.Collator("en", { numeric: true });
const compare = (a, b, sign) => {
  if (!a || !b) return a ? -1 : b ? 1 : 0;
  const [x, y] = [Number(a), Number(b)];
  return sign * (Number.isNaN(x) || Number.isNaN(y) ? order.compare(a, b) : x - y);
};

const FEW = 5; // rows that are seen at a glance: nothing to filter

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.sort;
      body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b), down ? -1 : 1)));
    });
  });

  const filter = table.closest("section").querySelector(".filter");
  const [text, verdict, shown] = ["input", "select", "output"].map((name) => filter.querySelector(name));
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/);
    let left = 0;
    for (const row of body.rows) {
      const said = row.textContent.toLowerCase();
      row.hidden = !(words.every((word) => said.includes(word)) && (!verdict?.value || row.querySelector("." + verdict.value)));
      left += !row.hidden;
    }
    shown.textContent = left === body.rows.length ? `${left} rows` : `${left} of ${body.rows.length} rows`;
  };
  filter.addEventListener("input", apply);
  filter.hidden = body.rows.length < FEW;
}

// Each file is in the page once: other links to it, and those to save a figure, take it from there.
for (const link of document.querySelectorAll("a[data-source]")) {
  const source = document.getElementById(link.dataset.source);
  link.href = source.href || source.src;
  link.hidden = false;
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      say("Copied.");
    } catch {
      getSelection().selectAllChildren(source);
      say("Selected: press Ctrl+C or ⌘C to copy.");
    }
  });
}

addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
});
