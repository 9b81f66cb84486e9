"""Reports built by hand in the words of the causes: one for each way in which a diagnosis can end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pull_doctor.causes.outcome import AwsCommand, Evidence, Still
from pull_doctor.facts.fact import Unknown, Why
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.report import commands, words
from pull_doctor.report.model import (
    UNSET,
    Command,
    Excluded,
    FailurePart,
    FixPart,
    Incident,
    Link,
    NotChecked,
    Note,
    Occasion,
    PullerPart,
    RankedCause,
    Report,
    Status,
    TaskPart,
)
from pull_doctor.report.sample import sample_report
from pull_doctor.resource import Place, make

ACCOUNT = "123456789012"
REGION = "eu-west-1"
PLACE = Place("aws", ACCOUNT, REGION)
STOPPED = datetime(2025, 11, 21, 9, 14, 7, tzinfo=UTC)
SUBNET = make(PLACE, "AWS::EC2::Subnet", "subnet-0a1b2c3d4e5f60718")
ROUTES = make(PLACE, "AWS::EC2::RouteTable", "rtb-09d8c7b6a5f4e3d21")
GROUP = make(PLACE, "AWS::EC2::SecurityGroup", "sg-0c55a1b2d3e4f5061")
ACL = make(PLACE, "AWS::EC2::NetworkAcl", "acl-0f1e2d3c4b5a69788")
REPOSITORY = make(PLACE, "AWS::ECR::Repository", "team/orders-api")
VPC = "vpc-07a6b5c4d3e2f1089"
NAT = "nat-0e1d2c3b4a5968777"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
BUCKET = f"prod-{REGION}-starport-layer-bucket.s3.{REGION}.amazonaws.com"
ECR_IMAGE = f"{REGISTRY}/team/orders-api"
LOCAL = "10.0.0.0/16 -> local"
NGINX = "docker.io/library/nginx:1.27"


def command(service: str, operation: str, /, **parameters: Any) -> Command:
    cli = commands.render(AwsCommand(service, operation, parameters), REGION)
    return Command(cli, service, operation, parameters)


def task(service: str, task_id: str, stopped: datetime) -> TaskPart:
    return TaskPart(
        arn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/{task_id}",
        cluster="prod",
        account=ACCOUNT,
        region=REGION,
        service=service,
        group=f"service:{service}",
        task_definition=f"{service}:87",
        launch_type="FARGATE",
        platform_version="1.4.0",
        stop_code="TaskFailedToStart",
        stopped_at=stopped,
    )


def puller(subnet: str = SUBNET.id, zone: str = "eu-west-1b") -> PullerPart:
    return PullerPart("task", subnet=subnet, zone=zone, public_ip=None, security_groups=(GROUP.id,))


def incident(report: Report, tasks: int, minutes: int) -> Report:
    assert isinstance(report.task.stopped_at, datetime)
    last = report.task.stopped_at
    key = f"{ACCOUNT}/{REGION}/prod/{report.task.service}"
    return replace(report, incident=Incident(key, "open", tasks, last - timedelta(minutes=minutes), last, ("web:87",)))


def again(report: Report, occasion: Occasion, *others: str) -> Report:
    """The report of an open incident, told again or grouped: 118 failed tasks in 6 hours and 10 minutes."""
    assert report.incident
    first = report.incident.last_seen - timedelta(hours=6, minutes=10)
    workloads = (words.workload(report), *others)
    incident = replace(report.incident, occurrences=118, first_seen=first, workloads=workloads, occasion=occasion)
    return replace(report, incident=incident)


def ended(
    report: Report,
    status: Status,
    ending: str,
    differences: tuple[str, ...] | None = None,
    *,
    still: Still = "no",
    others: tuple[str, ...] = (),
    after: timedelta = timedelta(minutes=2),
) -> Report:
    """The last report of an incident: 118 failed tasks in 40 minutes, and the end that was heard of ``after`` them."""
    assert isinstance(report.task.stopped_at, datetime)
    last = report.task.stopped_at
    incident = Incident(
        f"{ACCOUNT}/{REGION}/prod/service:{words.workload(report)}",
        status,
        118,
        last - timedelta(minutes=40),
        last,
        (words.workload(report), *others),
        "end",
        ended=last + after,
        ending=ending,
        differences=UNSET if differences is None else tuple(map(Note, differences)),
    )
    causes = tuple(replace(cause, still=still) for cause in report.causes)
    return replace(report, incident=incident, causes=causes, notes=())


def excluded(*causes: str, why: str, failures: tuple[str, ...] = ("web",)) -> tuple[Excluded, ...]:
    return tuple(Excluded(cause, failures, why) for cause in causes)


def unread(
    fact: str, action: str, resource: str | None = None, why: Why = "denied", detail: str | None = None
) -> Unknown:
    return Unknown(fact, why, action, resource, ACCOUNT, REGION, detail)


def path(phase: Phase, host: str, disposition: str, *hops: Hop, address: str | None = None) -> Trace:
    """A path whose first steps are in order: the name, the task's group, and, to a public address, the ACL."""
    group = Hop("security-group", GROUP, "ok", f"{GROUP.id} allows tcp 443 to 0.0.0.0/0")
    acl = Hop("network-acl", ACL, "ok", f"{ACL.id} allows the request and the reply")
    if hops[0].step == "name":
        return Trace(phase, host, disposition, (hops[0], group, *hops[1:]), address)
    name = Hop("name", None, "ok", f"the name resolved to {address}, as ECS's text shows")
    if not address:
        vpc = make(PLACE, "AWS::EC2::VPC", VPC)
        name = Hop("name", vpc, "ok", f"no endpoint of {VPC} serves {host}, so it resolves to a public address")
    return Trace(phase, host, disposition, (name, group, acl, *hops), address)


