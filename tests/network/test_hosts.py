import pytest

from pull_doctor.intake.image_reference import parse_ecr_host, parse_reference
from pull_doctor.network.hosts import families, is_public, layers_host, service_host

OWNER = "111122223333"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (f"{OWNER}.dkr.ecr.eu-west-1.amazonaws.com", (4,)),
        (f"{OWNER}.dkr.ecr-fips.us-east-1.amazonaws.com", (4,)),
        (f"{OWNER}.dkr.ecr.cn-north-1.amazonaws.com.cn", (4,)),
        (f"{OWNER}.dkr.ecr.eusc-de-east-1.amazonaws.eu", (4,)),
        ("api.ecr.eu-west-1.amazonaws.com", (4,)),
        ("api.ecr-fips.us-east-1.amazonaws.com", (4,)),
        ("secretsmanager.eu-west-1.amazonaws.com", (4,)),
        ("prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com", (4,)),
        ("public.ecr.aws", (4,)),
        (f"{OWNER}.dkr-ecr.eu-west-1.on.aws", (4, 6)),
        (f"{OWNER}.dkr-ecr-fips.us-east-1.on.aws", (4, 6)),
        (f"{OWNER}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", (4, 6)),
        (f"{OWNER}.dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu", (4, 6)),
        ("ecr.eu-west-1.api.aws", (4, 6)),
        ("ecr-fips.us-east-1.api.aws", (4, 6)),
        ("ecr-public.aws.com", (4, 6)),
        ("prod-eu-west-1-starport-layer-bucket.s3.dualstack.eu-west-1.amazonaws.com", (4, 6)),
        # A load balancer's name, and others', tell nothing.
        ("registry-1234.eu-west-1.elb.amazonaws.com", ()),
        ("registry-1.docker.io", ()),
        ("ghcr.io", ()),
        ("registry.example.com", ()),
    ],
)
def test_only_documented_names_have_known_families(host: str, expected: tuple[int, ...]) -> None:
    assert families(host) == expected


@pytest.mark.parametrize(
    ("image", "public"),
    [
        ("nginx", True),
        ("ghcr.io/team/app:1", True),
        ("quay.io/team/app:1", True),
        ("eu.gcr.io/team/app:1", True),
        ("europe-docker.pkg.dev/team/repo/app:1", True),
        ("mcr.microsoft.com/dotnet/runtime:8.0", True),
        ("registry.gitlab.com/team/app:1", True),
        ("registry.k8s.io/pause:3.9", True),
        ("public.ecr.aws/nginx/nginx:1", True),
        ("registry.example.com/team/app:1", False),
        ("notghcr.io/team/app:1", False),
        ("ghcr.io.example.com/team/app:1", False),
    ],
)
def test_a_registry_is_public_only_if_it_is_known(image: str, public: bool) -> None:  # noqa: FBT001 - a case's answer
    reference = parse_reference(image)
    assert reference is not None
    assert is_public(reference.host) is public


@pytest.mark.parametrize(
    ("service", "region", "partition", "classic", "dual_stack"),
    [
        ("ecr.api", "eu-west-1", "aws", "api.ecr.eu-west-1.amazonaws.com", "ecr.eu-west-1.api.aws"),
        ("ecr.api", "us-gov-west-1", "aws-us-gov", "api.ecr.us-gov-west-1.amazonaws.com", "ecr.us-gov-west-1.api.aws"),
        (
            "ecr.api",
            "cn-north-1",
            "aws-cn",
            "api.ecr.cn-north-1.amazonaws.com.cn",
            "ecr.cn-north-1.api.amazonwebservices.com.cn",
        ),
        (
            "secretsmanager",
            "eusc-de-east-1",
            "aws-eusc",
            "secretsmanager.eusc-de-east-1.amazonaws.eu",
            "secretsmanager.eusc-de-east-1.api.amazonwebservices.eu",
        ),
        ("ssm", "eu-west-1", "aws", "ssm.eu-west-1.amazonaws.com", "ssm.eu-west-1.api.aws"),
    ],
)
def test_the_names_of_services(service: str, region: str, partition: str, classic: str, dual_stack: str) -> None:
    assert service_host(service, region, partition) == classic
    assert service_host(service, region, partition, dual_stack=True) == dual_stack
    assert families(classic) == (4,)
    assert families(dual_stack) == (4, 6)


def test_layers_come_from_the_bucket_of_the_registrys_own_region() -> None:
    ends = {
        f"{OWNER}.dkr.ecr.eu-west-1.amazonaws.com": "eu-west-1.amazonaws.com",
        f"{OWNER}.dkr.ecr.cn-north-1.amazonaws.com.cn": "cn-north-1.amazonaws.com.cn",
        f"{OWNER}.dkr.ecr-fips.us-east-1.amazonaws.com": "us-east-1.amazonaws.com",
    }
    for host, end in ends.items():
        registry = parse_ecr_host(host)
        assert registry is not None
        bucket = f"prod-{registry.region}-starport-layer-bucket"
        for dual_stack, form in ((False, "s3"), (True, "s3.dualstack")):
            layers = layers_host(registry, dual_stack=dual_stack)
            assert layers == f"{bucket}.{form}.{end}"
            assert families(layers) == ((4, 6) if dual_stack else (4,))
