"""Tables that change while the listener runs: taken up whole, and a broken edit changes nothing."""

import json
import os
import signal
import time

from engines.running import Client, codes, message, ours
from samples_of import ROOT

SHIPPED = (ROOT / "mappings" / "sop-instance-status.toml").read_text()
WAITS = 20.0


def told(listener, event, count=1):
    """Wait for so many events of a name, and return the last."""
    end = time.monotonic() + WAITS
    while time.monotonic() < end:
        lines = [
            json.loads(line)
            for line in listener.told().rpartition("\n")[0].splitlines()
            if line[:1] == "{"
        ]
        found = [line for line in lines if line["event"] == event]
        if len(found) >= count:
            return found[-1]
        time.sleep(0.05)
    raise AssertionError(f"no {event} within {WAITS} s: {listener.told()}")


def answer(client, number):
    """Ask with a status that only a changed table knows: AE before, AA after."""
    text = message(status="RELEASED").replace("|M-1|", f"|M-{number}|")
    return codes([client.ask(text)])[0][0]


def write(path, text):
    """Replace a file as editors do."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def test_a_change_is_taken_up_and_a_broken_one_is_not(tmp_path):
    table = tmp_path / "status.toml"
    write(table, SHIPPED)
    changed = SHIPPED.replace('"AUTHORIZED"', '"RELEASED"').replace('"1.0.0"', '"1.1.0"')
    options = ("--mappings", str(tmp_path), "--log-level", "info")
    with ours(*options) as listener, Client(listener.port) as client:
        assert answer(client, 1) == b"AE"
        write(table, changed)
        assert told(listener, "tables-loaded")["tables"] == {"sop-instance-status": "1.1.0"}
        assert answer(client, 2) == b"AA"  # over the connection that stood open

        write(table, changed.replace("segment", "segmnt"))
        fault = told(listener, "tables-refused")["fault"]
        assert f"{table}:" in fault
        assert 'did you mean "segment"?' in fault
        assert answer(client, 3) == b"AA"  # the old ones stay in use

        write(table, SHIPPED)
        told(listener, "tables-loaded", 2)
        assert answer(client, 4) == b"AE"
        os.kill(listener.pid, signal.SIGHUP)
        told(listener, "tables-loaded", 3)
        listener.send_signal(signal.SIGTERM)
        assert listener.wait(WAITS) == 0


def test_a_folder_that_goes_away_changes_nothing(tmp_path):
    table = tmp_path / "status.toml"
    write(table, SHIPPED.replace('"AUTHORIZED"', '"RELEASED"'))
    with ours("--mappings", str(tmp_path)) as listener, Client(listener.port) as client:
        table.unlink()
        assert "holds no table" in told(listener, "tables-refused")["fault"]
        assert answer(client, 1) == b"AA"