def no_way(cause: str, to: str) -> Hop:
    return Hop("route", ROUTES, "fail", f"{ROUTES.id} has no route that matches {to}", cause, None, (LOCAL,))


def through_endpoint(phase: Phase, host: str, endpoint: str) -> Trace:
    item = make(PLACE, "AWS::EC2::VPCEndpoint", endpoint)
    return path(
        phase,
        host,
        "reached",
        Hop("name", item, "ok", f"{host} leads to {endpoint} by private DNS"),
        Hop("endpoint", item, "ok", f"{endpoint} is available"),
    )


def no_route() -> Report:
    timeout = (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
        f'{NGINX}: failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/1.27": '
        "dial tcp 54.227.20.253:443: i/o timeout"
    )
    network = {
        "awsvpcConfiguration": {
            "subnets": ["subnet-0b2c3d4e5f6071829", "subnet-0c3d4e5f607182930"],
            "securityGroups": [GROUP.id],
            "assignPublicIp": "DISABLED",
        }
    }
    cause, public = "no-route-to-registry", "a public address"
    uses = f"{SUBNET.id} has no route table of its own and uses the main one of {VPC}, {ROUTES.id}"
    found = RankedCause(
        cause,
        ("web",),
        "proven",
        "yes",
        "subnet has no route to the registry",
        f"{uses}, which has no route that reaches registry-1.docker.io. No VPC endpoint serves that name either. "
        "Nothing answers the connection, which is the timeout that ECS reports. subnet-0b2c3d4e5f6071829, which the "
        f"service uses too, has a default route to {NAT}.",
        ROUTES,
        (
            Evidence(uses, "fact", (SUBNET, ROUTES)),
            Evidence(f"{ROUTES.id} has no route that matches 54.227.20.253", "fact", (ROUTES,)),
            Evidence(f"{ROUTES.id} has no route that matches {public}", "fact", (ROUTES,)),
            Evidence(f"{ROUTES.id} holds 1 route: {LOCAL}", "fact", (ROUTES,)),
        ),
        traces=(
            path("sign-in", "auth.docker.io", cause, no_way(cause, public)),
            path("resolve", "registry-1.docker.io", cause, no_way(cause, "54.227.20.253"), address="54.227.20.253"),
            path("download", "production.cloudflare.docker.com", cause, no_way(cause, public)),
        ),
        fixes=(
            FixPart(
                "give the subnet the route table that its neighbours use",
                "your-call",
                ACCOUNT,
                REGION,
                (command("ec2", "AssociateRouteTable", RouteTableId="rtb-0aa1bb2cc3dd4ee5f", SubnetId=SUBNET.id),),
                managed_by="CloudFormation stack network-prod",
                effect=f"everything in {SUBNET.id} reaches the internet through {NAT}",
            ),
            FixPart(
                "keep the subnet isolated, and take it out of the service",
                "your-call",
                ACCOUNT,
                REGION,
                (command("ecs", "UpdateService", cluster="prod", service="orders-web", networkConfiguration=network),),
                effect="the service stops using eu-west-1b",
            ),
        ),
        docs=(Link("Route tables", "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"),),
    )
    only_ecr = "the image is in registry-1.docker.io, not in a private ECR registry"
    report = Report(
        "cause-found",
        f"{cause} is proven: {found.title}",
        found.title,
        task("orders-web", "7f3c2d91b0a84e5f9c6a1d2e3f405162", STOPPED),
        "1.0.0",
        puller(),
        failures=(
            FailurePart(
                "web",
                "web",
                timeout,
                Symptom("resolve", "network-timeout", "registry-1.docker.io", "54.227.20.253", 443),
                essential=True,
                image=NGINX,
            ),
        ),
        causes=(found,),
        ruled_out=excluded("no-public-ip", why=f"no path from {SUBNET.id} needs a public IP address of its own"),
        not_applicable=excluded(
            "endpoint-security-group-blocks",
            "s3-endpoint-missing",
            "pull-permission-denied",
            "image-not-found",
            why=only_ecr,
        ),
        facts_read_at=STOPPED + timedelta(seconds=34),
        duration_ms=2100,
        aws_calls=14,
    )
    return incident(report, 3, 10)


