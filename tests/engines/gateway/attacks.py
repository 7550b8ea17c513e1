"""Requests that would have a server say AO of an instance about which nobody vouched for it.

Each is a method, a path, a body and headers, for a server that holds `seeds`. `all_of_them` makes them
from parts: what is said, by which way it goes, and how it is written.
"""

import base64
import copy
import gzip
import json
import zlib
from typing import NamedTuple
from urllib.parse import quote

from engines.gateway.served import FHIR, SERIES, STUDY, URL, said, stating, study

PATCH = {"content-type": "application/json-patch+json"}
MERGE = {"content-type": "application/merge-patch+json"}
ROLLUP = "https://w3id.org/sopstatus/fhir/CodeSystem/sop-instance-status-rollup"
ONE, OTHER = f"{SERIES}.0", f"{SERIES}.1"
AT = "/series/0/instance"
PATHS = "ImagingStudy.series[0].instance"


class Attack(NamedTuple):
    """One request."""

    name: str
    method: str
    path: str
    body: bytes
    headers: dict


def seeds():
    """Return what the server holds: an AO of one instance, of a whole study, and NS where it is contained."""
    whole = stating(said(0).__class__("1.2.9", "", "", "", "", {"SOPInstanceStatus": "AO"}))
    whole["series"][0]["instance"] = whole["series"][0]["instance"][:1]
    whole["series"][0]["instance"][0]["uid"] = "1.2.9.1.0"
    inside = stating(said(1, "NS"))
    report = {"resourceType": "DiagnosticReport", "id": "1", "contained": [{**inside, "id": "s"}]}
    held = {**stating(said(0)), "description": URL, "id": "1"}
    stored = {"resourceType": "Bundle", "id": "1", "type": "collection"}
    return [
        held,
        {**whole, "id": "2"},
        {**stating(said(1, "NS")), "id": "3"},
        {**stored, "entry": [{"resource": {**stating(said(1, "NS")), "id": "b"}}]},
        report,
        {"resourceType": "Patient", "id": "1", "active": True, "address": [{"text": URL}]},
        two_series(),
    ]


def statement(status="AO"):
    """Return the extension that says it."""
    return stating(said(1, status))["series"][0]["instance"][1]["extension"][0]


def ao(**more):
    """Return a study that says AO of an instance."""
    return {**stating(said(1)), **more}


def text(resource):
    return json.dumps(resource).encode()


def encoded(resource):
    return base64.b64encode(text(resource)).decode()


# patches


def json_patches():
    """Return JSON Patches of ImagingStudy/1 (and /3, which says NS), by name."""
    move = {"op": "move", "from": f"{AT}/0/extension", "path": f"{AT}/1/extension"}
    status = f"{AT}/1/extension/0/extension/0/valueCode"
    piece = {**statement(), "url": "x"}
    return {
        "add a statement": (1, [{"op": "add", "path": f"{AT}/1/extension", "value": [statement()]}]),
        "copy an extension": (1, [{**move, "op": "copy"}]),
        "move an extension": (1, [move]),
        "copy an instance": (1, [{"op": "copy", "from": f"{AT}/0", "path": f"{AT}/1"},
                                 {"op": "replace", "path": f"{AT}/1/uid", "value": OTHER}]),
        "move and rename": (1, [{"op": "move", "from": f"{AT}/0", "path": f"{AT}/-"},
                                {"op": "replace", "path": f"{AT}/1/uid", "value": "1.2.3.9"}]),
        "rename an instance": (1, [{"op": "replace", "path": f"{AT}/0/uid", "value": OTHER}]),
        "replace by index": (3, [{"op": "replace", "path": status, "value": "AO"}]),
        "remove and add by index": (3, [{"op": "remove", "path": status},
                                        {"op": "add", "path": status, "value": "AO"}]),
        "a URL in two operations": (1, [
            {"op": "add", "path": f"{AT}/1/extension", "value": [piece]},
            {"op": "copy", "from": "/description", "path": f"{AT}/1/extension/0/url"}]),
        "a URL from another place": (1, [
            {"op": "add", "path": f"{AT}/1/extension", "value": [piece]},
            {"op": "copy", "from": f"{AT}/0/extension/0/url", "path": f"{AT}/1/extension/0/url"}]),
        "the whole resource": (1, [{"op": "replace", "path": "", "value": ao(id="1")}]),
        "the series": (1, [{"op": "replace", "path": "/series", "value": ao()["series"]}]),
        "an instance more of a study that is AO": (2, [
            {"op": "add", "path": f"{AT}/-", "value": {"uid": "1.2.9.1.7"}}]),
    }  # fmt: skip


