"""There is no way to Secrets Manager or Systems Manager, and the task needs what they keep before it can start.

Before a container starts, ECS reads the secrets and parameters that the task definition injects, and the credentials
for a private registry. On Fargate from platform version 1.4.0 on, and on Windows, it asks by the task's own interface;
on EC2 by the instance's. A subnet that lives on VPC endpoints for ECR and Amazon S3 alone pulls images well, and still
cannot read a secret. The start ends with a timeout before anything is pulled. Platform versions up to 1.3.0 read
secrets outside the VPC.

What mends it: a VPC endpoint for the store, with a security group that lets tcp 443 in from the task, or a route to the
internet.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.runner import checks
from pull_doctor.causes.shared.network.neighbours import Neighbours, leave_subnet, neighbours
from pull_doctor.causes.shared.network.paths import (
    hop_evidence,
    route_command,
    silence,
    still_there,
    table_in_use,
    target_member,
    usable_nats,
)
from pull_doctor.causes.shared.network.vpc_endpoints import ECR, admits, create_interface, dns_attributes
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Deployment, Route, RouteTable, Service, TaskDefinition
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import of_service
from pull_doctor.network.flows import starts_outside_vpc
from pull_doctor.network.hosts import service_host
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "secret-store-unreachable"
NO_WAY = "no-route-to-registry"
OF_RESOLVERS = ("custom-dns-breaks-name", "resolver-rule-misroutes")
"""What a failed lookup speaks for where no hop of the path proves anything."""
STORES = {"secretsmanager": "Secrets Manager", "ssm": "Systems Manager"}
ENDPOINT_SERVICES = {"aws": "com.amazonaws", "aws-us-gov": "com.amazonaws"}
"""How the names of the stores' endpoint services begin, in the partitions where that is known."""
_ANSWERED = re.compile(
    r"AccessDenied|ResourceNotFound|InvalidRequest|InvalidParameter|DecryptionFailure|Throttling|ParameterNotFound"
    r"|invalid parameters?:|marked (?:for deletion|deleted)|find the specified secret|not authorized to perform"
    r"|Access to KMS is not allowed|json key",
    re.IGNORECASE,
)
"""What only a store that was reached answers.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html"""


def check(
    *,
    task: Task,
    message: str,
    symptom: Symptom,
    store_traces: tuple[Trace, ...],
    task_definition: TaskDefinition,
    image: Fact[ImageReference],
    puller: Fact[Puller],
    vpc: Fact[Vpc],
    traces: Fact[tuple[Trace, ...]],
    deployment: Fact[Deployment | None],
    service: Fact[Service | None],
) -> Outcome:
    if starts_outside_vpc(task):
        return NotApplicable(f"platform version {task.platform_version} reads secrets outside the VPC")
    if not store_traces:
        return NotApplicable("the task definition names nothing that Secrets Manager or Systems Manager keeps")
    assert isinstance(puller, Known)
    assert isinstance(vpc, Known)
    store_traces = tuple(trace for trace in store_traces if not _answered(trace, symptom, message))
    if not store_traces:
        return Ok("ECS's text holds the answer of the store, which was reached")
    pull = traces.value if isinstance(traces, Known) else ()
    broken = tuple(trace for trace in store_traces if _break(trace)) or _unresolved(symptom, store_traces)
    facts: dict[str, Fact[Any]] = {
        "task": Known(task),
        "symptom": Known(symptom),
        "image": image,
        "needed": Known(task_definition),
        "puller": puller,
        "vpc": vpc,
        "traces": Known(tuple(trace for trace in broken if trace.disposition == broken[0].disposition)),
        "deployment": deployment,
        "service": service,
    }
    finding = _finding(broken[0], facts, pull) if broken else None
    if finding is None:
        return _undecided(store_traces) or Ok(_why_ok(puller.value, store_traces))
    name = f"{task_definition.family}:{task_definition.revision}"
    where = f"{_stores(broken)}, at {_hosts(broken)}"
    item = make(task.place, "AWS::ECS::TaskDefinition", name)
    needs = Evidence(f"the tasks of task definition {name} need {where}, to start", "fact", (item,))
    return replace(
        finding,
        title=f"no way to {_stores(broken)}, which the task needs to start",
        explanation=f"Before any container starts, ECS reads what {name} needs from {where}. {finding.explanation}",
        evidence=(needs, *finding.evidence),
        traces=tuple(_as_own(one, explains=_explains(one, symptom, message, pull)) for one in broken if _break(one)),
    )


