"""Builds an AWS account around one ECS service, through the same API calls that its owner would make.

A ``Builder`` makes the parts (its ``Network``, role, repository, service); its ``Scheduler`` then plays ECS. Names are
the same in every world but for a number; use another account for a second set.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from tests.emulated.aws import EmulatedAws
from tests.worlds.scheduler import Host, HostType, NetworkMode, Scheduler

MANAGED_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
_numbers = itertools.count(1)


class Builder(Scheduler):
    """Makes the parts of one world in one account and Region."""

    def __init__(self, aws: EmulatedAws, workload: str, account: str, platform_version: str) -> None:
        super().__init__(aws, account, _numbered(workload), platform_version)
        aws.in_organization(account, None)

    def beside(self, cluster: str) -> Self:
        """What makes another service in the same network, in a cluster of choice."""
        other = copy.copy(self)
        other.cluster, other.workload = cluster, _numbered(self.workload.rstrip("-0123456789"))
        return other

    def role(self, actions: list[str] | None = None, *, of_instance: bool = False) -> str:
        """The execution role's ARN, or the instance's; with AWS's managed policy, or with these actions alone."""
        iam = self.client("iam")
        name = f"{self.workload}-{'instance' if of_instance else 'execution'}"
        service = "ec2" if of_instance else "ecs-tasks"
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
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
        """An ECR repository whose images have these tags, oldest first; ``ACCOUNT.dkr.ecr.../repository``.

        One that is there already is kept, with what is in it.
        """
        ecr = self.aws.client("ecr", account=account, region=region)
        with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
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
        """The task definition, the cluster, and a service that wants one task and has none; on Fargate without a host.

        ``container`` and ``definition`` are more members of the container's and of the task definition.
        """
        ecs, host = self.client("ecs"), self.host
        ecs.create_cluster(clusterName=self.cluster)
        mode = host.network_mode if host else "awsvpc"
        ecs.register_task_definition(
            family=self.workload,
            requiresCompatibilities=[self.runs_on["launchType"]],
            networkMode=mode,
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "web", "image": image, "essential": True} | dict(container or {})],
            **({"executionRoleArn": role} if role else {}),
            **(definition or {}),
        )
        assigned = {} if host else {"assignPublicIp": "ENABLED" if public_ip else "DISABLED"}
        network = {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group]} | assigned}
        ecs.create_service(
            cluster=self.cluster,
            serviceName=self.workload,
            taskDefinition=self.workload,
            desiredCount=1,
            **self.runs_on,
            **({"networkConfiguration": network} if mode == "awsvpc" else {}),
        )

    def add_instance(self, subnet: str, role: str | None, *, public_ip: bool) -> str:
        """An EC2 instance in this subnet, with the tasks' group, and with a profile if there is a role; its id."""
        ec2, iam = self.client("ec2"), self.client("iam")
        interface = {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [self.task_group]}
        profile = {}
        if role:
            profile = {"InstanceProfileName": f"{self.workload}-instance"}
            iam.create_instance_profile(**profile)
            iam.add_role_to_instance_profile(**profile, RoleName=role.rsplit("/", 1)[-1])
        made = ec2.run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[interface],
            **({"IamInstanceProfile": {"Name": profile["InstanceProfileName"]}} if profile else {}),
        )
        instance = made["Instances"][0]
        if public_ip:
            address = ec2.allocate_address(Domain="vpc")["AllocationId"]
            own = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
            ec2.associate_address(AllocationId=address, NetworkInterfaceId=own)
        named: str = instance["InstanceId"]
        return named

    def add_host(self, instance: str, network_mode: NetworkMode, launch_type: HostType) -> None:
        """Let the service's tasks run on this EC2 instance or machine on premises, which registers itself."""
        registered = self.client("ecs").register_container_instance(
            cluster=self.cluster,
            instanceIdentityDocument=json.dumps({"instanceId": instance}),
            versionInfo={"agentVersion": "1.90.0", "dockerVersion": "DockerVersion: 25.0.8"},
            attributes=[{"name": "ecs.os-type", "value": "linux"}, {"name": "ecs.cpu-architecture", "value": "x86_64"}],
        )["containerInstance"]
        self.host = Host(instance, registered["containerInstanceArn"], network_mode, launch_type)


def _numbered(workload: str) -> str:
    number = next(_numbers)
    return workload if number == 1 else f"{workload}-{number}"


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
