from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import Settings, SettingsError
from pull_doctor.facts.aws import ReaderRole
from pull_doctor.facts.registry.hosts import Registry
from tests.infra.conftest import EVERY_SETTING, run_app

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "333333333333"
ARN = f"arn:aws:iam::{ACCOUNT}:role/reader"


def test_nothing_needs_to_be_set_and_the_keys_of_the_cdk_pass() -> None:
    context = {"@aws-cdk/core:target-partitions": ["aws"], "aws:cdk:enable-path-metadata": True}
    assert Settings.from_context(context) == Settings()


def test_every_setting_is_read() -> None:
    settings = Settings.from_context(EVERY_SETTING)
    assert settings == Settings(
        alert_emails=("on-call@example.com",),
        subscriber_accounts=("222222222222",),
        slack_secret_name="pull-doctor/slack",
        include_clusters=("web", "jobs"),
        reader_roles={
            ACCOUNT: ReaderRole(ARN, "doctor-1"),
            "444444444444": ReaderRole("arn:aws:iam::444444444444:role/path/reader"),
        },
        switched_off_reads=("iam:SimulatePrincipalPolicy",),
        registry_probe=Registry(hosts=frozenset({"registry.example.com", "images.example.com"})),
        amazon_q_topic=True,
        event_bus="incidents",
        reminder_hours=12,
        mute_tag="pull-doctor=muted",
        owner_tag="team",
        dashboard=True,
    )


def test_values_of_the_command_line_are_text() -> None:
    settings = Settings.from_context(
        {
            "alert-emails": "a@example.com, b@example.com,a@example.com",
            "exclude-clusters": "sandbox",
            "registry-probe": "registry.example.com, images.example.com",
            "reader-roles": f'{{"{ACCOUNT}": {{"role-arn": "{ARN}"}}}}',
            "amazon-q-topic": "true",
            "dashboard": "false",
            "reminder-hours": "168",
        }
    )
    assert (settings.amazon_q_topic, settings.dashboard, settings.reminder_hours) == (True, False, 168)
    assert settings.alert_emails == ("a@example.com", "b@example.com")
    assert settings.exclude_clusters == ("sandbox",)
    assert settings.reader_roles == {ACCOUNT: ReaderRole(ARN)}
    assert settings.registry_probe == Registry(hosts=frozenset({"registry.example.com", "images.example.com"}))


@pytest.mark.parametrize(
    "bus", ["default", "team.a/b-c_1", f"arn:aws-cn:events:cn-north-1:{ACCOUNT}:event-bus/default"]
)
def test_a_bus_is_named_or_given_by_its_arn(bus: str) -> None:
    assert Settings.from_context({"event-bus": bus}).event_bus == bus


@pytest.mark.parametrize("tag", ["quiet", "quiet=", "aws:cloudformation:stack-name=a=b", "Größe = 7"])
def test_a_tag_may_hold_what_tags_may_hold(tag: str) -> None:
    assert Settings.from_context({"mute-tag": tag}).mute_tag == tag


def test_the_registry_client_can_be_switched_off() -> None:
    assert Settings.from_context({"registry-probe": "off"}).registry_probe == Registry(off=True)


@pytest.mark.parametrize(
    "host",
    [
        "https://registry.example.com",
        "registry.example.com:5000",
        "registry.example.com/team",
        "Registry.example.com",
        "*.example.com",
        "10.0.0.1",
        "[::1]",
        "localhost",
        "registry.example.com.",
        "-a.example.com",
        "a" * 64 + ".example.com",
        "off",
        "",
        7,
    ],
)
def test_only_the_name_of_a_host_is_a_registry(host: object) -> None:
    with pytest.raises(SettingsError, match=r"registry-probe.*host names.*\"off\" alone"):
        Settings.from_context({"registry-probe": [host]})


