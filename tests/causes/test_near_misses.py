"""Slips of real life: which name must have been meant, and when there is nothing to say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.causes.shared.image.near_misses import closest, difference, near

PLAIN = "1.41.3 1.41.2 1.41.1 1.41.0 1.40.9 1.40.8 1.39.0 1.38.4 latest main"
LEADING = "v1.41.3 v1.41.2 v1.41.1 v1.41.0 v1.40.9 v1.40.8 v1.39.0 v1.38.4 latest main"
SHORT = "9e107d9 d41d8cd 7c4a8d0 e99a18c 25d55ad 5f4dcc3 0d107d0 827ccb0 b1b3773 6cb75f6 latest"
LONG = (
    "da39a3ee5e6b4b0d3255bfef95601890afd80709 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 "
    "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3 5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8 "
    "7c4a8d09ca3762af61e59520943dc26494f8941b 8cb2237d0679ca88db6464eac60da96345513964 "
    "b1b3773a05c0ed0176787a4f1574ff0075f7521e 40bd001563085fc35165329ea1ff5c5ecbdbbeef"
)
STAGING = "staging-1.41.3 staging-1.41.2 staging-1.41.1 staging-1.40.0 prod-1.41.2 prod-1.41.1 prod-1.40.0 prod-1.39.0"
SUFFIXED = "1.41.3-prod 1.41.2-prod 1.41.3-staging 1.41.2-staging 1.41.1-prod 1.40.0-prod 1.39.0-prod 1.38.0-prod"
DATES = "20240104 20240103 20240102 20231222 20231221 20231220 20231219 20231218 latest"
DASHED = "2024-01-04 2024-01-03 2024-01-02 2023-12-22 2023-12-21 2023-12-20 2023-12-19 2023-12-18"
BUILDS = "build-41 build-40 build-39 build-38 build-37 build-36 build-35 build-34 latest"
BRANCHES = "main develop feature-search bugfix-1812 hotfix-login release-candidate feature-basket chore-deps"
ALPINE = "1.41.3-alpine 1.41.2-alpine 1.41.1-alpine 1.40.9-alpine 1.39.0-alpine 1.38.4-alpine latest-alpine edge"
REPOSITORIES = (
    "team/users-api team/billing team/billing-worker team/web platform/proxy platform/metrics base/python base/node "
    "infra/terraform team/search-indexer"
)
FULL = "3f2c1ab9d0e4c7a85b6f1e2d3c4b5a6978f0e1d2"

SLIPS = [
    ("v1.42.0", f"1.42.0 {PLAIN}", "1.42.0"),
    ("1.42.0", f"v1.42.0 {LEADING}", "v1.42.0"),
    ("V1.42.0", f"v1.42.0 {LEADING}", "v1.42.0"),
    ("Main", f"{PLAIN} {SHORT}", "main"),
    ("1.42.0-snapshot", f"1.42.0-SNAPSHOT 1.41.3-SNAPSHOT 1.41.2-SNAPSHOT {PLAIN}", "1.42.0-SNAPSHOT"),
    ("1-42-0", f"1.42.0 {PLAIN}", "1.42.0"),
    ("feature-login-form", f"{BRANCHES} feature_login-form feature_login", "feature_login-form"),
    ("pr1812", "pr-1820 pr-1819 pr-1812 pr-1811 pr-1799 pr-1790 pr-1788 latest main", "pr-1812"),
    ("3f2c1ab", f"{FULL} {LONG}", FULL),
    (FULL, f"3f2c1ab {SHORT}", "3f2c1ab"),
    ("3f2c1ab", f"sha-3f2c1ab {' '.join(f'sha-{one}' for one in SHORT.split())}", "sha-3f2c1ab"),
    ("sha-3f2c1ab", f"{SHORT} 3f2c1ab", "3f2c1ab"),
    ("v1.42.0-3-g3f2c1ab", f"{SHORT} {LEADING} 3f2c1ab", "3f2c1ab"),
    ("main-3f2c1ab", f"main-9e107d9 main-d41d8cd main-7c4a8d0 main-{FULL} {SHORT}", f"main-{FULL}"),
    ("3f2c1ab-dirty", f"{SHORT} 3f2c1ab", "3f2c1ab"),
    ("prod-1.42.0", f"staging-1.42.0 {STAGING}", "staging-1.42.0"),
    ("1.42.0-prod", f"1.42.0-staging {SUFFIXED}", "1.42.0-staging"),
    ("1.42.0-prod", f"1.42.0 {PLAIN}", "1.42.0"),
    ("1.42.0", f"prod-1.42.0 {STAGING}", "prod-1.42.0"),
    ("production", "prod staging dev main feature-search feature-basket hotfix-login nightly", "prod"),
    ("latest", "Latest 1.41.3 1.41.2 1.41.1 1.41.0 1.40.9 1.40.8 1.39.0", "Latest"),
    ("latest", f"main-latest {SHORT.removesuffix(' latest')} main", "main-latest"),
    ("latest", "latest-amd64 1.41.3-amd64 1.41.2-amd64 1.41.1-amd64 1.41.0-amd64 1.40.9-amd64 edge", "latest-amd64"),
    ("lastest", f"{PLAIN} {SHORT}", "latest"),
    ("1.42.0-build.7", f"1.42.0_build.7 1.41.3_build.2 1.41.2_build.9 {PLAIN}", "1.42.0_build.7"),
    ("1.42", f"1.42.0 {PLAIN}", "1.42.0"),
    ("1.42.0", f"1.42 1.41 1.40 1.39 1.38 1.37 1.36 latest {SHORT}", "1.42"),
    ("1.41", PLAIN, "1.41.3"),
    ("2024.1.5", "2024.01.05 2024.01.04 2024.01.03 2023.12.22 2023.12.21 2023.12.20 2023.12.19 latest", "2024.01.05"),
    ("2024-01-05", f"20240105 {DATES}", "20240105"),
    ("20240105", f"2024-01-05 {DASHED}", "2024-01-05"),
    ("build-0042", f"build-42 {BUILDS}", "build-42"),
    ("release-1.42.0", f"1.42.0 {PLAIN}", "1.42.0"),
    ("1.42.0", f"1.42.0-alpine {ALPINE}", "1.42.0-alpine"),
    ("1.42.0-slim", f"1.42.0-alpine {ALPINE}", "1.42.0-alpine"),
    ("1.42.0", "1.42.0-arm64 1.41.3-arm64 1.41.2-arm64 1.41.1-arm64 1.41.0 1.40.9 1.40.8 latest", "1.42.0-arm64"),
    ("1.42.0-amd64", f"1.42.0 {PLAIN}", "1.42.0"),
    (
        "release-v1.42.0",
        "release-1.42.0 release-1.41.3 release-1.41.2 release-1.41.1 hotfix main latest 9e107d9",
        "release-1.42.0",
    ),
    ("v1.43.0-rc1", f"1.43.0-rc.1 1.43.0-rc.2 {PLAIN}", "1.43.0-rc.1"),
    ("1.43.0-rc-1", f"1.43.0-rc2 1.43.0-rc1 {PLAIN}", "1.43.0-rc1"),
    ("stagign-1.42.0", f"{STAGING} staging-1.42.0", "staging-1.42.0"),
    ("1.42.0-3f2c1ab", f"1.42.0 {PLAIN}", "1.42.0"),
    ("team/Orders-API", f"team/orders-api {REPOSITORIES}", "team/orders-api"),
    ("team/orders_api", f"{REPOSITORIES} team/orders-api", "team/orders-api"),
    ("team/order-api", f"{REPOSITORIES} team/orders-api", "team/orders-api"),
    ("team/paymennts", f"{REPOSITORIES} team/payments", "team/payments"),
    ("orders-api", f"{REPOSITORIES} team/orders-api", "team/orders-api"),
    ("team/backend/orders-api", f"{REPOSITORIES} team/orders-api", "team/orders-api"),
    ("acme/orders-api", "users-api billing billing-worker web proxy metrics python node orders-api", "orders-api"),
    ("acme/orders-api", f"{REPOSITORIES} platform/orders-api", "platform/orders-api"),
    ("prod/orders-api", f"{REPOSITORIES} staging/orders-api staging/users-api", "staging/orders-api"),
    ("team/orders-svc", f"{REPOSITORIES} team/orders-service", "team/orders-service"),
    ("team/orders-api-prod", f"{REPOSITORIES} team/orders-api", "team/orders-api"),
    ("team-orders-api", f"{REPOSITORIES} team/orders-api", "team/orders-api"),
]

NOTHING_CLOSE = [
    ("1.43.0", f"1.42.0 {PLAIN}"),
    ("v1.42.1", f"v1.42.0 {LEADING}"),
    ("1.4.20", f"1.42.0 {PLAIN}"),
    ("14.2.0", f"1.42.0 {PLAIN}"),
    ("1.43.0-rc1", f"1.43.0-rc2 1.43.0-rc3 {PLAIN}"),
    ("1.42.0-4", f"1.42.0-3 1.42.0-2 1.42.0 {PLAIN}"),
    ("3f2c1ab", SHORT),
    (FULL, LONG),
    ("abcdefa", f"abcdefb abcdefc {SHORT}"),
    ("main-3f2c1ab", f"main-9e107d9 main-d41d8cd main-7c4a8d0 develop-25d55ad main develop {SHORT}"),
    ("latest", "1.41.3 1.41.2 1.41.1 1.41.0 1.40.9 1.40.8 1.39.0 main stable"),
    ("a", f"b c d e f g h i j {PLAIN}"),
    ("1", PLAIN),
    ("2", "1 3 4 5 6 7 8 9 10 11 12 20 22"),
    ("2024-01-05", DASHED),
    ("20240105", "202401051230 202401041815 202401031002 202401021244 20240104 20240103 latest main"),
    ("build-43", BUILDS),
    ("feature-login", BRANCHES),
    ("prod-1.42.0", STAGING),
    (
        "worker-1.42.0",
        "api-1.42.0 api-1.41.3 api-1.41.2 worker-1.41.3 worker-1.41.2 api-1.41.0 cron-1.42.0 cron-1.41.0",
    ),
    ("jdk21-1.42.0", f"jdk17-1.42.0 jdk11-1.42.0 jdk17-1.41.3 jdk11-1.41.3 {PLAIN}"),
    ("sha256-" + "ab" * 32, f"sha256-{'ab' * 32}.sig sha256-{'ab' * 32}.att {PLAIN}"),
    ("team/orders-api", REPOSITORIES),
    ("team/orders-api", f"{REPOSITORIES} team/orders-worker team/orders-ui team/orders-migrations"),
    ("payments/api", "orders/api users/api billing/api web/ui base/python base/node search/api proxy"),
    ("team/app-eu", f"{REPOSITORIES} team/app-us team/app-ap"),
    ("team/service-a", f"{REPOSITORIES} team/service-b team/service-c"),
    ("team/billing-reader", f"{REPOSITORIES} team/billing-writer team/billing-header"),
]


def test_the_tables_are_as_large_as_they_claim() -> None:
    assert len({(wanted, names) for wanted, names, _ in SLIPS}) == len(SLIPS) >= 40
    assert len(set(NOTHING_CLOSE)) == len(NOTHING_CLOSE) >= 20
    for wanted, names in [*((wanted, names) for wanted, names, _ in SLIPS), *NOTHING_CLOSE]:
        assert wanted not in names.split()
        assert 7 <= len(set(names.split())) <= 30, names


@pytest.mark.parametrize(("wanted", "names", "right"), SLIPS)
def test_the_name_that_must_have_been_meant_comes_first(wanted: str, names: str, right: str) -> None:
    first, how = closest(wanted, tuple(names.split()))[0]
    assert how
    assert first == right


@pytest.mark.parametrize(("wanted", "names"), NOTHING_CLOSE)
def test_where_nothing_is_close_nothing_is_said(wanted: str, names: str) -> None:
    assert near(wanted, tuple(names.split())) == ()


@pytest.mark.parametrize(
    ("wanted", "found", "how"),
    [
        ("v1.4.2", "1.4.2", "differs only by the leading v"),
        ("release-v1.4.2", "release-1.4.2", "differs only by the v before its version"),
        ("Release", "release", "differs only by upper and lower case"),
        ("V1.4.2", "1.4.2", "differs only by upper and lower case and the leading v"),
        ("1-4-2", "1.4.2", "differs only by its separators"),
        ("v1-4-2", "1.4.2", "differs only by the leading v and its separators"),
        ("2024.1.5", "2024.01.05", "differs only by leading zeros"),
        ("20240105", "2024-01-05", "differs only by how its date is written and its separators"),
        ("abcdef0", "abcdef0123", "names the same commit"),
        ("app", "team/app", "differs only by the path before its name"),
        ("1.4", "1.4.0", "differs only by the final .0"),
        ("1.4", "v1.4.7", "is a version of 1.4"),
        ("1.4.7", "1.4", None),
        ("releese-7", "release-7", "has release instead of releese"),
        ("prod-1.4.2", "staging-1.4.2", "has staging instead of prod"),
        ("1.4.2-amd64", "1.4.2-arm64", "has arm64 instead of amd64"),
        ("1.4.2", "1.4.2-linux-arm64", "has linux arm64 besides"),
        ("release-1.4.2", "1.4.2", "lacks release"),
        ("team/app-api", "group/app-api", "has the same name under another path"),
        ("v1.4.2", "v1.4.3", None),
        ("v1.4.2", "v11.4.2", None),
        ("12", "1.2", None),
        ("latest", "main", None),
        ("abc", "abcdef", None),
        ("team/app", "team/api", None),
        ("team/app", "team/app", None),
    ],
)
def test_how_two_names_differ(wanted: str, found: str, how: str | None) -> None:
    assert difference(wanted, found) == how


def test_the_closest_name_comes_first_and_none_is_lost() -> None:
    names = ("latest", "v1.4.1", "1.4.2-prod", "1.4.2", "V1.4.2")
    ordered = closest("v1.4.2", names)
    assert [name for name, _ in ordered] == ["1.4.2", "V1.4.2", "1.4.2-prod", "latest", "v1.4.1"]
    assert [how for _, how in ordered[3:]] == [None, None]


def test_one_repository_of_that_name_may_have_moved_and_several_are_other_teams() -> None:
    assert near("acme/web-api", ("team/web", "team/web-api")) == (
        ("team/web-api", "has the same name under another path"),
    )
    assert near("acme/web-api", ("team/web-api", "shop/web-api")) == ()


NAMES = st.text("aAbfgv019.-_/", max_size=20) | st.from_regex(r"(v|prod-|team/)?\d\.\d{1,2}(\.0|-rc1)?", fullmatch=True)


@given(NAMES, NAMES)
def test_two_names_are_close_from_both_sides_but_for_a_version_and_what_is_no_image(one: str, other: str) -> None:
    there, back = difference(one, other), difference(other, one)
    if "is a version of" not in f"{there} {back}":
        assert (there is None) == (back is None)


@given(st.text(max_size=40), st.lists(st.text(max_size=40) | NAMES, max_size=8))
def test_whatever_strangers_wrote_no_name_is_lost_and_none_is_close_to_itself(wanted: str, names: list[str]) -> None:
    ordered = closest(wanted, (*names, wanted))
    assert sorted(name for name, _ in ordered) == sorted([*names, wanted])
    assert all(how is None for name, how in ordered if name == wanted)
    assert near(wanted, tuple(names)) == tuple(pair for pair in closest(wanted, tuple(names)) if pair[1])


@pytest.mark.parametrize("wanted", ["-".join(["abcdef1"] * 16), "0" * 128, "-0" * 64, "v1.2-" * 25, "a-" * 64])
def test_a_full_repository_of_the_longest_names_takes_a_moment(wanted: str) -> None:
    names = tuple(f"{wanted[:-5]}{number:05}" for number in range(5000))
    began = time.process_time()
    closest(wanted, names)
    # Measured below 0.3 s; the machine may be a slow one.
    assert time.process_time() - began < 1.5


def test_a_slash_means_more_than_another_separator() -> None:
    assert [name for name, _ in near("team_app", ("team/app", "team-app"))] == ["team-app", "team/app"]
