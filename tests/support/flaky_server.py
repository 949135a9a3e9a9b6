"""An HTTP server on 127.0.0.1 that serves one file well or badly."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time


class FlakyServer(http.server.ThreadingHTTPServer):
    """Serves `payload` at every path; `plan` holds what to do with the next requests, then all is well.

    Plans: "ok", "cut:N" (close after N bytes), "stall:N" (send N bytes, then nothing), "wrong" (other bytes),
    "whole" (ignore ranges), "404", "503".
    """

    daemon_threads = True

    def __init__(self, payload: bytes, plan=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.payload, self.plan, self.requests = payload, list(plan), []
        self.release = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights.h5"

    def handle_error(self, request, client_address):
        """Clients that hang up are what is tested."""


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Nothing."""

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append(asked)
        step = server.plan.pop(0) if server.plan else "ok"
        if step in ("404", "503"):
            self.send_error(int(step))
            return
        body = server.payload if step != "wrong" else bytes(len(server.payload))
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and step != "whole" else 0
        if first >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(body) - first))
        self.end_headers()
        kind, _, count = step.partition(":")
        self.wfile.write(body[first : first + int(count)] if count else body[first:])
        self.wfile.flush()
        if kind == "stall":
            server.release.wait(30)
        if kind == "slow":
            time.sleep(0.1)
        self.close_connection = True


@contextlib.contextmanager
def flaky(payload: bytes, *plan: str):
    server = FlakyServer(payload, plan)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
