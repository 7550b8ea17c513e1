"""Processes that work through one list of tasks, in order; one that dies is reported at once.

``concurrent.futures`` waits for ever where a process is killed in the middle of an answer: all share
one pipe there, whose other end the waiting process holds itself. Here each has its own.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import Pipe, Process, parent_process
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any

Work = Callable[[Any], Any]
_END = None  # is no task; with fork, others hold this end of the pipe too, so closing is not heard


class ProcessDied(Exception):
    """A process has ended before its time: killed, mostly because memory ran out."""


def apply(work: Work, tasks: Iterable[Any], count: int) -> Iterator[Any]:
    """Yield what ``work`` makes of each task, in order, in ``count`` processes.

    ``work``, tasks (none is ``None``) and results pickle. No more than two tasks a process are taken ahead. Raise
    `ProcessDied` where a process is gone, and what ``work`` raises.
    """
    idle: SimpleQueue[Connection] = SimpleQueue()
    started = [_started(work) for _ in range(count)]
    for _, connection in started:
        idle.put(connection)

    def ask(task: Any) -> Any:
        connection = idle.get()
        try:
            connection.send(task)
            error, result = connection.recv()
        except (EOFError, OSError):
            raise ProcessDied from None
        finally:
            idle.put(connection)
        if error:
            raise error
        return result

    threads = ThreadPoolExecutor(count)  # each waits for one process
    ahead: deque[Future[Any]] = deque()
    try:
        for task in tasks:
            ahead.append(threads.submit(ask, task))
            if len(ahead) > 2 * count:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
        for process, connection in started:
            with suppress(OSError):
                connection.send(_END)
            connection.close()
            process.join()


def _started(work: Work) -> tuple[Process, Connection]:
    here, there = Pipe()
    process = Process(target=_serve, args=(there, work), daemon=True)
    process.start()
    there.close()  # so that its end is heard here
    return process, here


def _serve(connection: Connection, work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process decides
    Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        if task is _END:
            return
        answer: tuple[Exception | None, Any]
        try:
            answer = None, work(task)
        except Exception as error:  # for the first process to raise
            answer = error, None
        connection.send(answer)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone: nobody hears its results any more."""
    if parent := parent_process():
        parent.join()
        os._exit(1)
