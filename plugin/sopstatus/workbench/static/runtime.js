// The other back end: Python in a worker of this browser, as the documentation site has it.

import { at } from "./dom.js";

/** Whether this page has it. */
export const runs = "worker" in document.documentElement.dataset;

const ENDED = "Python ended, as it does where something is nested too deeply; after a change it starts again";
const waiting = new Map(); // what each question resolves or rejects
let worker = null;
let policy = null; // a page may make it once
let last = 0;

export function askWorker(name, question, signal) {
  worker ??= begun();
  return new Promise((resolve, reject) => {
    const id = ++last;
    waiting.set(id, { resolve, reject });
    signal?.addEventListener("abort", () => {
      waiting.delete(id);
      reject(new DOMException("", "AbortError"));
    });
    worker.postMessage({ id, name, question });
  });
}

/** Start the worker; begun by a blob, it obeys the policy of this page. */
function begun() {
  const code = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  policy ??= globalThis.trustedTypes?.createPolicy("worker", { createScriptURL: (made) => made });
  const made = new Worker(policy?.createScriptURL(url) ?? url, { type: "module" });
  made.addEventListener("message", ({ data }) => {
    if ("progress" in data) tell(data);
    else {
      const { resolve, reject } = waiting.get(data.id) ?? {};
      waiting.delete(data.id);
      if (data.ended) {
        reject?.(new Error(ENDED));
        made.terminate(); // an interpreter whose stack ran out answers no more; the next question starts another
        worker = null;
        rejectAll(ENDED);
      } else resolve?.(data);
    }
  });
  made.addEventListener("error", () => failed("This browser could not start Python."));
  return made;
}

function tell({ progress, failure }) {
  if (failure) {
    failed(failure);
    return;
  }
  at("progress").value = progress;
  at("loading").hidden = progress === 1;
  at("loading-text").textContent = progress < 0.8 ? "Loading Python \u2026" : "Starting Python \u2026";
}

function failed(why) {
  at("progress").hidden = true;
  at("loading-text").textContent = `${why} Reload the page to try again.`;
  rejectAll("Python does not answer; reload the page");
}

function rejectAll(why) {
  for (const { reject } of waiting.values()) reject(new Error(why));
  waiting.clear();
}
