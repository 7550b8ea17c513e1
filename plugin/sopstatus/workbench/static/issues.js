import { make } from "./dom.js";

/** An issue as a list item: what, where, why, and what mends it. */
export function issueItem(issue) {
  return make("li", { class: `issue ${issue.severity}` },
    make("p", {},
      make("span", { class: "severity" }, issue.severity), " ",
      make("code", {}, issue.code), issue.location ? ` at ${issue.location}` : ""),
    make("p", {}, issue.diagnostics),
    issue.cause ? make("p", {}, make("b", {}, "Cause: "), issue.cause, issue.source ? ` (${issue.source})` : "") : "");
}

export function issueList(issues) {
  return make("ul", { class: "issues" }, ...issues.map(issueItem));
}
