"""The deployed stack with every sink, and what each of them was told of a world."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from demo.slack import LoopbackSlack
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.worlds import World

MAIL = "on-call@example.com"
_TIMES = ("seen", "failed", "opened", "ended", "diagnosed", "reported")


@dataclass
class Stack:
    """One deployment; ``topic`` and ``bus`` are queues that get all of the report topic and of the bus."""

    aws: EmulatedAws
    deployed: Deployed
    slack: LoopbackSlack
    topic: str
    bus: str
    _received: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def put(self, *events: dict[str, Any]) -> None:
        """Put events on the bus one by one, each while the function is idle."""
        for event in events:
            self.aws.put_event(event)
            self.aws.wait_until_idle()

    def sweep(self) -> None:
        """Do what the schedule does."""
        answer = self.aws.client("lambda").invoke(
            FunctionName=self.deployed.function, Payload=json.dumps({"pull-doctor": "sweep"})
        )
        assert "FunctionError" not in answer, answer["Payload"].read()

    def reports(self, world: World) -> list[dict[str, Any]]:
        """The reports of a world's workload that the topic's queue received, each with its ``attributes``."""
        told = []
        for envelope in self._all(self.topic):
            attributes = {key: value["Value"] for key, value in envelope["MessageAttributes"].items()}
            if world.workload in (attributes.get("service"), attributes.get("family")):
                told.append(json.loads(envelope["Message"]) | {"attributes": attributes})
        return told

    def statuses(self, world: World) -> list[str]:
        """What the topic was told of a world's workload, as the attribute ``status``."""
        return [report["attributes"]["status"] for report in self.reports(world)]

    def on_the_bus(self, world: World) -> list[dict[str, Any]]:
        """The events of this app about a world's workload."""
        return [event for event in self._all(self.bus) if event["detail"]["task"].get("service") == world.workload]

    def mails(self, world: World) -> list[dict[str, str]]:
        """The mail about a world's workload."""
        return [mail for mail in self.aws.mails() if _names(mail["subject"] + mail["text"], world)]

    def posts(self, world: World) -> list[dict[str, Any]]:
        """What Slack was posted about a world's workload."""
        return [post for post in self.slack.messages if _names(json.dumps(post), world)]

    def age(self, world: World, seconds: float) -> None:
        """Let everything that the table knows of a world's workload have happened longer ago."""
        dynamodb, table = self.aws.client("dynamodb"), self.deployed.table
        for item in dynamodb.scan(TableName=table)["Items"]:
            if not item["incident"]["S"].endswith(f":{world.workload}"):
                continue
            times = [item[name] for name in _TIMES if name in item]
            for time in [*times, *item.get("answers", {"M": {}})["M"].values()]:
                time["N"] = repr(float(time["N"]) - seconds)
            dynamodb.put_item(TableName=table, Item=item)

    def _all(self, queue: str) -> list[dict[str, Any]]:
        """Everything that a queue has received since the start, in order."""
        sqs, received = self.aws.client("sqs"), self._received.setdefault(queue, [])
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                received.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return received


def _names(text: str, world: World) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(world.workload)}(?![\w-])", text))