def s3_missing() -> Report:
    """The S3 endpoint is missing, one check could not be made, and one read was refused that nothing waits for."""
    stopped = STOPPED.replace(hour=10, minute=31, second=20)
    message = (
        "CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open: "
        f'failed to do request: Get "https://{BUCKET}/[...]": dial tcp 52.218.97.10:443: i/o timeout'
    )
    name, api, dkr = "s3-endpoint-missing", "vpce-0aa11bb22cc33dd44", "vpce-0bb22cc33dd44ee55"
    endpoint = command(
        "ec2",
        "CreateVpcEndpoint",
        VpcId=VPC,
        VpcEndpointType="Gateway",
        ServiceName="com.amazonaws.eu-west-1.s3",
        RouteTableIds=[ROUTES.id],
    )
    cause = RankedCause(
        name,
        ("api",),
        "proven",
        "yes",
        "no S3 gateway endpoint, so image layers cannot be downloaded",
        "ECR keeps image layers in Amazon S3. A subnet without internet access needs a way to S3 besides ECR's "
        f"endpoints. {SUBNET.id} uses {ROUTES.id}, which has no route to S3. {VPC} has no gateway endpoint for S3. "
        "Nothing answers the connection, which is the timeout that ECS reports.",
        ROUTES,
        (
            Evidence(f"{ROUTES.id} has no route that matches 52.218.97.10", "fact", (ROUTES,)),
            Evidence(f"{SUBNET.id} uses {ROUTES.id}", "fact", (SUBNET, ROUTES)),
            Evidence(f"{VPC} reaches ECR through {api} (com.amazonaws.eu-west-1.ecr.api) and {dkr}", "fact"),
            Evidence(f"{VPC} has no gateway endpoint for S3", "fact"),
        ),
        traces=(
            through_endpoint("sign-in", "api.ecr.eu-west-1.amazonaws.com", api),
            through_endpoint("resolve", REGISTRY, dkr),
            path("download", BUCKET, name, no_way(name, "52.218.97.10"), address="52.218.97.10"),
        ),
        fixes=(
            FixPart(
                "add the S3 gateway endpoint to this route table",
                "exact",
                ACCOUNT,
                REGION,
                (endpoint,),
                effect="open S3 connections from this route table's subnets may drop once",
                cost="none",
            ),
        ),
    )
    role = f"arn:aws:iam::{ACCOUNT}:role/orders-api-execution"
    rights = unread(f"the rights of {role}", "iam:SimulatePrincipalPolicy", role)
    table = unread("the S3 prefix list of eu-west-1", "ec2:DescribePrefixLists", why="timed-out", detail="Read timeout")
    report = Report(
        "cause-found",
        f"{name} is proven: {cause.title}",
        cause.title,
        task("orders-api", "51d0c1e2a3b44c5d9e8f70615243f4e5", stopped),
        "1.0.0",
        puller(zone="eu-west-1a"),
        failures=(
            FailurePart(
                "api",
                "api",
                message,
                Symptom("download", "network-timeout", BUCKET, "52.218.97.10", 443),
                essential=False,
                image=f"{ECR_IMAGE}:1.42.0",
            ),
        ),
        causes=(cause,),
        ruled_out=(
            *excluded(
                "no-route-to-registry",
                why=f"{SUBNET.id} has a way to api.ecr.eu-west-1.amazonaws.com and {REGISTRY}",
                failures=("api",),
            ),
            *excluded("endpoint-security-group-blocks", why="sg-0d66b2c3e4f506172 allows tcp 443 from 10.1.0.0/16"),
        ),
        not_checked=(NotChecked("pull-permission-denied", ("api",), (rights,)),),
        unread=(rights, table),
        notes=(Note("container api is not essential: the task does not stop for it alone"),),
        facts_read_at=stopped + timedelta(seconds=32),
    )
    return incident(report, 5, 19)


