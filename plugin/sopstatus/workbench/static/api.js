// What the page asks, by the names of backend.py: of the server on this machine, or of a worker in this browser.
// What goes wrong on the way is an issue like any other.

import { bytesOf } from "./dom.js";
import { askWorker, runs } from "./runtime.js";

/** Return of a large DICOM file what is read of it. */
export async function headerOf(file) {
  if (runs) return bytesOf((await ask("header", { file })).base64);
  const headers = { "Content-Type": "application/octet-stream" };
  return new Uint8Array(await (await answered("header", { headers, body: file })).arrayBuffer());
}

export async function ask(name, question = {}, signal) {
  if (runs) {
    const { answer, issues } = await askWorker(name, question, signal);
    if (issues) throw new Refused(issues);
    return answer;
  }
  const headers = { "Content-Type": "application/json" };
  return (await answered(name, { headers, body: JSON.stringify(question), signal })).json();
}

async function answered(name, request) {
  const response = await fetch(`api/${name}`, { method: "POST", ...request });
  if (response.ok) return response;
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
      ? error.message
      : "the workbench does not answer; is it still running?")];
}

export const issue = (severity, code, diagnostics) => ({ severity, code, location: "", diagnostics });
