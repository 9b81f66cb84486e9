"""Both doors: the task as it is told, lenient about shape, strict about what it is."""

from datetime import UTC, datetime
from typing import Any
from unicodedata import category

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pull_doctor.intake.event import NotAnEcsTaskEvent, read_described_task, read_event
from pull_doctor.intake.task import Attachment, Intake
from pull_doctor.resource import Place
from tests.intake.stopped_tasks import (
    DOORS,
    NOT_FOUND,
    TASK_ARN,
    TASK_ID,
    Door,
    container,
    ec2_task,
    event,
    fargate_task,
    read,
)

MARKER = "planted-secret"


def is_one_clean_line(text: str) -> bool:
    return len(text.splitlines()) <= 1 and not any(category(character) in ("Cc", "Cs") for character in text)


@pytest.mark.parametrize("door", DOORS)
def test_the_task_as_told(door: Door) -> None:
    task = read(door, fargate_task()).task
    assert (task.arn, task.id, task.cluster) == (TASK_ARN, TASK_ID, "shop")
    assert task.place == Place("aws", "123456789012", "eu-west-1")
    assert (task.group, task.service, task.started_by) == ("service:web", "web", "ecs-svc/4242424242")
    assert task.task_definition == "arn:aws:ecs:eu-west-1:123456789012:task-definition/web-app:87"
    assert task.family == "web-app"
    assert (task.launch_type, task.platform_version, task.platform_family) == ("FARGATE", "1.4.0", "Linux")
    assert (task.capacity_provider, task.container_instance) == (None, None)
    assert (task.cpu_architecture, task.storage) == ("arm64", 60)
    assert (task.stop_code, task.stopped_reason) == ("TaskFailedToStart", NOT_FOUND)
    assert task.failed_at == datetime(2026, 11, 1, 10, 7, 0, 710000, tzinfo=UTC)
    assert task.attachment == Attachment(subnet="subnet-0a1", interface="eni-0b2", private_ip="10.0.1.9")


@pytest.mark.parametrize("door", DOORS)
def test_what_is_not_told_stays_unknown(door: Door) -> None:
    bare = {"taskArn": TASK_ARN, "stoppedReason": NOT_FOUND}
    task = read(door, bare).task
    assert task.cluster == "shop"
    assert (task.launch_type, task.group, task.service, task.family, task.attachment) == (None,) * 5
    assert (task.platform_version, task.cpu_architecture, task.execution_role_override) == (None,) * 3
    assert task.storage is None


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "told", [None, [], "20", {}, *({"sizeInGiB": size} for size in (None, "20", 20.5, 0, -1, True, [20]))], ids=str
)
def test_storage_is_a_number_of_gib_or_not_known(door: Door, told: object) -> None:
    assert read(door, fargate_task(ephemeralStorage=told)).task.storage is None


@pytest.mark.parametrize("door", DOORS)
def test_an_early_failure_knows_only_its_subnet(door: Door) -> None:
    details = [{"name": "subnetId", "value": "subnet-0a1"}]
    attachments = [{"id": "a", "type": "eni", "status": "PRECREATED", "details": details}]
    assert read(door, fargate_task(attachments=attachments)).task.attachment == Attachment(subnet="subnet-0a1")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("masked", ["10.0.x.x", "[private]", "10.0.1.9/24"])
def test_an_address_that_is_none_is_not_known(door: Door, masked: str) -> None:
    details = [{"name": "subnetId", "value": "subnet-0a1"}, {"name": "privateIPv4Address", "value": masked}]
    attachments = [{"id": "a", "type": "eni", "details": details}]
    assert read(door, fargate_task(attachments=attachments)).task.attachment == Attachment(subnet="subnet-0a1")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("group", "service"),
    [("service:web", "web"), ("family:web-app", None), ("nightly service:web", None), ("service:", None), (None, None)],
)
def test_only_a_service_group_names_a_service(door: Door, group: str | None, service: str | None) -> None:
    assert read(door, fargate_task(group=group)).task.service == service


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({}, datetime(2026, 11, 1, 10, 7, 0, 710000, tzinfo=UTC)),
        ({"stoppedAt": None}, datetime(2026, 11, 1, 10, 6, tzinfo=UTC)),
        ({"stoppedAt": "2026-11-01T19:07:00+09:00"}, datetime(2026, 11, 1, 10, 7, tzinfo=UTC)),
        (
            {"stoppedAt": None, "stoppingAt": None, "executionStoppedAt": "2026-11-01T10:05:00Z"},
            datetime(2026, 11, 1, 10, 5, tzinfo=UTC),
        ),
    ],
)
def test_when_it_failed(door: Door, times: dict[str, Any], expected: datetime) -> None:
    failed_at = read(door, fargate_task(**times)).task.failed_at
    assert failed_at == expected
    assert failed_at.tzinfo is UTC


