from urllib.parse import unquote, urlsplit

import pytest

from pull_doctor.resource import Place, make

HOME = Place("aws", "123456789012", "eu-west-1")
CHINA = Place("aws-cn", "123456789012", "cn-north-1")
GOV = Place("aws-us-gov", "123456789012", "us-gov-west-1")
EUROPE = Place("aws-eusc", "123456789012", "eusc-de-east-1")


@pytest.mark.parametrize(
    ("kind", "name", "arn"),
    [
        ("AWS::EC2::Subnet", "subnet-1", "arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1"),
        ("AWS::EC2::NatGateway", "nat-1", "arn:aws:ec2:eu-west-1:123456789012:natgateway/nat-1"),
        ("AWS::EC2::VPCEndpoint", "vpce-1", "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint/vpce-1"),
        ("AWS::ECS::Service", "prod/web", "arn:aws:ecs:eu-west-1:123456789012:service/prod/web"),
        ("AWS::ECS::TaskDefinition", "web:8", "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:8"),
        ("AWS::ECR::Repository", "team/api", "arn:aws:ecr:eu-west-1:123456789012:repository/team/api"),
        ("AWS::IAM::Role", "path/ci", "arn:aws:iam::123456789012:role/path/ci"),
        ("AWS::EC2::PrefixList", "pl-1", None),
        ("AWS::SecretsManager::Secret", "hub", None),
    ],
)
def test_an_arn_is_built_only_where_the_name_tells_all_of_it(kind: str, name: str, arn: str | None) -> None:
    assert make(HOME, kind, name).arn == arn


@pytest.mark.parametrize(
    ("place", "kind", "name", "url"),
    [
        (
            HOME,
            "AWS::EC2::Subnet",
            "subnet-1",
            "https://eu-west-1.console.aws.amazon.com/vpcconsole/home?region=eu-west-1#SubnetDetails:subnetId=subnet-1",
        ),
        (
            CHINA,
            "AWS::EC2::SecurityGroup",
            "sg-1",
            "https://cn-north-1.console.amazonaws.cn/ec2/home?region=cn-north-1#SecurityGroup:groupId=sg-1",
        ),
        (
            GOV,
            "AWS::IAM::Role",
            "arn:aws-us-gov:iam::123456789012:role/path/ci",
            "https://console.amazonaws-us-gov.com/iam/home#/roles/details/ci",
        ),
        (
            HOME,
            "AWS::ECS::Task",
            "arn:aws:ecs:eu-west-1:123456789012:task/prod/abc",
            "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/tasks/abc/configuration?region=eu-west-1",
        ),
        (
            HOME,
            "AWS::ECS::TaskDefinition",
            "web:8",
            "https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/web/8/containers?region=eu-west-1",
        ),
        (
            HOME,
            "AWS::SecretsManager::Secret",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/hub-AbCdEf",
            "https://eu-west-1.console.aws.amazon.com/secretsmanager/secret?name=team%2Fhub&region=eu-west-1",
        ),
        (HOME, "AWS::ECS::Service", "arn:aws:ecs:eu-west-1:123456789012:service/web", None),
        (HOME, "AWS::EC2::TransitGateway", "tgw-1", None),
        (EUROPE, "AWS::EC2::Subnet", "subnet-1", None),
    ],
)
def test_the_console_page_follows_the_partition_or_is_unknown(
    place: Place, kind: str, name: str, url: str | None
) -> None:
    assert make(place, kind, name).console_url == url


def test_the_arn_carries_the_partition_and_a_given_arn_stays() -> None:
    assert make(CHINA, "AWS::EC2::VPC", "vpc-1").arn == "arn:aws-cn:ec2:cn-north-1:123456789012:vpc/vpc-1"
    role = "arn:aws:iam::999999999999:role/ci"
    assert (make(HOME, "AWS::IAM::Role", role).id, make(HOME, "AWS::IAM::Role", role).arn) == (role, role)


@pytest.mark.parametrize("kind", ["AWS::ECR::Repository", "AWS::EC2::Subnet", "AWS::IAM::Role", "AWS::ECS::Service"])
def test_no_name_leaves_its_place_in_the_url(kind: str) -> None:
    name = "prod/a?b=c&region=x#y <z>|%2F{r}"
    url = make(HOME, kind, name).console_url
    assert url is not None
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.hostname.endswith("console.aws.amazon.com")
    assert not set("<>| {}") & set(url)
    assert "a?b=c&region=x#y <z>|%2F{r}" in unquote(url)
    assert parts.query in ("region=eu-west-1", "")
