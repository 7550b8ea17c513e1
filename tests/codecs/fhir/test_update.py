"""Transactions of ImagingStudies: each updates itself, under an id that its study has for ever."""

import uuid

from sopstatus import SOPInstance, codec
from sopstatus.codecs.fhir import transaction, with_id

STUDY = "1.2.840.113619.2.1"


def made(*studies):
    said = [SOPInstance(uid, f"{uid}.1", "", f"{uid}.1.1", "", {"SOPInstanceStatus": "AO"}) for uid in studies]  # fmt: skip
    return codec("fhir").encode(said).value


def test_a_study_is_put_under_the_uuid_of_its_uid():
    resource = made(STUDY)
    bundle = transaction(resource)
    (entry,) = bundle["entry"]
    assert bundle["type"] == "transaction"
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, STUDY))
    assert entry["request"] == {"method": "PUT", "url": f"ImagingStudy/{name}"}
    assert entry["resource"] == resource | {"id": name}
    assert "id" not in resource, "what was given is not changed"


def test_several_studies_are_one_transaction():
    bundle = transaction(made(STUDY, "1.2.3"))
    urls = [entry["request"]["url"] for entry in bundle["entry"]]
    assert len(set(urls)) == 2


def test_an_id_stays_and_without_a_study_there_is_none():
    assert with_id(made(STUDY) | {"id": "mine"})["id"] == "mine"
    nameless = {key: value for key, value in made(STUDY).items() if key != "identifier"}
    assert with_id(nameless) == nameless
    (entry,) = transaction(nameless)["entry"]
    assert entry["request"] == {"method": "POST", "url": "ImagingStudy"}
