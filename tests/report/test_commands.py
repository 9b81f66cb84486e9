import json
import re
import shlex
import subprocess
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.report.commands import kebab, render, wrap

SESSION = botocore.session.get_session()
MODELS = {name: SESSION.get_service_model(name) for name in ("ec2", "ecs", "ecr", "iam", "sns")}
REGION = "eu-west-1"
HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "`id`",
            "$(id)",
            "it's",
            '"q"',
            "a\nb",
            "a,b",
            "{x}",
            "[1]",
            "k=v",
            "-x",
            "--query",
            "file:///etc/passwd",
            "https://x",
            "",
            " a",
            "\x1b[31m",
            "\u202e",
            "\x7f",
            "a\\b",
            "!x",
            "#x",
            "~",
            "true",
            "null",
            "@x",
            "*",
        ]
    ),
)


def names_and_shapes(operation: OperationModel) -> dict[str, tuple[str, Shape]]:
    shape = operation.input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    return {f"--{xform_name(name, '-')}": (name, member) for name, member in members.items()}


def parse(line: str) -> AwsCommand:
    """Read a line as the CLI's own documentation says that it reads it, with botocore's models for the types."""
    aws, service, call, *words = shlex.split(line)
    assert aws == "aws"
    model = MODELS[service]
    operation = next(name for name in model.operation_names if xform_name(name, "-") == call)
    options = names_and_shapes(model.operation_model(operation))
    parameters: dict[str, Any] = {}
    while words:
        option = words.pop(0)
        values = []
        while words and not words[0].startswith("--"):
            values.append(words.pop(0))
        if option == "--region":
            assert values == [REGION]
        elif option == "--cli-input-json":
            return AwsCommand(service, operation, json.loads(values[0]))
        elif option in ("--egress", "--ingress"):
            parameters["Egress"] = option == "--egress"
        elif option.startswith("--no-") and option not in options:
            assert not values
            parameters[options[f"--{option.removeprefix('--no-')}"][0]] = False
        else:
            name, shape = options[option]
            parameters[name] = read(values, shape)
    return AwsCommand(service, operation, parameters)


def read(values: list[str], shape: Shape) -> Any:
    if shape.type_name == "boolean":
        assert not values
        return True
    assert not any(value.startswith(("file://", "fileb://", "http://", "https://", "-")) for value in values)
    if len(values) == 1 and values[0].startswith({"list": "[", "structure": "{"}.get(shape.type_name, "\0")):
        return json.loads(values[0])
    if isinstance(shape, ListShape):
        plain = shape.member.type_name not in ("structure", "list", "map")
        return [scalar(value, shape.member) if plain else shorthand(value, shape.member) for value in values]
    assert len(values) == 1
    return shorthand(values[0], shape) if shape.type_name == "structure" else scalar(values[0], shape)


def scalar(text: str, shape: Shape) -> Any:
    return json.loads(text) if shape.type_name in ("integer", "long", "boolean") else text


def shorthand(text: str, shape: Shape) -> Any:
    tokens = re.findall(r"[{}\[\],=]|[^{}\[\],=]+", text)
    value = pairs(tokens, shape)
    assert not tokens
    return value


def pairs(tokens: list[str], shape: Shape) -> dict[str, Any]:
    assert isinstance(shape, StructureShape)
    found = {}
    while True:
        key, equals = tokens.pop(0), tokens.pop(0)
        assert equals == "="
        found[key] = one(tokens, shape.members[key])
        if not tokens or tokens[0] != ",":
            return found
        tokens.pop(0)


def one(tokens: list[str], shape: Shape) -> Any:
    first = tokens.pop(0)
    if first == "{":
        value = pairs(tokens, shape)
        assert tokens.pop(0) == "}"
        return value
    if first == "[":
        assert isinstance(shape, ListShape)
        items = []
        separator = ","
        while separator == ",":
            items.append(one(tokens, shape.member))
            separator = tokens.pop(0)
        assert separator == "]"
        return items
    return scalar(first, shape)


