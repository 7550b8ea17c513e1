// What the page asks, by the names of backend.py: of the server on this machine, or of a worker in this browser.
// What goes wrong on the way is an issue like any other.

import { askWorker, runs } from "./runtime.js";

export async function ask(name, question = {}, signal) {
  if (runs) {
    const { answer, issues } = await askWorker(name, question, signal);
    if (issues) throw new Refused(issues);
    return answer;
  }
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`api/${name}`, { method: "POST", headers, body: JSON.stringify(question), signal });
  if (response.ok) return response.json();
  let issues = [];
  try {
    issues = (await response.json()).issues ?? [];
  } catch {
    // no words of ours: the status says it
  }
  throw new Refused(issues.length ? issues : [issue("error", `http/${response.status}`, response.statusText)]);
}

export class Refused extends Error {
  constructor(issues) {
    super("refused");
    this.issues = issues;
  }
}

export function issuesOf(error) {
  return error instanceof Refused
    ? error.issues
    : [issue("error", "http/no-server", runs
      ? "Python does not answer; reload the page"
      : "the workbench does not answer; is it still running?")];
}

export const issue = (severity, code, diagnostics) => ({ severity, code, location: "", diagnostics });
