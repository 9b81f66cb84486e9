"""Whole texts, listed in ``symptom_texts.txt``, and what ECS, AWS Batch, and the console put around them."""

import re
from pathlib import Path

import pytest

from pull_doctor.intake.symptoms import read_symptom

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PULL = "CannotPullContainerError: "
REF = "pull image manifest has been retried 7 time(s): failed to resolve ref "

LINES = (Path(__file__).parent / "symptom_texts.txt").read_text(encoding="utf-8").splitlines()
ROWS = [line.split(" ", 2) for line in LINES if line and not line.startswith("#")]
"""Kind, phase, and text of each."""
NAMED = [text for _, _, text in ROWS if text.startswith(("CannotPull", "ResourceInit", "DockerTimeout", "ECS was"))]
BEFORE = (
    "(service web) was unable to place a task. Reason: ",
    "(service web) (deployment ecs-svc/1234567890123456789) was unable to place a task. Reason: ",
    "service web was unable to place a task. Reason: ",
    "(service web, taskSet ecs-svc/1234567890123456789) failed to launch a task with (error ",
    "Task failed to start - ",
    "TaskFailedToStart: ",
    "Status reason: ",
    "STOPPED (",
)


@pytest.mark.parametrize(("kind", "phase", "text"), ROWS)
def test_a_listed_text(kind: str, phase: str, text: str) -> None:
    symptom = read_symptom(text)
    assert (symptom.kind, symptom.phase) == (kind, phase)


@pytest.mark.parametrize("before", BEFORE)
def test_what_ecs_or_batch_puts_before_a_text_changes_nothing(before: str) -> None:
    for text in NAMED:
        assert read_symptom(before + text) == read_symptom(text), text


def test_an_error_name_said_twice_changes_nothing() -> None:
    for text in NAMED:
        name = text.partition(": ")[0] if "Error: " in text else "CannotPullContainerError"
        assert read_symptom(f"{name}: {text}") == read_symptom(text)


@pytest.mark.parametrize("retries", ["1", "5", "12"])
def test_the_number_of_retries_changes_nothing(retries: str) -> None:
    for text in NAMED:
        other = re.sub(r"retried \d+ time", f"retried {retries} time", text)
        assert read_symptom(other) == read_symptom(text)


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        ("context canceled", "network-timeout"),
        ("no space left on device", "disk-full"),
        ("no basic auth credentials", "auth-missing-credentials"),
        ("403 Forbidden", "registry-access-denied"),
        ("KmsError", "kms-denied"),
        ("x509: certificate signed by unknown authority", "tls-failure"),
        ("dial tcp 52.95.1.1:443: i/o timeout", "network-timeout"),
        ("dial tcp: lookup registry-1.docker.io: no such host", "dns-failure"),
        ("dial tcp 10.0.0.5:5432: connect: connection refused", "not-a-pull-failure"),
    ],
)
def test_a_bare_text_is_a_pulls_only_if_aws_lists_it_so(hint: str, kind: str) -> None:
    assert read_symptom(hint).kind == kind


@pytest.mark.parametrize(
    ("cut", "kind"),
    [(255, "other-pull-failure"), (380, "network-timeout"), (1024, "network-timeout")],
)
def test_a_cut_text_says_no_more_than_what_is_left(cut: int, kind: str) -> None:
    long = f"{HOST}/{'team/' * 20}web:1"
    text = f"{PULL}{REF}{long}: failed to do request: Head https://{HOST}/v2/web/manifests/1: i/o timeout"
    symptom = read_symptom(text[:cut])
    assert (symptom.kind, symptom.phase) == (kind, "resolve")
    assert symptom.host == (None if cut == 255 else HOST)
