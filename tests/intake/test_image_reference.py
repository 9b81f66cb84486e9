"""The grammar of image references, and which registry a name leads to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.intake.image_reference import (
    DOCKER_HUB_HOST,
    EcrRegistry,
    ImageReference,
    ecr_host,
    parse_ecr_host,
    parse_reference,
)

DIGEST = "sha256:" + "0f" * 32
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def parsed(text: str) -> ImageReference:
    reference = parse_reference(text)
    assert reference is not None, text
    return reference


@pytest.mark.parametrize(
    ("text", "host", "port", "repository", "tag", "digest"),
    [
        ("web", "registry-1.docker.io", None, "library/web", "latest", None),
        ("web:5000", "registry-1.docker.io", None, "library/web", "5000", None),
        ("acme/web:1.2", "registry-1.docker.io", None, "acme/web", "1.2", None),
        ("docker.io/web", "registry-1.docker.io", None, "library/web", "latest", None),
        ("index.docker.io/acme/web", "registry-1.docker.io", None, "acme/web", "latest", None),
        ("registry-1.docker.io/library/web:3", "registry-1.docker.io", None, "library/web", "3", None),
        # Docker fills in library/ for its short names only: this one is asked for as written.
        ("registry-1.docker.io/web", "registry-1.docker.io", None, "web", "latest", None),
        ("sha256:" + "a" * 64, "registry-1.docker.io", None, "library/sha256", "a" * 64, None),
        (f"{ECR}/team/app:v1", ECR, None, "team/app", "v1", None),
        (f"{ECR}/app@{DIGEST}", ECR, None, "app", None, DIGEST),
        (f"{ECR}/app:v1@{DIGEST}", ECR, None, "app", "v1", DIGEST),
        ("localhost/app", "localhost", None, "app", "latest", None),
        ("registry:5000/a/b/c:x_Y-1.0", "registry", 5000, "a/b/c", "x_Y-1.0", None),
        ("Registry.Example.com/a__b/c---d", "registry.example.com", None, "a__b/c---d", "latest", None),
        ("[fd00::1]:5000/app", "[fd00::1]", 5000, "app", "latest", None),
        ("public.ecr.aws/nginx/nginx:1", "public.ecr.aws", None, "nginx/nginx", "1", None),
    ],
)
def test_legal_references(
    text: str, host: str, port: int | None, repository: str, tag: str | None, digest: str | None
) -> None:
    reference = parsed(text)
    assert (reference.text, reference.host, reference.port) == (text, host, port)
    assert (reference.repository, reference.tag, reference.digest) == (repository, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "web ",
        " web",
        "web\n",
        f"{ECR}/web:1\n",
        "https://registry.example.com/web",
        "Web",
        "acme/Web:1",
        f"{ECR}/",
        f"{ECR}/web:",
        f"{ECR}/web:-x",
        f"{ECR}/web:{'x' * 129}",
        f"{ECR}/web@sha256:{'0f' * 31}",
        f"{ECR}/web@sha256:{'0F' * 32}",
        f"{ECR}/web@sha512:{'0f' * 64}",
        f"{ECR}/web@",
        f"{ECR}/web@{DIGEST}@{DIGEST}",
        f"{ECR}/web:1:2",
        f"{ECR}//web",
        f"{ECR}/web/",
        f"{ECR}/web___x",
        f"docker.io/{'a' * 256}",
        "host:port/web",
        "-x.example.com/web",
        "ä/web",
        "web:\u0661",
        "$(reboot)",
        "[/x]",
        "<!channel>",
        "a" * 64,
        "x" * 1_000_000,
    ],
)
def test_illegal_references(text: str) -> None:
    assert parse_reference(text) is None


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
def test_the_name_of_a_registry_is_one_that_is_read_back(region: str) -> None:
    both = parse_ecr_host(ecr_host("123456789012", region, dual_stack=True))
    assert both
    assert (both.region, both.dual_stack) == (region, True)
    registry = parse_ecr_host(ecr_host("123456789012", region))
    assert registry
    assert (registry.account, registry.region) == ("123456789012", region)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (ECR, ("eu-west-1", "aws")),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", ("us-east-1", "aws")),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", ("eu-west-1", "aws")),
        ("123456789012.dkr-ecr-fips.us-west-2.on.aws", ("us-west-2", "aws")),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", ("us-gov-west-1", "aws-us-gov")),
        ("123456789012.dkr-ecr.us-gov-east-1.on.aws", ("us-gov-east-1", "aws-us-gov")),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", ("cn-north-1", "aws-cn")),
        ("123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn", ("cn-northwest-1", "aws-cn")),
        ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", ("eusc-de-east-1", "aws-eusc")),
    ],
)
def test_ecr_names_of_every_partition_and_form(host: str, expected: tuple[str, str]) -> None:
    reference = parsed(f"{host}/team/app:1")
    assert reference.ecr == EcrRegistry(host, "123456789012", *expected)


@pytest.mark.parametrize(
    "host",
    [
        f"{ECR}.evil.example",
        f"evil.{ECR}",
        "1234567890123.dkr.ecr.eu-west-1.amazonaws.com",
        "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com",
        "123456789012.dkr.ecr.us-gov-west-1.amazonaws.eu",
        "123456789012.dkr.ecr.eu-west-1.on.aws",
        "123456789012.dkr-ecr.eu-west-1.amazonaws.com",
        "123456789012.dkrxecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.evil.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonawss.com",
        "ecr.example.com",
    ],
)
def test_look_alikes_are_not_ecr(host: str) -> None:
    assert parse_ecr_host(host) is None
    assert parsed(f"{host}/app").ecr is None


def test_another_port_is_not_ecr() -> None:
    assert parsed(f"{ECR}:443/app").ecr
    assert parsed(f"{ECR}:8443/app").ecr is None


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("web", DOCKER_HUB_HOST),
        ("docker.io/acme/web", DOCKER_HUB_HOST),
        ("public.ecr.aws/docker/library/web", "public.ecr.aws"),
        ("ghcr.io/acme/web", "ghcr.io"),
        # Docker Hub is asked for a repository that looks like an account: no host was written.
        ("123456789012/web", DOCKER_HUB_HOST),
    ],
)
def test_a_registry_other_than_private_ecr(text: str, host: str) -> None:
    assert (parsed(text).host, parsed(text).ecr) == (host, None)


COMPONENT = st.from_regex(r"[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,5})?", fullmatch=True)
HOSTS = st.sampled_from([ECR, "ghcr.io", "localhost", "registry.example.com"])
TAGS = st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
DIGESTS = st.none() | st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@given(HOSTS, st.none() | st.integers(1, 65535), st.lists(COMPONENT, min_size=1, max_size=4), TAGS, DIGESTS)
def test_parts_put_together_come_back(
    host: str, port: int | None, path: list[str], tag: str | None, digest: str | None
) -> None:
    where = host if port is None else f"{host}:{port}"
    text = f"{where}/{'/'.join(path)}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    reference = parsed(text)
    assert (reference.host, reference.port, reference.repository) == (host, port, "/".join(path))
    assert reference.digest == digest
    assert reference.tag == (tag or (None if digest else "latest"))


@given(st.lists(st.sampled_from([*"aaZ0./:@_-[] \n", "sha256:", "é", ECR])).map("".join))
def test_what_parses_holds_no_space_and_is_ascii(text: str) -> None:
    reference = parse_reference(text)
    if reference is not None:
        assert text.isascii()
        assert not set(text) & set(" \n")
        assert reference.repository == reference.repository.lower()
