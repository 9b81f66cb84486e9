"""Lambda on loopback: real processes of the function, each behind a Runtime API of its own, that can be killed.

``with function(aws, deployed, code) as running`` starts them. ``running.send(event)`` is an asynchronous invocation:
an attempt that raises, times out, or is killed is made again, twice, and then the event goes to the queue that the
deployed function names. ``running.wait()`` waits until nothing is left to do; ``running.attempts`` has what became of
each attempt.
``running.send(event, Death("after", "sns:Publish"))`` kills the process at that step of its first attempt.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed

HANDLER = "pull_doctor.handler.lambda_handler"
How = Literal["returned", "raised", "killed", "timed-out"]


@dataclass(frozen=True)
class Attempt:
    """One attempt at an event, which ``name`` tells from others: how it ended, and what the function answered."""

    name: str
    number: int
    how: How
    answer: Any = None


@dataclass(order=True)
class _Due:
    """An event that waits for a process; ``order`` is when it came, ``number`` counts its attempts from 1."""

    at: float
    order: int
    number: int = field(compare=False)
    event: dict[str, Any] = field(compare=False)
    deaths: list[Death] = field(compare=False)
    then: Callable[[], object] | None = field(compare=False)


@dataclass(frozen=True)
class Death:
    """Where a process dies: as its ``nth`` call (from 1) of an action comes, or is answered; ``slack`` is one, too."""

    moment: Literal["before", "after"]
    action: str
    nth: int = 1


class Function:
    """The running function; made by ``function``."""

    def __init__(self, seconds: float, pauses: Sequence[float], give_up: Any) -> None:
        self.attempts: list[Attempt] = []
        self.seconds = seconds
        self.closing = False
        self._pauses = pauses
        self._give_up = give_up
        self._due: list[_Due] = []
        self._orders = itertools.count()
        self._left = 0
        self._changed = threading.Condition()
        self.sandboxes: list[_Sandbox] = []

    @property
    def log(self) -> str:
        """What all processes printed so far."""
        return "".join(sandbox.log.read_text("utf-8", "replace") for sandbox in self.sandboxes)

    def send(
        self, event: dict[str, Any], *deaths: Death, wait: float = 0, then: Callable[[], object] | None = None
    ) -> None:
        """Invoke asynchronously, ``wait`` seconds from now; the attempts die, one after the other, as said.

        ``then`` is called at the end of the first attempt.
        """
        with self._changed:
            self._left += 1
            due = _Due(time.monotonic() + wait, next(self._orders), 1, event, list(deaths), then)
            heapq.heappush(self._due, due)
            self._changed.notify_all()

    def wait(self, seconds: float = 60) -> None:
        """Wait until every event is handled or given up; raises ``TimeoutError``."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._left, seconds):
                raise TimeoutError(f"{self._left} events are not handled after {seconds} s:\n{self.log[-3000:]}")

    def of(self, event: dict[str, Any]) -> list[Attempt]:
        """The attempts at one event, in order."""
        return [attempt for attempt in self.attempts if attempt.name == event["id"]]

    def sees_post(self, moment: Literal["before", "after"], post: str) -> bool:
        """Count a post to Slack as a step of the process whose event's service it names; whether that is dead."""
        busy = [(sandbox, sandbox.current) for sandbox in self.sandboxes]
        return any(
            sandbox.sees(moment, "slack")
            for sandbox, due in busy
            if due and due.event["detail"]["group"].removeprefix("service:") in post
        )

    def take(self) -> _Due | None:
        """The next event, once there is one; ``None`` at the end."""
        with self._changed:
            while not self.closing:
                if self._due and self._due[0].at <= time.monotonic():
                    return heapq.heappop(self._due)
                self._changed.wait(self._due[0].at - time.monotonic() if self._due else None)
            return None

    def ended(self, due: _Due, how: How, answer: Any) -> None:
        """Note how an attempt ended, and make another one if it failed."""
        if due.then and due.number == 1:
            due.then()
        with self._changed:
            self.attempts.append(Attempt(str(due.event.get("id")), due.number, how, answer))
            again = how != "returned" and due.number <= len(self._pauses)
            if again:
                at = time.monotonic() + self._pauses[due.number - 1]
                heapq.heappush(self._due, _Due(at, due.order, due.number + 1, due.event, due.deaths, None))
        if not again and how != "returned":
            self._give_up(due.event, answer)
        with self._changed:
            self._left -= not again
            self._changed.notify_all()

    def close(self) -> None:
        """End every process."""
        with self._changed:
            self.closing = True
            self._changed.notify_all()
        for sandbox in self.sandboxes:
            sandbox.close()


