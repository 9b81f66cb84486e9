import pytest

from pull_doctor.facts.injected import parse_credentials, parse_value_from
from tests.network.factory import ACCOUNT, PLACE, REGION

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/database-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/"


@pytest.mark.parametrize("part", ["", ":password::", "::AWSPREVIOUS:", "::AWSPREVIOUS:9d4cb84b", ":password"])
def test_a_secret_is_named_without_the_part_of_it(part: str) -> None:
    found = parse_value_from(SECRET + part, PLACE)
    assert found
    assert (found.kind, found.arn, found.names, found.place) == ("secret", SECRET, (SECRET,), PLACE)


@pytest.mark.parametrize(
    ("text", "arn", "names"),
    [
        ("database", PARAMETER + "database", ("database",)),
        ("/prod/database", PARAMETER + "prod/database", ("/prod/database",)),
        ("/database:3", PARAMETER + "database", ("/database",)),
        (PARAMETER + "prod/database", PARAMETER + "prod/database", ("/prod/database",)),
        (PARAMETER + "database", PARAMETER + "database", ("database", "/database")),
        (PARAMETER + "database:3", PARAMETER + "database", ("database", "/database")),
    ],
)
def test_a_parameter_by_name_or_arn(text: str, arn: str, names: tuple[str, ...]) -> None:
    found = parse_value_from(text, PLACE)
    assert found
    assert (found.kind, found.arn, found.names) == ("parameter", arn, names)


def test_an_arn_says_where_it_is() -> None:
    found = parse_value_from("arn:aws-cn:ssm:cn-north-1:999988887777:parameter/a/b", PLACE)
    assert found
    assert (found.place.partition, found.place.account, found.place.region) == ("aws-cn", "999988887777", "cn-north-1")


@pytest.mark.parametrize("text", ["", "arn:aws:s3:::bucket/key", "arn:aws:secretsmanager:eu-west-1", "arn:", ":3"])
def test_what_names_neither_is_none(text: str) -> None:
    assert parse_value_from(text, PLACE) is None


def test_the_credentials_of_a_registry_are_named_by_arn_or_by_name() -> None:
    arn = f"arn:aws:secretsmanager:us-east-1:{PLACE.account}:secret:hub-AbCdEf"
    assert parse_credentials(arn, PLACE) == parse_value_from(arn, PLACE)
    named = parse_credentials("hub", PLACE)
    assert named
    assert (named.kind, named.names, named.place) == ("secret", ("hub",), PLACE)
    assert parse_credentials("", PLACE) is None
