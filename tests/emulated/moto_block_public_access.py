"""VPC Block Public Access, which moto's EC2 does not have: one mode for each account and Region, and its exclusions.

What is changed holds at once. ``set_block_public_access`` and ``set_exclusion_state`` set what only time or an
organization brings about. The mode lasts: a world that needs one is best built in an account of its own.
https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses.vpcs import VPCs

IN_FORCE = ("create-complete", "update-complete")


@dataclass
class Access:
    """The options of one account and Region; ``exclusions`` are EC2's own items, by their ids."""

    mode: str = "off"
    state: str = "default-state"
    managed_by: str = "account"
    exclusions: dict[str, dict[str, str]] = field(default_factory=dict)


def repair() -> None:
    """Teach moto the calls, and let each subnet say what is blocked there."""
    VPCs.describe_vpc_block_public_access_options = _describe  # type: ignore[attr-defined] # moto has none
    VPCs.modify_vpc_block_public_access_options = _modify  # type: ignore[attr-defined] # the same
    VPCs.describe_vpc_block_public_access_exclusions = _describe_exclusions  # type: ignore[attr-defined] # the same
    VPCs.create_vpc_block_public_access_exclusion = _create_exclusion  # type: ignore[attr-defined] # the same
    VPCs.modify_vpc_block_public_access_exclusion = _modify_exclusion  # type: ignore[attr-defined] # the same
    VPCs.delete_vpc_block_public_access_exclusion = _delete_exclusion  # type: ignore[attr-defined] # the same
    Subnet.block_public_access_states = property(_of_a_subnet)  # type: ignore[attr-defined] # the same


def set_block_public_access(
    account: str, region: str, mode: str, *, state: str = "update-complete", managed_by: str = "account"
) -> None:
    """Set the mode, as an organization's declarative policy or a change that is under way would."""
    access = _of(ec2_backends[account][region])
    access.mode, access.state, access.managed_by = mode, state, managed_by


def set_exclusion_state(account: str, region: str, exclusion: str, state: str) -> None:
    """Let an exclusion be ``create-in-progress``, ``update-failed``, ``disable-complete``..."""
    _of(ec2_backends[account][region]).exclusions[exclusion]["State"] = state


def _of(backend: Any) -> Access:
    found: Access = vars(backend).setdefault("block_public_access", Access())
    return found


def _of_a_subnet(subnet: Any) -> dict[str, str]:
    """What is blocked in a subnet: what its own or its VPC's exclusion lets through is not."""
    access = _of(subnet.ec2_backend)
    excluded = {
        item["InternetGatewayExclusionMode"]
        for item in access.exclusions.values()
        if item["State"] in IN_FORCE and item["ResourceArn"].endswith((f"/{subnet.id}", f"/{subnet.vpc_id}"))
    }
    if "allow-bidirectional" in excluded:
        return {"InternetGatewayBlockMode": "off"}
    if "allow-egress" in excluded and access.mode != "off":
        return {"InternetGatewayBlockMode": "block-ingress"}
    return {"InternetGatewayBlockMode": access.mode}


def _options(request: Any) -> ActionResult:
    backend, access = request.ec2_backend, _of(request.ec2_backend)
    return ActionResult(
        {
            "VpcBlockPublicAccessOptions": {
                "AwsAccountId": backend.account_id,
                "AwsRegion": backend.region_name,
                "State": access.state,
                "InternetGatewayBlockMode": access.mode,
                "ManagedBy": access.managed_by,
                "ExclusionsAllowed": "allowed",
            }
        }
    )


def _describe(request: Any) -> ActionResult:
    return _options(request)


def _modify(request: Any) -> ActionResult:
    access = _of(request.ec2_backend)
    access.mode, access.state = request._get_param("InternetGatewayBlockMode"), "update-complete"
    return _options(request)


def _describe_exclusions(request: Any) -> ActionResult:
    wanted = request._get_param("ExclusionIds", [])
    found = [item for key, item in _of(request.ec2_backend).exclusions.items() if not wanted or key in wanted]
    return ActionResult({"VpcBlockPublicAccessExclusions": found})


def _create_exclusion(request: Any) -> ActionResult:
    backend = request.ec2_backend
    if subnet := request._get_param("SubnetId"):
        resource = f"subnet/{backend.get_subnet(subnet).id}"
    else:
        resource = f"vpc/{backend.get_vpc(request._get_param('VpcId')).id}"
    item = {
        "ExclusionId": f"vpcbpa-exclude-{uuid.uuid4().hex[:17]}",
        "ResourceArn": f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:{resource}",
        "InternetGatewayExclusionMode": request._get_param("InternetGatewayExclusionMode"),
        "State": "create-complete",
    }
    _of(backend).exclusions[item["ExclusionId"]] = item
    return ActionResult({"VpcBlockPublicAccessExclusion": item})


def _modify_exclusion(request: Any) -> ActionResult:
    item = _exclusion(request)
    item |= {
        "InternetGatewayExclusionMode": request._get_param("InternetGatewayExclusionMode"),
        "State": "update-complete",
    }
    return ActionResult({"VpcBlockPublicAccessExclusion": item})


def _delete_exclusion(request: Any) -> ActionResult:
    """EC2 shows a deleted exclusion for a while."""
    item = _exclusion(request)
    item["State"] = "delete-complete"
    return ActionResult({"VpcBlockPublicAccessExclusion": item})


def _exclusion(request: Any) -> dict[str, str]:
    wanted = request._get_param("ExclusionId")
    if wanted not in _of(request.ec2_backend).exclusions:
        code = "InvalidVpcBlockPublicAccessExclusionId.NotFound"
        raise EC2ClientError(code, f"The exclusion ID '{wanted}' does not exist")
    return _of(request.ec2_backend).exclusions[wanted]
