"""Certificates and the token of a destination change while Orthanc runs: a real Orthanc, HTTPS."""

import ssl

import trustme
from bench.orthanc import images
from engines.fhir_server import fhir_server
from engines.orthanc_running import orthanc, until


def test_a_destination_s_certificates_and_token_change_without_a_restart(tmp_path):
    ca, token = tmp_path / "ca.pem", tmp_path / "token"
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def authority(number):
        made = trustme.CA()
        made.issue_cert("127.0.0.1").configure_cert(served)
        for file, data in ((ca, made.cert_pem.bytes()), (token, b"token-%d\n" % number)):
            part = file.with_suffix(".part")
            part.write_bytes(data)
            part.chmod(0o600)
            part.replace(file)

    authority(1)
    stores = images()
    with fhir_server(tls=served) as emr:
        one = {"FHIR": emr.url, "CA": str(ca), "TokenFile": str(token)}
        with orthanc(tmp_path, {"emr": one}) as running:
            running.rest(next(stores))
            assert until(lambda: emr.tokens == ["Bearer token-1"], 30)
            token.chmod(0o622)  # others may write it: what is in use stays
            running.rest(next(stores))
            assert until(lambda: emr.tokens == ["Bearer token-1"] * 2, 30)
            authority(2)
            running.rest(next(stores))
            assert until(lambda: emr.tokens[2:] == ["Bearer token-2"], 30)
