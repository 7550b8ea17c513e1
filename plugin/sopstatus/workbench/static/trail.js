import { at, make } from "./dom.js";
import { issueItem } from "./issues.js";

const LOSSY = new Set(["loses there", "untrusted link"]);

export function showTrail(trail) {
  const values = [];
  let statement = -1;
  for (const value of trail?.values ?? []) {
    if (value.statement !== statement) {
      statement = value.statement;
      values.push(about(value));
    }
    values.push(card(value));
  }
  if (trail && !values.length) values.push(make("p", {}, "Nothing is stated."));
  if (trail?.more) values.push(make("p", {}, `and ${trail.more} more values`));
  at("values").replaceChildren(...values);
  const left = trail?.untouched ?? [];
  at("untouched").replaceChildren(...(left.length ? [
    make("h3", {}, "Not touched"),
    make("ul", {}, ...left.map((one) => make("li", {}, make("code", {}, one.place), ` ${one.why}`, one.code ? ` (${one.code})` : ""))),
  ] : []));
}

function about({ statement, about }) {
  const holder = about.holder ? `, the copy of ${about.holder}` : "";
  return make("p", { class: "about" }, `Statement ${statement + 1}, about a ${about.level} ${about.uid}${holder}`);
}

function card(value) {
  const said = value.value === null ? "(emptied)" : value.value;
  return make("article", { class: "value", id: `value-${value.id}`, tabindex: "-1", "data-ids": value.id, "data-keyword": value.keyword },
    make("h3", {}, `${value.keyword} = ${said}`, value.display ? ` (${value.display})` : ""),
    make("ol", { class: "steps" }, ...value.steps.map(step)),
    value.issues.length ? make("ul", { class: "issues" }, ...value.issues.map(issueItem)) : "");
}

function step({ step, place, text }) {
  return make("li", { class: LOSSY.has(step) ? "lossy" : "" },
    make("span", { class: "step" }, step),
    make("span", {}, place ? make("code", {}, place) : "", place && text ? "  " : "", text));
}