def test_an_event_without_times_failed_when_it_was_sent() -> None:
    detail = fargate_task(stoppedAt="yesterday", stoppingAt=17)
    assert read_event(event(detail)).task.failed_at == datetime(2026, 11, 1, 10, 7, 1, tzinfo=UTC)
    assert read_described_task(detail).task.failed_at is None


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("arn", "place", "cluster"),
    [
        ("arn:aws-cn:ecs:cn-north-1:123456789012:task/c/1a", Place("aws-cn", "123456789012", "cn-north-1"), "shop"),
        (
            "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:task/c/1a",
            Place("aws-us-gov", "123456789012", "us-gov-west-1"),
            "shop",
        ),
        (
            "arn:aws-eusc:ecs:eusc-de-east-1:123456789012:task/1a",
            Place("aws-eusc", "123456789012", "eusc-de-east-1"),
            "shop",
        ),
    ],
)
def test_the_arn_says_where(door: Door, arn: str, place: Place, cluster: str) -> None:
    task = read(door, fargate_task(taskArn=arn)).task
    assert (task.place, task.id, task.cluster) == (place, "1a", cluster)


@pytest.mark.parametrize("door", DOORS)
def test_a_role_given_at_the_run_is_kept_and_nothing_else_of_the_overrides(door: Door) -> None:
    role = "arn:aws:iam::123456789012:role/other-execution"
    environment = [{"name": "TOKEN", "value": MARKER}]
    overrides = {
        "executionRoleArn": role,
        "containerOverrides": [{"name": "web", "command": [MARKER], "environment": environment}],
    }
    intake = read(door, fargate_task(container(environment=environment, command=[MARKER]), overrides=overrides))
    assert intake.task.execution_role_override == role
    assert MARKER not in repr(intake)


@pytest.mark.parametrize("door", DOORS)
def test_signed_urls_and_credentials_stay_outside(door: Door) -> None:
    text = f'CannotPullContainerError: Get "https://u:{MARKER}@a.example/x?X-Amz-Signature={MARKER}": EOF'
    detail = ec2_task(
        container(image=f"https://u:{MARKER}@a.example/web", reason=text), startedBy=f"https://u:{MARKER}@ci.example"
    )
    intake = read(door, detail | {"stoppedReason": text})
    assert intake.failures
    assert MARKER not in repr(intake)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        "text",
        {},
        {"detail-type": "ECS Task State Change"},
        {"detail-type": "ECS Task State Change", "detail": []},
        {"detail-type": "ECS Service Action", "detail": fargate_task()},
        {"detail-type": ["ECS Task State Change"], "detail": fargate_task()},
        {"detail": fargate_task()},
        event({}),
        event(fargate_task(taskArn=7)),
        event(fargate_task(taskArn="")),
        event(fargate_task(taskArn=TASK_ID)),
        event(fargate_task(taskArn=f"{TASK_ARN}\n")),
        event(fargate_task(taskArn="arn:aws:ecs:eu-west-1:123456789012:service/shop/web")),
        event(fargate_task(taskArn="\x1b[31m\nSTART x\u2028y" + "a" * 1_000_000)),
    ],
)
def test_what_is_no_task_event_is_said_in_one_line(bad: Any) -> None:
    with pytest.raises(NotAnEcsTaskEvent) as refused:
        read_event(bad)
    message = str(refused.value)
    assert is_one_clean_line(message)
    assert 0 < len(message) < 300


@pytest.mark.parametrize("bad", [None, [], {}, {"taskArn": "arn:aws:s3:::bucket"}])
def test_what_is_no_described_task_is_said_in_one_line(bad: Any) -> None:
    with pytest.raises(NotAnEcsTaskEvent) as refused:
        read_described_task(bad)
    assert is_one_clean_line(str(refused.value))


@pytest.mark.parametrize("door", DOORS)
def test_members_of_a_wrong_type_are_absent(door: Door) -> None:
    detail = fargate_task(
        *[{"name": ["web"], "image": 7, "exitCode": True, "reason": {"text": "x"}}],
        group=7,
        startedBy={"a": 1},
        overrides=[],
        attributes={"name": "ecs.cpu-architecture", "value": "arm64"},
        startedAt=0,
        clusterArn=None,
        stopCode=["UserInitiated"],
    )
    intake = read(door, detail)
    assert (intake.task.group, intake.task.started_by, intake.task.cpu_architecture) == (None, None, None)
    assert [failure.container for failure in intake.failures] == ["unknown"]


