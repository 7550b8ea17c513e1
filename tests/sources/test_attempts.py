"""Servers that are busy, break off or take no token: what is asked again, how long, and for how often."""

import email.utils
import time
from contextlib import contextmanager
from itertools import chain, repeat

import pytest
import requests
from sopstatus import DocumentError
from sopstatus.sources import azure, dicomweb, fhir_server
from sopstatus.sources.attempts import Attempts, Bearer, Fault, Unanswered
from sopstatus.testing import dicomweb as servers
from sopstatus.testing.archive import Archive, Quirks
from sopstatus.testing.faults import (
    Faulty,
    Tokens,
    busy,
    lost,
    mixed_up,
    stalled,
    torn,
    unauthorized,
)
from sopstatus.testing.running import running
from starlette.middleware.gzip import GZipMiddleware

from sources.stored import FIRST, SERIES, STUDY, file, status


class Waits:
    """A clock that only waiting moves."""

    def __init__(self):
        self.waited = []

    def attempts(self, *arguments, **options):
        return Attempts(*arguments, sleep=self.waited.append, clock=lambda: 0.0, **options)


@contextmanager
def faulty(*faults, about="/metadata", app=None, **options):
    """Run Azure's stand-in with these faults and yield it as a source, with its waits."""
    app = app or servers.azure()
    app.state.archive.store(file(1))
    before, waits = Faulty(app, *faults, about=about), Waits()
    with running(before) as url:
        options = {"attempts": waits.attempts(), "timeout": 0.3} | options
        source = dicomweb(f"{url}/v2", **options)
        source.asked, source.waited, source.archive = before.asked, waits.waited, app.state.archive
        yield source


@pytest.mark.parametrize(
    "fault",
    [busy(429), busy(500), busy(502), busy(503), busy(504), busy(408), torn, stalled, lost],
    ids=["429", "500", "502", "503", "504", "408", "torn", "stalled", "lost"],
)
def test_what_may_pass_is_asked_again(fault):
    """RFC 6585 4, RFC 9110 15.6; a body that breaks off or stalls is no answer either."""
    with faulty(fault, fault) as source:
        (scanned,) = source.scan()
        assert scanned.issues == ()
        assert status(scanned.instances[0]) == "AO"
        first, second = source.waited
        assert 0.25 <= first <= 0.5
        assert 0.5 <= second <= 1.0


@pytest.mark.parametrize("code", [400, 403, 404, 406, 409, 501])
def test_what_will_not_pass_is_asked_once(code):
    with faulty(busy(code)) as source:
        assert source.study(STUDY).issues[0].severity == "fatal"
        assert source.waited == []
        assert len(source.asked) == 1


def test_retry_after_is_obeyed_in_seconds_and_as_a_date():
    """RFC 9110 10.2.3."""
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    with faulty(busy(429, "7"), busy(503, date), busy(503, "soon")) as source:
        assert source.study(STUDY).issues == ()
        assert source.waited[0] == 7
        assert 20 < source.waited[1] <= 30
        assert source.waited[2] <= 2


def test_who_asks_for_an_hour_is_not_waited_for():
    with faulty(busy(429, "3600")) as source:
        assert "status 429" in source.study(STUDY).issues[0].diagnostics
        assert source.waited == []


def test_a_budget_ends_what_a_dead_server_would_make_of_a_scan():
    waits = Waits()
    attempts = waits.attempts(5, budget=3.0)
    with faulty(*[busy(503)] * 1000, attempts=attempts) as source:
        records = list(source.scan([f"1.2.{n}" for n in range(100)]))
        assert {r.issues[0].code for r in records} == {"source/unavailable"}
        assert sum(waits.waited) <= 3
        assert len(source.asked) < 110  # each study once, and the few that were asked again
    with faulty(attempts=attempts) as source:  # who answers gives the budget back
        for _ in range(5):
            source.study(STUDY)
        source.attempts = attempts
        waits.waited.clear()
        with pytest.raises(Unanswered):
            attempts.ask(lambda: 1 / 0, lambda error: Fault("busy", 503, again=True))
        assert waits.waited


def test_an_exception_that_says_nothing_of_the_service_is_raised():
    with pytest.raises(ZeroDivisionError):
        Attempts().ask(lambda: 1 / 0, lambda error: None)


