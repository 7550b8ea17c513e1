import { at, bytesOf, download, make } from "./dom.js";
import { issueList } from "./issues.js";

const ONTO = { blank: "made new", given: "onto your document", "": "as it came" };

/** Show the sides; lines that `before` (earlier sides, or null) does not have are marked as changed. */
export function showPanes(sides, source, before) {
  at("panes").replaceChildren(...sides.map((side) => pane(side, source, before && linesOf(before, side.format))));
  for (const text of document.querySelectorAll(".pane .scroll")) {
    const place = text.querySelector(".changed") ?? text.querySelector("[data-ids]")?.closest("li");
    if (place) text.scrollTop = place.offsetTop - text.clientHeight / 3;
  }
}

function linesOf(sides, format) {
  const side = sides.find((one) => one.format === format);
  return new Set((side?.documents ?? []).flatMap((one) => one.lines.map(whole)));
}

/** All that a line says: its text, what is linked in it, and its issues. */
const whole = ({ pieces, issues }) => JSON.stringify([pieces, issues.map((issue) => issue.code)]);

function pane(side, source, old) {
  const name = `pane-${side.format}`;
  const buttons = side.own
    ? [saveButton(side.title, "", () => download(source.name, source.file ?? source.text))]
    : side.files.map((file, index) => {
        const number = side.files.length > 1 ? String(index + 1) : "";
        return saveButton(side.title, number, () => download(file.name, bytesOf(file.base64)));
      });
  const lists = side.documents.map((document, index) => shown(document, side, index, old));
  return make("article", { class: "pane", "aria-labelledby": name, "data-format": side.format },
    make("header", {},
      make("h3", { id: name }, side.title, " ", make("span", { class: "from" }, ONTO[side.onto])),
      make("div", { class: "row" }, ...buttons)),
    side.issues.length ? issueList(side.issues) : "",
    side.note ? make("p", {}, side.note) : "",
    side.more ? make("p", {}, `and ${side.more} more data sets, which are not made here`) : "",
    ...lists.flat());
}

function saveButton(title, number, save) {
  const label = `Download ${title}${number && ` ${number}`}`;
  const button = make("button", { type: "button", "aria-label": label }, number ? `Download ${number}` : "Download");
  button.addEventListener("click", save);
  return button;
}

function shown(document, side, index, old) {
  const name = side.documents.length > 1 ? `${side.title}, data set ${index + 1}` : side.title;
  return [
    document.issues.length ? issueList(document.issues) : "",
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${name}, text` },
      make("ol", { class: "lines" }, ...document.lines.map((one) => line(one, old)))),
    document.more ? make("p", {}, `${document.more} more characters are not shown`) : "",
  ];
}

function line(one, old) {
  const { pieces, issues } = one;
  return make("li", { class: old && !old.has(whole(one)) ? "changed" : "" }, ...pieces.map(piece), issues.length ? issueList(issues) : "");
}

function piece([text, ids, kind]) {
  if (!ids) return text;
  const keyword = ids[0].slice(ids[0].indexOf("-") + 1);
  const title = kind === "exact" ? `${keyword}, exact text` : keyword;
  return make("a", { class: kind, href: `#value-${ids[0]}`, "data-ids": ids.join(" "), title }, text);
}
