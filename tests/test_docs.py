"""What the pages say is held against the code: commands, settings, permissions, links, and the examples."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import typer

from infra.settings import _PARSERS, SWITCHABLE_READS
from pull_doctor import cli, console
from pull_doctor.causes import catalogue, runner
from pull_doctor.causes.catalogue import image, pages
from pull_doctor.causes.outcome import Ok, Problem
from pull_doctor.facts import permissions
from pull_doctor.intake.symptom import Symptom
from pull_doctor.report.text import render_text
from tests.causes.factory import TIMEOUT, World, failure
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import report_on
from tests.worlds import WORLDS, build

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

NOT_OURS = ("/home/", "/root/", "TODO", "FIXME")
"""Machine paths and the usual marks of open ends: a file that holds one of them fails the test below."""


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _section(heading: str) -> str:
    """The text of the README under this heading, up to the next one of any level."""
    return re.split(r"^#+ ", _text(README).split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def _first_column(section: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _text(page), re.MULTILINE | re.DOTALL)


def _code(page: Path) -> list[str]:
    """Everything that a page shows as code: spans, and the lines of its shell and text blocks."""
    text = _text(page)
    fences = re.findall(r"^```(?:sh|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [*re.findall(r"`([^`\n]+)`", prose), *(line.strip() for fence in fences for line in fence.splitlines())]


def test_the_permissions_are_those_of_the_readers() -> None:
    assert _first_column(_section("Permissions")) == list(permissions.actions())


def test_the_settings_are_those_that_the_stack_reads() -> None:
    section = _section("Settings")
    assert _first_column(section) == list(_PARSERS)
    assert all(f"`{read}`" in section for read in SWITCHABLE_READS)


def test_the_causes_are_those_of_the_catalogue() -> None:
    section = _section("What it can name")
    listed = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\|.*$", section, re.MULTILINE)))
    assert sorted(listed) == sorted(row.cause for row in catalogue.CATALOGUE)
    assert section.lstrip().startswith(f"{len(listed)} causes")


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    listed = re.findall(r"^\| ([0-9]) \|", _section("Command line"), re.MULTILINE)
    codes = {*console.EXIT_CODES.values(), console.WRONG_USAGE, console.TOOL_FAILED}
    assert listed == [str(code) for code in sorted(codes)]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _text(page)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        assert not anchor or f"# {anchor}\n" in _text(found), target


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_call_of_the_command_line_exists(page: Path) -> None:
    commands: dict[str, typer.core.TyperCommand] = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined] # it is a group
    for code in _code(page):
        words = code.removeprefix("More: ").split()
        if words[:1] == ["pull-doctor"] and len(words) > 1:
            assert words[1] in commands, code
            options = {option for parameter in commands[words[1]].params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, code


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_make_target_and_world_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", _text(ROOT / "Makefile"), re.MULTILINE))
    for code in _code(page):
        words = code.split()
        if words[:1] == ["make"] and len(words) > 1:
            assert words[1] in targets, code
            assert all(word.removeprefix("WORLD=") in WORLDS for word in words[2:]), code


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_file_that_is_named_exists(page: Path) -> None:
    roots = (ROOT, ROOT / "lambda" / "pull_doctor", ROOT / "tests", ROOT / "tests" / "worlds", ROOT / "infra")
    example = "registry_refuses_connections"
    for code in _code(page):
        if re.fullmatch(r"[\w./*-]+\.(?:py|md|json|toml|txt)", code) and example not in code:
            assert any(list(root.glob(code)) for root in roots), code


def test_every_target_is_in_the_readme() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", _text(ROOT / "Makefile"), re.MULTILINE)
    assert sorted(_first_column(_section("Development"))) == sorted(
        f"make {name}" for name in targets if name != "help"
    )


def test_the_page_of_causes_is_what_make_docs_writes(capsys: pytest.CaptureFixture[str]) -> None:
    cli.causes("markdown")
    assert _text(ROOT / "docs" / "causes.md") == capsys.readouterr().out, "run make docs"


def test_the_versions_in_the_decision_on_dependencies_are_the_pinned_ones() -> None:
    files = ("lambda/requirements.txt", "requirements.txt", "requirements-dev.txt", "requirements-emulator.txt")
    pinned = dict(
        re.findall(r"^([\w-]+)(?:\[.*\])?==(\S+)", "\n".join(map(_text, map(ROOT.joinpath, files))), re.MULTILINE)
    )
    listed = re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", _text(ROOT / "docs/adr/0015-dependencies.md"), re.MULTILINE)
    assert listed
    assert [(name, pinned.get(name)) for name, _ in listed] == listed


def test_the_report_in_the_readme_is_the_one_of_its_world(aws: EmulatedAws, pytestconfig: pytest.Config) -> None:
    (shown,) = [block for block in _blocks(README, "text") if block.startswith("error[")]
    report = render_text(report_on(aws, build(aws, WORLDS[0]).event))
    if pytestconfig.getoption("--bless"):
        README.write_text(_text(README).replace(shown, report), encoding="utf-8")
        shown = report
    assert _without_ids(shown) == _without_ids(report), "run pytest --bless, and read the diff"


def _without_ids(text: str) -> str:
    """The words alone: ids, times, and line breaks differ from run to run."""
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r"\b(subnet|rtb|sg|acl|nat|vpc)-[0-9a-f]{17}\b", r"\1-ID", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "TASK", text)
    text = re.sub(r"\borders-web-\d+\b", "orders-web", text)
    text = re.sub(r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d UTC|\d+ s after", "TIME", text)
    return " ".join(text.split())


def test_the_cause_of_the_worked_example_works(monkeypatch: pytest.MonkeyPatch) -> None:
    row_text, module_text, test_text = _blocks(ROOT / "docs" / "adding-a-cause.md", "python")
    row: catalogue.Row = eval(row_text, vars(image) | vars(pages))  # noqa: S307 - the page's own example
    module = types.ModuleType(f"pull_doctor.causes.{row.cause.replace('-', '_')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(module_text, vars(module))  # noqa: S102 - the same
    check = runner._check(row)
    broken = World(failures=(failure(Symptom("resolve", "connection-refused-or-reset", address="52.1.2.3")),))

    found = runner.run(check, broken.view())
    assert isinstance(found, Problem), found
    assert isinstance(runner.run(check, World(failures=(failure(TIMEOUT),)).view()), Ok)
    monkeypatch.setattr("tests.causes.factory.checks", lambda: (check,))
    exec(test_text, {})  # noqa: S102 - the same: what it imports is there


def test_nothing_of_a_machine_or_of_elsewhere_is_in_the_project() -> None:
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        pytest.skip("this is no git work tree, so that what belongs to the project is not known")
    listing = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")  # noqa: S603 - every argument is written here
    files = [ROOT / name for name in names if name and not name.startswith("tests/") and (ROOT / name).is_file()]
    assert README in files
    found = [
        f"{file.relative_to(ROOT)}: {word}"
        for file in files
        for word in NOT_OURS
        if word in file.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []
