"""AWS HealthImaging as a source: the metadata of image sets, read and updated through boto3.

An update is asynchronous: the image set is LOCKED, then ACTIVE again as UPDATED or UPDATE_FAILED,
and each half of it may have 30,000 bytes. So many instances are updated in several steps, each of
which waits for the one before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sopstatus.audit import now
from sopstatus.catalogue import document_error, issue
from sopstatus.codecs.healthimaging import HealthImagingCodec
from sopstatus.codecs.statement import expand
from sopstatus.crossing import onto
from sopstatus.limits import DEFAULT, Limits
from sopstatus.link import Circumstances, Link
from sopstatus.model import DocumentError, Issue, Result, SOPInstance
from sopstatus.scanning import Scanned, read
from sopstatus.table import MappingTable, load_tables

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

    ``holder`` is the AE Title under which its image sets are spoken of. ``poll`` and ``patience``
    are seconds between two looks at an update, and until it is given up.
    """

    def __init__(
        self,
        datastore: str,
        *,
        client: Any = None,
        holder: str = "",
        poll: float = 1.0,
        patience: float = 300.0,
        tables: MappingTable | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self.datastore, self.holder = datastore, holder
        self.client = client or boto3.client("medical-imaging")
        self.tables = tables or load_tables()
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
        while True:
            asked = {"datastoreId": self.datastore, **more, **token}
            page = _asked(lambda options=asked: self.client.search_image_sets(**options))  # type: ignore[misc]
            for summary in page["imageSetsMetadataSummaries"]:
                if summary.get("isPrimary", True):
                    yield summary["imageSetId"]
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def metadata(self, image_set: str, version: str = "") -> bytes:
        """Return the metadata of an image set as the codec takes it: JSON, compressed by gzip."""
        more = {"versionId": version} if version else {}
        answer = _asked(
            lambda: self.client.get_image_set_metadata(
                datastoreId=self.datastore, imageSetId=image_set, **more
            )
        )
        data: bytes = answer["imageSetMetadataBlob"].read(self._limits.document + 1)
        if len(data) > self._limits.document:
            raise document_error("document/too-large", "", limit=self._limits.document)
        return data

    def image_set(self, identifier: str) -> Scanned:
        """Return what an image set's instances say, as a scan of files does."""
        source = f"healthimaging:{self.datastore}/{identifier}"
        try:
            document = self.metadata(identifier)
            return read(source, "healthimaging", document, self._codec, self.holder)
        except DocumentError as error:
            return Scanned(source, "", (), error.issues)

    def scan(self, studies: Iterable[str] | None = None) -> Iterator[Scanned]:
        """Yield a record for each image set (of these studies), in order."""
        for study in ("",) if studies is None else studies:
            for identifier in self.image_sets(study):
                yield self.image_set(identifier)

    def statements(self, study_instance_uid: str) -> list[SOPInstance]:
        """Return what is known of a study; raise `DocumentError` where the service does not say."""
        found: list[SOPInstance] = []
        for identifier in self.image_sets(study_instance_uid):
            document = self.metadata(identifier)
            found += self._codec.decode(document, holder=self.holder).value
        return found

    def state(self, image_set: str) -> State:
        """Return the version and state of an image set."""
        told = _asked(
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
        becomes NS (PS3.15 A.1.1 f.2); the result's ``records`` tell. Issues tell what was not done;
        what went before it stays done, as its own versions.
        """
        state = self._active(image_set)
        document = self.metadata(image_set, state.version)
        copies = self._codec.copies(document)
        at = Circumstances(holder=self.holder, policy=self.tables.site.link_policy, time=now())
        allowed = onto(copies, instances, link, None, at=at)
        issues = list(allowed.issues)
        for payload in self._payloads(tuple(expand(allowed.value, copies)), document, issues):
            state = self._updated(image_set, state, payload)
            if state.failed or state.state != "ACTIVE":
                told = {"state": state.state, "workflow": state.workflow}
                issues.append(issue("healthimaging/update-failed", "", **told))
                break
        return Result(state.version, tuple(issues), allowed.records)

    def _payloads(
        self, given: tuple[SOPInstance, ...], document: bytes, issues: list[Issue]
    ) -> Iterator[dict[str, bytes]]:
        """Yield updates that are short enough, halving what is not."""
        made = self._codec.update(given, document, holder=self.holder)
        if any(told.code == _TOO_LONG for told in made.issues) and len(given) > 1:
            half = len(given) // 2
            yield from self._payloads(given[:half], document, issues)
            yield from self._payloads(given[half:], document, issues)
            return
        issues += made.issues
        if made.value and not any(told.code == _TOO_LONG for told in made.issues):
            yield made.value

    def _updated(self, image_set: str, state: State, payload: dict[str, bytes]) -> State:
        _asked(
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
        until = time.monotonic() + self._patience
        state = self.state(image_set)
        while state.state == "LOCKED" and time.monotonic() < until:
            time.sleep(self._poll)
            state = self.state(image_set)
        return state


def _asked(call: Callable[[], Any]) -> Any:
    """Return what the service answers; raise `DocumentError` with the code of why it does not."""
    try:
        return call()
    except ClientError as error:  # its message may quote the request
        reason = str(error.response.get("Error", {}).get("Code", "")) or "refused"
    except BotoCoreError as error:
        reason = type(error).__name__
    raise document_error("source/unavailable", "", reason=reason) from None
