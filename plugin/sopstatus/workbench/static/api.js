// What the page asks its server; what goes wrong on the way is an issue like any other.

export const get = async (path) => whole(await fetch(path));

export async function ask(path, question, signal) {
  const headers = { "Content-Type": "application/json" };
  return whole(await fetch(path, { method: "POST", headers, body: JSON.stringify(question), signal }));
}

async function whole(response) {
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
    : [issue("error", "http/no-server", "the workbench does not answer; is it still running?")];
}

export const issue = (severity, code, diagnostics) => ({ severity, code, location: "", diagnostics });
