"""A receiver on a real socket that does what a test wants: answer well, badly, late or not at all."""

import contextlib
import socket
import struct
import threading

from sopstatus.engines.mllp.frame import Framer, frame

RESET, SILENT, CLOSE = "reset", "silent", "close"


def ack(message, code="AA", control_id=None):
    """Return an acknowledgment as any engine writes one."""
    fields = message.split(b"\r")[0].split(b"|")
    own = fields[9] if control_id is None else control_id
    return b"MSH|^~\\&|PACS|A|RIS|H|2024||ACK|1|P|2.5\rMSA|%b|%b\r" % (code.encode(), own)


class Receiver:
    """Listens on a port, notes what comes, and answers as ``behave(number, message)`` says.

    ``number`` counts messages from 0. The answer is bytes, a list of bytes, or one of `RESET`,
    `SILENT` and `CLOSE`.
    """

    def __init__(self, behave=lambda number, message: ack(message), port=0):
        self.behave, self.received = behave, []
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = self._server.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._came = threading.Condition()
        self._open = set()
        self._closed = False
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closed = True
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def ids(self):
        """Return MSH-10 of what came, in order."""
        with self._came:
            return [m.split(b"\r")[0].split(b"|")[9].decode() for m in self.received]

    def wait(self, count, timeout=30):
        """Wait until so many messages have come."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.received) >= count, timeout), self.received
        return self.ids()

    def _listen(self):
        while not self._closed:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        framer = Framer()
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                for block in framer.feed(data):
                    with self._came:
                        number = len(self.received)
                        self.received.append(block.data)
                        self._came.notify_all()
                    answer = self.behave(number, block.data)
                    if answer == RESET:
                        linger = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        return
                    if answer == CLOSE:
                        return
                    if answer != SILENT:
                        for part in answer if isinstance(answer, list) else [answer]:
                            connection.sendall(frame(part) if part.startswith(b"MSH") else part)
        self._open.discard(connection)
