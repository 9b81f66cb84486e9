"""What a case of the readers' tests is, and the names that cases share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pull_doctor.facts import questions as q
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, Answer, AwsError, World

HERE = (OWN_ACCOUNT, REGION)
PLANTED = "planted-marker-AKIAIOSFODNN7"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOON_IN_SEOUL = NOON.astimezone(timezone(timedelta(hours=9)))
DIGEST = "sha256:" + "a" * 64
TASK_DEFINITION = f"arn:aws:ecs:{REGION}:{OWN_ACCOUNT}:task-definition/web:7"
TASKS = tuple(f"arn:aws:ecs:{REGION}:{OWN_ACCOUNT}:task/prod/{n}" for n in (1, 2))
REVISION = f"arn:aws:ecs:{REGION}:{OWN_ACCOUNT}:service-revision/prod/web/4980306466373577095"
CONTAINER_INSTANCE = f"arn:aws:ecs:{REGION}:{OWN_ACCOUNT}:container-instance/prod/0a1b"
ROLE = f"arn:aws:iam::{OWN_ACCOUNT}:role/pull"
PROFILE = f"arn:aws:iam::{OWN_ACCOUNT}:instance-profile/team/hosts"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
SECRET = f"arn:aws:secretsmanager:{REGION}:{OWN_ACCOUNT}:secret:prod/db-a1b2c3"
KEY = f"arn:aws:kms:{REGION}:{OWN_ACCOUNT}:key/1234abcd"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REPOSITORY = f"arn:aws:ecr:{REGION}:{OWN_ACCOUNT}:repository/web"


@dataclass(frozen=True)
class Case:
    """A question, the operation that answers it, the pages of the answer, and what is made of them.

    ``token`` is the member that asks for the next page. ``gone`` are errors that mean absence, ``absent`` what is
    then known. ``more`` has the answers of the further operations that the reader calls, each page with its token.
    """

    question: q.Question[Any]
    operation: str
    pages: Sequence[dict[str, Any]]
    value: Any
    token: str | None = None
    gone: tuple[AwsError, ...] = ()
    absent: Any = None
    more: Mapping[str, Sequence[Answer]] = field(default_factory=dict)


def index(*platforms: dict[str, str] | None) -> str:
    """The text of an image index with these platforms."""
    entries: list[dict[str, Any]] = [{"mediaType": MANIFEST, "digest": DIGEST, "size": 500} for _ in platforms]
    for entry, platform in zip(entries, platforms, strict=True):
        if platform is not None:
            entry["platform"] = platform
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})


def put(question: q.Question[Any], **answers: Sequence[Answer]) -> Known[Any] | Unknown:
    """The fact that comes of these answers to the operations."""
    return ask(Aws(World(answers).session()), question)
