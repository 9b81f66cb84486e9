"""What the text proves of how far a pull had come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.intake.image_reference import parse_reference
from pull_doctor.intake.symptom import PHASES, Kind, Phase, Symptom
from pull_doctor.intake.told import Told, proofs, tell

ECR = parse_reference("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1")
HUB = parse_reference("nginx:1")
SESSION = "arn:aws:sts::123456789012:assumed-role/web/1"


@pytest.mark.parametrize(
    ("symptom", "told"),
    [
        (Symptom("prepare", "secret-unavailable"), Told()),
        (Symptom("sign-in", "network-timeout"), Told(role_assumed=True)),
        (Symptom("sign-in", "auth-missing-credentials"), Told()),
        (Symptom("sign-in", "auth-denied-ecr-permission", principal=SESSION), Told(role_assumed=True)),
        (Symptom("resolve", "network-timeout"), Told(role_assumed=True, signed_in=True)),
        (Symptom("resolve", "auth-token-expired"), Told()),
        (Symptom("resolve", "invalid-reference"), Told()),
        (Symptom("resolve", "image-not-found"), Told(role_assumed=True, signed_in=True, rights_held=True)),
        (Symptom("download", "s3-layer-denied"), Told(role_assumed=True, signed_in=True, manifest_read=True)),
        (
            Symptom("download", "auth-denied-ecr-permission"),
            Told(role_assumed=True, signed_in=True, manifest_read=True),
        ),
        (
            Symptom("download", "network-timeout"),
            Told(role_assumed=True, signed_in=True, rights_held=True, manifest_read=True),
        ),
        (
            Symptom("unpack", "disk-full"),
            Told(role_assumed=True, signed_in=True, rights_held=True, manifest_read=True, layers_read=True),
        ),
        (Symptom("unknown", "other-pull-failure"), Told()),
    ],
)
def test_what_a_pull_from_ecr_shows(symptom: Symptom, told: Told) -> None:
    assert tell(symptom, ECR) == told


def test_docker_hub_needs_no_role_and_shows_no_sign_in() -> None:
    assert tell(Symptom("download", "network-timeout"), HUB) == Told(manifest_read=True)
    assert tell(Symptom("resolve", "image-not-found"), None) == Told()


@given(st.sampled_from(PHASES), st.sampled_from(("network-timeout", "registry-unavailable-5xx")))
def test_a_later_phase_never_shows_less(phase: Phase, kind: Kind) -> None:
    later = PHASES[PHASES.index(phase) :]
    members = ("role_assumed", "signed_in", "rights_held", "manifest_read", "layers_read")
    shown = [tuple(getattr(tell(Symptom(one, kind), ECR), name) for name in members) for one in later]
    assert shown == sorted(shown)


def test_each_proof_is_said_with_what_it_is_about() -> None:
    symptom = Symptom("download", "network-timeout", host="s3.eu-west-1.amazonaws.com", address="52.218.1.1")
    assert proofs(symptom, ECR) == (
        "ECS's text shows that signing in to ECR and reading the manifest of team/app worked",
        "ECS's text shows that s3.eu-west-1.amazonaws.com resolved to 52.218.1.1",
    )
    assert proofs(Symptom("sign-in", "network-timeout"), ECR) == ()
    assert proofs(Symptom("resolve", "tls-failure", host="quay.io", connected=True), HUB) == (
        "ECS's text shows that the connection to quay.io stood before it failed",
    )
