from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pull_doctor.facts import questions as q
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known, Unknown, Why
from pull_doctor.facts.store import SCHEMA, Saved, UnreadableFacts, dump, load
from pull_doctor.intake.image_reference import EcrRegistry, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Attachment, Earlier, Failure, Intake, Task
from pull_doctor.resource import Place
from tests.facts.answers_of_aws import CASES
from tests.facts.botocore_world import OWN_ACCOUNT, REGION
from tests.facts.case import NOON, NOON_IN_SEOUL

TASK = Task(
    "arn:aws:ecs:eu-west-1:111122223333:task/prod/1",
    "1",
    Place("aws", OWN_ACCOUNT, REGION),
    "prod",
    failed_at=NOON,
    attachment=Attachment("subnet-1", "eni-1", "10.0.0.9"),
)
HOST = f"{OWN_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
FAILURE = Failure(
    "app",
    "app",
    f"{HOST}/web:1",
    ImageReference(f"{HOST}/web:1", HOST, "web", "1", None, EcrRegistry(HOST, OWN_ACCOUNT, REGION, "aws")),
    'CannotPullContainerError: "ü" 한',
    Symptom("download", "network-timeout", address="52.217.1.1", port=443, explicit_deny=True),
)
INTAKE = Intake(TASK, (FAILURE,))
ALL = Answers(
    {
        **{case.question: Known(case.value) for case in CASES},
        q.OneSubnet(OWN_ACCOUNT, REGION, "subnet-gone"): Known(None),
        q.RunningTasks(OWN_ACCOUNT, REGION, "prod", None, "web"): Known(()),
        q.Subnets(OWN_ACCOUNT, REGION, "vpc-2"): Unknown("the subnets of vpc-2", "denied", "ec2:DescribeSubnets"),
    }
)


def test_every_kind_of_fact_comes_back_as_it_was() -> None:
    assert load(dump(INTAKE, ALL, NOON)) == Saved(INTAKE, ALL, NOON)


def test_what_an_earlier_task_showed_comes_back_and_may_be_missing() -> None:
    earlier = Earlier("arn:earlier", "ecs-svc/1", ("sg-1",), public_ip=True)
    intake = replace(INTAKE, task=replace(TASK, earlier=earlier))
    assert load(dump(intake, Answers(), NOON)).intake == intake
    before = json.loads(dump(INTAKE, Answers(), NOON))
    del before["intake"]["task"]["earlier"]
    assert load(json.dumps(before)).intake == INTAKE


def test_a_task_that_is_no_pull_failure_comes_back() -> None:
    intake = Intake(TASK, not_a_pull_failure="The task stopped by itself.")
    assert load(dump(intake, Answers(), NOON)).intake == intake


text = st.text(max_size=12)
some_text = st.none() | text
why: st.SearchStrategy[Why] = st.sampled_from(get_args(Why))
unknowns = st.builds(Unknown, text, why, some_text, some_text, some_text, some_text, some_text)
known = st.sampled_from([(case.question, Known(case.value)) for case in CASES])
asked = st.builds(q.Simulation, text, text, text, st.lists(text, max_size=3).map(tuple), text) | st.builds(
    q.EcrImageOf, text, text, text, text, some_text, some_text
)
moments = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))]),
)


@settings(max_examples=60)
@given(st.lists(known | st.tuples(asked, unknowns), max_size=6).map(dict), moments)
def test_whatever_is_saved_comes_back(facts: dict[Any, Any], read_at: datetime) -> None:
    assert load(dump(INTAKE, Answers(facts), read_at)) == Saved(INTAKE, Answers(facts), read_at)


