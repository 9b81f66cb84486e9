from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra import asset
from pull_doctor.facts import permissions

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised

LIMIT_ZIPPED = 8_000_000


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asset") / "function"
    asset.build(path)
    return path


@pytest.fixture(scope="module")
def archive(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asset") / "function.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        for file in sorted(tree.rglob("*")):
            whole.write(file, file.relative_to(tree))
    return path


def run_from(place: Path, code: str) -> str:
    """Run code that can import from ``place`` (the zip or its tree) and the standard library alone, as in Lambda."""
    blind = f"import sys; sys.path = [{str(place)!r}, *(p for p in sys.path if 'site-packages' not in p)]"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-S", "-B", "-c", f"{blind}\n{code}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_in_it_depends_on_the_machine_that_built_it(archive: Path) -> None:
    with zipfile.ZipFile(archive) as whole:
        names = [Path(name) for name in whole.namelist()]
    assert [name for name in names if name.suffix in {".so", ".pyd", ".pyc"}] == []
    assert [name for name in names if name.name in {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}] == []
    assert [name for name in names if "__pycache__" in name.parts or name.parts[0] == "bin"] == []


def test_the_command_line_is_not_in_it(archive: Path) -> None:
    with zipfile.ZipFile(archive) as whole:
        packages = {name.split("/")[0] for name in whole.namelist()}
        modules = {name.split("/")[1] for name in whole.namelist() if name.startswith("pull_doctor/")}
    assert modules & {"cli.py", "console.py", "operations", "terminal.py"} == set()
    assert "handler.py" in modules
    assert packages & {"typer", "rich", "aws_cdk", "constructs", "pytest"} == set()
    assert {"pull_doctor", "boto3", "botocore", "aws_lambda_powertools", "slack_sdk", "cattrs"} <= packages


def test_it_stays_small(archive: Path, measured: Callable[[str], None]) -> None:
    measured(f"asset: {archive.stat().st_size / 1e6:.1f} MB zipped")
    assert archive.stat().st_size < LIMIT_ZIPPED


def test_the_handler_that_the_function_names_imports_from_the_zip_alone(archive: Path, bare: Synthesised) -> None:
    module, _, name = bare.only("AWS::Lambda::Function")["Handler"].rpartition(".")
    out = run_from(archive, f"import {module} as m; print(m.__file__, callable(m.{name}))")
    assert out.split() == [f"{archive}/pull_doctor/handler.py", "True"]


def test_every_module_that_is_shipped_imports_from_the_zip_alone(tree: Path, archive: Path) -> None:
    files = [file.relative_to(tree).with_suffix("") for file in (tree / "pull_doctor").rglob("*.py")]
    modules = [".".join(file.parts).removesuffix(".__init__") for file in files]
    run_from(archive, f"import importlib\nfor name in {sorted(modules)!r}: importlib.import_module(name)")


def test_botocore_in_it_has_the_model_of_every_service_that_is_called(tree: Path) -> None:
    code = (
        "import boto3\n"
        "session = boto3.Session('id', 'secret', region_name='eu-central-1')\n"
        f"for service in {sorted(asset.services())!r}:\n"
        "    print(session.client(service).meta.service_model.service_name)"
    )
    assert run_from(tree, code).split() == sorted(asset.services())


def test_the_services_are_those_of_the_readers_and_of_every_client_in_the_code(tree: Path) -> None:
    made = {
        argument.value
        for file in (tree / "pull_doctor").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None))
        in {"client", "owners_client", "resource"}
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    assert made, "no client is made by name any more: this test looks in the wrong place"
    assert made == asset.services()
    assert {action.partition(":")[0] for action in permissions.actions()} <= asset.services()


def test_the_models_of_other_services_stay_out(tree: Path) -> None:
    kept = {path.name for path in (tree / "botocore" / "data").iterdir() if path.is_dir()}
    assert kept == asset.services()
    versions = {path.name: sorted(p.name for p in path.iterdir()) for path in (tree / "botocore" / "data").glob("*/")}
    assert {name: len(found) for name, found in versions.items()} == dict.fromkeys(kept, 1)
    assert versions["dynamodb"] == ["2012-08-10"]


def test_a_service_that_botocore_does_not_know_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "actions", lambda: ("ec2:DescribeVpcs", "ec3:DescribeVpcs"))
    with pytest.raises(asset.AssetError, match="no model named ec3"):
        asset.build(tmp_path / "function")


def test_a_build_from_nothing_gives_the_same_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset.build(tmp_path / "one")
    monkeypatch.setattr(asset, "_BUILD", tmp_path / "build")
    asset.build(tmp_path / "two")
    one, two = ({p.relative_to(t): p.read_bytes() for p in t.rglob("*") if p.is_file()} for t in tmp_path.glob("???"))
    assert one.keys() == two.keys()
    assert [path for path in one if one[path] != two[path]] == []


def test_a_package_that_differs_from_its_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    monkeypatch.setattr(asset, "REQUIREMENTS", requirements)
    monkeypatch.setattr(asset, "ROOT", tmp_path)
    monkeypatch.setattr(asset, "_BUILD", tmp_path / "build")
    with pytest.raises(asset.AssetError, match=r"could not install requirements\.txt"):
        asset.build(tmp_path / "function")
