from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.role import TABLE_ACTIONS
from pull_doctor.environment import Environment
from pull_doctor.facts import permissions
from pull_doctor.facts.aws import ReaderRole
from tests.infra.conftest import EVERY_SETTING, run_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesised

READING = ("Describe", "Get", "List", "Simulate", "BatchGet")
OWN_WRITES = {
    "dynamodb:PutItem": "AWS::DynamoDB::Table",
    "dynamodb:UpdateItem": "AWS::DynamoDB::Table",
    "sns:Publish": "AWS::SNS::Topic",
    "sqs:SendMessage": "AWS::SQS::Queue",
    "logs:CreateLogStream": "AWS::Logs::LogGroup",
    "logs:PutLogEvents": "AWS::Logs::LogGroup",
    "kms:Decrypt": "AWS::KMS::Key",
    "kms:GenerateDataKey": "AWS::KMS::Key",
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(synthesised: Synthesised) -> list[tuple[str, Any]]:
    return [
        (action, resource)
        for statement in synthesised.role_statements()
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]


def referred(resource: Any) -> str:
    """The logical id that ``Ref`` or ``Fn::GetAtt`` names."""
    name: str = resource["Ref"] if "Ref" in resource else resource["Fn::GetAtt"][0]
    return name


def granted_reads(synthesised: Synthesised) -> set[str]:
    return {action for action, resource in granted(synthesised) if resource == "*"}


def statements(document: Any) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = document["Statement"]
    return result


# -- the role ----------------------------------------------------------------------------------------------------------


def test_the_role_reads_what_the_readers_declare_and_nothing_more(bare: Synthesised) -> None:
    assert granted_reads(bare) == set(permissions.actions())


def test_no_action_is_a_wildcard_and_no_managed_policy_is_attached(full: Synthesised) -> None:
    assert [action for action, _ in granted(full) if "*" in action] == []
    assert "ManagedPolicyArns" not in full.only("AWS::IAM::Role")
    assert full.resources("AWS::IAM::Policy") == {}


def test_whatever_does_not_read_is_granted_on_the_stacks_own_resources(bare: Synthesised) -> None:
    types = {name: resource["Type"] for name, resource in bare.template["Resources"].items()}
    writes = [
        (action, resource)
        for action, resource in granted(bare)
        if not action.partition(":")[2].startswith(READING) and not action.startswith("dynamodb:Query")
    ]
    assert {action: types[referred(resource)] for action, resource in writes} == OWN_WRITES
    assert len(writes) == len(OWN_WRITES)


def test_the_table_actions_are_on_the_table_alone(bare: Synthesised) -> None:
    [table] = bare.resources("AWS::DynamoDB::Table")
    on_table = {action for action, resource in granted(bare) if action.startswith("dynamodb:")}
    assert on_table == set(TABLE_ACTIONS)
    assert {referred(resource) for action, resource in granted(bare) if action in TABLE_ACTIONS} == {table}


def test_the_role_publishes_to_the_report_topic_not_to_the_operations_topic(bare: Synthesised) -> None:
    [topic] = [referred(resource) for action, resource in granted(bare) if action == "sns:Publish"]
    assert topic == bare.template["Outputs"]["TopicArn"]["Value"]["Ref"]


def test_a_switched_off_read_is_not_granted(full: Synthesised) -> None:
    assert granted_reads(full) == set(permissions.actions()) - {"iam:SimulatePrincipalPolicy"}


def test_the_secret_and_the_reader_roles_are_granted_only_where_set(bare: Synthesised, full: Synthesised) -> None:
    assert {action for action, _ in granted(bare)} & {"secretsmanager:GetSecretValue", "sts:AssumeRole"} == set()
    [secret] = [resource for action, resource in granted(full) if action == "secretsmanager:GetSecretValue"]
    assert secret["Fn::Join"][1][-1] == ":secret:pull-doctor/slack-??????"
    assert [resource for action, resource in granted(full) if action == "sts:AssumeRole"] == [
        "arn:aws:iam::333333333333:role/reader",
        "arn:aws:iam::444444444444:role/path/reader",
    ]


# -- the function ------------------------------------------------------------------------------------------------------


def test_the_function_is_arm_python_outside_any_vpc(full: Synthesised) -> None:
    function = full.only("AWS::Lambda::Function")
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert "VpcConfig" not in function
    assert "ReservedConcurrentExecutions" not in function


def test_the_function_understands_the_environment_that_the_stack_gives_it(full: Synthesised) -> None:
    variables = full.only("AWS::Lambda::Function")["Environment"]["Variables"]
    text = {name: value if isinstance(value, str) else value["Ref"] for name, value in variables.items()}
    environment = Environment.read(text)
    outputs = full.template["Outputs"]
    assert environment.table_name == outputs["TableName"]["Value"]["Ref"]
    assert environment.topic_arn == outputs["TopicArn"]["Value"]["Ref"]
    assert environment.slack_secret_name == "pull-doctor/slack"
    assert environment.switched_off == {"iam:SimulatePrincipalPolicy"}
    assert environment.registry.hosts == {"registry.example.com", "images.example.com"}
    assert environment.reader_roles == {
        "333333333333": ReaderRole("arn:aws:iam::333333333333:role/reader", "doctor-1"),
        "444444444444": ReaderRole("arn:aws:iam::444444444444:role/path/reader"),
    }


def test_metrics_have_their_namespace_and_get_no_service_dimension(bare: Synthesised) -> None:
    variables = bare.only("AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "PullDoctor"
    assert "POWERTOOLS_SERVICE_NAME" not in variables  # Powertools would put it on every metric as a dimension


def test_an_event_that_fails_is_retried_twice_and_then_kept(bare: Synthesised) -> None:
    invoke = bare.only("AWS::Lambda::EventInvokeConfig")
    assert invoke["MaximumRetryAttempts"] == 2
    kept = referred(invoke["DestinationConfig"]["OnFailure"]["Destination"])
    [sent] = [referred(resource) for action, resource in granted(bare) if action == "sqs:SendMessage"]
    assert kept == sent


def test_an_event_that_cannot_be_handed_over_is_kept_in_a_queue_that_lets_the_rules_in(bare: Synthesised) -> None:
    rules = bare.resources("AWS::Events::Rule")
    targets = [target for rule in rules.values() for target in rule["Targets"]]
    [queue] = {referred(target["DeadLetterConfig"]["Arn"]) for target in targets}
    policies = [p for p in bare.resources("AWS::SQS::QueuePolicy").values() if referred(p["Queues"][0]) == queue]
    allowed = [s for p in policies for s in statements(p["PolicyDocument"]) if s["Effect"] == "Allow"]
    assert {(s["Principal"]["Service"], s["Action"]) for s in allowed} == {("events.amazonaws.com", "sqs:SendMessage")}
    assert len(allowed) == len(targets) == len(rules) == 2


def test_the_log_is_the_functions_own_and_does_not_grow_for_ever(bare: Synthesised) -> None:
    [log] = bare.resources("AWS::Logs::LogGroup")
    assert bare.only("AWS::Lambda::Function")["LoggingConfig"]["LogGroup"] == {"Ref": log}
    assert bare.only("AWS::Logs::LogGroup")["RetentionInDays"] == 30


# -- what is stored ----------------------------------------------------------------------------------------------------


def test_the_table_has_the_keys_that_delivery_writes(bare: Synthesised) -> None:
    table = bare.only("AWS::DynamoDB::Table")
    assert {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]} == {"HASH": "incident", "RANGE": "item"}
    assert {key["AttributeType"] for key in table["AttributeDefinitions"]} == {"S"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_everything_stored_is_encrypted(bare: Synthesised) -> None:
    [key] = bare.resources("AWS::KMS::Key")
    assert bare.only("AWS::KMS::Key")["EnableKeyRotation"] is True
    topics = bare.resources("AWS::SNS::Topic").values()
    assert [referred(topic["KmsMasterKeyId"]) for topic in topics] == [key, key]
    assert bare.only("AWS::DynamoDB::Table")["SSESpecification"] == {"SSEEnabled": True}
    queues = bare.resources("AWS::SQS::Queue").values()
    assert [(q["SqsManagedSseEnabled"], q["MessageRetentionPeriod"]) for q in queues] == [(True, 14 * 86400)] * 2


def test_queues_and_topics_refuse_plain_http(bare: Synthesised) -> None:
    policies = [*bare.resources("AWS::SQS::QueuePolicy").values(), *bare.resources("AWS::SNS::TopicPolicy").values()]
    refused = {"Bool": {"aws:SecureTransport": "false"}}
    closed = [p for p in policies if any(s.get("Condition") == refused for s in statements(p["PolicyDocument"]))]
    assert len(closed) == len(policies) == 4


# -- alarms and subscribers --------------------------------------------------------------------------------------------


def test_every_way_to_lose_a_report_has_an_alarm_to_the_operations_topic(bare: Synthesised) -> None:
    reports = bare.template["Outputs"]["TopicArn"]["Value"]["Ref"]
    [operations] = [name for name in bare.resources("AWS::SNS::Topic") if name != reports]
    alarms = bare.resources("AWS::CloudWatch::Alarm").values()
    assert sorted(alarm["MetricName"] for alarm in alarms) == [
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesVisible",
        "AsyncEventAge",
        "DestinationDeliveryFailures",
        "Errors",
        "Throttles",
        "Undelivered",
    ]
    assert [alarm["AlarmActions"] for alarm in alarms] == [[{"Ref": operations}]] * len(alarms)
    [undelivered] = [alarm for alarm in alarms if alarm["MetricName"] == "Undelivered"]
    assert undelivered["Namespace"] == "PullDoctor"
    assert "Dimensions" not in undelivered


def test_the_two_queue_alarms_watch_both_queues(bare: Synthesised) -> None:
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in bare.resources("AWS::CloudWatch::Alarm").values()
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    }
    assert watched == set(bare.resources("AWS::SQS::Queue"))


def test_cloudwatch_may_publish_alarms_through_the_key(bare: Synthesised) -> None:
    policies = [*bare.resources("AWS::SNS::TopicPolicy").values()]
    topics = [s for p in policies for s in statements(p["PolicyDocument"]) if s["Effect"] == "Allow"]
    keys = [s for s in statements(bare.only("AWS::KMS::Key")["KeyPolicy"]) if "Service" in s["Principal"]]
    of_this_account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    for statement in (*topics, *keys):
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert statement["Condition"] == of_this_account
    assert [s["Action"] for s in topics] == ["sns:Publish"]
    assert [s["Action"] for s in keys] == [["kms:Decrypt", "kms:GenerateDataKey*"]]


def test_mail_goes_to_every_address_from_both_topics(bare: Synthesised, full: Synthesised) -> None:
    assert bare.resources("AWS::SNS::Subscription") == {}
    subscriptions = full.resources("AWS::SNS::Subscription").values()
    assert {(s["Protocol"], s["Endpoint"]) for s in subscriptions} == {("email", "on-call@example.com")}
    assert {referred(s["TopicArn"]) for s in subscriptions} == set(full.resources("AWS::SNS::Topic"))


def test_subscriber_accounts_may_subscribe_to_the_reports_alone(full: Synthesised) -> None:
    policies = full.resources("AWS::SNS::TopicPolicy").values()
    allowed = [s for p in policies for s in statements(p["PolicyDocument"]) if s["Action"] == "sns:Subscribe"]
    assert len(allowed) == 1
    assert "222222222222" in json.dumps(allowed[0]["Principal"])
    assert allowed[0]["Resource"] == full.template["Outputs"]["TopicArn"]["Value"]


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_the_outputs_are_the_contracts(bare: Synthesised) -> None:
    outputs = bare.template["Outputs"]
    types = {name: resource["Type"] for name, resource in bare.template["Resources"].items()}
    assert {name: types[output["Value"]["Ref"]] for name, output in outputs.items()} == {
        "TopicArn": "AWS::SNS::Topic",
        "FunctionName": "AWS::Lambda::Function",
        "TableName": "AWS::DynamoDB::Table",
    }


def test_the_template_names_no_account_and_no_region(bare: Synthesised) -> None:
    manifest = json.loads((bare.directory / "manifest.json").read_text("utf-8"))
    assert manifest["artifacts"]["PullDoctor"]["environment"] == "aws://unknown-account/unknown-region"


@pytest.mark.parametrize("settings", ["bare", "full"])
def test_cdk_nag_passes_and_each_acknowledgement_says_why(settings: str, request: pytest.FixtureRequest) -> None:
    synthesised: Synthesised = request.getfixturevalue(settings)
    report = json.loads((synthesised.directory / "validation-report.json").read_text("utf-8"))
    [nag] = report["pluginReports"]
    assert (nag["pluginName"], nag["violations"]) == ("AwsSolutions", [])
    acknowledged = {
        (rule["acknowledgedAt"], rule["acknowledgedId"].partition("::")[2]) for rule in nag["suppressedViolations"]
    }
    assert acknowledged == {
        ("PullDoctor/FailedEvents", "AwsSolutions-SQS3"),
        ("PullDoctor/UnsentEvents", "AwsSolutions-SQS3"),
        ("PullDoctor/Diagnoser/Role", "AwsSolutions-IAM5[Resource::*]"),
        ("PullDoctor/Diagnoser/Function", "AwsSolutions-L1"),
    }
    assert all(rule["reason"].endswith(".") for rule in nag["suppressedViolations"])


def test_a_second_synthesis_is_the_same_to_the_byte(bare: Synthesised, tmp_path: Path) -> None:
    assert run_app(tmp_path, {}).returncode == 0
    name = "PullDoctor.template.json"
    assert (tmp_path / name).read_bytes() == (bare.directory / name).read_bytes()


def test_the_settings_of_this_test_are_all_there_are() -> None:
    from infra.settings import _PARSERS  # noqa: PLC0415 - private, and wanted here alone

    assert _PARSERS.keys() - EVERY_SETTING.keys() == {"exclude-clusters"}
