"""The settings of a deployment: read from the CDK's context and held against what is allowed."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pull_doctor.facts.aws import ReaderRole
from pull_doctor.facts.registry.hosts import OFF, SETTING, Registry

SWITCHABLE_READS = ("iam:SimulatePrincipalPolicy", "ecs:DescribeTaskDefinition", "ecr:BatchGetImage")

_ACCOUNT = re.compile(r"[0-9]{12}")
_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
_CLUSTER = re.compile(r"[A-Za-z0-9_-]{1,255}")
_SECRET = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+", re.ASCII)
_HOST = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_BUS = re.compile(r"(?:arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[\w./-]{1,256}", re.ASCII)
_TAG_KEY = re.compile(r"[\w .:/+@-]{1,128}")
_TAG = re.compile(rf"{_TAG_KEY.pattern}(?:=[\w .:/=+@-]{{0,256}})?")
_WEEK = 7 * 24
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


class SettingsError(Exception):
    """A context value is wrong; the message is one line with the key, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployer chose. Nothing needs to be set."""

    alert_emails: tuple[str, ...] = ()
    subscriber_accounts: tuple[str, ...] = ()
    slack_secret_name: str | None = None
    amazon_q_topic: bool = False
    event_bus: str | None = None
    include_clusters: tuple[str, ...] = ()
    exclude_clusters: tuple[str, ...] = ()
    reader_roles: Mapping[str, ReaderRole] | None = None
    switched_off_reads: tuple[str, ...] = ()
    registry_probe: Registry | None = None
    reminder_hours: int | None = None
    mute_tag: str | None = None
    owner_tag: str | None = None
    dashboard: bool = False

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Settings:
        """Read the settings out of the whole context, the CDK's own keys included.

        Raises:
            SettingsError: a value is wrong, or a key is not known.
        """
        own = {key: value for key, value in context.items() if not _belongs_to_cdk(key)}
        for key, value in own.items():
            if key not in _PARSERS:
                near = difflib.get_close_matches(key, _PARSERS, n=1)
                known = f"the nearest is {near[0]}" if near else f"allowed: {', '.join(_PARSERS)}"
                raise SettingsError(f"there is no setting {key} (value {_shown(value)}); {known}")
        settings = cls(**{key.replace("-", "_"): _PARSERS[key](key, value) for key, value in own.items()})
        if settings.include_clusters and settings.exclude_clusters:
            raise _wrong("exclude-clusters", own["exclude-clusters"], "nothing, as include-clusters is set too")
        return settings


def _belongs_to_cdk(key: str) -> bool:
    """Tell the CDK's flags and cached look-ups (``@aws-cdk/...``, ``aws:...``) from our plain names."""
    return ":" in key or "/" in key


def _shown(value: object) -> str:
    return json.dumps(value, default=str)


def _wrong(key: str, value: object, allowed: str) -> SettingsError:
    return SettingsError(f"{key} is {_shown(value)}; allowed: {allowed}")


def _listed(pattern: re.Pattern[str], item: str) -> Callable[[str, object], tuple[str, ...]]:
    """Make the parser of a list; ``-c key=a,b`` on the command line arrives as one string."""

    def parse(key: str, value: object) -> tuple[str, ...]:
        parts = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        allowed = f"a list of {item}"
        if not isinstance(parts, list):
            raise _wrong(key, value, allowed)
        for part in parts:
            if not isinstance(part, str) or not pattern.fullmatch(part):
                raise _wrong(key, part, allowed)
        return tuple(dict.fromkeys(parts))

    return parse


def _text(pattern: re.Pattern[str], allowed: str) -> Callable[[str, object], str]:
    def parse(key: str, value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise _wrong(key, value, allowed)
        return value

    return parse


def _switch(key: str, value: object) -> bool:
    """Read ``true`` or ``false``; ``-c`` on the command line passes them as text."""
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise _wrong(key, value, "true or false")


def _hours(key: str, value: object) -> int:
    if isinstance(value, int | str) and re.fullmatch("[0-9]{1,3}", str(value)) and 1 <= int(value) <= _WEEK:
        return int(value)
    raise _wrong(key, value, f"a whole number of hours from 1 to {_WEEK}")


def _reader_roles(key: str, value: object) -> dict[str, ReaderRole]:
    allowed = 'an object {"<account>": {"role-arn": "<role of that account>", "external-id": "<optional>"}}'
    roles = value
    if isinstance(value, str):
        try:
            roles = json.loads(value)
        except ValueError as error:
            raise _wrong(key, value, allowed) from error
    if not isinstance(roles, dict):
        raise _wrong(key, value, allowed)
    return {account: _reader_role(f"{key}.{account}", account, role, allowed) for account, role in roles.items()}


def _reader_role(key: str, account: str, role: object, allowed: str) -> ReaderRole:
    if not _ACCOUNT.fullmatch(account) or not isinstance(role, dict) or role.keys() - {"role-arn", "external-id"}:
        raise _wrong(key, role, allowed)
    arn, external_id = role.get("role-arn"), role.get("external-id")
    matched = _ROLE_ARN.fullmatch(arn) if isinstance(arn, str) else None
    if not matched or matched.group(1) != account:
        raise _wrong(f"{key}.role-arn", arn, f"the ARN of a role in account {account}")
    if external_id is not None and not (isinstance(external_id, str) and _EXTERNAL_ID.fullmatch(external_id)):
        raise _wrong(f"{key}.external-id", external_id, "2 to 1224 letters, digits or any of _+=,.@:/-")
    return ReaderRole(str(arn), external_id)


def _registry_probe(key: str, value: object) -> Registry:
    if value == OFF:
        return Registry(off=True)
    item = f'registry host names in lower case without scheme, port or path; or "{OFF}" alone'
    return Registry(hosts=frozenset(_listed(_HOST, item)(key, value)))


_PARSERS: dict[str, Callable[[str, object], Any]] = {
    "alert-emails": _listed(_EMAIL, "mail addresses"),
    "subscriber-accounts": _listed(_ACCOUNT, "12-digit account ids in quotes"),
    "slack-secret-name": _text(_SECRET, "the name (not the ARN) of a secret in Secrets Manager"),
    "amazon-q-topic": _switch,
    "event-bus": _text(_BUS, "the name or ARN of an EventBridge bus in this account and Region"),
    "include-clusters": _listed(_CLUSTER, "cluster names"),
    "exclude-clusters": _listed(_CLUSTER, "cluster names"),
    "reader-roles": _reader_roles,
    "switched-off-reads": _listed(
        re.compile("|".join(SWITCHABLE_READS)), f"reads, each one of {', '.join(SWITCHABLE_READS)}"
    ),
    SETTING: _registry_probe,
    "reminder-hours": _hours,
    "mute-tag": _text(_TAG, "the key of a tag, or key=value"),
    "owner-tag": _text(_TAG_KEY, "the key of a tag"),
    "dashboard": _switch,
}