def tag_missing() -> Report:
    stopped = STOPPED.replace(hour=11, minute=2, second=53)
    reference = f"{ECR_IMAGE}:v1.42.0"
    message = (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
        f"{reference}: {reference}: not found"
    )
    where = f"team/orders-api of registry {ACCOUNT} ({REGION})"
    pushed = "2025-11-21 10:56:11 UTC"
    options = f"--region {REGION} --registry-id {ACCOUNT} --repository-name team/orders-api"
    read = (
        f"MANIFEST=$(aws ecr batch-get-image {options} --image-ids imageDigest=sha256:{'ab' * 32} "
        "--query 'images[0].imageManifest' --output text)"
    )
    put = f'aws ecr put-image {options} --image-tag v1.42.0 --image-manifest "$MANIFEST"'
    cause = RankedCause(
        "image-not-found",
        ("api",),
        "proven",
        "yes",
        "image tag does not exist in the repository",
        f"ECR has repository {where}, and no image in it has tag v1.42.0. There is a tag with a similar name: 1.42.0, "
        f"pushed {pushed}. It differs only by the leading v. Task definition orders-api:87, registered 2025-11-21 "
        "11:01:30 UTC by role/ci-deploy, asks for v1.42.0.",
        REPOSITORY,
        (
            Evidence("the registry answered that tag v1.42.0 of team/orders-api is not found", "text", (REPOSITORY,)),
            Evidence(f"repository {where} exists and has no tag v1.42.0", "fact", (REPOSITORY,)),
            Evidence(f"tag 1.42.0 of team/orders-api, pushed {pushed}, differs only by the leading v", "fact"),
            Evidence("tag 1.41.3 of team/orders-api, pushed 2025-11-17 08:20:40 UTC", "fact"),
            Evidence("212 more tags in team/orders-api", "fact"),
        ),
        fixes=(
            FixPart(
                "deploy tag 1.42.0, if that is the build you meant",
                "your-call",
                ACCOUNT,
                REGION,
                managed_by="CloudFormation stack orders",
            ),
            FixPart(
                "give the same image the tag v1.42.0 as well",
                "your-call",
                ACCOUNT,
                REGION,
                (Command(read), Command(put)),
                effect="none on running tasks; the next retry finds the tag",
            ),
        ),
        where="v1.42.0",
    )
    report = Report(
        "cause-found",
        f"{cause.cause} is proven: {cause.title}",
        cause.title,
        task("orders-api", "9ab34c5d6e7f48091a2b3c4d5e6f7081", stopped),
        "1.0.0",
        puller(zone="eu-west-1a"),
        failures=(FailurePart("api", "api", message, Symptom("resolve", "image-not-found"), image=reference),),
        causes=(cause,),
        ruled_out=(
            *excluded(
                "no-route-to-registry",
                why=f"{SUBNET.id} has a way to api.ecr.eu-west-1.amazonaws.com and {REGISTRY} and {BUCKET}",
                failures=("api",),
            ),
            *excluded("no-public-ip", why=f"no path from {SUBNET.id} needs a public IP address of its own"),
            *excluded(
                "endpoint-security-group-blocks", why="no path of this pull comes to the security group of an endpoint"
            ),
            *excluded("s3-endpoint-missing", why=f"{ROUTES.id} sends 0.0.0.0/0 to {NAT}"),
            *excluded(
                "pull-permission-denied",
                why=f"arn:aws:iam::{ACCOUNT}:role/orders-api-execution may sign in to ECR and read the image",
            ),
        ),
        facts_read_at=stopped + timedelta(seconds=26),
    )
    return incident(report, 1, 0)


