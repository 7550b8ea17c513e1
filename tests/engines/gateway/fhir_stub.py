"""A FHIR server that applies whatever it gets, as leniently as any server might: for attacks.

It takes patches (RFC 6902, RFC 7396, FHIRPath), a Provenance in a header, batches and transactions, Bundles stored whole, XML, any
character set and coding, other methods by header or parameter, operations and mutations of GraphQL; it
merges slashes, ignores case and what follows a semicolon, and takes the first of repeated members.
`claims` tells which instances its resources say are AO or OR.
"""

import base64
import copy
import gzip
import json
import re
import threading
import time
import zlib
from contextlib import contextmanager
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

import uvicorn

from engines.gateway.served import URL

ROLLUP = "https://w3id.org/sopstatus/fhir/CodeSystem/sop-instance-status-rollup"
NAMES = {
    name.lower(): name
    for name in [
        "resourceType",
        "contained",
        "entry",
        "resource",
        "request",
        "method",
        "parameter",
        "extension",
        "url",
        "data",
        "path",
        "op",
        "value",
        "from",
        "name",
        "type",
        "part",
        "series",
        "instance",
        "uid",
        "identifier",
        "system",
        "valueCode",
        "id",
        "meta",
        "tag",
        "code",
    ]
}
TYPES = {
    name.lower(): name
    for name in ["ImagingStudy", "ImagingSelection", "Bundle", "Parameters", "Binary", "Patient"]
}
OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
PATHS = ("x-original-url", "x-rewrite-url")


# reading


def parsed(body, headers):
    """Return a body as parsed JSON, whatever it is."""
    coding = headers.get("content-encoding", "").lower()
    if "gzip" in coding:
        body = gzip.decompress(body)
    elif "deflate" in coding:
        body = zlib.decompress(body)
    kind = headers.get("content-type", "").lower()
    named = re.findall(r"charset\s*=\s*\"?([\w-]+)", kind)
    text = decoded(body, named[-1] if named else "")
    if "xml" in kind or text.lstrip().startswith("<"):
        return from_xml(ElementTree.fromstring(text))
    return json.loads(text, object_pairs_hook=first_of_each)


def decoded(body, charset):
    if charset:
        return body.decode(charset)
    for start, name in (
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
        (b"\xef\xbb\xbf", "utf-8-sig"),
    ):
        if body.startswith(start):
            return body.decode(name)
    if body[1:2] == b"\0":
        return body.decode("utf-16-le")
    return body.decode("utf-16-be" if body[:1] == b"\0" else "utf-8")


def first_of_each(pairs):
    made = {}
    for name, value in pairs:
        made.setdefault(NAMES.get(name.lower(), name), clean(value))
    return made


def clean(value):
    """Return a string as a database might keep it: no control characters, no blanks at its ends."""
    if isinstance(value, list):
        return [clean(one) for one in value]
    return re.sub("[\0-\x1f\u200b]", "", value).strip() if isinstance(value, str) else value


def from_xml(node):
    """Return a resource of FHIR's XML as JSON, lists where ours has any."""
    name = node.tag.rpartition("}")[2]
    made = {"resourceType": name} if name in TYPES.values() else {}
    made |= {key: value for key, value in node.attrib.items() if key == "url"}
    for child in node:
        key = child.tag.rpartition("}")[2]
        if key in ("resource", "contained"):
            value = from_xml(child[0])
        else:
            value = child.get("value") if "value" in child.attrib else from_xml(child)
        if key in (
            "extension",
            "series",
            "instance",
            "entry",
            "contained",
            "identifier",
            "modality",
        ):
            made.setdefault(key, []).append(value)
        else:
            made[key] = value
    return made


# patching


def json_patch(document, operations):
    """Apply RFC 6902."""
    for one in operations:
        at = pointer(one["path"])
        if one["op"] in ("copy", "move"):
            value = copy.deepcopy(found(document, pointer(one["from"])))
            if one["op"] == "move":
                remove(document, pointer(one["from"]))
            put(document, at, value, insert=True)
        elif one["op"] in ("add", "replace"):
            put(document, at, copy.deepcopy(one["value"]), insert=one["op"] == "add")
        elif one["op"] == "remove":
            remove(document, at)
    return document


def pointer(text):
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]


def found(node, steps):
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    return node


def put(document, steps, value, *, insert):
    if not steps:
        document.clear()
        document.update(value)
        return
    node = found(document, steps[:-1])
    if isinstance(node, dict):
        node[steps[-1]] = value
    elif steps[-1] == "-":
        node.append(value)
    elif insert:
        node.insert(int(steps[-1]), value)
    else:
        node[int(steps[-1])] = value


def remove(document, steps):
    node = found(document, steps[:-1])
    del node[int(steps[-1]) if isinstance(node, list) else steps[-1]]


