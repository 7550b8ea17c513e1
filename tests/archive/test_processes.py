"""Processes that work in order, and what happens when one of them does not."""

import os
import signal
import time

import pytest
from sopstatus.archive.processes import ProcessDied, apply


def pid(_):
    time.sleep(0.01)
    return os.getpid()


def squared(number):
    if number == 40:
        raise ValueError("forty")
    return number * number


def long_answer(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return b"x" * 3_000_000


def half(number):
    if number == 5:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # it ends the process while it sends
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        return Slow()
    return number


class Slow:
    def __reduce__(self):
        return bytes, (b"x" * 200_000_000,)


def test_in_order_and_in_several_processes():
    assert list(apply(squared, range(40), 3)) == [n * n for n in range(40)]
    found = set(apply(pid, range(50), 3))
    assert len(found) == 3
    assert os.getpid() not in found


def test_what_the_work_raises_is_raised():
    made = apply(squared, range(100), 2)
    assert [next(made) for _ in range(40)] == [n * n for n in range(40)]
    with pytest.raises(ValueError, match="forty"):
        list(made)


@pytest.mark.parametrize("work", [long_answer, half])
def test_a_process_that_dies_is_told(work):
    with pytest.raises(ProcessDied):
        list(apply(work, range(20), 2))


def test_no_process_is_left():
    made = apply(pid, range(1000), 2)
    pids = {next(made) for _ in range(20)}
    made.close()
    for one in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(one, 0)
