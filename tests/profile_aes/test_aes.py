"""Two real Application Entities on loopback: TLS with client certificates, plain, and cut short."""

import io
import ssl
import threading

import pydicom
import pytest
import trustme
from pydicom.data import get_testdata_file
from samples_of import FOLDER
from sopstatus import SOPInstance, codec

from profile_aes.node import REFUSED, SUCCESS, Node

# pynetdicom leaves the socket of an association that was cut short to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

AO = {
    "SOPInstanceStatus": "AO",
    "SOPAuthorizationDateTime": "20240102030405+0000",
    "AuthorizationEquipmentCertificationNumber": "CERT-1",
}
OURS = set(AO) | {"SOPAuthorizationComment"}


def image(**status):
    """Return CT_small as Part 10 bytes, with these attributes of the status."""
    with open(get_testdata_file("CT_small.dcm"), "rb") as file:
        data = file.read()
    (known,) = codec("dicom").instances(data)
    stated = SOPInstance(
        *known.identity[:2], known.sop_class_uid, known.sop_instance_uid, "", status
    )
    return codec("dicom").encode([stated], into=data).value


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def contexts(authority, name, certificate=True):
    """Return the TLS contexts of a node: as server it wants a certificate, as client it has one."""
    own = authority.issue_cert(name, "localhost")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    client = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    server.verify_mode = ssl.CERT_REQUIRED
    own.configure_cert(server)
    if certificate:
        own.configure_cert(client)
    for context in (server, client):
        authority.configure_trust(context)
    return server, client


@pytest.fixture
def nodes(authority):
    """Make two nodes that know each other, over TLS or plain."""
    made = []

    def make(secure=True, conforming=("a.test", "b.test")):
        for title in ("A", "B"):
            server, client = (
                contexts(authority, f"{title.lower()}.test") if secure else (None, None)
            )
            made.append(Node(title, conforming, server, client))
        a, b = made
        a.peers, b.peers = {"B": b}, {"A": a}
        return a, b

    yield make
    for node in made:
        node.close()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(10)


def settle(a, b, uid):
    """Wait until no commitment is open any more."""
    a.reported.wait(10)
    for _ in range(200):
        if not a.state(uid).endswith(">") and not b.state(uid).endswith("?"):
            return
        threading.Event().wait(0.05)


def rest(data):
    """Return everything of a data set but the four attributes and what the file says of itself."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    return {str(e.tag): repr(e.value) for e in dataset if e.keyword not in OURS}


def test_an_original_is_handed_on(nodes):
    a, b = nodes()
    data = image(**AO)
    uid = a.hold(data)
    assert a.transfer(uid, b) == SUCCESS
    settle(a, b, uid)
    assert (a.state(uid), b.state(uid)) == ("AC", "AO")
    assert rest(b.files[uid]) == rest(data)  # A.1.1 g, h
    assert pydicom.dcmread(io.BytesIO(a.files[uid])).SOPInstanceStatus == "AC"
    assert dict(codec("dicom").decode(b.files[uid]).value[0].attributes) == AO
    assert [r.event for r in a.records] == ["transfer", "committed"]
    assert [r.event for r in b.records] == ["receive", "confirmed"]
    assert b.records[0].secure and b.records[0].authenticated and b.records[0].conforms


def test_a_commitment_that_fails(nodes):
    a, b = nodes()
    uid = a.hold(image(**AO))
    b.commits = False
    assert a.transfer(uid, b) == SUCCESS
    settle(a, b, uid)
    assert (a.state(uid), b.state(uid)) == ("AO", "-")


def test_an_authorized_copy(nodes):
    a, b = nodes()
    uid = a.hold(image(**AO))
    assert a.send(uid, b) == SUCCESS
    assert (a.state(uid), b.state(uid)) == ("AO", "AC")


def test_plain_transport(nodes):
    a, b = nodes(secure=False)
    uid = a.hold(image(**AO))
    assert a.transfer(uid, b) == "profile/untrusted-transfer"
    assert (a.state(uid), b.state(uid)) == ("AO", "-")
    assert a.send(uid, b) == SUCCESS
    assert (a.state(uid), b.state(uid)) == ("AO", "NS")


@pytest.mark.parametrize("status", ["AO", "OR", "AC", ""])
def test_a_sender_that_knows_no_profile(nodes, status):
    """What arrives over a plain association is NS, whatever its data set says (A.1.1 f.2)."""
    a, b = nodes(secure=False)
    dataset = pydicom.dcmread(io.BytesIO(image(**(AO | {"SOPInstanceStatus": status}))))
    if not status:
        for keyword in AO:
            del dataset[keyword]
    assoc = a.associate(b, dataset.SOPClassUID)
    assert assoc.send_c_store(dataset).Status == SUCCESS
    assoc.release()
    stored = pydicom.dcmread(io.BytesIO(b.files[dataset.SOPInstanceUID]))
    assert stored.SOPInstanceStatus == "NS"
    assert not OURS - {"SOPInstanceStatus"} & {e.keyword for e in stored}
    assert rest(b.files[dataset.SOPInstanceUID]) == rest(image())


def test_an_authenticated_peer_that_does_not_conform(nodes):
    a, b = nodes(conforming=("a.test",))  # B is on nobody's list
    uid = a.hold(image(**AO))
    assert a.transfer(uid, b) == "profile/untrusted-transfer"
    assert b.state(uid) == "-"


def test_without_a_certificate_nothing_arrives(nodes, authority):
    a, b = nodes()
    _, a.client_tls = contexts(authority, "a.test", certificate=False)
    uid = a.hold(image(**AO))
    assert a.transfer(uid, b) in (None, "profile/untrusted-transfer")
    assert (a.state(uid), b.state(uid)) == ("AO", "-")


@pytest.mark.parametrize("point", ["before storing", "before answering"])
def test_an_association_killed_in_the_middle(nodes, point):
    a, b = nodes()
    uid = a.hold(image(**AO))
    b.cut = point
    assert a.transfer(uid, b) != SUCCESS
    assert a.state(uid) == "AO"  # still the one holder
    assert b.state(uid) in ("-", "AO?")
    b.cut = ""
    assert a.transfer(uid, b) == SUCCESS
    settle(a, b, uid)
    assert (a.state(uid), b.state(uid)) == ("AC", "AO")


def test_a_report_that_is_lost(nodes):
    a, b = nodes()
    uid = a.hold(image(**AO))
    b.cut = "before reporting"
    assert a.transfer(uid, b) == SUCCESS
    a.give_up_waiting(uid)
    assert a.state(uid) == "AO"
    (late,) = b.said_yes
    b.cut = ""
    b.report(a, late, uid)  # too late: A has stayed the holder, so B lets go
    assert (a.state(uid), b.state(uid)) == ("AO", "-")


def test_a_copy_does_not_replace_an_original(nodes):
    a, b = nodes()
    uid = a.hold(image(**AO))
    b.hold(image(**AO))
    assert a.send(uid, b) == REFUSED
    assert b.state(uid) == "AO"


@pytest.mark.parametrize("case", ["original", "authorized-original"])
def test_the_samples(nodes, case):
    a, b = nodes()
    uid = a.hold((FOLDER / case / "image.dcm").read_bytes())
    before = a.state(uid)
    a.choice = "delete"
    assert a.transfer(uid, b) == SUCCESS
    settle(a, b, uid)
    assert (a.state(uid), b.state(uid)) == ("-", before)
