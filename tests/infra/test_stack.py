from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.role import TABLE_ACTIONS
from pull_doctor.delivery.incidents import LISTED, RETENTION
from pull_doctor.environment import Environment
from pull_doctor.facts import permissions
from pull_doctor.facts.aws import ReaderRole
from tests.infra.conftest import EVERY_SETTING, Synthesised, run_app

if TYPE_CHECKING:
    from pathlib import Path

READING = ("Describe", "Get", "List", "Simulate", "BatchGet", "Validate")
OWN_WRITES = {
    "dynamodb:PutItem": "AWS::DynamoDB::Table",
    "dynamodb:UpdateItem": "AWS::DynamoDB::Table",
    "s3:PutObject": "AWS::S3::Bucket",
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
    if "Fn::Join" in resource:  # an ARN below that of the resource
        resource = resource["Fn::Join"][1][0]
    name: str = resource["Ref"] if "Ref" in resource else resource["Fn::GetAtt"][0]
    return name


def below(resource: Any) -> str:
    """What an ARN adds to that of the resource that it lies in; nothing for the resource's own."""
    return str(resource["Fn::Join"][1][1]) if "Fn::Join" in resource else ""


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


def test_the_table_actions_are_on_the_table_and_a_query_also_on_its_index(bare: Synthesised) -> None:
    [table] = bare.resources("AWS::DynamoDB::Table")
    on_table = [(action, resource) for action, resource in granted(bare) if action.startswith("dynamodb:")]
    assert {referred(resource) for _, resource in on_table} == {table}
    assert {action for action, resource in on_table if not below(resource)} == set(TABLE_ACTIONS)
    assert [(action, below(resource)) for action, resource in on_table if below(resource)] == [
        ("dynamodb:Query", "/index/by-status")
    ]


def test_the_role_reads_and_writes_evidence_under_one_prefix_and_cannot_delete_it(bare: Synthesised) -> None:
    [bucket] = bare.resources("AWS::S3::Bucket")
    on_bucket = [(action, referred(resource), below(resource)) for action, resource in granted(bare) if "s3:" in action]
    assert on_bucket == [("s3:GetObject", bucket, "/incidents/*"), ("s3:PutObject", bucket, "/incidents/*")]


def test_the_role_publishes_to_the_topics_of_reports_not_to_the_operations_topic(
    bare: Synthesised, full: Synthesised
) -> None:
    for synthesised, outputs in ((bare, ["TopicArn"]), (full, ["TopicArn", "ChatTopicArn"])):
        topics = [referred(resource) for action, resource in granted(synthesised) if action == "sns:Publish"]
        assert topics == [synthesised.template["Outputs"][output]["Value"]["Ref"] for output in outputs]


def test_the_role_puts_events_on_the_one_bus_that_is_set(bare: Synthesised, full: Synthesised) -> None:
    assert [action for action, _ in granted(bare) if action.startswith("events:")] == []
    [(action, bus)] = [(action, resource) for action, resource in granted(full) if action.startswith("events:")]
    assert action == "events:PutEvents"
    assert bus["Fn::Join"][1] == [
        "arn:",
        {"Ref": "AWS::Partition"},
        ":events:",
        {"Ref": "AWS::Region"},
        ":",
        {"Ref": "AWS::AccountId"},
        ":event-bus/incidents",
    ]


def test_a_bus_that_is_set_by_its_arn_is_granted_as_it_is(tmp_path: Path) -> None:
    arn = "arn:aws:events:eu-west-1:111111111111:event-bus/team"
    assert run_app(tmp_path, {"event-bus": arn}).returncode == 0
    assert [resource for action, resource in granted(Synthesised(tmp_path)) if action == "events:PutEvents"] == [arn]


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
    assert environment.evidence_bucket == outputs["EvidenceBucketName"]["Value"]["Ref"]
    assert environment.chat_topic_arn == outputs["ChatTopicArn"]["Value"]["Ref"]
    assert environment.event_bus == "incidents"
    assert environment.reminder == 12 * 3600
    assert environment.mute_tag == ("pull-doctor", "muted")
    assert environment.owner_tag == "team"
    assert environment.slack_secret_name == "pull-doctor/slack"
    assert environment.switched_off == {"iam:SimulatePrincipalPolicy"}
    assert environment.registry.hosts == {"registry.example.com", "images.example.com"}
    assert environment.reader_roles == {
        "333333333333": ReaderRole("arn:aws:iam::333333333333:role/reader", "doctor-1"),
        "444444444444": ReaderRole("arn:aws:iam::444444444444:role/path/reader"),
    }


def test_what_is_not_set_is_not_in_the_environment(bare: Synthesised) -> None:
    variables = bare.only("AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables.keys() == {"TABLE_NAME", "TOPIC_ARN", "EVIDENCE_BUCKET", "POWERTOOLS_METRICS_NAMESPACE"}


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
    assert len(allowed) == len(targets) == len(rules) == 4


def test_the_function_is_asked_every_quarter_of_an_hour_what_is_over(bare: Synthesised) -> None:
    [rule] = [rule for rule in bare.resources("AWS::Events::Rule").values() if "ScheduleExpression" in rule]
    [function] = bare.resources("AWS::Lambda::Function")
    [target] = rule["Targets"]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(15 minutes)", "ENABLED")
    assert json.loads(target["Input"]) == {"pull-doctor": "sweep"}
    assert referred(target["Arn"]) == function


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


def test_the_index_lists_incidents_by_status_without_their_reports(bare: Synthesised) -> None:
    [index] = bare.only("AWS::DynamoDB::Table")["GlobalSecondaryIndexes"]
    keys = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
    assert (index["IndexName"], keys) == ("by-status", {"HASH": "status", "RANGE": "incident"})
    assert index["Projection"]["ProjectionType"] == "INCLUDE"
    assert sorted(index["Projection"]["NonKeyAttributes"]) == sorted(LISTED)


def test_the_evidence_is_private_and_expires_with_the_tables_items(bare: Synthesised) -> None:
    [name] = bare.resources("AWS::S3::Bucket")
    bucket = bare.only("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert rule == {"ExpirationInDays": RETENTION / 86400, "Status": "Enabled"}
    assert "VersioningConfiguration" not in bucket  # a version that is not current would not expire
    assert bare.template["Resources"][name]["DeletionPolicy"] == "Retain"


def test_everything_stored_is_encrypted(full: Synthesised) -> None:
    [key] = full.resources("AWS::KMS::Key")
    assert full.only("AWS::KMS::Key")["EnableKeyRotation"] is True
    topics = full.resources("AWS::SNS::Topic").values()
    assert [referred(topic["KmsMasterKeyId"]) for topic in topics] == [key] * 3
    assert full.only("AWS::DynamoDB::Table")["SSESpecification"] == {"SSEEnabled": True}
    [encryption] = full.only("AWS::S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    queues = full.resources("AWS::SQS::Queue").values()
    assert [(q["SqsManagedSseEnabled"], q["MessageRetentionPeriod"]) for q in queues] == [(True, 14 * 86400)] * 2


def test_queues_topics_and_bucket_refuse_plain_http(full: Synthesised) -> None:
    types = ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy")
    policies = [policy for type_ in types for policy in full.resources(type_).values()]
    refused = {"Bool": {"aws:SecureTransport": "false"}}
    closed = [p for p in policies if any(s.get("Condition") == refused for s in statements(p["PolicyDocument"]))]
    assert len(closed) == len(policies) == 6


# -- alarms and subscribers --------------------------------------------------------------------------------------------


def test_every_way_to_lose_a_report_has_an_alarm_to_the_operations_topic(bare: Synthesised) -> None:
    operations = bare.template["Outputs"]["OperationsTopicArn"]["Value"]["Ref"]
    alarms = bare.resources("AWS::CloudWatch::Alarm").values()
    assert sorted(alarm["MetricName"] for alarm in alarms) == [
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesVisible",
        "AsyncEventAge",
        "AsyncEventsDropped",
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


def test_mail_goes_to_every_address_from_both_topics_and_repeats_nothing_for_a_group(
    bare: Synthesised, full: Synthesised
) -> None:
    assert bare.resources("AWS::SNS::Subscription") == {}
    subscriptions = full.resources("AWS::SNS::Subscription").values()
    assert {(s["Protocol"], s["Endpoint"]) for s in subscriptions} == {("email", "on-call@example.com")}
    outputs = full.template["Outputs"]
    assert {referred(s["TopicArn"]): s.get("FilterPolicy") for s in subscriptions} == {
        outputs["TopicArn"]["Value"]["Ref"]: {"aside": [{"exists": False}]},
        outputs["OperationsTopicArn"]["Value"]["Ref"]: None,
    }


def test_the_dashboard_is_there_only_where_set_and_reads_what_the_function_counts(
    bare: Synthesised, full: Synthesised
) -> None:
    assert bare.resources("AWS::CloudWatch::Dashboard") == {}
    parts = full.only("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    widgets = json.loads("".join(part if isinstance(part, str) else next(iter(part)) for part in parts))["widgets"]
    shown = {widget["properties"]["title"]: widget["properties"]["metrics"] for widget in widgets}
    assert [metric[0]["expression"] for metric in shown["Reports by cause"]] == [
        "SEARCH('{PullDoctor,cause} MetricName=\"Reports\"', 'Sum')"
    ]
    named = {(metric[0], metric[1]) for metrics in shown.values() for metric in metrics if isinstance(metric[0], str)}
    assert {name for space, name in named if space == "PullDoctor"} == {
        "NotAPullFailure",
        "SecondsFromStopToReport",
        "Undelivered",
    }
    assert {name for space, name in named if space == "AWS/Lambda"} == {"Duration", "Errors", "Throttles"}
    assert len(shown["Events that wait in a queue"]) == 2


def test_subscriber_accounts_may_subscribe_to_the_reports_alone(full: Synthesised) -> None:
    policies = full.resources("AWS::SNS::TopicPolicy").values()
    allowed = [s for p in policies for s in statements(p["PolicyDocument"]) if s["Action"] == "sns:Subscribe"]
    assert len(allowed) == 1
    assert "222222222222" in json.dumps(allowed[0]["Principal"])
    assert allowed[0]["Resource"] == full.template["Outputs"]["TopicArn"]["Value"]


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_the_outputs_are_the_contracts_and_what_the_command_line_needs(bare: Synthesised, full: Synthesised) -> None:
    always = {
        "TopicArn": "AWS::SNS::Topic",
        "FunctionName": "AWS::Lambda::Function",
        "TableName": "AWS::DynamoDB::Table",
        "OperationsTopicArn": "AWS::SNS::Topic",
        "EvidenceBucketName": "AWS::S3::Bucket",
        "FailedQueueUrl": "AWS::SQS::Queue",
        "UnsentQueueUrl": "AWS::SQS::Queue",
    }
    sometimes = {"ChatTopicArn": "AWS::SNS::Topic", "FunctionRoleArn": "AWS::IAM::Role"}
    for synthesised, expected in ((bare, always), (full, always | sometimes)):
        outputs = {
            name: output
            for name, output in synthesised.template["Outputs"].items()
            if not name.startswith("RunInAccount")
        }
        types = {name: resource["Type"] for name, resource in synthesised.template["Resources"].items()}
        assert {name: types[referred(output["Value"])] for name, output in outputs.items()} == expected
        named = [referred(output["Value"]) for output in outputs.values()]
        assert len(set(named)) == len(named)


def test_the_queues_of_the_outputs_are_those_that_keep_events(bare: Synthesised) -> None:
    outputs = bare.template["Outputs"]
    invoke = bare.only("AWS::Lambda::EventInvokeConfig")
    failed = referred(invoke["DestinationConfig"]["OnFailure"]["Destination"])
    rules = bare.resources("AWS::Events::Rule").values()
    [unsent] = {referred(target["DeadLetterConfig"]["Arn"]) for rule in rules for target in rule["Targets"]}
    assert (outputs["FailedQueueUrl"]["Value"], outputs["UnsentQueueUrl"]["Value"]) == (
        {"Ref": failed},
        {"Ref": unsent},
    )


def test_the_template_names_no_account_and_no_region(bare: Synthesised) -> None:
    manifest = json.loads((bare.directory / "manifest.json").read_text("utf-8"))
    assert manifest["artifacts"]["PullDoctor"]["environment"] == "aws://unknown-account/unknown-region"


@pytest.mark.parametrize("settings", ["bare", "full"])
def test_cdk_nag_passes_and_each_acknowledgement_says_why(settings: str, request: pytest.FixtureRequest) -> None:
    synthesised: Synthesised = request.getfixturevalue(settings)
    report = json.loads((synthesised.directory / "validation-report.json").read_text("utf-8"))
    [nag] = report["pluginReports"]
    assert (nag["pluginName"], nag["violations"]) == ("AwsSolutions", [])
    [bucket] = synthesised.resources("AWS::S3::Bucket")
    acknowledged = {
        (rule["acknowledgedAt"], rule["acknowledgedId"].partition("::")[2]) for rule in nag["suppressedViolations"]
    }
    assert acknowledged == {
        ("PullDoctor/FailedEvents", "AwsSolutions-SQS3"),
        ("PullDoctor/UnsentEvents", "AwsSolutions-SQS3"),
        ("PullDoctor/Evidence/Bucket", "AwsSolutions-S1"),
        ("PullDoctor/Diagnoser/Role", "AwsSolutions-IAM5[Resource::*]"),
        ("PullDoctor/Diagnoser/Role", f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/incidents/*]"),
        ("PullDoctor/Diagnoser/Function", "AwsSolutions-L1"),
    }
    assert all(rule["reason"].endswith(".") for rule in nag["suppressedViolations"])


@pytest.mark.slow
def test_a_second_synthesis_is_the_same_to_the_byte(bare: Synthesised, tmp_path: Path) -> None:
    assert run_app(tmp_path, {}).returncode == 0
    name = "PullDoctor.template.json"
    assert (tmp_path / name).read_bytes() == (bare.directory / name).read_bytes()


def test_the_settings_of_this_test_are_all_there_are() -> None:
    from infra.settings import _PARSERS  # noqa: PLC0415 - private, and wanted here alone

    assert _PARSERS.keys() - EVERY_SETTING.keys() == {"exclude-clusters"}
