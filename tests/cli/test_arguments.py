"""How a command line is parsed: groups, help, suggestions, bounds, settings and completion."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from argparse import PARSER, REMAINDER
from importlib import import_module
from pathlib import Path

import pytest
from samples_of import FOLDER
from sopstatus import TableError, load_tables
from sopstatus.catalogue import catalogue
from sopstatus.cli import COMMANDS, GROUPS, main, parser
from sopstatus.cli.arguments import SETTINGS, settle

from tools import need

IMAGE, MESSAGE = (
    str(FOLDER / "authorized-original" / name) for name in ("image.dcm", "message.hl7")
)


def told(capsys, *given, code=2):
    """Run a command that is refused, and return its line."""
    assert main(given) == code
    out, err = capsys.readouterr()
    assert out == "" and err.endswith("\n")
    (line,) = err.splitlines()
    return line


# groups and help


@pytest.mark.parametrize("given", [[], ["help"], ["--help"], ["-h"]])
def test_the_groups(given, capsys):
    assert main(given) == 0
    out = capsys.readouterr().out
    for group, title in GROUPS.items():
        lines = out.partition(f"\n{title}\n")[2].splitlines()
        names = [name for name, one in COMMANDS.items() if one.group == group]
        assert [line.split()[0] for line in lines[: len(names)]] == names
    assert max(map(len, out.splitlines())) <= 90


def test_help_of_a_command_by_either_way(capsys):
    for given in (["help", "convert"], ["convert", "--help"]):
        with pytest.raises(SystemExit, match="0"):
            main(given)
        out = capsys.readouterr().out
        assert out.startswith("usage: sopstatus convert")
    assert "without --into, a new message or ImagingStudy is made" in " ".join(out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_a_sentence_with_its_default(name):
    for action in parser(name).everything():
        if not action.option_strings and action.nargs == "A...":
            continue
        label = (*action.option_strings, action.dest)[0]
        assert action.help, label
        if label == "-h":
            continue
        assert action.help[0].isupper() or action.help.startswith("--"), label
        if action.default not in (None, False, True, "", [], "==SUPPRESS=="):
            assert "(default: " in action.help, label


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_are_parsed(name):
    examples = import_module(f"sopstatus.cli.{name}").EXAMPLES
    assert len(set(examples)) == len(examples) >= 2
    for line in examples:
        ours = re.search(r"sopstatus [^>)\"]+", line)[0]
        command, *given = shlex.split(ours)[1:]
        assert command == name
        assert parser(name).parse_args(given)


# what is misspelt


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("convrt x", "there is no command convrt: did you mean convert?; see sopstatus help"),
        ("--versoin", "there is no option --versoin: did you mean --version?; see sopstatus help"),
        ("show x --jsn", "there is no option --jsn: did you mean --json?; see sopstatus show --help"),
        ("convert x --t hl7", "there is no option --t: did you mean --to?; see sopstatus convert --help"),
        ("convert x --to hl8", "--to: there is no value hl8: did you mean hl7?; see sopstatus convert --help"),
        ("ledger chek x", "there is no task chek: did you mean check?; see sopstatus ledger --help"),
        ("ledger check x --orignal-age 3",
         "there is no option --orignal-age: did you mean --original-age?; see sopstatus ledger --help"),
        ("show", "the following arguments are required: SOURCE; see sopstatus show --help"),
        ("issue link/untrustd",
         "there is no issue link/untrustd: did you mean link/untrusted?; see sopstatus issue --list"),
    ],
)  # fmt: skip
def test_did_you_mean(given, line, capsys):
    assert told(capsys, *given.split()) == f"error: {line}"


def test_a_file_in_the_place_of_a_command(capsys):
    assert f"sopstatus show {IMAGE}" in told(capsys, IMAGE)


def test_no_option_is_abbreviated(capsys):
    """A script that vouches for a link says so in full."""
    line = told(capsys, "convert", MESSAGE, "--to", "dicom", "--into", IMAGE, "--trusted")
    assert "did you mean --trusted-link?" in line


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ("serve --port 70000", "--port must be a whole number from 0 to 65535, not 70000"),
        ("serve --port -1", "--port must be a whole number from 0 to 65535, not -1"),
        ("serve --port http", "--port must be a whole number from 0 to 65535, not http"),
        ("report x --studies -1", "--studies must be a whole number of at least 0, not -1"),
        ("serve --max-body -1", "--max-body must be a whole number of at least 1, not -1"),
        ("serve --timeout 0", "--timeout must be a whole number of at least 1, not 0"),
        ("gateway --fresh nan", "--fresh must be a number of at least 0, not nan"),
        ("mllp --block-timeout inf", "--block-timeout must be a number of at least 0, not inf"),
        ("scan x -o y --workers 0", "--workers must be a whole number of at least 1, not 0"),
        ("scan x -o y --part-rows 0", "--part-rows must be a whole number of at least 1, not 0"),
        ("ledger check x --original-age -2", "--original-age must be a number of at least 0, not -2"),
        ("spool show x 0", "ID must be a whole number of at least 1, not 0"),
    ],
)  # fmt: skip
def test_numbers_are_bounded_and_named(given, option, capsys):
    assert told(capsys, *given.split()).startswith(f"error: {option}; see sopstatus ")


@pytest.mark.parametrize("option", ["--release R4", "--validate", "--stamp", "--trusted-link"])
def test_an_option_without_meaning_for_the_target(option, capsys, tmp_path):
    given = [MESSAGE, "--to", "hl7", *option.split(), "-o", str(tmp_path / "out")]
    line = told(capsys, "convert", *given)
    assert line.startswith(f"error: {option.split()[0]} has no meaning with --to hl7: ")
    assert not list(tmp_path.iterdir())


# settings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SOPSTATUS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "x.toml").write_text('nam = "x"')
    return tmp_path


def settled(name, *given):
    made = parser(name)
    settle(made, name, COMMANDS)
    return made.parse_args(given)


def test_a_folder_of_tables_in_the_file_or_the_environment(folder, monkeypatch, capsys):
    assert main(["show", IMAGE]) == 0
    monkeypatch.setenv("SOPSTATUS_MAPPINGS", "site")
    assert main(["show", IMAGE]) == 2  # its table is broken
    monkeypatch.delenv("SOPSTATUS_MAPPINGS")
    (folder / "sopstatus.toml").write_text('mappings = ["site"]\n')
    assert main(["show", IMAGE]) == 2
    (folder / "other").mkdir()
    (folder / "other" / "site.toml").write_text('offset = "+0100"')
    capsys.readouterr()
    assert main(["show", IMAGE, "--mappings", "other"]) == 0  # the command line replaces it
    assert main(["convert", IMAGE, "--to", "hl7"]) == 2
    assert 'did you mean "name"?' in capsys.readouterr().err


def test_what_comes_first(folder, monkeypatch):
    (folder / "sopstatus.toml").write_text('port = 1\nlog = "text"\n[serve]\nport = 2\ngrace = 7\n')
    assert settled("gateway", "--upstream", "x", "--on-failure", "open").port == 1
    options = settled("serve")
    assert (options.port, options.grace, options.log) == (2, 7, "text")
    monkeypatch.setenv("SOPSTATUS_PORT", "3")
    assert settled("serve").port == 3
    assert settled("mllp").port == 3  # which has no default
    assert settled("serve", "--port", "4").port == 4
    assert settled("serve", "--port", "2").port == 2
    monkeypatch.setenv("SOPSTATUS_PORT", "tcp://10.0.0.1:8410")  # Kubernetes
    assert settled("serve").port == 2


def valued():
    """Return each option of each command that takes a value."""
    for command in COMMANDS:
        for action in parser(command).everything():
            if action.option_strings and action.nargs != 0:
                yield command, action.option_strings[-1], action.nargs or 1


@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.parametrize("command", sorted({one[0] for one in valued()}))
def test_an_option_is_not_empty(command, value, folder, capsys):
    """Of an unset variable: `--token-file "$TOKENS"` would let everybody in, `--forward-ca` send in clear text."""
    for option, count in sorted(one[1:] for one in valued() if one[0] == command):
        made = parser(command)
        task = [
            name
            for one in made._actions
            if one.nargs == "A..." and isinstance(one.choices, dict)
            for name, of in one.choices.items()
            if option in [name for each in of._actions for name in each.option_strings]
        ][:1]
        line = told(capsys, command, *task, option, *[value] * count)
        assert f"{option} is empty; give a value or leave it out; see sopstatus {command}" in line
        if count == 1:
            assert told(capsys, command, *task, f"{option}={value}") == line


def positional():
    """Return each argument of each command, with its task and those before it."""
    for command in COMMANDS:
        whole = parser(command)
        tasks = {"": whole, **next((a.choices for a in whole._actions if a.nargs == PARSER), {})}
        for task, one in tasks.items():
            before = [task] * bool(task)
            for action in one._actions:
                if not action.option_strings and action.nargs not in (PARSER, REMAINDER):
                    yield command, tuple(before), action.metavar or action.dest
                    before = [*before, str(next(iter(action.choices or "x")))]


@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.parametrize(("command", "before", "name"), list(positional()))
def test_an_argument_is_not_empty(command, before, name, value, folder, capsys):
    """`sopstatus samples "$FOLDER"` would write into the working folder."""
    line = told(capsys, command, *before, value, *["x"] * (command == "diff"))
    assert line.startswith(f"error: {name} is empty; give a value or leave it out; see sopstatus ")
    assert [one.name for one in folder.iterdir()] == ["site"]


def test_a_setting_is_not_empty(folder, monkeypatch, capsys):
    """A variable that is empty is not given; in the file somebody wrote it."""
    for text in ('host = ""', 'mappings = ""', 'mappings = ["site", ""]', 'log = " "'):
        (folder / "sopstatus.toml").write_text(text)
        line = f"sopstatus.toml: {text.split()[0]} is empty; give a value or leave it out"
        assert told(capsys, "serve", "--port", "0") == f"error: {line}"
    (folder / "sopstatus.toml").write_text("mappings = []")
    line = "error: sopstatus.toml: mappings must be a folder or a list of folders"
    assert told(capsys, "serve", "--port", "0") == line
    (folder / "sopstatus.toml").unlink()
    monkeypatch.setenv(
        "SOPSTATUS_MAPPINGS", f"site{os.pathsep}"
    )  # the empty one is the working folder
    line = "SOPSTATUS_MAPPINGS is empty; give a value or leave it out"
    assert told(capsys, "serve", "--port", "0") == f"error: {line}"
    monkeypatch.setenv("SOPSTATUS_MAPPINGS", "")
    monkeypatch.setenv("SOPSTATUS_HOST", "")
    assert (settled("serve").mappings, settled("serve").host) == ([], "127.0.0.1")


TRUST = [
    "--trusted-link",
    "--conforming-peers",
    "--token-file",
    "--allowed-host",
    "--tls-client-ca",
]


@pytest.mark.parametrize("option", TRUST)
def test_trust_is_not_a_setting(option, folder, monkeypatch, capsys):
    name = option.removeprefix("--")
    (folder / "sopstatus.toml").write_text(f'[serve]\n{name} = "x"\n')
    line = told(capsys, "serve", "--port", "0")
    assert line == (
        f"error: sopstatus.toml: [serve]: {name} is not read: pass {option} on the command line"
    )
    (folder / "sopstatus.toml").unlink()
    variable = f"SOPSTATUS_{name.upper().replace('-', '_')}"
    monkeypatch.setenv(variable, "1")
    line = told(capsys, "serve", "--port", "0")
    assert line == f"error: {variable} is not read: pass {option} on the command line"


def test_nothing_that_decides_on_trust_is_a_setting():
    words = ("trust", "token", "conforming", "allowed", "local", "tls", "held", "policy", "audit")
    assert not [name for name in SETTINGS if any(word in name for word in words)]
    assert not SETTINGS & {"source", "forward", "upstream", "archive", "spool", "on-failure"}


def of_settings():
    """Return each setting of each command, with its option."""
    for command in COMMANDS:
        for action in parser(command).everything():
            for name in {one.removeprefix("--") for one in action.option_strings} & SETTINGS:
                yield command, name, action


@pytest.mark.parametrize(("command", "name"), sorted({one[:2] for one in of_settings()}))
def test_each_row_of_the_table_is_read_from_the_environment_and_the_file(
    command, name, folder, monkeypatch
):
    text = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text()
    rows = [
        [cell.strip() for cell in row.split(" | ")]
        for row in text.partition("\n## Settings\n")[2].splitlines()
    ]
    (variable,) = [r[1][1:-1] for r in rows if r[0] == f"| `{name}`" and f"`{command}`" in r[2]]
    (action,) = [one for found, other, one in of_settings() if (found, other) == (command, name)][
        :1
    ]
    value = (
        "site"
        if name == "mappings"
        else "::1"
        if name == "host"
        else (*(action.choices or ()), "3")[0]
    )

    def found():
        made = parser(command)
        settle(made, command, COMMANDS)
        return [one.default for one in made.everything() if f"--{name}" in one.option_strings]

    before = found()
    monkeypatch.setenv(variable, value)
    settled = found()
    monkeypatch.delenv(variable)
    assert settled != before or str(before[0]) == value
    for line in (f"{name} = {json.dumps(value)}", f"[{command}]\n{name} = {json.dumps(value)}"):
        (folder / "sopstatus.toml").write_text(f"{line}\n")
        assert found() == settled


def test_the_table_has_all_settings_and_every_bound_of_a_service_is_one():
    assert {name for _, name, _ in of_settings()} == SETTINGS
    for command in ("mllp", "serve", "gateway"):
        for action in parser(command).everything():
            if getattr(action.type, "__name__", "") == "number":
                assert action.option_strings[0].removeprefix("--") in SETTINGS


@pytest.mark.parametrize("name", ["port", "metrics-port"])
def test_a_variable_of_kubernetes_is_no_port(name, folder, monkeypatch):
    monkeypatch.setenv(f"SOPSTATUS_{name.upper().replace('-', '_')}", "tcp://10.0.0.1:9410")
    options = settled("mllp", "--port", "1")
    assert (options.port, options.metrics_port) == (1, None)


def test_a_misspelt_variable_is_told(folder, monkeypatch, capsys):
    """A warning, and no refusal: others may use the prefix, and Kubernetes does."""
    monkeypatch.setenv("SOPSTATUS_MAX_BODDY", "9")
    monkeypatch.setenv("SOPSTATUS_LOGLEVEL", "debug")
    others = ("IMAGES", "ENVIRONMENT", "VERSION", "HOME", "SERVICE_HOST", "SERVICE_PORT",
              "METRICS_SERVICE_PORT", "PORT_8410_TCP_PROTO", "PORT_8410_TCP_ADDR")  # fmt: skip
    for name in others:
        monkeypatch.setenv(f"SOPSTATUS_{name}", "1")
    monkeypatch.setenv("SOPSTATUS_PORTS_PORT", "tcp://10.0.0.1:9410")
    assert main(["show", IMAGE]) == 0
    assert [line for line in capsys.readouterr().err.splitlines() if "SOPSTATUS_" in line] == [
        "warning: SOPSTATUS_LOGLEVEL is not read: did you mean SOPSTATUS_LOG_LEVEL?",
        "warning: SOPSTATUS_MAX_BODDY is not read: did you mean SOPSTATUS_MAX_BODY?",
    ]
    assert main(["show", IMAGE, "--quiet"]) == 0
    assert main(["show", IMAGE, "--issues", "json"]) == 0
    assert "SOPSTATUS_" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "key", ['on-held = "demote"', 'link-policy = "preserve"', '\ufeffon-held = "demote"']
)
def test_a_folder_that_decides_on_trust_is_named_on_the_command_line(key, folder, capsys):
    (folder / "other").mkdir()
    (folder / "other" / "site.toml").write_text(f"{key}\n", "utf-8")
    (folder / "sopstatus.toml").write_text('mappings = "other"\n')
    assert "name the folder on the command line, with --mappings other" in told(
        capsys, "show", IMAGE
    )
    assert main(["show", IMAGE, "--mappings", "other"]) == 0


def test_nor_does_it_when_its_tables_are_loaded_again(folder):
    (folder / "other").mkdir()
    (folder / "other" / "site.toml").write_text('offset = "+0100"\n')
    (folder / "sopstatus.toml").write_text('mappings = "other"\n')
    options = settled("serve")
    load_tables(*options.mappings)
    (folder / "other" / "site.toml").write_text('on-held = "demote"\n')
    with pytest.raises(TableError, match="decides on trust"):
        load_tables(*options.mappings)
    assert load_tables(*settled("serve", "--mappings", "other").mappings).site.on_held == "demote"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("port = 70000", "port must be a whole number from 0 to 65535, not 70000"),
        ('log = "loud"', "log must be one of json, text, not loud"),
        ("prot = 1", "there is no setting prot: did you mean port?"),
        ("[sreve]\nport = 1", "there is no command sreve: did you mean serve?"),
        ("[serve]\nprot = 1", "serve has no option --prot: did you mean port?"),
        ("mappings = 3", "mappings must be a folder or a list of folders"),
        ("port = ", "Invalid value (at end of document)"),
    ],
)
def test_a_fault_in_the_file(text, line, folder, capsys):
    (folder / "sopstatus.toml").write_text(text)
    assert told(capsys, "serve", "--port", "0") == f"error: sopstatus.toml: {line}"


# the keyboard and the terminal


def test_an_interrupt_is_one_line(tmp_path):
    """While it waits for its input; ``python -m`` is what a process group's Ctrl-C reaches."""
    script = (
        "import sys, os, signal, threading\n"
        "from sopstatus.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background ignores it
        "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "sys.exit(main(['show', '-']))"
    )
    done = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert done.wait(60) == 130
        assert done.stderr.read() == b"interrupted\n"
    finally:
        done.kill()
        done.stdin.close()
        done.stderr.close()


