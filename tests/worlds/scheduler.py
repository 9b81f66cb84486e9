"""Plays ECS for one service: starts its tasks, lets them fail or run, completes or takes back its deployments.

The service itself is changed through ECS's own API; what ECS alone decides is set in the emulated AWS.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tests.emulated.aws import EmulatedAws
from tests.worlds.network import Network

NetworkMode = Literal["bridge", "host", "awsvpc"]
HostType = Literal["EC2", "MANAGED_INSTANCES", "EXTERNAL"]


@dataclass(frozen=True)
class Launch:
    """One failed task: its interface and its events, DEPROVISIONING and STOPPED."""

    task: str
    interface: str
    started_by: str
    stopped_at: datetime
    events: tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Host:
    """A host of the cluster: an EC2 instance, or a machine on premises; ``network_mode`` is that of the tasks on it."""

    instance: str
    container_instance: str
    network_mode: NetworkMode
    launch_type: HostType = "EC2"


class Scheduler(Network):
    """The life of one service in one account and Region; ``workload`` names it and its task family.

    Its tasks run on Fargate, or on the ``host`` where there is one. ``image_digest`` and ``revision_digest`` are the
    digests that ECS resolved the image to, as the events of failed tasks and their service revision tell them.
    """

    def __init__(self, aws: EmulatedAws, account: str, workload: str, platform_version: str) -> None:
        super().__init__(aws, account)
        self.cluster = "prod"
        self.workload = workload
        self.platform_version = platform_version
        self.platform_family: str | None = None
        self.host: Host | None = None
        self.image_digest: str | None = None
        self.revision_digest: str | None = None

    @property
    def runs_on(self) -> dict[str, str]:
        """What RunTask and CreateService are asked for."""
        if self.host:
            return {"launchType": self.host.launch_type}
        return {"launchType": "FARGATE", "platformVersion": self.platform_version}

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
        """Start a task of the service's newest deployment; its ARN, its interface, and what ECS says of it.

        A task that shares the interface of its instance has none of its own: the second is empty then.
        """
        deployment = self.deployment()
        network = deployment.get("networkConfiguration")
        task = self.client("ecs").run_task(
            cluster=self.cluster,
            taskDefinition=deployment["taskDefinition"],
            **self.runs_on,
            **({"networkConfiguration": network} if network else {}),
        )["tasks"][0]
        members: dict[str, Any] = {
            "group": f"service:{self.workload}",
            "startedBy": deployment["id"],
            "containerInstanceArn": self.host.container_instance if self.host else None,
            "attachments": [],
        }
        if not network:
            return task["taskArn"], "", task | members
        interface = self._interface(task["taskArn"], network["awsvpcConfiguration"], subnet)
        # A VPC without DNS hostnames gives no name, and a subnet with IPv6 alone no IPv4 address.
        own = (("privateDnsName", "PrivateDnsName"), ("privateIPv4Address", "PrivateIpAddress"))
        members["availabilityZone"] = interface["AvailabilityZone"]
        members["attachments"] = [
            {
                "id": str(uuid.uuid4()),
                "type": "ElasticNetworkInterface",
                "status": "ATTACHED",
                "details": [
                    {"name": "subnetId", "value": interface["SubnetId"]},
                    {"name": "networkInterfaceId", "value": interface["NetworkInterfaceId"]},
                    {"name": "macAddress", "value": interface["MacAddress"]},
                    *({"name": name, "value": interface[member]} for name, member in own if interface.get(member)),
                ],
            }
        ]
        return task["taskArn"], interface["NetworkInterfaceId"], task | members

    def _interface(self, task: str, network: dict[str, Any], subnet: str | None) -> dict[str, Any]:
        """A network interface of a task's own."""
        ec2 = self.client("ec2")
        made: dict[str, Any] = ec2.create_network_interface(
            SubnetId=subnet or network["subnets"][0],
            Groups=network["securityGroups"],
            Description=task.replace(":task/", ":attachment/"),
        )["NetworkInterface"]
        if network.get("assignPublicIp") == "ENABLED":
            address = ec2.allocate_address(Domain="vpc")["AllocationId"]
            ec2.associate_address(AllocationId=address, NetworkInterfaceId=made["NetworkInterfaceId"])
        return made

    def start(self, subnet: str | None, moment: datetime) -> str:
        """A task of the newest deployment that runs since this moment; its ARN."""
        arn, _, task = self.run(None if self.host else subnet)
        self.aws.patch_task(arn, self.account, **_decided(task), startedAt=_text(moment))
        return arn

    def launch(self, text: str) -> Launch:
        """Start a task whose pull fails with this text, now."""
        arn, interface, task = self.run()
        definition = self._definition(task["taskDefinitionArn"])
        if self.revision_digest:
            self.aws.resolve_images(self.cluster, self.workload, self.account, web=self.revision_digest)
        now = datetime.now(UTC)
        # Not a moment earlier: the world pushed its images just now, and a task fails with what is there.
        ended_at = _text(now)
        container: dict[str, Any] = {
            "containerArn": arn.replace(":task/", ":container/") + "/" + str(uuid.uuid4()),
            "lastStatus": "STOPPED",
            "name": "web",
            "image": definition["containerDefinitions"][0]["image"],
            "imageDigest": self.image_digest,
            "reason": text if text.startswith(("CannotPull", "DockerTimeoutError")) else None,
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
        where = self._where(definition)
        self.aws.patch_task(arn, self.account, **(_decided(task) | where | ended | last))
        detail: dict[str, Any] = ended | {
            "attachments": [one | {"type": "eni"} for one in task["attachments"]],
            "attributes": [{"name": "ecs.cpu-architecture", "value": self._architecture(definition)}],
            "availabilityZone": task["availabilityZone"],
            "clusterArn": task["clusterArn"],
            "connectivity": "CONNECTED",
            "cpu": "256",
            "enableExecuteCommand": False,
            "group": task["group"],
            "memory": "512",
            "overrides": {"containerOverrides": [{"name": "web"}]},
            **where,
            "startedBy": task["startedBy"],
            "taskArn": arn,
            "taskDefinitionArn": task["taskDefinitionArn"],
            "updatedAt": ended_at,
        }
        gone: dict[str, Any] = {"lastStatus": "STOPPED", "stoppedAt": ended_at, "updatedAt": ended_at, "version": 5}
        gone["attachments"] = [one | {"status": "DELETED"} for one in detail["attachments"]]
        kind = "ECS Task State Change"
        events = (self._event(kind, arn, detail, ended_at), self._event(kind, arn, detail | gone, ended_at))
        return Launch(arn, interface, task["startedBy"], now, events)

    def _where(self, definition: dict[str, Any]) -> dict[str, Any]:
        """The members of a task that say on what it ran, and how much storage it had there."""
        if self.host:
            return self.runs_on | {"containerInstanceArn": self.host.container_instance}
        family = {"platformFamily": self.platform_family} if self.platform_family else {}
        return self.runs_on | family | {"ephemeralStorage": definition.get("ephemeralStorage") or {"sizeInGiB": 20}}

    def _architecture(self, definition: dict[str, Any]) -> str:
        """The CPU of the task: its host's, or the one that its definition asks of Fargate."""
        if self.host:
            arns = [self.host.container_instance]
            found = self.client("ecs").describe_container_instances(cluster=self.cluster, containerInstances=arns)
            told = {one["name"]: one.get("value", "") for one in found["containerInstances"][0]["attributes"]}
            return str(told["ecs.cpu-architecture"])
        wanted = (definition.get("runtimePlatform") or {}).get("cpuArchitecture", "X86_64")
        return str(wanted).lower()

    def agent_tells(self, agent: str, docker: str, **attributes: str) -> None:
        """Let the host's agent tell these versions ("1.90.0", "25.0.8"), and, of its platform, these attributes anew.

        The attributes are named without "ecs.", with underscores: ``os_type``, ``os_family``, ``cpu_architecture``.
        """
        assert self.host
        ecs, arn = self.client("ecs"), self.host.container_instance
        found = ecs.describe_container_instances(cluster=self.cluster, containerInstances=[arn])["containerInstances"]
        told = {one["name"]: one["value"] for one in found[0]["attributes"]}
        told |= {"ecs." + name.replace("_", "-"): value for name, value in attributes.items()}
        self.aws.patch_container_instance(
            arn,
            self.account,
            versionInfo={"agentVersion": agent, "dockerVersion": f"DockerVersion: {docker}"},
            attributes=[{"name": name, "value": value} for name, value in told.items()],
        )

    def fail_again(self, launched: Launch, tasks: int) -> list[dict[str, Any]]:
        """Let more tasks fail, now and in the same way; their events, two a task, in the order of the tasks.

        Each has an id and, where the task had one, an interface of its own; the interfaces are gone already.
        """
        before, now = launched.events[1]["detail"]["stoppedAt"], _text(datetime.now(UTC))
        task = launched.task.rsplit("/", 1)[-1]
        times = {before: now, _to_the_second(before): _to_the_second(now)}
        copies = [{task: uuid.uuid4().hex} | times for _ in range(tasks)]
        if launched.interface:
            copies = [one | {launched.interface: "eni-" + uuid.uuid4().hex[:17]} for one in copies]
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

    def _definition(self, task_definition: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("ecs").describe_task_definition(taskDefinition=task_definition)
        definition: dict[str, Any] = found["taskDefinition"]
        return definition

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
