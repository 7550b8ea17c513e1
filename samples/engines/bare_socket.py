"""A bare socket: a message until the caller closes its half, then a FHIR resource, and the end.

``python bare_socket.py 2576`` listens on this machine. `sopstatus serve` does all that is left out here.
"""

import socketserver
import sys

from sopstatus import DocumentError, transformer
from sopstatus.documents import content
from sopstatus.outcome import operation_outcome
from sopstatus.transform import says_nothing

CARRY = transformer("hl7", "fhir")  # threads may share it
LIMIT, SECONDS = 1 << 20, 10


class Caller(socketserver.StreamRequestHandler):
    timeout = SECONDS

    def handle(self):
        try:
            message = self.rfile.read(LIMIT + 1)
            if len(message) > LIMIT:
                return
            result = CARRY(message)
            nothing = says_nothing(result.issues)  # an ADT message, for instance
            resource = operation_outcome(result.issues) if nothing else result.value
        except TimeoutError:
            return
        except DocumentError as error:
            resource = operation_outcome(error.issues)
        self.wfile.write(content.dump_json(resource))


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Caller) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
