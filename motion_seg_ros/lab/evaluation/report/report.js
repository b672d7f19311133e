// Reading values off the plots, and sorting. Without it the page shows all the same.
"use strict";

function readOff(figure) {
  const { frames, series } = JSON.parse(figure.querySelector("script").textContent);
  if (frames.length === 0) return;
  const area = figure.querySelector(".area");
  const cursor = figure.querySelector(".cursor");
  const name = figure.querySelector(".frame");
  const readings = [...figure.querySelectorAll(".reading")].map((each) => each.querySelectorAll("b"));
  const means = [name.textContent, ...readings.flatMap((each) => [...each].map((b) => b.textContent))];
  let shown = null;

  function show(index) {
    shown = Math.min(Math.max(index, 0), frames.length - 1);
    cursor.hidden = false;
    cursor.style.left = `${frames.length > 1 ? (100 * shown) / (frames.length - 1) : 50}%`;
    name.textContent = frames[shown];
    readings.forEach(([region, boundary], number) => {
      region.textContent = text(series[number].J[shown]);
      boundary.textContent = text(series[number].F[shown]);
    });
  }

  function hide() {
    shown = null;
    cursor.hidden = true;
    const [mean, ...values] = means;
    name.textContent = mean;
    readings.forEach((each) => each.forEach((b) => (b.textContent = values.shift())));
  }

  area.addEventListener("pointermove", (event) => {
    const { left, width } = area.getBoundingClientRect();
    show(Math.round(((event.clientX - left) / width) * (frames.length - 1)));
  });
  area.addEventListener("pointerleave", hide);
  figure.addEventListener("blur", hide);
  figure.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") hide();
    if (step === undefined) return;
    event.preventDefault();
    show(shown === null ? (step > 0 ? 0 : frames.length - 1) : shown + step);
  });
}

function text(value) {
  return value === null ? "–" : value.toFixed(3);
}

function makeSortable(table) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "sort";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = heading.getAttribute("aria-sort") !== (column ? "descending" : "ascending");
      const descending = column ? falling : !falling;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => compare(a.cells[column], b.cells[column]));
      body.append(...(descending ? rows.reverse() : rows));
    });
  });
}

function compare(one, other) {
  const [a, b] = [one, other].map((cell) => {
    const value = cell.querySelector(".value");
    return value ? parseFloat(value.textContent.replace("−", "-")) || 0 : cell.textContent;
  });
  return typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
}

document.querySelectorAll(".over-time").forEach(readOff);
document.querySelectorAll("[data-sortable]").forEach(makeSortable);
// What is folded away belongs on paper; what is not yet decoded, too.
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((each) => (each.open = true));
  document.querySelectorAll("img").forEach((each) => (each.loading = "eager"));
});
