from __future__ import annotations

import pytest

from pull_doctor.facts.aws import ReaderRole
from pull_doctor.settings import Settings, SettingsError

LEAST = {"TABLE_NAME": "table", "TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:reports"}


def test_only_table_and_topic_are_needed() -> None:
    assert Settings.from_environment(LEAST) == Settings("table", LEAST["TOPIC_ARN"])


def test_every_setting_is_read() -> None:
    settings = Settings.from_environment(
        LEAST
        | {
            "SLACK_SECRET_NAME": "team/slack",
            "READER_ROLES": '{"444455556666": {"role-arn": "arn:aws:iam::444455556666:role/r", "external-id": "x"},'
            ' "777788889999": {"role-arn": "arn:aws:iam::777788889999:role/r"}}',
            "SWITCHED_OFF": "iam:SimulatePrincipalPolicy, ecs:DescribeTaskDefinition,",
        }
    )
    assert settings.slack_secret_name == "team/slack"
    assert settings.reader_roles == {
        "444455556666": ReaderRole("arn:aws:iam::444455556666:role/r", "x"),
        "777788889999": ReaderRole("arn:aws:iam::777788889999:role/r"),
    }
    assert settings.switched_off == {"iam:SimulatePrincipalPolicy", "ecs:DescribeTaskDefinition"}


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    empty = LEAST | {"SLACK_SECRET_NAME": "", "READER_ROLES": "", "SWITCHED_OFF": ""}
    assert Settings.from_environment(empty) == Settings.from_environment(LEAST)


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {**LEAST, name: value} if value is not None else {key: LEAST[key] for key in LEAST if key != name}
    with pytest.raises(SettingsError, match=f"^the environment variable {name} is not set$"):
        Settings.from_environment(environment)


@pytest.mark.parametrize("roles", ["{", "[]", "1", '{"444455556666": {}}', '{"444455556666": "arn"}', '{"4": null}'])
def test_broken_reader_roles_are_one_line(roles: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment(LEAST | {"READER_ROLES": roles})
    assert str(raised.value).startswith("READER_ROLES is not a JSON object")
    assert "\n" not in str(raised.value)
