"""What Orthanc's configuration says to the plugin: the section ``SopStatus``, and Orthanc's own TLS.

    "SopStatus": {
      "Folder": "/var/lib/orthanc/sopstatus",
      "Destinations": {"ris": {"MLLP": "ris.hospital:2575"}, "emr": {"FHIR": "https://emr/fhir"}},
      "ConformingModalities": ["CT1"],
      "ConformingClients": ["10.1.2.0/24"]
    }

What a section may hold is `SECTION` and `DESTINATION`; docs/orthanc.md says what each means. A
setting that cannot be is a `ValueError`, and Orthanc does not start.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from sopstatus.engines.delivery.forwarder import Destination
from sopstatus.engines.http.auth import is_loopback
from sopstatus.engines.trust_files import client_tls, token
from sopstatus.holder import Holder
from sopstatus.profile import Link
from sopstatus.table import MappingTable, load_tables

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SECTION: dict[str, tuple[type, Any]] = {
    "Folder": (str, ""),
    "Holder": (str, ""),
    "Mappings": (list, ()),
    "Destinations": (dict, {}),
    "ApplyProfile": (bool, True),
    "RefuseUnknownTerms": (bool, False),
    "ConformingModalities": (list, ()),
    "ConformingClients": (list, ()),
    "BehindProxy": (bool, False),
    "Audit": (str, ""),
    "MetricsPort": (int, 0),
    "QueueLimit": (int, 100_000),
    "SweepSeconds": (int, 10),
    "StatusMetadata": (int, 5100),
    "StatementMetadata": (int, 5101),
}
DESTINATION: dict[str, tuple[type, Any]] = {
    "MLLP": (str, ""),
    "FHIR": (str, ""),
    "Interaction": (str, "update"),
    "TokenFile": (str, ""),
    "CA": (str, ""),
    "Certificate": (str, ""),
    "AnswerTimeout": (int, 30),
    "GiveUpAfter": (int, 0),
}


@dataclass(frozen=True, slots=True)
class Post:
    """One destination: where, and for FHIR the base URL and how.

    ``secrets`` reads its ``files`` again: TLS and token. It raises `OSError` or `ValueError`.
    """

    name: str
    to: Destination
    base: str
    transaction: bool
    token: str
    files: tuple[str, ...]
    secrets: Callable[[], tuple[SSLContext | None, str]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a site has set. ``dicom`` and ``http`` tell what TLS shows of every caller of that port.

    ``overwrites``: what arrives replaces what Orthanc holds of it. ``metadata`` are the names that
    the site has given to our metadata, in lower case.
    """

    holder: Holder
    folder: Path
    tables: MappingTable
    posts: tuple[Post, ...]
    apply_profile: bool
    refuse_unknown: bool
    overwrites: bool
    dicom: Link
    http: Link
    modalities: frozenset[str]
    clients: tuple[Network, ...]
    proxy: bool
    audit: str
    metrics_port: int
    limit: int
    sweep: int
    status: int
    statement: int
    metadata: frozenset[str]

    def modality(self, title: str) -> Link:
        """Return what is known of the way of a C-STORE from this AE Title (PS3.15 A.1.1 f)."""
        return Link(
            secure=self.dicom.secure,
            authenticated=self.dicom.authenticated,
            conforms=title in self.modalities,
        )

    def client(self, address: str) -> Link:
        """Return what is known of the way of a request from this address."""
        try:
            own = ipaddress.ip_address(address)
        except ValueError:
            return self.http
        known = any(own in network for network in self.clients)
        return Link(secure=self.http.secure, authenticated=self.http.authenticated, conforms=known)


