"""Files that decide who may call and who is trusted: who may write them, and what they hold.

Tokens, lists of peers, certificates, their keys, and those of a CA: a file that others may write decides
nothing, it is refused. A secret that they may read is reported; those of containers are (0444).
"""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sopstatus import log
from sopstatus.catalogue import reason_of

_SHORTEST = 16
_LONGEST = 16 << 20  # bytes; what is longer is another file, and would fill the memory
_MARK = b"\xef\xbb\xbf"  # of UTF-8, as editors on Windows write it


class Unsafe(ValueError):
    """The service would be open to others; the text says in one line what is missing."""


def read(file: str, option: str) -> bytes:
    """Return the bytes of a file; raise `Unsafe` where it cannot be read, or others may write it.

    Of a symbolic link both are looked at: who made the link, and the file that it leads to.
    """
    try:
        with Path(file).open("rb") as opened:
            found = os.fstat(opened.fileno())
            _check_owner(os.lstat(file), found, option)
            data = opened.read(_LONGEST + 1)
    except OSError as error:
        raise Unsafe(f"{option} cannot be read ({reason_of(error)})") from None
    _check_size(len(data), option)
    return data


def tokens(file: str, option: str = "--token-file") -> tuple[bytes, ...]:
    """Return the tokens of a file, one a line; raise `Unsafe` where there is none of some length."""
    lines = _tokens(file, option)
    if not lines or min(map(len, lines)) < _SHORTEST:
        raise Unsafe(f"{option} needs a token a line, each of {_SHORTEST} characters or more")
    _readable(file, option)
    return lines


def token(file: str, option: str) -> str:
    """Return the only token of a file, of any length; raise `Unsafe` where it does not hold one."""
    lines = _tokens(file, option)
    if len(lines) != 1:
        raise Unsafe(f"{option} has to hold one token")
    _readable(file, option)
    return lines[0].decode("ascii")


def server_tls(
    certificate: str, key: str, client_ca: str, told: Callable[[str], None] | None = None
) -> ssl.SSLContext:
    """Return how a listener shows itself, and whose certificates it asks for.

    A handshake that fails is an event, and ``told`` is called with the reason.
    Raise `OSError` (`ssl.SSLError` is one) or `Unsafe` where the files do not hold that.
    """
    for file, option in ((certificate, "--tls-cert"), (client_ca, "--tls-client-ca")):
        _check(file, option)
    with _pem("--tls-client-ca"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca or None)
    options = ("--tls-cert", "--tls-key" if key else "--tls-cert")
    _show(context, certificate, key or certificate, options)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
    context.sslobject_class = _reporting(told)
    return context


def _reporting(told: Callable[[str], None] | None) -> type[ssl.SSLObject]:
    """Return what makes handshakes and reports those that fail: event loops tell nobody."""

    class Handshake(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as fault:
                reason = fault.reason or type(fault).__name__
                log.event("tls-failed", "warning", reason=reason)
                if told:
                    told(reason)
                raise

    return Handshake


def client_tls(
    ca: str, certificate: str, options: tuple[str, str] = ("--forward-ca", "--forward-cert")
) -> ssl.SSLContext | None:
    """Return how to call who has a certificate of this CA; ``None`` without a CA.

    ``certificate`` is what we show, with its key in the same file. ``options`` are what an operator
    calls the two files. Raise as `server_tls`.
    """
    if not ca:
        return None
    _check(ca, options[0])
    with _pem(options[0]):
        context = ssl.create_default_context(cafile=ca)
    if certificate:
        _show(context, certificate, certificate, (options[1], options[1]))
    return context


@contextmanager
def _pem(option: str, what: str = "certificate") -> Iterator[None]:
    """Raise what OpenSSL says against the content of a file as `Unsafe`: its own words name no file."""
    try:
        yield
    except ssl.SSLError as fault:
        if fault.reason == "KEY_VALUES_MISMATCH":
            raise Unsafe(f"{option} holds another key than that of the certificate") from None
        raise Unsafe(f"{option} holds no {what} in PEM, or not all of it") from None


def _show(context: ssl.SSLContext, certificate: str, key: str, options: tuple[str, str]) -> None:
    """Have a connection show a certificate; ``options`` name its file, and that of its key."""
    option = options[1]

    def no_password() -> str:
        raise Unsafe(f"{option} has a password, which nobody is asked for: give a key without one")

    _check(key, option)
    with _pem(options[0]):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certificate)
    with _pem(option, "private key"):
        context.load_cert_chain(certificate, key, password=no_password)
    _readable(key, option)


def _tokens(file: str, option: str) -> tuple[bytes, ...]:
    lines = tuple(read(file, option).removeprefix(_MARK).split())
    if not all(0x21 <= byte <= 0x7E for line in lines for byte in line):  # RFC 6750 2.1
        raise Unsafe(f"{option} holds characters that no token has: write it as plain ASCII")
    return lines


def _check(file: str, option: str) -> None:
    """Raise `Unsafe` where a file that a library will read can be written by others."""
    if not file:
        return
    try:
        found = os.stat(file)  # noqa: PTH116
        _check_owner(os.lstat(file), found, option)
        _check_size(found.st_size, option)
    except OSError as error:
        raise Unsafe(f"{option} cannot be read ({reason_of(error)})") from None


def _check_size(size: int, option: str) -> None:
    if size > _LONGEST:
        raise Unsafe(f"{option} has more than {_LONGEST >> 20} MiB: name the right file")


def _check_owner(link: os.stat_result, target: os.stat_result, option: str) -> None:
    if not hasattr(os, "geteuid"):  # Windows has other rights
        return
    if not {link.st_uid, target.st_uid} <= {0, os.geteuid()}:
        raise Unsafe(f"{option} belongs to another user: make root or the service's user its owner")
    if target.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unsafe(f"{option} can be written by others: chmod go-w it")


def _readable(file: str, option: str) -> None:
    if hasattr(os, "geteuid") and os.stat(file).st_mode & stat.S_IROTH:  # noqa: PTH116
        log.event("readable-by-others", "warning", option=option)
