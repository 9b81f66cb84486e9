from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from slack_sdk import WebClient

from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.delivery.slack import Slack
from pull_doctor.report.model import Incident, Report
from pull_doctor.report.slack import slack_message
from tests.delivery.samples import REGION, START, make_report

TOKEN = "xoxb-SECRETTOKEN"
PATH = "/services/SECRETPATH"


@dataclass
class Answer:
    status: int
    body: str | bytes
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0


OK = Answer(200, "ok")
BOT_OK = Answer(200, '{"ok": true, "channel": "C1ID", "ts": "1.2"}')


@dataclass
class FakeSlack:
    """Answers one request after the other as told, and keeps what it was asked."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    slack = FakeSlack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            slack.asked.append((self.path, dict(self.headers), body))
            slack.times.append(time.monotonic())
            answer = slack.answers.pop(0)
            time.sleep(answer.after)
            raw = answer.body.encode() if isinstance(answer.body, str) else answer.body
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
            except BrokenPipeError:
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    slack.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield slack
    server.shutdown()
    thread.join()
    server.server_close()


class Secret:
    """A secret in a stubbed Secrets Manager; ``values`` are what each reading of it gives."""

    def __init__(self, *values: str) -> None:
        self.client = boto3.client(
            "secretsmanager", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.stub = Stubber(self.client)
        for value in values:
            self.stub.add_response("get_secret_value", {"SecretString": value}, {"SecretId": "slack"})
        self.stub.activate()

    def all_read(self) -> None:
        self.stub.assert_no_pending_responses()


def sink(secret: Secret) -> Slack:
    return Slack(secret.client, "slack")


def deliver(
    slack: Slack, seconds: float = 60, report: Report | None = None, thread: Thread | None = None
) -> str | None:
    return slack.deliver(report or make_report(), "{}", thread=thread or Thread(), deadline=time.monotonic() + seconds)


def bot_secret(fake: FakeSlack, token: str = TOKEN, channel: str = "C1") -> str:
    return json.dumps({"bot-token": token, "channel": channel, "api-url": f"http://127.0.0.1:{fake.port}/api"})


@pytest.mark.parametrize("form", ["plain", "json", "with a line break"])
def test_a_webhook_gets_text_and_blocks(fake: FakeSlack, form: str) -> None:
    fake.answers = [OK]
    value = {"plain": fake.url, "json": json.dumps({"webhook-url": fake.url}), "with a line break": f"{fake.url}\n"}
    assert deliver(sink(Secret(value[form]))) is None
    ((path, _, body),) = fake.asked
    message = slack_message(make_report())
    assert path == PATH
    assert body == {"text": message.text, "blocks": message.blocks}


def test_a_bot_posts_to_its_channel(fake: FakeSlack) -> None:
    fake.answers = [BOT_OK]
    deliver(sink(Secret(bot_secret(fake))))
    ((path, headers, body),) = fake.asked
    assert path == "/api/chat.postMessage"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert body["channel"] == "C1"
    assert body["blocks"] == slack_message(make_report()).blocks


def test_a_bot_whose_secret_names_no_api_asks_slack_com(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def post(client: WebClient, **_: object) -> dict[str, str]:
        asked.append(client.base_url)
        return {"channel": "C1", "ts": "1.2"}

    monkeypatch.setattr(WebClient, "chat_postMessage", post)
    deliver(sink(Secret(json.dumps({"bot-token": TOKEN, "channel": "C1"}))))
    assert asked == ["https://slack.com/api/"]


def test_the_secret_is_read_once_in_five_minutes(fake: FakeSlack) -> None:
    fake.answers = [OK, OK]
    slack = sink(Secret(fake.url))
    deliver(slack)
    deliver(slack)
    assert len(fake.asked) == 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_where_slack_does_not_know_the_url_the_secret_is_read_again(fake: FakeSlack, status: int) -> None:
    fake.answers = [Answer(status, "no_service"), OK]
    secret = Secret(fake.url + "/old", fake.url)
    deliver(sink(secret))
    assert [path for path, *_ in fake.asked] == [f"{PATH}/old", PATH]
    secret.all_read()


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "channel_not_found", "is_archived"])
def test_where_slack_does_not_know_the_token_the_secret_is_read_again(fake: FakeSlack, error: str) -> None:
    fake.answers = [Answer(200, json.dumps({"ok": False, "error": error})), BOT_OK]
    secret = Secret(bot_secret(fake, "xoxb-old", "C0"), bot_secret(fake))
    deliver(sink(secret))
    assert fake.asked[1][1]["Authorization"] == f"Bearer {TOKEN}"
    secret.all_read()


def test_a_secret_that_has_not_changed_is_not_tried_twice(fake: FakeSlack) -> None:
    fake.answers = [Answer(404, "no_service")]
    with pytest.raises(SinkFailed, match=r"^Slack answered 404 no_service$"):
        deliver(sink(Secret(fake.url, fake.url)))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500, "server_error"), "Slack answered 500 server_error"),
        (Answer(400, "invalid_blocks"), "Slack answered 400 invalid_blocks"),
        (Answer(200, "<html>sign in</html>"), "Slack answered 200"),
        (Answer(200, b"\xff\xfe"), "Slack could not be asked: UnicodeDecodeError"),
        (Answer(302, "", {"Location": "http://127.0.0.1:9/"}), "Slack could not be asked: URLError"),
        (Answer(429, "rate_limited", {"Retry-After": "3600"}), "Slack answered 429 rate_limited"),
        (Answer(429, "rate_limited", {"Retry-After": "soon"}), "Slack answered 429 rate_limited"),
    ],
)
def test_what_a_webhook_does_not_confirm_is_failed(fake: FakeSlack, answer: Answer, said: str) -> None:
    fake.answers = [answer]
    with pytest.raises(SinkFailed) as failed:
        deliver(sink(Secret(fake.url)))
    assert str(failed.value) == said
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500, "oops"), "Slack answered 500"),
        (Answer(200, '{"ok": false, "error": "msg_blocks_too_long"}'), "Slack answered 200 msg_blocks_too_long"),
        (
            Answer(200, '{"ok": false, "error": "missing_scope", "needed": "chat:write"}'),
            "Slack answered 200 missing_scope",
        ),
        (Answer(200, '{"ok": false, "error": "not_in_channel"}'), "Slack answered 200 not_in_channel"),
        (Answer(200, '{"ok": false, "error": "<!channel> x"}'), "Slack answered 200"),
        (Answer(200, "{broken"), "Slack could not be asked: JSONDecodeError"),
        (Answer(200, "ok"), "Slack answered 200"),
        (Answer(200, "[]"), "Slack answered 200"),
        (Answer(200, ""), "Slack answered 200"),
        (Answer(429, "{}", {"Retry-After": "3600"}), "Slack answered 429"),
    ],
)
def test_what_a_bot_is_not_confirmed_is_failed(fake: FakeSlack, answer: Answer, said: str) -> None:
    fake.answers = [answer]
    with pytest.raises(SinkFailed) as failed:
        deliver(sink(Secret(bot_secret(fake))))
    assert str(failed.value) == said


@pytest.mark.parametrize("kind", ["webhook", "bot"])
def test_a_rate_limit_is_waited_for_inside_the_deadline(fake: FakeSlack, kind: str) -> None:
    fake.answers = [Answer(429, "rate_limited", {"Retry-After": "1"}), OK if kind == "webhook" else BOT_OK]
    deliver(sink(Secret(fake.url if kind == "webhook" else bot_secret(fake))))
    assert 1 <= fake.times[1] - fake.times[0] < 3


def test_a_rate_limit_is_not_waited_for_past_the_deadline(fake: FakeSlack) -> None:
    fake.answers = [Answer(429, "rate_limited", {"Retry-After": "5"})]
    with pytest.raises(SinkFailed):
        deliver(sink(Secret(fake.url)), seconds=9)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("kind", ["webhook", "bot"])
def test_a_slack_that_does_not_answer_is_given_up_in_time(fake: FakeSlack, kind: str) -> None:
    fake.answers = [Answer(200, "ok", after=1.5)]
    with pytest.raises(SinkFailed, match=r"^Slack could not be asked: (TimeoutError|URLError)$"):
        deliver(sink(Secret(fake.url if kind == "webhook" else bot_secret(fake))), seconds=1.9)


def test_after_the_deadline_slack_is_not_asked(fake: FakeSlack) -> None:
    with pytest.raises(SinkFailed, match="no time was left"):
        deliver(sink(Secret(fake.url)), seconds=0.5)
    assert not fake.asked


def closing() -> Report:
    at = datetime.fromtimestamp(START, UTC)
    return make_report(incident=Incident("k", "withdrawn", 3, at, at, ("web",), "end", ended=at))


def receipt() -> Thread:
    return Thread(own='{"into": "C1", "channel": "C1ID", "ts": "1.2"}')


def test_a_new_token_goes_on_in_the_thread(fake: FakeSlack) -> None:
    refused = Answer(200, '{"ok": false, "error": "token_revoked"}')
    fake.answers = [BOT_OK, refused, BOT_OK, BOT_OK]
    secret = Secret(bot_secret(fake, "xoxb-old"), bot_secret(fake))
    assert deliver(sink(secret), report=closing(), thread=receipt())
    asked = ["chat.update", "chat.postMessage", "chat.update", "chat.postMessage"]
    assert [path.removeprefix("/api/") for path, *_ in fake.asked] == asked
    assert fake.asked[3][1]["Authorization"] == f"Bearer {TOKEN}"
    assert [body.get("thread_ts") for *_, body in fake.asked] == [None, "1.2", None, "1.2"]
    secret.all_read()


def test_each_call_of_a_bot_keeps_the_deadline(fake: FakeSlack) -> None:
    fake.answers = [Answer(200, BOT_OK.body, after=1.1), BOT_OK]
    with pytest.raises(SinkFailed, match="no time was left"):
        deliver(sink(Secret(bot_secret(fake))), seconds=2.05, report=closing(), thread=receipt())
    assert [path for path, *_ in fake.asked] == ["/api/chat.update"]


def test_a_rate_limit_of_the_update_is_waited_for_too(fake: FakeSlack) -> None:
    fake.answers = [Answer(429, "{}", {"Retry-After": "1"}), BOT_OK, BOT_OK]
    assert deliver(sink(Secret(bot_secret(fake))), report=closing(), thread=receipt())
    assert len(fake.asked) == 3


@pytest.mark.parametrize(
    "value", [" ", "hello SECRET", "[]", "1", "{}", '{"bot-token": "xoxb-SECRET"}', '{"webhook-url": 1}', '{"SECRET']
)
def test_a_secret_of_another_form_is_said_so_without_its_value(value: str) -> None:
    with pytest.raises(SinkFailed, match="holds neither") as failed:
        deliver(sink(Secret(value)))
    assert "SECRET" not in str(failed.value)


def test_a_secret_that_cannot_be_read_is_a_failed_sink() -> None:
    secret = Secret()
    secret.stub.add_client_error("get_secret_value", "AccessDeniedException", "no")
    with pytest.raises(SinkFailed, match="AccessDeniedException"):
        deliver(sink(secret))


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        Answer(500, f"{PATH} {TOKEN}"),
        Answer(200, "<html>"),
        Answer(429, "", {"Retry-After": "9999"}),
        Answer(404, "x"),
        Answer(200, b"\xff"),
    ],
)
@pytest.mark.parametrize("kind", ["webhook", "bot", "not a URL"])
def test_neither_url_nor_token_is_logged_or_raised(
    fake: FakeSlack, caplog: pytest.LogCaptureFixture, answer: Answer, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.answers = [answer, answer]
    value = {"webhook": fake.url, "bot": bot_secret(fake), "not a URL": f"{fake.url} and more"}[kind]
    raised = ""
    try:
        deliver(sink(Secret(value, value)))
    except SinkFailed as failed:
        raised = "".join(logging.Formatter().formatException((type(failed), failed, failed.__traceback__)))
        raised = raised + repr(failed) + str(failed)
    everything = caplog.text + raised
    assert "SECRETPATH" not in everything
    assert "SECRETTOKEN" not in everything


def test_the_secret_does_not_come_into_the_log_with_secrets_managers_answer(
    fake: FakeSlack,
    aws: None,  # noqa: ARG001 - moto answers, so that botocore reads a real answer
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = boto3.client("secretsmanager", region_name=REGION)
    client.create_secret(Name="slack", SecretString=fake.url)
    fake.answers = [OK]
    caplog.set_level(logging.DEBUG)
    deliver(Slack(client, "slack"))
    assert len(fake.asked) == 1
    assert "SECRETPATH" not in caplog.text
