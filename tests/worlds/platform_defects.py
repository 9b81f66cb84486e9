"""Defects of tasks on other platforms of Fargate than Linux 1.4.0: Windows, and Linux before it.

Windows takes its replies on other ports. Before 1.4.0 the sign-in leaves by an interface of Fargate's, outside the VPC.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
"""

from __future__ import annotations

from dataclasses import replace

from tests.worlds import path_defects, plain_defects, texts
from tests.worlds.healthy import Broken, Defect, Healthy

WINDOWS = ("1.0.0", "WINDOWS_SERVER_2022_CORE")
OLD_LINUX = ("1.3.0", "Linux")
WINDOWS_REPLIES = (49152, 65535)
_OTHER_REPLIES = (1024, 49151)


def let_replies_in(parts: Healthy, ports: tuple[int, int]) -> str:
    """Let the subnet's network ACL take replies on these ports alone; the ACL's id."""
    acl = parts.builder.acl_without_replies(parts.subnet)
    parts.ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=200,
        Egress=False,
        Protocol="6",
        RuleAction="allow",
        CidrBlock="0.0.0.0/0",
        PortRange={"From": ports[0], "To": ports[1]},
    )
    return acl


def _acl_without_replies(parts: Healthy) -> Broken:
    acl = let_replies_in(parts, _OTHER_REPLIES)

    def mend() -> None:
        own = {"NetworkAclId": acl, "RuleNumber": 200, "Egress": False}
        parts.ec2.delete_network_acl_entry(**own)
        allow = {"Protocol": "6", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
        parts.ec2.create_network_acl_entry(**own, **allow, PortRange={"From": 49152, "To": 65535})

    return Broken((acl, parts.subnet), texts.timeout(parts.image, parts.options.platform_version), mend)


_ROUTE = plain_defects.DEFECTS["route-removed"]
_ACL = replace(path_defects.DEFECTS["acl-without-replies"], breaks=_acl_without_replies)

DEFECTS: dict[str, Defect] = {
    "route-removed-on-windows": replace(_ROUTE, platform=WINDOWS),
    "egress-closed-on-windows": replace(path_defects.DEFECTS["egress-closed"], platform=WINDOWS),
    "acl-without-replies-on-windows": replace(_ACL, platform=WINDOWS),
    "route-removed-on-1.3.0": replace(_ROUTE, platform=OLD_LINUX),
    "s3-endpoint-removed-on-1.3.0": replace(plain_defects.DEFECTS["s3-endpoint-removed"], platform=OLD_LINUX),
    "endpoint-group-closed-on-1.3.0": replace(plain_defects.DEFECTS["endpoint-group-closed"], platform=OLD_LINUX),
}
