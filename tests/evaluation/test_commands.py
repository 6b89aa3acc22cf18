"""``guardrail eval``, ``tune`` and ``fairness`` as they are called."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from guardrail.cli.main import main
from guardrail.cli.progress import progress
from guardrail.policy.load import load
from tests.backends.conftest import ModerationServer

from .fakes import lines, written

ROOT = Path(__file__).parents[2]
CANARY = "canary of a row"
HOSTILE = "<script>alert(1)</script>\x1b[2J"

ROWS: list[dict[str, Any]] = [
    *({"text": f"{CANARY}: what will the weather be like on day {n}?", "labels": {"harassment": 0, "violence": 0}, "source": HOSTILE} for n in range(15)),
    *({"text": f"{CANARY}: number {n}, you stupid worthless idiot", "labels": {"harassment": 1}, "source": "b"} for n in range(15)),
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return lines(tmp_path / "d.jsonl", ROWS)


@pytest.fixture
def scorer(service: ModerationServer, monkeypatch: pytest.MonkeyPatch) -> ModerationServer:
    """A service that gives the scores which stand in the texts."""

    def result(text: str) -> dict[str, Any]:
        scores = written(text)
        flags = {name: value >= 0.5 for name, value in scores.items()}
        return {"flagged": any(flags.values()), "categories": flags, "category_scores": scores}

    service.reply = lambda texts: (200, {"model": "m", "results": [result(text) for text in texts]})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("OPENAI_BASE_URL", service.url.removesuffix("/moderations"))
    return service


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    assert CANARY not in shown.out + shown.err
    assert "nan" not in shown.out
    return status, shown.out, shown.err


def test_eval_prints_a_table_and_writes_json_and_html(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(
        capsys,
        "eval",
        data,
        "--backend",
        "local",
        "--policy",
        "default",
        "--json",
        "r.json",
        "--html",
        "r.html",
        "--resamples",
        "20",
    )
    assert (status, err) == (0, "")
    assert all(line.isprintable() for line in out.splitlines())
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("any ", "harassment ", "violence "))] == [
        "any", "harassment", "violence", "any", "harassment", "violence", "any", "harassment", "violence",
    ]  # fmt: skip
    report = json.loads(Path("r.json").read_text())
    one, other = report["results"]
    assert (one["subject"], other["subject"], report["data"]["rows"]) == ("local", "policy default", 30)
    assert one["categories"]["harassment"]["auprc"]["value"] > 0.9
    assert one["categories"]["violence"]["recall"] is None
    assert other["categories"]["harassment"]["auprc"] is None
    assert {(part["by"], part["rows"]) for part in one["slices"]} == {("source", 15)}
    assert CANARY not in Path("r.json").read_text()


class _Reader(HTMLParser):
    """Tags that close in the order they opened; what is shown; and the attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.shown: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def test_the_page_stands_alone_and_shows_no_text_of_a_row(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, _ = said(
        capsys, "eval", data, "--html", "r.html", "--resamples", "20", "--backend", "local", "--backend", "local"
    )
    page = Path("r.html").read_text(encoding="utf-8")
    reader = _Reader()
    reader.feed(page)
    assert (status, reader.open) == (0, [])
    assert "script" not in reader.tags
    assert CANARY not in page
    assert any("<script>alert(1)</script>" in text for text in reader.shown)
    assert not [value for name, value in reader.attributes if name in ("src", "href") or "http" in (value or "")]
    assert reader.tags.count("path") == reader.tags.count("circle") == 4  # any and harassment, twice
    assert "prefers-color-scheme: dark" in page


def test_bars_decide_the_exit_status(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "eval", data, "--fail-under", "harassment.auprc=.5", "--fail-over", "harassment.fpr=.9")[0] == 0
    status, out, err = said(capsys, "eval", data, "--fail-under", "macro.recall=.1", "--threshold", "harassment=1")
    assert (status, err) == (1, "guardrail: local: macro.recall is 0.0000, under 0.1\n")
    assert "harassment" in out


def test_json_on_standard_output_takes_the_table_s_place(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said(capsys, "eval", data, "--json", "-", "--limit", "5", "--slices", "none")
    report = json.loads(out)
    assert (status, report["data"]["rows"], report["data"]["of"], report["results"][0]["slices"]) == (0, 5, 30, [])


def test_the_point_and_the_check_of_a_policy(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = []
    for point in ("lenient", "strict"):
        _, out, _ = said(
            capsys, "eval", data, "--policy", "default", "--check", "harm", "--point", point, "--json", "-"
        )
        limits.append(json.loads(out)["results"][0]["categories"]["harassment"]["threshold"])
    assert limits[0] > limits[1]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["eval", "none.jsonl"], "cannot be read"),
        (["eval", "d.jsonl", "--backend", "nonsense"], "no such backend"),
        (["eval", "d.jsonl", "--policy", "nonsense"], "no policy of this name"),
        (["eval", "d.jsonl", "--check", "harm"], "--policy once"),
        (["eval", "d.jsonl", "--policy", "default", "--point", "strict"], "a policy has its own"),
        (["eval", "d.jsonl", "--threshold", "sexual=2"], "CATEGORY=NUMBER"),
        (["eval", "d.jsonl", "--threshold", "custom/x=.2"], "does not judge custom/x"),
        (["eval", "d.jsonl", "--slices", "colour"], "--slices takes"),
        (["eval", "d.jsonl", "--fail-under", "auprc"], "NAME=NUMBER"),
        (["eval", "d.jsonl", "--fail-under", "sexual.auprc=.5"], "was not measured"),
        (["eval", "d.jsonl", "--html", "none/r.html"], "cannot be written"),
        (["tune", "none.jsonl", "--max-fpr", ".1"], "cannot be read"),
        (["tune", "d.jsonl", "--max-fpr", "1"], "every threshold does that"),
        (["tune", "d.jsonl", "--max-fpr", ".1", "--category", "toxicity"], "no rule with do: refuse"),
        (["tune", "d.jsonl", "--max-fpr", ".1", "--category", "sexual"], "has no labels"),
        (["fairness", "--templates", "none.yaml"], "cannot be used"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_trouble_is_told_in_words(
    arguments: list[str], word: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data.exists()
    status, out, err = said(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("guardrail: ")
    assert word in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval"],
        ["eval", "d.jsonl", "--workers", "17"],
        ["eval", "d.jsonl", "--limit", "0"],
        ["tune", "d.jsonl"],
        ["tune", "d.jsonl", "--max-fpr", ".1", "--target-recall", ".9"],
        ["tune", "d.jsonl", "--max-fpr", "2"],
        ["fairness", "--max-gap", "-1"],
    ],
    ids=" ".join,
)
def test_arguments_that_cannot_be_read(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


KNOWN = [(0.9, 1), (0.8, 1), (0.7, 0), (0.6, 1), (0.5, 1), (0.4, 0), (0.3, 0), (0.2, 0)]


def test_a_known_score_file_gives_the_known_threshold(
    scorer: ModerationServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"{CANARY} [hate={value}]", "labels": {"hate": label}} for value, label in KNOWN]
    rows.append({"text": f"{CANARY} [hate=0.99]", "labels": {"hate": None}})
    data = lines(tmp_path / "d.jsonl", rows)
    Path("p.yaml").write_text(
        "guardrail: 1\nchecks:\n  far: {use: openai, api_key: '${OPENAI_API_KEY}', timeout: 30s, url: '"
        + scorer.url
        + "'}\n"
        "input: [far]\nrules:\n  # mine\n  - {when: harm, do: refuse}\n"
    )
    for goal, threshold, evidence in (
        (
            ("--max-fpr", ".25"),
            0.5,
            "# tuned: hate: n 8, positive 4; recall 1.000 [0.510, 1.000], FPR 0.2500 [0.0456, 0.6994]",
        ),
        (
            ("--target-recall", ".5"),
            0.8,
            "# tuned: hate: n 8, positive 4; recall 0.500 [0.150, 0.850], FPR 0.0000 [0.0000, 0.4899]",
        ),
    ):
        status, out, _ = said(capsys, "tune", data, "--policy", "p.yaml", *goal, "--least", "2", "--write", "out.yaml")
        text = Path("out.yaml").read_text()
        assert (status, out.splitlines()[-1]) == (0, "written: out.yaml")
        assert evidence in text
        assert "  # mine\n" in text
        rules = {rule.when: rule.at_least for rule in load("./out.yaml").spec.rules}
        assert rules[("hate",)] == threshold
    # and it is what the policy then does
    status, out, _ = said(capsys, "eval", data, "--policy", "out.yaml", "--json", "-")
    assert status == 0
    assert json.loads(out)["results"][0]["categories"]["hate"]["confusion"] == {"tp": 2, "fp": 0, "fn": 2, "tn": 4}


def test_tune_without_write_only_shows_and_says_when_nothing_could_be_tuned(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = said(capsys, "tune", data, "--target-recall", ".9")
    assert (status, sorted(path.name for path in Path().iterdir())) == (0, ["d.jsonl"])
    assert "fewer than 10 rows of one kind" in out
    assert said(capsys, "tune", data, "--target-recall", ".9", "--least", "20")[0] == 1


def test_a_service_is_compared_with_the_embedded_model(
    scorer: ModerationServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = said(
        capsys, "eval", data, "--backend", "local", "--backend", "openai", "--workers", "4", "--slices", "none"
    )
    assert status == 0
    assert {"AUPRC local", "AUPRC openai"} <= {cell for line in out.splitlines() for cell in line.split("  ")}
    assert len(scorer.requests) == len(ROWS)


def test_fairness_fails_over_the_bar(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.with_name("t.yaml").write_text(
        "groups: {town: [red, blue]}\ntemplates: {harmless: ['My {group} day.', 'A {group} day.']}\n"
    )
    data.with_name("p.yaml").write_text(
        "guardrail: 1\nchecks: {w: {use: words, words: [red], category: custom/w}}\ninput: [w]\nrules: [{when: custom/w, do: refuse}]\n"
    )
    status, out, _ = said(capsys, "fairness", "--templates", "t.yaml", "--policy", "./p.yaml")
    assert status == 1
    assert out.splitlines()[-1] == "harmless: gap 1.000 [1.000, 1.000], over the bar of 0.05"
    status, out, _ = said(capsys, "fairness", "--templates", "t.yaml", "--json", "-")
    found = json.loads(out)["results"][0]
    assert (status, found["passed"], found["kinds"]["harmless"]["gap"]["value"]) == (0, True, 0.0)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals_and_leaves_nothing_behind() -> None:
    for stream, told in ((_Terminal(), True), (io.StringIO(), False)):
        with progress("a\x1b[2J", stream) as tick:
            for done in range(1, 4):
                tick(done, 3)
        assert ("3 of 3" in stream.getvalue()) == told
        assert "\x1b" not in stream.getvalue()
        assert stream.getvalue().rstrip(" ").endswith("\r") or not told


def test_as_a_process(data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "guardrail.cli", "eval", str(data), "--resamples", "5"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("d.jsonl  30 rows\n")
    assert CANARY not in done.stdout
