from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.event_pattern import end_pattern, failure_pattern, role_pattern

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised

MINISTACK = Path(sys.prefix) / "ministack" / "bin" / "python"

# EventBridge's own matcher is a service; MiniStack's answers the same call. It lives in an environment of its own.
MATCHER = """
import json, sys
from ministack.services.eventbridge import _test_event_pattern
answers = []
for question in json.load(sys.stdin):
    status, _, body = _test_event_pattern(question)
    answers.append(json.loads(body)["Result"] if status == 200 else body.decode())
json.dump(answers, sys.stdout)
"""

PULL = "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref"
STARTED = "2026-11-20T10:00:30Z"


def event(*reasons: str | None, **detail: Any) -> dict[str, Any]:
    """A task that stopped; one container for each of ``reasons``, ``None`` for one without."""
    containers = [{"name": f"c{i}", **({"reason": reason} if reason else {})} for i, reason in enumerate(reasons)]
    return {
        "version": "0",
        "id": "6f3b9c1e-0000-4000-8000-000000000001",
        "account": "111111111111",
        "region": "eu-central-1",
        "time": "2026-11-20T10:01:00Z",
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "resources": ["arn:aws:ecs:eu-central-1:111111111111:task/web/0123456789abcdef0123456789abcdef"],
        "detail": {
            "clusterArn": "arn:aws:ecs:eu-central-1:111111111111:cluster/web",
            "desiredStatus": "STOPPED",
            "lastStatus": "STOPPED",
            "stopCode": "TaskFailedToStart",
            "containers": containers,
            **detail,
        },
    }


def on_ec2(*reasons: str | None, **detail: Any) -> dict[str, Any]:
    return event(*reasons, **{"launchType": "EC2", "stoppedReason": "Task failed to start", **detail})


MATCHING = {
    "fargate": event(PULL, stoppedReason=PULL),
    "fargate, interface still there": event(PULL, stoppedReason=PULL, lastStatus="DEPROVISIONING"),
    "fargate, cause on the task alone": event(None, stoppedReason=PULL),
    "fargate, sign-in failed": event(
        stoppedReason="ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to retrieve ecr registry auth"
    ),
    "fargate, other case": event(stoppedReason="resourceInitializationError: Unable to pull registry auth"),
    "startedAt is null": event(PULL, stoppedReason=PULL, startedAt=None),
    "role not assumed": event(
        stoppedReason="ECS was unable to assume the role 'arn:aws:iam::111111111111:role/x' that was provided"
    ),
    "ec2": on_ec2(PULL),
    "ec2, manifest": on_ec2("CannotPullImageManifestError: Error response from daemon"),
    "ec2, sign-in": on_ec2("CannotPullECRContainerError: AccessDeniedException"),
    "ec2, registry secret": on_ec2("CannotPullContainerAuthError: unable to decode"),
    "ec2, timeout": on_ec2("DockerTimeoutError: Could not transition to pulled; timed out after waiting 2h0m0s"),
    "ec2, manifest timeout": on_ec2("DockerTimeoutError: Could not transition to MANIFEST_PULLED; timed out"),
    "ec2, second container": on_ec2(None, PULL),
    "ec2, essential one exited": on_ec2(
        PULL, stopCode="EssentialContainerExited", stoppedReason="Essential container in task exited"
    ),
    "managed instances": on_ec2(PULL, launchType="MANAGED_INSTANCES", lastStatus="DEPROVISIONING"),
}

SILENT = {
    "ran from the host's cached image": on_ec2(
        PULL, stopCode="EssentialContainerExited", stoppedReason="Essential container in task exited", startedAt=STARTED
    ),
    "ran beside a failed sidecar": event(None, PULL, stopCode="UserInitiated", startedAt=STARTED),
    "sidecar failed, a person stopped it": event(None, PULL, stopCode="UserInitiated"),
    "a deployment stopped it": event(PULL, stopCode="ServiceSchedulerInitiated"),
    "ran out of memory": event("OutOfMemoryError: container killed", stopCode="EssentialContainerExited"),
    "cannot start": on_ec2("CannotStartContainerError: no such file"),
    "start timeout": on_ec2("DockerTimeoutError: Could not transition to started; timed out"),
    "another initialisation": event(stoppedReason="ResourceInitializationError: failed to validate logger args"),
    "not stopped yet": event(PULL, stoppedReason=PULL, lastStatus="PENDING"),
    "not to be stopped": event(PULL, stoppedReason=PULL, desiredStatus="RUNNING"),
    "no container": on_ec2(),
    "another event": {**event(PULL, stoppedReason=PULL), "detail-type": "ECS Service Action"},
    "another source": {**event(PULL, stoppedReason=PULL), "source": "pull-doctor"},
}


