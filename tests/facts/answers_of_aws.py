"""One full answer of AWS for every question, with the value that the diagnosis makes of it; ECS's are here."""

from __future__ import annotations

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from tests.facts import answers_of_ec2, answers_of_ec2_gateways, answers_of_ecr, answers_of_rights, answers_of_route53
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, AwsError
from tests.facts.case import (
    CONTAINER_INSTANCE,
    DIGEST,
    HERE,
    NOON,
    NOON_IN_SEOUL,
    PLANTED,
    REVISION,
    ROLE,
    SECRET,
    TASK_DEFINITION,
    TASKS,
    Case,
)

CASES = (
    *answers_of_ec2.CASES,
    *answers_of_ec2_gateways.CASES,
    *answers_of_ecr.CASES,
    *answers_of_rights.CASES,
    *answers_of_route53.CASES,
    Case(
        q.OneService(*HERE, "prod", "web"),
        "DescribeServices",
        [
            {
                "services": [
                    {
                        "serviceArn": f"arn:aws:ecs:{REGION}:{OWN_ACCOUNT}:service/prod/web",
                        "serviceName": "web",
                        "status": "ACTIVE",
                        "desiredCount": 2,
                        "runningCount": 1,
                        "pendingCount": 1,
                        "tags": [{"key": "team", "value": PLANTED}],
                        "deployments": [
                            {
                                "id": "ecs-svc/1",
                                "status": "PRIMARY",
                                "taskDefinition": TASK_DEFINITION,
                                "platformVersion": "1.4.0",
                                "desiredCount": 2,
                                "runningCount": 1,
                                "pendingCount": 1,
                                "rolloutState": "IN_PROGRESS",
                                "networkConfiguration": {
                                    "awsvpcConfiguration": {
                                        "subnets": ["subnet-1"],
                                        "securityGroups": ["sg-1"],
                                        "assignPublicIp": "DISABLED",
                                    }
                                },
                            },
                            {"id": "ecs-svc/0", "status": "ACTIVE", "taskDefinition": TASK_DEFINITION},
                        ],
                        "taskSets": [
                            {
                                "id": "ecs-svc/2",
                                "startedBy": "CODE_DEPLOY",
                                "status": "ACTIVE",
                                "taskDefinition": TASK_DEFINITION,
                                "computedDesiredCount": 3,
                                "runningCount": 0,
                                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-2"]}},
                            }
                        ],
                    }
                ],
                "failures": [],
            }
        ],
        v.Service(
            (
                v.Deployment(
                    "ecs-svc/1",
                    "PRIMARY",
                    ("subnet-1",),
                    ("sg-1",),
                    assign_public_ip=False,
                    task_definition=TASK_DEFINITION,
                    rollout_state="IN_PROGRESS",
                    desired=2,
                    running=1,
                ),
                v.Deployment("ecs-svc/0", "ACTIVE", task_definition=TASK_DEFINITION),
            ),
            status="ACTIVE",
            desired=2,
            running=1,
            pending=1,
            task_sets=(
                v.Deployment(
                    "ecs-svc/2", "ACTIVE", ("subnet-2",), task_definition=TASK_DEFINITION, desired=3, running=0
                ),
            ),
        ),
        gone=(AwsError("ClusterNotFoundException"), AwsError("ServiceNotFoundException")),
    ),
    Case(
        q.StartedWith(*HERE, "prod", "web", "ecs-svc/4980306466373577095"),
        "DescribeServiceRevisions",
        [
            {
                "serviceRevisions": [
                    {
                        "serviceRevisionArn": REVISION,
                        "taskDefinition": TASK_DEFINITION,
                        "platformVersion": "1.4.0",
                        "containerImages": [
                            {"containerName": "app", "imageDigest": DIGEST, "image": "web:1"},
                            {"containerName": "log", "image": "log:1"},
                        ],
                        "networkConfiguration": {
                            "awsvpcConfiguration": {
                                "subnets": ["subnet-1", "subnet-2"],
                                "securityGroups": ["sg-1"],
                                "assignPublicIp": "ENABLED",
                            }
                        },
                        "serviceConnectConfiguration": {
                            "enabled": True,
                            "logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": PLANTED}},
                        },
                    }
                ],
                "failures": [],
            }
        ],
        v.Deployment(
            "ecs-svc/4980306466373577095",
            "INACTIVE",
            ("subnet-1", "subnet-2"),
            ("sg-1",),
            assign_public_ip=True,
            task_definition=TASK_DEFINITION,
            digests=(("app", DIGEST),),
        ),
        gone=(AwsError("ClusterNotFoundException"), AwsError("ServiceNotFoundException")),
    ),
    Case(
        q.OneContainerInstance(*HERE, "prod", CONTAINER_INSTANCE),
        "DescribeContainerInstances",
        [
            {
                "containerInstances": [
                    {
                        "containerInstanceArn": CONTAINER_INSTANCE,
                        "ec2InstanceId": "i-1",
                        "versionInfo": {"agentVersion": "1.105.1", "dockerVersion": "DockerVersion: 25.0.14"},
                        "agentConnected": True,
                        "attributes": [
                            {"name": "ecs.capability.execution-role-ecr-pull"},
                            {"name": "ecs.os-type", "value": "linux"},
                            {"name": "team", "value": PLANTED},
                            {"name": "ecs.cpu-architecture", "value": "arm64"},
                            {"name": "ecs.os-family", "value": "LINUX"},
                        ],
                    }
                ],
                "failures": [],
            }
        ],
        v.ContainerInstance(
            CONTAINER_INSTANCE,
            "i-1",
            "1.105.1",
            agent_connected=True,
            attributes=(("ecs.os-type", "linux"), ("ecs.cpu-architecture", "arm64"), ("ecs.os-family", "LINUX")),
            docker_version="DockerVersion: 25.0.14",
        ),
        gone=(AwsError("ClusterNotFoundException"),),
    ),
    Case(
        q.OneTaskDefinition(*HERE, TASK_DEFINITION),
        "DescribeTaskDefinition",
        [
            {
                "taskDefinition": {
                    "taskDefinitionArn": TASK_DEFINITION,
                    "family": "web",
                    "revision": 7,
                    "executionRoleArn": ROLE,
                    "taskRoleArn": f"{ROLE}-task",
                    "registeredAt": NOON_IN_SEOUL,
                    "registeredBy": f"arn:aws:iam::{OWN_ACCOUNT}:user/dev",
                    "containerDefinitions": [
                        {
                            "name": "app",
                            "image": "web:1",
                            "environment": [{"name": "TOKEN", "value": PLANTED}],
                            "command": ["--token", PLANTED],
                            "entryPoint": [PLANTED],
                            "secrets": [{"name": "DB", "valueFrom": SECRET}],
                            "dockerLabels": {"label": PLANTED},
                            "logConfiguration": {
                                "logDriver": "splunk",
                                "options": {"splunk-token": PLANTED},
                                "secretOptions": [{"name": "splunk-token", "valueFrom": "/prod/splunk"}],
                            },
                            "repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:r:1:secret:hub"},
                        },
                        {"name": "log", "essential": False},
                    ],
                    "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
                    "ephemeralStorage": {"sizeInGiB": 60},
                }
            }
        ],
        v.TaskDefinition(
            "web",
            7,
            ROLE,
            containers=(
                v.ContainerDefinition(
                    "app",
                    essential=True,
                    image="web:1",
                    secrets=(SECRET, "/prod/splunk"),
                    registry_credentials="arn:aws:secretsmanager:r:1:secret:hub",
                ),
                v.ContainerDefinition("log", essential=False),
            ),
            registered_at=NOON,
            registered_by=f"arn:aws:iam::{OWN_ACCOUNT}:user/dev",
            task_role=f"{ROLE}-task",
            os_family="LINUX",
            cpu_architecture="ARM64",
            storage=60,
        ),
        gone=(AwsError("ClientException", "Unable to describe task definition."),),
    ),
    Case(
        q.RunningTasks(*HERE, "prod", "web", None),
        "ListTasks",
        [{"taskArns": [TASKS[0]]}, {"taskArns": [TASKS[1]]}],
        TASKS,
        token="nextToken",
        gone=(AwsError("ClusterNotFoundException"), AwsError("ServiceNotFoundException")),
        absent=(),
    ),
    Case(
        q.Siblings(*HERE, "prod", TASKS),
        "DescribeTasks",
        [
            {
                "tasks": [
                    {
                        "taskArn": TASKS[0],
                        "taskDefinitionArn": TASK_DEFINITION,
                        "startedAt": NOON_IN_SEOUL,
                        "startedBy": "ecs-svc/1",
                        "attachments": [
                            {"type": "Service Connect", "details": [{"name": "subnetId", "value": "subnet-wrong"}]},
                            {
                                "type": "ElasticNetworkInterface",
                                "details": [
                                    {"name": "networkInterfaceId", "value": "eni-1"},
                                    {"name": "subnetId", "value": "subnet-1"},
                                ],
                            },
                        ],
                        "overrides": {
                            "executionRoleArn": ROLE,
                            "containerOverrides": [
                                {
                                    "name": "app",
                                    "command": [PLANTED],
                                    "environment": [{"name": "TOKEN", "value": PLANTED}],
                                }
                            ],
                        },
                    }
                ],
                "failures": [{"arn": TASKS[1], "reason": "MISSING"}],
            }
        ],
        (v.Sibling(TASKS[0], TASK_DEFINITION, NOON, "ecs-svc/1", "subnet-1", ROLE),),
    ),
)
