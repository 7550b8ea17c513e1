"""Attacks on the process before a server that applies whatever it gets: nothing unvouched arrives.

Each attack is first done to the server itself, where it has to work: else it would show nothing.
"""

import http.client
import json

import pytest

from engines.gateway import attacks
from engines.gateway.fhir_stub import claims, document, stub
from engines.gateway.served import gateway
from engines.gateway.test_gateway import token

KINDS = ["patches", "resources", "writings", "places", "operations"]
WRITES = ("POST", "PUT", "PATCH")
ALLOWED = set(claims(attacks.seeds()))


@pytest.fixture(scope="module")
def server():
    with stub() as running:
        yield running


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
def demoting(server, audit):
    with gateway(server.url, "--demote", "--audit", audit) as running:
        yield running


@pytest.fixture(scope="module")
def scoped(server):
    with gateway(server.url, "--write-scope", "sopstatus.write", on_failure="open") as running:
        yield running


def ask(url, attack, headers=None):
    """Send an attack as it is; return the status."""
    host, slash, base = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request(
        attack.method,
        f"{slash}{base}/{attack.path}",
        attack.body,
        {**attack.headers, **(headers or {})},
    )
    status = connection.getresponse().status
    connection.close()
    return status


def arrived(server):
    """Return the claims of everything that the server ever stored, but for what it began with."""
    return set(claims(server.stored)) - ALLOWED


def records(audit):
    return (
        [json.loads(line)["record"] for line in audit.read_text().splitlines()]
        if audit.exists()
        else []
    )


def untrue(new, one, server):
    """Return the records that say something else than what the server got, and what has no record."""
    got = {uid for uid, _ in claims(server.received, terms=("NS",))}
    was = {uid for uid, _ in claims(document(one.body, one.headers), terms=("NS",))}
    told = {record["sop_instance_uid"] for record in new}
    wrong = [record for record in new if record["after"] != "NS" or not (told - {""} <= got)]
    return wrong + ([] if "" in told else sorted(got - was - told))


def test_the_attacks_work_where_nobody_stands_in_between(server):
    every = attacks.all_of_them()
    assert len({one.name for one in every}) == len(every)
    harmless = []
    for one in every:
        server.reset(*attacks.seeds())
        ask(server.url, one)
        if not arrived(server):
            harmless.append(one.name)
    assert not harmless
    assert len(every) > 400


@pytest.mark.parametrize("kind", KINDS)
def test_demote_lets_no_attack_through(server, demoting, audit, kind):
    for one in getattr(attacks, kind)():
        server.reset(*attacks.seeds())
        before = len(records(audit))
        status = ask(demoting.url, one)
        assert not arrived(server), one.name
        assert status < 500, one.name
        new = records(audit)[before:]
        assert not untrue(new, one, server), one.name
        if status >= 400:
            assert not new, one.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_scope_lets_no_attack_through(server, scoped, kind):
    for one in getattr(attacks, kind)():
        server.reset(*attacks.seeds())
        status = ask(scoped.url, one, token("user/*.*"))
        assert not arrived(server), one.name
        assert status < 500, one.name
