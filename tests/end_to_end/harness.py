"""Diagnoses a world of the emulated AWS in this process, and carries out the fixes of its report."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import boto3

from pull_doctor.facts.aws import Aws
from pull_doctor.facts.registry.hosts import Registry
from pull_doctor.intake.event import read_event
from pull_doctor.pipeline import diagnose
from pull_doctor.report.model import Command, RankedCause, Report
from tests.emulated.aws import ACCOUNT, EmulatedAws
from tests.worlds import World

OFFLINE = Registry(off=True)
"""No test asks a registry on the internet."""

DEFECTS = {
    "private-subnet-without-route": "no-route-to-registry",
    "public-subnet-without-public-ip": "no-public-ip",
    "endpoint-security-group": "endpoint-security-group-blocks",
    "s3-endpoint-missing": "s3-endpoint-missing",
    "role-without-permission": "pull-permission-denied",
    "image-tag-missing": "image-not-found",
}
"""The worlds with a defect, and the cause that each shows."""


def session(aws: EmulatedAws, account: str = ACCOUNT) -> boto3.Session:
    """A session with an account's credentials whose calls all go to the emulated AWS."""
    made = boto3.Session(aws_access_key_id=account, aws_secret_access_key="secret", region_name=aws.region)
    made._session.get_component("config_store").set_config_variable("endpoint_url", aws.url)
    return made


@cache
def reading(aws: EmulatedAws, account: str = ACCOUNT) -> Aws:
    """What reads with an account's credentials; its clients take a second to make, so they are made once."""
    return Aws(session(aws, account), registry=OFFLINE)


def report_on(aws: EmulatedAws, event: dict[str, Any], reader: Aws | None = None) -> Report:
    """Diagnose one event, with the credentials of its account if no reader is given."""
    return diagnose(read_event(event), reader or reading(aws, event["account"]), deadline=time.monotonic() + 20)


def accused(report: Report) -> set[str]:
    """The causes that the report holds to be the reason."""
    return {cause.cause for cause in report.causes if cause.certainty != "possible"}


def ruled_out(report: Report) -> set[str]:
    """The causes that the report rules out."""
    return {one.cause for one in report.ruled_out}


def evidence(cause: RankedCause) -> str:
    """All sentences of evidence, and the hops of its paths."""
    hops = [hop.why for trace in cause.traces for hop in trace.hops]
    return "\n".join([*(one.text for one in cause.evidence), *hops])


def carry_out(world: World, command: Command, account: str | None = None) -> None:
    """Make the call that a printed command makes, from its structured form, in the account that the fix names."""
    assert isinstance(command.service, str)
    assert isinstance(command.operation, str)
    assert isinstance(command.parameters, dict)
    client = world.builder.aws.client(command.service, account=account or world.account)
    method = {client.meta.method_to_api_mapping[name]: name for name in client.meta.method_to_api_mapping}
    getattr(client, method[command.operation])(**command.parameters)