@pytest.mark.parametrize("service", sorted(MODELS))
def test_names_become_the_cli_s_as_botocore_has_them(service: str) -> None:
    model = MODELS[service]
    names = set(model.operation_names)
    for operation in model.operation_names:
        names |= {name for name, _ in names_and_shapes(model.operation_model(operation)).values()}
    assert len(names) > 20
    assert {name: kebab(name) for name in names} == {name: xform_name(name, "-") for name in names}


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            AwsCommand(
                "ec2",
                "AuthorizeSecurityGroupIngress",
                {
                    "GroupId": "sg-1",
                    "IpPermissions": [
                        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": "sg-2"}]}
                    ],
                },
            ),
            (
                "aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-1 --ip-permissions"
                " 'IpProtocol=tcp,FromPort=443,ToPort=443,UserIdGroupPairs=[{GroupId=sg-2}]'"
            ),
        ),
        (
            AwsCommand("ec2", "ModifyVpcEndpoint", {"VpcEndpointId": "vpce-1", "PrivateDnsEnabled": True}),
            "aws ec2 modify-vpc-endpoint --region eu-west-1 --vpc-endpoint-id vpce-1 --private-dns-enabled",
        ),
        (
            AwsCommand("ec2", "CreateNetworkAclEntry", {"NetworkAclId": "acl-1", "Egress": False}),
            "aws ec2 create-network-acl-entry --region eu-west-1 --network-acl-id acl-1 --ingress",
        ),
        (
            AwsCommand("ec2", "CreateVpcEndpoint", {"RouteTableIds": ["rtb-1", "rtb-2"], "SubnetIds": []}),
            "aws ec2 create-vpc-endpoint --region eu-west-1 --route-table-ids rtb-1 rtb-2 --subnet-ids '[]'",
        ),
        (
            AwsCommand("iam", "UpdateAssumeRolePolicy", {"RoleName": "r", "PolicyDocument": '{"Version": "1"}'}),
            'aws iam update-assume-role-policy --role-name r --policy-document \'{"Version": "1"}\'',
        ),
        (
            AwsCommand("ecs", "UpdateService", {"cluster": "--debug"}),
            'aws ecs update-service --region eu-west-1 --cli-input-json \'{"cluster":"--debug"}\'',
        ),
        (
            AwsCommand("s3", "GetBucketPolicy", {"Bucket": "b"}),
            "aws s3api get-bucket-policy --region eu-west-1 --bucket b",
        ),
    ],
)
def test_a_call_is_one_shell_line(command: AwsCommand, line: str) -> None:
    assert render(command, REGION) == line


@st.composite
def calls(draw: st.DrawFn) -> AwsCommand:
    text = draw(HOSTILE)
    texts = draw(st.lists(HOSTILE, max_size=3))
    network = {"subnets": texts, "securityGroups": ["sg-1"], "assignPublicIp": text}
    permission = {"IpProtocol": text, "FromPort": 443, "UserIdGroupPairs": [{"GroupId": one} for one in texts]}
    return draw(
        st.sampled_from(
            [
                AwsCommand("ec2", "CreateTags", {"Resources": texts, "Tags": [{"Key": "Name", "Value": text}]}),
                AwsCommand("ec2", "AuthorizeSecurityGroupIngress", {"GroupId": text, "IpPermissions": [permission]}),
                AwsCommand("ec2", "ModifyVpcAttribute", {"VpcId": "vpc-1", "EnableDnsHostnames": {"Value": True}}),
                AwsCommand("ec2", "CreateNetworkAclEntry", {"RuleNumber": 90, "Egress": False, "CidrBlock": text}),
                AwsCommand("ecs", "UpdateService", {"networkConfiguration": {"awsvpcConfiguration": network}}),
                AwsCommand("ecs", "UpdateService", {"service": text, "forceNewDeployment": False, "desiredCount": 0}),
                AwsCommand("ecr", "SetRepositoryPolicy", {"repositoryName": "a/b", "policyText": text}),
                AwsCommand("ecr", "SetRepositoryPolicy", {"policyText": json.dumps({"Sid": texts}, indent=1)}),
                AwsCommand("iam", "PutRolePolicy", {"RoleName": text, "PolicyDocument": "{}"}),
            ]
        )
    )


@given(calls())
def test_every_line_reads_back_as_the_same_call(command: AwsCommand) -> None:
    line = render(command, REGION)
    assert parse(line) == command
    assert line.isascii()
    assert line.isprintable()
    assert "`" not in line


@given(calls())
def test_wrapping_only_adds_line_ends_outside_quotes(command: AwsCommand) -> None:
    line = render(command, REGION)
    assert re.sub(r" \\\n +", " ", wrap(line, 90).removeprefix("    ")) == line


def test_a_wrapped_line_runs_as_printed() -> None:
    hostile = "a $(touch x) 'b' --c \\ d"
    line = render(
        AwsCommand("ec2", "CreateTags", {"Resources": [hostile], "Tags": [{"Key": "k", "Value": hostile}]}), REGION
    )
    wrapped = wrap(line, 40)
    assert " \\\n" in wrapped
    script = f"aws() {{ printf '%s\\0' aws \"$@\"; }}\n{wrapped}"
    ran = subprocess.run(  # noqa: S603 - the shell is what the test is about
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split("\0")[:-1] == shlex.split(line)


def test_lines_are_broken_before_options_and_stay_in_their_width() -> None:
    line = "aws ec2 create-vpc-endpoint --region eu-west-1 --vpc-id vpc-07a6b5c4d3e2f1089 --vpc-endpoint-type Gateway"
    assert wrap(line, 90) == (
        "    aws ec2 create-vpc-endpoint --region eu-west-1 --vpc-id vpc-07a6b5c4d3e2f1089 \\\n"
        "      --vpc-endpoint-type Gateway"
    )


def test_a_shell_line_with_a_substitution_is_broken_outside_quotes_only() -> None:
    line = "M=$(aws ecr batch-get-image --query 'a  b' --output text)"
    assert wrap(line, 40, "") == "M=$(aws ecr batch-get-image \\\n  --query 'a  b' --output text)"
    assert wrap("echo  two blanks", 10, "") == "echo  two blanks"