def settings(configuration: Mapping[str, Any]) -> Settings:
    """Read Orthanc's whole configuration."""
    ours = _read("SopStatus", configuration.get("SopStatus", {}), SECTION)
    folder = Path(ours["Folder"] or f"{configuration.get('StorageDirectory', '.')}/sopstatus")
    tls = bool(configuration.get("DicomTlsEnabled", False))
    asked = bool(configuration.get("DicomTlsRemoteCertificateRequired", True))
    https = bool(configuration.get("SslEnabled", False))
    if ours["ConformingModalities"] and not _addresses_checked(configuration):
        raise ValueError(
            'SopStatus "ConformingModalities" needs "DicomCheckModalityHost": true and'
            ' "DicomAlwaysAllowStore": false: else anybody may call by these AE Titles'
        )
    if ours["BehindProxy"] and configuration.get("RemoteAccessAllowed", False):
        raise ValueError('SopStatus "BehindProxy" needs "RemoteAccessAllowed": false')
    verified = ours["BehindProxy"] or (https and bool(configuration.get("SslVerifyPeers", False)))
    tables = load_tables(*ours["Mappings"])
    return Settings(
        holder=tables.whose(ours["Holder"] or str(configuration.get("DicomAet", "ORTHANC"))),
        folder=folder,
        tables=tables,
        posts=tuple(_post(name, value) for name, value in ours["Destinations"].items()),
        apply_profile=ours["ApplyProfile"],
        refuse_unknown=ours["RefuseUnknownTerms"],
        overwrites=configuration.get("OverwriteInstances", False) not in (False, "Never"),
        dicom=Link(secure=tls, authenticated=tls and asked),
        http=Link(secure=https or ours["BehindProxy"], authenticated=verified),
        modalities=frozenset(ours["ConformingModalities"]),
        clients=tuple(ipaddress.ip_network(one) for one in ours["ConformingClients"]),
        proxy=ours["BehindProxy"],
        audit=ours["Audit"],
        metrics_port=ours["MetricsPort"],
        limit=ours["QueueLimit"],
        sweep=ours["SweepSeconds"],
        status=ours["StatusMetadata"],
        statement=ours["StatementMetadata"],
        metadata=_names(configuration, {ours["StatusMetadata"], ours["StatementMetadata"]}),
    )


def _names(configuration: Mapping[str, Any], numbers: set[int]) -> frozenset[str]:
    """Return what the site calls metadata of these numbers, in lower case."""
    given: Mapping[str, Any] = configuration.get("UserMetadata", {})
    return frozenset(name.lower() for name, number in given.items() if number in numbers)


def _addresses_checked(configuration: Mapping[str, Any]) -> bool:
    """Tell whether Orthanc holds the calling AE Title against the address that it comes from."""
    return bool(configuration.get("DicomCheckModalityHost", False)) and not configuration.get(
        "DicomAlwaysAllowStore", True
    )


def _post(name: str, given: Any) -> Post:
    at = f"SopStatus.Destinations.{name}"
    if not name.isidentifier():
        raise ValueError(f"{at}: a name is of letters, digits and _: it becomes a folder")
    one = _read(at, given, DESTINATION)
    if bool(one["MLLP"]) == bool(one["FHIR"]):
        raise ValueError(f"{at} is either MLLP (HOST:PORT) or FHIR (a base URL)")
    if one["Interaction"] not in ("update", "transaction"):
        raise ValueError(f"{at}.Interaction is update or transaction")
    url = urlsplit(one["FHIR"] or f"//{one['MLLP']}")
    if not url.hostname or (one["MLLP"] and not url.port):
        raise ValueError(f"{at}: no host{' and port' if one['MLLP'] else ''}")
    if one["TokenFile"] and url.scheme != "https" and not is_loopback(url.hostname):
        raise ValueError(f"{at}: a token goes over https alone")
    if one["Certificate"] and not one["CA"]:
        raise ValueError(f"{at}: Certificate needs CA")
    files = one["CA"], one["Certificate"], one["TokenFile"]

    def secrets() -> tuple[SSLContext | None, str]:
        tls = client_tls(*files[:2], (f"{at}.CA", f"{at}.Certificate"))
        return tls, token(files[2], f"{at}.TokenFile") if files[2] else ""

    tls, known = secrets()
    port = url.port or (443 if url.scheme == "https" else 80)
    wait, tries = float(one["AnswerTimeout"]), one["GiveUpAfter"]
    to = Destination(url.hostname, port, tls, answer=wait, rejections=tries, name=name)
    is_transaction = one["Interaction"] == "transaction"
    return Post(name, to, one["FHIR"], is_transaction, known, files, secrets)


def _read(at: str, given: Any, known: Mapping[str, tuple[type, Any]]) -> dict[str, Any]:
    """Return a section with its defaults; refuse what it does not know."""
    if not isinstance(given, dict):
        raise ValueError(f"{at} is an object")  # noqa: TRY004 - one kind of error for all settings
    for key, value in given.items():
        if key not in known:
            raise ValueError(f"{at}: {key!r} is not one of {', '.join(known)}")
        if type(value) is not known[key][0]:
            raise ValueError(f"{at}.{key} is of the type {known[key][0].__name__}")
        # as Orthanc reads "${VAR}" where nobody set it
        if isinstance(value, str) and not value.strip():
            raise ValueError(f"{at}.{key} is empty; give a value or leave it out")
    return {key: given.get(key, default) for key, (_, default) in known.items()}