class _Sandbox:
    """One execution environment: a process, started again when it died, and the Runtime API that it talks to."""

    def __init__(self, function: Function, environment: dict[str, str], caller: str, log: Path) -> None:
        self.caller = caller
        self.log = log
        self.current: _Due | None = None
        self._function = function
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._how: How | None = None
        sandbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if due := sandbox.begin():
                    body = json.dumps(due.event).encode()
                    self._answer(200, body, sandbox.headers())

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
                if self.path.endswith("/response"):
                    sandbox.end("returned", body)
                elif self.path.endswith("/init/error"):
                    sandbox.failed_to_start = body
                else:
                    sandbox.end("raised", body)
                self._answer(202, b"", {})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                with suppress(ConnectionError):
                    self.send_response(status)
                    for name, value in (headers | {"Content-Length": str(len(body))}).items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
                """Say nothing."""

        self.failed_to_start: Any = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._environment = environment | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}"}
        self._process = self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own function in our own interpreter
                [sys.executable, "-m", "awslambdaric", HANDLER], env=self._environment, stdout=log, stderr=log
            )

    def _keep(self) -> None:
        """Note what a dead process left undone, and start another one."""
        while True:
            self._process.wait()
            if self._function.closing:
                return
            if self.failed_to_start:
                self.end("raised", self.failed_to_start)
            self.end(self._how or "killed", {"errorMessage": "the process ended"})
            with self._lock:
                self._process = self._start()

    def begin(self) -> _Due | None:
        """Give the process its next event, and the time until its deadline."""
        due = self._function.take()
        if due:
            self._seen, self._how, self.current = Counter(), None, due
            self._timer = threading.Timer(self._function.seconds, self._kill, ["timed-out", due])
            self._timer.daemon = True
            self._timer.start()
        return due

    def headers(self) -> dict[str, str]:
        """What the Runtime API says about an invocation."""
        return {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(round((time.time() + self._function.seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:pull-doctor",
            "Content-Type": "application/json",
        }

    def end(self, how: How, answer: Any) -> None:
        """End the current attempt, if one goes on."""
        with self._lock:
            due, self.current = self.current, None
        if due:
            self._timer.cancel()
            self._function.ended(due, how, answer)

    def sees(self, moment: Literal["before", "after"], action: str) -> bool:
        """Count a call of this process, and kill the process where its death is due; whether it is dead."""
        due = self.current
        if due is None or self._how:
            return self._how is not None
        with self._lock:
            self._seen[moment, action] += 1
            nth = self._seen[moment, action]
        if due.deaths and due.deaths[0] == Death(moment, action, nth):
            due.deaths.pop(0)
            self._kill("killed", due)
        return self._how is not None

    def _kill(self, how: How, due: _Due) -> None:
        with self._lock:
            if self.current is due:
                self._how = how
                self._process.kill()

    def close(self) -> None:
        """End the process and its server."""
        with self._lock:
            self._process.kill()
        self._keeper.join()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def function(
    aws: EmulatedAws,
    deployed: Deployed,
    code: Path,
    logs: Path,
    *,
    processes: int = 1,
    seconds: float = 60,
    pauses: Sequence[float] = (0.2, 0.4),
) -> Iterator[Function]:
    """Run the deployed function from ``code`` (``infra.asset.build``) as its own role, with its own environment.

    ``seconds`` is the time that an attempt has, ``pauses`` are those before the second and third attempt. Logs go to
    the directory ``logs``.
    """
    lambda_ = aws.client("lambda")
    configuration = lambda_.get_function_configuration(FunctionName=deployed.function)
    invoke = lambda_.get_function_event_invoke_config(FunctionName=deployed.function, Qualifier="$LATEST")
    queue = invoke["DestinationConfig"]["OnFailure"]["Destination"].rsplit(":", 1)[-1]
    url = aws.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]

    def give_up(event: dict[str, Any], answer: Any) -> None:
        record = {
            "version": "1.0",
            "requestContext": {"functionArn": configuration["FunctionArn"], "condition": "RetriesExhausted"},
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": answer,
        }
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(record))

    running = Function(seconds, pauses, give_up)
    with aws.watched(lambda moment, action, caller: _seen(running, moment, action, caller)):
        for number in range(processes):
            name = f"sandbox-{number}-{uuid.uuid4().hex[:8]}"
            session = aws.client("sts").assume_role(RoleArn=configuration["Role"], RoleSessionName=name)
            environment = aws.env | configuration["Environment"]["Variables"] | _credentials(session)
            environment |= {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(code),
                "PYTHONDONTWRITEBYTECODE": "1",
                "AWS_LAMBDA_FUNCTION_NAME": deployed.function,
            }
            caller = session["AssumedRoleUser"]["Arn"]
            running.sandboxes.append(_Sandbox(running, environment, caller, logs / f"{name}.log"))
        try:
            yield running
        finally:
            running.close()


def _credentials(session: dict[str, Any]) -> dict[str, str]:
    credentials = session["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def _seen(running: Function, moment: Literal["before", "after"], action: str, caller: str) -> bool:
    return any(sandbox.sees(moment, action) for sandbox in running.sandboxes if sandbox.caller == caller)