@pytest.mark.parametrize(
    ("context", "parts"),
    [
        ({"alert-emails": ["a@example.com", "on-call"]}, ["alert-emails", '"on-call"', "mail addresses"]),
        ({"alert-emails": 7}, ["alert-emails", "7", "a list of"]),
        ({"alert-emails": ["a@example.com\nBcc: b@example.com"]}, ["alert-emails", r"\nBcc"]),
        ({"subscriber-accounts": ["12345"]}, ["subscriber-accounts", '"12345"', "12-digit"]),
        ({"subscriber-accounts": [222222222222]}, ["subscriber-accounts", "222222222222", "in quotes"]),
        ({"slack-secret-name": "arn:aws:secretsmanager:eu-west-1:1:secret:x"}, ["slack-secret-name", "not the ARN"]),
        ({"slack-secret-name": ""}, ["slack-secret-name", '""']),
        ({"slack-secret-name": "*"}, ["slack-secret-name", '"*"']),
        ({"include-clusters": ["arn:aws:ecs:x:1:cluster/web"]}, ["include-clusters", "cluster names"]),
        ({"include-clusters": ["a"], "exclude-clusters": ["b"]}, ["exclude-clusters", '["b"]', "include-clusters"]),
        ({"reader-roles": "{"}, ["reader-roles", '"{"', "role-arn"]),
        ({"reader-roles": [ARN]}, ["reader-roles", ARN, "an object"]),
        ({"reader-roles": {"x": {"role-arn": ARN}}}, ["reader-roles.x", ARN]),
        ({"reader-roles": {ACCOUNT: {}}}, [f"reader-roles.{ACCOUNT}.role-arn", "null"]),
        ({"reader-roles": {ACCOUNT: {"role-arn": ARN, "extern-id": "x"}}}, [f"reader-roles.{ACCOUNT}", "extern-id"]),
        ({"reader-roles": {"444444444444": {"role-arn": ARN}}}, ["reader-roles.444444444444.role-arn", ARN]),
        ({"reader-roles": {ACCOUNT: {"role-arn": ARN, "external-id": "x"}}}, ["external-id", '"x"', "2 to 1224"]),
        ({"switched-off-reads": ["ec2:DescribeVpcs"]}, ["ec2:DescribeVpcs", "ecs:DescribeTaskDefinition"]),
        ({"registry-probe": False}, ["registry-probe", "false", '"off" alone']),
        ({"registry-probe": "on"}, ["registry-probe", '"on"', "host names"]),
        ({"registry-probe": ["off", "registry.example.com"]}, ["registry-probe", '"off"', '"off" alone']),
        ({"amazon-q-topic": "yes"}, ["amazon-q-topic", '"yes"', "true or false"]),
        ({"amazon-q-topic": 1}, ["amazon-q-topic", "1", "true or false"]),
        ({"dashboard": None}, ["dashboard", "null", "true or false"]),
        ({"event-bus": "*"}, ["event-bus", '"*"', "the name or ARN"]),
        ({"event-bus": "arn:aws:events:eu-west-1:1:event-bus/x"}, ["event-bus", "event-bus/x", "the name or ARN"]),
        ({"event-bus": ["default"]}, ["event-bus", '["default"]']),
        ({"reminder-hours": 0}, ["reminder-hours", "0", "from 1 to 168"]),
        ({"reminder-hours": "169"}, ["reminder-hours", '"169"', "from 1 to 168"]),
        ({"reminder-hours": 1.5}, ["reminder-hours", "1.5", "whole number"]),
        ({"reminder-hours": True}, ["reminder-hours", "true", "whole number"]),
        ({"mute-tag": "=x"}, ["mute-tag", '"=x"', "key=value"]),
        ({"mute-tag": ["a", "b"]}, ["mute-tag", '["a", "b"]']),
        ({"owner-tag": "team=a"}, ["owner-tag", '"team=a"', "the key of a tag"]),
        ({"owner-tag": "x" * 129}, ["owner-tag", "xxx"]),
        ({"alert-email": ["a@example.com"]}, ["alert-email", "a@example.com", "nearest is alert-emails"]),
        ({"zzz": 1}, ["zzz", "1", "slack-secret-name", "reader-roles"]),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_what_is_allowed(context: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_context(context)
    message = str(raised.value)
    assert "\n" not in message
    assert [part for part in parts if part not in message] == []


def test_a_wrong_value_ends_the_synthesis_with_one_line(tmp_path: Path) -> None:
    done = run_app(tmp_path, {"subscriber-accounts": "12345"})
    assert done.returncode == 1
    assert done.stdout == ""
    assert (
        done.stderr
        == 'pull-doctor: subscriber-accounts is "12345"; allowed: a list of 12-digit account ids in quotes\n'
    )
