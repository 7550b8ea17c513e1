"""Count the mutants that tests let live, quickly: collect once, then fork a process for each mutant.

``python tests/mutation/drive.py FOLDER OUT TESTS MODULE ...``: FOLDER is what stage.py laid out, OUT a
file that gets a line a mutant (name, outcome, seconds of CPU) and is gone on with where it exists,
TESTS the test files with commas between, MODULE as ``codecs.er7``. Tests that fail without a mutant
are left out. A mutant that takes three times the CPU of all these tests has timed out.

``ANEW=1`` collects for each mutant, which takes a second more: for what runs while a module is imported
(a table that is compiled, a codec that all tests of a file share).
"""

import functools
import gc
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

MAKE = (
    "from mutmut import __main__ as m\n"
    "from pathlib import Path\n"
    "if __name__ == '__main__':\n"
    "    Path('mutants').mkdir(exist_ok=True)\n"
    "    m.copy_src_dir(); m.copy_also_copy_files(); m.setup_source_paths()\n"
    "    m.store_lines_covered_by_tests()\n"
    "    print(m.create_mutants(2))\n"
)


class Driver:
    """A pytest plugin that runs the collected tests once a mutant, each time in a fork."""

    def __init__(self, out, mutants, choose):
        self.out, self.mutants, self.choose = Path(out), mutants, choose

    def pytest_runtestloop(self, session):
        self.session = session
        found = [o for o in gc.get_objects() if isinstance(o, functools._lru_cache_wrapper)]
        self.caches = [o for o in found if str(o.__module__).startswith("sopstatus")]
        gc.collect()
        gc.freeze()
        failing = self.out.with_suffix(".failing")
        failing.write_text("")
        _, used = forked(lambda: self._fresh(session.items, failing), 3600)
        bad = set(failing.read_text().splitlines())
        items = [item for item in session.items if item.nodeid not in bad]
        limit = int(3 * used) + 4
        print(f"{len(items)} tests, {used:.1f} s; left out: {sorted(bad)}", flush=True)
        for name in self.mutants:
            note(self.out, name, *forked(lambda name=name: self._mutant(name, items), limit))
        return True

    def _mutant(self, name, items):
        self.choose(name)
        self._fresh(items)

    def _fresh(self, items, failing=None):
        for cache in self.caches:
            cache.cache_clear()
        self.session.config.pluginmanager.unregister(name="terminalreporter")
        self._run(items, failing)

    def _run(self, items, failing=None):
        """Run tests; without a file for the names of those that fail, end at the first of them."""

        class Watch:
            def pytest_runtest_logreport(self, report):
                if report.failed and failing is None:
                    os._exit(1)
                if report.failed:
                    with failing.open("a") as names:
                        names.write(report.nodeid + "\n")

        self.session.config.pluginmanager.register(Watch())
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def forked(work, limit):
    """Return the outcome and the CPU seconds of work in a child."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status, used = os.wait4(pid, 0)
    killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if killed_by in (signal.SIGXCPU, signal.SIGKILL):
        outcome = "timeout"
    else:
        outcome = "killed" if status else "survived"
    return outcome, used.ru_utime + used.ru_stime


def note(out, name, outcome, seconds):
    """Add the line of a mutant."""
    with out.open("a") as lines:
        lines.write(f"{name}\t{outcome}\t{seconds:.1f}\n")


def anew(out, mutants, choose, pytest, arguments):
    """Collect and run the tests once a mutant; without one, all must pass."""
    import hypothesis  # noqa: F401
    import pydicom  # noqa: F401

    def run(name):
        choose(name)
        os._exit(int(pytest.main(arguments)))

    outcome, used = forked(lambda: run(""), 3600)
    print(f"without a mutant: {outcome}, {used:.1f} s", flush=True)
    for name in mutants if outcome == "survived" else ():
        note(out, name, *forked(lambda name=name: run(name), int(3 * used) + 4))


def main(folder, out, tests, *modules):
    """Run the mutants of some modules that OUT does not know yet."""
    out = Path(out).resolve()
    os.chdir(folder)
    if not Path("mutants").exists():
        subprocess.run([sys.executable, "-c", MAKE], check=True)
    os.chdir("mutants")
    names = []
    for module in modules:
        meta = Path("src", "sopstatus", *module.split(".")).with_suffix(".py.meta")
        names += json.loads(meta.read_text())["exit_code_by_key"]
    done = {line.split("\t")[0] for line in out.read_text().splitlines()} if out.exists() else set()

    source = str(Path("src").resolve())
    sys.path.insert(0, source)
    os.environ |= {
        "HYPOTHESIS_PROFILE": "mutants",
        "PYTHONPATH": source,
        "MUTANT_UNDER_TEST": "",
    }
    import pytest
    from mutmut.mutation import trampoline

    trampoline.record_trampoline_hit = lambda *_, **__: None
    mutants, choose = [n for n in names if n not in done], trampoline.set_mutant_under_test
    options = ["--rootdir=.", "-q", "-n0", "-p", "no:cacheprovider", "-p", "no:randomly"]
    arguments = [*options, *tests.split(",")]
    if os.environ.get("ANEW"):
        anew(out, mutants, choose, pytest, ["-x", "-W", "ignore:Module already", *arguments])
    else:
        pytest.main(arguments, plugins=[Driver(out, mutants, choose)])


if __name__ == "__main__":
    main(*sys.argv[1:])
