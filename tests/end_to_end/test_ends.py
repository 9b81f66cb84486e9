"""How an incident ends, through the deployed stack: ECS settles or is asked, and every sink hears of it once.

Every call of the function is held against the policy of its role.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo.slack import loopback_slack, shown
from tests.emulated.aws import EmulatedAws, emulated_aws
from tests.emulated.deployment import deploy, synthesise
from tests.emulated.fixtures import MUTE_TAG, OWNER_TAG, SLACK_SECRET
from tests.end_to_end.life import MAIL, Stack
from tests.worlds import World, build

HOURS = 60 * 60
SETTINGS = {
    "slack-secret-name": SLACK_SECRET,
    "alert-emails": [MAIL],
    "event-bus": "default",
    "mute-tag": f"{MUTE_TAG}=muted",
    "owner-tag": OWNER_TAG,
}


def _queue(aws: EmulatedAws, name: str) -> tuple[str, str]:
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, as a sweep looks after every open incident; its Slack is a bot's."""
    with emulated_aws() as aws, loopback_slack() as slack:
        aws.client("secretsmanager").create_secret(Name=SLACK_SECRET, SecretString=slack.bot)
        deployed = deploy(aws, synthesise(tmp_path_factory.mktemp("cloud") / "assembly", SETTINGS))
        aws.hold(deployed.role)
        topic, topic_arn = _queue(aws, "reports")
        aws.client("sns").subscribe(TopicArn=deployed.topic, Protocol="sqs", Endpoint=topic_arn)
        bus, bus_arn = _queue(aws, "bus")
        events = aws.client("events")
        events.put_rule(Name="reports", EventPattern=json.dumps({"source": ["pull-doctor"]}))
        events.put_targets(Rule="reports", Targets=[{"Id": "queue", "Arn": bus_arn}])
        yield Stack(aws, deployed, slack, topic, bus)


@pytest.fixture(autouse=True)
def _nothing_refused(stack: Stack) -> Iterator[None]:
    """No test may need a right that the role has not."""
    before = len(stack.aws.calls)
    yield
    refused = [call for call in stack.aws.calls[before:] if call.status == 403 and stack.deployed.role in call.caller]
    assert refused == []


def _broken(stack: Stack, name: str = "s3-endpoint-missing") -> World:
    """A world whose failure has been reported."""
    world = build(stack.aws, name)
    stack.put(*world.events)
    assert stack.statuses(world) == ["open"]
    return world


def _rolled_out(stack: Stack, image: str | None = None) -> World:
    """A world whose first revision runs, and whose second one fails and has been reported."""
    world = build(stack.aws, "s3-endpoint-missing")
    world.add_old_task()
    world.builder.settle()
    world.deploy(image)
    world.relaunch()
    stack.put(*world.events)
    assert stack.statuses(world) == ["open"]
    return world


def test_a_service_that_recovered_is_told_to_every_sink_with_what_differs(stack: Stack) -> None:
    world = _broken(stack)
    stack.put(*world.fail_again(4))
    world.mend()
    task = world.recover()
    stack.put(world.steady_state, world.deployment_completed, world.steady_state)

    first, last = stack.reports(world)
    incident = last["incident"]
    assert (first["attributes"]["status"], last["attributes"]["status"]) == ("open", "recovered")
    assert (incident["status"], incident["occasion"], incident["occurrences"]) == ("recovered", "end", 5)
    assert incident["key"] == first["incident"]["key"]
    assert task.rsplit("/", 1)[-1] in incident["ending"]
    assert any("s3" in one["text"] for one in incident["differences"])
    assert last["causes"][0]["still"] == "no"
    mails = stack.mails(world)
    assert [mail["to"] for mail in mails] == [MAIL, MAIL]
    assert "recovered" in mails[1]["subject"]
    assert [event["detail-type"] for event in stack.on_the_bus(world)] == [
        "Pull Failure Diagnosed",
        "Pull Failure Resolved",
    ]
    message, reply = stack.posts(world)
    assert (reply["thread_ts"], reply["reply_broadcast"]) == (message["ts"], True)
    assert "recovered" in shown(reply)
    assert "recovered" in shown(message)
    assert "recovered" not in json.dumps(message["updates"])


def test_a_failure_after_the_end_is_a_new_incident(stack: Stack) -> None:
    world = _broken(stack)
    world.mend()
    world.recover()
    stack.put(world.steady_state)
    assert stack.statuses(world) == ["open", "recovered"]
    stack.age(world, 60)
    world.builder.client("ec2").delete_vpc_endpoints(
        VpcEndpointIds=[
            one["VpcEndpointId"]
            for one in world.builder.client("ec2").describe_vpc_endpoints(
                Filters=[
                    {"Name": "vpc-id", "Values": [world.vpc]},
                    {"Name": "vpc-endpoint-type", "Values": ["Gateway"]},
                ]
            )["VpcEndpoints"]
        ]
    )
    world.relaunch()
    stack.put(*world.events)
    first, _, again = stack.reports(world)
    assert (again["incident"]["status"], again["incident"]["occasion"]) == ("open", "first")
    assert again["incident"]["occurrences"] == 1
    assert again["incident"]["first-seen"] > first["incident"]["first-seen"]