def cannot_tell() -> Report:
    stopped = STOPPED.replace(hour=12, minute=40, second=11)
    endpoints = unread(f"the VPC endpoints of {VPC}", "ec2:DescribeVpcEndpoints", VPC)
    role = f"arn:aws:iam::{ACCOUNT}:role/orders-api-execution"
    rights = unread(f"the rights of {role}", "iam:SimulatePrincipalPolicy", why="throttled", detail="Rate exceeded")
    network = ("no-route-to-registry", "no-public-ip", "endpoint-security-group-blocks", "s3-endpoint-missing")
    return Report(
        "undetermined",
        "no cause is shown, and 5 could not be checked",
        "no cause proven; 2 facts could not be established",
        task("orders-api", "0c1d2e3f4a5b46c7d8e9f0a1b2c3d4e5", stopped),
        "1.0.0",
        failures=(
            FailurePart(
                "api",
                "api",
                "CannotPullContainerError: [...] dial tcp 10.1.3.27:443: i/o timeout",
                Symptom("unknown", "network-timeout", address="10.1.3.27", port=443),
                image=f"{ECR_IMAGE}:1.42.0",
            ),
        ),
        ruled_out=excluded("image-not-found", why="team/orders-api has tag 1.42.0"),
        not_checked=(
            *(NotChecked(cause, ("api",), (endpoints,)) for cause in network),
            NotChecked("pull-permission-denied", ("api",), (rights,)),
        ),
        unread=(rights, endpoints),
        facts_read_at=stopped + timedelta(minutes=20),
    )


def no_credentials() -> Report:
    """AWS did not tell whose the credentials are, so nothing was asked."""
    report = cannot_tell()
    facts = (f"the rights of arn:aws:iam::{ACCOUNT}:role/orders-api-execution", f"subnet {SUBNET.id}")
    failed = [
        unread(fact, "sts:GetCallerIdentity", why="prerequisite", detail="Unable to locate credentials")
        for fact in facts
    ]
    network = [NotChecked(one.cause, one.failures, (failed[1],)) for one in report.not_checked[:-1]]
    return replace(
        report,
        not_checked=(*network, NotChecked("pull-permission-denied", ("api",), (failed[0],))),
        unread=tuple(failed),
        ruled_out=(),
    )


def unexplained() -> Report:
    """A defect was found that is not what ECS reports."""
    report = tag_missing()
    message = "CannotPullContainerError: failed to register layer: write /usr/lib/x.so: no space left on device"
    failure = replace(report.failures[0], message=message, symptom=Symptom("unpack", "disk-full"))
    reason = "no cause proven; a defect was found that does not explain the failure"
    return replace(
        report,
        verdict="undetermined",
        verdict_reason="image-not-found is a defect, but it does not explain what ECS reports",
        title=reason,
        failures=(failure,),
        causes=(replace(report.causes[0], certainty="possible"),),
    )


def no_defect() -> Report:
    return Report(
        "no-defect-found",
        "every check could be made, and none found a defect: a passing fault, or mended since",
        "no defect found: a passing fault, or mended since",
        task("orders-api", "1c1d2e3f4a5b46c7d8e9f0a1b2c3d4e5", STOPPED),
        "1.0.0",
        puller(),
        failures=(
            FailurePart(
                "api",
                "api",
                "CannotPullContainerError: context canceled",
                Symptom("unknown", "other-pull-failure"),
                image=f"{ECR_IMAGE}:1.42.0",
            ),
        ),
        ruled_out=excluded("no-route-to-registry", why=f"{ROUTES.id} sends 0.0.0.0/0 to {NAT}"),
        facts_read_at=STOPPED + timedelta(seconds=31),
    )


def likely() -> Report:
    """Whether a task has started since was not to be read, so the cause is not proven."""
    report = no_route()
    tasks = "the running tasks of service orders-web in cluster prod"
    doubt = f"whether a task has started since could not be read ({tasks})"
    cause = replace(report.causes[0], certainty="likely", inferred=(doubt,))
    return replace(report, causes=(cause,), unread=(unread(tasks, "ecs:ListTasks", "orders-web"),))


def mended() -> Report:
    report = no_route()
    return replace(report, causes=(replace(report.causes[0], still="no", fixes=()),))


def two_failures() -> Report:
    """Two containers, each with a cause of its own, and a defect that lies later on the second one's pull."""
    route, tag = no_route(), tag_missing()
    later = replace(s3_missing().causes[0], certainty="possible", next=True)
    return replace(
        route,
        failures=(*route.failures, *tag.failures),
        causes=(route.causes[0], tag.causes[0], later),
        not_applicable=(),
    )


