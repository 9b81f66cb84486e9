"""The answers of ECR about images, their copies, and what becomes of them, one case for each question."""

from __future__ import annotations

import json
from datetime import timedelta

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, AwsError
from tests.facts.case import DIGEST, HERE, INDEX, MANIFEST, NOON, NOON_IN_SEOUL, Case, index

CASES = (
    Case(
        q.EcrImageOf(*HERE, OWN_ACCOUNT, "web", "1", None),
        "DescribeImages",
        [
            {
                "imageDetails": [
                    {
                        "imageDigest": DIGEST,
                        "imageTags": ["1"],
                        "imagePushedAt": NOON_IN_SEOUL,
                        "imageStatus": "ACTIVATING",
                        "imageSizeInBytes": 31_357_624,
                        "imageManifestMediaType": MANIFEST,
                        "artifactMediaType": "application/vnd.oci.image.config.v1+json",
                        "lastArchivedAt": NOON_IN_SEOUL,
                        "lastActivatedAt": NOON_IN_SEOUL + timedelta(days=1),
                    }
                ]
            }
        ],
        v.EcrLookup(
            None,
            v.EcrImage(
                DIGEST,
                ("1",),
                NOON,
                "ACTIVATING",
                31_357_624,
                MANIFEST,
                "application/vnd.oci.image.config.v1+json",
                NOON,
                NOON + timedelta(days=1),
            ),
        ),
        gone=(AwsError("ImageNotFoundException"),),
        absent=v.EcrLookup("image"),
    ),
    Case(
        q.EcrTagsOf(*HERE, OWN_ACCOUNT, "web"),
        "DescribeImages",
        [
            {"imageDetails": [{"imageDigest": DIGEST, "imageTags": ["1", "latest"], "imagePushedAt": NOON}]},
            {"imageDetails": [{"imageDigest": DIGEST[:-1] + "b"}]},
        ],
        v.EcrTags((v.EcrImage(DIGEST, ("1", "latest"), NOON),), complete=True),
        token="nextToken",
        gone=(AwsError("RepositoryNotFoundException"),),
        absent=v.EcrTags((), complete=True),
    ),
    Case(
        q.EcrRepositories(*HERE, OWN_ACCOUNT),
        "DescribeRepositories",
        [
            {"repositories": [{"repositoryName": "web"}, {"repositoryName": "team/app"}]},
            {"repositories": [{"repositoryName": "worker"}]},
        ],
        v.RepositoryNames(("web", "team/app", "worker"), complete=True),
        token="nextToken",
    ),
    Case(
        q.EcrManifestOf(*HERE, OWN_ACCOUNT, "web", "1", None),
        "BatchGetImage",
        [
            {
                "images": [
                    {
                        "imageId": {"imageTag": "1", "imageDigest": DIGEST},
                        "imageManifestMediaType": INDEX,
                        "imageManifest": index(
                            {"os": "linux", "architecture": "amd64"},
                            {"os": "linux", "architecture": "arm64", "variant": "v8"},
                            {"os": "unknown", "architecture": "unknown"},
                            {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"},
                            {"os": "windows", "architecture": "amd64", "os.version": "10.0.26100.1"},
                        ),
                    }
                ],
                "failures": [],
            }
        ],
        v.Manifest(
            INDEX,
            is_index=True,
            platforms=(
                v.Platform("linux", "amd64"),
                v.Platform("linux", "arm64", "v8"),
                v.Platform("windows", "amd64", os_version="10.0.20348.1"),
                v.Platform("windows", "amd64", os_version="10.0.26100.1"),
            ),
            attestations=1,
        ),
        gone=(AwsError("RepositoryNotFoundException"),),
    ),
    Case(
        q.LifecycleRulesOf(*HERE, OWN_ACCOUNT, "web"),
        "GetLifecyclePolicy",
        [
            {
                "registryId": OWN_ACCOUNT,
                "repositoryName": "web",
                "lifecyclePolicyText": json.dumps(
                    {
                        "rules": [
                            {
                                "rulePriority": 1,
                                "description": "keep the last ten",
                                "selection": {
                                    "tagStatus": "tagged",
                                    "tagPrefixList": ["v"],
                                    "countType": "imageCountMoreThan",
                                    "countNumber": 10,
                                },
                                "action": {"type": "expire"},
                            },
                            {
                                "rulePriority": 2,
                                "selection": {
                                    "tagStatus": "tagged",
                                    "tagPatternList": ["*-rc*"],
                                    "countType": "sinceImagePushed",
                                    "countUnit": "days",
                                    "countNumber": 14,
                                },
                                "action": {"type": "expire"},
                            },
                            {
                                "rulePriority": 9,
                                "selection": {
                                    "tagStatus": "any",
                                    "countType": "sinceImagePulled",
                                    "countUnit": "days",
                                    "countNumber": 90,
                                },
                                "action": {"type": "transition", "targetStorageClass": "archive"},
                            },
                        ]
                    }
                ),
            }
        ],
        (
            v.LifecycleRule(
                1, "expire", "tagged", "imageCountMoreThan", 10, prefixes=("v",), description="keep the last ten"
            ),
            v.LifecycleRule(2, "expire", "tagged", "sinceImagePushed", 14, "days", patterns=("*-rc*",)),
            v.LifecycleRule(9, "transition", "any", "sinceImagePulled", 90, "days"),
        ),
        gone=(AwsError("LifecyclePolicyNotFoundException"), AwsError("RepositoryNotFoundException")),
        absent=(),
    ),
    Case(
        q.ReplicationRulesOf(*HERE, OWN_ACCOUNT),
        "DescribeRegistry",
        [
            {
                "registryId": OWN_ACCOUNT,
                "replicationConfiguration": {
                    "rules": [
                        {
                            "destinations": [
                                {"region": "us-east-1", "registryId": OWN_ACCOUNT},
                                {"region": REGION, "registryId": "444455556666"},
                            ],
                            "repositoryFilters": [
                                {"filter": "team/", "filterType": "PREFIX_MATCH"},
                                {"filter": "web", "filterType": "PREFIX_MATCH"},
                            ],
                        },
                        {"destinations": [{"region": "eu-central-1", "registryId": OWN_ACCOUNT}]},
                    ]
                },
            }
        ],
        (
            v.ReplicationRule((("us-east-1", OWN_ACCOUNT), (REGION, "444455556666")), ("team/", "web")),
            v.ReplicationRule((("eu-central-1", OWN_ACCOUNT),)),
        ),
    ),
    Case(
        q.ReplicationOf(*HERE, OWN_ACCOUNT, "web", "1", None),
        "DescribeImageReplicationStatus",
        [
            {
                "repositoryName": "web",
                "imageId": {"imageTag": "1"},
                "replicationStatuses": [
                    {"region": "us-east-1", "registryId": OWN_ACCOUNT, "status": "IN_PROGRESS"},
                    {
                        "region": REGION,
                        "registryId": "444455556666",
                        "status": "FAILED",
                        "failureCode": "DESTINATION_POLICY_DENIED",
                    },
                ],
            }
        ],
        (
            v.Replication("us-east-1", OWN_ACCOUNT, "IN_PROGRESS"),
            v.Replication(REGION, "444455556666", "FAILED", "DESTINATION_POLICY_DENIED"),
        ),
        gone=(AwsError("RepositoryNotFoundException"), AwsError("ImageNotFoundException")),
    ),
)
