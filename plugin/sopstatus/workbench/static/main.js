// The page: whatever changes, the whole outcome is asked for anew, and the last answer wins.

import { ask, issue, issuesOf } from "./api.js";
import { at, count, download } from "./dom.js";
import { held, openIntake, question } from "./intake.js";
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

function changed() {
  clearTimeout(timer);
  timer = setTimeout(outcome, PAUSE);
}

function documentChanged() {
  fresh = true;
  changed();
}

async function outcome() {
  asking.abort();
  asking = new AbortController();
  const { source } = held;
  try {
    const asked = { ...question(), tables: edited() };
    show(await (await ask("/api/view", asked, asking.signal)).json(), source);
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
    const response = await ask("/api/case", { ...question(), tables: edited(), name });
    download(`${name}.zip`, await response.arrayBuffer());
  } catch (error) {
    at("problems").replaceChildren(...issuesOf(error).map(issueItem));
  }
});

linkValues();
followArrows();
try {
  await Promise.all([openTables(changed), openIntake(documentChanged)]);
  document.documentElement.dataset.ready = "yes";
} catch (error) {
  nothing(error.issues ?? [issue("error", "http/no-server", "the workbench does not answer; reload the page")]);
}