def fhirpath(*operations):
    made = []
    for kind, path, more in operations:
        part = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}, *more]
        made.append({"name": "operation", "part": part})
    return {"resourceType": "Parameters", "parameter": made}


def fhirpath_patches():
    """Return FHIRPath Patches of ImagingStudy/1 or /3, by name."""
    held = f"{PATHS}[1].extension[0].extension[0]"
    to_ao = [{"name": "value", "valueCode": "AO"}]
    inner = [{"name": "url", "valueUri": "status"}, {"name": "value", "valueCode": "AO"}]
    del inner
    added = [{"name": "name", "valueString": "extension"},
             {"name": "value", "part": [
                 {"name": "url", "valueUri": URL},
                 {"name": "extension", "part": [{"name": "url", "valueUri": "status"},
                                                {"name": "valueCode", "valueCode": "AO"}]}]}]  # fmt: skip
    renamed = [{"name": "value", "valueId": OTHER}]
    return {
        "by index": (3, fhirpath(("replace", f"{held}.valueCode", to_ao))),
        "by children": (3, fhirpath(
            ("replace", f"{PATHS}[1].extension[0].children()[1].children()[1]", to_ao))),
        "by descendants": (3, fhirpath(
            ("replace", "ImagingStudy.descendants().where(url='status').valueCode", to_ao))),
        "rename": (1, fhirpath(("replace", f"{PATHS}[0].uid", renamed))),
        "add": (1, fhirpath(("add", f"{PATHS}[1]", added))),
        "two": (3, fhirpath(("replace", f"{held}.valueCode", [{"name": "value", "valueCode": "OR"}]),
                            ("replace", f"{held}.valueCode", to_ao))),
    }  # fmt: skip


def entry(method, url, resource=None, **more):
    """Return an entry of a batch or transaction."""
    made = {"request": {"method": method, "url": url}, **more}
    return {**made, "resource": resource} if resource is not None else made


