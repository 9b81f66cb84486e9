"""The security groups of the interface that pulls do not let tcp 443 out to a host that the pull needs.

A security group lets out only what one of its outbound rules allows; with several groups, what any of them allows. A
pull from ECR needs three hosts: ECR's API, the registry, and Amazon S3, which keeps the layers. A rule that names the
security group of the VPC endpoints covers the first two and not the third: a gateway endpoint for S3 has no security
group, and S3 keeps its public addresses. Sign-in and manifest work then, and every layer times out.

What mends it: an outbound rule for tcp 443 to the group of the endpoints, to the prefix list of S3, or, where the pull
leaves by the internet, to any address.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/verify-connectivity.html
"""

from __future__ import annotations

from typing import Any

from pull_doctor.causes.outcome import AwsCommand, Fix, Ok, Outcome, Problem
from pull_doctor.causes.row import host_class
from pull_doctor.causes.shared.network.paths import (
    at_steps,
    broken_by,
    failing_hop,
    far_end,
    hop_evidence,
    silence,
    spoken_of,
    still_there,
    undecided,
)
from pull_doctor.causes.shared.network.vpc_endpoints import endpoint_on
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.addresses import IPV4, version_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc

CAUSE = "security-group-egress-blocks"
STEPS: tuple[Step, ...] = ("security-group",)
_FEW = 2
_ANYWHERE = {4: ("IpRanges", "CidrIp", "0.0.0.0/0"), 6: ("Ipv6Ranges", "CidrIpv6", "::/0")}


def check(
    *, task: Task, symptom: Symptom, puller: Puller, vpc: Vpc, traces: tuple[Trace, ...], service: Fact[Service | None]
) -> Outcome:
    broken = broken_by(CAUSE, traces)
    if not broken:
        return undecided(STEPS, traces) or Ok(_why_ok(puller, traces))
    told = spoken_of(broken, symptom)
    hop = failing_hop(CAUSE, told)
    assert hop is not None
    assert hop.resource is not None
    layers_alone = all(host_class(trace.host) == "s3" for trace in broken)
    where = "the image layers in Amazon S3" if layers_alone else "the registry"
    not_covered = (
        "Amazon S3 has public addresses also behind a gateway endpoint, so a rule for the security group of ECR's "
        "endpoints does not cover it. "
    )
    judged = at_steps(STEPS, traces)
    return Problem(
        title=f"security group does not let tcp 443 out to {where}",
        explanation=(f"{hop.why}, where {told.host} is. {not_covered if layers_alone else ''}{silence(symptom)}"),
        culprit=hop.resource,
        evidence=(*hop_evidence(judged), *hop_evidence(judged, ("ok",))),
        fixes=(_fix(task, puller, vpc, hop.resource.id, broken),),
        still=still_there(task, puller, service, by_groups=True),
        traces=broken,
    )


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    passed = hop_evidence(at_steps(STEPS, traces), ("ok",))
    return "; ".join(one.text for one in passed) or f"no path from {puller.subnet.id} hangs on what is let out"


def _fix(task: Task, puller: Puller, vpc: Vpc, group: str, broken: tuple[Trace, ...]) -> Fix:
    """One rule for exactly the hosts that are not let out; any address covers all the others."""
    wanted = list(dict.fromkeys(_destination(trace, task, puller, vpc) for trace in broken))
    wanted = [one for one in wanted if one in _ANYWHERE.values()] or wanted
    rule: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    for kind, member, name in wanted:
        rule.setdefault(kind, []).append({member: name})
    names = " and ".join(name for _, _, name in wanted)
    known = vpc.security_groups.value if isinstance(vpc.security_groups, Known) else ()
    return Fix(
        f"let tcp 443 out to {names if len(wanted) <= _FEW else 'what the pull needs'}",
        "exact",
        task.place.account,
        task.place.region,
        (AwsCommand("ec2", "AuthorizeSecurityGroupEgress", {"GroupId": group, "IpPermissions": [rule]}),),
        next((one.managed_by for one in known if one.id == group), None),
        f"everything with {group} can open connections to tcp 443 of {names}",
    )


def _destination(trace: Trace, task: Task, puller: Puller, vpc: Vpc) -> tuple[str, str, str]:
    """What a rule names the trace's far end by: (member of the rule, member of its item, value)."""
    endpoint = endpoint_on(trace, vpc)
    if endpoint and endpoint.groups:
        return "UserIdGroupPairs", "GroupId", endpoint.groups[0]
    version = version_of(far_end(trace, puller))
    s3 = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    if s3 and version == IPV4 and host_class(trace.host) == "s3" and f".{task.place.region}." in trace.host:
        return "PrefixListIds", "PrefixListId", s3.id
    return _ANYWHERE[version]
