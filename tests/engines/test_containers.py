"""The container and the compose files, step by step as a script: no engine is at hand.

What each step says is run as it stands, with folders below one of the test's in place of the image's: the
build context through ``.dockerignore``, COPY, RUN, ENTRYPOINT, HEALTHCHECK. Read and not run: FROM (this Python
instead), USER, volumes and what compose drops of a process.
"""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
import yaml
from samples_of import FOLDER

from engines import orthanc_running
from engines.destination import Receiver
from engines.fhir_server import fhir_server
from engines.gateway.fhir_stub import stub
from engines.orthanc_running import SCRIPT, free_port
from engines.running import Client, code, message
from engines.test_trust import wait_for
from tools import missing

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "samples" / "operations"
TOKEN = "correct-horse-battery-staple"


def context(place):
    """Copy what ``.dockerignore`` lets an engine see of the checkout."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and line[0] != "#"]
    assert rules[0] == "*"
    for name in (rule[1:] for rule in rules if rule[0] == "!"):
        source, target = ROOT / name, place / name
        if source.is_dir():
            kept = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, target, ignore=kept)
        else:
            shutil.copy(source, target)
    for name in (rule for rule in rules[1:] if rule[0] != "!"):
        shutil.rmtree(place / name)


class Image:
    """The stages of a Containerfile, each an environment and a folder that stands for the image's root."""

    def __init__(self, place, text):
        self.place, self.said = place, {}
        for line in re.sub(r"\\\n\s*", "", text).splitlines():
            if line.strip() and line.strip()[0] != "#":
                self._step(*line.strip().split(" ", 1))

    def _step(self, step, rest):
        self.said[step] = rest
        if step == "FROM":
            self.name = rest.rpartition(" AS ")[2] if " AS " in rest else "last"
            self.root.mkdir()
            subprocess.run([sys.executable, "-m", "venv", self.root / "venv"], check=True)
        elif step == "COPY":
            *options, source, target = rest.split()
            if options:
                shutil.copytree(
                    self.place / options[0].partition("=")[2] / source[1:], self.root / target[1:]
                )
            elif source == ".":
                (self.root / target[1:]).mkdir()
                context(self.root / target[1:])
            else:
                (self.root / target[1:]).parent.mkdir(parents=True)
                shutil.copy(ROOT / source, self.root / target[1:])
        elif step == "RUN":
            self.run(["sh", "-ec", rest], check=True)

    @property
    def root(self):
        return self.place / self.name

    def here(self, text):
        """Return some words of a command with our folders."""
        return re.sub(r"(?<![\w./-])/(src|wheels|var|run|images)\b", rf"{self.root}/\1", text)

    def run(self, words, **more):
        return subprocess.run(list(map(self.here, words)), env=self.environment, **more)  # noqa: PLW1510

    @property
    def environment(self):
        return {**os.environ, "PATH": f"{self.root / 'venv' / 'bin'}:{os.environ['PATH']}"}

    @contextmanager
    def started(self, words):
        """Run the entry point with these words in the image's folder, until the block ends."""
        words = [*yaml.safe_load(self.said["ENTRYPOINT"]), *map(self.here, words)]
        with subprocess.Popen(
            words,
            env=self.environment,
            cwd=self.here(self.said["WORKDIR"]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                line = process.stdout.readline()
                assert line, process.stderr.read().decode()
                yield
            finally:
                process.terminate()
                assert process.wait(30) == 0

    def healthy(self, words):
        return self.run(words, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if os.geteuid() != 0:
        missing("an owner of its own for a folder", "", "run as root, who may give one away")
    return Image(tmp_path_factory.mktemp("image"), (OPERATIONS / "Containerfile").read_text())


@pytest.fixture
def keys(image):
    """The secrets that the compose files name, where they are in the image."""
    ca, place = trustme.CA(), image.root / "run" / "secrets"
    place.mkdir(parents=True, exist_ok=True)
    made = ca.issue_cert("localhost", "127.0.0.1")
    made.private_key_and_cert_chain_pem.write_to_path(place / "own")
    ca.cert_pem.write_to_path(place / "ca")
    (place / "tokens").write_text(f"{TOKEN}\n")
    tls = ssl.create_default_context(cadata=ca.cert_pem.bytes().decode())
    made.configure_cert(tls)
    return tls


def ports(words, found):
    """Return words with free ports in place of those that they name; ``found`` keeps them."""
    for number in ("9410", "2575", "8412"):
        port = str(found.setdefault(number, free_port()))
        words = [
            re.sub(rf"(?<![\w.])(port=|127\.0\.0\.1:|^){number}\b", rf"\g<1>{port}", w)
            for w in words
        ]
    return words


def test_the_container(image):
    """It holds the package, not the checkout; it starts, and its health check sees that."""
    assert image.said["USER"] not in ("root", "0")
    assert image.said["FROM"].split(":")[1].endswith("-slim")
    assert sorted(path.name for path in image.root.iterdir()) == ["var", "venv"]
    folder = image.root / "var" / "lib" / "sopstatus"
    owner, _, group = image.said["USER"].partition(":")
    assert (str(folder.stat().st_uid), str(folder.stat().st_gid)) == (owner, group)
    assert folder.stat().st_mode & 0o777 == 0o700
    found = {}
    words = ports(yaml.safe_load(image.said["CMD"]), found)
    check = ports(yaml.safe_load(image.said["HEALTHCHECK"].partition("CMD ")[2]), found)
    assert not image.healthy(check)
    with image.started(words):
        wait_for(lambda: image.healthy(check))
    assert not image.healthy(check)


def test_nothing_secret_is_in_the_context(tmp_path):
    context(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "LICENSE", "README.md", "pyproject.toml", "setup.py", "plugin", "mappings", "samples"}  # fmt: skip
    assert not (tmp_path / "samples" / "operations").exists()  # below it ./secrets are


def composed(name):
    """Return a compose file; each secret and volume that a service names is declared."""
    made = yaml.safe_load((OPERATIONS / f"compose-{name}.yml").read_text())
    secrets, volumes = set(), set()
    for service in made["services"].values():
        secrets |= set(service.get("secrets", ()))
        volumes |= {v.split(":")[0] for v in service.get("volumes", ()) if v[0] != "."}
        assert set(service.get("depends_on", ())) <= set(made["services"])
    assert secrets == set(made["secrets"]) and volumes == set(made["volumes"])
    assert all(one["file"].startswith("./secrets/") for one in made["secrets"].values())
    return made["services"]


def build_is_ours(service):
    build = service["build"]
    assert (OPERATIONS / build["context"]).resolve() == ROOT
    return build.get("dockerfile", "") == "samples/operations/Containerfile"


def test_compose_mllp(image, keys):
    service, found = composed("mllp")["mllp"], {}
    assert build_is_ours(service)
    shutil.copytree(FOLDER / "authorized-original", image.root / "images")
    with Receiver() as ris:
        words = [w.replace("RIS.EXAMPLE:2575", ris.address) for w in service["command"]]
        words = ports(words, found)
        assert f"--forward={ris.address}" in words
        check = yaml.safe_load(image.said["HEALTHCHECK"].partition("CMD ")[2])
        with image.started(words):
            wait_for(lambda: image.healthy(ports(check, found)))
            wrap = lambda plain: keys.wrap_socket(plain, server_hostname="localhost")  # noqa: E731
            with Client(found["2575"], wrap=wrap) as client:
                assert code(client.ask(message("1"))) == "AA"
            assert ris.wait(1) == ["1"]


def test_compose_gateway(image, keys):
    services, found = composed("gateway"), {}
    service = services["gateway"]
    assert build_is_ours(service)
    with stub() as server:
        words = [w.replace("http://fhir:8080/fhir", server.url) for w in service["command"]]
        assert f"--upstream={server.url}" in words
        kind, *check = service["healthcheck"]["test"]
        assert kind == "CMD"
        with image.started(ports(words, found)):
            wait_for(lambda: image.healthy(ports(check, found)))
            url = f"https://localhost:{found['8412']}/ImagingStudy/none"
            bearer = {"authorization": f"Bearer {TOKEN}"}
            asked = [httpx.get(url, verify=keys, headers=h, trust_env=False) for h in ({}, bearer)]
            assert [answer.status_code for answer in asked] == [401, 404]
        assert not image.healthy(ports(check, found))


def test_compose_orthanc(tmp_path):
    """Its image's steps, and the plugin of that environment in an Orthanc with these settings."""
    (service,) = composed("orthanc").values()
    build_is_ours(service)
    image = Image(tmp_path, service["build"]["dockerfile_inline"])
    assert service["environment"]["ORTHANC__PYTHON_SCRIPT"] in image.said["COPY"]
    assert (image.root / "etc" / "orthanc" / SCRIPT.name).read_bytes() == SCRIPT.read_bytes()
    assert not (image.root / "src").exists()
    ours = json.loads(service["environment"]["ORTHANC_JSON"])["SopStatus"]
    port = ours["MetricsPort"] = free_port()
    to, token = ours.pop("Destinations"), tmp_path / "token"
    assert ours.pop("Folder").startswith(service["volumes"][0].partition(":")[2])
    token.write_text(f"{TOKEN}\n")
    with ExitStack() as stack:
        ris, emr = stack.enter_context(Receiver()), stack.enter_context(fhir_server())
        assert (to["ris"]["MLLP"], to["emr"]["FHIR"]) == (
            "RIS.EXAMPLE:2575",
            "https://EMR.EXAMPLE/fhir",
        )
        to["ris"]["MLLP"], to["emr"]["FHIR"], to["emr"]["TokenFile"] = (
            ris.address,
            emr.url,
            str(token),
        )
        where = tmp_path / "orthanc"
        where.mkdir()
        prefix = str(image.root / "venv")
        running = stack.enter_context(orthanc_running.orthanc(where, to, ours=ours, prefix=prefix))
        running.rest((FOLDER / "authorized-original" / "image.dcm").read_bytes())
        ris.wait(1)
        wait_for(lambda: emr.tokens == [f"Bearer {TOKEN}"])
        ready = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False)
        assert ready.status_code == 200
