"""Causes of the host that pulls."""

from __future__ import annotations

from pull_doctor.causes.catalogue.pages import ECS, ON_THE_WAY
from pull_doctor.causes.row import Row

HOST: tuple[Row, ...] = (
    Row(
        "pull-timed-out",
        "the agent's own limit ended the pull, over a path that is shown to work (EC2)",
        "host",
        ("image-too-large-or-pull-timeout",),
        ("resolve", "download", "unpack"),
        best="likely",
        docs=(("Amazon ECS container agent configuration", f"{ECS}ecs-agent-config.html"),),
    ),
    Row(
        "host-proxy-broken",
        "the proxy of agent or daemon refuses or does not resolve (EC2)",
        "host",
        ("proxy-failure",),
        ("prepare", *ON_THE_WAY),
        docs=(("Configuring Amazon ECS container instances to use an HTTP proxy", f"{ECS}http_proxy_config.html"),),
    ),
    Row(
        "container-agent-outdated",
        "the agent is too old for what the task needs (EC2)",
        "host",
        ("daemon-or-agent-fault", "auth-missing-credentials", "registry-access-denied"),
        ("prepare", "sign-in", "resolve", "download"),
        docs=(("Updating the Amazon ECS container agent", f"{ECS}ecs-agent-update.html"),),
    ),
)