def matches(pattern: str, events: dict[str, dict[str, Any]]) -> dict[str, Any]:
    questions = [{"EventPattern": pattern, "Event": json.dumps(each)} for each in events.values()]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [str(MINISTACK), "-c", MATCHER], input=json.dumps(questions), capture_output=True, text=True, check=True
    )
    return dict(zip(events, json.loads(done.stdout), strict=True))


def _patterns(stack: Synthesised) -> dict[str, str]:
    """By the start of its rule's name: each pattern, as text."""
    rules = stack.resources("AWS::Events::Rule")
    return {name[:-8]: rule["EventPattern"] for name, rule in rules.items() if "EventPattern" in rule}


def service_action(name: str = "SERVICE_TASK_CONFIGURATION_FAILURE", **more: Any) -> dict[str, Any]:
    """What ECS says of a service, not of a task."""
    return {
        "version": "0",
        "id": "6f3b9c1e-0000-4000-8000-000000000002",
        "account": "111111111111",
        "region": "eu-central-1",
        "time": "2026-11-20T10:01:00Z",
        "source": "aws.ecs",
        "detail-type": "ECS Service Action",
        "resources": ["arn:aws:ecs:eu-central-1:111111111111:service/web/orders"],
        "detail": {
            "eventType": "ERROR",
            "eventName": name,
            "clusterArn": "arn:aws:ecs:eu-central-1:111111111111:cluster/web",
            "reason": "ECS was unable to assume the role 'arn:aws:iam::111111111111:role/x' that was provided",
        },
        **more,
    }


def deployment(name: str, **more: Any) -> dict[str, Any]:
    """What ECS says of a deployment: its cluster stands in the service's ARN alone."""
    return {
        **service_action(),
        "detail-type": "ECS Deployment State Change",
        "detail": {
            "eventType": "INFO",
            "eventName": name,
            "deploymentId": "ecs-svc/1234567890123456789",
            "updatedAt": "2026-11-20T10:00:59Z",
            "reason": "ECS deployment ecs-svc/1234567890123456789 completed.",
        },
        **more,
    }


ENDS = {
    "steady": service_action("SERVICE_STEADY_STATE"),
    "deployed": service_action("SERVICE_DEPLOYMENT_COMPLETED"),
    "deployment completed": deployment("SERVICE_DEPLOYMENT_COMPLETED"),
}
NO_ENDS = {
    "deployment goes on": deployment("SERVICE_DEPLOYMENT_IN_PROGRESS"),
    "deployment failed, so a rollback begins": deployment("SERVICE_DEPLOYMENT_FAILED"),
    "deployment failed, said of the service": service_action("SERVICE_DEPLOYMENT_FAILED"),
    "task set is steady": service_action("TASKSET_STEADY_STATE"),
    "capacity provider is steady": service_action("CAPACITY_PROVIDER_STEADY_STATE"),
    "desired count changed": service_action("SERVICE_DESIRED_COUNT_UPDATED"),
    "tasks stopped": service_action("TASKS_STOPPED"),
    "still failing": service_action("SERVICE_TASK_START_IMPAIRED"),
    "role": service_action(),
    "no task can be placed": service_action("SERVICE_TASK_PLACEMENT_FAILURE"),
    "task": event(PULL, stoppedReason=PULL),
    "another source": service_action("SERVICE_STEADY_STATE", source="pull-doctor"),
    "another kind": deployment("SERVICE_DEPLOYMENT_COMPLETED", **{"detail-type": "ECS Task State Change"}),
}


def test_the_rule_of_ends_matches_steady_services_and_completed_deployments(bare: Synthesised) -> None:
    pattern = _patterns(bare)["Ends"]
    assert matches(pattern, ENDS) == dict.fromkeys(ENDS, True)
    assert matches(pattern, NO_ENDS) == dict.fromkeys(NO_ENDS, False)


