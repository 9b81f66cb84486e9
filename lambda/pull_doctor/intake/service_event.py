"""The events that hint at the end of an incident: a service is steady, or a deployment of it is complete.

They hint and prove nothing: a service is also steady after a rollback, and with no task at all.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SETTLED = {
    "ECS Service Action": ("SERVICE_STEADY_STATE", "SERVICE_DEPLOYMENT_COMPLETED"),
    "ECS Deployment State Change": ("SERVICE_DEPLOYMENT_COMPLETED",),
}
"""By detail type, the names of the events that say that a service has settled."""

SERVICE_ARN = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):ecs:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    r":service/(?:(?P<cluster>[A-Za-z0-9_-]{1,255})/)?(?P<name>[A-Za-z0-9_-]{1,255})"
)


@dataclass(frozen=True, slots=True)
class SettledService:
    """A service that has settled; its ARN names no ``cluster`` where it is of the old short form."""

    account: str
    region: str
    cluster: str
    name: str


def read_settled(event: Mapping[str, Any]) -> SettledService | None:
    """Return the service that an event says has settled; ``None`` for any other event, and for an unnamed service."""
    kind, detail = event.get("detail-type"), event.get("detail")
    if not (isinstance(kind, str) and isinstance(detail, Mapping) and detail.get("eventName") in SETTLED.get(kind, ())):
        return None
    parts = service_of(event)
    if parts is None:
        return None
    cluster = detail.get("clusterArn")
    named = cluster.rpartition("/")[2] if isinstance(cluster, str) else ""
    return SettledService(parts["account"], parts["region"], named or parts["cluster"] or "unknown", parts["name"])


def service_of(event: Mapping[str, Any]) -> re.Match[str] | None:
    """Return the parts of the first ARN among the event's resources, if it is a service's."""
    resources = event.get("resources")
    arn = next((one for one in resources if isinstance(one, str)), "") if isinstance(resources, list) else ""
    return SERVICE_ARN.fullmatch(arn)
