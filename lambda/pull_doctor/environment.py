"""The function's environment, read once and typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pull_doctor.delivery.state import REMINDER
from pull_doctor.facts.aws import ReaderRole
from pull_doctor.facts.registry.hosts import OFF, Registry


class BrokenEnvironmentError(Exception):
    """A variable is missing or broken; the message is one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the stack tells the function.

    ``reader_roles`` is by account id. ``switched_off`` holds the IAM actions of reads that the deployer does not want;
    ``registry`` says which registries other than ECR may be asked. ``event_bus`` is a bus's name or ARN. ``reminder``
    is in seconds. ``mute_tag`` is a tag's key and value; with the value ``None`` any value mutes.
    """

    table_name: str
    topic_arn: str
    evidence_bucket: str
    slack_secret_name: str | None = None
    chat_topic_arn: str | None = None
    event_bus: str | None = None
    reminder: int = REMINDER
    mute_tag: tuple[str, str | None] | None = None
    owner_tag: str | None = None
    reader_roles: Mapping[str, ReaderRole] = field(default_factory=dict)
    switched_off: frozenset[str] = frozenset()
    registry: Registry = field(default_factory=Registry)

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Environment:
        """Read the variables.

        Raises:
            BrokenEnvironmentError: a variable is missing, or cannot be read.
        """
        return cls(
            table_name=_needed(variables, "TABLE_NAME"),
            topic_arn=_needed(variables, "TOPIC_ARN"),
            evidence_bucket=_needed(variables, "EVIDENCE_BUCKET"),
            slack_secret_name=variables.get("SLACK_SECRET_NAME") or None,
            chat_topic_arn=variables.get("CHAT_TOPIC_ARN") or None,
            event_bus=variables.get("EVENT_BUS") or None,
            reminder=_seconds(variables.get("REMINDER_HOURS") or ""),
            mute_tag=_tag(variables.get("MUTE_TAG") or ""),
            owner_tag=variables.get("OWNER_TAG") or None,
            reader_roles=_reader_roles(variables.get("READER_ROLES") or "{}"),
            switched_off=_listed(variables.get("SWITCHED_OFF", "")),
            registry=_registry(variables.get("REGISTRY_PROBE", "")),
        )


def _needed(variables: Mapping[str, str], name: str) -> str:
    if value := variables.get(name):
        return value
    raise BrokenEnvironmentError(f"the environment variable {name} is not set")


def _listed(text: str) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, text.split(","))))


def _seconds(hours: str) -> int:
    if not hours:
        return REMINDER
    try:
        return int(hours) * 60 * 60
    except ValueError as error:
        raise BrokenEnvironmentError("REMINDER_HOURS is not a whole number") from error


def _tag(text: str) -> tuple[str, str | None] | None:
    key, equals, value = text.partition("=")
    return (key, value if equals else None) if key else None


def _registry(text: str) -> Registry:
    return Registry(off=True) if text.strip() == OFF else Registry(hosts=_listed(text))


def _reader_roles(text: str) -> dict[str, ReaderRole]:
    shape = 'READER_ROLES is not a JSON object {"<account>": {"role-arn": "<ARN>", "external-id": "<optional>"}}'
    try:
        roles = json.loads(text)
        return {account: ReaderRole(role["role-arn"], role.get("external-id")) for account, role in roles.items()}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise BrokenEnvironmentError(f"{shape}: {type(error).__name__}") from error
