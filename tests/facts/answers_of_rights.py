"""The answers of AWS about who may do what, one case for each question."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from tests.facts.botocore_world import OWN_ACCOUNT, AwsError
from tests.facts.case import (
    HERE,
    KEY,
    NOON,
    NOON_IN_SEOUL,
    PLANTED,
    PROFILE,
    REPOSITORY,
    ROLE,
    SECRET,
    TRUST,
    Case,
)

PULL = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
MORE, LIMIT = (f"arn:aws:iam::{OWN_ACCOUNT}:policy/{name}" for name in ("more", "limit"))
GIVEN = {
    "Path": "/",
    "RoleName": "pull",
    "RoleId": "AROAEXAMPLE123456",
    "Arn": ROLE,
    "CreateDate": NOON,
    "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": LIMIT},
}


def _document(action: str) -> str:
    return json.dumps({"Statement": [{"Action": action, "Effect": "Allow", "Resource": "*"}], "Version": "2012-10-17"})


def _managed(arn: str, version: str) -> dict[str, Any]:
    return {"Policy": {"Arn": arn, "DefaultVersionId": version}}


def _version(version: str, action: str) -> dict[str, Any]:
    return {"PolicyVersion": {"VersionId": version, "Document": quote(_document(action))}}


def _simulated(action: str, **members: Any) -> dict[str, Any]:
    return {"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": "implicitDeny", **members}


CASES = (
    Case(
        q.RepositoryPolicy(*HERE, OWN_ACCOUNT, "web"),
        "GetRepositoryPolicy",
        [{"policyText": '{"Statement": []}'}],
        '{"Statement": []}',
        gone=(AwsError("RepositoryPolicyNotFoundException"), AwsError("RepositoryNotFoundException")),
    ),
    Case(
        q.OneRole(*HERE, ROLE),
        "GetRole",
        [
            {
                "Role": GIVEN
                | {
                    "AssumeRolePolicyDocument": quote(json.dumps(TRUST)),
                    "Tags": [{"Key": "team", "Value": "web"}],
                }
            }
        ],
        v.Role(ROLE, json.dumps(TRUST, sort_keys=True), LIMIT, "AROAEXAMPLE123456", (("team", "web"),)),
        gone=(AwsError("NoSuchEntity", status=404), AwsError("NoSuchEntityException", status=404)),
    ),
    Case(
        q.OneInstanceProfile(*HERE, PROFILE),
        "GetInstanceProfile",
        [
            {
                "InstanceProfile": {
                    "Path": "/team/",
                    "InstanceProfileName": "hosts",
                    "InstanceProfileId": "AIPAEXAMPLE123456",
                    "Arn": PROFILE,
                    "CreateDate": NOON,
                    "Roles": [
                        {
                            "Path": "/",
                            "RoleName": "pull",
                            "RoleId": "AROAEXAMPLE123456",
                            "Arn": ROLE,
                            "CreateDate": NOON,
                            "AssumeRolePolicyDocument": quote(json.dumps(TRUST)),
                        }
                    ],
                }
            }
        ],
        v.InstanceProfile(PROFILE, ROLE),
        gone=(AwsError("NoSuchEntity", status=404), AwsError("NoSuchEntityException", status=404)),
    ),
    Case(
        q.Organization(*HERE),
        "DescribeOrganization",
        [{"Organization": {"Id": "o-exampleorg1", "MasterAccountId": "999999999999", "FeatureSet": "ALL"}}],
        "o-exampleorg1",
        gone=(AwsError("AWSOrganizationsNotInUseException"),),
    ),
    Case(
        q.OneSecret(*HERE, SECRET),
        "DescribeSecret",
        [{"ARN": SECRET, "Name": "prod/db", "KmsKeyId": KEY, "DeletedDate": NOON_IN_SEOUL, "Description": PLANTED}],
        v.Secret(SECRET, NOON, KEY),
        gone=(AwsError("ResourceNotFoundException"),),
    ),
    Case(
        q.SecretPolicy(*HERE, SECRET),
        "GetResourcePolicy",
        [{"ARN": SECRET, "Name": "prod/db", "ResourcePolicy": '{"Statement": []}'}],
        '{"Statement": []}',
        gone=(AwsError("ResourceNotFoundException"),),
    ),
    Case(
        q.OneParameter(*HERE, "/prod/splunk"),
        "DescribeParameters",
        [
            {"Parameters": []},
            {"Parameters": [{"Name": "/prod/splunk", "Type": "SecureString", "KeyId": KEY, "Description": PLANTED}]},
        ],
        v.Parameter("/prod/splunk", KEY),
        token="NextToken",
    ),
    Case(
        q.Simulation(*HERE, ROLE, ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), REPOSITORY),
        "SimulatePrincipalPolicy",
        [
            {
                "EvaluationResults": [
                    _simulated(
                        "ecr:BatchGetImage",
                        OrganizationsDecisionDetail={"AllowedByOrganizations": False},
                        ResourceSpecificResults=[
                            {
                                "EvalResourceName": REPOSITORY,
                                "EvalResourceDecision": "explicitDeny",
                                "MatchedStatements": [
                                    {"SourcePolicyId": "deny-all"},
                                    {"SourcePolicyId": "deny-all"},
                                ],
                                "MissingContextValues": ["aws:SourceVpce"],
                                "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": True},
                            }
                        ],
                    )
                ]
            },
            {
                "EvaluationResults": [
                    _simulated(
                        "ecr:GetDownloadUrlForLayer",
                        EvalDecision="allowed",
                        MatchedStatements=[{"SourcePolicyId": "pull", "SourcePolicyType": "IAM Policy"}],
                    )
                ]
            },
        ],
        (
            v.Simulated(
                "ecr:BatchGetImage",
                "explicitDeny",
                ("deny-all",),
                ("aws:SourceVpce",),
                boundary_allows=True,
                organization_allows=False,
            ),
            v.Simulated("ecr:GetDownloadUrlForLayer", "allowed", ("pull",)),
        ),
        token="Marker",
        gone=(AwsError("NoSuchEntity"),),
    ),
    Case(
        q.PoliciesOfRole(*HERE, ROLE),
        "ListAttachedRolePolicies",
        [
            {"AttachedPolicies": [{"PolicyName": "pull", "PolicyArn": PULL}]},
            {"AttachedPolicies": [{"PolicyName": "more", "PolicyArn": MORE}]},
        ],
        v.RolePolicies(
            (
                v.NamedPolicy(PULL, _document("ecr:Get*")),
                v.NamedPolicy(MORE, _document("ecr:Batch*")),
                v.NamedPolicy("secrets", _document("secretsmanager:*")),
                v.NamedPolicy("logs", _document("logs:*")),
            ),
            v.NamedPolicy(LIMIT, _document("s3:*")),
        ),
        token="Marker",
        gone=(AwsError("NoSuchEntity", status=404),),
        more={
            "GetRole": [{"Role": GIVEN}],
            "ListRolePolicies": [
                {"PolicyNames": ["secrets"], "IsTruncated": True, "Marker": "page-2"},
                {"PolicyNames": ["logs"]},
            ],
            "GetPolicy": [_managed(PULL, "v1"), _managed(MORE, "v7"), _managed(LIMIT, "v2")],
            "GetPolicyVersion": [_version("v1", "ecr:Get*"), _version("v7", "ecr:Batch*"), _version("v2", "s3:*")],
            "GetRolePolicy": [
                {"RoleName": "pull", "PolicyName": name, "PolicyDocument": quote(_document(action))}
                for name, action in (("secrets", "secretsmanager:*"), ("logs", "logs:*"))
            ],
        },
    ),
    Case(
        q.RegistryPolicyOf(*HERE, OWN_ACCOUNT),
        "GetRegistryPolicy",
        [{"registryId": OWN_ACCOUNT, "policyText": '{"Statement": []}'}],
        v.RegistryRules('{"Statement": []}', "V2"),
        gone=(AwsError("RegistryPolicyNotFoundException"),),
        absent=v.RegistryRules(None),
        more={"GetAccountSetting": [{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}]},
    ),
    Case(
        q.CacheRulesOf(*HERE, OWN_ACCOUNT),
        "DescribePullThroughCacheRules",
        [
            {
                "pullThroughCacheRules": [
                    {
                        "ecrRepositoryPrefix": "hub",
                        "upstreamRegistryUrl": "registry-1.docker.io",
                        "upstreamRegistry": "docker-hub",
                        "registryId": OWN_ACCOUNT,
                        "credentialArn": SECRET,
                    }
                ]
            },
            {
                "pullThroughCacheRules": [
                    {
                        "ecrRepositoryPrefix": "ROOT",
                        "upstreamRegistryUrl": "444455556666.dkr.ecr.eu-west-1.amazonaws.com",
                        "customRoleArn": ROLE,
                        "upstreamRepositoryPrefix": "base",
                    }
                ]
            },
        ],
        (
            v.CacheRule("hub", "registry-1.docker.io", SECRET),
            v.CacheRule("ROOT", "444455556666.dkr.ecr.eu-west-1.amazonaws.com", None, ROLE, "base"),
        ),
        token="nextToken",
    ),
    Case(
        q.CacheRuleWorks(*HERE, OWN_ACCOUNT, "hub"),
        "ValidatePullThroughCacheRule",
        [
            {
                "ecrRepositoryPrefix": "hub",
                "registryId": OWN_ACCOUNT,
                "upstreamRegistryUrl": "registry-1.docker.io",
                "credentialArn": SECRET,
                "isValid": False,
                "failure": "the secret cannot be read",
            }
        ],
        v.CacheRuleState(valid=False, failure="the secret cannot be read"),
        gone=(AwsError("PullThroughCacheRuleNotFoundException"),),
    ),
    Case(
        q.RepositoryDetails(*HERE, OWN_ACCOUNT, "web"),
        "DescribeRepositories",
        [
            {
                "repositories": [
                    {
                        "repositoryName": "web",
                        "repositoryArn": REPOSITORY,
                        "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": KEY},
                    }
                ]
            }
        ],
        v.Repository(REPOSITORY, "KMS", KEY),
        gone=(AwsError("RepositoryNotFoundException"),),
    ),
    Case(
        q.RepositoryTags(*HERE, OWN_ACCOUNT, "web"),
        "ListTagsForResource",
        [{"tags": [{"Key": "team", "Value": "web"}, {"Key": "open", "Value": ""}]}],
        (("team", "web"), ("open", "")),
        gone=(AwsError("RepositoryNotFoundException"),),
    ),
    Case(
        q.OneKey(*HERE, KEY),
        "DescribeKey",
        [
            {
                "KeyMetadata": {
                    "KeyId": "1234abcd",
                    "Arn": KEY,
                    "KeyState": "PendingDeletion",
                    "KeyManager": "CUSTOMER",
                    "Description": PLANTED,
                }
            }
        ],
        v.Key(KEY, "PendingDeletion", "CUSTOMER"),
        gone=(AwsError("NotFoundException"),),
    ),
    Case(
        q.KeyPolicy(*HERE, KEY),
        "GetKeyPolicy",
        [{"Policy": '{"Statement": []}', "PolicyName": "default"}],
        '{"Statement": []}',
        gone=(AwsError("NotFoundException"),),
    ),
)
