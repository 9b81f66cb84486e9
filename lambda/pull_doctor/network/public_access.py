"""What VPC Block Public Access stops at the gateways to the internet, with its exclusions.

Bidirectional blocking stops internet gateways, egress-only ones, and NAT gateways, whose traffic leaves by an internet
gateway. Ingress blocking lets NAT gateways and egress-only gateways out, but not an interface by its own public
address. VPC endpoints are not affected.
https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa-basics.html
https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa-example.html
"""

from __future__ import annotations

from typing import Literal

from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Subnet
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

Way = Literal["own-address", "nat-gateway", "egress-only"]

_LETS_OUT = "allow-egress"
"""The mode of an exclusion that lets out alone; EC2 shows its subnet in the mode ``block-ingress``."""


def public_access_hops(way: Way, puller: Puller, vpc: Vpc, nat_subnet: str | None = None) -> tuple[Hop, ...]:
    """Judge VPC Block Public Access on the puller's way out; no hop where it blocks nothing.

    Behind a NAT gateway the mode of its own subnet decides (a regional one has none: its VPC's does). That the
    puller's subnet needs an exclusion too is not documented, so that alone it proves nothing.
    """
    own = mode_of(puller.subnet, puller, vpc)
    far = _mode_of_nat(nat_subnet, puller, vpc) if way == "nat-gateway" else own
    for mode in (far, own):
        if isinstance(mode, Unknown):
            why = f"whether VPC Block Public Access stops {puller.subnet.id} could not be read"
            return (Hop("public-access", None, "unknown", why, missing=mode),)
    assert isinstance(own, Known)
    assert isinstance(far, Known)
    if own.value == far.value == "off":
        return ()
    item = make(puller.place, "AWS::EC2::VPCBlockPublicAccessOptions", puller.place.account)
    where = f"{puller.place.account} in {puller.place.region}"
    at = puller.subnet.id if way != "nat-gateway" else nat_subnet or vpc.id
    if _stops(far.value, way):
        why = f"VPC Block Public Access of {where} is {far.value} for {at}, which stops {_WORDS[way]}"
        return (Hop("public-access", item, "fail", why, cause="public-access-blocked"),)
    if _stops(own.value, way) or (way == "own-address" and far.value == _LETS_OUT):
        doubt = (
            f"an exclusion lets {at} out, which may not do for {_WORDS[way]}"
            if far.value == _LETS_OUT
            else f"VPC Block Public Access of {where} is {own.value} for {puller.subnet.id} and not for {at}"
        )
        missing = Unknown(f"what VPC Block Public Access stops in {puller.subnet.id}", "not-visible", detail=doubt)
        return (Hop("public-access", item, "unknown", doubt, missing=missing),)
    why = f"VPC Block Public Access of {where} lets {_WORDS[way]} of {at} out"
    return (Hop("public-access", item, "ok", why),)


_WORDS: dict[Way, str] = {
    "own-address": "connections by an interface's own public address",
    "nat-gateway": "the NAT gateway",
    "egress-only": "the egress-only internet gateway",
}


def _stops(mode: str, way: Way) -> bool:
    return mode == "block-bidirectional" or (mode == "block-ingress" and way == "own-address")


def mode_of(subnet: Subnet, puller: Puller, vpc: Vpc) -> Fact[str]:
    """What is blocked in the subnet, exclusions counted: also ``allow-egress`` where an exclusion lets out alone.

    The account of a shared subnet decides, and does not show it.
    """
    fact = f"what VPC Block Public Access stops in {subnet.id}"
    if subnet.owner not in (None, puller.place.account):
        hidden = f"{subnet.id} is shared by account {subnet.owner}, whose setting holds there"
        return Unknown(fact, "not-visible", resource=subnet.id, detail=hidden)
    shown, options = subnet.gateway_block, vpc.block_public_access
    if isinstance(options, Unknown):
        return Known(shown) if shown else options
    mode = _with_exclusions(vpc, subnet.id, vpc.id)
    if shown in (None, mode) or (mode, shown) == (_LETS_OUT, "block-ingress"):
        return Known(mode)
    differs = f"EC2 shows {shown} for {subnet.id}, where the account's mode and exclusions come to {mode}"
    return Unknown(fact, "not-visible", resource=subnet.id, detail=differs)


def _mode_of_nat(subnet: str | None, puller: Puller, vpc: Vpc) -> Fact[str]:
    known = vpc.subnets.value if isinstance(vpc.subnets, Known) else ()
    found = next((one for one in known if one.id == subnet), None)
    if found:
        return mode_of(found, puller, vpc)
    options = vpc.block_public_access
    return options if isinstance(options, Unknown) else Known(_with_exclusions(vpc, subnet, vpc.id))


def _with_exclusions(vpc: Vpc, *resources: str | None) -> str:
    """The account's mode once these resources' exclusions count; one that lets out changes only the wide mode.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcBlockPublicAccessExclusion.html
    """
    assert isinstance(vpc.block_public_access, Known)
    options = vpc.block_public_access.value
    modes = {one.mode for one in options.exclusions if one.resource in resources}
    if options.mode == "off" or "allow-bidirectional" in modes:
        return "off"
    return _LETS_OUT if _LETS_OUT in modes and options.mode == "block-bidirectional" else options.mode
