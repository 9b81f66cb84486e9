"""Reads ECS: services, their deployments, task definitions, container instances, and the tasks that run.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html. Of a task definition or a task only the
members that the diagnosis uses are kept: no environment variable, command line, or secret reaches a value. Tags come
only with a description that asks for them, and only those that the settings name are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers, utc

_GONE = ("ClusterNotFoundException", "ServiceNotFoundException")
_NO_TASK_DEFINITION = "unable to describe task definition"
_INTERFACE_ATTACHMENTS = ("eni", "ElasticNetworkInterface")
_OF_A_SERVICE = "ecs-svc/"
_REPLACED = "INACTIVE"
_OF_THE_AGENT = ("ecs.os-type", "ecs.os-family", "ecs.cpu-architecture")
_PAGE = 100


@answers(questions.OneService, "ecs:DescribeServices")
def one_service(aws: Aws, question: questions.OneService) -> values.Service | None:
    """Read a service: its deployments, and how many tasks it has."""
    ecs = aws.client("ecs", question.region, question.account)
    try:
        answer = ecs.describe_services(cluster=question.cluster, services=[question.service], **_with_tags(aws))
    except ClientError as error:
        if error_code(error) in _GONE:
            return None
        raise
    only_missing(answer.get("failures", []))
    if not answer["services"]:
        if answer.get("failures"):
            return None
        raise IncompleteAnswerError(f"ECS answered neither {question.service} nor a failure")
    service = answer["services"][0]
    if service["status"] == "INACTIVE":
        return None
    return values.Service(
        deployments=tuple(map(_deployment, service.get("deployments", []))),
        status=service["status"],
        desired=service.get("desiredCount"),
        running=service.get("runningCount"),
        pending=service.get("pendingCount"),
        tags=_tags(aws, service),
        task_sets=tuple(map(_task_set, service.get("taskSets", []))),
    )


@answers(questions.StartedWith, "ecs:DescribeServiceRevisions")
def started_with(aws: Aws, question: questions.StartedWith) -> values.Deployment | None:
    """Read what a deployment started its tasks with, once the service does not show the deployment any more.

    ECS keeps that as a service revision, for as long as the service exists, since 25 October 2024:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceRevisions.html. No API says which
    revision a deployment has. Both go by the same number, ``ecs-svc/123`` and ``service-revision/prod/web/123``, and
    Terraform's AWS provider joins them by it, too. So that revision is asked for: if it exists, it is the one.
    """
    if not question.deployment.startswith(_OF_A_SERVICE):
        return None
    ecs = aws.client("ecs", question.region, question.account)
    number = question.deployment.removeprefix(_OF_A_SERVICE)
    arn = (
        f"arn:{ecs.meta.partition}:ecs:{question.region}:{question.account}:"
        f"service-revision/{question.cluster}/{question.service}/{number}"
    )
    try:
        answer = ecs.describe_service_revisions(serviceRevisionArns=[arn])
    except ClientError as error:
        if error_code(error) in _GONE:
            return None
        raise
    only_missing(answer.get("failures", []))
    found = next((each for each in answer["serviceRevisions"] if each["serviceRevisionArn"] == arn), None)
    if not found:
        if answer.get("failures"):
            return None
        raise IncompleteAnswerError(f"ECS answered neither {arn} nor a failure")
    return values.Deployment(
        id=question.deployment,
        status=_REPLACED,
        task_definition=found.get("taskDefinition"),
        digests=tuple(
            (each["containerName"], each["imageDigest"])
            for each in found.get("containerImages", [])
            if each.get("imageDigest")
        ),
        **_network(found),
    )


@answers(questions.OneContainerInstance, "ecs:DescribeContainerInstances")
def one_container_instance(aws: Aws, question: questions.OneContainerInstance) -> values.ContainerInstance | None:
    """Read a container instance; one on premises has an id of Systems Manager in the place of EC2's."""
    ecs = aws.client("ecs", question.region, question.account)
    try:
        answer = ecs.describe_container_instances(cluster=question.cluster, containerInstances=[question.arn])
    except ClientError as error:
        if error_code(error) in _GONE:
            return None
        raise
    only_missing(answer.get("failures", []))
    if not answer["containerInstances"]:
        if answer.get("failures"):
            return None
        raise IncompleteAnswerError(f"ECS answered neither {question.arn} nor a failure")
    found = answer["containerInstances"][0]
    return values.ContainerInstance(
        arn=found["containerInstanceArn"],
        instance=found.get("ec2InstanceId"),
        agent_version=found.get("versionInfo", {}).get("agentVersion"),
        agent_connected=found.get("agentConnected"),
        attributes=tuple(
            (each["name"], each.get("value", ""))
            for each in found.get("attributes", [])
            if each["name"] in _OF_THE_AGENT
        ),
        docker_version=found.get("versionInfo", {}).get("dockerVersion"),
    )


