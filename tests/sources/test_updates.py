"""Updates that stop half way: records of what the service confirmed, an issue for the rest, and on."""

from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config
from sopstatus import Link, SOPInstance
from sopstatus.sources import dicomweb, google, healthimaging
from sopstatus.testing import dicomweb as servers
from sopstatus.testing.faults import (
    Faulty,
    busy,
    lost,
    not_found,
    stalled,
    torn,
    unauthorized,
)
from sopstatus.testing.healthimaging import healthimaging as data_store
from sopstatus.testing.running import running

from sources.stored import FIRST, SERIES, STUDY, file, status
from sources.test_attempts import Waits
from sources.test_image_sets import SET, STORE, image_set
from sources.test_image_sets import said as told

TRUSTED = Link(secure=True, authenticated=True, conforms=True)


def said(number, value="AC"):
    return SOPInstance(STUDY, SERIES, "", f"{FIRST}.{number}", "", {"SOPInstanceStatus": value})


def uids(result):
    return {record.sop_instance_uid for record in result.records}


@contextmanager
def served(count, *faults, about="PATCH", change=()):
    """Run Google's stand-in; each ``change`` is a number of an instance and the status it has."""
    app, waits = servers.google(), Waits()
    for number in range(count):
        app.state.archive.store(file(number, dict(change).get(number, "NS")))
    before = Faulty(app, *faults, about=about)
    with running(before) as url:
        source = dicomweb(
            url + servers.GOOGLE, attempts=waits.attempts(), holder="GCP", timeout=0.5
        )
        source.asked, source.waited, source.archive = before.asked, waits.waited, app.state.archive
        yield source


def patched(source):
    return [a.partition("/studies/")[2] for a in source.asked if a.startswith("PATCH")]


def states(source):
    return [status(x) for x in source.study(STUDY).instances]


def test_what_was_changed_is_recorded_and_the_rest_goes_on_later():
    """RFC 6585 4 for 429; that Google answers 429 over its quota is RESOURCE_EXHAUSTED of google.rpc.Code."""
    faults = [None] * 6 + [busy(429)] * 5
    with served(12, *faults) as source:
        statements = [said(n) for n in range(10)]  # not of all, so each by itself
        result = google.update(source, statements, STUDY, link=TRUSTED)
        assert result.value == 6
        assert uids(result) == {f"{FIRST}.{n}" for n in range(6)}
        assert {(r.before, r.after, r.outcome) for r in result.records} == {("NS", "AC", "done")}
        assert [i.code for i in result.issues] == ["source/unavailable", "source/update-incomplete"]
        assert "6 of 10" in result.issues[1].diagnostics
        assert len(source.waited) == 4
        assert states(source) == ["AC"] * 6 + ["NS"] * 6

        result = google.update(source, statements, STUDY, link=TRUSTED)
        assert (result.value, result.issues) == (4, ())
        assert {f"{FIRST}.{n}" for n in range(6, 10)} <= uids(result)
        assert states(source) == ["AC"] * 10 + ["NS"] * 2


def test_one_that_is_refused_does_not_stop_the_others():
    with served(5, None, busy(400), not_found) as source:
        result = google.update(source, [said(n) for n in range(4)], STUDY, link=TRUSTED)
        assert uids(result) == {f"{FIRST}.0", f"{FIRST}.3"}
        assert states(source) == ["AC", "NS", "NS", "AC", "NS"]
        codes = [i.code for i in result.issues]
        assert codes == ["source/refused", "source/unavailable", "source/update-incomplete"]


def test_a_patch_whose_answer_never_came_is_looked_up():
    with served(3, *[lost] * 5) as source:
        result = google.update(source, [said(0), said(1)], STUDY, link=TRUSTED)
        assert uids(result) == {f"{FIRST}.0"}, "it was done, and the metadata says so"
        assert "1 of 2" in result.issues[-1].diagnostics


def test_a_token_that_expires_on_the_way_loses_no_record():
    with served(4, None, unauthorized, unauthorized) as source:
        result = google.update(source, [said(n) for n in range(3)], STUDY, link=TRUSTED)
        assert uids(result) == {f"{FIRST}.0"}
        assert result.issues[0].code == "source/unauthorized"
        assert len(patched(source)) == 3


def test_a_study_or_series_of_which_all_say_the_same_is_one_request():
    """Cloud Healthcare API v1beta1, studies.updateMetadata and series.updateMetadata: an Operation."""
    with served(40) as source:
        result = google.update(source, [said(n) for n in range(40)], STUDY, link=TRUSTED)
        assert (result.value, len(uids(result)), result.issues) == (40, 40, ())
        assert patched(source) == [f"{STUDY}/metadata"]
        assert set(states(source)) == {"AC"}
        other = said(0)
        assert google.update(source, [other], STUDY, link=TRUSTED).value == 0
        assert len(patched(source)) == 1

    with served(3, change={2: "AC"}) as source:  # two series, of which one changes
        kept = source.archive.instances[f"{FIRST}.2"].metadata
        kept["0020000E"]["Value"] = ["1.2.9"]
        result = google.update(source, [said(0), said(1)], STUDY, link=TRUSTED)
        assert (result.value, result.issues) == (2, ())
        assert patched(source) == [f"{STUDY}/series/{SERIES}/metadata"]


