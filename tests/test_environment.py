from __future__ import annotations

import pytest

from pull_doctor.environment import BrokenEnvironmentError, Environment
from pull_doctor.facts.aws import ReaderRole
from pull_doctor.facts.registry.hosts import Registry

LEAST = {
    "TABLE_NAME": "table",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:reports",
    "EVIDENCE_BUCKET": "bucket",
}


def test_only_table_topic_and_bucket_are_needed() -> None:
    assert Environment.read(LEAST) == Environment("table", LEAST["TOPIC_ARN"], "bucket")
    assert Environment.read(LEAST).reminder == 6 * 3600


def test_every_variable_is_read() -> None:
    environment = Environment.read(
        LEAST
        | {
            "SLACK_SECRET_NAME": "team/slack",
            "CHAT_TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:chat",
            "EVENT_BUS": "team",
            "REMINDER_HOURS": "2",
            "MUTE_TAG": "pull-doctor=muted",
            "OWNER_TAG": "team",
            "READER_ROLES": '{"444455556666": {"role-arn": "arn:aws:iam::444455556666:role/r", "external-id": "x"},'
            ' "777788889999": {"role-arn": "arn:aws:iam::777788889999:role/r"}}',
            "SWITCHED_OFF": "iam:SimulatePrincipalPolicy, ecs:DescribeTaskDefinition,",
            "REGISTRY_PROBE": "registry.example.com,images.example.com",
        }
    )
    assert environment.slack_secret_name == "team/slack"
    assert environment.chat_topic_arn == "arn:aws:sns:eu-west-1:111122223333:chat"
    assert environment.event_bus == "team"
    assert environment.reminder == 7200
    assert environment.mute_tag == ("pull-doctor", "muted")
    assert environment.owner_tag == "team"
    assert environment.reader_roles == {
        "444455556666": ReaderRole("arn:aws:iam::444455556666:role/r", "x"),
        "777788889999": ReaderRole("arn:aws:iam::777788889999:role/r"),
    }
    assert environment.switched_off == {"iam:SimulatePrincipalPolicy", "ecs:DescribeTaskDefinition"}
    assert environment.registry == Registry(hosts=frozenset({"registry.example.com", "images.example.com"}))


def test_the_registry_client_can_be_switched_off() -> None:
    assert Environment.read(LEAST | {"REGISTRY_PROBE": "off"}).registry == Registry(off=True)


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    optional = (
        "SLACK_SECRET_NAME",
        "CHAT_TOPIC_ARN",
        "EVENT_BUS",
        "REMINDER_HOURS",
        "MUTE_TAG",
        "OWNER_TAG",
        "READER_ROLES",
        "SWITCHED_OFF",
        "REGISTRY_PROBE",
    )
    assert Environment.read(LEAST | dict.fromkeys(optional, "")) == Environment.read(LEAST)


@pytest.mark.parametrize(
    ("text", "tag"),
    [("quiet", ("quiet", None)), ("quiet=", ("quiet", "")), ("a:b=c=d", ("a:b", "c=d")), ("", None)],
)
def test_a_tag_has_a_key_and_perhaps_a_value(text: str, tag: tuple[str, str | None] | None) -> None:
    assert Environment.read(LEAST | {"MUTE_TAG": text}).mute_tag == tag


def test_broken_hours_are_one_line() -> None:
    with pytest.raises(BrokenEnvironmentError, match=r"^REMINDER_HOURS is not a whole number$"):
        Environment.read(LEAST | {"REMINDER_HOURS": "6h"})


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    variables = {**LEAST, name: value} if value is not None else {key: LEAST[key] for key in LEAST if key != name}
    with pytest.raises(BrokenEnvironmentError, match=f"^the environment variable {name} is not set$"):
        Environment.read(variables)


@pytest.mark.parametrize("roles", ["{", "[]", "1", '{"444455556666": {}}', '{"444455556666": "arn"}', '{"4": null}'])
def test_broken_reader_roles_are_one_line(roles: str) -> None:
    with pytest.raises(BrokenEnvironmentError) as raised:
        Environment.read(LEAST | {"READER_ROLES": roles})
    assert str(raised.value).startswith("READER_ROLES is not a JSON object")
    assert "\n" not in str(raised.value)
