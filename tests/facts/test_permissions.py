from __future__ import annotations

from pull_doctor.facts import questions as q
from pull_doctor.facts.permissions import actions, actions_of, policy_document


def test_all_actions_only_read() -> None:
    assert actions() == tuple(sorted(set(actions())))
    verbs = {action.partition(":")[2] for action in actions()} - {"BatchGetImage"}
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
        "ReadOrganizations",
        "ReadRoute53",
        "ReadRoute53Resolver",
        "ReadSecretsmanager",
        "ReadSsm",
    ]


def test_a_part_of_the_policy() -> None:
    assert policy_document(["ecs:ListTasks", "ecs:DescribeTasks", "ecs:ListTasks"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "ReadEcs", "Effect": "Allow", "Action": ["ecs:DescribeTasks", "ecs:ListTasks"], "Resource": "*"}
        ],
    }
