"""A task whose interface and service are gone: the incident keeps what an earlier one showed of their deployment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pull_doctor.delivery.state import REMINDER
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.end_to_end.in_process import InProcess
from tests.end_to_end.running import Receivers, receivers
from tests.worlds import World, build


@pytest.fixture
def got(aws: EmulatedAws, deployed: Deployed) -> Iterator[Receivers]:
    with receivers(aws, deployed) as running:
        yield running


@pytest.fixture
def world(aws: EmulatedAws) -> World:
    return build(aws, "egress-closed")


@pytest.mark.parametrize("same_deployment", [True, False])
def test_a_later_task_is_diagnosed_by_what_the_first_one_showed(
    aws: EmulatedAws,
    deployed: Deployed,
    got: Receivers,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    *,
    same_deployment: bool,
) -> None:
    running = InProcess(aws, deployed, monkeypatch)
    assert running.invoke(world.event), running.outcomes
    world.release_interface()
    world.delete_service()
    running.forget()
    running.now += REMINDER + 1
    _, later = world.fail_again(1)
    if not same_deployment:
        later["detail"]["startedBy"] = "ecs-svc/0000000000000000000"
    assert running.invoke(later), running.outcomes
    first, second = got.notified(world.workload)
    assert first["causes"][0]["cause"] == world.cause
    assert first["notes"] == []
    earlier = first["task"]["arn"].rpartition("/")[2]
    said = [note["text"] for note in second["notes"] if f"task {earlier}" in note["text"]]
    if same_deployment:
        assert (second["causes"][0]["cause"], second["causes"][0]["certainty"]) == (world.cause, "proven")
        assert second["puller"]["security-groups"] == first["puller"]["security-groups"]
        assert len(said) == 1
    else:
        assert second["verdict"] == "undetermined"
        assert "security-groups" not in second["puller"]
        assert said == []
    got.forget(world.workload)
