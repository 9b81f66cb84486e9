"""A Slack on loopback that has its troubles: its webhook answers as it is told, and watchers see every post."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Trouble = Literal["rate-limited", "500", "rubbish", "hangs", "hangs-up", "no-such-hook"]

_ANSWERS: dict[Trouble, tuple[int, dict[str, str], bytes]] = {
    "rate-limited": (429, {"Retry-After": "3600"}, b"rate_limited"),
    "500": (500, {}, b"server_error"),
    "rubbish": (200, {"Content-Type": "text/html"}, b"<html>\x00\xff sign in to the proxy"),
    "no-such-hook": (404, {}, b"no_service"),
}
_HANG_SECONDS = 30


class TroubledSlack:
    """``posts`` are the bodies that it took, ``trouble`` is how it refuses, and ``watchers`` see each post.

    A watcher gets the moment, before or after Slack took the post, and the body; it returns whether the poster is dead.
    """

    def __init__(self) -> None:
        self.posts: list[str] = []
        self.asked = 0
        self.trouble: Trouble | None = None
        self.watchers: list[Callable[[Literal["before", "after"], str], bool]] = []
        self.closing = threading.Event()
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                slack.asked += 1
                if slack.trouble == "hangs":
                    slack.closing.wait(_HANG_SECONDS)
                verdicts = [see("before", body) for see in slack.watchers]
                if slack.trouble in {"hangs", "hangs-up"} or any(verdicts):
                    self.close_connection = True
                    return
                status, headers, said = _ANSWERS[slack.trouble] if slack.trouble else (200, {}, b"ok")
                if not slack.trouble:
                    slack.posts.append(body)
                    for see in slack.watchers:
                        see("after", body)
                with suppress(ConnectionError):  # a killed poster does not listen
                    self.send_response(status)
                    for name, value in (headers | {"Content-Length": str(len(said))}).items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.webhook = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/hook-of-the-test"

    def about(self, workload: str) -> list[str]:
        """The posts that it took about a workload; no workload's name may be the beginning of another one's."""
        return [post for post in self.posts if workload in post]


@contextmanager
def troubled_slack() -> Iterator[TroubledSlack]:
    """A Slack without troubles at first, gone when the block ends."""
    slack = TroubledSlack()
    threading.Thread(target=slack.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield slack
    finally:
        slack.closing.set()
        slack.server.shutdown()
        slack.server.server_close()