def _answered(trace: Trace, symptom: Symptom, message: str) -> bool:
    """Whether ECS's text holds an answer of this store, so that there was a way to it."""
    spoken_of = r"\bssm\b|invalid parameters" if _service(trace) == "ssm" else r"\basm\b|secrets? ?manager\b|:secret:"
    answers = symptom.kind in ("secret-unavailable", "kms-denied") and bool(_ANSWERED.search(message))
    return answers and bool(re.search(spoken_of, message, re.IGNORECASE))


def _break(trace: Trace) -> Hop | None:
    return next((hop for hop in trace.hops if hop.cause), None)


def _unresolved(symptom: Symptom, traces: tuple[Trace, ...]) -> tuple[Trace, ...]:
    """The path whose name did not resolve, as ECS's text says."""
    return tuple(trace for trace in traces if symptom.kind == "dns-failure" and trace.host == symptom.host)


def _undecided(traces: tuple[Trace, ...]) -> Undetermined | None:
    missing = dict.fromkeys(hop.missing for trace in traces for hop in trace.hops if hop.missing)
    return Undetermined(tuple(missing)) if missing else None


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    return f"{puller.subnet.id} has a way to {' and '.join(trace.host for trace in traces)}"


def _explains(trace: Trace, symptom: Symptom, message: str, pull: tuple[Trace, ...]) -> bool:
    """Whether the break would show as this text: no failed pull speaks, and a name fails only at a name's hop."""
    hop = _break(trace)
    if symptom.kind == "dns-failure" and hop and hop.step != "name":
        return False
    if symptom.phase == "prepare":
        return True
    # A text that names no step may mean the registry as well, and that has causes of its own.
    return symptom.phase == "unknown" and "CannotPull" not in message and not any(_break(one) for one in pull)


def _as_own(trace: Trace, *, explains: bool) -> Trace:
    """The trace as this cause's: its first failing hop is what makes the store unreachable."""
    broken = _break(trace)
    hops = tuple(replace(hop, cause=CAUSE) if hop is broken else hop for hop in trace.hops)
    return replace(trace, hops=hops, disposition=CAUSE if explains else trace.disposition)


def _hosts(traces: tuple[Trace, ...]) -> str:
    return " and ".join(trace.host for trace in traces)


def _stores(traces: tuple[Trace, ...]) -> str:
    return " and ".join(dict.fromkeys(STORES[_service(trace)] for trace in traces))


def _service(trace: Trace) -> str:
    return trace.host.partition(".")[0].removesuffix("-fips")


def _finding(first: Trace, facts: dict[str, Fact[Any]], pull: tuple[Trace, ...]) -> Problem | None:
    """What is wrong on the first path, in the words and with the fixes of the cause that it is."""
    if _break(first) is None:
        return next((one for cause in OF_RESOLVERS if (one := _as_found(cause, facts))), None)
    known = {name: fact.value for name, fact in facts.items() if isinstance(fact, Known)}
    task, symptom, puller, service = known["task"], known["symptom"], known["puller"], facts["service"]
    if first.disposition == NO_WAY:
        others = neighbours(NO_WAY, task, known["needed"], symptom, puller, known["vpc"], service)
        return _without_way(task, symptom, puller, known["vpc"], service, known["traces"], pull, others)
    plain = _at_hop(task, symptom, puller, service, first)
    return _as_found(first.disposition, facts) or _no_surer(plain, first.disposition)


def _as_found(cause: str, facts: dict[str, Fact[Any]]) -> Problem | None:
    """What the cause of the failing hop says of these paths: its culprit, evidence, and fixes are this one's too."""
    found = next((one for one in checks() if one.row.cause == cause), None)
    if found is None:
        return None
    values: dict[str, Any] = {}
    for name in (*found.required, *found.optional):
        fact = facts.get(name)
        if fact is None or (name in found.required and isinstance(fact, Unknown)):
            return None
        values[name] = fact.value if name in found.required and isinstance(fact, Known) else fact
    outcome = found.function(**values)
    return _no_surer(outcome, cause) if isinstance(outcome, Problem) else None


def _no_surer(outcome: Problem, cause: str) -> Problem:
    """The finding with its doubt, where the cause behind it can be no more than likely."""
    row = next(one for one in CATALOGUE if one.cause == cause)
    if row.best != "likely" or outcome.inferred:
        return outcome
    return replace(outcome, inferred=(f"it is concluded, not read, that {row.defect}",))


