"""The IAM actions that the readers need, and the policy that grants exactly these."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from pull_doctor.facts.questions import OF_ANOTHER_ACCOUNT, Question
from pull_doctor.facts.readers import READERS, tasks


def actions_of(question: type[Question[Any]]) -> tuple[str, ...]:
    """The IAM actions that answering this kind of question needs."""
    return READERS[question].actions


def actions() -> tuple[str, ...]:
    """The IAM actions of all readers, sorted.

    sts:GetCallerIdentity is not among them: it needs no permission. Nor is sts:AssumeRole: it is granted on the
    configured reader roles alone, and needed only where there are some.
    """
    of_readers = (action for reader in READERS.values() for action in reader.actions)
    return tuple(sorted({*of_readers, *tasks.ACTIONS}))


def owner_actions() -> tuple[str, ...]:
    """The IAM actions by which an account's images, keys, and secrets are read for tasks of other accounts, sorted."""
    return tuple(sorted({action for question in OF_ANOTHER_ACCOUNT for action in actions_of(question)}))


def policy_document(allowed: Iterable[str] | None = None) -> dict[str, Any]:
    """The identity policy for these actions, by default all: one statement for each service.

    The resource is ``*``: EC2's describe actions take no other, and the rest is asked about whatever cluster,
    repository, or role a failed task names, which nobody knows beforehand.
    """
    chosen = sorted(set(actions() if allowed is None else allowed))
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": f"Read{service.title().replace('-', '')}",
                "Effect": "Allow",
                "Action": list(of_service),
                "Resource": "*",
            }
            for service, of_service in groupby(chosen, key=lambda action: action.partition(":")[0])
        ],
    }
