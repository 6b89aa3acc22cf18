"""What ``import guardrail`` gives: little at first, and in any order the right objects."""

from __future__ import annotations

import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import guardrail

HEAVY = [
    "httpx",
    "httpx2",
    "numpy",
    "sqlalchemy",
    "pydantic",
    "starlette",
    "limits",
    "re2",
    "msgspec",
    "ruamel",
    "tenacity",
]


def fresh(script: str) -> str:
    """What a script prints in a process of its own."""
    root = Path(guardrail.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_brings_no_heavy_library() -> None:
    script = f"import sys, guardrail; print([m for m in sys.modules if m.split('.')[0] in {HEAVY!r}])"
    assert fresh(script) == "[]"


@pytest.mark.parametrize("name", ["as_user", "Action", "Decision", "GuardrailError", "PolicyError"])
def test_light_names_stay_light(name: str) -> None:
    script = (
        f"import sys; from guardrail import {name}; print([m for m in sys.modules if m.split('.')[0] in {HEAVY!r}])"
    )
    assert fresh(script) == "[]"


ORDERS = """
import os, sys
from itertools import permutations
import asyncio, httpx, pydantic, sqlalchemy, starlette.applications, limits, re2, msgspec, ruamel.yaml  # shared by all

NAMES = ["guard", "Guard", "transports", "as_user", "GuardrailMiddleware"]
orders = [*permutations(NAMES, 2), tuple({all!r}), tuple(reversed({all!r}))]
assert not any(m.split(".")[0] == "guardrail" for m in sys.modules)
for order in orders:
    sys.stdout.flush()
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, order
        continue
    try:
        for name in order:
            exec(f"from guardrail import {{name}}")
        import guardrail
        for name in {all!r}:
            found = getattr(guardrail, name)
            assert type(found) is not type(os), (name, "is a module")
            assert found.__name__ == name, name
            if name in order:
                assert found is locals()[name], name
        assert callable(guardrail.guard) and isinstance(guardrail.Guard, type)
    except BaseException as error:
        print(order, repr(error))
        os._exit(1)
    os._exit(0)
print("fine", len(orders))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each order needs a process that has not seen the package")
def test_names_come_in_any_order_and_stay_the_right_objects() -> None:
    script = ORDERS.replace("{all!r}", repr(guardrail.__all__)).replace("{{", "{").replace("}}", "}")
    assert fresh(script).startswith("fine")


def test_no_submodule_bears_a_public_name() -> None:
    modules = {module.name for module in pkgutil.iter_modules(guardrail.__path__)}
    assert modules & {name.lower() for name in guardrail.__all__} == set()


def test_all_names_are_there_and_no_others() -> None:
    assert sorted(guardrail.__all__) == guardrail.__all__
    assert set(guardrail.__all__) == set(guardrail._HOMES)
    assert set(guardrail.__all__) <= set(dir(guardrail))
    for name in guardrail.__all__:
        found = getattr(guardrail, name)
        assert found.__module__.startswith("guardrail."), name
        assert inspect.getdoc(found), f"{name} has no docstring"
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = guardrail.nothing_such


def test_type_checkers_see_the_same_names() -> None:
    source = Path(guardrail.__file__).read_text()
    typed = source.split("if TYPE_CHECKING:")[1].split("__version__")[0]
    for name, home in guardrail._HOMES.items():
        assert any(f"from .{home} import" in line and name in line for line in typed.splitlines()), name


def test_the_model_can_be_reached_by_its_path_without_loading_it() -> None:
    script = (
        "import sys, guardrail.local as local\n"
        "print(local.LocalModeration.__name__, local.LocalBackend.__name__, 'numpy' in sys.modules)\n"
        "import guardrail; print(guardrail.local is local)"
    )
    assert fresh(script).split() == ["LocalModeration", "LocalBackend", "False", "True"]
