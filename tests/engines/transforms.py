"""Transformers of a site, for tests of ``--transformer engines.transforms:NAME``."""

import threading
import time

from sopstatus import Result


def link_words(message, *, link):
    """Say in a segment what is known of the link."""
    return Result(message + b"ZLK|" + link.words.encode() + b"\r")


def broken(message, *, link):
    raise KeyError("DOE^JANE")


def slow(message, *, link):
    """Take long over a message that says so, and say in which thread."""
    if b"SLOW" in message:
        time.sleep(0.5)
    return Result(message + b"ZTH|" + threading.current_thread().name.encode() + b"\r")
