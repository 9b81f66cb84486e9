"""Which reads the answer of each world rests on, and a diagnosis from remembered answers, some of them refused."""

from __future__ import annotations

import time

from pull_doctor.facts.aws import Aws
from pull_doctor.intake.task import Intake
from pull_doctor.pipeline import diagnose
from pull_doctor.report.model import Report
from tests.end_to_end.harness import OFFLINE
from tests.worlds.defects import DEFECTS, ONE_OF_EACH
from tests.worlds.healthy import Defect
from tests.worlds.recording import Recording

CERTAINTIES = ("possible", "likely", "proven")

_SINCE = {"sts:GetCallerIdentity", "ecs:ListTasks"}
"""What every finding rests on: whose credentials these are, and whether a task has started since."""


def _rests_on(defect: Defect) -> set[str]:
    # What is never more than likely does not sink where counter-evidence could not be read.
    since = _SINCE if defect.certainty == "proven" else _SINCE - {"ecs:ListTasks"}
    return {*since, *defect.rests_on}


RESTS_ON: dict[str, set[str]] = {
    "private-subnet-without-route": {*_SINCE, "ec2:DescribeSubnets", "ec2:DescribeRouteTables"},
    "public-subnet-without-public-ip": {
        *_SINCE,
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ecs:DescribeServices",
    },
    "endpoint-security-group": {
        *_SINCE,
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeSecurityGroups",
    },
    "s3-endpoint-missing": {
        *_SINCE,
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeVpcEndpoints",
    },
    "role-without-permission": {
        *_SINCE,
        "ecs:DescribeTaskDefinition",
        "ecr:GetRepositoryPolicy",
        "ecr:GetRegistryPolicy",
    },
    "image-tag-missing": {*_SINCE, "ecr:DescribeImages"},
    "healthy": set(),
    **{name: _rests_on(DEFECTS[name]) for name in ONE_OF_EACH},
}
"""The reads without which a world's cause is not, or not as certainly, named; no other read may change it."""


def standing(report: Report) -> dict[str, int]:
    """How certain each cause is."""
    return {cause.cause: CERTAINTIES.index(cause.certainty) for cause in report.causes}


def diagnosis(recording: Recording, intake: Intake) -> Report:
    """Diagnose from what is remembered."""
    return diagnose(intake, Aws(recording.session, registry=OFFLINE), deadline=time.monotonic() + 20)
