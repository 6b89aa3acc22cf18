"""The accurate tier: its files, its windows over texts of any length, and where a finding is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from guardrail.local import calibration, encoder
from guardrail.local.categories import LEARNT
from guardrail.local.encoder import Encoder
from guardrail.local.judged import Judged

MODEL = Encoder()
SENTENCE = "The committee met in the town hall and spoke about the budget of the library. "
THREAT = "I am going to find you and I will kill you tonight."
VIOLENCE = LEARNT.index("violence")


def judged(text: str) -> Judged:
    found = MODEL.judge(text)
    assert found is not None
    return found


def test_it_is_small() -> None:
    assert encoder.GRAPH.stat().st_size + encoder.TOKENIZER.stat().st_size <= 18_000_000


def test_a_window_is_judged_alike_alone_and_among_others() -> None:
    """A batch is padded; int8 activations are scaled by batch, so this holds to a tenth of a logit or so."""
    alone = judged(THREAT).logits
    among = MODEL._run([MODEL._tokenizer.encode(text, add_special_tokens=False).ids for text in (THREAT, SENTENCE * 2)])
    assert np.abs(among[0] - alone).max() < 0.5


@pytest.mark.parametrize("before", [0, 12, 300])
def test_the_span_holds_the_worst_place_in_a_text_of_any_length(before: int) -> None:
    text = SENTENCE * before + THREAT + " " + SENTENCE * before
    found = judged(text)
    start, end = found.spans[VIOLENCE]
    at = text.index(THREAT)
    assert max(start, at) < min(end, at + len(THREAT))
    assert end - start < 500
    assert found.windows >= len(text) // 400


def test_no_word_piece_is_no_verdict() -> None:
    assert MODEL.judge("") is None
    assert MODEL.judge(" \n\t") is None


@pytest.mark.parametrize("text", ["\ud800 lone", "\x00\x01", "漢字" * 3000, "a" * 20_000, "\u200b" * 50])
def test_any_text_is_taken(text: str) -> None:
    found = MODEL.judge(text)
    assert found is None or np.isfinite(found.logits).all()


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        Encoder(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a graph")
    with pytest.raises(ValueError, match=r"broken\.onnx"):
        Encoder(broken)


def test_it_needs_no_network_and_no_other_thread(tmp_path: Path) -> None:
    threads = len(os.listdir("/proc/self/task")) if Path("/proc/self/task").is_dir() else 0
    Encoder().judge(SENTENCE * 40)
    assert not threads or len(os.listdir("/proc/self/task")) == threads


def test_what_it_was_learnt_from_is_said() -> None:
    meta = calibration.metadata()
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    sources = {entry["source"] for entry in meta["learnt from"]}
    assert len(sources) > 30
    assert [name for name in sources if not name.startswith("own ") and name not in notice] == []
    assert not any("unclear" in name for name in sources)
    assert sources.isdisjoint(entry["source"] for entry in meta["developed on"])