def test_quiet_and_verbose(tmp_path, capsys):
    given = ["convert", MESSAGE, "--to", "dicom", "--into", IMAGE, "-o", str(tmp_path / "out.dcm")]
    bare = str(FOLDER / "absent" / "image.dcm")
    given[5] = bare
    source = tmp_path / "message.hl7"
    source.write_bytes(
        b"MSH|^~\\&|A|||||||1|P|2.5.1\rZDS|1.2.3|||1.2.3.4|XX^^L\rZDS|1.2.3|||1.2.3.5|AO^^L\r"
    )
    main(["show", str(source)])
    plain = capsys.readouterr().err.splitlines()
    assert {line.split()[0] for line in plain} == {"error", "warning"}
    main(["show", str(source), "-q"])
    assert {line.split()[0] for line in capsys.readouterr().err.splitlines()} == {"error"}
    main(["show", str(source), "--verbose"])
    lines = capsys.readouterr().err.splitlines()
    for line, cause in zip(lines[::2], lines[1::2], strict=True):
        assert line in plain
        assert cause == f"  cause: {catalogue()[line.split()[1]].cause}"


# issues


def test_every_code_is_explained_from_the_wheel(capsys):
    assert main(["issue", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == list(catalogue())
    for code, entry in listed.items():
        assert entry["prints"].split()[:2] == [entry["severity"], code]
        assert entry["sample"] and entry["cause"] and entry["remedy"]
        assert not re.search(r"\{[a-z]", entry["remedy"])  # no placeholder reaches a person
    assert main(["issue", "link/untrusted"]) == 0
    out = capsys.readouterr().out
    for label in ("cause", "remedy", "source", "sample", "prints"):
        assert f"\n{label}:" in out
    assert main(["issue", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(catalogue())
    assert main(["issue"]) == 2


# completion


def completed(capsys, *words):
    assert main(["completion", "words", *words]) == 0
    return capsys.readouterr().out.split()


def test_what_completes(capsys):
    assert completed(capsys, "") == [*COMMANDS, "help"]
    assert completed(capsys, "s") == [name for name in COMMANDS if name[0] == "s"]
    assert completed(capsys, "convert", "--to", "hl") == ["hl7", "hl7-xml"]
    assert completed(capsys, "convert", "--tr") == ["--trusted-link"]
    assert completed(capsys, "ledger", "") == ["add", "check", "show"]
    assert completed(capsys, "ledger", "check", "--orig") == ["--original-age"]
    assert completed(capsys, "convert", "--into", "") == []  # a file
    assert completed(capsys, "show", "") == []
    assert completed(capsys, "completion", "b") == ["bash"]


def test_completion_in_bash(tmp_path):
    bash = shutil.which("bash")
    place = tmp_path / "bin"
    place.mkdir()
    (place / "sopstatus").symlink_to(Path(sys.executable).with_name("sopstatus"))
    script = (
        'eval "$(sopstatus completion bash)"\n'
        "COMP_WORDS=(sopstatus convert --to f); COMP_CWORD=3; _sopstatus\n"
        'echo "${COMPREPLY[@]}"\n'
        "COMP_WORDS=(sopstatus show ima); COMP_CWORD=2; _sopstatus\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    (tmp_path / "image.dcm").touch()
    done = subprocess.run(
        [bash, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{place}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["fhir", "image.dcm"]


@pytest.fixture
def shell(tmp_path):
    """A folder with one file, and an environment whose shells find the command and nothing of the user's."""
    place = tmp_path / "bin"
    place.mkdir()
    (place / "sopstatus").symlink_to(Path(sys.executable).with_name("sopstatus"))
    (tmp_path / "image.dcm").touch()
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "ZDOTDIR": str(tmp_path)}
    path = f"{place}:{os.environ['PATH']}"
    return tmp_path, {**os.environ, **home, "PATH": path, "TERM": "dumb"}


TYPED = {
    "sopstatus conv": "sopstatus convert",
    "sopstatus convert --to f": "sopstatus convert --to fhir",
    "sopstatus convert --trusted": "sopstatus convert --trusted-link",
    "sopstatus ledger ch": "sopstatus ledger check",
    "sopstatus show ima": "sopstatus show image.dcm",
}


def test_completion_in_fish(shell):
    fish = need("fish", "fish")
    folder, environment = shell
    asked = "; ".join(f"complete -C '{typed}'; echo =" for typed in TYPED)
    done = subprocess.run(
        [fish, "--no-config", "-c", f"sopstatus completion fish | source; {asked}"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    offered = [one.split() for one in done.stdout.split("=")[:-1]]
    assert offered == [[whole.split()[-1]] for whole in TYPED.values()]


def test_completion_in_zsh(shell):
    """Typed at a terminal, with the key that completes; another key writes what then stands there."""
    zsh = need("zsh", "zsh")
    folder, environment = shell
    (folder / ".zshrc").write_text(
        "autoload -U compinit && compinit -u -D\n"
        'eval "$(sopstatus completion zsh)"\n'
        'wrote() { print -r -- "$BUFFER" >> typed; BUFFER=; }\n'
        "zle -N wrote; bindkey '^X' wrote; bindkey '^I' complete-word; print ready\n"
    )
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [zsh, "-i"], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        said = b""
        while b"ready" not in said:
            said += os.read(ours, 4096)
        drained = threading.Thread(target=_drained, args=(ours,), daemon=True)
        drained.start()
        typed = folder / "typed"
        for number, words in enumerate(TYPED, 1):
            os.write(ours, f"{words}\t\x18".encode())
            until = time.monotonic() + 60
            while not typed.exists() or typed.read_text().count("\n") < number:
                assert time.monotonic() < until, said
                time.sleep(0.05)
        process.kill()
    os.close(ours)
    assert [line.strip() for line in typed.read_text().splitlines()] == list(TYPED.values())


def _drained(terminal):
    with contextlib.suppress(OSError):
        while os.read(terminal, 4096):
            pass


def test_the_page_has_every_exit_code():
    page = (FOLDER.parent / "docs" / "command-line.md").read_text()
    for number in (0, 1, 2, 3, 4, 130):
        assert f"\n| {number} |" in page
