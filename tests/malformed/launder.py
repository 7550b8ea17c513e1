"""The property: what other software reads afterwards never says more than the record does.

``launder`` runs malformed documents over one road and returns figures; tests ask that nothing was
found. ``python -m malformed.launder COUNT`` (`make launder`) runs all of them over every road.
"""

import base64
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from sopstatus import DocumentError, codec

from malformed.data_sets import variants
from malformed.readers import NOTHING, RANK, claimed, more, terms, with_dcmtk, with_pydicom, written
from malformed.roads import AO, LINKS, ONTO, ROADS

BATCH = 1000  # documents that are kept for DCMTK
SHOWN = 5


@dataclass
class Figures:
    """What became of malformed documents over a road; ``found`` says how the property failed."""

    documents: int = 0
    written: int = 0
    refused: int = 0
    found: list[str] = field(default_factory=list)

    def fail(self, name, why, data):
        shown = base64.b64encode(data[:3000]).decode() if len(self.found) < SHOWN else ""
        self.found.append(f"{name}: {why} {shown}")

    @property
    def report(self):
        """Return the faults, a few of them with the document in base64."""
        return f"{len(self.found)} of {self.documents}:\n" + "\n".join(self.found[:SHOWN])


def launder(road, links, count, seed=1):
    """Carry ``count`` variants over a road and compare what is read with what the records say."""
    figures = Figures()
    source = road.variants(seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        while figures.documents < count:
            batch = list(islice(source, min(BATCH, count - figures.documents)))
            figures.documents += len(batch)
            _batch(road, links, batch, folder, figures)
    return figures


def _batch(road, links, batch, folder, figures):
    out = []
    held = _held(batch, folder) if road.onto else [""] * len(batch)
    sent = "outbound" in links
    for (name, data), before in zip(batch, held, strict=True):
        try:
            made = road.carry(data, folder, **links)
        except DocumentError as error:
            figures.refused += 1
            if any(record.outcome == "done" for record in getattr(error, "records", ())):
                figures.fail(name, "refused, and a record says done", data)
            continue
        except Exception as error:  # the law says: a result or DocumentError
            figures.fail(name, f"{type(error).__name__} is no DocumentError", data)
            continue
        if made is None:  # nobody has such a document
            continue
        figures.written += 1
        if road.made and links.keys() == {"link"} and not made.records:
            continue  # what is no term states nothing, and is carried as it is
        if road.onto and not made.changed and not made.records:
            continue  # nothing was said of it, and it is what it was
        claim = claimed(made.records, sent=sent)
        stay = links.keys() == {"link"} and any(
            r.received == "NS" or r.event == "respell" for r in made.records[-1:]
        )
        faults = [more(said, claim, companions=stay) for said in made.said]
        if road.onto and before and made.changed:
            faults.append(_erased(before, claim, links))
        if why := next(filter(None, faults), ""):
            figures.fail(name, why, data)
        elif made.data is not None:
            out.append((name, data, made.data, claim, stay))
    read = with_dcmtk(written(folder, [data for _, _, data, _, _ in out]))
    for (name, data, _, claim, stay), said in zip(out, read, strict=True):
        if why := more(said, claim, companions=stay):
            figures.fail(name, f"DCMTK: {why}", data)


def unseen(count, seed=1):
    """Read variants, and count as found where another reader reads another status and no issue is told."""
    figures = Figures()
    source = variants(AO, seed)
    with tempfile.TemporaryDirectory() as place:
        while figures.documents < count:
            batch = list(islice(source, min(BATCH, count - figures.documents)))
            figures.documents += len(batch)
            by_dcmtk = with_dcmtk(written(place, [data for _, data in batch]))
            for (name, data), one in zip(batch, by_dcmtk, strict=True):
                try:
                    found = codec("dicom").decode(data)
                except DocumentError:
                    figures.refused += 1
                    continue
                figures.written += 1
                stated = dict(found.value[0].attributes) if found.value else {}
                own = terms(stated.get("SOPInstanceStatus") or "")
                others = {said.status for said in (with_pydicom(data), one) if said != NOTHING}
                if others - {own} and not found.issues:
                    why = f"{own or 'nothing'} is read in silence, by others {sorted(others)}"
                    figures.fail(name, why, data)
    return figures


def _held(batch, folder):
    """Return the most that pydicom or DCMTK reads in each document that comes in."""
    by_dcmtk = with_dcmtk(written(folder, [data for _, data in batch]))
    by_pydicom = [with_pydicom(data) for _, data in batch]
    said = (
        [one.status for one in pair if not one.several]
        for pair in zip(by_dcmtk, by_pydicom, strict=True)
    )
    return [max(both, key=lambda term: RANK.get(term, 0), default="") for both in said]


def _erased(before, claim, links):
    """Return why a held copy may not have been changed: a stranger's word, or one that demotes."""
    if not links:
        return f"a stranger's statement was written onto a held {before}"
    if "outbound" not in links and before in ("AO", "OR") and claim not in ("AO", "OR"):
        return f"{claim or 'nothing'} was written onto a held {before}"
    if "outbound" not in links and before == "AC" and claim in ("AO", "OR"):
        return f"{claim} was written onto a held AC"
    return ""


def main():
    """Print the figures of every road and links; return 1 where anything was found.

    Arguments: how many documents over each, the seed, and names of roads (default: all).
    """
    count, seed, *names = sys.argv[1:]
    print("| road | links | documents | written | refused | found | s |")
    print("|---|---|---|---|---|---|---|")
    failed = 0
    for name, links, run in _runs():
        if names and name not in names:
            continue
        start = time.monotonic()
        done = run(int(count), int(seed))
        failed += len(done.found)
        figures = (done.documents, done.written, done.refused, len(done.found))
        cells = " | ".join(f"{figure:,}" for figure in figures)
        print(f"| {name} | {links} | {cells} | {time.monotonic() - start:.0f} |", flush=True)
        for line in done.found[:SHOWN]:
            print(line, file=sys.stderr, flush=True)
    return int(bool(failed))


def _runs():
    yield "read", "", unseen
    for name, road in (ROADS | ONTO).items():
        for links in ("untrusted", "trusted") if road.onto else LINKS:
            yield name, links, partial(launder, road, LINKS[links])


if __name__ == "__main__":
    sys.exit(main())