def not_a_pull_failure() -> Report:
    return Report(
        "not-a-pull-failure",
        "the task was stopped by its deployment (ServiceSchedulerInitiated)",
        "the task did not stop for a failed image pull",
        task("orders-api", "2c1d2e3f4a5b46c7d8e9f0a1b2c3d4e5", STOPPED),
        "1.0.0",
    )


REPORTS = {
    "no-route": no_route,
    "s3-missing": s3_missing,
    "tag-missing": tag_missing,
    "cannot-tell": cannot_tell,
    "no-credentials": no_credentials,
    "unexplained": unexplained,
    "no-defect": no_defect,
    "likely": likely,
    "mended": mended,
    "two-failures": two_failures,
    "not-a-pull-failure": not_a_pull_failure,
}


def _recovered() -> Report:
    started = "task 21c1f0e2d3b44a5586978879a0b1c2d3 of orders-web:87 has run since 2025-11-21 09:15 UTC with"
    differs = (
        f"{SUBNET.id} is associated with rtb-0aa1bb2cc3dd4ee5f; it was not associated with a route table",
        f"{GROUP.id} has a new rule: tcp 443 in from 10.1.0.0/16",
    )
    return ended(no_route(), "recovered", f"{started} {NGINX}", differs)


def _recovered_defect_stands() -> Report:
    ending = f"task 21c1f0e2d3b44a5586978879a0b1c2d3 of orders-web:87 has run since 2025-11-21 09:15 UTC with {NGINX}"
    return ended(no_route(), "recovered", ending, (), still="yes")


def _rolled_back() -> Report:
    ending = "service orders-api runs again on orders-api:86; orders-api:87, which could not be pulled, is not deployed"
    differs = ("service orders-api deploys orders-api:86; it was orders-api:87",)
    return ended(tag_missing(), "rolled-back", ending, differs, still="yes")


def _scaled_to_zero() -> Report:
    return ended(s3_missing(), "withdrawn", "the desired count of service orders-api is 0", (), still="yes")


def _deleted() -> Report:
    return ended(likely(), "withdrawn", "service orders-web is deleted", still="unknown")


def _quiet() -> Report:
    report = no_route()
    alone = replace(report, task=replace(report.task, service=None, task_definition="nightly:3"))
    ending = "no task of family nightly has failed for 24 h"
    return ended(alone, "quiet", ending, still="unknown", after=timedelta(hours=24))


def _undetermined() -> Report:
    ending = "task 5a6b7c8d9e0f41a2b3c4d5e6f7a8b9c0 of orders-api:87 has run since 2025-11-21 12:41 UTC"
    differs = (f"vpce-0aa11bb22cc33dd44 of {VPC} is new",)
    return ended(cannot_tell(), "recovered", ending, differs, after=timedelta(minutes=25))


def _others_go_on() -> Report:
    ending = f"task 21c1f0e2d3b44a5586978879a0b1c2d3 of orders-web:87 has run since 2025-11-21 09:15 UTC with {NGINX}"
    return ended(no_route(), "recovered", ending, (), still="yes", others=("billing", "staging/orders-web", "search"))


CLOSINGS = {
    "recovered": _recovered,
    "recovered-defect-stands": _recovered_defect_stands,
    "rolled-back": _rolled_back,
    "withdrawn-scaled-to-zero": _scaled_to_zero,
    "withdrawn-deleted": _deleted,
    "quiet": _quiet,
    "undetermined-recovered": _undetermined,
    "recovered-others-go-on": _others_go_on,
}
"""Last reports of incidents: one for each way in which they end."""


def _reminder() -> Report:
    report = again(no_route(), "reminder")
    return replace(report, notes=(Note(words.retries(report)),))


def _new_cause() -> Report:
    return again(tag_missing(), "new-cause")


def _grouped() -> Report:
    return again(no_route(), "first", "billing", "search", "staging/orders-web", "staging/search")


AGAIN = {"reminder": _reminder, "new-cause": _new_cause, "grouped": _grouped}
"""Reports of incidents that are open, told again or in a group."""


def sample() -> Report:
    return sample_report(ACCOUNT, REGION, "PullDoctor-Function76856677-Ab1Cd2Ef3Gh4")