def test_no_rule_hears_what_the_function_itself_puts_on_the_default_bus(full: Synthesised) -> None:
    kinds = ("Pull Failure Diagnosed", "Pull Failure Resolved", "ECS Task State Change", "ECS Service Action")
    quoted = {**MATCHING, **ENDS, "role": service_action()}  # as if a report were all that ECS says
    own = {
        f"{kind}, {name}": {**shape, "source": "pull-doctor", "detail-type": kind}
        for kind in kinds
        for name, shape in quoted.items()
    }
    patterns = _patterns(full)
    assert patterns.keys() == {"PullFailures", "RoleFailures", "Ends"}
    for pattern in patterns.values():
        assert matches(pattern, own) == dict.fromkeys(own, False)


def test_the_other_rule_matches_services_that_are_not_configured_and_nothing_else(bare: Synthesised) -> None:
    events = {
        "role": service_action(),
        "placement": service_action("SERVICE_TASK_PLACEMENT_FAILURE"),
        "steady": service_action("SERVICE_STEADY_STATE"),
        "another source": service_action(source="pull-doctor"),
        "task": MATCHING["fargate"],
    }
    assert matches(_patterns(bare)["RoleFailures"], events) == {name: name == "role" for name in events}


def test_the_rule_matches_failed_pulls_and_nothing_else(bare: Synthesised) -> None:
    pattern = _patterns(bare)["PullFailures"]
    assert matches(pattern, MATCHING) == dict.fromkeys(MATCHING, True)
    assert matches(pattern, SILENT) == dict.fromkeys(SILENT, False)


def test_the_rule_holds_the_pattern_null_included(bare: Synthesised) -> None:
    pattern = _patterns(bare)["PullFailures"]
    assert json.loads(pattern) == failure_pattern()
    assert json.loads(pattern)["detail"]["startedAt"] == [None, {"exists": False}]


@pytest.mark.parametrize(
    ("pattern", "heard"),
    [
        (failure_pattern(include=["web", "jobs"]), {"web", "jobs"}),
        (failure_pattern(exclude=["web", "jobs"]), {"other", "my-web", "webs"}),
    ],
    ids=["include", "exclude"],
)
def test_clusters_are_included_and_excluded_by_their_whole_name(pattern: dict[str, Any], heard: set[str]) -> None:
    clusters = ["web", "jobs", "other", "my-web", "webs"]
    arn = "arn:aws:ecs:eu-central-1:111111111111:cluster/"
    events = {name: event(PULL, stoppedReason=PULL, clusterArn=arn + name) for name in clusters}
    answers = matches(json.dumps(pattern), events)
    assert answers == {name: name in heard for name in clusters}


@pytest.mark.parametrize(
    ("pattern", "heard"),
    [(end_pattern(include=["web"]), {"web"}), (end_pattern(exclude=["web"]), {"jobs", "my-web"})],
    ids=["include", "exclude"],
)
def test_ends_are_of_the_clusters_that_are_heard_and_deployments_of_all(
    pattern: dict[str, Any], heard: set[str]
) -> None:
    arn = "arn:aws:ecs:eu-central-1:111111111111"
    clusters = ["web", "jobs", "my-web"]
    steady = {
        name: service_action(detail={"eventName": "SERVICE_STEADY_STATE", "clusterArn": f"{arn}:cluster/{name}"})
        for name in clusters
    }
    completed = {
        name: deployment("SERVICE_DEPLOYMENT_COMPLETED", resources=[f"{arn}:service/{name}/orders"])
        for name in clusters
    }
    assert matches(json.dumps(pattern), steady) == {name: name in heard for name in clusters}
    assert matches(json.dumps(pattern), completed) == dict.fromkeys(clusters, True)


def test_the_settings_reach_the_rules(full: Synthesised) -> None:
    clusters = ["web", "jobs"]
    assert {name: json.loads(pattern) for name, pattern in _patterns(full).items()} == {
        "PullFailures": failure_pattern(include=clusters),
        "RoleFailures": role_pattern(include=clusters),
        "Ends": end_pattern(include=clusters),
    }
