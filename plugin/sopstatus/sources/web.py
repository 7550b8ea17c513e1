"""A DICOMweb server (PS3.18) as a source, whatever it ignores.

Servers ignore search keys and ``includefield``, cap a page, or answer the same page for ever
(docs/cloud.md). So keys and fields are hexadecimal tags, each field is a parameter of its own, a
page that brings nothing new is the last one, and what comes back is read again before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from dicomweb_client.api import DICOMwebClient

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs.dicom_json import DICOMJSONCodec
from sopstatus.codecs.shared.data_set import IDENTITY, SERIES, SOP_INSTANCE, STUDY, TIMEZONE_OFFSET
from sopstatus.documents.scanned import Scanned, scanned
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, Result, SOPInstance
from sopstatus.sources.attempts import REFUSED, UNAUTHORIZED, Attempts, Unanswered, http_fault
from sopstatus.table import MappingTable, load_tables
from sopstatus.values import is_uid

DataSets = list[dict[str, Any]]
_SUMMARY = 0.25  # of an instance's elements missing in a list: Orthanc's main tags are fewer by far


class _Client(DICOMwebClient):
    """The library's client takes an empty answer for one without results; 204 says that (PS3.18 8.7)."""

    def _http_get(
        self, url: str, params: Any = None, headers: Any = None, stream: bool = False
    ) -> requests.Response:
        answer = super()._http_get(url, params, headers, stream)
        if not stream and answer.status_code != 204 and not answer.content:
            raise requests.JSONDecodeError("", "", 0)
        return answer

    def _http_get_application_json(self, *arguments: Any, **named: Any) -> DataSets:
        try:
            return _data_sets(super()._http_get_application_json(*arguments, **named))
        except requests.RequestException:
            raise
        except ValueError:  # Python's own bound on the digits of a number
            raise requests.JSONDecodeError("", "", 0) from None

    def own_metadata(self, study: str, series: str, instance: str) -> DataSets:
        """Return an instance's metadata; none where the server has none."""
        try:
            return [self.retrieve_instance_metadata(study, series, instance)]
        except IndexError:  # the library takes the first of them
            return []


