"""Which peers conform to the profile (PS3.15 A.1.1): those whose certificates the site lists.

A CA says who a system is, and not what it does. The list holds one name a line: a fingerprint, a
name of the certificate's subjectAltName (RFC 5280 4.2.1.6), or its subject (RFC 4514).
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import Any

from sopstatus import log
from sopstatus.engines.trust_files import Unsafe, read

_FINGERPRINT = re.compile(r"sha-?256(?: fingerprint)?[:=] *([0-9a-f:]+)", re.I)
_NAME = re.compile(r"(DNS|IP|URI|email|subject)[:=](.+)", re.I)
_KINDS = {"dns": "DNS", "ip": "IP", "uri": "URI", "email": "email", "subject": "subject"}
_SHORT = {
    "commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C",
    "localityName": "L", "stateOrProvinceName": "ST", "domainComponent": "DC", "userId": "UID",
    "streetAddress": "street",
}  # fmt: skip


def listed(file: str, option: str = "--conforming-peers") -> frozenset[str]:
    """Return the names of a list; raise `Unsafe` where it names nobody, or a line cannot be read."""
    try:
        lines = read(file, option).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise Unsafe(f"{option} is not UTF-8") from None
    found = set()
    for number, line in enumerate(map(str.strip, lines), 1):
        if line and not line.startswith("#"):
            found.add(_listed(line) or _no_name(option, number))
    if not found:
        raise Unsafe(f"{option} names nobody: write one certificate a line, as DNS:ris.example")
    return frozenset(found)


def names(certificate: dict[str, Any], der: bytes) -> frozenset[str]:
    """Return what a list may call a certificate, as `ssl.SSLObject.getpeercert` gives it."""
    found = {f"sha256:{hashlib.sha256(der).hexdigest()}", f"subject:{_subject(certificate)}"}
    for kind, value in certificate.get("subjectAltName", ()):
        name = _name("IP" if kind == "IP Address" else kind, str(value).strip())
        found |= {name} if name else set()
    return frozenset(found)


def of(secured: Any) -> frozenset[str]:
    """Return the names of the peer of a TLS connection, none where it has shown no certificate."""
    der = secured.getpeercert(binary_form=True)
    return names(secured.getpeercert(), der) if der else frozenset()


def tell_unlisted(shown: frozenset[str], conforming: frozenset[str]) -> None:
    """Log the fingerprint of a peer that the list does not name, so that a site can add it."""
    if not shown & conforming:
        sha256 = next(name for name in shown if name.startswith("sha256:"))
        log.event("peer-not-listed", sha256=sha256.removeprefix("sha256:"))


def _listed(line: str) -> str:
    if match := _FINGERPRINT.fullmatch(line):
        digits = match[1].replace(":", "").lower()
        return f"sha256:{digits}" if len(digits) == 64 else ""
    match = _NAME.fullmatch(line)
    return _name(_KINDS[match[1].lower()], match[2].strip()) if match else ""


def _name(kind: str, value: str) -> str:
    """Return a name as both sides spell it, empty for one that cannot be compared exactly."""
    if kind not in _KINDS.values() or (kind == "DNS" and "*" in value):
        return ""
    if kind == "IP":
        try:
            value = str(ipaddress.ip_address(value))
        except ValueError:
            return ""
    return f"{kind}:{value.lower() if kind == 'DNS' else value}"


def _no_name(option: str, line: int) -> str:
    raise Unsafe(
        f"{option} line {line} is none of sha256:, DNS:, IP:, URI:, email: and subject: with a name"
    )


def _subject(certificate: dict[str, Any]) -> str:
    """Return a subject as RFC 4514 writes it, and `openssl x509 -subject -nameopt RFC2253,utf8`."""
    parts = [
        "+".join(f"{_SHORT.get(kind, kind)}={_escaped(value)}" for kind, value in part)
        for part in certificate.get("subject", ())
    ]
    return ",".join(reversed(parts))


def _escaped(value: str) -> str:
    text = re.sub(r'([,+"\\<>;])', r"\\\1", value).replace("\0", r"\00")
    if text.startswith(("#", " ")):
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if text.endswith(" ") and len(value) > 1 else text
