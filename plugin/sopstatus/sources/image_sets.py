"""AWS HealthImaging as a source: the metadata of image sets, read and updated through boto3.

An update is asynchronous: the image set is LOCKED, then ACTIVE again as UPDATED or UPDATE_FAILED,
and each half of it may have 30,000 bytes. So many instances are updated in several steps, each of
which waits for the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from urllib3.exceptions import HTTPError

from sopstatus.audit.record import now
from sopstatus.catalogue import document_error, issue
from sopstatus.codecs.healthimaging import HealthImagingCodec
from sopstatus.codecs.shared.statements import expand
from sopstatus.documents.scanned import Scanned, scanned
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, Result, SOPInstance
from sopstatus.profile import Circumstances, Link
from sopstatus.profile.crossing import onto, put
from sopstatus.sources.attempts import BUSY, UNAUTHORIZED, Attempts, Fault, Unanswered
from sopstatus.table import MappingTable, load_tables

_EXPIRED = frozenset(
    ("ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "RequestExpired",
     "InvalidSignatureException", "MissingAuthenticationToken", "InvalidClientTokenId")
)  # fmt: skip
_NOBODY = (
    CredentialRetrievalError,
    NoCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
_TOO_LONG = "healthimaging/update-too-long"


@dataclass(frozen=True, slots=True)
class State:
    """What the service says of an image set; ``failed`` after an update that was not done."""

    version: str
    state: str
    workflow: str

    @property
    def failed(self) -> bool:
        """Tell whether the last update was not done."""
        return self.workflow.endswith("FAILED")


class HealthImaging:
    """A data store; ``client`` is boto3's for ``medical-imaging`` (default: of the environment).

    ``renew`` makes a new one where its credentials have expired; without ``client`` that is one of
    a new session, which reads the environment and the files of credentials again. ``holder`` is
    the AE Title under which its image sets are spoken of. ``poll`` and ``patience`` are seconds
    between two looks at an update, and until it is given up. ``attempts`` is how often a request is
    made that the service was too busy for: give a client ``retries={"total_max_attempts": 1}``.
    """

    def __init__(
        self,
        datastore: str,
        *,
        client: Any = None,
        renew: Callable[[], Any] | None = None,
        holder: str = "",
        poll: float = 1.0,
        patience: float = 300.0,
        attempts: Attempts | int = 5,
        tables: MappingTable | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self.datastore = datastore
        self._renew = renew if renew or client else _client
        self.client = client or _client()
        self.attempts = Attempts.of(attempts)
        self.tables = tables or load_tables()
        self.holder = self.tables.whose(holder)
        self._codec = HealthImagingCodec(self.tables, limits)
        self._limits, self._poll, self._patience = limits, poll, patience

    def image_sets(self, study: str = "") -> Iterator[str]:
        """Yield the identifiers of image sets, of one study or of all.

        A study may be several. Those that are not primary are copies whose metadata contradicts
        what was there before (a second import of a changed data set), so they are left out.
        """
        criteria = {
            "filters": [{"values": [{"DICOMStudyInstanceUID": study}], "operator": "EQUAL"}]
        }
        more = {"searchCriteria": criteria} if study else {}
        token: dict[str, str] = {}
        seen: set[str] = set()
        while True:
            asked = {"datastoreId": self.datastore, **more, **token}
            page = self._ask(lambda options=asked: self.client.search_image_sets(**options))  # type: ignore[misc]
            told = page["imageSetsMetadataSummaries"]
            new = [one for one in told if one["imageSetId"] not in seen]
            seen.update(one["imageSetId"] for one in new)
            yield from (one["imageSetId"] for one in new if one.get("isPrimary", True))
            if not page.get("nextToken") or (told and not new):  # a page that is repeated
                return
            token = {"nextToken": page["nextToken"]}

    def metadata(self, image_set: str, version: str = "") -> bytes:
        """Return the metadata of an image set as the codec takes it: JSON, compressed by gzip."""
        which = {"versionId": version} if version else {}
        longest = self._limits.document

        def get() -> bytes:  # the body may break too
            answer = self.client.get_image_set_metadata(
                datastoreId=self.datastore, imageSetId=image_set, **which
            )
            body, read_ = answer["imageSetMetadataBlob"], b""
            while (more := longest + 1 - len(read_)) and (piece := body.read(more)):
                read_ += piece
            return read_  # only a read that brings nothing tells botocore that it was the end

        data: bytes = self._ask(get)
        if len(data) > longest:
            raise document_error("document/too-large", "", limit=longest)
        return data

    def image_set(self, identifier: str) -> Scanned:
        """Return what an image set's instances say, as a scan of files does."""
        source = f"healthimaging:{self.datastore}/{identifier}"
        try:
            document = self.metadata(identifier)
            reading = self._codec.read(document, holder=self.holder)
            return scanned(source, "healthimaging", document, reading, self.holder)
        except DocumentError as error:
            return Scanned(source, "", (), error.issues)

    def scan(self, studies: Iterable[str] | None = None) -> Iterator[Scanned]:
        """Yield a record for each image set (of these studies), in order.

        After one that says ``source/unauthorized`` there is none.
        """
        for study in ("",) if studies is None else studies:
            for identifier in self.image_sets(study):
                scanned = self.image_set(identifier)
                yield scanned
                if any(told.code == UNAUTHORIZED for told in scanned.issues):
                    return

    def statements(self, study_instance_uid: str) -> list[SOPInstance]:
        """Return what is known of a study; raise `DocumentError` where the service does not say."""
        found: list[SOPInstance] = []
        for identifier in self.image_sets(study_instance_uid):
            document = self.metadata(identifier)
            found += self._codec.decode(document, holder=self.holder).value
        return [one for one in found if one.study_instance_uid == study_instance_uid]

    def state(self, image_set: str) -> State:
        """Return the version and state of an image set."""
        told = self._ask(
            lambda: self.client.get_image_set(datastoreId=self.datastore, imageSetId=image_set)
        )
        return State(
            told["versionId"], told["imageSetState"], told.get("imageSetWorkflowStatus", "")
        )

    def update(
        self, instances: Iterable[SOPInstance], image_set: str, *, link: Link | None = None
    ) -> Result[str]:
        """Write statements into an image set and return the version that holds them.

        ``link`` is what is known of the way that they came: without a trusted one each status
        becomes NS (PS3.15 A.1.1 f.2).

        The result's records are those of instances that the service has confirmed, by a new version
        or by its metadata read again; ``source/update-incomplete`` reports the others. Update
        again to go on: what is done stays, as its own versions. Raise `DocumentError` where nothing
        was begun.
        """
        state = self._active(image_set)
        document = self.metadata(image_set, state.version)
        copies = self._codec.copies(document)
        site = self.tables.site
        at = Circumstances(
            holder=self.holder, policy=site.link_policy, on_held=site.on_held, time=now()
        )
        allowed = onto(copies, self.tables.settled(instances), link, None, at=at)
        written = put(self._codec, document, allowed, onto_held=True, holder=self.holder)
        wanted = self._codec.copies(written.value)
        changed = {w.sop_instance_uid for w, c in zip(wanted, copies, strict=True) if w != c}
        issues = list(allowed.issues)
        done: set[str] = set()
        exactly = frozenset(record.sop_instance_uid for record in allowed.records)
        whole = tuple(expand(allowed.value, copies))
        for given, payload in self._payloads(whole, document, exactly, issues):
            old, told_of = state.version, len(issues)
            try:
                state = self._updated(image_set, state, payload)
                if state.failed or state.state != "ACTIVE":
                    told = {"state": state.state, "workflow": state.workflow}
                    issues.append(issue("healthimaging/update-failed", "", **told))
                elif state.version != old:
                    done |= {one.sop_instance_uid for one in given}
                    continue
            except Unanswered as error:
                issues += error.issues
            state, there = self._now(image_set, state, issues)
            done |= {one.sop_instance_uid for one in wanted if one in there}
            if not done.issuperset(changed & {one.sop_instance_uid for one in given}):
                break
            del issues[told_of:]  # it was done, and only the answer was lost
        left = changed - done
        if left:
            told_ = {"done": len(changed) - len(left), "count": len(changed)}
            issues.append(issue("source/update-incomplete", "", **told_))
        records = tuple(r for r in allowed.records if r.sop_instance_uid not in left)
        return Result(state.version, tuple(dict.fromkeys(issues)), records)

    def _now(
        self, image_set: str, state: State, issues: list[Issue]
    ) -> tuple[State, frozenset[SOPInstance]]:
        """Return what the service says of an image set after an update that it did not confirm."""
        try:
            state = self._active(image_set)
            return state, frozenset(self._codec.copies(self.metadata(image_set, state.version)))
        except DocumentError as error:
            issues += error.issues
            return state, frozenset()

    def _payloads(
        self,
        given: tuple[SOPInstance, ...],
        document: bytes,
        exactly: frozenset[str],
        issues: list[Issue],
    ) -> Iterator[tuple[tuple[SOPInstance, ...], dict[str, bytes]]]:
        """Yield updates that are short enough, with what they are about, halving what is not."""
        made = self._codec.update(given, document, holder=self.holder, exactly=exactly)
        if any(told.code == _TOO_LONG for told in made.issues) and len(given) > 1:
            half = len(given) // 2
            yield from self._payloads(given[:half], document, exactly, issues)
            yield from self._payloads(given[half:], document, exactly, issues)
            return
        issues += made.issues
        if made.value and not any(told.code == _TOO_LONG for told in made.issues):
            yield given, made.value

    def _updated(self, image_set: str, state: State, payload: dict[str, bytes]) -> State:
        self._ask(
            lambda: self.client.update_image_set_metadata(
                datastoreId=self.datastore,
                imageSetId=image_set,
                latestVersionId=state.version,
                updateImageSetMetadataUpdates={"DICOMUpdates": payload},
            )
        )
        return self._active(image_set)

    def _active(self, image_set: str) -> State:
        """Wait until nobody works on an image set; after ``patience`` it comes back LOCKED."""
        seen: State = self.attempts.watch(
            lambda: self.state(image_set),
            lambda state: state.state != "LOCKED",
            every=self._poll,
            patience=self._patience,
        )
        return seen

    def _ask(self, call: Callable[[], Any]) -> Any:
        return self.attempts.ask(call, self._fault)

    def _fault(self, error: Exception) -> Fault | None:
        found = aws_fault(error)
        if found and found.code == UNAUTHORIZED and self._renew:
            self.client = self._renew()
        return found


def _client() -> Any:
    """Return a client of the environment that leaves asking again to `Attempts`."""
    config = Config(retries={"total_max_attempts": 1})
    return boto3.Session().client("medical-imaging", config=config)


def aws_fault(error: Exception) -> Fault | None:
    """Return what an exception of boto3 means; a service's message is left out: it may quote."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "")) or "refused"
        told = error.response.get("ResponseMetadata", {})
        status = int(told.get("HTTPStatusCode", 0))
        if status == 401 or code in _EXPIRED:
            return Fault(code, status, UNAUTHORIZED)
        after = told.get("HTTPHeaders", {}).get("retry-after", "")
        return Fault(code, status, again=status in BUSY, after=after)
    if isinstance(error, _NOBODY):
        return Fault(type(error).__name__, code=UNAUTHORIZED)
    if isinstance(error, HTTPClientError | IncompleteReadError | HTTPError):
        return Fault(type(error).__name__, again=True)  # no connection, or it broke in the body
    return Fault(type(error).__name__) if isinstance(error, BotoCoreError) else None
