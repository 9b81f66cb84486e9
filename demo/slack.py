"""A Slack on loopback: takes what is posted to its webhook, and keeps it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackSlack:
    """``webhook`` is the URL to post to, ``messages`` what was posted."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                messages.append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
                """Say nothing: the demo prints the messages itself."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.webhook = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/demo"


@contextmanager
def loopback_slack() -> Iterator[LoopbackSlack]:
    """A Slack that is there until the block ends."""
    slack = LoopbackSlack()
    threading.Thread(target=slack.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield slack
    finally:
        slack.server.shutdown()
        slack.server.server_close()


def shown(message: dict[str, Any]) -> str:
    """A posted message as lines to read: the text of each header, section, and context, in order."""
    parts = [part for block in message["blocks"] for part in block.get("elements", [block.get("text")])]
    return "\n".join(part["text"] for part in parts)
