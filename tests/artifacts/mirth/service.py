"""Servers for the scripts to call: the transformers, a DICOMweb server's metadata, a FHIR server's search."""

import json
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import unquote

from sopstatus import DocumentError, load_tables, transformer
from sopstatus.documents import content
from sopstatus.engines.http.answers import refusal
from sopstatus.engines.http.work import failed
from sopstatus.outcome import plain

FORMATS = {
    "application/dicom+json": "dicom-json",
    "application/xml": "hl7-xml",
    "application/hl7-v2": "hl7",
    "application/fhir+json": "fhir",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        if self.path.startswith("/fhir/"):
            self.fhir("GET")
            return
        if "/studies?" in self.path:
            self.reply(200 if self.path.startswith("/dicom-web/") else 404, b"[]")
            return
        study = self.path.split("/")[-2]
        known = self.server.studies
        if self.path.startswith("/broken/"):
            self.reply(500, b"no")
        elif study in known and self.path.startswith("/dicom-web/"):
            self.reply(200, known[study], {"Content-Type": "application/dicom+json"})
        else:
            self.reply(404, b"")

    def fhir(self, method, body=b""):
        """Answer as a FHIR server with versions does (FHIR R4 3.1.0.5, 3.1.0.8), one at a time.

        ``server.behave(server, method, path)`` is called before: a status that it returns is the
        answer.
        """
        server, path = self.server, unquote(self.path)
        name = path.removeprefix("/fhir/ImagingStudy/")
        with server.lock:
            if status := server.behave(server, method, path):
                self.reply(status, b"{}")
            elif method == "POST":
                there = server.found(unquote(self.headers["If-None-Exist"]))
                if len(there) > 1:
                    self.reply(412, b"{}")
                else:
                    name = there[0] if there else server.put(f"n{len(server.versions)}", body)
                    where = {"Location": f"/fhir/ImagingStudy/{name}/_history/1"}
                    self.reply(200 if there else 201, server.resources[name], where)
            elif name == path:
                matches = [json.loads(server.resources[x]) for x in server.found(path)]
                bundle = {"resourceType": "Bundle", "type": "searchset"}
                bundle["entry"] = [{"resource": x} for x in matches]
                self.reply(200, json.dumps(bundle).encode())
            elif name not in server.resources:
                self.reply(404, b"{}")
            elif method == "GET":
                self.reply(200, server.resources[name], {"ETag": server.etag(name)})
            elif self.headers["If-Match"] != server.etag(name):
                self.reply(412, b"{}")
            else:
                server.put(name, body)
                self.reply(200, body)

    def do_PUT(self):
        self.do_POST("PUT")

    def do_POST(self, method="POST"):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers)))
        if self.path.startswith("/fhir/"):
            self.fhir(method, body)
            return
        name = self.path.removeprefix("/transform/")
        name, _, query = name.partition("?")
        source, _, target = name.partition("-to-")
        kind, into = self.headers["Content-Type"], None
        if kind.startswith("multipart/"):
            head = f"Content-Type: {kind}\r\n\r\n".encode()
            parts = message_from_bytes(head + body).get_payload()
            named = {p.get_param("name", header="content-disposition"): p for p in parts}
            into = named["into"].get_payload(decode=True)
            assert FORMATS[named["into"].get_content_type()] == target
            body, kind = (
                named["document"].get_payload(decode=True),
                named["document"]["content-type"],
            )
        assert FORMATS[kind.partition(";")[0]] == source
        assert kind.endswith("charset=UTF-8")
        if target == "fhir" and into is not None:
            into = content.load_json(into)
        try:
            result = transformer(source, target)(body, into, add_missing=query == "missing=add")
            if failed(result.issues, self.headers.get("Prefer", "").removeprefix("handling=")):
                raise DocumentError(*result.issues)
        except DocumentError as error:
            answer = refusal(error.issues, fhir=False, tables=load_tables())
            self.reply(answer.status, answer.body)
            return
        value, headers = result.value, {}
        data = value if isinstance(value, bytes) else content.dump_json(value)
        if result.issues:
            headers["sopstatus-issues"] = ", ".join(f"{i.severity}=1" for i in result.issues)
        if self.headers.get("Accept") == "application/json":
            data = json.dumps({"document": "", "issues": plain(result.issues)}).encode()
        self.reply(200, data, headers)

    def reply(self, status, data, headers=None):
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    def __init__(self, studies, resources):
        super().__init__(("127.0.0.1", 0), Handler)
        self.studies, self.resources, self.asked = studies, dict(resources), []
        self.versions, self.lock = dict.fromkeys(resources, 1), Lock()
        self.behave = lambda server, method, path: 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def etag(self, name):
        return f'W/"{self.versions[name]}"'

    def found(self, query):
        """Return the ids of the ImagingStudies that a search by identifier finds."""
        value = query.partition("identifier=urn:dicom:uid|")[2]
        assert value.startswith("urn:oid:")
        return [
            name
            for name, text in self.resources.items()
            if value in [x["value"] for x in json.loads(text).get("identifier", [])]
        ]

    def put(self, name, body):
        """Store a resource under an id, as a new version."""
        resource = json.loads(body)
        if "id" not in resource and name not in self.resources:
            body = body.replace(b"{", b'{"id": "%s", ' % name.encode(), 1)  # every digit stays
        self.resources[name] = body
        assert json.loads(body)["id"] == name
        self.versions[name] = self.versions.get(name, 0) + 1
        return name


@contextmanager
def serving(studies, resources):
    """Serve on a free port of this machine; ``asked`` holds paths and headers of the requests."""
    with Server(studies, resources) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
