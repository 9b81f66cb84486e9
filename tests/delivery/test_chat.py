from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from pull_doctor.delivery.chat import Chat, own_thread
from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.report.chat import notification
from pull_doctor.report.document import to_json
from pull_doctor.report.model import Incident, Report
from pull_doctor.report.sample import sample_report
from tests.delivery.answers import ANSWERS, TIMEOUTS, answering, failing
from tests.delivery.samples import ACCOUNT, REGION, START, make_report

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:chat"
BEGAN = datetime.fromtimestamp(START, UTC)
OPEN = Incident("111122223333/eu-west-1/production/web", "open", 3, BEGAN, BEGAN, workloads=("web",))


def make_client() -> Any:
    return boto3.client("sns", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")


def deliver(client: Any, report: Report, thread: Thread) -> str | None:
    return Chat(client, TOPIC).deliver(report, to_json(report), thread=thread, deadline=0)


def publish(report: Report, thread: Thread | None = None) -> tuple[dict[str, Any], str | None]:
    """Deliver to a stubbed SNS; return the notification that it got, and the receipt."""
    client = make_client()
    got: dict[str, Any] = {}
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: got.update(params))
    with Stubber(client) as stub:
        stub.add_response("publish", {"MessageId": "m"}, None)
        receipt = deliver(client, report, thread or Thread())
    # Any attribute, subject, or structure besides would reach nobody.
    assert got.keys() == {"TopicArn", "Message"}
    assert got["TopicArn"] == TOPIC
    return json.loads(got["Message"]), receipt


def test_the_first_message_opens_a_thread_and_the_later_ones_join_it() -> None:
    first, receipt = publish(make_report(incident=OPEN))
    assert receipt
    assert re.fullmatch(r"[0-9a-f]{32}", receipt)
    assert first == notification(make_report(incident=OPEN), receipt)
    assert first["metadata"]["threadId"] == receipt

    # A task that failed earlier became known: the thread stays.
    later = replace(OPEN, occasion="reminder", first_seen=BEGAN - timedelta(seconds=9))
    second, again = publish(make_report(incident=later), Thread(own=receipt))
    assert second["metadata"]["threadId"] == again == receipt


def test_the_same_message_sent_again_joins_the_same_thread() -> None:
    assert publish(make_report(incident=OPEN))[1] == publish(make_report(incident=OPEN))[1]


@pytest.mark.parametrize("other", [{"key": "other"}, {"first_seen": BEGAN + timedelta(days=3)}])
def test_another_incident_has_another_thread(other: dict[str, Any]) -> None:
    assert own_thread(OPEN) != own_thread(replace(OPEN, **other))


def test_a_grouped_incident_joins_the_thread_of_its_group() -> None:
    grouped = replace(OPEN, grouped_with="first", workloads=("web", "api"))
    got, receipt = publish(make_report(incident=grouped), Thread(group="thread-of-the-first"))
    assert got["metadata"]["threadId"] == receipt == "thread-of-the-first"
    # The first incident's message may still be on its way.
    assert publish(make_report(incident=grouped))[1] == own_thread(OPEN)
    # Where its own came first, what follows stays with it.
    assert publish(make_report(incident=grouped), Thread(own="own", group="thread-of-the-first"))[1] == "own"


def test_an_aside_is_not_published_and_its_later_messages_join_the_thread() -> None:
    client = make_client()
    with Stubber(client) as stub:  # refuses every call
        aside = make_report(incident=replace(OPEN, aside=True, grouped_with="first"))
        assert deliver(client, aside, Thread(group="thread-of-the-first")) == "thread-of-the-first"
        stub.assert_no_pending_responses()


def test_the_sample_stands_alone() -> None:
    got, receipt = publish(sample_report(ACCOUNT, REGION, "pull-doctor"))
    assert receipt is None
    assert "metadata" not in got
    assert got["content"]["title"].startswith("test: ")


@pytest.mark.parametrize("code", ["AuthorizationError", "Throttling", "KMSDisabled", "InternalError"])
def test_a_refusal_is_named_by_its_code_alone(code: str) -> None:
    client = make_client()
    with Stubber(client) as stub:
        stub.add_client_error("publish", code, "secret words")
        with pytest.raises(SinkFailed, match=rf"^SNS refused the report: {code}$"):
            deliver(client, make_report(incident=OPEN), Thread())


@pytest.mark.parametrize("answer", ANSWERS, ids=ascii)
def test_only_an_answer_of_sns_confirms(answer: tuple[int, bytes]) -> None:
    with pytest.raises(SinkFailed, match=r"^SNS [\w ]+(: [\w. -]+)?$") as failed:
        deliver(answering("sns", *answer), make_report(incident=OPEN), Thread())
    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize("error", TIMEOUTS, ids=lambda error: type(error).__name__)
def test_a_time_out_is_a_failed_sink(error: Exception) -> None:
    with pytest.raises(SinkFailed, match=type(error).__name__):
        deliver(failing("sns", error), make_report(incident=OPEN), Thread())
