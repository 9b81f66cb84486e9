"""The function's environment, read once and typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pull_doctor.facts.aws import ReaderRole
from pull_doctor.facts.registry.hosts import OFF, Registry


class BrokenEnvironmentError(Exception):
    """A variable is missing or broken; the message is one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the stack tells the function.

    ``reader_roles`` is by account id. ``switched_off`` holds the IAM actions of reads that the deployer does not want;
    ``registry`` says which registries other than ECR may be asked.
    """

    table_name: str
    topic_arn: str
    slack_secret_name: str | None = None
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
            slack_secret_name=variables.get("SLACK_SECRET_NAME") or None,
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


def _registry(text: str) -> Registry:
    return Registry(off=True) if text.strip() == OFF else Registry(hosts=_listed(text))


def _reader_roles(text: str) -> dict[str, ReaderRole]:
    shape = 'READER_ROLES is not a JSON object {"<account>": {"role-arn": "<ARN>", "external-id": "<optional>"}}'
    try:
        roles = json.loads(text)
        return {account: ReaderRole(role["role-arn"], role.get("external-id")) for account, role in roles.items()}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise BrokenEnvironmentError(f"{shape}: {type(error).__name__}") from error
