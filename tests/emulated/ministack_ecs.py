"""What MiniStack's ECS lacks: what ECS alone decides, service revisions, and container instances.

Runs in MiniStack's own virtual environment. The ``CONTROLS`` are what only AWS itself may do; each takes the account
and the Region.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from importlib import import_module
from typing import Any

responses: Any = import_module("ministack.core.responses")
ecs: Any = import_module("ministack.services.ecs")

_revisions: dict[str, dict[str, Any]] = {}
_instances: dict[str, dict[str, Any]] = {}


def patch() -> None:
    """Patch MiniStack."""
    _patch_ecs()
    _patch_service_revisions()
    _patch_container_instances()


def _patch_task(change: dict[str, Any]) -> dict[str, Any]:
    """What ECS alone decides about a task: who started it, when, and the network interface it was given."""
    with responses.request_scope(change["account"], change["region"]):
        task = ecs._tasks[change["task"]]
        task.update(change["members"])
        ecs._refresh_service_state(task["clusterArn"].rsplit("/", 1)[-1], task["group"])
    return {}


def _copy_task(change: dict[str, Any]) -> dict[str, Any]:
    """More tasks that went the way of one, so that a storm of failures costs one call."""
    with responses.request_scope(change["account"], change["region"]):
        for copy in change["copies"]:
            text = json.dumps(ecs._tasks[change["task"]])
            for old, new in copy.items():
                text = text.replace(old, new)
            task = json.loads(text)
            ecs._tasks[task["taskArn"]] = task
    return {}


def _complete_deployment(change: dict[str, Any]) -> dict[str, Any]:
    """What ECS alone decides about a deployment: that it is done, and that the tasks of earlier ones stop."""
    with responses.request_scope(change["account"], change["region"]):
        ecs._complete_service_deployment(change["service"].partition("/")[0], change["service"])
        deployment = ecs._primary_deployment(ecs._services[change["service"]])
        if deployment["rolloutState"] != "COMPLETED":
            raise ValueError(f"{change['service']} does not run all the tasks that it wants")
        deployment["rolloutStateReason"] = f"ECS deployment {deployment['id']} completed."
    return {}


def _roll_back(change: dict[str, Any]) -> dict[str, Any]:
    """What ECS's circuit breaker does: the deployment before is the service's again, and the failed one goes.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
    """
    with responses.request_scope(change["account"], change["region"]):
        service = ecs._services[change["service"]]
        before = next(one for one in service["deployments"] if one["status"] == "ACTIVE")
        before.update(status="PRIMARY", rolloutState="IN_PROGRESS", desiredCount=service["desiredCount"])
        service.update(deployments=[before], taskDefinition=before["taskDefinition"])
        ecs._refresh_service_state(change["service"].partition("/")[0], f"service:{service['serviceName']}")
    return _complete_deployment(change)


def _patch_revision(change: dict[str, Any]) -> dict[str, Any]:
    """What ECS finds out of a deployment's images: the digest that each container's image had."""
    with responses.request_scope(change["account"], change["region"]):
        service = ecs._services[change["service"]]
        deployment = ecs._primary_deployment(service)
        family = ecs._task_defs[deployment["taskDefinition"].rsplit("/", 1)[-1]]
        _revisions[_revision(service, deployment)]["containerImages"] = [
            {"containerName": one["name"], "image": one["image"], "imageDigest": change["digests"][one["name"]]}
            for one in family["containerDefinitions"]
            if one["name"] in change["digests"]
        ]
    return {}


def _patch_instance(change: dict[str, Any]) -> dict[str, Any]:
    """What the agent of a container instance tells of itself anew."""
    _instances[change["instance"]].update(change["members"])
    return {}


CONTROLS = {
    "task": _patch_task,
    "task-copies": _copy_task,
    "complete": _complete_deployment,
    "roll-back": _roll_back,
    "revision": _patch_revision,
    "container-instance": _patch_instance,
}


def _revision(service: dict[str, Any], deployment: dict[str, Any]) -> str:
    number = deployment["id"].removeprefix("ecs-svc/")
    return f"{service['serviceArn'].replace(':service/', ':service-revision/')}/{number}"


def _patch_ecs() -> None:
    """Start no task that no world asked for, and write ids, times, and deployments as AWS does."""
    make_deployment = ecs._make_deployment

    def deployment(task_definition: str, desired_count: int, status: str = "PRIMARY") -> dict[str, Any]:
        made: dict[str, Any] = make_deployment(task_definition, desired_count, status)
        made["id"] = "ecs-svc/" + str(int(made["id"].removeprefix("ecs-svc/"), 16))[:19]
        made["rolloutState"] = "IN_PROGRESS"  # MiniStack calls the first one completed before any task runs
        made["rolloutStateReason"] = f"ECS deployment {made['id']} in progress."
        return made

    def with_network(change: Any) -> Any:
        def changed(data: dict[str, Any]) -> Any:
            if "networkConfiguration" in data:
                data = {"forceNewDeployment": True} | data  # as on AWS; MiniStack keeps the old deployment
            answer = change(data)
            for service in ecs._services.values():
                primary = ecs._primary_deployment(service)
                if primary and service.get("networkConfiguration") and "networkConfiguration" not in primary:
                    primary["networkConfiguration"] = service["networkConfiguration"]
                    if service["launchType"] == "FARGATE":
                        primary["platformVersion"] = service["platformVersion"] or "1.4.0"
            return answer

        return changed

    def epoch(value: Any) -> Any:
        """MiniStack cuts times to the second."""
        return round(datetime.fromisoformat(value).timestamp(), 3) if isinstance(value, str) else value

    ecs.new_uuid = lambda: uuid.uuid4().hex
    ecs._ts_to_epoch = epoch
    ecs._make_deployment = deployment
    ecs._reconcile_service_tasks = lambda _cluster, _service: None
    for action in ("CreateService", "UpdateService"):
        ecs._ACTION_MAP[action] = with_network(ecs._ACTION_MAP[action])


def _patch_service_revisions() -> None:
    """Keep what every deployment starts its tasks with, as a service revision of the same number; MiniStack has none.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html
    """
    kept = ("serviceArn", "clusterArn", "taskDefinition", "launchType", "networkConfiguration")

    def remembering(change: Any) -> Any:
        def changed(data: dict[str, Any]) -> Any:
            answer = change(data)
            for service in ecs._services.values():
                primary = ecs._primary_deployment(service)
                if primary:
                    arn = _revision(service, primary)
                    members = {name: (service | primary)[name] for name in kept if (service | primary).get(name)}
                    _revisions.setdefault(arn, {"serviceRevisionArn": arn} | members)
            return answer

        return changed

    def describe(data: dict[str, Any]) -> Any:
        asked = data["serviceRevisionArns"]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked if arn not in _revisions]
        known = [_revisions[arn] for arn in asked if arn in _revisions]
        return ecs.json_response({"serviceRevisions": known, "failures": missing})

    for action in ("CreateService", "UpdateService"):
        ecs._ACTION_MAP[action] = remembering(ecs._ACTION_MAP[action])
    ecs._ACTION_MAP["DescribeServiceRevisions"] = describe


def _patch_container_instances() -> None:
    """Let an agent register its EC2 instance with a cluster, and show what is registered; MiniStack has none.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterContainerInstance.html
    """

    def register(data: dict[str, Any]) -> Any:
        instance = json.loads(data["instanceIdentityDocument"])["instanceId"]
        cluster = data.get("cluster", "default")
        place = f"arn:aws:ecs:{ecs.get_region()}:{ecs.get_account_id()}:container-instance"
        found = {
            "containerInstanceArn": f"{place}/{cluster}/{uuid.uuid4().hex}",
            "ec2InstanceId": instance,
            "versionInfo": data["versionInfo"],
            "attributes": data["attributes"],
            "status": "ACTIVE",
            "agentConnected": True,
        }
        _instances[found["containerInstanceArn"]] = found
        return ecs.json_response({"containerInstance": found})

    def describe(data: dict[str, Any]) -> Any:
        asked = data["containerInstances"]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked if arn not in _instances]
        known = [_instances[arn] for arn in asked if arn in _instances]
        return ecs.json_response({"containerInstances": known, "failures": missing})

    def update(data: dict[str, Any]) -> Any:
        found = _instances[data["containerInstance"]]
        found["versionInfo"] |= {"agentVersion": "1.105.1"}
        return ecs.json_response({"containerInstance": found | {"agentUpdateStatus": "UPDATED"}})

    ecs._ACTION_MAP |= {
        "RegisterContainerInstance": register,
        "DescribeContainerInstances": describe,
        "UpdateContainerAgent": update,
    }
