"use strict";
// Filters and orders the cards. Without it the page shows everything, by name.
(() => {
  // Where a notebook shows the page, it has no folder around it; the notebook can open what it links to.
  if (parent !== window && document.baseURI.startsWith("blob:")) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[href]:not([href^='#'])");
      if (!link) return;
      event.preventDefault();
      parent.postMessage({ link: link.getAttribute("href") }, "*");
    });
  }
  const tools = document.getElementById("tools");
  const grid = document.getElementById("cards");
  if (!grid) return;
  const [text, state, findings, order] = ["text", "state", "findings", "order"].map((id) => document.getElementById(id));
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const plain = (value) => value.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const cards = Array.from(grid.children, (card, place) => ({
    card,
    place,
    words: plain(card.textContent + " " + Array.from(card.querySelectorAll(".strip a"), (a) => a.title).join(" ")),
    ...card.dataset,
  }));
  const states = Array.from(state.options, (option) => option.value);
  const largestFirst = (key) => (a, b) => (Number(b[key] ?? -Infinity) - Number(a[key] ?? -Infinity)) || 0;
  const orders = {
    "": () => 0,  // the order of the page
    state: (a, b) => states.indexOf(a.state) - states.indexOf(b.state),
  };
  const fits = {
    "": () => true,
    some: (card) => Number(card.warnings) > 0,
    none: (card) => Number(card.warnings) === 0,
    repaired: (card) => card.repaired !== undefined,
  };

  function filter() {
    const words = plain(text.value).split(/\s+/).filter(Boolean);
    let count = 0;
    for (const each of cards) {
      const fit = (!state.value || each.state === state.value) && fits[findings.value](each)
        && words.every((word) => each.words.includes(word));
      each.card.hidden = !fit;
      count += fit;
    }
    const all = cards.length === 1 ? "1 model" : `${cards.length.toLocaleString("en")} models`;
    shown.value = count === cards.length ? all : `${count.toLocaleString("en")} of ${all}`;
    nothing.hidden = count > 0;
  }

  function sort() {
    const compare = orders[order.value] ?? largestFirst(order.value);
    cards.sort((a, b) => compare(a, b) || a.place - b.place);
    grid.append(...cards.map((each) => each.card));
  }

  function reset() {
    text.value = state.value = findings.value = "";
    filter();
    text.focus();
  }

  text.addEventListener("input", filter);
  state.addEventListener("change", filter);
  findings.addEventListener("change", filter);
  order.addEventListener("change", sort);
  tools.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("reset").addEventListener("click", reset);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      text.focus();
    }
  });
  // On paper nothing can be opened.
  const closed = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      closed.push(details);
    }
  });
  addEventListener("afterprint", () => closed.splice(0).forEach((details) => { details.open = false; }));

  tools.hidden = false;
  sort();
  filter();  // a browser may have kept what was chosen before the page was loaded again
})();
