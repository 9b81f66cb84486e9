"""A Slack on loopback: takes what is posted to its webhook or through its API, and keeps it."""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_TOKEN = "xoxb-demo"  # noqa: S105 - the token of a Slack that lives for one demo


class LoopbackSlack:
    """``webhook`` is the URL to post to, ``bot`` the secret of a bot; ``messages`` is what was posted, in order.

    A bot's message has ``ts``, an answer in a thread ``thread_ts``, and one that was updated ``updates``: the texts
    and blocks that it had before, oldest first.
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.startswith("/api/"):
                    known = self.headers["Authorization"] == f"Bearer {_TOKEN}"
                    method = self.path.removeprefix("/api/")
                    answer = json.dumps(slack.call(method, body) if known else _refused("invalid_auth"))
                else:
                    slack.messages.append(body)
                    answer = "ok"
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
                """Say nothing: the demo prints the messages itself."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.webhook = f"{url}/services/T0/B0/demo"
        self.bot = json.dumps({"bot-token": _TOKEN, "channel": "#alerts", "api-url": f"{url}/api/"})

    def call(self, method: str, said: dict[str, Any]) -> dict[str, Any]:
        """Do what a bot asks for, and answer as Slack does."""
        with self._lock:
            by_ts = {message["ts"]: message for message in self.messages if "ts" in message}
            if method == "chat.postMessage":
                message = {**said, "ts": f"1790000000.{len(self.messages):06}"}
                if message.get("thread_ts", message["ts"]) not in {*by_ts, message["ts"]}:
                    return _refused("thread_not_found")
                self.messages.append(message)
            elif method == "chat.update":
                if said["channel"] != "C0DEMO" or said["ts"] not in by_ts:
                    return _refused("message_not_found")
                message = by_ts[said["ts"]]
                before = {part: message[part] for part in ("text", "blocks")}
                message.update(text=said["text"], blocks=said["blocks"], updates=[*message.get("updates", []), before])
            else:
                return _refused("unknown_method")
            return {"ok": True, "channel": "C0DEMO", "ts": message["ts"], "message": message}


def _refused(code: str) -> dict[str, Any]:
    return {"ok": False, "error": code}


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
    """A posted message as lines to read, as Slack shows them: the text of each part, in order."""
    parts = [part for block in message["blocks"] for part in block.get("elements", [block.get("text")])]
    return html.unescape("\n".join(part["text"] for part in parts))
