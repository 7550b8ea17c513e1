"""One command is one file: what is listed, what is loaded, and what a missing extra says."""

import re
import subprocess
import sys
import tomllib
import warnings
from importlib import import_module
from pathlib import Path

import pytest
from samples_of import ROOT
from sopstatus import cli
from sopstatus.cli import COMMANDS, main, parser, shared
from sopstatus.engines.delivery.spool import New, Spool
from sopstatus.engines.delivery.verdict import Verdict

FOLDER = Path(cli.__file__).parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
WITH_EXTRAS = [(name, package) for name, found in COMMANDS.items() for package in found.packages]


def test_one_command_is_one_file():
    files = {path.stem for path in FOLDER.glob("*.py")} - {
        "__init__",
        "shared",
        "servers",
        "arguments",
    }
    assert files == set(COMMANDS)
    for name in COMMANDS:
        module = import_module(f"sopstatus.cli.{name}")
        assert callable(module.add) and callable(module.run)


def test_every_command_is_in_the_help(capsys):
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert f"\n  {name} " in told
        assert command.extra in ("", *EXTRAS)
        assert bool(command.extra) is bool(command.packages)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: sopstatus {name}")


def test_help_loads_no_command():
    script = "import sys; from sopstatus.cli import main\ntry: main({})\nexcept SystemExit: pass\nprint(*sys.modules)"
    for given, loaded in (["--help"], set()), (["--version"], set()), (["show", "-h"], {"show"}):
        run = [sys.executable, "-c", script.format(given)]
        names = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
        assert {name for name in COMMANDS if f"sopstatus.cli.{name}" in names} == loaded


@pytest.mark.parametrize("given", [["nothing"], ["--nothing"], ["show"], ["show", "-x"]])
def test_usage(given, capsys):
    assert main(given) == 2
    assert re.fullmatch(r"error: .*; see sopstatus .*\n", capsys.readouterr().err)


ARGUMENTS = {
    "scan": "{0}/in -o {0}/out",
    "report": "{0}",
    "export": "{0} --to fhir -o {0}/out",
    "ledger": "check {0}/x.db",
    "mllp": "--port 0",
    "send": "{0}/none localhost:1",
    "spool": "replay {0}/spool 1 --to localhost:1",
    "gateway": "--upstream http://127.0.0.1:9 --on-failure open",
    "artifacts": "{0}/out",
}


def with_a_dead_letter(folder):
    spool = Spool(folder)
    (number,) = spool.add([New(b"MSH|", 1)])
    spool.bury(number, Verdict("refused", "AR"))
    spool.close()


WITHOUT = """
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name == {0!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Gone())
from sopstatus.cli import main
sys.exit(main({1!r}))
"""


@pytest.mark.parametrize(("name", "package"), WITH_EXTRAS)
def test_without_a_package_of_its_extra(name, package, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # of pygal's own finder, once it is loaded
        import_module(package)  # it is what the extra installs
    given = [name, *ARGUMENTS.get(name, "").format(tmp_path).split()]
    (tmp_path / "in").mkdir()
    if name == "spool":
        with_a_dead_letter(tmp_path / "spool")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(package, given)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    extra = COMMANDS[name].extra
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f'error: {name} needs the extra: pip install "sopstatus[{extra}]"\n'


def test_a_broken_module_is_no_missing_extra(monkeypatch):
    for name in ("sopstatus.engines.http.offer", "starlette.routing", "no_such_package"):
        with (
            pytest.raises(ModuleNotFoundError),
            shared.needs("serve", "http", COMMANDS["serve"].packages),
        ):
            raise ModuleNotFoundError(name, name=name)
    monkeypatch.delitem(sys.modules, "sopstatus.cli.serve", raising=False)
    monkeypatch.setitem(sys.modules, "sopstatus.engines.http.offer", None)
    with pytest.raises(ModuleNotFoundError, match="offer"):
        main(["serve", "--port", "0"])


def test_the_parser_knows_the_chosen_command_alone():
    assert parser("show").parse_args(["x"]).sources == ["x"]
    with pytest.raises(shared.Stop):
        parser("show").parse_args(["x", "--into", "y"])


def test_convert_writes_nothing_about_nothing(tmp_path, capsys):
    source, out = tmp_path / "adt.hl7", tmp_path / "study.json"
    source.write_bytes(b"MSH|^~\\&|A|B|C|D|20240102030405||ADT^A08|1|P|2.5.1\rPID|1||X\r")
    assert main(["convert", str(source), "--to", "fhir", "-o", str(out)]) == 1
    assert not out.exists()
    assert "document/says-nothing" in capsys.readouterr().err
