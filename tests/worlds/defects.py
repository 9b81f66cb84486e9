"""Defects: a healthy account to start from, and for each defect one function that breaks it through AWS's own API.

``build_broken(aws, "private-dns-off")`` is the world with that defect; with a second name both are in one account, and
ECS says what the first one causes. Each family of defects has a module of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from tests.emulated.aws import EmulatedAws
from tests.worlds import (
    access_defects,
    archive_defects,
    cache_defects,
    endpoint_defects,
    endpoint_shapes,
    form_defects,
    host_defects,
    image_defects,
    instance_defects,
    ipv6_defects,
    limit_defects,
    name_defects,
    path_defects,
    permission_defects,
    plain_defects,
    platform_defects,
    policy_defects,
    region_defects,
    registry_defects,
    repository_defects,
    role_defects,
    route_defects,
    secret_defects,
    source_defects,
    store_defects,
)
from tests.worlds.builder import Builder
from tests.worlds.healthy import Base, Defect, healthy, put_on_a_host
from tests.worlds.world import Options, World, launched_world

_OF_RIGHTS: dict[str, Defect] = {
    **permission_defects.DEFECTS,
    **repository_defects.DEFECTS,
    **registry_defects.DEFECTS,
    **cache_defects.DEFECTS,
    **secret_defects.DEFECTS,
    **source_defects.DEFECTS,
}

DEFECTS: dict[str, Defect] = {
    **plain_defects.DEFECTS,
    **endpoint_defects.DEFECTS,
    **path_defects.DEFECTS,
    **policy_defects.DEFECTS,
    **role_defects.DEFECTS,
    **image_defects.DEFECTS,
    **form_defects.DEFECTS,
    **archive_defects.DEFECTS,
    **route_defects.DEFECTS,
    **endpoint_shapes.DEFECTS,
    **instance_defects.DEFECTS,
    **platform_defects.DEFECTS,
    **store_defects.DEFECTS,
    **name_defects.DEFECTS,
    **access_defects.DEFECTS,
    **ipv6_defects.DEFECTS,
    **_OF_RIGHTS,
    **region_defects.DEFECTS,
    **limit_defects.DEFECTS,
    **host_defects.DEFECTS,
}

_accounts = itertools.count(700000000001)

ONE_OF_EACH = tuple({defect.cause: name for name, defect in reversed(DEFECTS.items())}.values())
"""The first world of each cause."""


def build_broken(aws: EmulatedAws, *names: str, options: Options | None = None) -> World:
    """The account with these defects, the first of which ECS's text, the culprits, and ``mend`` are of."""
    world = broken_world(aws, [DEFECTS[name] for name in names], options)
    world.name = names[0]
    return world


def broken_world(aws: EmulatedAws, defects: list[Defect], options: Options | None = None) -> World:
    """The account with these defects; raises ``ValueError`` where they do not start from the same network."""
    chosen = options or Options()
    workload = "orders-web" if defects[0].image == "docker-hub" else "orders-api"
    base: Base = next((one.base for one in defects if one.base != "any"), "endpoints")
    if any(one.base not in ("any", base) for one in defects):
        raise ValueError(f"{' and '.join(one.cause for one in defects)} do not start from the same network")
    if defects[0].host:
        chosen = replace(chosen, platform_version="")
    if defects[0].platform:
        chosen = replace(chosen, platform_version=defects[0].platform[0])
    if any(one.own_account for one in defects) and not chosen.alone:
        chosen = replace(chosen, account=str(next(_accounts)))
    parts = healthy(Builder(aws, workload, chosen.account, chosen.platform_version), chosen, base, defects[0].image)
    if defects[0].host:
        put_on_a_host(parts, defects[0])
    if defects[0].platform:
        parts.builder.platform_family = defects[0].platform[1]
    # The first defect speaks last: its text is about the account as the others left it.
    broken = [defect.breaks(parts) for defect in reversed(defects)][-1]
    parts.builder.service(
        parts.image,
        None if defects[0].instance_role else parts.role,
        [parts.task_subnet or parts.subnet],
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
    return world
