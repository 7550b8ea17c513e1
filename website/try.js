// "Try it": the runtime is loaded when it is asked for, by a click or by a file that is dropped on the page.
const part = document.getElementById("try");
const start = document.getElementById("try-start");
let frame = null;

function begin(file) {
  if (!frame) {
    frame = document.createElement("iframe");
    frame.title = "Try it: convert a document";
    frame.src = `try/index.html?table=${part.dataset.table}`;
    part.append(frame);
    start.parentNode.hidden = true;
    frame.loaded = new Promise((done) => frame.addEventListener("load", done, { once: true }));
  }
  if (file) frame.loaded.then(() => frame.contentWindow.postMessage(file, location.origin));
  frame.scrollIntoView();
}

if (location.protocol !== "file:") {
  document.getElementById("try-note").hidden = true;
  start.hidden = false;
  start.addEventListener("click", () => begin());
  let depth = 0;
  const mark = (step) => {
    depth = step ? depth + step : 0;
    document.body.classList.toggle("dropping", depth > 0);
  };
  addEventListener("dragenter", (event) => { event.preventDefault(); mark(1); });
  addEventListener("dragleave", () => mark(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(0);
    if (event.dataTransfer.files.length) begin(event.dataTransfer.files[0]);
  });
}
