"""``guardrail eval`` and ``guardrail fairness``: measure backends and policies.

Knows the words of both commands. Must never show a text that was measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..evaluation.subjects import Subject
    from .options import Commands

ROOM = (160, 24)
"""Columns and lines where the output is no terminal."""

_EPILOG = """exit status: 0 done, 1 a figure misses its bar (--fail-under, --fail-over; --max-gap), 2 a file, a
backend or an argument that cannot be used"""


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "eval",
        help="measure a backend or a policy on labelled texts",
        description="Measure a backend or a policy on labelled texts: JSON lines with text (or prompt) and labels "
        "{category: 0 or 1}; source, lang and direction if you like. What has no label is unknown, and in no figure.",
        epilog=_EPILOG,
    )
    parser.add_argument("data", metavar="DATA.jsonl", type=Path, help="labelled texts; may be packed with gzip")
    _subjects(parser)
    parser.add_argument("--json", metavar="FILE", help="for programs; - for standard output, in place of the table")
    parser.add_argument("--html", metavar="FILE", help="the report for people, with precision-recall curves")
    parser.add_argument("--limit", metavar="N", type=options.count, help="measure at most N rows, drawn at random")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the draw and the intervals (default: 0)")
    parser.add_argument(
        "--resamples", metavar="N", type=options.count, default=500, help="of the intervals (default: %(default)s)"
    )
    parser.add_argument(
        "--slices",
        metavar="BY",
        default="source,lang,length",
        help="kinds of parts, or none (default: %(default)s)",
    )
    bars = (
        ("--fail-under", "less: auprc=.8 (of any category), sexual.recall=.6, macro.auprc=.5 (the mean)"),
        ("--fail-over", "more: fpr=.02"),
    )
    for option, what in bars:
        parser.add_argument(
            option, metavar="NAME=X", action="append", default=[], help=f"exit 1 where a figure is {what}"
        )
    parser.set_defaults(run=evaluate)
    fair = commands.add_parser(
        "fairness",
        help="compare how often groups are blocked",
        description="The same sentences with one group after another named in them: how often each is blocked.",
        epilog=_EPILOG,
    )
    _subjects(fair)
    fair.add_argument("--max-gap", metavar="X", type=options.share, default=0.05, help="the bar (default: %(default)s)")
    fair.add_argument("--templates", metavar="FILE", type=Path, help="groups and sentences of your own, YAML")
    fair.add_argument("--seed", metavar="N", type=int, default=0, help="of the intervals (default: 0)")
    fair.add_argument("--json", metavar="FILE", help="for programs; - for standard output, in place of the table")
    fair.set_defaults(run=fairness)


def _subjects(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backend",
        metavar="B",
        action="append",
        default=[],
        help="local, or openai (with OPENAI_API_KEY); may be given again to compare (default: local)",
    )
    parser.add_argument(
        "--policy", metavar="P", action="append", default=[], help="a policy, as callers meet it: what it refuses"
    )
    parser.add_argument("--check", metavar="NAME", help="with one --policy: the backend behind this check of it")
    parser.add_argument(
        "--point", metavar="P", default="balanced", help="operating point of the backends (default: %(default)s)"
    )
    parser.add_argument(
        "--threshold",
        metavar="CAT=X",
        action="append",
        default=[],
        help="a category's threshold, in place of the point's",
    )
    parser.add_argument(
        "--workers", metavar="N", type=options.workers, help="questions at a time (to a service 8, else 1)"
    )


def evaluate(arguments: argparse.Namespace) -> int:
    """Raises GuardrailError."""
    from ..evaluation import report_html, report_json
    from ..evaluation.bars import bar, missed
    from ..evaluation.measures import Report, measure
    from ..evaluation.rows import read
    from ..evaluation.scoring import score
    from . import figures
    from .progress import progress

    bars = [bar(text) for text in arguments.fail_under]
    bars += [bar(text, most=True) for text in arguments.fail_over]
    by = _slices(arguments.slices)
    subjects = subjects_of(arguments)
    try:
        data = read(arguments.data, limit=arguments.limit, seed=arguments.seed)
        results = []
        for subject in subjects:
            with progress(subject.name) as tick:
                scored = score(data.rows, subject, workers=arguments.workers, tick=tick)
            results.append(measure(data, scored, seed=arguments.seed, resamples=arguments.resamples, by=by))
    finally:
        for subject in subjects:
            subject.close()
    found = Report(data, arguments.seed, arguments.resamples, results)
    misses = [line for result in results for line in missed(result, bars)]
    if arguments.html:
        _write(arguments.html, report_html.page(found))
    _output(arguments.json, report_json.report(found), figures.report(found, _room()))
    for line in misses:
        print(f"guardrail: {line}", file=sys.stderr)
    return 1 if misses else 0


def fairness(arguments: argparse.Namespace) -> int:
    """Raises GuardrailError."""
    from ..evaluation import report_json
    from ..evaluation.fairness import group_gap, own_templates, read_templates
    from . import figures
    from .progress import progress

    templates = own_templates() if arguments.templates is None else read_templates(arguments.templates)
    subjects = subjects_of(arguments)
    results = []
    try:
        for subject in subjects:
            with progress(subject.name) as tick:
                results.append(
                    group_gap(
                        subject,
                        templates,
                        bar=arguments.max_gap,
                        seed=arguments.seed,
                        workers=arguments.workers,
                        tick=tick,
                    )
                )
    finally:
        for subject in subjects:
            subject.close()
    lines = [line for result in results for line in (*figures.fairness(result, _room()), "")]
    _output(arguments.json, {"results": [report_json.fairness(result) for result in results]}, lines[:-1])
    return 0 if all(result.passed for result in results) else 1


def subjects_of(arguments: argparse.Namespace) -> list[Subject]:
    """What is to be measured. Raises GuardrailError."""
    from ..errors import GuardrailError
    from ..evaluation.subjects import BackendSubject, PolicySubject, check_of, named

    thresholds = dict(options.named_share(text) for text in arguments.threshold)
    point = arguments.point
    if arguments.check is not None:
        if len(arguments.policy) != 1 or arguments.backend:
            raise GuardrailError("--check names a check of one policy: give --policy once, and no --backend")
        backend = check_of(arguments.policy[0], arguments.check)
        return [BackendSubject(backend, point=point, thresholds=thresholds, name=f"check {arguments.check}")]
    names = arguments.backend or ([] if arguments.policy else ["local"])
    if not names and (thresholds or point != "balanced"):
        raise GuardrailError("--point and --threshold are for backends; a policy has its own")
    subjects: list[Subject] = [BackendSubject(named(name), point=point, thresholds=thresholds) for name in names]
    return subjects + [PolicySubject(policy) for policy in arguments.policy]


def _slices(text: str) -> tuple[str, ...]:
    from ..errors import GuardrailError
    from ..evaluation.slices import BY

    kinds = tuple(kind.strip() for kind in text.split(",") if kind.strip() and kind.strip() != "none")
    if set(kinds) - set(BY):
        raise GuardrailError(f"--slices takes {', '.join(BY)}, with commas between, or none")
    return kinds


def _output(file: str | None, value: dict[str, Any], lines: Iterable[str]) -> None:
    """JSON where it is asked for; the table unless JSON took its place."""
    if file is not None:
        text = json.dumps(value, ensure_ascii=True, indent=2)
        if file == "-":
            print(text)
            return
        _write(file, f"{text}\n")
    for line in lines:
        print(line)


def _write(file: str, text: str) -> None:
    from ..errors import GuardrailError

    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise GuardrailError(f"{file} cannot be written: {error.strerror}") from None


def _room() -> int:
    return shutil.get_terminal_size(ROOM).columns