def bundle(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def patches():
    """Yield every patch by every way."""
    every = {f"JSON Patch, {name}": (*what, PATCH) for name, what in json_patches().items()}
    every |= {f"FHIRPath, {name}": (*what, FHIR) for name, what in fhirpath_patches().items()}
    every["merge patch"] = 1, {"series": ao()["series"]}, MERGE
    every["merge patch by JSON"] = (
        1,
        {"series": ao()["series"]},
        {"content-type": "application/json"},
    )
    for name, (number, patch, headers) in every.items():
        body, url = text(patch), f"ImagingStudy/{number}"
        yield Attack(f"{name}: alone", "PATCH", url, body, headers)
        yield Attack(f"{name}: conditional", "PATCH", f"ImagingStudy?_id={number}", body, headers)
        inside = patch
        if isinstance(patch, list):
            kind = "application/json-patch+json"
            inside = {"resourceType": "Binary", "contentType": kind, "data": encoded(patch)}
        for kind in ("batch", "transaction"):
            sent = text(bundle(kind, entry("PATCH", url, inside)))
            yield Attack(f"{name}: {kind}", "POST", "", sent, FHIR)
    by_index = json_patches()["replace by index"][1]
    for path in ("ImagingStudy/3", "//ImagingStudy/3", "imagingstudy/3", "ImagingStudy;x=1/3",
                 "ImagingStudy/3/", "ImagingStudy/3/_history/1", "Patient/1/ImagingStudy/3",
                 "ImagingStudy%2F3", "ImagingStudy%252F3", "%49magingStudy/3", "ImagingStudy%20/3",
                 "ImagingStudy/3/$patch", "ImagingStudy/3?_method=PATCH"):  # fmt: skip
        yield Attack(f"patch at {path}", "PATCH", path, text(by_index), PATCH)
    for method in ("patch", "Patch", " PATCH", "PATCH "):
        sent = bundle("batch", entry(method, "ImagingStudy/3", by_index))
        yield Attack(f"entry by {method!r}", "POST", "", text(sent), FHIR)
    for url in ("/ImagingStudy/3", "ImagingStudy%2F3", "imagingstudy/3", "http://x/fhir/ImagingStudy/3",
                "ImagingStudy?_id=3", "Patient/1/ImagingStudy/3"):  # fmt: skip
        sent = bundle("transaction", entry("PATCH", url, by_index))
        yield Attack(f"entry patches {url}", "POST", "", text(sent), FHIR)
    named = [{"op": "replace", "path": "/contained/0/series/0/instance/1/extension/0/extension/0/valueCode",
              "value": "AO"}]  # fmt: skip
    yield Attack("contained, by index", "PATCH", "DiagnosticReport/1", text(named), PATCH)
    found = fhirpath(("replace", "DiagnosticReport.descendants().where(url='status').valueCode",
                      [{"name": "value", "valueCode": "AO"}]))  # fmt: skip
    yield Attack("contained, by FHIRPath", "PATCH", "DiagnosticReport/1", text(found), FHIR)
    moved = [{"op": "replace", "path": "/entry/0/resource/series/0/instance/1/extension/0/extension/0/valueCode",
              "value": "AO"}]  # fmt: skip
    yield Attack("a stored Bundle by index", "PATCH", "Bundle/1", text(moved), PATCH)
    whole = text(bundle("transaction", entry("PATCH", "ImagingStudy/3", by_index)))
    for name, method, path in (("as data", "POST", "Bundle"), ("by PUT", "PUT", "")):
        yield Attack(f"a transaction {name} that patches", method, path, whole, FHIR)
    graphql = {"query": f"mutation {{ patch(id: 3, json: {json.dumps(json.dumps(by_index))}) }}"}
    for url, method, said_ in (("ImagingStudy/3?_method=PATCH", "POST", by_index),
                               ("graphql", "POST", graphql), ("ImagingStudy/3", "patch", by_index)):  # fmt: skip
        sent = text(bundle("transaction", entry(method, url, said_)))
        yield Attack(f"a transaction as data: {method} {url}", "PUT", "Bundle/7", sent, FHIR)
    inner = bundle("batch", entry("PATCH", "ImagingStudy/3", by_index))
    for url in ("/", "//", "%2F"):
        sent = bundle("batch", entry("POST", url, inner))
        yield Attack(f"a batch at {url} of a batch", "POST", "", text(sent), FHIR)
    for url in ("ImagingStudy/3?_method=PATCH", "ImagingStudy/3?%5Fmethod=PATCH"):
        sent = bundle("batch", entry("POST", url, by_index))
        yield Attack(f"an entry at {url}", "POST", "", text(sent), FHIR)
    hollow = ao()
    hollow["series"][0]["instance"][1]["extension"][0]["url"] = "x"
    place = "/contained/0/series/0/instance/1/extension/0/url"
    built = [{"op": "add", "path": "/contained", "value": [hollow]},
             {"op": "copy", "from": "/address/0/text", "path": place}]  # fmt: skip
    yield Attack("contained, a URL from the address", "PATCH", "Patient/1", text(built), PATCH)
    turned = [{"op": "add", "path": "/series", "value": hollow["series"]},
              {"op": "copy", "from": "/address/0/text", "path": place.removeprefix("/contained/0")},
              {"op": "replace", "path": "/resourceType", "value": "ImagingStudy"}]  # fmt: skip
    yield Attack("a Patient that becomes a study", "PATCH", "Patient/1", text(turned), PATCH)
    sent = bundle("batch", entry("PATCH", "Patient/1", built))
    yield Attack("contained, a URL from the address, in a batch", "POST", "", text(sent), FHIR)
    merged = {"contained": [{"resourceType": "ImagingStudy", "series": ao()["series"]}]}
    yield Attack("merge patch of contained", "PATCH", "Patient/1", text(merged), MERGE)


# whole resources


def resources():
    """Yield an AO in every place where a resource can be, by every way."""
    inner = {"resource": ao(id="9")}
    stored = bundle("collection", inner)
    nested = bundle("document", {"resource": stored})
    for name, resource, url in (
        ("a study", ao(), "ImagingStudy"),
        ("a Bundle", stored, "Bundle"),
        ("a Bundle in a Bundle", nested, "Bundle"),
        (
            "a message",
            bundle("message", {"resource": {"resourceType": "MessageHeader"}}, inner),
            "Bundle",
        ),
        ("a searchset", bundle("searchset", inner), "Bundle"),
        ("a history", bundle("history", entry("PUT", "ImagingStudy/9", ao())), "Bundle"),
        (
            "a transaction as data",
            bundle("transaction", entry("POST", "ImagingStudy", ao())),
            "Bundle",
        ),
    ):
        yield Attack(f"{name}: create", "POST", url, text(resource), FHIR)
        yield Attack(f"{name}: update", "PUT", f"{url}/1", text({**resource, "id": "1"}), FHIR)
        yield Attack(
            f"{name}: conditional", "PUT", f"{url}?_id=1", text({**resource, "id": "1"}), FHIR
        )
        yield Attack(f"{name}: conditional create", "POST", url, text(resource),
                     {**FHIR, "if-none-exist": "_id=77"})  # fmt: skip
        for of in ("batch", "transaction"):
            for method, where in (("POST", url), ("PUT", f"{url}/1"), ("PUT", f"{url}?_id=1")):
                sent = bundle(of, entry(method, where, resource))
                yield Attack(f"{name}: {method} {where} in a {of}", "POST", "", text(sent), FHIR)
        bare = bundle("batch", {"resource": resource})
        yield Attack(f"{name}: an entry without a request", "POST", "", text(bare), FHIR)
        yield Attack(f"{name}: to the base", "POST", "", text(resource), FHIR)
    series = ao()["series"]
    selection = {
        "resourceType": "ImagingSelection", "status": "available", "code": {}, "studyUid": STUDY,
        "seriesUid": SERIES, "instance": [{"uid": OTHER, "extension": [statement()]}],
    }  # fmt: skip
    for name, resource, url in (
        ("contained", {"resourceType": "DiagnosticReport", "contained": [ao(id="c")]}, "DiagnosticReport"),
        ("contained in a study", {**study(), "contained": [ao(id="c")]}, "ImagingStudy"),
        ("Parameters", {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": ao()}]}, "Parameters"),
        ("a file", {"resourceType": "Binary", "contentType": "application/fhir+json", "data": encoded(ao())}, "Binary"),
        ("a file in UTF-16", {"resourceType": "Binary", "contentType": "application/json",
         "data": base64.b64encode(json.dumps(ao()).encode("utf-16")).decode()}, "Binary"),
        ("an attachment", {"resourceType": "DocumentReference", "content": [{"attachment": {"data": encoded(ao())}}]}, "DocumentReference"),
        ("no type", {"series": series}, "ImagingStudy"),
        ("another type", {"resourceType": "Patient", "series": series}, "Patient"),
        ("a type in small letters", {"resourceType": "imagingstudy", "series": series}, "ImagingStudy"),
        ("members in capitals", json.loads(json.dumps(ao()).replace('"extension"', '"Extension"')), "ImagingStudy"),
        ("a URL with blanks", json.loads(json.dumps(ao()).replace(URL, f" {URL} ")), "ImagingStudy"),
        ("a URL with NUL", json.loads(json.dumps(ao()).replace(URL, URL[:9] + "\\u0000" + URL[9:])), "ImagingStudy"),
        ("a URL with a zero-width blank", json.loads(json.dumps(ao()).replace(URL, URL[:9] + "\u200b" + URL[9:])), "ImagingStudy"),
        ("a value of another type", json.loads(json.dumps(ao()).replace("valueCode", "valueString")), "ImagingStudy"),
        ("on a series' body site", {**study(), "series": [{"uid": SERIES, "instance": [{"uid": OTHER}],
         "bodySite": {"extension": [statement()]}}]}, "ImagingStudy"),
        ("a modifier extension", {**study(), "modifierExtension": [statement()]}, "ImagingStudy"),
        ("one extension, no list", {**study(), "extension": statement()}, "ImagingStudy"),
        ("an instance without a UID", {**study(), "series": [{"uid": SERIES, "instance": [{"extension": [statement()]}]}]}, "ImagingStudy"),
        ("a nested extension", {**study(), "extension": [{"url": "x", "extension": [statement()]}]}, "ImagingStudy"),
        ("of the meta element", {**study(), "meta": {"extension": [statement()]}}, "ImagingStudy"),
        ("a statement twice", twice(), "ImagingStudy"),
        ("a status twice", status_twice(), "ImagingStudy"),
        ("a verbatim value", verbatim(), "ImagingStudy"),
        ("a selection", selection, "ImagingSelection"),
        ("a tag", {**study(), "meta": {"tag": [{"system": ROLLUP, "code": "AO"}]}}, "ImagingStudy"),
        ("a tag, contained", {"resourceType": "Basic", "contained": [{**study(), "meta": {"tag": [{"system": ROLLUP, "code": "AO"}]}}]}, "Basic"),
        ("a tag beside NS", {**stating(said(1, "NS")), "meta": {"tag": [{"system": ROLLUP, "code": "AO"}]}}, "ImagingStudy"),
    ):  # fmt: skip
        yield Attack(f"{name}: create", "POST", url, text(resource), FHIR)
        sent = bundle("batch", entry("POST", url, resource))
        yield Attack(f"{name}: batch", "POST", "", text(sent), FHIR)
    for name, url, grown in (
        ("more instances", "ImagingStudy/2", grown_study()),
        ("an instance from another series", "ImagingStudy/4", moved_instance()),
        ("a series more", "ImagingStudy/2", grown_by_a_series("1.2.9.2")),
        ("a series without a UID more", "ImagingStudy/2", grown_by_a_series(None)),
        ("a series with an odd UID more", "ImagingStudy/2", grown_by_a_series(["1.2.3.1"])),
    ):
        yield Attack(f"{name} of a study that is AO", "PUT", url, text(grown), FHIR)
        sent = bundle("transaction", entry("PUT", url, grown))
        yield Attack(
            f"{name} of a study that is AO, in a transaction", "POST", "", text(sent), FHIR
        )
    for key, member in (("Entry", "resource"), ("entry", "Resource")):
        sent = {"resourceType": "Bundle", "type": "batch", key: [{member: ao()}]}
        yield Attack(f"members {key} and {member}", "POST", "", text(sent), FHIR)
    sent = bundle("batch")
    del sent["entry"]
    sent["Entry"] = [entry("PATCH", "ImagingStudy/3", json_patches()["replace by index"][1])]
    yield Attack("a patch in Entry", "POST", "", text(sent), FHIR)


def twice():
    resource = stating(said(1, "NS"))
    found = resource["series"][0]["instance"][1]["extension"]
    found.append(statement())
    return resource


def status_twice():
    resource = stating(said(1, "NS"))
    inner = resource["series"][0]["instance"][1]["extension"][0]["extension"]
    inner.append(statement()["extension"][0])
    return resource


def verbatim():
    resource = stating(said(1, "NS"))
    inner = resource["series"][0]["instance"][1]["extension"][0]["extension"]
    pieces = [
        {"url": "attribute", "valueCode": "SOPInstanceStatus"},
        {"url": "value", "valueString": '"AO"'},
    ]
    inner.append({"url": "verbatim", "extension": pieces})
    return resource


def moved_instance():
    """Return a study whose one series is AO, and an instance of another series in it."""
    held = copy.deepcopy(seeds()[6])
    held["series"][0]["instance"] += held["series"].pop()["instance"]
    return held


def grown_by_a_series(uid):
    """Return a study that is AO as a whole, with a series more that has this UID, or none."""
    held = copy.deepcopy(seeds()[1])
    more = {"instance": [{"uid": "1.2.9.2.0"}]}
    held["series"].append({"uid": uid, **more} if uid is not None else more)
    return held


def two_series():
    """Return a study of two series, of which one is AO as a whole."""
    wide = said(0).__class__("1.2.8", SERIES, "", "", "", {"SOPInstanceStatus": "AO"})
    held = stating(wide)
    held["series"][0]["instance"] = [{"uid": "1.2.8.1.0"}]
    held["series"].append({"uid": "1.2.8.2", "instance": [{"uid": "1.2.8.2.0"}]})
    return {**held, "id": "4"}


def grown_study():
    held = copy.deepcopy(seeds()[1])
    held["series"][0]["instance"].append({"uid": "1.2.9.1.7"})
    return held


# how it is written


def xml(reference=False):
    """Return an AO in XML; ``reference``: our URL with a character reference."""
    url = URL.replace("/", "&#47;") if reference else URL
    return (
        f'<ImagingStudy xmlns="http://hl7.org/fhir"><series><uid value="{SERIES}"/><instance>'
        f'<extension url="{url}"><extension url="status"><valueCode value="AO"/></extension></extension>'
        f'<uid value="{OTHER}"/></instance></series></ImagingStudy>'
    )


def writings():
    """Yield an AO in every encoding, media type and spelling."""
    plain = json.dumps(ao())
    deflated = {**FHIR, "content-encoding": "deflate"}
    series = json.dumps(ao()["series"])
    clean = json.dumps(study())
    bodies = [
        ("gzip", gzip.compress(plain.encode()), {**FHIR, "content-encoding": "gzip"}),
        ("gzip, capitals", gzip.compress(plain.encode()), {**FHIR, "content-encoding": "GZIP"}),
        ("deflate", zlib.compress(plain.encode()), deflated),
        ("UTF-8 with a mark", b"\xef\xbb\xbf" + plain.encode(), FHIR),
        ("escaped", plain.replace("/", "\\/").encode(), FHIR),
        ("escaped by number", plain.replace("/", "\\u002f").encode(), FHIR),
        ("all escaped", plain.replace(URL, "".join(f"\\u{ord(c):04x}" for c in URL)).encode(), FHIR),
        ("AO escaped", plain.replace('"AO"', '"\\u0041\\u004f"').encode(), FHIR),
        ("a member twice", f'{{"series": {series}, {clean[1:]}'.encode(), FHIR),
        ("a member twice, then clean", f'{{"Series": {series}, {clean[1:]}'.encode(), FHIR),
        ("XML", xml().encode(), {"content-type": "application/fhir+xml"}),
        ("XML, references", xml(True).encode(), {"content-type": "application/fhir+xml"}),
        ("XML as JSON", xml(True).encode(), FHIR),
        ("XML, untold", xml(True).encode(), {}),
        ("XML in UTF-16, untold", xml(True).encode("utf-16"), {}),
        ("XML as text", xml().encode(), {"content-type": "text/plain"}),
        ("JSON, untold", plain.encode(), {}),
        ("JSON as octets", plain.encode(), {"content-type": "application/octet-stream"}),
        ("JSON as a form", plain.encode(), {"content-type": "application/x-www-form-urlencoded"}),
        ("JSON as XML", plain.encode(), {"content-type": "application/xml"}),
    ]  # fmt: skip
    for name in ("utf-16", "utf-16-le", "utf-16-be"):
        bodies.append((f"{name}, untold", plain.encode(name), FHIR))
        named = {"content-type": f"application/fhir+json; charset={name}"}
        bodies.append((name, plain.encode(name), named))
    seven = plain.replace(URL, URL.encode("utf-7").decode().replace("/", "+AC8-")).encode()
    for spelt in (
        "charset=utf-7",
        "charset =utf-7",
        "charset=utf-8; charset=utf-7",
        'charset="utf-7"',
    ):
        bodies.append((spelt, seven, {"content-type": f"application/json; {spelt}"}))
    for name, body, headers in bodies:
        yield Attack(f"{name}: ImagingStudy", "POST", "ImagingStudy", body, headers)
        yield Attack(f"{name}: Patient", "POST", "Patient", body, headers)
        yield Attack(f"{name}: Binary", "POST", "Binary", body, headers)


# where it goes


def places():
    """Yield an AO to every spelling of a path, and by every header that names another method or path."""
    body = text(ao())
    for path in ("/ImagingStudy", "imagingstudy", "IMAGINGSTUDY", "ImagingStudy/", "ImagingStudy;x=1",
                 "%49magingStudy", "ImagingStudy%2F9", "ImagingStudy%20", "Imaging%00Study",
                 "Patient/1/ImagingStudy", "ImagingStudy/1/_history", "ImagingStudy/_search",
                 "metadata", "_history", "x/../ImagingStudy", "./ImagingStudy", "%2e/ImagingStudy",
                 "ImagingStudy?_format=xml", "Basic", "Unknown", "ImagingStudy%5C9"):  # fmt: skip
        yield Attack(f"POST {path}", "POST", path, body, FHIR)
    for path in (
        "ImagingStudy/9",
        "ImagingStudy/1/_history/1",
        "Patient/1/ImagingStudy/9",
        "Patient/9",
    ):
        yield Attack(f"PUT {path}", "PUT", path, body, FHIR)
    by_index = text(json_patches()["replace by index"][1])
    for name in (
        "X-HTTP-Method-Override",
        "x-http-method",
        "X-METHOD-OVERRIDE",
        "X_HTTP_Method_Override",
    ):
        for method in ("POST", "PUT", "GET", "DELETE"):
            yield Attack(f"{method} with {name}", method, "ImagingStudy/3", by_index,
                         {**FHIR, name: "PATCH"})  # fmt: skip
        yield Attack(f"a Patient with {name}", "PATCH", "Patient/1", body, {**PATCH, name: "PUT"})
    for query in ("_method=PATCH", "x=1&_method=PATCH", "%5fmethod=PATCH"):
        yield Attack(f"POST ?{query}", "POST", f"ImagingStudy/3?{query}", by_index, FHIR)
        yield Attack(f"GET ?{query}", "GET", f"ImagingStudy/3?{query}", by_index, FHIR)
    for name in ("X-Original-URL", "X-Rewrite-URL"):
        yield Attack(
            f"{name}", "PATCH", "Patient/1", by_index, {**PATCH, name: "/fhir/ImagingStudy/3"}
        )
    provenance = {"resourceType": "Provenance", "contained": [ao(id="p")]}
    for method, path in (("POST", "Patient"), ("PUT", "Patient/1"), ("DELETE", "Patient/1")):
        beside = {**FHIR, "X-Provenance": json.dumps(provenance)}
        patient = text({"resourceType": "Patient", "id": "1"})
        yield Attack(f"{method} with X-Provenance", method, path, patient, beside)
    shy = {**FHIR, "X-Provenance": json.dumps(provenance).replace("/", "\\u002f")}
    yield Attack("X-Provenance, escaped", "POST", "Patient", text({"resourceType": "Patient"}), shy)
    form = {"content-type": "application/x-www-form-urlencoded"}
    yield Attack("a form that is a study", "POST", "ImagingStudy/_search", body, form)


def operations():
    """Yield every operation that could store what it is given."""
    message = bundle("message", {"resource": {"resourceType": "MessageHeader"}}, {"resource": ao()})
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": ao()}]}
    for name in ("$process-message", "$batch", "$import", "$submit-data", "$apply", "$store", "$merge",
                 "%24process-message", "$transform", "$document"):  # fmt: skip
        for kind, body in (("message", message), ("Parameters", wrapped), ("a study", ao())):
            yield Attack(f"{name} of {kind}", "POST", name, text(body), FHIR)
    for path in (
        "ImagingStudy/$process-message",
        "ImagingStudy/1/$add",
        "Patient/1/$process-message",
    ):
        yield Attack(path, "POST", path, text(wrapped), FHIR)
        sent = bundle("batch", entry("POST", path, wrapped))
        yield Attack(f"{path} in a batch", "POST", "", text(sent), FHIR)
    by_index = json_patches()["replace by index"][1]
    for method in ("POST", "PATCH"):
        yield Attack(f"{method} $patch", method, "ImagingStudy/3/$patch", text(by_index), FHIR)
    found = fhirpath_patches()["by index"][1]
    yield Attack("$bulk-update", "PATCH", "ImagingStudy/3/$bulk-update", text(found), FHIR)
    sent = bundle("transaction", entry("POST", "ImagingStudy/3/$patch", by_index))
    yield Attack("$patch in a transaction", "POST", "", text(sent), FHIR)
    inside = json.dumps(json.dumps(ao()))
    shy = json.dumps(json.dumps(ao()).replace("/", "\\u002f"))
    for name, query in (
        ("text", f"mutation {{ make(json: {inside}) }}"),
        ("escapes", f"mutation {{ make(json: {shy}) }}"),
    ):
        yield Attack(f"a mutation: {name}", "POST", "$graphql", text({"query": query}), FHIR)
    by_text = json.dumps(json.dumps(by_index))
    query = {"query": f"mutation {{ patch(id: 3, json: {by_text}) }}"}
    for path in ("$graphql", "graphql", "//graphql"):
        yield Attack(f"a mutation that patches: {path}", "POST", path, text(query), FHIR)
        sent = bundle("batch", entry("POST", path, query))
        yield Attack(f"a mutation that patches: {path}, in a batch", "POST", "", text(sent), FHIR)
        found = quote(query["query"])
        yield Attack(f"a mutation by GET: {path}", "GET", f"{path}?query={found}", b"", {})
    query = {"query": "mutation M($r: X) { make(res: $r) }", "variables": {"resource": ao()}}
    yield Attack("a mutation: variables", "POST", "$graphql", text(query), FHIR)
    sent = bundle("batch", entry("POST", "$graphql", query))
    yield Attack("a mutation in a batch", "POST", "", text(sent), FHIR)


def all_of_them():
    """Return every attack, each with a name of its own."""
    return [*patches(), *resources(), *writings(), *places(), *operations()]
