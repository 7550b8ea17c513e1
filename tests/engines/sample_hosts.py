"""The files of samples/engines as modules, on as little of their hosts as they need.

``nifiapi`` ships with NiFi alone and ``iris`` with IRIS alone: both are stubbed here, no more than the
calls that a sample makes. intersystems_pyprod itself is the real one.
"""

import contextlib
import importlib.util
import socket
import subprocess
import sys
import types
from unittest import mock

from samples_of import FOLDER

PLACE = FOLDER / "engines"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, PLACE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pyprod looks there
    spec.loader.exec_module(module)
    return module


class Result:
    def __init__(self, relationship, attributes=None, contents=None):
        self.relationship, self.attributes, self.contents = relationship, attributes, contents


class FlowFile:
    def __init__(self, contents):
        self.getContentsAsBytes = lambda: contents


@contextlib.contextmanager
def nifi():
    """Give the processor of the sample for NiFi."""
    stub = types.ModuleType("nifiapi.flowfiletransform")
    stub.FlowFileTransform, stub.FlowFileTransformResult = object, Result
    modules = {"nifiapi": types.ModuleType("nifiapi"), "nifiapi.flowfiletransform": stub}
    with mock.patch.dict(sys.modules, modules):
        yield loaded("nifi_flowfile_transform").SopStatusToFhir(jvm=None)


@contextlib.contextmanager
def intersystems():
    """Give the business process of the sample for IRIS, and the list of what it logs."""
    logged = []
    response = types.SimpleNamespace(_New=types.SimpleNamespace)
    log = types.SimpleNamespace(LogInfo=lambda *told: logged.append(told))
    iris = types.ModuleType("iris")
    iris.Ens = types.SimpleNamespace(StringResponse=response, Util=types.SimpleNamespace(Log=log))
    iris.system = types.SimpleNamespace(
        Status=types.SimpleNamespace(Error=lambda code, text: f"0 {code} {text}")
    )
    with mock.patch.dict(sys.modules, {"iris": iris}):
        yield loaded("intersystems_on_request").HL7ToFHIR(None), logged


@contextlib.contextmanager
def bare_socket():
    """Run the sample of a bare socket, and give what sends it bytes and returns its answer."""

    def ask(message):
        answer = b""
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as sock,
            contextlib.suppress(OSError),  # it does not read what is too long
        ):
            sock.sendall(message)
            sock.shutdown(socket.SHUT_WR)
            while piece := sock.recv(65536):
                answer += piece
        return answer

    command = [sys.executable, str(PLACE / "bare_socket.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        port = int(process.stdout.readline())
        try:
            yield ask
        finally:
            process.terminate()
