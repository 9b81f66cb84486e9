"""Worlds whose defects are ranked: each cause alone, several at once, and none."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import EcrLookup, EcrTags
from pull_doctor.intake.symptom import Symptom
from pull_doctor.pipeline import conclude
from pull_doctor.ranking import Finding, Ranking, rank
from pull_doctor.report.model import Report
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.causes.factory import (
    DOWNLOAD_TIMEOUT,
    HUB_IMAGE,
    NOT_FOUND,
    READ_AT,
    SIGN_IN_DENIED,
    SILENT,
    TASK,
    TIMEOUT,
    World,
    failure,
    refused,
    sibling,
)
from tests.network.factory import DKR, ENDPOINT_VPC, NAT_VPC, PUBLIC_VPC, change, drop, routes

CAUSES = [row.cause for row in CATALOGUE]
PRIVATE_TIMEOUT = replace(TIMEOUT, host=DKR.host, address="10.0.2.12")
BLOCKED_VPC = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=())
WITHOUT_S3 = drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3")

BROKEN: dict[str, World] = {
    "no-route-to-registry": World(vpc=routes(NAT_VPC), failures=(failure(TIMEOUT),)),
    "no-public-ip": World(vpc=PUBLIC_VPC, failures=(failure(TIMEOUT),)),
    "endpoint-security-group-blocks": World(vpc=BLOCKED_VPC, failures=(failure(PRIVATE_TIMEOUT),)),
    "s3-endpoint-missing": World(vpc=WITHOUT_S3, failures=(failure(DOWNLOAD_TIMEOUT),)),
    "pull-permission-denied": World(sign_in=refused(SIGN_IN_ACTIONS), failures=(failure(SIGN_IN_DENIED),)),
    "image-not-found": World(lookup=EcrLookup("image"), failures=(failure(NOT_FOUND),)),
}
TOLD_BY_TEXT = {
    "pinned-digest-deleted",
    "platform-mismatch",
    "not-a-container-image",
    "image-format-unsupported",
    "image-corrupt",
    "registry-rate-limited",
    "registry-unavailable",
    "registry-certificate-untrusted",
    "registry-token-expired",
}
"""What a text that says nothing leaves open, whatever was read."""
BY_FACTS_ALONE = [cause for cause in BROKEN if cause not in ("pull-permission-denied", "image-not-found")]


def ranked(world: World, read_at: datetime = READ_AT) -> Ranking:
    return rank(world.views(), read_at)


def concluded(world: World) -> Report:
    return conclude(world.intake, world.answers(), READ_AT)


def only(world: World, read_at: datetime = READ_AT) -> Finding:
    (finding,) = ranked(world, read_at).findings
    return finding


def saying(world: World, symptom: Symptom) -> World:
    return replace(world, failures=(failure(symptom),))


MIXED: dict[str, World] = BROKEN | {
    "everything": World(
        vpc=WITHOUT_S3,
        lookup=EcrLookup("image"),
        tags=EcrTags((), complete=True),
        pull=refused(PULL_ACTIONS),
        siblings=(sibling(),),
        failures=(
            failure(DOWNLOAD_TIMEOUT),
            failure(SILENT, HUB_IMAGE, "proxy"),
            failure(SILENT, "no reference", "bad"),
        ),
    ),
    "healthy": World(failures=(failure(TIMEOUT), failure(DOWNLOAD_TIMEOUT, container="sidecar"))),
    "on ec2": World(task=replace(TASK, launch_type="EC2")),
    "shared subnet": World(owner="999988887777", failures=(failure(TIMEOUT),)),
    "no image": World(failures=(failure(SILENT, None),)),
}


def masked(world: World, hidden: set[Question[Any]]) -> Answers:
    """The world's answers with some unknown; what only follows from those was never asked, so it stays away."""
    answers: dict[Question[Any], Any] = {}
    for wave in world.waves():
        for question in wave:
            answers[question] = (
                Unknown(question.fact, "denied", "x:Y") if question in hidden else world.answer(question)
            )
    return Answers(answers)