OF_AN_IMAGE = ("size", "media_type", "artifact_type", "archived_at", "restored_at")
ADDED = {
    "Subnets": ("ipv6_cidr", "dns64", "gateway_block"),
    "OneSubnet": ("ipv6_cidr", "dns64", "gateway_block"),
    "OneInterface": ("ipv6",),
    "EndpointInterfaces": ("ipv6",),
    "VpcEndpoints": ("ip_type",),
    "NatGateways": ("route_table",),
    "OneVpc": ("ipv6_cidrs",),
    "OneService": ("task_sets", "digests"),
    "StartedWith": ("digests",),
    "OneContainerInstance": ("docker_version",),
    "OneTaskDefinition": ("storage",),
    "EcrImageOf": OF_AN_IMAGE,
    "EcrTagsOf": OF_AN_IMAGE,
    "Siblings": ("container_instance",),
    "OneRole": ("id", "tags"),
}
"""The members that facts saved by the first version do not have."""


def without(value: Any, members: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [without(one, members) for one in value]
    if isinstance(value, dict):
        return {name: without(one, members) for name, one in value.items() if name not in members}
    return value


def test_facts_saved_by_an_earlier_version_are_read() -> None:
    saved = json.loads(dump(INTAKE, ALL, NOON))
    saved["answers"] = [answer for answer in saved["answers"] if answer["question"] in ADDED and answer.get("known")]
    assert {answer["question"] for answer in saved["answers"]} == set(ADDED)
    for answer in saved["answers"]:
        before = json.dumps(answer)
        answer["known"] = without(answer["known"], ADDED[answer["question"]])
        assert json.dumps(answer) != before
    del saved["intake"]["task"]["storage"]
    assert len(load(json.dumps(saved)).answers) == len(saved["answers"])


def test_the_same_facts_give_the_same_bytes() -> None:
    backwards = Answers(dict(reversed(list(ALL))))
    assert dump(INTAKE, backwards, NOON_IN_SEOUL) == dump(INTAKE, ALL, NOON)


def test_times_are_written_in_utc() -> None:
    assert json.loads(dump(INTAKE, Answers(), NOON_IN_SEOUL))["read-at"] == "2026-11-20T12:00:00Z"


def test_the_schema_is_named() -> None:
    assert json.loads(dump(INTAKE, Answers(), NOON))["schema"] == SCHEMA == "pull-doctor/facts/1"


def damaged(**changes: Any) -> str:
    return json.dumps(json.loads(dump(INTAKE, ALL, NOON)) | changes)


@pytest.mark.parametrize(
    ("saved", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "schema None, not 'pull-doctor/facts/1'"),
        ("3", "schema None"),
        ('{"schema": "pull-doctor/report/1"}', "schema 'pull-doctor/report/1', not 'pull-doctor/facts/1'"),
        (damaged(schema="pull-doctor/facts/2"), "schema 'pull-doctor/facts/2'"),
        ('{"schema": "pull-doctor/facts/1"}', "damaged"),
        (damaged(intake={}), "damaged"),
        (damaged(intake=None), "damaged"),
        (damaged(answers={"a": 1}), "damaged"),
        (damaged(answers=[{"question": "Weather", "of": {}, "known": 1}]), "Weather"),
        (damaged(answers=[{"question": "DnsSupport", "of": {}, "known": True}]), "damaged"),
        (damaged(**{"read-at": "yesterday"}), "yesterday"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(saved: str, says: str) -> None:
    with pytest.raises(UnreadableFacts, match=says) as refused:
        load(saved)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("kind", "value"),
    [("DnsSupport", "true"), ("DnsSupport", 1), ("DnsSupport", None), ("RepositoryPolicy", 3), ("Subnets", None)],
)
def test_a_value_of_another_type_is_refused(kind: str, value: Any) -> None:
    saved = json.loads(dump(INTAKE, ALL, NOON))
    answer = next(answer for answer in saved["answers"] if answer["question"] == kind and "known" in answer)
    answer["known"] = value
    with pytest.raises(UnreadableFacts):
        load(json.dumps(saved))


def test_a_fact_that_is_neither_known_nor_unknown_is_refused() -> None:
    saved = json.loads(dump(INTAKE, ALL, NOON))
    saved["answers"][0] = {"question": "DnsSupport", "of": {"account": "1", "region": "r", "vpc": "v"}, "guessed": True}
    with pytest.raises(UnreadableFacts):
        load(json.dumps(saved))
