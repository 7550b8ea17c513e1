"""Delivery to a FHIR server: a resource by ``update`` (PUT), alone or in a ``transaction``.

What waits in the spool is the resource's id; its content is asked for when it goes out, so that a
server that was away gets what is true now, once, and not every state that was true meanwhile.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sopstatus.codecs.fhir import transaction
from sopstatus.documents import content
from sopstatus.engines.delivery.forwarder import STALE
from sopstatus.engines.delivery.verdict import AGAIN, DEAD_LETTER, DONE, Verdict

_MEDIA = "application/fhir+json"
_TO_BE_MENDED = (401, 403, 408, 409, 412, 425, 429)  # by the site, by waiting: not in the content
_LONGEST_ANSWER = 1 << 20
_CODE = re.compile(r"[a-z-]{1,40}")
_REST = 3.0  # times as long as a resource took to make no other is made: others work here too


class FHIRSender:
    """A connection to a FHIR server, opened when it is needed and dropped when in doubt.

    ``made`` returns the resource of an id, with that id in it, or ``None`` where there is nothing
    (any more) to say. ``seconds`` bounds each step of a request.
    """

    def __init__(
        self,
        base: str,
        made: Callable[[str], dict[str, Any] | None],
        *,
        transaction: bool = False,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        seconds: float = 30.0,
    ) -> None:
        to = urlsplit(base)
        if to.scheme not in ("http", "https") or not to.hostname:
            raise ValueError(f"{base!r} is not an http or https URL")
        self._to, self._host, self._path = to, to.hostname, to.path.rstrip("/")
        self._made, self._transaction, self._seconds = made, transaction, seconds
        self._reused, self._rest = False, 0.0
        self.use(tls, token)
        self._connection = self._opened()

    def use(self, tls: ssl.SSLContext | None, token: str) -> None:
        """Show another certificate or token, or ask for another CA's, with the next resource."""
        self._tls, self._is_new = tls, True
        self._headers = {"Content-Type": f"{_MEDIA}; charset=utf-8", "Accept": _MEDIA}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def _opened(self) -> http.client.HTTPConnection:
        self._is_new = False
        if self._to.scheme == "http":
            return http.client.HTTPConnection(self._host, self._to.port, timeout=self._seconds)
        context = self._tls or ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._host, self._to.port, timeout=self._seconds, context=context
        )

    async def send(self, message: bytes) -> Verdict:
        """Send the resource of this id as it is now."""
        await asyncio.sleep(self._rest)
        if self._is_new:
            self.close()
            self._connection = self._opened()
        start = time.monotonic()
        resource = await asyncio.to_thread(self._made, message.decode("ascii"))
        self._rest = _REST * (time.monotonic() - start)
        if resource is None:
            return Verdict(DONE, "nothing-to-say")
        place = f"{resource['resourceType']}/{resource['id']}"
        if self._transaction:
            asked = ("POST", self._path or "/", content.dump_json(transaction(resource)))
        else:
            asked = ("PUT", f"{self._path}/{place}", content.dump_json(resource))
        verdict = await asyncio.to_thread(self._ask, *asked)
        if verdict.kind == AGAIN:
            self.close()
        return verdict

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()
        self._reused = False

    def _ask(self, method: str, path: str, body: bytes) -> Verdict:
        reused, self._reused = self._reused, True
        try:
            if self._connection.sock is None:
                self._connection.connect()
        except ssl.SSLError:
            return Verdict(AGAIN, "tls", "", written=False)
        except OSError:
            return Verdict(AGAIN, "no-connection", "", written=False)
        try:
            self._connection.request(method, path, body, self._headers)
            answer = self._connection.getresponse()
            said = answer.read(_LONGEST_ANSWER)
            if len(said) == _LONGEST_ANSWER:
                self.close()
        except TimeoutError:
            return Verdict(AGAIN, "no-answer")
        except (OSError, http.client.HTTPException) as error:
            first = "tls" if isinstance(error, ssl.SSLError) else "reset"
            return Verdict(AGAIN, STALE if reused else first)
        return judged(answer.status, said)


def judged(status: int, body: bytes = b"") -> Verdict:
    """Judge an answer by its status: 2xx done, a fault of the content dead, all else again.

    A content that a server does not take (400, 404, 422 ...) is not taken the next time either.
    """
    said = " ".join([f"HTTP {status}", *_codes(body)])[:200]
    if 200 <= status < 300:
        return Verdict(DONE, "", said)
    if 400 <= status < 500 and status not in _TO_BE_MENDED:
        return Verdict(DEAD_LETTER, "refused", said, said=body)
    return Verdict(AGAIN, "rejected", said, said=body)


def _codes(body: bytes) -> list[str]:
    """Return the codes of an OperationOutcome's issues, where that is what was answered."""
    try:
        issues = json.loads(body)["issue"]
        found = [issue["code"] for issue in issues if issue["severity"] in ("error", "fatal")]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    return [code for code in dict.fromkeys(map(str, found)) if _CODE.fullmatch(code)]