def _at_hop(task: Task, symptom: Symptom, puller: Puller, service: Fact[Service | None], trace: Trace) -> Problem:
    """The finding where no cause of the path has words for it: the failing hop itself."""
    hop = _break(trace)
    assert hop is not None
    culprit = hop.resource or make(task.place, "AWS::EC2::Subnet", puller.subnet.id)
    return Problem(
        title="",
        explanation=f"{hop.why[0].upper()}{hop.why[1:]}, so that nothing reaches {trace.host}. {silence(symptom)}",
        culprit=culprit,
        evidence=hop_evidence((trace,)),
        still=still_there(task, puller, service),
    )


def _without_way(
    task: Task,
    symptom: Symptom,
    puller: Puller,
    vpc: Vpc,
    service: Fact[Service | None],
    broken: tuple[Trace, ...],
    pull: tuple[Trace, ...],
    others: Neighbours,
) -> Problem:
    """The finding for a subnet that has neither an endpoint for the store nor a route to it."""
    table, uses = table_in_use(task, puller, vpc)
    lacks = f"no endpoint of {vpc.id} serves {_hosts(broken)}"
    network = make(task.place, "AWS::EC2::VPC", vpc.id)
    by_endpoints = bool(of_service(vpc, *ECR))
    fixes = [_endpoint(task, puller, vpc, broken, pull)]
    way = _route(task, puller, vpc, table, others) or leave_subnet(task, puller, service, others)
    fixes += [way] if way else []
    return Problem(
        title="",
        explanation=(
            f"{uses.text}, which has no route that reaches it, and {lacks}. {silence(symptom)}{others.sentence}"
        ),
        culprit=network if by_endpoints else make(task.place, "AWS::EC2::RouteTable", table.id),
        evidence=(Evidence(lacks, "fact", (network,)), uses, *hop_evidence(broken), *others.evidence(task)),
        fixes=tuple(fixes if by_endpoints else reversed(fixes)),
        still=still_there(task, puller, service),
    )


def _route(task: Task, puller: Puller, vpc: Vpc, table: RouteTable, others: Neighbours) -> Fix | None:
    """The route to the internet that another subnet of the service has, or to a NAT gateway of the VPC that works."""
    nats = usable_nats(puller, vpc) if puller.subnet.cidr else []
    if others.model:
        route, like = others.model.route, f", as in {others.model.subnet}"
    elif nats:
        route, like = Route("0.0.0.0/0", nats[0].id, "active"), ""
    else:
        return None
    target = {target_member(route.target, route.destination): route.target}
    return Fix(
        f"route the subnet's internet traffic through {route.target}{like}",
        "your-call",
        task.place.account,
        task.place.region,
        (route_command("CreateRoute", table, route.destination, **target),),
        table.managed_by,
        f"every subnet that uses {table.id} reaches the internet through {route.target}",
        "NAT gateway data processing, by the gigabyte" if route.target.startswith("nat-") else None,
    )


def _endpoint(task: Task, puller: Puller, vpc: Vpc, broken: tuple[Trace, ...], pull: tuple[Trace, ...]) -> Fix:
    """The endpoints that are missing, like one that is shown to let the puller in; in the store's own Region alone.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/vpc-endpoint-overview.html
    """
    place = task.place
    names = [_service(trace) for trace in broken]
    own = all(trace.host == service_host(_service(trace), place.region, place.partition) for trace in broken)
    if place.partition not in ENDPOINT_SERVICES or not own:
        text = f"give {puller.subnet.id} a way to {_hosts(broken)}"
        return Fix(text, "your-call", place.account, place.region)
    known = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    model = next((one for one in known if one.groups and one.subnets and admits(one, pull)), None)
    subnets = model.subnets if model else (puller.subnet.id,)
    groups = model.groups if model else ("<group-that-lets-443-in-from-the-task>",)
    prefix = f"{ENDPOINT_SERVICES[place.partition]}.{place.region}"
    like = f", like {model.id}" if model else ""
    return Fix(
        f"add the endpoint for {' and '.join(names)}{like}",
        "exact" if model else "fill-in",
        place.account,
        place.region,
        (*dns_attributes(vpc), *(create_interface(vpc, f"{prefix}.{name}", subnets, groups) for name in names)),
        model.managed_by if model else None,
        f"{_hosts(broken)} leads to the new endpoint everywhere in {vpc.id}",
        "an interface endpoint, by the hour and Availability Zone",
    )
