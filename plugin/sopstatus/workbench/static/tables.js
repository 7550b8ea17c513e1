// The editor: a text area with the numbers of its lines, and the loader's faults as it finds them.

import { at, count, download, make } from "./dom.js";
import { ask, issuesOf } from "./api.js";

const files = { shipped: {}, site: {} };
const drafts = {};
const OFF = /^enabled\s*=\s*false/m;
let faults = [];

/** Open the editor, with a table that is off enabled if it is `wanted`: then return true. */
export async function openTables(changed, wanted) {
  Object.assign(files, await ask("tables"));
  Object.assign(drafts, files.site);
  const name = `${wanted}.toml`;
  const text = files.shipped[name]?.replace(OFF, "enabled = true");
  const enabled = text !== files.shipped[name];
  if (enabled) drafts[name] = text;
  list();
  at("table-file").value = text ? name : Object.keys(files.site)[0] ?? "sop-instance-status.toml";
  at("table-file").addEventListener("change", open);
  const area = at("table-text");
  area.addEventListener("input", () => {
    const name = at("table-file").value;
    if (name in files.site || area.value !== (files.shipped[name] ?? "")) drafts[name] = area.value;
    else delete drafts[name];
    number();
    changed();
  });
  area.addEventListener("scroll", () => { at("gutter").scrollTop = area.scrollTop; });
  at("table-reset").addEventListener("click", () => {
    const name = at("table-file").value;
    delete drafts[name];
    if (files.site[name] !== undefined) drafts[name] = files.site[name];
    open();
    changed();
  });
  at("table-download").addEventListener("click", () => download(at("table-file").value, area.value));
  addEventListener("focus", () => readAgain(changed));
  at("create").addEventListener("submit", (event) => {
    event.preventDefault();
    create(changed);
  });
  open();
  return enabled;
}

function list() {
  const chosen = at("table-file").value;
  const names = new Set([files.site, files.shipped, drafts].flatMap(Object.keys));
  names.delete("new.toml");
  at("table-file").replaceChildren(
    ...[...names].map((name) => make("option", { value: name }, name)),
    make("option", { value: "new.toml" }, "new.toml (a new table)"));
  if (names.has(chosen)) at("table-file").value = chosen;
}

/** Create a table from the DICOM dictionary's entry. */
async function create(changed) {
  const fault = at("keyword-fault");
  try {
    const made = await ask("new", { keyword: at("keyword").value.trim(), tables: edited() });
    fault.textContent = made.fault ?? "";
    if (made.fault) return;
    drafts[made.name] = made.text;
    list();
    at("table-file").value = made.name;
    open();
    changed();
  } catch (error) {
    fault.textContent = issuesOf(error).map((issue) => issue.diagnostics).join(" ");
  }
}

/** Take what has changed in the site's folder meanwhile, but for files that are edited here too. */
async function readAgain(changed) {
  let now;
  try {
    now = (await ask("tables")).site;
  } catch {
    return; // the next question tells
  }
  const before = files.site;
  const other = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name]);
  if (!other.length) return;
  files.site = now;
  for (const name of other.filter((one) => drafts[one] === before[one])) {
    if (now[name] === undefined) delete drafts[name];
    else drafts[name] = now[name];
  }
  list();
  open();
  changed();
}

/** The tables as edited: only what differs from the shipped ones. */
export const edited = () => ({ ...drafts });

export function showFaults(found) {
  faults = found;
  const title = at("faults-title");
  title.textContent = found.length ? `${count(found.length, "fault")}; the outcome is that of the last tables without one` : "No fault";
  title.className = found.length ? "bad" : "good";
  at("faults").replaceChildren(...found.map((fault) => {
    const where = make("button", { type: "button" }, `${fault.file}:${fault.line}${fault.key ? ` ${fault.key}` : ""}`);
    where.addEventListener("click", () => go(fault));
    return make("li", {}, where, ` ${fault.message}`, place(fault));
  }));
  number();
}

/** The line of a fault, with its key marked. */
function place({ file, line, column, length }) {
  const text = (drafts[file] ?? "").split("\n")[line - 1] ?? "";
  const [start, end] = [column - 1, column - 1 + length];
  if (!text.trim() || !length) return "";
  return make("code", { class: "place" }, text.slice(0, start), make("mark", {}, text.slice(start, end)), text.slice(end));
}

function open() {
  const name = at("table-file").value;
  at("table-text").value = drafts[name] ?? files.shipped[name] ?? "";
  number();
}

function number() {
  const name = at("table-file").value;
  const bad = new Set(faults.filter((fault) => fault.file === name).map((fault) => fault.line));
  const lines = at("table-text").value.split("\n").length;
  at("gutter").replaceChildren(...Array.from({ length: lines + 2 }, (_, index) =>
    make("span", { class: bad.has(index + 1) ? "bad" : "" }, index < lines ? String(index + 1) : " ")));
  at("gutter").scrollTop = at("table-text").scrollTop;
}

function go(fault) {
  const choice = at("table-file");
  if ([...choice.options].some((option) => option.value === fault.file)) {
    choice.value = fault.file;
    open();
  }
  const text = at("table-text");
  const lines = text.value.split("\n");
  const line = lines.slice(0, fault.line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const start = line + fault.column - 1;
  text.focus();
  text.setSelectionRange(start, start + fault.length);
  text.scrollTop = (fault.line - 4) * (text.scrollHeight / lines.length);
}
