"""A FHIR server on a real socket, as far as a sender sees one: it takes resources, or refuses them."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextlib.contextmanager
def fhir_server(behave=lambda number, body: 201, port=0, tls=None):
    """Run a server that answers with the status that ``behave(number, body)`` returns.

    What came stands in ``received``: path, media type and body; in ``tokens`` what was shown.
    """
    received, tokens = [], []

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            tokens.append(self.headers.get("Authorization", ""))
            received.append((self.path, self.headers["Content-Type"], body))
            status = server.behave(len(received) - 1, body)
            said = {"resourceType": "OperationOutcome", "issue": []}
            answer = body if status < 300 else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST  # noqa: N815

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Asked) as server:
        server.behave, server.received, server.tokens = behave, received, tokens
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.port = server.server_address[1]
        server.url = f"http{'s' * bool(tls)}://127.0.0.1:{server.port}/fhir"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
