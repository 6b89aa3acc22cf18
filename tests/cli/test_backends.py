"""`guardrail backends`: every backend with what it can judge, as a table, a sheet and JSON."""

from __future__ import annotations

import json

import pytest

from guardrail.backends import catalogue
from guardrail.backends.catalogue import DIALECTS, OTHERS
from guardrail.cli.main import main
from guardrail.policy.spec import CHECKS
from guardrail.policy.taxonomy import CUSTOM_NAME, known


def test_the_table_names_every_backend_that_a_policy_can(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backends"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [line.split()[0] for line in lines[1:]]
    assert set(named) == {*DIALECTS, *OTHERS, "local"}
    assert set(named) <= set(CHECKS)
    assert max(map(len, lines)) <= 120


def test_json_has_the_whole_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backends", "--json"]) == 0
    found = {one["use"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["openai"]["modalities"] == ["image", "text"]
    assert len(found["openai"]["categories"]) == 13
    for word, card in found.items():
        assert card["source"], word
        assert card["verified"] in {"real", "document", "unverified"}
        assert card["longest"] > 0 or word == "openai-inline", "which is given no text by us"
        for name in card["categories"]:
            assert known(name) or CUSTOM_NAME.fullmatch(name) or name.startswith("personal"), (word, name)


def test_one_backend_and_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backends", "llama-guard"]) == 0
    assert "conversation" in capsys.readouterr().out
    assert main(["backends", "nobody"]) == 2
    assert "no backend is called nobody" in capsys.readouterr().err


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(catalogue, "NEEDS", {"bedrock": ("no_such_module",)})
    assert main(["backends", "bedrock"]) == 0
    assert "False" in capsys.readouterr().out