@answers(questions.OneTaskDefinition, "ecs:DescribeTaskDefinition")
def one_task_definition(aws: Aws, question: questions.OneTaskDefinition) -> values.TaskDefinition | None:
    """Read a task definition. For one that is deleted ECS has no code of its own, only the message."""
    ecs = aws.client("ecs", question.region, question.account)
    try:
        answer = ecs.describe_task_definition(taskDefinition=question.arn, **_with_tags(aws))
    except ClientError as error:
        if error_code(error) == "ClientException" and _NO_TASK_DEFINITION in str(error).lower():
            return None
        raise
    found = answer["taskDefinition"]
    return values.TaskDefinition(
        family=found["family"],
        revision=found["revision"],
        execution_role=found.get("executionRoleArn"),
        containers=tuple(map(_container, found["containerDefinitions"])),
        registered_at=utc(found.get("registeredAt")),
        registered_by=found.get("registeredBy"),
        task_role=found.get("taskRoleArn"),
        os_family=found.get("runtimePlatform", {}).get("operatingSystemFamily"),
        cpu_architecture=found.get("runtimePlatform", {}).get("cpuArchitecture"),
        tags=_tags(aws, answer),
        storage=found.get("ephemeralStorage", {}).get("sizeInGiB"),
    )


@answers(questions.RunningTasks, "ecs:ListTasks")
def running_tasks(aws: Aws, question: questions.RunningTasks) -> tuple[str, ...]:
    """List the running tasks of a service or a family; a service or cluster that is gone has none."""
    workload = {"serviceName": question.service} if question.service else {"family": question.family}
    return tuple(list_tasks(aws, question.region, question.account, question.cluster, "RUNNING", **workload))


@answers(questions.Siblings, "ecs:DescribeTasks")
def siblings(aws: Aws, question: questions.Siblings) -> tuple[values.Sibling, ...]:
    """Describe running tasks; one that has gone since it was listed is left out."""
    ecs = aws.client("ecs", question.region, question.account)
    answer = ecs.describe_tasks(cluster=question.cluster, tasks=list(question.tasks))
    only_missing(answer.get("failures", []))
    return tuple(map(_sibling, answer["tasks"]))


def list_tasks(
    aws: Aws, region: str, account: str | None, cluster: str, desired_status: str, **workload: str | None
) -> list[str]:
    """The ARNs of the tasks of one workload, ``serviceName`` or ``family``, over all pages."""
    paginator = aws.client("ecs", region, account).get_paginator("list_tasks")
    pages = paginator.paginate(
        cluster=cluster, desiredStatus=desired_status, PaginationConfig={"PageSize": _PAGE}, **workload
    )
    try:
        return [arn for page in pages for arn in page["taskArns"]]
    except ClientError as error:
        if error_code(error) in _GONE:
            return []
        raise


def only_missing(failures: Iterable[Mapping[str, Any]]) -> None:
    """Raise if ECS failed for any other reason than that a thing does not exist."""
    for failure in failures:
        if failure.get("reason") != "MISSING":
            raise IncompleteAnswerError(f"ECS failed for {failure.get('arn')}: {failure.get('reason')}")


def _deployment(item: Mapping[str, Any]) -> values.Deployment:
    return values.Deployment(
        id=item["id"],
        status=item["status"],
        task_definition=item.get("taskDefinition"),
        rollout_state=item.get("rolloutState"),
        desired=item.get("desiredCount"),
        running=item.get("runningCount"),
        **_network(item),
    )


def _task_set(item: Mapping[str, Any]) -> values.Deployment:
    """A task set, which CodeDeploy or another controller has in the place of a deployment.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
    """
    return values.Deployment(
        id=item["id"],
        status=item["status"],
        task_definition=item.get("taskDefinition"),
        desired=item.get("computedDesiredCount"),
        running=item.get("runningCount"),
        **_network(item),
    )


def _network(item: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a deployment that say where its tasks run."""
    network = item.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    public = network.get("assignPublicIp")
    return {
        "subnets": tuple(network.get("subnets", [])),
        "groups": tuple(network.get("securityGroups", [])),
        "assign_public_ip": None if public is None else public == "ENABLED",
    }


def _with_tags(aws: Aws) -> dict[str, list[str]]:
    return {"include": ["TAGS"]} if aws.tag_keys else {}


def _tags(aws: Aws, item: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    """The tags that the settings name; ``None`` where none was asked for."""
    if not aws.tag_keys:
        return None
    return tuple((tag["key"], tag.get("value", "")) for tag in item.get("tags", []) if tag["key"] in aws.tag_keys)


def _container(item: Mapping[str, Any]) -> values.ContainerDefinition:
    """A container; the start of a task fetches its log driver's secrets as it does the container's own.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html
    """
    secrets = (*item.get("secrets", []), *item.get("logConfiguration", {}).get("secretOptions", []))
    return values.ContainerDefinition(
        item["name"],
        essential=item.get("essential", True),
        image=item.get("image"),
        secrets=tuple(secret["valueFrom"] for secret in secrets),
        registry_credentials=item.get("repositoryCredentials", {}).get("credentialsParameter"),
    )


def _sibling(item: Mapping[str, Any]) -> values.Sibling:
    details = (
        detail
        for attachment in item.get("attachments", [])
        if attachment.get("type") in _INTERFACE_ATTACHMENTS
        for detail in attachment.get("details", [])
    )
    return values.Sibling(
        arn=item["taskArn"],
        task_definition=item["taskDefinitionArn"],
        started_at=utc(item.get("startedAt")),
        started_by=item.get("startedBy"),
        subnet=next((detail["value"] for detail in details if detail.get("name") == "subnetId"), None),
        execution_role_override=item.get("overrides", {}).get("executionRoleArn"),
        container_instance=item.get("containerInstanceArn"),
    )
