"""Asking again: one rule for every source and every update.

A request is repeated after 408, 429, 500, 502, 503, 504, and where no answer or half of one came,
with a wait that doubles each time and is drawn at random (or is what Retry-After says, RFC 9110
10.2.3). After 401 it is repeated once, for the session reads its token again for each request.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from sopstatus.catalogue import issue
from sopstatus.model import DocumentError, Issue

BUSY = frozenset((408, 429, 500, 502, 503, 504))
UNAUTHORIZED, UNAVAILABLE, REFUSED = (
    "source/unauthorized",
    "source/unavailable",
    "source/refused",
)

_LOGIN = ("azure", "google", "msal")  # their exceptions, out of a session or for want of a token


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call brought no answer. ``again``: asking again may help. ``after``: Retry-After."""

    reason: str
    status: int = 0
    code: str = UNAVAILABLE
    again: bool = False
    after: str = ""


class Unanswered(DocumentError):
    """The service did not do what it was asked; ``status`` is HTTP's, 0 where there was none.

    ``stopped``: the next request will fare no better.
    """

    def __init__(self, *issues: Issue, status: int = 0, stopped: bool = False) -> None:
        super().__init__(*issues)
        self.status, self.stopped = status, stopped


class Attempts:
    """How often a request is made, for the requests of one source.

    ``most`` is how often at most, ``first`` the longest first wait and ``longest`` the longest wait
    in seconds. ``budget`` is how many seconds all its requests together may lose to failed attempts
    and waits; an answer gives one second back. Where it is spent, each request is made once.
    """

    def __init__(
        self,
        most: int = 5,
        budget: float = 300.0,
        *,
        first: float = 0.5,
        longest: float = 60.0,
        sleep: Callable[[float], Any] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._budget, self._left = most, budget, budget
        self._first, self._longest = first, longest
        self._sleep, self._clock = sleep, clock

    @classmethod
    def of(cls, attempts: Attempts | int) -> Attempts:
        """Return attempts as they are, or so many of them."""
        return attempts if isinstance(attempts, Attempts) else cls(attempts)

    def ask(self, call: Callable[[], Any], fault: Callable[[Exception], Fault | None]) -> Any:
        """Return what a call returns; raise `Unanswered` with its last fault.

        ``fault`` says what an exception of the call means; ``None`` = it is raised as it is.
        """
        made, renewed = 0, False
        while True:
            began = self._clock()
            try:
                answer = call()
            except Exception as error:
                found = fault(error)
                if found is None:
                    raise
            else:
                self._left = min(self._budget, self._left + 1)
                return answer
            made += 1
            self._left -= self._clock() - began
            if found.code == UNAUTHORIZED and not renewed:
                renewed = True
                continue
            wait = self._wait(found, made)
            if not found.again or made >= self._most or wait > self._left:
                told = {} if found.code == REFUSED else {"reason": found.reason}
                stopped = found.again or found.code == UNAUTHORIZED or not found.status
                raise Unanswered(
                    issue(found.code, "", **told), status=found.status, stopped=stopped
                ) from None
            self._left -= wait
            self._sleep(wait)

    def watch(
        self,
        look: Callable[[], Any],
        ready: Callable[[Any], bool],
        *,
        every: float = 1.0,
        patience: float = 300.0,
    ) -> Any:
        """Look until what is seen is ready, or ``patience`` is over; return what was seen last."""
        until = self._clock() + patience
        while not ready(seen := look()) and self._clock() < until:
            self._sleep(every)
        return seen

    def _wait(self, fault: Fault, made: int) -> float:
        """Return how many seconds to wait; infinite where the service asks for too many."""
        try:
            asked: float = Retry().parse_retry_after(fault.after) if fault.after else 0.0
        except InvalidHeader:
            asked = 0.0
        if asked > self._longest:
            return float("inf")
        drawn: float = min(self._longest, self._first * 2 ** (made - 1)) * random.uniform(0.5, 1)
        return max(asked, drawn)


def http_fault(error: Exception) -> Fault | None:
    """Return what an exception of `requests` means."""
    if isinstance(error, requests.HTTPError):
        answer = error.response
        status = 0 if answer is None else answer.status_code
        after = "" if answer is None else answer.headers.get("Retry-After", "")
        code = {400: REFUSED, 401: UNAUTHORIZED}.get(status, UNAVAILABLE)
        return Fault(f"status {status}", status, code, status in BUSY, after)
    if isinstance(error, requests.Timeout):
        return Fault("no answer in time", again=True)
    if isinstance(error, requests.JSONDecodeError | RecursionError):
        return Fault("its answer is not JSON", 200)
    if isinstance(error, requests.URLRequired | ValueError):  # MissingSchema, InvalidURL ...
        return Fault(type(error).__name__) if isinstance(error, requests.RequestException) else None
    if isinstance(error, requests.RequestException | HTTPError):
        return Fault(type(error).__name__, again=True)  # no connection, or it broke in the body
    if isinstance(error, NoToken):
        return Fault(error.reason, code=UNAUTHORIZED)
    if type(error).__module__.partition(".")[0] in _LOGIN:
        return Fault(type(error).__name__, code=UNAUTHORIZED)
    return Fault(type(error).__name__) if isinstance(error, OSError) else None


class NoToken(Exception):
    """There is no token to ask with: its file cannot be read, or does not hold one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Bearer(AuthBase):
    """Bearer tokens for ``session.auth``: ``token`` is called for every request (RFC 6750).

    So one that was renewed is taken at once. ``token`` may be the path of a file that holds one, in
    ASCII; `NoToken` is raised where it does not.
    """

    def __init__(self, token: Callable[[], str] | str | Path) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put today's token into a request."""
        told = self._token() if callable(self._token) else token_in(self._token)
        request.headers["Authorization"] = f"Bearer {told.strip()}"
        return request


def known_by(token_file: str) -> requests.Session:
    """Return a session whose requests have the token that is in a file then."""
    session = requests.Session()
    session.auth = Bearer(token_file)
    return session


def token_in(file: str | Path) -> str:
    """Return the only word of a file, behind Notepad's byte order mark; raise `NoToken` without one."""
    try:
        words = Path(file).read_bytes().decode("utf-8-sig").split()
    except (OSError, ValueError) as error:
        raise NoToken(type(error).__name__) from None
    if len(words) != 1 or not words[0].isascii():
        raise NoToken("the file does not hold one token")
    return words[0]
