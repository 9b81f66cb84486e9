"""Builds an AWS account around one ECS service, through the same API calls that its owner would make.

A ``Builder`` makes the parts (its ``Network``, role, repository, service); ``launch`` then plays ECS: it starts a task
of the service's newest deployment, gives it a network interface, lets its pull fail with a text, and returns the task's
two state-change events. Names are the same in every world but for a number; use another account for a second set.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.emulated.aws import EmulatedAws
from tests.worlds.network import Network

CLUSTER = "prod"
MANAGED_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Launch:
    """One failed task: its interface and its events, DEPROVISIONING and STOPPED."""

    task: str
    interface: str
    subnet: str
    started_by: str
    stopped_at: datetime
    events: tuple[dict[str, Any], dict[str, Any]]


class Builder(Network):
    """Makes the parts of one world in one account and Region; ``workload`` names its service and task family."""

    def __init__(self, aws: EmulatedAws, workload: str, account: str, platform_version: str) -> None:
        super().__init__(aws, account)
        number = next(_numbers)
        self.workload = workload if number == 1 else f"{workload}-{number}"
        self.platform_version = platform_version
        aws.in_organization(account, None)

    def role(self, actions: list[str] | None = None) -> str:
        """The execution role's ARN; with AWS's managed policy, or with these actions alone."""
        iam = self.client("iam")
        name = f"{self.workload}-execution"
        trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        arn: str = iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
        if actions is None:
            iam.attach_role_policy(RoleName=name, PolicyArn=MANAGED_POLICY)
        else:
            self.grant(name, "pull", actions)
        return arn

    def grant(self, role: str, policy: str, actions: list[str]) -> None:
        """Put an inline policy on a role, by its name, that allows the actions on everything."""
        allow = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self.client("iam").put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)

    def image(self, repository: str, tags: list[str], account: str, region: str) -> str:
        """An ECR repository whose images have these tags, oldest first; ``ACCOUNT.dkr.ecr.../repository``."""
        ecr = self.aws.client("ecr", account=account, region=region)
        ecr.create_repository(repositoryName=repository)
        for tag in tags:
            manifest = _manifest(f"{repository}:{tag}")
            ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest, imageDigest=_sha(manifest))
        return f"{account}.dkr.ecr.{region}.amazonaws.com/{repository}"

    def service(
        self,
        image: str,
        role: str | None,
        subnets: list[str],
        group: str,
        *,
        public_ip: bool = False,
        container: Mapping[str, Any] | None = None,
        definition: Mapping[str, Any] | None = None,
    ) -> None:
        """The task definition, the cluster, and a Fargate service that wants one task and has none.

        ``container`` and ``definition`` are more members of the container's and of the task definition.
        """
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName=CLUSTER)
        ecs.register_task_definition(
            family=self.workload,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "web", "image": image, "essential": True} | dict(container or {})],
            **({"executionRoleArn": role} if role else {}),
            **(definition or {}),
        )
        ecs.create_service(
            cluster=CLUSTER,
            serviceName=self.workload,
            taskDefinition=self.workload,
            desiredCount=1,
            launchType="FARGATE",
            platformVersion=self.platform_version,
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": subnets,
                    "securityGroups": [group],
                    "assignPublicIp": "ENABLED" if public_ip else "DISABLED",
                }
            },
        )

    def run(self, subnet: str | None = None) -> tuple[str, str, dict[str, Any]]:
        """Start a task of the service's newest deployment; its ARN, its interface, and what ECS says of it."""
        ecs, ec2 = self.client("ecs"), self.client("ec2")
        found = ecs.describe_services(cluster=CLUSTER, services=[self.workload])["services"][0]
        deployment = next(item for item in found["deployments"] if item["status"] == "PRIMARY")
        network = deployment["networkConfiguration"]["awsvpcConfiguration"]
        subnet = subnet or network["subnets"][0]
        task = ecs.run_task(
            cluster=CLUSTER,
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

    def sibling(self, subnet: str, after: datetime) -> str:
        """A running task of the newest deployment, started in this subnet just after a moment; its ARN."""
        arn, _, task = self.run(subnet)
        started = _text(max(after + timedelta(seconds=1), datetime.now(UTC)))
        self.aws.patch_task(arn, self.account, **_decided(task), startedAt=started)
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
        events = (self._event(detail, ended_at), self._event(detail | gone, ended_at))
        return Launch(arn, interface, task["attachments"][0]["details"][0]["value"], task["startedBy"], now, events)

    def _image(self, task_definition: str) -> str:
        found = self.client("ecs").describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
        image: str = found["containerDefinitions"][0]["image"]
        return image

    def _event(self, detail: dict[str, Any], time: str) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": self.account,
            "time": time[:19] + "Z",
            "region": self.region,
            "resources": [detail["taskArn"]],
            "detail": detail,
        }


def _decided(task: dict[str, Any]) -> dict[str, Any]:
    """What ECS decided about a started task, as far as it differs from what RunTask was asked for."""
    return {
        name: task[name] for name in ("group", "startedBy", "availabilityZone", "attachments", "containerInstanceArn")
    }


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _sha(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _manifest(seed: str) -> str:
    """A small image manifest of its own for each seed."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    layer = {
        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "size": 31_357_624,
        "digest": _sha(seed + " layer"),
    }
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 7023, "digest": _sha(seed)}
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]})
