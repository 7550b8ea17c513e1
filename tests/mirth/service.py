"""Servers for the scripts to call: the transformers, a DICOMweb server's metadata, a FHIR server's search."""

import json
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

from sopstatus import DocumentError, content, transformer
from sopstatus.issue_forms import plain

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
            self.reply(200, self.resource(unquote(self.path)))
            return
        study = self.path.split("/")[-2]
        known = self.server.studies
        if self.path.startswith("/broken/"):
            self.reply(500, b"no")
        elif study in known:
            self.reply(200, known[study], {"Content-Type": "application/dicom+json"})
        else:
            self.reply(404, b"")

    def resource(self, path):
        """Return the ImagingStudy of this id, or of this study."""
        name = path.removeprefix("/fhir/ImagingStudy/")
        if name != path:
            return self.server.resources[name]
        study = path.removeprefix("/fhir/ImagingStudy?identifier=urn:dicom:uid|urn:oid:")
        found = [json.loads(text) for text in self.server.resources.values()]
        matches = [x for x in found if x["identifier"][0]["value"] == f"urn:oid:{study}"]
        bundle = {"resourceType": "Bundle", "type": "searchset"}
        return json.dumps(bundle | {"entry": [{"resource": x} for x in matches]}).encode()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers)))
        name = self.path.removeprefix("/transform/")
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
            result = transformer(source, target)(body, into)
        except DocumentError as error:
            told = {"status": 400, "issues": plain(error.issues)}
            self.reply(400, json.dumps(told).encode())
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


@contextmanager
def serving(studies, resources):
    """Serve on a free port of this machine; ``asked`` holds paths and headers of the requests."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.studies, server.resources, server.asked = studies, resources, []
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