class DICOMweb:
    """A server that speaks QIDO-RS and WADO-RS; ``url`` is what ``/studies`` follows.

    ``session`` is a `requests.Session` that knows how to log in (``dicomweb_client.session_utils``
    and the clouds' own libraries make them). ``holder`` is the AE Title of the archive. With
    ``bulk_data`` a ``BulkDataURI`` of an attribute of ours is fetched, from this server only.
    ``page`` is how many results are asked for at once, ``timeout`` seconds, ``attempts`` how often
    a request is made that the server was too busy for: a number, or `Attempts`.
    """

    def __init__(
        self,
        url: str,
        *,
        session: requests.Session | None = None,
        holder: str = "",
        bulk_data: bool = False,
        page: int = 100,
        timeout: float = 20.0,
        attempts: Attempts | int = 5,
        tables: MappingTable | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self.url = url.rstrip("/")
        self.session = session or requests.Session()
        self.tables = tables or load_tables()
        self.holder, self.limits, self.timeout = self.tables.whose(holder), limits, timeout
        self.client = _Client(self.url, session=self.session, timeout=timeout)
        self.client.set_http_retry_params(retry=False)  # `Attempts` does
        self.attempts = Attempts.of(attempts)
        self._whole: set[bool] = set()  # levels whose metadata is known to be whole
        self._codec = DICOMJSONCodec(self.tables, limits)
        self._bulk_data, self._page = bulk_data, page

    def studies(self, **keys: str) -> Iterator[str]:
        """Yield the Study Instance UIDs that a search brings; ``keys`` are DICOM Keywords."""

        def search(limit: int, offset: int) -> DataSets:
            return self.client.search_for_studies(limit=limit, offset=offset, search_filters=keys)

        for found in self._pages(search, f"{STUDY:08X}"):
            yield from (uid for one in found if (uid := _uid(one, f"{STUDY:08X}")))

    def metadata(self, study: str, series: str = "", instance: str = "") -> DataSets:
        """Return the metadata of a study, series or instance: DICOM JSON, as transformers take it.

        Raise `DocumentError` where the server does not give it, gives that of something else, or
        gives a summary (Orthanc with ``StudiesMetadata`` other than ``Full``).
        """
        for uid in filter(None, (study, series, instance)):
            if not is_uid(uid):
                raise document_error("value/not-uid", "", length=len(uid))
        return self._metadata(study, series, instance)

    def study(self, uid: str) -> Scanned:
        """Return what a study's data sets say, as a scan of files does."""
        source = f"{self.url}/studies/{uid}"
        try:
            return self.read(source, self.metadata(uid))
        except DocumentError as error:
            return Scanned(source, "", (), error.issues)

    def read(self, source: str, document: DataSets) -> Scanned:
        """Return what metadata of this server says."""
        fetch = self.fetch if self._bulk_data else None
        reading = self._codec.read(document, holder=self.holder, fetch=fetch)
        return scanned(source, "dicom-json", document, reading, self.holder)

    def scan(self, studies: Iterable[str] | None = None) -> Iterator[Scanned]:
        """Yield a record for each study (default: all), in order; a fault stands in its record.

        After one that says ``source/unauthorized`` there is none: no more is asked with credentials
        that the server does not take.
        """
        for uid in self.studies() if studies is None else studies:
            scanned = self.study(uid)
            yield scanned
            if any(told.code == UNAUTHORIZED for told in scanned.issues):
                return

    def statements(self, study_instance_uid: str) -> list[SOPInstance]:
        """Return what is known of a study; raise `DocumentError` where the server does not say."""
        if not is_uid(study_instance_uid):
            return []
        told = self._metadata(study_instance_uid, absent=[])
        if not all(_uid(one, f"{SOP_INSTANCE:08X}") for one in told):
            raise _not_data_sets()  # an error between the data sets, or in their place
        found = self.read(study_instance_uid, told)
        return [one for one in found.instances if one.attributes]

    def search(self, keyword: str, value: str, study: str = "") -> Result[tuple[SOPInstance, ...]]:
        """Find the instances whose attribute has a value, also where the server cannot.

        Where it refuses the key, ignores it, or leaves the attribute out of its answer, the
        metadata is read; issues say so, for that takes long in a large archive: name a ``study``.
        Raise `DocumentError` where the server does not answer.
        """
        row = self.tables.attributes[keyword]
        issues: list[Issue] = []
        try:
            found = self._instances({f"{row.tag:08X}": value}, study)
        except DocumentError as error:
            if error.issues[0].code != REFUSED:
                raise
            issues.append(issue("source/key-refused", "", keyword=keyword))
            found = self._instances({}, study)
        read_ = self._codec.decode(found, holder=self.holder)
        said = list(read_.value)
        issues += read_.issues
        if not said and found:  # the attribute is left out of the answer, or nobody states it
            issues.append(issue("source/field-ignored", "", keyword=keyword))
            studies = dict.fromkeys((_uid(one, f"{STUDY:08X}") or study) for one in found)
            about = {_uid(one, f"{SOP_INSTANCE:08X}") for one in found}
            for uid in filter(None, studies):
                scanned = self.read(uid, self.metadata(uid))
                said += [
                    x for x in scanned.instances if x.attributes and x.sop_instance_uid in about
                ]
                issues += scanned.issues
        hits = tuple(one for one in said if one.get(keyword) == value)
        refused = any(told.code == "source/key-refused" for told in issues)
        if (more := len(found) - len(hits)) > 0 and not refused:
            issues.append(issue("source/key-ignored", "", keyword=keyword, count=more))
        return Result(hits, tuple(issues))

    def fetch(self, uri: str) -> bytes:
        """Return the bytes behind a BulkDataURI; raise `ValueError` where it is another server's."""
        whole = urljoin(f"{self.url}/", uri)
        if urlsplit(whole)[:2] != urlsplit(self.url)[:2]:
            raise ValueError("the address is not of this server")
        data: bytes = self.ask(lambda: b"".join(self.client.retrieve_bulkdata(whole)))
        return data

    def ask(self, call: Callable[[], Any], absent: Any = None) -> Any:
        """Return what the server answers to a call, asked again where that helps; see `asked`."""
        return asked(call, self.attempts, absent)

    def _metadata(
        self, study: str, series: str = "", instance: str = "", absent: Any = None
    ) -> DataSets:
        client = self.client
        if instance:
            found = self.ask(lambda: client.own_metadata(study, series, instance), absent)
            return self._of(study, found)
        if series:
            found = self.ask(lambda: client.retrieve_series_metadata(study, series), absent)
        else:
            found = self.ask(lambda: client.retrieve_study_metadata(study), absent)
        told = self._of(study, found)
        if told and bool(series) not in self._whole and self._is_whole(told[-1]):
            self._whole.add(bool(series))
        return told

    def _of(self, study: str, answer: Any) -> DataSets:
        """Return an answer about a study; raise `DocumentError` where it is about another."""
        found = _data_sets(answer)
        if any(_uid(one, f"{STUDY:08X}") not in ("", study) for one in found):
            raise document_error("source/another-study", "")
        return found

    def _is_whole(self, listed: dict[str, Any]) -> bool:
        """Hold a data set of a list against the same instance's own metadata.

        Return whether that could be had; raise `DocumentError` where the list has a summary.
        """
        study, series, sop = (_uid(listed, f"{t:08X}") for t in (STUDY, SERIES, SOP_INSTANCE))
        if not (study and series and sop):
            return False
        try:
            own = self._metadata(study, series, sop)
        except DocumentError:  # the server does not say
            return False
        if not own or _uid(own[0], f"{SOP_INSTANCE:08X}") != sop:
            return False
        missing = own[0].keys() - listed.keys()
        ours = {f"{row.tag:08X}" for row in self.tables.attributes.values()}
        if missing & ours or len(missing) > _SUMMARY * len(own[0]):
            raise document_error("source/summary", "", count=len(missing))
        return True

    def _instances(self, keys: dict[str, str], study: str) -> DataSets:
        rows = [row.tag for row in self.tables.attributes.values()]
        fields = [f"{tag:08X}" for tag in (*IDENTITY, TIMEZONE_OFFSET, *rows)]

        def search(limit: int, offset: int) -> DataSets:
            return self.client.search_for_instances(
                study or None, limit=limit, offset=offset, fields=fields, search_filters=keys
            )

        found: DataSets = []
        for page in self._pages(search, f"{SOP_INSTANCE:08X}"):
            found += page
            if len(found) > self.limits.statements:
                limit = self.limits.statements
                raise document_error("document/too-many-statements", "", limit=limit)
        return found

    def _pages(self, search: Callable[[int, int], DataSets], by: str) -> Iterator[DataSets]:
        """Yield page after page, each result once, until one brings nothing new."""
        seen: set[str] = set()
        offset = 0
        while found := _data_sets(self.ask(lambda at=offset: search(self._page, at))):  # type: ignore[misc]
            if not all(_uid(one, by) for one in found):
                raise _not_data_sets()
            new = [one for one in found if _uid(one, by) not in seen]
            if not new:  # the server ignores the offset
                return
            seen.update(_uid(one, by) for one in new)
            offset += len(found)
            yield new


def asked(call: Callable[[], Any], attempts: Attempts, absent: Any = None) -> Any:
    """Return what a server answers to a call, or ``absent`` (if that is given) where it knows nothing.

    Raise `DocumentError` with why it does not answer.
    """
    try:
        return attempts.ask(call, http_fault)
    except Unanswered as error:
        if error.status == 404 and absent is not None:
            return absent
        raise


def _data_sets(answer: Any) -> DataSets:
    found = [answer] if isinstance(answer, dict) else answer
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _not_data_sets()
    return found


def _not_data_sets() -> DocumentError:
    reason = "its answer is not a list of data sets"
    return document_error("source/unavailable", "", reason=reason)


def _uid(data_set: dict[str, Any], tag: str) -> str:
    """Return the UID of a result, in whatever shape; empty where there is none."""
    node = data_set.get(tag)
    values = node.get("Value") if isinstance(node, dict) else None
    first = values[0] if isinstance(values, list) and values else values
    return first.strip(" \0") if isinstance(first, str) else ""
