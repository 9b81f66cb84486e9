"""What holds of every outcome, whatever the cause."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from pull_doctor.causes.outcome import AwsCommand, Ok, Outcome, Problem, Undetermined

_SESSION = botocore.session.get_session()
_ID = re.compile(
    r"\b(?:subnet|vpc|rtb|acl|sg|vpce|nat|igw|eni|tgw|pl|ecs-svc|i|mi)[-/][\w-]+|arn:aws[\w-]*:\S+|sha256:[0-9a-f]+"
    r"|\brepository [\w/-]+|\bteam/app\b|\bimage [\w.-]+:[\w.-]+|\b[\w.-]+\.(?:com|io|aws)\b"
    r"|\bweb:\d+|\bcontainer instance \S+"
)


@cache
def model(service: str) -> ServiceModel:
    return ServiceModel(_SESSION.get_component("data_loader").load_service_model(service, "service-2"), service)


def assert_valid(command: AwsCommand) -> None:
    """Assert that botocore knows the operation and takes the parameters."""
    shape = model(command.service).operation_model(command.operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(command.parameters, shape)
    assert not report.has_errors(), report.generate_report()


def problem(outcome: Outcome) -> Problem:
    """The problem, after holding it against the rules of every problem."""
    assert isinstance(outcome, Problem), outcome
    assert outcome.title[0].islower() or outcome.title.split()[0].isupper() or outcome.title.startswith("S3 ")
    assert len(outcome.title) <= 80
    assert not outcome.title.endswith(".")
    assert outcome.explanation.endswith((".", "?"))
    assert 1 <= len(re.findall(r"\.(?= |$)", outcome.explanation)) <= 6
    assert outcome.evidence
    for evidence in outcome.evidence:
        assert _ID.search(evidence.text), f"no id in {evidence.text!r}"
        assert not evidence.text.endswith(".")
        assert evidence.resources
    assert outcome.culprit.id
    for fix in outcome.fixes:
        assert fix.account
        assert fix.region
        assert fix.text[0].islower()
        assert not fix.text.endswith(".")
        holes = "<" in str(fix.commands)
        assert holes == (fix.applicability == "fill-in")
        for command in fix.commands:
            if isinstance(command, AwsCommand):
                assert_valid(command)
            else:
                assert "aws " in command or command.startswith(("docker ", "sudo "))
    return outcome


def parameters(outcome: Problem, index: int = 0) -> dict[str, Any]:
    """The parameters of the first command of one fix."""
    command = outcome.fixes[index].commands[0]
    assert isinstance(command, AwsCommand)
    return command.parameters


def ok(outcome: Outcome) -> str:
    assert isinstance(outcome, Ok), outcome
    assert outcome.why
    return outcome.why


def missing(outcome: Outcome) -> tuple[str, ...]:
    assert isinstance(outcome, Undetermined), outcome
    assert outcome.missing
    return tuple(one.fact for one in outcome.missing)
