// Python, the package and pydicom in a worker: they answer what the server of `sopstatus workbench` does.

import { loadPyodide } from "../runtime/pyodide.mjs";

const RUNTIME = new URL("../runtime/", import.meta.url).href;
const LOADED = 0.8; // of the bar; starting Python is the rest

const tell = (progress) => postMessage({ progress });
const python = start();
python.catch((error) => postMessage({ progress: 0, failure: `Python did not start: ${error.message}.` }));

addEventListener("message", async ({ data: { id, name, question } }) => {
  let answer;
  try {
    const { ask, FS } = await python;
    answer = JSON.parse(question.file ? ofFile(ask, FS, name, question.file) : ask(name, JSON.stringify(question)));
  } catch {
    answer = { ended: true }; // its words may hold a document's
  }
  postMessage({ id, ...answer });
});

/** Ask about a file where it is: nothing of it is copied but what Python reads. */
function ofFile(ask, FS, name, data) {
  FS.mkdirTree("/file");
  FS.mount(FS.filesystems.WORKERFS, { blobs: [{ name: "document", data }] }, "/file");
  try {
    return ask(name, JSON.stringify({ path: "/file/document" }));
  } finally {
    FS.unmount("/file");
  }
}

async function start() {
  const { lock, wheels, size } = await (await fetch(`${RUNTIME}files.json`)).json();
  counting(size);
  const archives = Promise.all(wheels.map(async (name) => (await fetch(RUNTIME + name)).arrayBuffer()));
  const silent = () => {}; // no document's text on the console
  const pyodide = await loadPyodide({
    indexURL: RUNTIME,
    lockFileContents: lock,
    stdout: silent,
    stderr: silent,
  });
  for (const archive of await archives) pyodide.unpackArchive(archive, "wheel");
  tell(0.9);
  const ask = pyodide.runPython("from sopstatus.workbench.backend import ask; ask");
  tell(1);
  return { ask, FS: pyodide.FS };
}

/** Count what is fetched, and move the bar. */
function counting(size) {
  const fetched = globalThis.fetch;
  let bytes = 0;
  globalThis.fetch = async (...asked) => {
    const response = await fetched(...asked);
    if (!response.ok) throw new Error(`${response.status} ${response.url}`);
    const count = new TransformStream({
      transform(chunk, out) {
        bytes += chunk.length;
        tell(Math.min(LOADED, (LOADED * bytes) / size));
        out.enqueue(chunk);
      },
    });
    const { headers, status } = response;
    return new Response(response.body.pipeThrough(count), { headers, status });
  };
}
