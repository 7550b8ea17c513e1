"""S3 on this machine: moto, an implementation that others wrote, behind a counter of requests.

``far`` seconds are waited before each answer, as a round trip would take.
"""

import contextlib
import logging
import os
import threading
import time
from collections import Counter

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "synthetic",
    "AWS_SECRET_ACCESS_KEY": "synthetic",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Endpoint:
    """``asked`` lists method, path and Range of each request; ``together`` wait for each other."""

    def __init__(self):
        self.app = DomainDispatcherApplication(create_backend_app)
        self.asked, self.far, self.sent = [], 0.0, 0
        self.together, self.only = None, ""

    def __call__(self, environ, start_response):
        path = environ.get("REQUEST_URI", environ["PATH_INFO"])
        self.asked.append((environ["REQUEST_METHOD"], path, environ.get("HTTP_RANGE", "")))
        got = environ["REQUEST_METHOD"] == "GET" and "list-type" not in path
        if self.together and got and path.startswith(self.only):
            self.together.wait(30)
        if self.far:
            time.sleep(self.far)
        body = b"".join(self.app(environ, start_response))
        self.sent += len(body)
        return [body]

    def counts(self):
        """Return how many requests of each kind came."""
        kind = {"GET": "GET", "HEAD": "HEAD", "PUT": "PUT"}
        return Counter(
            "LIST" if "list-type" in path else kind.get(method, method)
            for method, path, _ in self.asked
        )

    def forget(self):
        self.asked.clear()
        self.sent = 0


@contextlib.contextmanager
def endpoint():
    """Run the server; its address and credentials are in the environment meanwhile."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    app = Endpoint()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    app.url = f"http://127.0.0.1:{server.server_port}"
    before = dict(os.environ)
    os.environ.update(CREDENTIALS, AWS_ENDPOINT_URL=app.url)
    from sopstatus.archive import stores

    stores._s3.cache_clear()
    try:
        app.client = boto3.client("s3")
        yield app
    finally:
        os.environ.clear()
        os.environ.update(before)
        stores._s3.cache_clear()
        server.shutdown()
        thread.join()
