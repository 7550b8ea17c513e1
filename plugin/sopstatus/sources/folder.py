"""Where statements about a study are found: in a folder, on a server, in a ledger."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from sopstatus.catalogue import document_error, refusals
from sopstatus.documents.files import files, stamp_of
from sopstatus.documents.scanned import Reader
from sopstatus.holder import NONE_GIVEN
from sopstatus.model import SOPInstance
from sopstatus.sources.source import Source
from sopstatus.table import MappingTable

Stamp = tuple[int, ...]
GONE: Stamp = ()
_FRESH = 10.0  # seconds for which a look at the folder is good


def opened(
    name: str, *, holder: str = "", token: str = "", tables: MappingTable | None = None
) -> Source:
    """Return the source of this name.

    It is a folder of documents, a DICOMweb server (``https://…``), a FHIR server
    (``fhir+https://…``), or the file or database of a ledger. ``holder`` is the AE Title of who
    holds the data sets; ``token`` is a bearer token for a server. Raise
    `ModuleNotFoundError` without its extra, `DocumentError` where there is no such ledger.
    """
    if name.startswith(("https://", "http://", "fhir+https://", "fhir+http://")):
        import requests

        from sopstatus import sources
        from sopstatus.sources.attempts import Attempts

        hurried = Attempts(3, 5.0, longest=2.0)  # a message waits for the answer
        session = requests.Session()
        if token:
            session.headers["Authorization"] = f"Bearer {token}"
        if name.startswith("fhir+"):
            url = name.removeprefix("fhir+")
            return sources.fhir_server(url, session=session, tables=tables, attempts=hurried)
        return sources.dicomweb(
            name, session=session, holder=holder, tables=tables, attempts=hurried
        )
    if Path(name).is_dir():
        return FolderSource(name, holder=holder, tables=tables)
    from sopstatus.ledger import Ledger

    return Ledger(name, create=False, holders=tables.holders if tables else NONE_GIVEN)


class FolderSource:
    """Statements of all documents below a folder, by study; files that come or change are seen.

    A file that is no document of ours is passed over. While the system does not give one, nobody
    knows which study it is about, so `statements` raises for each. ``holder`` is the AE Title of who
    holds the data sets. Many threads may ask.
    """

    def __init__(
        self, folder: str | Path, *, holder: str = "", tables: MappingTable | None = None
    ) -> None:
        if not Path(folder).is_dir():
            raise NotADirectoryError(f"{folder} is no folder")
        self._folder, self._reader = str(folder), Reader(tables, holder=holder)
        self._read: dict[str, tuple[Stamp, tuple[SOPInstance, ...]]] = {}
        self._unread = False
        self._studies: dict[str, dict[str, None]] = {}  # files, by Study Instance UID
        self._looked = 0.0
        self._lock = threading.Lock()
        self._look()

    def statements(self, study_instance_uid: str) -> list[SOPInstance]:
        """Return what the folder's documents say of a study, in the order of the files' names."""
        with refusals("source/unavailable", ""), os.scandir(self._folder):
            pass  # a folder that has gone is not one that holds nothing
        with self._lock:
            if time.monotonic() - self._looked > _FRESH:
                self._look()
            if self._unread:
                raise document_error("source/unavailable", "", reason="a file cannot be read")
            return [
                statement
                for file in sorted(self._studies.get(study_instance_uid, ()))
                for statement in self._read[file][1]
                if statement.study_instance_uid == study_instance_uid
            ]

    def _look(self) -> None:
        there = {file: stamp for file in files([self._folder]) if (stamp := _stamp(file)) != GONE}
        for file in self._read.keys() - there.keys():
            self._forget(file)
        self._unread = False
        for file, stamp in there.items():
            if file not in self._read or self._read[file][0] != stamp:
                self._forget(file)
                found = self._reader(file)
                if any(told.code == "document/unreadable" for told in found.issues):
                    self._unread |= _stamp(file) != GONE
                    continue
                said = tuple(one for one in found.instances if one.attributes)
                self._read[file] = (stamp, said)
                for statement in said:
                    self._studies.setdefault(statement.study_instance_uid, {})[file] = None
        self._looked = time.monotonic()

    def _forget(self, file: str) -> None:
        for statement in self._read.pop(file, (GONE, ()))[1]:
            self._studies.get(statement.study_instance_uid, {}).pop(file, None)


def _stamp(file: str) -> Stamp:
    """Return what changes when a file does; `GONE` for one that is gone."""
    try:
        return stamp_of(file)
    except OSError:
        return (0,) if os.path.lexists(file) else GONE
