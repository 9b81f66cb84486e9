from __future__ import annotations

from pull_doctor.facts import questions as q
from pull_doctor.facts.permissions import actions, actions_of, owner_actions, policy_document
from pull_doctor.facts.readers import READERS


def test_all_actions_only_read() -> None:
    assert actions() == tuple(sorted(set(actions())))
    verbs = {action.partition(":")[2] for action in actions()} - {"BatchGetImage", "ValidatePullThroughCacheRule"}
    assert all(verb.startswith(("Describe", "Get", "List", "Simulate")) for verb in verbs)


def test_no_action_reads_a_secret_or_a_parameter_s_value() -> None:
    assert {action for action in actions() if action.startswith(("secretsmanager:", "ssm:"))} == {
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
        "ssm:DescribeParameters",
    }


def test_the_actions_of_one_question() -> None:
    assert actions_of(q.EndpointInterfaces) == ("ec2:DescribeNetworkInterfaces",)
    assert set(actions_of(q.EndpointInterfaces)) < set(actions())


def test_the_policy_grants_every_action_once() -> None:
    policy = policy_document()
    assert policy["Version"] == "2012-10-17"
    granted = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert granted == list(actions())
    assert [statement["Sid"] for statement in policy["Statement"]] == [
        "ReadEc2",
        "ReadEcr",
        "ReadEcs",
        "ReadIam",
        "ReadKms",
        "ReadOrganizations",
        "ReadRoute53",
        "ReadRoute53Resolver",
        "ReadSecretsmanager",
        "ReadSsm",
    ]


def test_an_owner_is_asked_for_no_more_than_what_tasks_of_other_accounts_need() -> None:
    assert owner_actions() == (
        "ecr:BatchGetImage",
        "ecr:DescribeImageReplicationStatus",
        "ecr:DescribeImages",
        "ecr:DescribePullThroughCacheRules",
        "ecr:DescribeRegistry",
        "ecr:DescribeRepositories",
        "ecr:GetAccountSetting",
        "ecr:GetLifecyclePolicy",
        "ecr:GetRegistryPolicy",
        "ecr:GetRepositoryPolicy",
        "ecr:ListTagsForResource",
        "ecr:ValidatePullThroughCacheRule",
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
        "ssm:DescribeParameters",
    )


def test_whatever_another_account_may_own_is_among_its_questions() -> None:
    owned = {kind for kind in READERS if kind.home is not q.Question.home}
    assert owned == set(q.OF_ANOTHER_ACCOUNT) - {q.OneParameter}  # that one knows no ARN


def test_a_part_of_the_policy() -> None:
    assert policy_document(["ecs:ListTasks", "ecs:DescribeTasks", "ecs:ListTasks"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "ReadEcs", "Effect": "Allow", "Action": ["ecs:DescribeTasks", "ecs:ListTasks"], "Resource": "*"}
        ],
    }
