"""Plays ECS for one service: starts its tasks, lets them fail or run, completes or takes back its deployments.

The service itself is changed through ECS's own API; what ECS alone decides is set in the emulated AWS.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.emulated.aws import EmulatedAws
from tests.worlds.network import Network


@dataclass(frozen=True)
class Launch:
    """One failed task: its interface and its events, DEPROVISIONING and STOPPED."""

    task: str
    interface: str
    subnet: str
    started_by: str
    stopped_at: datetime
    events: tuple[dict[str, Any], dict[str, Any]]


class Scheduler(Network):
    """The life of one service in one account and Region; ``workload`` names it and its task family."""

    def __init__(self, aws: EmulatedAws, account: str, workload: str, platform_version: str) -> None:
        super().__init__(aws, account)
        self.cluster = "prod"
        self.workload = workload
        self.platform_version = platform_version

    @property
    def service_arn(self) -> str:
        """The service's ARN."""
        return f"arn:aws:ecs:{self.region}:{self.account}:service/{self.cluster}/{self.workload}"

    def deployment(self) -> dict[str, Any]:
        """The service's newest deployment, as ECS describes it."""
        found = self.client("ecs").describe_services(cluster=self.cluster, services=[self.workload])["services"][0]
        newest: dict[str, Any] = next(item for item in found["deployments"] if item["status"] == "PRIMARY")
        return newest

    def run(self, subnet: str | None = None) -> tuple[str, str, dict[str, Any]]:
        """Start a task of the service's newest deployment; its ARN, its interface, and what ECS says of it."""
        ec2, deployment = self.client("ec2"), self.deployment()
        network = deployment["networkConfiguration"]["awsvpcConfiguration"]
        subnet = subnet or network["subnets"][0]
        task = self.client("ecs").run_task(
            cluster=self.cluster,
            taskDefinition=deployment["taskDefinition"],
            launchType="FARGATE",
            platformVersion=self.platform_version,
            networkConfiguration=deployment["networkConfiguration"],
        )["tasks"][0]
        interface = ec2.create_network_interface(
            SubnetId=subnet,
            Groups=network["securityGroups"],
            Description=task["taskArn"].replace(":task/", ":attachment/"),
        )["NetworkInterface"]
        if network["assignPublicIp"] == "ENABLED":
            address = ec2.allocate_address(Domain="vpc")["AllocationId"]
            ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface["NetworkInterfaceId"])
        dns = "PrivateDnsName"
        members = {
            "group": f"service:{self.workload}",
            "startedBy": deployment["id"],
            "containerInstanceArn": None,
            "availabilityZone": interface["AvailabilityZone"],
            "attachments": [
                {
                    "id": str(uuid.uuid4()),
                    "type": "ElasticNetworkInterface",
                    "status": "ATTACHED",
                    "details": [
                        {"name": "subnetId", "value": subnet},
                        {"name": "networkInterfaceId", "value": interface["NetworkInterfaceId"]},
                        {"name": "macAddress", "value": interface["MacAddress"]},
                        # A VPC without DNS hostnames gives none.
                        *([{"name": "privateDnsName", "value": interface[dns]}] if dns in interface else []),
                        {"name": "privateIPv4Address", "value": interface["PrivateIpAddress"]},
                    ],
                }
            ],
        }
        return task["taskArn"], interface["NetworkInterfaceId"], task | members

    def start(self, subnet: str | None, moment: datetime) -> str:
        """A task of the newest deployment that runs since this moment; its ARN."""
        arn, _, task = self.run(subnet)
        self.aws.patch_task(arn, self.account, **_decided(task), startedAt=_text(moment))
        return arn

    def launch(self, text: str) -> Launch:
        """Start a task whose pull fails with this text, now."""
        arn, interface, task = self.run()
        now = datetime.now(UTC)
        # Not a moment earlier: the world pushed its images just now, and a task fails with what is there.
        ended_at = _text(now)
        container: dict[str, Any] = {
            "containerArn": arn.replace(":task/", ":container/") + "/" + str(uuid.uuid4()),
            "lastStatus": "STOPPED",
            "name": "web",
            "image": self._image(task["taskDefinitionArn"]),
            "reason": text if text.startswith("CannotPull") else None,
            "taskArn": arn,
            "networkInterfaces": [],
            "cpu": "0",
        }
        container = {name: value for name, value in container.items() if value is not None}
        ended = {
            "desiredStatus": "STOPPED",
            "lastStatus": "DEPROVISIONING",
            "stopCode": "TaskFailedToStart",
            "stoppedReason": text,
            "stoppingAt": ended_at,
            "executionStoppedAt": ended_at,
            "createdAt": _text(now - timedelta(seconds=70)),
            "connectivityAt": _text(now - timedelta(seconds=60)),
            "pullStartedAt": _text(now - timedelta(seconds=50)),
            "pullStoppedAt": ended_at,
            "containers": [container],
            "version": 4,
        }
        last = {"lastStatus": "STOPPED", "stoppedAt": ended_at, "startedAt": None, "version": 5}
        self.aws.patch_task(arn, self.account, **(_decided(task) | ended | last))
        detail: dict[str, Any] = ended | {
            "attachments": [task["attachments"][0] | {"type": "eni"}],
            "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
            "availabilityZone": task["availabilityZone"],
            "clusterArn": task["clusterArn"],
            "connectivity": "CONNECTED",
            "cpu": "256",
            "enableExecuteCommand": False,
            "ephemeralStorage": {"sizeInGiB": 20},
            "group": task["group"],
            "launchType": "FARGATE",
            "memory": "512",
            "overrides": {"containerOverrides": [{"name": "web"}]},
            "platformVersion": self.platform_version,
            "startedBy": task["startedBy"],
            "taskArn": arn,
            "taskDefinitionArn": task["taskDefinitionArn"],
            "updatedAt": ended_at,
        }
        gone: dict[str, Any] = {"lastStatus": "STOPPED", "stoppedAt": ended_at, "updatedAt": ended_at, "version": 5}
        gone["attachments"] = [detail["attachments"][0] | {"status": "DELETED"}]
        kind = "ECS Task State Change"
        events = (self._event(kind, arn, detail, ended_at), self._event(kind, arn, detail | gone, ended_at))
        return Launch(arn, interface, task["attachments"][0]["details"][0]["value"], task["startedBy"], now, events)

    def fail_again(self, launched: Launch, tasks: int) -> list[dict[str, Any]]:
        """Let more tasks fail, now and in the same way; their events, two a task, in the order of the tasks.

        Each has an id and an interface of its own; the interfaces are gone already.
        """
        before, now = launched.events[1]["detail"]["stoppedAt"], _text(datetime.now(UTC))
        task = launched.task.rsplit("/", 1)[-1]
        copies = [
            {
                task: uuid.uuid4().hex,
                launched.interface: "eni-" + uuid.uuid4().hex[:17],
                before: now,
                _to_the_second(before): _to_the_second(now),
            }
            for _ in range(tasks)
        ]
        self.aws.copy_task(launched.task, self.account, copies)
        failed = json.dumps(launched.events)
        events: list[dict[str, Any]] = []
        for copy in copies:
            text = failed
            for old, new in copy.items():
                text = text.replace(old, new)
            events += [event | {"id": str(uuid.uuid4())} for event in json.loads(text)]
        return events

    def deploy(self, image: str | None) -> str:
        """Register the newest task definition again, with another image if one is given, and deploy it; its ARN."""
        ecs = self.client("ecs")
        found = ecs.describe_task_definition(taskDefinition=self.workload)["taskDefinition"]
        known = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
        definition = {name: value for name, value in found.items() if name in known}
        if image:
            definition["containerDefinitions"][0]["image"] = image
        arn: str = ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
        ecs.update_service(cluster=self.cluster, service=self.workload, taskDefinition=arn)
        return arn

    def settle(self) -> None:
        """Complete the newest deployment, which runs as many tasks as it should; tasks of earlier ones stop."""
        self.aws.complete_deployment(self.cluster, self.workload, self.account)

    def roll_back(self) -> None:
        """Give the service the deployment before the newest one back, as ECS's circuit breaker does."""
        self.aws.roll_back(self.cluster, self.workload, self.account)

    def scale_to_zero(self) -> None:
        """Want no task any more, and stop those that run."""
        ecs = self.client("ecs")
        ecs.update_service(cluster=self.cluster, service=self.workload, desiredCount=0)
        for task in ecs.list_tasks(cluster=self.cluster, serviceName=self.workload)["taskArns"]:
            ecs.stop_task(cluster=self.cluster, task=task)
        self.settle()

    def service_event(self, kind: str, name: str, **detail: Any) -> dict[str, Any]:
        """An event of now about the service, of this detail type and with this name.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
        """
        detail = {"eventType": "INFO", "eventName": name} | detail
        return self._event(kind, self.service_arn, detail, _text(datetime.now(UTC)))

    def _image(self, task_definition: str) -> str:
        found = self.client("ecs").describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
        image: str = found["containerDefinitions"][0]["image"]
        return image

    def _event(self, kind: str, resource: str, detail: dict[str, Any], time: str) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": kind,
            "source": "aws.ecs",
            "account": self.account,
            "time": _to_the_second(time),
            "region": self.region,
            "resources": [resource],
            "detail": detail,
        }


def _decided(task: dict[str, Any]) -> dict[str, Any]:
    """What ECS decided about a started task, as far as it differs from what RunTask was asked for."""
    decided = ("group", "startedBy", "availabilityZone", "attachments", "containerInstanceArn")
    return {name: task[name] for name in decided} | {"_deployment_id": task["startedBy"]}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _to_the_second(time: str) -> str:
    return time[:19] + "Z"
