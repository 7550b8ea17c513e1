"""What the page asks, by name: the server on this machine answers, or a worker in the browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sopstatus.catalogue import document_error, refusals
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError
from sopstatus.workbench import drafts
from sopstatus.workbench.case import case_file
from sopstatus.workbench.example import example
from sopstatus.workbench.header import header
from sopstatus.workbench.page import sample, samples
from sopstatus.workbench.shown import told
from sopstatus.workbench.view import begun, view

QUESTIONS = ("tables", "samples", "sample", "view", "new", "case")


@dataclass(frozen=True, slots=True)
class Backend:
    """Answer the page's questions; ``folder`` has a site's own tables, to start with."""

    folder: str = ""
    limits: Limits = DEFAULT

    def answer(self, name: str, asked: Mapping[str, Any]) -> Any:
        """Answer one of `QUESTIONS`, as JSON has it; raise `DocumentError` for what cannot be."""
        match name:
            case "tables":
                with refusals("document/unreadable", "--mappings"):
                    site = drafts.site_texts(self.folder) if self.folder else {}
                return {"shipped": drafts.shipped_texts(), "site": site}
            case "samples":
                return samples()
            case "sample":
                table = asked.get("table")
                found = example(table) if table else sample(asked.get("case"), asked.get("name"))
                return {"base64": _coded(found)}
            case "view":
                return view(asked, self.limits)
            case "new":
                return begun(asked)
            case "case":
                return {"base64": _coded(case_file(asked, self.limits))}
        raise document_error("http/no-route", "")


def ask(name: str, question: str) -> str:
    """Answer a question of the page in a browser: JSON with ``answer``, else with ``issues``.

    There, and only there, ``header`` may be asked of a file, which the browser shows as a path.
    """
    backend, asked = Backend(), json.loads(question)
    try:
        if name == "header":
            with open(asked["path"], "rb") as file:
                answer: Any = {"base64": _coded(header(file, backend.limits))}
        else:
            answer = backend.answer(name, asked)
        told_back: dict[str, Any] = {"answer": answer}
    except DocumentError as error:
        told_back = {"issues": [told(issue) for issue in error.issues]}
    return json.dumps(told_back)


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()
