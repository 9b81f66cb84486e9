"""Reports built by hand: one for each way in which a diagnosis can end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pull_doctor.causes.outcome import AwsCommand, Evidence
from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Symptom
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.report import commands
from pull_doctor.report.model import (
    Command,
    Excluded,
    FailurePart,
    FixPart,
    Incident,
    Included,
    Link,
    NotChecked,
    Note,
    PullerPart,
    RankedCause,
    Report,
    TaskPart,
)
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
ECR_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/orders-api"
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


def excluded(*causes: str, why: str, failures: tuple[str, ...] = ("web",)) -> tuple[Excluded, ...]:
    return tuple(Excluded(cause, failures, why) for cause in causes)


def no_route() -> Report:
    timeout = (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
        f'{NGINX}: failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/1.27": '
        "dial tcp 54.227.20.253:443: i/o timeout"
    )
    trace = Trace(
        "resolve",
        "registry-1.docker.io",
        "no-route-to-registry",
        address="54.227.20.253",
        hops=(
            Hop("security-group", GROUP, "ok", f"{GROUP.id} allows tcp 443 to 0.0.0.0/0"),
            Hop("network-acl", ACL, "ok", f"{ACL.id} allows it out, and the reply in"),
            Hop(
                "route",
                ROUTES,
                "fail",
                f"{ROUTES.id} has no route that matches 54.227.20.253",
                cause="no-route-to-registry",
                details=("10.0.0.0/16 -> local",),
            ),
            Hop("internet", None, "-", "not reached"),
        ),
    )
    network = {
        "awsvpcConfiguration": {
            "subnets": ["subnet-0b2c3d4e5f6071829", "subnet-0c3d4e5f607182930"],
            "securityGroups": [GROUP.id],
            "assignPublicIp": "DISABLED",
        }
    }
    cause = RankedCause(
        "no-route-to-registry",
        ("web",),
        "proven",
        "yes",
        "subnet has no route to the registry",
        "The subnet has no route table of its own, so it uses the main one of vpc-0d4f8a1b2c3e5f607, and that one only "
        "reaches the VPC. Nothing answers the connection, which is the timeout ECS reports. The service's other two "
        "subnets have a NAT route: tasks placed there start.",
        SUBNET,
        (Evidence(f"{ROUTES.id} has no route that matches 54.227.20.253", "fact", (ROUTES,)),),
        traces=(trace,),
        fixes=(
            FixPart(
                "Give the subnet the route table its two neighbours use.",
                "your-call",
                ACCOUNT,
                REGION,
                (command("ec2", "AssociateRouteTable", RouteTableId="rtb-0aa1bb2cc3dd4ee5f", SubnetId=SUBNET.id),),
                managed_by="CloudFormation stack network-prod",
                effect="everything in the subnet reaches the internet through nat-0e1d2c3b4a5968777",
            ),
            FixPart(
                "Keep the subnet isolated, and take it out of the service.",
                "your-call",
                ACCOUNT,
                REGION,
                (command("ecs", "UpdateService", cluster="prod", service="orders-web", networkConfiguration=network),),
                effect="the service stops using eu-west-1b",
            ),
        ),
        docs=(Link("Route tables", "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"),),
    )
    later = RankedCause(
        "registry-rate-limited",
        ("web",),
        "possible",
        "unknown",
        "Docker Hub limits pulls without credentials",
        "The image comes from Docker Hub without credentials, and tasks behind one NAT address share one pull limit.",
        make(PLACE, "AWS::ECS::TaskDefinition", "orders-web:87"),
        (Evidence("orders-web:87 names no repositoryCredentials", "fact"),),
    )
    report = Report(
        "cause-found",
        "The route table has no route to the registry.",
        "subnet has no route to the registry",
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
        causes=(cause, later),
        ruled_out=excluded("security-group-egress-blocks", "network-acl-blocks", why="both let tcp 443 out and back"),
        not_applicable=excluded("host-storage-full", "host-proxy-broken", why="the task ran on Fargate"),
        facts_read_at=STOPPED + timedelta(seconds=34),
        duration_ms=2100,
        aws_calls=14,
    )
    return incident(report, 3, 10)


def s3_missing() -> Report:
    stopped = STOPPED.replace(hour=10, minute=31, second=20)
    bucket = "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com"
    message = (
        "CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open: "
        f'failed to do request: Get "https://{bucket}/[...]": dial tcp 52.218.97.10:443: i/o timeout'
    )
    why = f"{ROUTES.id} has no route that matches 52.218.97.10"
    trace = Trace(
        "download",
        bucket,
        "s3-endpoint-missing",
        address="52.218.97.10",
        hops=(
            Hop("security-group", GROUP, "ok", f"{GROUP.id} allows tcp 443 to 0.0.0.0/0"),
            Hop("network-acl", ACL, "ok", f"{ACL.id} allows it out, and the reply in"),
            Hop("route", ROUTES, "fail", why, "s3-endpoint-missing", details=("10.1.0.0/16 -> local",)),
        ),
    )
    endpoint = command(
        "ec2",
        "CreateVpcEndpoint",
        VpcId="vpc-07a6b5c4d3e2f1089",
        VpcEndpointType="Gateway",
        ServiceName="com.amazonaws.eu-west-1.s3",
        RouteTableIds=[ROUTES.id],
    )
    cause = RankedCause(
        "s3-endpoint-missing",
        ("api",),
        "proven",
        "yes",
        "no S3 gateway endpoint, so image layers cannot be downloaded",
        "ECR keeps image layers in Amazon S3. Since platform version 1.4.0 the whole pull uses the task's own network "
        "interface, so a subnet without internet access needs endpoints for ecr.api, ecr.dkr, and S3. "
        "vpc-07a6b5c4d3e2f1089 has the first two and no S3 endpoint.",
        SUBNET,
        (
            Evidence("sign-in and manifest worked through vpce-0aa11bb22cc33dd44 and vpce-0bb22cc33dd44ee55", "text"),
            Evidence(why, "fact", (ROUTES,)),
        ),
        traces=(trace,),
        includes=(Included("public-access-blocked", "there is no way to the internet that it could block"),),
        fixes=(
            FixPart(
                "Add the S3 gateway endpoint to this route table.",
                "exact",
                ACCOUNT,
                REGION,
                (endpoint,),
                effect="open S3 connections from this route table's subnets may drop once",
                cost="none",
            ),
        ),
    )
    unread = Unknown(
        "the inline policies of orders-api-execution",
        "denied",
        "iam:GetRolePolicy",
        f"arn:aws:iam::{ACCOUNT}:role/orders-api-execution",
        ACCOUNT,
        REGION,
    )
    report = Report(
        "cause-found",
        "The VPC has no way to S3.",
        cause.title,
        task("orders-api", "51d0c1e2a3b44c5d9e8f70615243f4e5", stopped),
        "1.0.0",
        puller(zone="eu-west-1a"),
        failures=(
            FailurePart(
                "api",
                "api",
                message,
                Symptom("download", "network-timeout", bucket, "52.218.97.10", 443),
                essential=True,
                image=f"{ECR_IMAGE}:1.42.0",
            ),
        ),
        causes=(cause,),
        ruled_out=excluded("ecr-api-endpoint-missing", "ecr-dkr-endpoint-missing", why="both are available"),
        not_checked=(NotChecked("pull-permission-denied", ("api",), (unread,)),),
        notes=(
            Note(
                text="the task will stop at logging next. Container api logs with awslogs, and the VPC has no endpoint "
                "for CloudWatch Logs (com.amazonaws.eu-west-1.logs)."
            ),
        ),
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
    cause = RankedCause(
        "image-not-found",
        ("api",),
        "proven",
        "yes",
        "image tag does not exist in the repository",
        "There is a tag with a similar name: 1.42.0, pushed 7 minutes before the task stopped. It differs only by the "
        "leading v. Task definition orders-api:87, registered 11:01:30 UTC by role/ci-deploy, asks for v1.42.0.",
        REPOSITORY,
        (
            Evidence("team/orders-api has no image with tag v1.42.0", "fact", (REPOSITORY,)),
            Evidence("the newest tags of team/orders-api are 1.42.0, 1.41.3, and 1.41.2", "fact", (REPOSITORY,)),
        ),
        fixes=(
            FixPart(
                "Deploy tag 1.42.0, if that is the build you meant.",
                "your-call",
                ACCOUNT,
                REGION,
                effect="none on running tasks",
            ),
            FixPart(
                "Build and push <image> with tag v1.42.0.",
                "fill-in",
                ACCOUNT,
                REGION,
                (Command(f"docker push {reference}"),),
            ),
        ),
        where="v1.42.0",
    )
    lifecycle = Unknown(
        "whether a lifecycle policy removed the tag",
        "denied",
        "ecr:GetLifecyclePolicy",
        "repository/team/orders-api",
        ACCOUNT,
        REGION,
    )
    report = Report(
        "cause-found",
        "The repository has no such tag.",
        cause.title,
        task("orders-api", "9ab34c5d6e7f48091a2b3c4d5e6f7081", stopped),
        "1.0.0",
        puller(zone="eu-west-1a"),
        failures=(FailurePart("api", "api", message, Symptom("resolve", "image-not-found"), image=reference),),
        causes=(cause,),
        ruled_out=(
            *excluded("no-route-to-registry", "ecr-dkr-endpoint-missing", why="The registry answered."),
            *excluded("pull-permission-denied", why="ecr:BatchGetImage is allowed to role/orders-api-execution"),
            *excluded("repository-not-found", why="team/orders-api is in registry 123456789012 (eu-west-1)"),
        ),
        not_applicable=excluded("pull-through-cache-broken", why="no cache rule has the prefix team"),
        not_checked=(NotChecked("pinned-digest-deleted", ("api",), (lifecycle,)),),
        facts_read_at=stopped + timedelta(seconds=26),
    )
    return incident(report, 2, 1)


def cannot_tell() -> Report:
    stopped = STOPPED.replace(hour=12, minute=40, second=11)
    endpoints = Unknown(
        "the VPC endpoints of vpc-07a6b5c4d3e2f1089", "denied", "ec2:DescribeVpcEndpoints", None, ACCOUNT, REGION
    )
    policy = Unknown("the endpoint's policy", "prerequisite")
    causes = (
        "endpoint-not-available",
        "endpoint-private-dns-off",
        "endpoint-security-group-blocks",
        "endpoint-lacks-name",
    )
    return Report(
        "undetermined",
        "The failure is a timeout while connecting to ECR. 10.1.3.27 is inside the VPC, so the name resolved to an "
        "interface endpoint; the endpoint itself could not be read.",
        "no cause proven; two facts could not be read",
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
            *(NotChecked(cause, ("api",), (endpoints,)) for cause in causes),
            NotChecked("endpoint-policy-denies", ("api",), (policy,)),
        ),
        facts_read_at=stopped + timedelta(minutes=20),
    )


def no_defect() -> Report:
    return Report(
        "no-defect-found",
        "Every check could be made and none found a defect: task 51d0c1e2a3b44c5d9e8f70615243f4e5 of the same "
        "revision started 40 s later over the same path.",
        "every check passed, so the failure was transient or has been mended",
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
        ruled_out=excluded("no-route-to-registry", why=f"{ROUTES.id} routes to nat-0e1d2c3b4a5968777"),
        facts_read_at=STOPPED + timedelta(seconds=31),
    )


def likely() -> Report:
    report = no_route()
    cause = replace(
        report.causes[0],
        certainty="likely",
        inferred=(
            "task 51d0c1e2a3b44c5d9e8f70615243f4e5 of the same revision started in subnet-0a1b2c3d4e5f60718 later",
        ),
    )
    return replace(report, causes=(cause, *report.causes[1:]))


def mended() -> Report:
    report = no_route()
    return replace(report, causes=(replace(report.causes[0], still="no"),))


def two_failures() -> Report:
    """Two containers, each with a cause of its own, and a defect that lies later on the first one's pull."""
    route, tag = no_route(), tag_missing()
    later = replace(s3_missing().causes[0], failures=("web",), certainty="possible", next=True)
    return replace(
        route,
        failures=(*route.failures, *tag.failures),
        causes=(route.causes[0], tag.causes[0], later),
    )


def not_a_pull_failure() -> Report:
    return Report(
        "not-a-pull-failure",
        "The task was stopped by its deployment (ServiceSchedulerInitiated); no image pull failed.",
        "no image pull failed",
        task("orders-api", "2c1d2e3f4a5b46c7d8e9f0a1b2c3d4e5", STOPPED),
        "1.0.0",
    )


def recovered() -> Report:
    report = no_route()
    assert report.incident
    return replace(report, incident=replace(report.incident, status="recovered"))


REPORTS = {
    "no-route": no_route,
    "s3-missing": s3_missing,
    "tag-missing": tag_missing,
    "cannot-tell": cannot_tell,
    "no-defect": no_defect,
    "likely": likely,
    "mended": mended,
    "two-failures": two_failures,
    "not-a-pull-failure": not_a_pull_failure,
    "recovered": recovered,
}
