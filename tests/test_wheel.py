"""The built wheel stands alone: policies by name, texts and the embedded model come with it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import guardrail
assert guardrail.__file__.startswith(sys.argv[1]), guardrail.__file__
from guardrail import Guard
from guardrail.policy.sources import shipped
for name in ("default", "strict", "observe"):
    assert Guard.from_policy(name, log="none").plan.name, name
assert all(str(path).startswith(sys.argv[1]) for path in shipped().values()), shipped()
decision = Guard.from_policy("default", log="none").check("GUARDRAIL-TEST-REFUSE")
assert decision.outcome == "refused"
print("alone")
"""


def test_policies_load_by_name_from_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = (tmp_path / "dist").glob("guardrail_middleware-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "alone")
    assert not [name for name in names if name.startswith(("tests", "bench", "training", "examples", "policies"))]
    assert {
        "guardrail/py.typed",
        "guardrail/_policies/default.yaml",
        "guardrail/local/fast.npz",
        "guardrail/local/encoder.onnx",
    } <= set(names)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "alone")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "alone\n", done.stderr
