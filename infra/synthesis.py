"""From the context to the templates: reads the settings, builds the stack, and holds it against cdk-nag."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.asset import AssetError
from infra.reader_role import write_templates
from infra.settings import Settings, SettingsError
from infra.stack import PullDoctor

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Synthesise the stack; a wrong setting ends the process with status 1 and one line."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = cdk.App(
        context=context,  # without the CDK command nothing else reads cdk.json; what that command passes wins
        outdir=os.environ.get("CDK_OUTDIR", str(ROOT / "cdk.out")),
        analytics_reporting=False,
    )
    try:
        settings = Settings.from_context(app.node.get_all_context())
        PullDoctor(app, "PullDoctor", settings=settings)
    except (SettingsError, AssetError) as error:
        sys.exit(f"pull-doctor: {error}")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    write_templates(Path(app.synth().directory), settings)
