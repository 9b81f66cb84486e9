"""Defects of tasks on EC2: the instance pulls, by its own interface, whatever the network mode of the task."""

from __future__ import annotations

from dataclasses import replace

from tests.worlds import path_defects, plain_defects, texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.scheduler import NetworkMode

_HOST = frozenset({"ecs:DescribeContainerInstances", "ec2:DescribeInstances"})


def _on(network_mode: NetworkMode, defect: Defect) -> Defect:
    """The same defect, of the subnet or the groups of an instance."""
    read = defect.rests_on - {"ecs:DescribeServices"} | _HOST
    return replace(defect, host=network_mode, relaunch=False, rests_on=read)


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


_ROUTE = plain_defects.DEFECTS["route-removed"]
_NAT = path_defects.DEFECTS["nat-failed"]
_EGRESS = path_defects.DEFECTS["egress-closed"]
_ACL = path_defects.DEFECTS["acl-without-replies"]
_S3 = plain_defects.DEFECTS["s3-endpoint-removed"]
_GROUP = plain_defects.DEFECTS["endpoint-group-closed"]
_ADDRESS = plain_defects.DEFECTS["no-public-ip"]

DEFECTS: dict[str, Defect] = {
    "route-removed-on-ec2": _on("bridge", _ROUTE),
    "route-removed-on-ec2-awsvpc": _on("awsvpc", _ROUTE),
    "nat-failed-on-ec2": _on("host", _NAT),
    "egress-closed-on-ec2": _on("bridge", _EGRESS),
    "acl-without-replies-on-ec2": _on("bridge", _ACL),
    "s3-endpoint-removed-on-ec2": _on("bridge", _S3),
    "endpoint-group-closed-on-ec2": _on("awsvpc", _GROUP),
    "no-public-ip-on-ec2": _on("bridge", replace(_ADDRESS, breaks=_no_public_ip)),
}
