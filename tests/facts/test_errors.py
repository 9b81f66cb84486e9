from __future__ import annotations

import pytest
from botocore import exceptions as b

from pull_doctor.facts import questions as q
from pull_doctor.facts.errors import classify, detail, own_id, unknown
from pull_doctor.facts.registry.refusal import NoAnswerError
from tests.facts.answers_of_aws import CASES
from tests.facts.case import REPOSITORY

QUESTION = q.RouteTables("111122223333", "eu-west-1", "vpc-1")


def client_error(
    code: str, message: str = "no", status: int = 400, operation: str = "DescribeRouteTables"
) -> b.ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return b.ClientError(answer, operation)  # type: ignore[arg-type] # the metadata that matters, not all


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("AccessDenied", "denied"),
        ("AccessDeniedException", "denied"),
        ("UnauthorizedOperation", "denied"),
        ("UnauthorizedException", "denied"),
        ("Throttling", "throttled"),
        ("ThrottlingException", "throttled"),
        ("EC2ThrottledException", "throttled"),
        ("RequestLimitExceeded", "throttled"),
        ("TooManyRequestsException", "throttled"),
        ("RequestTimeout", "timed-out"),
        ("ExpiredToken", "prerequisite"),
        ("ExpiredTokenException", "prerequisite"),
        ("InvalidClientTokenId", "prerequisite"),
        ("UnrecognizedClientException", "prerequisite"),
        ("AuthFailure", "prerequisite"),
        ("OptInRequired", "prerequisite"),
        ("InvalidAction", "not-modelled"),
        ("InvalidParameterException", "crashed"),
        ("InternalError", "crashed"),
        ("", "crashed"),
    ],
)
def test_aws_s_codes(code: str, why: str) -> None:
    assert classify(client_error(code)) == why


def test_too_many_requests_by_status_alone() -> None:
    assert classify(client_error("Whatever", status=429)) == "throttled"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (b.ReadTimeoutError(endpoint_url="https://aws"), "timed-out"),
        (b.ConnectTimeoutError(endpoint_url="https://aws"), "timed-out"),
        (b.EndpointConnectionError(endpoint_url="https://aws"), "timed-out"),
        (b.ConnectionClosedError(endpoint_url="https://aws"), "timed-out"),
        (b.SSLError(endpoint_url="https://aws", error=OSError("bad")), "timed-out"),
        (b.NoCredentialsError(), "prerequisite"),
        (b.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "prerequisite"),
        (b.CredentialRetrievalError(provider="sso", error_msg="gone"), "prerequisite"),
        (b.UnauthorizedSSOTokenError(), "prerequisite"),
        (b.ProfileNotFound(profile="p"), "prerequisite"),
        (b.NoRegionError(), "prerequisite"),
        (b.ParamValidationError(report="unknown parameter"), "not-modelled"),
        (b.UnknownServiceError(service_name="new", known_service_names="old"), "not-modelled"),
        (NoAnswerError("throttled", "ghcr.io limits requests"), "throttled"),
        (KeyError("Subnets"), "crashed"),
    ],
)
def test_what_botocore_and_the_registry_client_raise_themselves(error: Exception, why: str) -> None:
    assert classify(error) == why


def test_the_denial_names_the_resource() -> None:
    message = f"User: arn:aws:iam::1:user/u is not authorized to perform: ecr:DescribeImages on resource: {REPOSITORY}."
    fact = unknown(QUESTION, ("ec2:DescribeRouteTables",), client_error("AccessDeniedException", message))
    assert fact.resource == REPOSITORY


def test_without_one_the_question_does() -> None:
    fact = unknown(QUESTION, ("ec2:DescribeRouteTables",), client_error("UnauthorizedOperation"))
    assert (fact.resource, fact.action, fact.fact) == ("vpc-1", "ec2:DescribeRouteTables", "the route tables of vpc-1")


def test_every_question_but_the_region_s_and_the_account_s_names_what_it_is_about() -> None:
    without = [type(case.question) for case in CASES if own_id(case.question) is None]
    of_regions = {q.DhcpOptionSets, q.BlockPublicAccessOf, q.S3PrefixList}
    of_accounts = {q.EcrRepositories, q.RegistryPolicyOf, q.Organization}
    of_registries = {q.CacheRulesOf, q.CacheRuleWorks, q.ReplicationRulesOf}
    assert set(without) == of_regions | of_accounts | of_registries


def test_the_call_that_failed_is_named_among_several() -> None:
    actions = ("ec2:DescribeVpcEndpoints", "ec2:DescribeNetworkInterfaces")
    error = client_error("UnauthorizedOperation", operation="DescribeNetworkInterfaces")
    assert unknown(QUESTION, actions, error).action == "ec2:DescribeNetworkInterfaces"
    assert unknown(QUESTION, actions, error, "DescribeVpcEndpoints").action == "ec2:DescribeNetworkInterfaces"


@pytest.mark.parametrize(
    ("called", "action"),
    [
        ("DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfaces"),
        ("AssumeRole", "sts:AssumeRole"),
        ("DescribeVpcs", None),
        (None, None),
    ],
)
def test_a_timeout_does_not_say_of_which_call_and_none_is_guessed(called: str | None, action: str | None) -> None:
    actions = ("ec2:DescribeVpcEndpoints", "ec2:DescribeNetworkInterfaces")
    timeout = b.ReadTimeoutError(endpoint_url="https://aws")
    assert unknown(QUESTION, actions, timeout, called).action == action


def test_a_reader_of_one_action_leaves_no_doubt() -> None:
    timeout = b.ReadTimeoutError(endpoint_url="https://aws")
    assert unknown(QUESTION, ("ec2:DescribeRouteTables",), timeout).action == "ec2:DescribeRouteTables"
    assert unknown(QUESTION, (), timeout).action is None


def test_a_reader_role_that_cannot_be_assumed_is_named_as_such() -> None:
    error = client_error("AccessDenied", operation="AssumeRole")
    assert unknown(QUESTION, ("ec2:DescribeRouteTables",), error).action == "sts:AssumeRole"


def test_the_detail_is_one_short_scrubbed_line() -> None:
    message = (
        "You are not authorized.\nEncoded authorization failure message: " + "Zm9v" * 9 + "\n"
        "see https://user:hunter2@host/path?X-Amz-Signature=deadbeef " + "and so on " * 100
    )
    said = detail(client_error("UnauthorizedOperation", message))
    assert "Zm9v" not in said
    assert "hunter2" not in said
    assert "deadbeef" not in said
    assert "You are not authorized." in said
    assert "\n" not in said
    assert len(said) < 300


def test_an_error_without_words_is_named_by_its_type() -> None:
    assert detail(TimeoutError()) == "TimeoutError"