def test_what_an_operation_did_is_read_and_what_came_meanwhile_is_told():
    with served(3, None, about="operations/") as source:
        patch = source.session.patch

        def and_another(*given, **more):  # the modality stores one more image before it is done
            answer = patch(*given, **more)
            source.archive.store(file(7, "NS"))
            return answer

        source.session.patch = and_another
        result = google.update(source, [said(n) for n in range(3)], STUDY, link=TRUSTED)
        assert [i.code for i in result.issues] == ["google/new-instances"]
        assert uids(result) == {f"{FIRST}.{n}" for n in range(3)}

    with served(3, busy(400), about="operations/") as source:  # nobody knows what became of it
        result = google.update(source, [said(n) for n in range(3)], STUDY, link=TRUSTED)
        assert result.records == ()
        assert result.value == 0
        assert result.issues[-1].code == "source/update-incomplete"


def client(url, timeout=20):
    """Return a client that asks once: `Attempts` asks again."""
    options = {"inject_host_prefix": False, "retries": {"total_max_attempts": 1}}
    return boto3.client(
        "medical-imaging", region_name="us-east-1", endpoint_url=url,
        aws_access_key_id="synthetic", aws_secret_access_key="synthetic",
        config=Config(read_timeout=timeout, **options),
    )  # fmt: skip


@contextmanager
def store(*faults, about="updateImageSetMetadata", count=1500, **options):
    waits = Waits()
    app = data_store({SET: image_set(count, "AC ")}, looks=1)
    before = Faulty(app, *faults, about=about)
    with running(before) as url:
        source = healthimaging(STORE, client=client(url), attempts=waits.attempts(), **options)
        source.asked, source.waited, source.kept = before.asked, waits.waited, app.state.image_sets
        yield source


WHOLE = SOPInstance("1.2.3", "", "", "", "", {"SOPInstanceStatus": "NS"})


def lowered(source):
    (scanned,) = source.scan()
    return {x.sop_instance_uid for x in scanned.instances if status(x) == "NS"}


@pytest.mark.parametrize("fault", [busy(409), busy(402)])
def test_image_sets_that_are_changed_by_others_on_the_way(fault):
    """Botocore's model of UpdateImageSetMetadata: ConflictException 409, ServiceQuotaExceeded 402."""
    with store(None, fault) as source:
        result = source.update([WHOLE], SET, link=TRUSTED)
        assert 0 < len(uids(result)) < 1500
        assert uids(result) == lowered(source)
        assert [i.code for i in result.issues] == ["source/unavailable", "source/update-incomplete"]
        result = source.update([WHOLE], SET, link=TRUSTED)
        assert result.issues == ()
        assert len(lowered(source)) == 1500


def test_an_update_whose_answer_never_came_is_looked_up():
    with store(lost, count=3) as source:  # asked again, it conflicts with itself
        result = source.update([told(1)], SET, link=TRUSTED)
        assert uids(result) == lowered(source) == {"1.2.3.1.1"}
        assert result.issues == ()


def test_throttling_and_bodies_that_break_are_asked_again():
    """Botocore's model: ThrottlingException 429, InternalServerException 500; bodies are streamed."""
    with store(busy(429, "3"), busy(500), about="", count=3) as source:
        assert source.update([told(1)], SET, link=TRUSTED).issues == ()
        assert source.waited[0] == 3
    for fault in (torn, stalled):
        with store(fault, about="getImageSetMetadata", count=3) as source:
            source.client = client(source.client.meta.endpoint_url, 0.5)
            (scanned,) = source.scan()
            assert len(scanned.instances) == 3
            assert len(source.waited) == 1


def test_a_body_that_breaks_for_ever_is_a_record_s_issue():
    with store(*[torn] * 5, about="getImageSetMetadata", count=3) as source:
        (scanned,) = source.scan()
        assert [i.code for i in scanned.issues] == ["source/unavailable"]


def test_credentials_that_expire_are_renewed():
    """ExpiredTokenException, as AWS answers a session token that is over; botocore passes it on."""
    renewed = []

    def renew():
        renewed.append(client(url))
        return renewed[-1]

    app = data_store({SET: image_set(3, "AC "), SET[::-1]: image_set(3, "AC ")})
    faults = [unauthorized, None, unauthorized, unauthorized]
    with running(Faulty(app, *faults, about="Metadata")) as url:
        source = healthimaging(STORE, client=client(url), renew=renew)
        scan = source.scan()
        assert len(next(scan).instances) == 3
        assert len(renewed) == 1
        (second,) = scan
        assert [i.code for i in second.issues] == ["source/unauthorized"]
        assert len(source.image_set(SET).instances) == 3


def test_a_list_that_never_ends_ends():
    with store(count=1) as source:
        search = source.client.search_image_sets
        source.client.search_image_sets = lambda **more: {**search(**more), "nextToken": "again"}
        ask = source.client.search_image_sets
        source.client.search_image_sets = lambda nextToken="", **more: ask(**more)  # noqa: N803
        assert list(source.image_sets()) == [SET]
