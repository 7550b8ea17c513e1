"""Requests made at random from the attacks: whatever they are, nothing unvouched arrives, nothing fails."""

import asyncio
import copy
import json
import random

import pytest
from sopstatus.engines.gateway import Gateway, Site

from engines.gateway import attacks
from engines.gateway.fhir_stub import Stub, claims
from engines.gateway.served import URL
from engines.gateway.test_middleware import calling

JUNK = [None, True, 0, "", [], {}, "AO", ["AO"], {"url": URL}, "\ud800", 10**30, "PATCH",
        "ImagingStudy/3", "Bundle", "x" * 50]  # fmt: skip
NAMES = ["extension", "contained", "entry", "request", "resource", "url", "Extension"]
KINDS = ["application/fhir+json", "application/json-patch+json", "application/json"]
REQUESTS = 250


def places(node, path=()):
    """Yield the path of every node of parsed JSON."""
    yield path
    for step in (
        node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    ):
        yield from places(node[step], (*path, step))


def at(node, path):
    for step in path:
        node = node[step]
    return node


def changed(document, others, chance):
    """Return a document with up to four nodes replaced, copied, renamed or removed."""
    document = copy.deepcopy(document)
    for _ in range(chance.randint(1, 4)):
        paths = list(places(document))
        path = chance.choice(paths)
        if not path:
            continue
        node, step, what = at(document, path[:-1]), path[-1], chance.random()
        if what < 0.35:
            node[step] = copy.deepcopy(chance.choice(JUNK))
        elif what < 0.6:
            node[step] = copy.deepcopy(at(document, chance.choice(paths)))
        elif what < 0.75:
            other = chance.choice(others)
            node[step] = copy.deepcopy(at(other, chance.choice(list(places(other)))))
        elif what < 0.85 and isinstance(node, dict):
            node[chance.choice([*node, *NAMES])] = node.pop(step)
        else:
            del node[step]
    return document


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_sent_nothing_unvouched_arrives(seed):
    chance, server = random.Random(seed), Stub()
    allowed = set(claims(attacks.seeds()))
    every = attacks.all_of_them()
    documents = [json.loads(one.body) for one in every if one.body[:1] in (b"{", b"[")]
    sites = (
        Site("closed", base="/fhir", demote=True),
        Site("open", base="/fhir", demote=True, tag=True),
        Site("open", base="/fhir", write_scope="w", read_scope="r", scopes=lambda _: frozenset()),
    )

    async def work():
        clients = [calling(Gateway(server, site)) for site in sites]
        passed = 0
        for _ in range(REQUESTS):
            method, path = chance.choice(every).method, chance.choice(every).path.lstrip("/")
            body = json.dumps(changed(chance.choice(documents), documents, chance)).encode()
            url, kind = f"http://facade/fhir/{path.replace('%00', '')}", chance.choice(KINDS)
            for client in clients:
                server.reset(*attacks.seeds())
                headers = {"content-type": kind}
                answer = await client.request(method, url, content=body, headers=headers)
                assert answer.status_code < 500, (method, path, body)
                assert not set(claims(server.stored)) - allowed, (method, path, body)
                passed += bool(server.received)
        return passed

    assert asyncio.run(work()) > 10
