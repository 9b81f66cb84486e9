"""Defects: a healthy account to start from, and for each defect one function that breaks it through AWS's own API.

``build_broken(aws, "private-dns-off")`` is the world with that defect; with a second name both are in one account, and
ECS says what the first one causes. Each family of defects has a module of its own.
"""

from __future__ import annotations

from tests.emulated.aws import EmulatedAws
from tests.worlds import endpoint_defects, image_defects, path_defects, plain_defects, policy_defects, role_defects
from tests.worlds.builder import Builder
from tests.worlds.healthy import Base, Defect, healthy
from tests.worlds.world import Options, World, launched_world

DEFECTS: dict[str, Defect] = {
    **plain_defects.DEFECTS,
    **endpoint_defects.DEFECTS,
    **path_defects.DEFECTS,
    **policy_defects.DEFECTS,
    **role_defects.DEFECTS,
    **image_defects.DEFECTS,
}

ONE_OF_EACH = tuple({defect.cause: name for name, defect in reversed(DEFECTS.items())}.values())
"""The first world of each cause."""


def build_broken(aws: EmulatedAws, *names: str, options: Options | None = None) -> World:
    """The account with these defects, the first of which ECS's text, the culprits, and ``mend`` are of."""
    chosen = options or Options()
    defects = [DEFECTS[name] for name in names]
    workload = "orders-web" if defects[0].image == "docker-hub" else "orders-api"
    base: Base = next((one.base for one in defects if one.base != "any"), "endpoints")
    if any(one.base not in ("any", base) for one in defects):
        raise ValueError(f"{' and '.join(names)} do not start from the same network")
    parts = healthy(Builder(aws, workload, chosen.account, chosen.platform_version), chosen, base, defects[0].image)
    # The first defect speaks last: its text is about the account as the others left it.
    broken = [defect.breaks(parts) for defect in reversed(defects)][-1]
    parts.builder.service(
        parts.image,
        parts.role,
        [parts.subnet],
        parts.builder.task_group,
        public_ip=parts.public_ip,
        container=parts.container,
        definition=parts.definition,
    )
    world = launched_world(
        parts.builder,
        defects[0].cause,
        parts.subnet,
        broken.culprits,
        broken.mend,
        broken.text,
        image=parts.image,
        role=parts.role or "",
    )
    world.neutral_text = broken.neutral_text
    world.next_text = broken.next_text
    world.name = names[0]
    return world
