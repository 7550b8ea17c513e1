// The page: whatever changes, the whole outcome is asked for anew, and the last answer wins.

import { ask, issuesOf } from "./api.js";
import { at, bytesOf, count, download } from "./dom.js";
import { held, openIntake, openSamples, question } from "./intake.js";
import { issueItem } from "./issues.js";
import { followArrows } from "./lifecycle.js";
import { dim, linkValues } from "./links.js";
import { showPanes } from "./panes.js";
import { edited, openTables, showFaults } from "./tables.js";
import { showTrail } from "./trail.js";

const PAUSE = 200; // milliseconds of typing that are waited for
let timer = 0;
let asking = new AbortController();
let before = null; // the sides with the tables as they were when the document came
let fresh = true;
let time = ""; // MSH-7 of new messages: when the document came, so that only tables change the outcome

function changed() {
  clearTimeout(timer);
  timer = setTimeout(outcome, PAUSE);
}

function documentChanged() {
  fresh = true;
  time = `${new Date().toISOString().replace(/[-:T]/g, "").slice(0, 14)}+0000`;
  changed();
}

const asked = () => ({ ...question(), tables: edited(), time });

async function outcome() {
  asking.abort();
  asking = new AbortController();
  const { source } = held;
  try {
    show(await ask("view", asked(), asking.signal), source);
  } catch (error) {
    if (error.name !== "AbortError") nothing(issuesOf(error));
  }
}

function show(answer, source) {
  showFaults(answer.faults);
  at("panes").classList.toggle("stale", answer.faults.length > 0);
  if (answer.faults.length) {
    at("status").textContent = `${count(answer.faults.length, "fault")} in the tables`;
    return;
  }
  if (answer.issues.length || !answer.sides.length) {
    nothing(answer.issues);
    return;
  }
  dim();
  at("problems").replaceChildren();
  if (fresh) before = answer.sides;
  fresh = false;
  showPanes(answer.sides, source, before);
  showTrail(answer.trail);
  const issues = answer.sides.flatMap((side) => [
    ...side.issues,
    ...side.documents.flatMap((one) => [...one.issues, ...one.lines.flatMap((line) => line.issues)]),
  ]);
  const own = answer.sides.find((side) => side.own);
  at("status").textContent =
    `${own.title}: ${count(answer.trail.values.length + answer.trail.more, "value")}, ${count(issues.length, "issue")}`;
  at("case-download").disabled = false;
}

function nothing(issues) {
  dim();
  at("problems").replaceChildren(...issues.map(issueItem));
  at("status").textContent = issues.length ? "The document cannot be shown." : "No document yet.";
  at("panes").replaceChildren();
  showTrail(null);
  at("case-download").disabled = true;
}

at("share").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = at("case-name").value;
  try {
    download(`${name}.zip`, bytesOf((await ask("case", { ...asked(), name })).base64));
  } catch (error) {
    at("problems").replaceChildren(...issuesOf(error).map(issueItem));
  }
});

const table = new URLSearchParams(location.search).get("table");
document.documentElement.classList.toggle("part", parent !== window); // of a reference page
openIntake(documentChanged, (error) => {
  clearTimeout(timer);
  asking.abort();
  nothing(issuesOf(error));
});
linkValues();
followArrows();
try {
  const enabled = await openTables(changed, table);
  await openSamples(documentChanged, enabled && table);
  document.documentElement.dataset.ready = "yes";
} catch (error) {
  nothing(issuesOf(error));
}
