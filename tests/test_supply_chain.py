"""What the hosted workflow runs is pinned: actions by commit, tools by hash; it looks for known holes and lists what is inside."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))


def test_every_action_is_pinned_by_the_hash_of_its_commit() -> None:
    assert WORKFLOWS
    for workflow in WORKFLOWS:
        for used in re.findall(r"^\s*-?\s*uses:\s*(\S+)", workflow.read_text("utf-8"), re.M):
            assert used.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used


def test_tools_of_the_workflow_are_pinned_by_hash() -> None:
    text = "\n".join(workflow.read_text("utf-8") for workflow in WORKFLOWS)
    installs = [
        line for line in text.splitlines() if "pip" in line and " install " in line and "$made" not in line
    ]
    assert installs
    assert all("--require-hashes" in line for line in installs)
    pins = (ROOT / ".ci" / "tools.txt").read_text("utf-8")
    names = re.findall(r"^([\w.-]+)==\S+ \\\n    --hash=sha256:[0-9a-f]{64}$", pins, re.M)
    assert {"build", "hatchling", "twine", "pip-audit", "cyclonedx-bom"} <= {
        name.replace("_", "-") for name in names
    }
    assert len(names) == pins.count("==")


def test_known_holes_are_looked_for_and_a_bill_of_materials_lies_with_the_wheel() -> None:
    text = "\n".join(workflow.read_text("utf-8") for workflow in WORKFLOWS)
    assert "pip-audit" in text
    assert re.search(r"cyclonedx-py.*--output-file dist/", text)
    assert "permissions:\n  contents: read" in text