def _back(world: World) -> str:
    world.roll_back()
    return "rolled-back"


def _nothing_wanted(world: World) -> str:
    world.scale_to_zero()
    return "withdrawn"


def _deleted(world: World) -> str:
    world.delete_service()
    return "withdrawn"


@pytest.mark.parametrize("end", [_back, _nothing_wanted, _deleted])
def test_what_only_removes_the_failing_tasks_is_never_called_recovered(
    stack: Stack, end: Callable[[World], str]
) -> None:
    world = _rolled_out(stack)
    status = end(world)
    stack.sweep()
    stack.sweep()

    _, last = stack.reports(world)
    assert last["incident"]["status"] == last["attributes"]["status"] == status
    _, mail = stack.mails(world)
    _, reply = stack.posts(world)
    _, event = stack.on_the_bus(world)
    told = mail["subject"] + mail["text"] + shown(reply) + json.dumps(last) + json.dumps(event)
    assert "recovered" not in told
    if status == "rolled-back":
        assert f"{world.workload}:1" in last["incident"]["ending"]
        assert f"{world.workload}:2" in last["incident"]["ending"]
    # The way to S3 is as broken as before, so its fix is still told.
    assert last["causes"][0]["still"] != "no"
    assert last["causes"][0]["fixes"]


def test_a_rollback_is_heard_when_ecs_says_that_the_deployment_is_done(stack: Stack) -> None:
    world = _rolled_out(stack)
    world.roll_back()
    stack.put(world.deployment_completed)
    assert stack.statuses(world) == ["open", "rolled-back"]


def test_a_later_revision_of_the_same_image_has_recovered(stack: Stack) -> None:
    world = _broken(stack, "image-tag-missing")
    world.deploy(world.image.replace(":v1.42.0", ":1.42.0"))
    world.recover()
    stack.put(world.deployment_completed)
    assert stack.statuses(world) == ["open", "recovered"]


def test_a_later_revision_with_another_image_has_not(stack: Stack) -> None:
    world = _broken(stack, "image-tag-missing")
    world.deploy("docker.io/library/nginx:1.27")
    world.recover()
    stack.put(world.deployment_completed)
    assert stack.statuses(world) == ["open", "withdrawn"]
    assert "docker.io/library/nginx" in stack.reports(world)[1]["incident"]["ending"]


def test_an_old_task_of_the_same_revision_is_no_recovery(stack: Stack) -> None:
    world = build(stack.aws, "s3-endpoint-missing")
    world.add_old_task()
    world.builder.settle()
    stack.put(*world.events)
    stack.put(world.steady_state, world.deployment_completed)
    stack.sweep()
    assert stack.statuses(world) == ["open"]


def test_a_steady_state_while_tasks_still_fail_ends_nothing(stack: Stack) -> None:
    world = _broken(stack)
    stack.put(world.steady_state, *world.fail_again(3), world.deployment_completed)
    stack.sweep()
    assert stack.statuses(world) == ["open"]
    assert (len(stack.mails(world)), len(stack.posts(world)), len(stack.on_the_bus(world))) == (1, 1, 1)


def test_a_task_that_ran_before_the_last_failure_is_no_recovery(stack: Stack) -> None:
    world = _broken(stack)
    world.recover()
    world.relaunch()
    stack.put(*world.events, world.steady_state)
    assert stack.statuses(world) == ["open"]


def test_a_failure_that_is_told_late_does_not_hide_the_recovery(stack: Stack) -> None:
    world = _broken(stack)
    world.relaunch()
    world.mend()
    world.recover()
    stack.put(*world.events, world.steady_state)
    assert stack.statuses(world) == ["open", "recovered"]
    assert stack.reports(world)[1]["incident"]["occurrences"] == 2


def _alone(event: dict[str, Any], family: str) -> dict[str, Any]:
    """The event of a task that no service started."""
    alone = copy.deepcopy(event)
    alone["detail"]["group"] = f"family:{family}"
    del alone["detail"]["startedBy"]
    return alone


def test_tasks_without_a_service_end_in_quiet_alone(stack: Stack) -> None:
    world = build(stack.aws, "s3-endpoint-missing")
    stack.put(*(_alone(event, world.workload) for event in world.events))
    world.mend()
    task = world.add_sibling()
    stack.aws.patch_task(task, group=f"family:{world.workload}", startedBy="")
    stack.sweep()
    assert stack.statuses(world) == ["open"]

    stack.age(world, 23 * HOURS)
    stack.sweep()
    assert stack.statuses(world) == ["open"]
    stack.age(world, 1 * HOURS)
    stack.sweep()
    assert stack.statuses(world) == ["open", "quiet"]
    assert "recovered" not in json.dumps(stack.reports(world))


