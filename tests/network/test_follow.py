from dataclasses import replace

from pull_doctor.facts.fact import Unknown
from pull_doctor.network.flows import Flow
from pull_doctor.network.follow import follow
from tests.network.factory import HUB, NAT_VPC, PULLER, having, routes

MAY = tuple(Flow("download", f"blobs-{number}.docker.com", may=True) for number in range(3))
PRIVATE = Flow("download", "blobs.example.com", may=True)
"""A host that may be a private one, so that its path is undetermined."""


def test_one_trace_stands_for_the_hosts_of_which_one_is_used() -> None:
    traces = follow((HUB, *MAY), PULLER, NAT_VPC)
    assert [one.host for one in traces] == [HUB.host, "blobs-0.docker.com"]
    assert {one.disposition for one in traces} == {"reached"}


def test_the_one_that_gets_furthest_stands() -> None:
    assert [one.host for one in follow((PRIVATE, *MAY), PULLER, NAT_VPC)] == ["blobs-0.docker.com"]
    no_route = routes(NAT_VPC)
    assert [one.disposition for one in follow((*MAY, PRIVATE), PULLER, no_route)] == ["undetermined"]


def test_a_path_is_broken_if_none_of_them_can_be_reached() -> None:
    (broken,) = follow(MAY, PULLER, routes(NAT_VPC))
    assert broken.disposition == "no-route-to-registry"


def test_each_phase_has_its_own_and_what_is_needed_for_sure_stays() -> None:
    sign_in = tuple(replace(flow, phase="sign-in") for flow in MAY)
    traces = follow((*sign_in, HUB, *MAY), PULLER, NAT_VPC)
    assert [one.phase for one in traces] == ["sign-in", "resolve", "download"]
    unread = having(NAT_VPC, route_tables=Unknown("route tables", "denied"))
    assert [one.disposition for one in follow((HUB, *MAY), PULLER, unread)] == ["undetermined", "undetermined"]