def merged(target, patch):
    """Apply RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merged(target.get(name), value)
    return target


def fhirpath_patch(document, parameters):
    """Apply a FHIRPath Patch whose paths are names, indexes, children() and descendants()."""
    for operation in parameters["parameter"]:
        part = {one["name"]: one for one in operation["part"]}
        value = value_of(part["value"]) if "value" in part else None
        kind, where = value_of(part["type"]), places(document, value_of(part["path"]))
        holder, key = where[0]
        if kind == "replace":
            holder[key] = value
        elif kind == "add":
            name = value_of(part["name"])
            node = holder[key]
            if isinstance(node.get(name), list) or name == "extension":
                node.setdefault(name, []).append(value)
            else:
                node[name] = value
        elif kind == "move":
            node = holder[key]
            node.insert(int(value_of(part["destination"])), node.pop(int(value_of(part["source"]))))
    return document


def value_of(part):
    for name, value in part.items():
        if name.startswith("value"):
            return value
    if "resource" in part:
        return part["resource"]
    made = {}
    for one in part.get("part", ()):
        value = value_of(one)
        made[one["name"]] = [value] if one["name"] == "extension" else value
    return made


def places(document, path):
    """Return where a path leads, each as a holder and its key."""
    nodes = [([document], 0)]
    for step in path.split(".")[1:]:
        name, _, index = step.partition("[")
        nodes = [place for node in nodes for place in below(node, name)]
        if index:
            nodes = [nodes[int(index.rstrip("]"))]]
    return nodes


def below(place, name):
    node = place[0][place[1]]
    if name == "children()":
        return [one for key in node for one in each(node, key)]
    if name == "descendants()":
        own = [one for key in node for one in each(node, key)] if isinstance(node, dict) else []
        return own + [deeper for one in own for deeper in below(one, name)]
    if name.startswith("where(url='"):
        return [place] if isinstance(node, dict) and node.get("url") == name[11:-2] else []
    return each(node, name) if isinstance(node, dict) and name in node else []


def each(node, key):
    value = node[key]
    return [(value, n) for n in range(len(value))] if isinstance(value, list) else [(node, key)]


# the server


class Stub:
    """Its resources by type and id, every one that it ever stored, and every body that it got."""

    def __init__(self):
        self.resources, self.stored, self.received = {}, [], []

    def reset(self, *resources):
        """Start again with these resources."""
        self.resources, self.stored, self.received = {}, [], []
        for one in resources:
            self.store(copy.deepcopy(one), one["resourceType"], one["id"])

    def store(self, resource, kind="", name=""):
        """Keep a resource of whatever type."""
        if not isinstance(resource, dict):
            return {}
        kind = resource.get("resourceType") or kind or "Basic"
        name = name or resource.get("id") or f"made-{len(self.stored)}"
        self.resources[kind, name] = resource
        self.stored.append(copy.deepcopy(resource))
        return resource

    def find(self, kind, name, query):
        wanted = name or dict(parse_qsl(query)).get("_id")
        return next(
            (
                (key, one)
                for key, one in self.resources.items()
                if key[0].lower() == kind.lower() and (not wanted or key[1] == wanted)
            ),
            (None, None),
        )

    def do(self, method, path, query, document):
        """Do what a request asks for; return a status and a resource."""
        path = unquote(unquote(path.partition("?")[0]))
        steps = [step.partition(";")[0].strip() for step in path.split("/")]
        steps = [step for step in steps if step]
        steps = steps[1:] if steps and steps[0].lower() == "fhir" else steps
        while "_history" in steps:
            del steps[steps.index("_history") :]
        if len(steps) > 2 and not any(step.startswith("$") for step in steps):
            steps = steps[2:]  # a compartment
        method = dict(parse_qsl(query)).get("_method", method).strip().upper()
        if steps == ["graphql"] or (steps == ["$graphql"] and method == "GET"):
            return self.operation(["$graphql"], document or dict(parse_qsl(query)))
        if any(step.startswith("$") for step in steps) and method != "GET":
            return self.operation(steps, document)
        if not steps:
            if method in ("POST", "PUT") and "entry" not in document:
                self.store(document)
            return self.bundle(document) if method in ("POST", "PUT") else (200, searchset([]))
        kind, name = TYPES.get(steps[0].lower(), steps[0]), steps[1] if len(steps) > 1 else ""
        if method == "PATCH":
            key, target = self.find(kind, name, query)
            if target is None:
                return 404, {}
            return 200, self.store(patched(copy.deepcopy(target), document), *key)
        if method in ("POST", "PUT"):
            if kind == "Bundle" and document.get("type") in ("batch", "transaction"):
                self.bundle(copy.deepcopy(document))
            made = self.store(document, kind, name if name != "_search" else "")
            return 201 if method == "POST" else 200, made
        if name:
            one = self.resources.get((kind, name))
            return (200, one) if one else (404, {})
        key, one = self.find(kind, "", query)
        return 200, searchset([one] if one else [])

    def operation(self, steps, document):
        """Do what any operation might: store each resource that it carries, apply what is a patch."""
        name = next(step for step in steps if step.startswith("$"))
        if name == "$graphql":
            text = document.get("query", "")
            if "mutation" in text:
                inside = re.search(r'json: ("(?:[^"\\]|\\.)*")', text)
                if "patch(" in text:
                    patch = json.loads(json.loads(inside[1]))
                    return self.do("PATCH", "ImagingStudy/3", "", patch)
                given = document.get("variables", {}).get("resource")
                self.store(json.loads(json.loads(inside[1])) if inside else given)
        elif name in ("$patch", "$bulk-update"):
            return self.do("PATCH", "/".join(steps[: steps.index(name)]), "", document)
        elif name != "$validate":
            for one in carried(document):
                self.store(one)
        return 200, {"resourceType": "OperationOutcome"}

    def bundle(self, bundle):
        """Do what each entry asks for; one without a request is created."""
        answers = []
        for entry in bundle.get("entry", ()):
            asked = entry.get("request") or {"method": "POST", "url": ""}
            path, _, query = str(asked.get("url", "")).partition("?")
            path = re.sub(r"^https?://[^/]*", "", path)
            document = entry.get("resource")
            if not path:
                status = 201
                self.store(document)
            else:
                status, _ = self.do(str(asked.get("method", "")), path, query, document)
            answers.append({"response": {"status": str(status)}})
        return 200, {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    async def __call__(self, scope, receive, send):
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        headers = {
            key.decode().lower().replace("_", "-"): value.decode()
            for key, value in scope["headers"]
        }
        method, path, query = (
            scope["method"],
            scope["raw_path"].decode(),
            scope["query_string"].decode(),
        )
        method = next((headers[name] for name in OVERRIDES if name in headers), method)
        path = next((headers[name] for name in PATHS if name in headers), path)
        try:
            self.received.append(document(body, headers))
            if "x-provenance" in headers:
                self.store(json.loads(headers["x-provenance"]))
            status, answer = self.do(method, path, query, copy.deepcopy(self.received[-1]))
        except Exception as error:
            status, answer = 400, {"resourceType": "OperationOutcome", "id": type(error).__name__}
        out = json.dumps(answer).encode()
        head = [(b"content-type", b"application/fhir+json")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": out})


def document(body, headers):
    """Return what a body says; bytes that nobody can read are the content of a Binary."""
    if not body:
        return {}
    try:
        return parsed(body, headers)
    except Exception:
        return {"resourceType": "Binary", "data": base64.b64encode(body).decode()}


def patched(target, patch):
    """Return a resource with a patch of any kind applied."""
    if isinstance(patch, dict) and patch.get("resourceType") == "Binary":
        patch = json.loads(base64.b64decode(patch["data"]))
    if isinstance(patch, list):
        return json_patch(target, patch)
    if patch.get("resourceType") == "Parameters":
        return fhirpath_patch(target, patch)
    return merged(target, patch)


def carried(node):
    """Yield every resource inside a document."""
    if isinstance(node, list):
        for one in node:
            yield from carried(one)
    elif isinstance(node, dict):
        if "resourceType" in node:
            yield node
        for one in node.values():
            yield from carried(one)


def searchset(found_):
    entries = [{"resource": one, "search": {"mode": "match"}} for one in found_]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


@contextmanager
def stub():
    """Run the server on loopback, in a thread of this process, so that what it holds can be seen."""
    held = Stub()
    config = uvicorn.Config(
        held, port=0, log_level="critical", lifespan="off", h11_max_incomplete_event_size=1 << 20
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    held.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/fhir"
    try:
        yield held
    finally:
        server.should_exit = True
        thread.join(10)


# what it says


def claims(document, about=("elsewhere",), terms=("AO", "OR")):
    """Yield (instance, status) for each AO or OR that a document says, wherever it says it.

    Written from the FHIR JSON alone: what a study says is said of each of its instances.
    """
    if isinstance(document, list):
        for one in document:
            yield from claims(one, about, terms)
        return
    if isinstance(document, str):
        yield from hidden(document)
        return
    if not isinstance(document, dict):
        return
    if document.get("url") == URL:
        found_ = {one.strip('"') for one in leaves(document)} & set(terms)
        yield from ((uid, status) for uid in about for status in found_)
        return
    if document.get("system") == ROLLUP and document.get("code") in ("AO", "OR"):
        yield ("tag", document["code"])
    inside = list(uids(document.get("series", document.get("instance"))))
    own = [document["uid"]] if isinstance(document.get("uid"), str) and not inside else inside
    for value in document.values():
        yield from claims(value, tuple(own) or about, terms)


def uids(node):
    """Yield the UIDs of instances below series, or of a series' instances."""
    for one in node if isinstance(node, list) else ():
        if isinstance(one, dict) and "instance" in one:
            yield from uids(one["instance"])
        elif isinstance(one, dict) and isinstance(one.get("uid"), str):
            yield one["uid"]


def hidden(text):
    """Yield the claims of a file: base64 of JSON."""
    if len(text) > 100 and " " not in text:
        try:
            data = base64.b64decode(text, validate=True)
            yield from claims(json.loads(decoded(data, "")))
        except ValueError:
            return


def leaves(node):
    if isinstance(node, str):
        yield node
    else:
        for one in (
            node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        ):
            yield from leaves(one)
