"""What a reader is: the question it answers, the IAM actions it needs, and the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pull_doctor.facts.aws import Aws
from pull_doctor.facts.questions import Question
from pull_doctor.facts.registry.refusal import NoAnswerError

T = TypeVar("T")
Read = Callable[[Any, Any], T]

READERS: dict[type[Question[Any]], Reader] = {}
"""Every reader by its question; filled as the modules of this package are imported."""


@dataclass(frozen=True, slots=True)
class Reader:
    """``read(aws, question)`` returns the whole answer or raises; it never returns a part."""

    actions: tuple[str, ...]
    read: Read[Any]


def answers(question: type[Question[T]], *actions: str) -> Callable[[Read[T]], Read[T]]:
    """Register a function as the reader of a question; ``actions`` are the IAM actions of its calls."""

    def register(read: Read[T]) -> Read[T]:
        READERS[question] = Reader(actions, read)
        return read

    return register


class IncompleteAnswerError(Exception):
    """AWS answered, but not what was asked: a part is missing, so nothing of it may be used."""


def client(aws: Aws, service: str, question: Question[Any]) -> Any:
    """A client with the reader role of the account whose thing it is.

    Where there is none, with the credentials for the question's account: the owner's resource policy may admit them.
    """
    account, region = question.home
    return aws.client(service, region, account if _may_read(aws, question) else question.account)


def owners_client(aws: Aws, service: str, question: Question[Any]) -> Any:
    """A client for what AWS tells to the owner alone; raises ``NoAnswerError`` where the owner may not be read."""
    account, region = question.home
    if not _may_read(aws, question):
        said = f"AWS tells this to account {account} only, and no reader role is set for it"
        raise NoAnswerError("not-visible", said)
    return aws.client(service, region, account)


def _may_read(aws: Aws, question: Question[Any]) -> bool:
    account, region = question.home
    return account == question.account or aws.stranger(account, region) is None


def utc(time: datetime | None) -> datetime | None:
    """The same moment in UTC; botocore gives it in the machine's own zone."""
    return time.astimezone(UTC) if time else None
