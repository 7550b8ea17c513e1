"""The samples of facades, each with the middleware, as their hosts run them."""

import asyncio
import json
import warnings

import httpx
import pytest

from engines.gateway.served import FHIR, codes, said, stating, statuses
from engines.sample_hosts import loaded


def calls(app, work):
    async def main():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://facade") as client:
            return await work(client)

    return asyncio.run(main())


def test_bare_starlette():
    app = loaded("starlette_facade").app

    async def work(client):
        stated = [stating(said(status=status)) for status in ("AO", "AC")]
        ids = [
            (await client.post("/fhir/ImagingStudy", json=one, headers=FHIR)).json()["id"]
            for one in stated
        ]
        found = (await client.get("/fhir/ImagingStudy?sop-instance-status=AC")).json()["entry"]
        assert [entry["resource"]["id"] for entry in found] == ids[1:]
        told = (await client.get(f"/fhir/ImagingStudy/{ids[0]}/$sop-status")).json()
        assert told["resourceType"] == "Parameters"
        refused = await client.post("/fhir/ImagingStudy", content=b"<x/>", headers={
            "content-type": "application/fhir+xml"})  # fmt: skip
        assert codes(refused) == ["http/media-type"]

    calls(app, work)


def r5(resource):
    """Return an ImagingStudy as R5 has it."""
    text = json.dumps(resource).replace(
        '"modality": {"code": "CT"}', '"modality": {"coding": [{"code": "CT"}]}'
    )
    return json.loads(text)


@pytest.mark.filterwarnings("ignore")
def test_fhirstarter():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = loaded("fhirstarter_facade").app

    async def work(client):
        made = await client.post("/ImagingStudy", json=r5(stating(said(0), said(1))), headers=FHIR)
        assert made.is_success, made.text
        name = made.json()["id"]
        read = (await client.get(f"/ImagingStudy/{name}")).json()
        assert statuses(read) == ["AO", "AO"]
        assert read["meta"]["tag"][0]["code"] == "AO"
        told = (await client.get(f"/ImagingStudy/{name}/$to-hl7v2", headers={
            "accept": "application/hl7-v2"})).text  # fmt: skip
        assert told.count("\rZDS|") == 2
        bad = r5(stating(said()))
        inner = bad["series"][0]["instance"][0]["extension"][0]["extension"]
        inner[0]["valueCode"] = "XX"
        refused = await client.post("/ImagingStudy", json=bad, headers=FHIR)
        assert (refused.status_code, codes(refused)) == (422, ["value/unknown-term"])

    calls(app, work)
