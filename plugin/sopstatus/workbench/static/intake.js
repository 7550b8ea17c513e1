// Where the document comes from: pasted, dropped, chosen, or a sample.

import { at, bytesOf, make } from "./dom.js";
import { ask, headerOf, issue, Refused } from "./api.js";

const LARGEST = 48 << 20; // bytes that a page holds, as header.py has it
const LONG = 4 << 20;
const LONGEST_TEXT = 200_000;
const ESCAPE = 0x1b; // begins another character set (ISO 2022)
const KINDS = {
  "image.dcm": "DICOM image",
  "message.hl7": "HL7 v2 message",
  "imaging-study.json": "FHIR ImagingStudy",
  "metadata.json": "DICOM JSON",
  "message.xml": "HL7 v2 as Mirth's XML",
};

/** The document: text that was pasted, or the bytes of a file; null where there is none. */
export const held = { source: null, onto: [] };

export function openIntake(changed, refused) {
  const paste = at("paste");
  paste.addEventListener("input", () => {
    at("sample").value = "";
    held.source = paste.value.trim() ? { name: nameOf(paste.value), text: paste.value } : null;
    told();
    changed();
  });
  const take = async (file) => {
    at("sample").value = "";
    try {
      hold(file.name, await read(file), file);
      changed();
    } catch (error) {
      held.source = null;
      at("paste").value = "";
      told();
      refused(error);
    }
  };
  addEventListener("message", ({ source, origin, data }) => {
    // a file that was dropped on the page that this one is part of
    if (source === parent && parent !== window && origin === location.origin && data instanceof File) take(data);
  });
  at("file").addEventListener("change", ({ target }) => {
    if (target.files[0]) take(target.files[0]);
    target.value = "";
  });
  at("onto").addEventListener("change", async ({ target }) => {
    try {
      for (const file of target.files) held.onto.push({ name: file.name, bytes: await whole(file) });
    } catch (error) {
      refused(error);
    }
    target.value = "";
    showOntos(changed);
    changed();
  });
  dropping(take);
  for (const id of ["trusted", "release"]) at(id).addEventListener("change", changed);
  at("holder").addEventListener("input", changed);
}

/** The bytes of a file to be read; of a large DICOM file all but its pixels. */
async function read(file) {
  const magic = file.size > LONG ? await file.slice(128, 132).text() : "";
  return magic === "DICM" ? headerOf(file) : whole(file);
}

async function whole(file) {
  if (file.size > LARGEST) {
    throw new Refused([issue("error", "document/too-large",
      `the file has more than ${LARGEST.toLocaleString("en")} bytes; sopstatus show reads it`)]);
  }
  return new Uint8Array(await file.arrayBuffer());
}

export function question() {
  return {
    document: held.source && said(held.source),
    into: held.onto.map(said),
    trusted: at("trusted").checked,
    holder: at("holder").value,
    release: at("release").value,
  };
}

function dropping(take) {
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
    const { files } = event.dataTransfer;
    const text = event.dataTransfer.getData("text/plain");
    if (files.length) take(files[0]);
    else if (text) {
      at("paste").value = text;
      at("paste").dispatchEvent(new Event("input"));
    }
  });
}

/** Offer the samples, and open the first one: of the table that the address names, else the shipped one. */
export async function openSamples(changed, table) {
  const choice = at("sample");
  for (const { name, about, documents } of await ask("samples")) {
    choice.append(make("optgroup", { label: about ? `${name}: ${about}` : name }, ...documents.map((document) =>
      make("option", { value: `${name}/${document}` }, `${name}: ${KINDS[document] ?? document}`))));
  }
  const open = async () => {
    if (!choice.value) return;
    const [name, document] = choice.value.split("/");
    hold(document, bytesOf((await ask("sample", { case: name, name: document })).base64));
    changed();
  };
  choice.addEventListener("change", open);
  if (held.source) return; // somebody was faster
  if (table) {
    hold("message.hl7", bytesOf((await ask("sample", { table })).base64));
    changed();
  } else {
    choice.selectedIndex = 1;
    await open();
  }
}

function hold(name, bytes, file = new Blob([bytes])) {
  held.source = { name, bytes, file };
  at("paste").value = textOf(bytes);
  told();
}

/** The text of a file, where it surely is one: to be edited, and then taken as if it were pasted. */
function textOf(bytes) {
  if (bytes.length > LONGEST_TEXT || bytes.includes(0) || bytes.includes(ESCAPE)) return "";
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "";
  }
}

function told() {
  const { source } = held;
  at("held").hidden = !source?.bytes;
  at("held").textContent = source?.bytes ? `The file ${source.name}, ${source.file.size.toLocaleString("en")} bytes` : "";
}

function showOntos(changed) {
  at("ontos").replaceChildren(...held.onto.map((one) => {
    const away = make("button", { type: "button", "aria-label": `Leave out ${one.name}` }, "\u00d7");
    away.addEventListener("click", () => {
      held.onto.splice(held.onto.indexOf(one), 1);
      showOntos(changed);
      changed();
    });
    return make("li", {}, one.name, away);
  }));
}

function said({ text, bytes }) {
  return bytes ? { base64: base64(bytes) } : { text };
}

function base64(bytes) {
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(binary);
}

function nameOf(text) {
  const start = text.trimStart();
  if (start.startsWith("<")) return "document.xml";
  return start.startsWith("{") || start.startsWith("[") ? "document.json" : "message.hl7";
}