def test_a_service_that_goes_on_wanting_its_tasks_is_quiet_after_a_day(stack: Stack) -> None:
    world = _broken(stack)
    stack.age(world, 24 * HOURS)
    stack.sweep()
    assert stack.statuses(world) == ["open", "quiet"]


def test_five_services_behind_one_nat_gateway_are_told_as_a_group(stack: Stack) -> None:
    first = build(stack.aws, "nat-failed")
    worlds = [first, first.neighbour(), first.neighbour("batch"), first.neighbour("batch"), first.neighbour("batch")]
    stack.put(*(event for world in worlds for event in world.events))

    told = [stack.reports(world) for world in worlds]
    assert [len(reports) for reports in told] == [1] * 5
    assert [reports[0]["attributes"].get("aside") for reports in told] == [None, None, "true", None, "true"]
    incidents = [reports[0]["incident"] for reports in told]
    assert [one.get("grouped-with") for one in incidents] == [None, *[incidents[0]["key"]] * 4]
    assert [len(one["workloads"]) for one in incidents] == [1, 2, 3, 4, 5]
    assert set(incidents[4]["workloads"]) == {
        f"prod/{worlds[0].workload}",
        f"prod/{worlds[1].workload}",
        *(world.workload for world in worlds[2:]),
    }
    subjects = [mail["text"] for mail in stack.aws.mails() if first.culprits[0] in mail["text"]]
    assert len(subjects) == 3
    assert f"4 services in 2 clusters, same NAT gateway {first.culprits[0]}" in " ".join(subjects[-1].split())
    message, *replies = [post for post in stack.slack.messages if first.culprits[0] in json.dumps(post)]
    assert [post["thread_ts"] for post in replies] == [message["ts"]] * 4
    assert [post["reply_broadcast"] for post in replies] == [True, False, True, False]

    first.mend()
    for world in worlds:
        world.recover()
    stack.put(*(world.steady_state for world in worlds))
    assert [stack.statuses(world) for world in worlds] == [["open", "recovered"]] * 5
    ends = [stack.reports(world)[1] for world in worlds]
    assert [end["attributes"].get("aside") for end in ends] == [None, "true", "true", "true", None]


def test_a_muted_service_is_silent_until_its_tag_is_gone(stack: Stack) -> None:
    world = build(stack.aws, "s3-endpoint-missing")
    world.tag(MUTE_TAG, "muted")
    stack.put(*world.events)
    stack.sweep()
    assert (stack.reports(world), stack.mails(world), stack.posts(world), stack.on_the_bus(world)) == ([], [], [], [])

    world.untag(MUTE_TAG)
    stack.age(world, 6 * 60)
    world.relaunch()
    stack.put(*world.events)
    (report,) = stack.reports(world)
    assert report["causes"][0]["cause"] == world.cause
    assert (len(stack.mails(world)), len(stack.posts(world)), len(stack.on_the_bus(world))) == (1, 1, 1)


def test_a_muted_incident_ends_in_silence(stack: Stack) -> None:
    world = build(stack.aws, "s3-endpoint-missing")
    world.tag(MUTE_TAG, "muted")
    stack.put(*world.events)
    world.mend()
    world.recover()
    stack.put(world.steady_state)
    assert (stack.reports(world), stack.mails(world), stack.posts(world), stack.on_the_bus(world)) == ([], [], [], [])


def test_the_owner_and_another_value_of_the_mute_tag(stack: Stack) -> None:
    world = build(stack.aws, "s3-endpoint-missing")
    world.tag(OWNER_TAG, "checkout")
    world.tag(MUTE_TAG, "not-today")
    stack.put(*world.events)
    world.mend()
    world.recover()
    stack.put(world.steady_state)
    assert [report["attributes"]["owner"] for report in stack.reports(world)] == ["checkout", "checkout"]
    assert [report["task"]["owner"] for report in stack.reports(world)] == ["checkout", "checkout"]


def test_a_webhook_gets_the_end_as_a_new_message(stack: Stack) -> None:
    aws = stack.aws
    aws.client("secretsmanager").put_secret_value(SecretId=SLACK_SECRET, SecretString=stack.slack.webhook)
    # A new process: the running one remembers the secret for some minutes.
    aws.client("lambda").update_function_configuration(FunctionName=stack.deployed.function, MemorySize=1025)
    world = _broken(stack)
    world.mend()
    world.recover()
    stack.put(world.steady_state)
    message, end = stack.posts(world)
    assert "ts" not in message
    assert "ts" not in end
    assert "recovered" not in shown(message)
    assert "recovered" in shown(end)