NASTY = st.sampled_from(
    [
        "<!channel> @here",
        "\x1b[31mred\x1b[0m",
        "$(reboot) `id`",
        "[/x]",
        NOT_FOUND[:60],
        NOT_FOUND,
        "",
        "\ud83d",
        "a" * 9000,
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | NASTY | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CONTAINER_MEMBERS = ("name", "image", "reason", "exitCode", "imageDigest", "runtimeId", "containerArn")
TASK_MEMBERS = (
    "attributes",
    "clusterArn",
    "desiredStatus",
    "group",
    "launchType",
    "overrides",
    "startedAt",
    "startedBy",
    "stopCode",
    "stoppedAt",
    "stoppedReason",
    "taskDefinitionArn",
)
CONTAINERS = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(CONTAINER_MEMBERS, VALUES)) | VALUES, max_size=3)
DETAILS = st.fixed_dictionaries(
    {"taskArn": st.just(TASK_ARN)},
    optional={
        "containers": CONTAINERS | VALUES,
        "attachments": st.lists(st.fixed_dictionaries({"type": st.just("eni"), "details": VALUES})) | VALUES,
        **dict.fromkeys(TASK_MEMBERS, VALUES),
    },
)


def is_whole(intake: Intake) -> bool:
    reason = intake.not_a_pull_failure
    ids = [failure.id for failure in intake.failures]
    return (
        bool(ids) == (reason is None)
        and len(set(ids)) == len(ids)
        and all(failure.container and is_one_clean_line(failure.message) for failure in intake.failures)
        and (reason is None or (is_one_clean_line(reason) and reason.endswith(".")))
    )


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(DETAILS)
def test_any_task_is_read_whole(detail: dict[str, Any]) -> None:
    assert is_whole(read_event(event(detail)))
    assert is_whole(read_described_task(detail))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, VALUES, VALUES)
def test_any_json_is_read_or_refused(anything: Any, detail: Any, arn: Any) -> None:
    for odd in (anything, event(detail), event({"taskArn": arn})):
        try:
            said = read_event(odd).not_a_pull_failure or ""
        except NotAnEcsTaskEvent as refused:
            said = str(refused)
        assert is_one_clean_line(said)


@pytest.mark.parametrize("door", DOORS)
def test_a_text_of_a_megabyte_is_cut(door: Door) -> None:
    intake = read(door, fargate_task(stoppedReason=NOT_FOUND + " and so on" * 100_000, group="g" * 1_000_000))
    assert len(intake.failures[0].message) < 10_000
    assert len(repr(intake.task)) < 40_000


UNASSUMED = (
    "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web-execution' that was provided for this "
    "task. Please verify that the role being passed has the proper trust relationship and permissions."
)


def service_action(**more: Any) -> dict[str, Any]:
    """What ECS says of a service whose tasks it cannot start."""
    event: dict[str, Any] = {
        "id": "5c1f0a7e-1111-4222-8333-444455556666",
        "detail-type": "ECS Service Action",
        "source": "aws.ecs",
        "time": "2026-11-03T09:30:00Z",
        "resources": ["arn:aws:ecs:eu-west-1:123456789012:service/prod/web"],
        "detail": {
            "eventType": "ERROR",
            "eventName": "SERVICE_TASK_CONFIGURATION_FAILURE",
            "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod",
            "createdAt": "2026-11-03T09:29:58Z",
            "reason": UNASSUMED,
        },
    }
    return event | more


def test_a_role_that_ecs_could_not_assume_is_a_failure_of_the_service() -> None:
    intake = read_event(service_action())
    task = intake.task
    assert (task.arn, task.id) == (None, "5c1f0a7e-1111-4222-8333-444455556666")
    assert (task.place.account, task.cluster, task.service) == ("123456789012", "prod", "web")
    assert str(task.failed_at) == "2026-11-03 09:29:58+00:00"
    (failure,) = intake.failures
    assert (failure.symptom.kind, failure.image) == ("role-assume-failure", None)
    assert failure.symptom.principal == "arn:aws:iam::123456789012:role/web-execution"


@pytest.mark.parametrize("reason", ["(service web) was unable to place a task: tags are not allowed", None, 5])
def test_any_other_action_of_a_service_is_no_pull_failure(reason: object) -> None:
    intake = read_event(service_action(detail={"eventName": "SERVICE_TASK_CONFIGURATION_FAILURE", "reason": reason}))
    assert intake.failures == ()
    assert intake.not_a_pull_failure == "Service web: SERVICE_TASK_CONFIGURATION_FAILURE does not speak of a role."


@pytest.mark.parametrize("resources", [None, [], ["arn:aws:ecs:eu-west-1:123456789012:task/x"], "text", [5]])
def test_an_action_of_no_service_is_refused(resources: object) -> None:
    with pytest.raises(NotAnEcsTaskEvent, match="ECS service"):
        read_event(service_action(resources=resources))


def test_a_service_action_without_a_detail_names_no_failure() -> None:
    assert read_event(service_action(detail=None)).failures == ()