def test_the_change_feed_and_a_fhir_server_are_asked_again_too():
    with faulty(busy(429, "2"), busy(503), about="/changefeed") as source:
        (change,) = azure.changes(source)
        assert status(change.scanned.instances[0]) == "AO"
        assert source.waited[0] == 2

    async def bundle(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(
            {
                "type": "http.response.body",
                "body": b'{"resourceType": "Bundle", "type": "searchset"}',
            }
        )

    waits = Waits()
    with running(Faulty(bundle, busy(429, "2"), torn)) as url:
        assert fhir_server(url, attempts=waits.attempts()).statements(STUDY) == []
        assert waits.waited[0] == 2
        assert len(waits.waited) == 2


def test_a_token_that_expires_is_read_again(tmp_path):
    """RFC 6750 3.1: 401 with invalid_token; the client may ask with a new token."""
    token = tmp_path / "token"
    token.write_text("first\n")
    app = servers.azure()
    for study in ("1.2.1", "1.2.2", "1.2.3"):
        app.state.archive.store(file(int(study[-1]), study=study))
    guard = Tokens(app, ["first"])
    before = Faulty(guard)
    with running(before) as url:
        session = requests.Session()
        session.auth = Bearer(token)
        source = dicomweb(f"{url}/v2", session=session, attempts=Waits().attempts())
        scan = source.scan()
        assert next(scan).issues == ()
        guard.valid = {"second"}
        token.write_text("second\n")
        assert [len(s.instances) for s in scan] == [1, 1]

        before.asked.clear()
        guard.valid = {"third"}  # and nobody writes the file
        (first,) = source.scan(["1.2.1", "1.2.2", "1.2.3"])
        assert [i.code for i in first.issues] == ["source/unauthorized"]
        assert len(before.asked) == 2, (
            "the token was read again, once, and no other study asked for"
        )
        token.unlink()
        assert "FileNotFoundError" in source.study("1.2.1").issues[0].diagnostics


def test_a_token_of_a_cloud_s_library_is_asked_for_each_time():
    tokens = chain(["old", "old"], repeat("new"))
    app = servers.azure()
    app.state.archive.store(file(1))
    with running(Tokens(app, ["new"])) as url:
        session = requests.Session()
        session.auth = Bearer(lambda: next(tokens))
        source = dicomweb(f"{url}/v2", session=session)
        assert source.study(STUDY).issues[0].code == "source/unauthorized"
        assert source.study(STUDY).issues == ()


def test_401_once_is_no_end():
    with faulty(unauthorized) as source:
        assert source.study(STUDY).issues == ()
        assert source.waited == []


def test_compressed_answers_are_read():
    """RFC 9110 8.4: Content-Encoding."""
    app = servers.azure()
    zipped = GZipMiddleware(app, minimum_size=10)
    zipped.state = app.state
    with faulty(torn, app=zipped) as source:
        (scanned,) = source.scan()
        assert status(scanned.instances[0]) == "AO"


def test_an_answer_about_another_study_is_not_used():
    """What a cache mixes up: nothing in PS3.18 10.4 lets a server answer with another study."""
    with faulty(mixed_up("1.2.3", STUDY), mixed_up("1.2.3", STUDY)) as source:
        scanned = source.study("1.2.3")
        assert [i.code for i in scanned.issues] == ["source/another-study"]
        assert scanned.instances == ()
        with pytest.raises(DocumentError, match="source/another-study"):
            source.statements("1.2.3")


def test_pages_that_repeat_results_repeat_nothing_here():
    """PS3.18 8.3.4.4: paging by offset holds only where the server keeps the order of its matches."""
    app = servers.application(Archive(Quirks(repeats=3, page=10)), "/web")
    for number in range(35):
        app.state.archive.store(file(number))
    with running(app) as url:
        found = dicomweb(f"{url}/web", page=10).search("SOPInstanceStatus", "AO")
        assert [x.sop_instance_uid for x in found.value] == [f"{FIRST}.{n}" for n in range(35)]


def test_a_change_feed_that_repeats_its_page_ends():
    """microsoft/dicom-server, docs/concepts/change-feed.md: limit and offset."""
    with faulty(about="never") as source:
        for number in range(2, 5):
            source.archive.store(file(number))
        get = source.session.get
        source.session.get = lambda url, params, **more: get(
            url, params={**params, "offset": 0}, **more
        )
        assert [c.sequence for c in azure.changes(source, page=4)] == [1, 2, 3, 4]


@pytest.mark.parametrize("series", ["", SERIES])
def test_a_summary_is_refused(series):
    """Orthanc Book, DICOMweb plugin: StudiesMetadata and SeriesMetadata."""
    app = servers.application(Archive(Quirks(summary=True)), "/web")
    app.state.archive.store(file(1))
    with running(app) as url:
        source = dicomweb(f"{url}/web")
        with pytest.raises(DocumentError, match="source/summary"):
            source.metadata(STUDY, series)
        with pytest.raises(DocumentError, match="source/summary"):
            source.statements(STUDY)
        assert source.metadata(STUDY, SERIES, f"{FIRST}.1")[0]["01000410"]["Value"] == ["AO"]


def test_whether_metadata_is_a_summary_is_asked_once():
    with faulty(about="never") as source:
        for _ in range(3):
            source.study(STUDY)
        assert len([a for a in source.asked if "/instances/" in a]) == 1
        assert len(source.asked) == 4
