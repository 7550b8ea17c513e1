// The same value in each spelling: hover it or move the focus to it anywhere, and see it everywhere.

import { at, make } from "./dom.js";

const MOST = 6; // spellings that the bar shows
let closed = {}; // where the bar was closed: what lies there then is not meant

export function linkValues() {
  for (const event of ["mouseover", "focusin"]) {
    document.addEventListener(event, ({ target, type, clientX, clientY }) => {
      const place = target.closest?.("[data-ids]");
      if (type === "mouseover" && clientX === closed.x && clientY === closed.y) return;
      if (place) light(place, type === "focusin");
      else if (type === "focusin" && !at("linked").contains(target)) dim();
    });
  }
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") dim();
  });
}

export function dim() {
  for (const place of document.querySelectorAll("[data-ids].linked")) place.classList.remove("linked");
  at("linked").hidden = true;
}

function light(place, move) {
  dim();
  const ids = new Set(place.dataset.ids.split(" "));
  const linked = [...document.querySelectorAll("[data-ids]")]
    .filter((other) => other.dataset.ids.split(" ").some((id) => ids.has(id)));
  for (const other of linked) {
    other.classList.add("linked");
    if (move && other !== place) show(other);
  }
  const keyword = [...ids][0].replace(/^\d+-/, "");
  const spellings = linked.filter((other) => other.closest(".pane")).map((other) => {
    const title = other.closest(".pane").querySelector("h3").firstChild.textContent;
    const kind = other.classList.contains("exact") ? ", exact text" : "";
    return make("div", {}, make("dt", {}, title + kind), make("dd", {}, other.textContent || "(zero length)"));
  });
  const close = make("button", { type: "button" }, "Close");
  close.addEventListener("click", ({ clientX, clientY }) => {
    closed = { x: clientX, y: clientY };
    dim();
  });
  at("linked").replaceChildren(close, make("b", {}, keyword), make("dl", {}, ...spellings.slice(0, MOST)));
  at("linked").hidden = false;
}

/** Scroll a pane, and never the page, to a place in it. */
function show(place) {
  const pane = place.closest(".scroll");
  if (!pane) return;
  const [outer, inner] = [pane.getBoundingClientRect(), place.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) {
    pane.scrollTop += inner.top - outer.top - outer.height / 2;
  }
}
