"""Defects of tasks on EC2 and on Managed Instances: the instance pulls, by its own interface, in every network mode.

It asks with the task's execution role; only on EC2 a task may have none, and the instance's own role is asked with.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.worlds import path_defects, plain_defects, policy_defects, texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import READ, SIGN_IN, allow, document
from tests.worlds.scheduler import NetworkMode

_HOST = frozenset({"ecs:DescribeContainerInstances", "ec2:DescribeInstances"})


def _on(network_mode: NetworkMode, defect: Defect) -> Defect:
    """The same defect, of the subnet or the groups of an instance."""
    read = defect.rests_on - {"ecs:DescribeServices"} | _HOST
    return replace(defect, host=network_mode, relaunch=False, rests_on=read)


def _managed(defect: Defect) -> Defect:
    """The same defect, of the subnet or the groups of a managed instance."""
    return replace(_on("awsvpc", defect), launch_type="MANAGED_INSTANCES")


def _by_the_instance(defect: Defect) -> Defect:
    """The same defect, met with the role of the instance."""
    on_ec2 = _on("bridge", defect)
    return replace(on_ec2, instance_role=True, rests_on=on_ec2.rests_on | {"iam:GetInstanceProfile"})


def _no_public_ip(parts: Healthy) -> Broken:
    """The instance has lost its public address; what a service can assign would not be the instance's."""
    host = parts.builder.host
    assert host
    found = parts.ec2.describe_instances(InstanceIds=[host.instance])["Reservations"][0]["Instances"][0]
    interface = found["NetworkInterfaces"][0]["NetworkInterfaceId"]
    own = [{"Name": "network-interface-id", "Values": [interface]}]
    address = parts.ec2.describe_addresses(Filters=own)["Addresses"][0]
    parts.ec2.disassociate_address(AssociationId=address["AssociationId"])

    def mend() -> None:
        parts.ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=interface)

    text = texts.timeout(parts.image, parts.options.platform_version)
    return Broken((host.instance, parts.subnet), text, mend)


def _without_a_role(*, profile: bool) -> Callable[[Healthy], Broken]:
    """No execution role, and an instance without a profile, or with one that holds no role."""

    def breaks(parts: Healthy) -> Broken:
        host, iam, name = parts.builder.host, parts.builder.client("iam"), f"{parts.builder.workload}-instance"
        assert host
        parts.role = None

        def put_on() -> str:
            made = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
            parts.ec2.associate_iam_instance_profile(InstanceId=host.instance, IamInstanceProfile={"Name": name})
            return str(made)

        culprit = put_on() if profile else host.instance

        def mend() -> None:
            trust = allow("sts:AssumeRole", None, Principal={"Service": "ec2.amazonaws.com"})
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
            iam.put_role_policy(RoleName=name, PolicyName="pull", PolicyDocument=document(allow([SIGN_IN, *READ])))
            if not profile:
                put_on()
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)

        return Broken((culprit,), texts.no_login(parts.image), mend)

    return breaks


_ROUTE = plain_defects.DEFECTS["route-removed"]
_NAT = path_defects.DEFECTS["nat-failed"]
_EGRESS = path_defects.DEFECTS["egress-closed"]
_ACL = path_defects.DEFECTS["acl-without-replies"]
_S3 = plain_defects.DEFECTS["s3-endpoint-removed"]
_GROUP = plain_defects.DEFECTS["endpoint-group-closed"]
_ADDRESS = plain_defects.DEFECTS["no-public-ip"]
_WITHOUT_ROLE = _HOST | {"ecs:DescribeTaskDefinition"}

DEFECTS: dict[str, Defect] = {
    "route-removed-on-ec2": _on("bridge", _ROUTE),
    "route-removed-on-ec2-awsvpc": _on("awsvpc", _ROUTE),
    "nat-failed-on-ec2": _on("host", _NAT),
    "egress-closed-on-ec2": _on("bridge", _EGRESS),
    "acl-without-replies-on-ec2": _on("bridge", _ACL),
    "s3-endpoint-removed-on-ec2": _on("bridge", _S3),
    "endpoint-group-closed-on-ec2": _on("awsvpc", _GROUP),
    "no-public-ip-on-ec2": _on("bridge", replace(_ADDRESS, breaks=_no_public_ip)),
    "instance-without-a-profile": Defect(
        "instance-role-missing", _without_a_role(profile=False), "nat", host="bridge", rests_on=_WITHOUT_ROLE
    ),
    "instance-profile-without-a-role": Defect(
        "instance-role-missing",
        _without_a_role(profile=True),
        "nat",
        host="awsvpc",
        rests_on=_WITHOUT_ROLE | {"iam:GetInstanceProfile"},
    ),
    "route-removed-by-the-instance-role": _by_the_instance(_ROUTE),
    "endpoint-group-closed-by-the-instance-role": _by_the_instance(_GROUP),
    "dkr-endpoint-policy-by-the-instance-role": _by_the_instance(policy_defects.DEFECTS["dkr-endpoint-policy"]),
    "role-without-image-by-the-instance-role": _by_the_instance(plain_defects.DEFECTS["role-without-image"]),
    "route-removed-on-managed-instances": _managed(_ROUTE),
    "egress-closed-on-managed-instances": _managed(_EGRESS),
    "s3-endpoint-removed-on-managed-instances": _managed(_S3),
    "no-public-ip-on-managed-instances": _managed(replace(_ADDRESS, breaks=_no_public_ip)),
}
