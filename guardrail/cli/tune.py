"""``guardrail tune``: thresholds for a policy from labelled texts, written with their evidence.

Knows the words of the command. Must never show a text that was measured.
"""

from __future__ import annotations

import argparse
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import options
from .evaluate import ROOM

if TYPE_CHECKING:
    from .options import Commands

_EPILOG = """exit status: 0 done, 1 not one category could be tuned, 2 a file, a policy or an argument that cannot be
used, or a policy that would not do what the thresholds say (nothing is written then)"""


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "tune",
        help="choose a policy's thresholds on labelled texts",
        description="Choose the threshold of each category for a false-positive budget or a target recall, on "
        "labelled texts as `guardrail eval` reads them.",
        epilog=_EPILOG,
    )
    parser.add_argument("data", metavar="DATA.jsonl", type=Path, help="labelled texts; may be packed with gzip")
    options.policy(parser)
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--max-fpr", metavar="X", type=options.share, help="flag at most this share of the harmless rows")
    goal.add_argument("--target-recall", metavar="X", type=options.share, help="find at least this share of the others")
    parser.add_argument("--write", metavar="FILE", type=Path, help="the policy with these thresholds; else only shown")
    parser.add_argument(
        "--action", choices=("refuse", "review", "flag"), default="refuse", help="of the rules (default: %(default)s)"
    )
    parser.add_argument(
        "--category", metavar="CAT", action="append", default=[], help="only this one; may be given again"
    )
    parser.add_argument(
        "--least",
        metavar="N",
        type=options.count,
        default=10,
        help="harmless rows, and others, that a category needs (default: %(default)s)",
    )
    parser.add_argument("--limit", metavar="N", type=options.count, help="use at most N rows, drawn at random")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the draw (default: 0)")
    parser.add_argument(
        "--workers", metavar="N", type=options.workers, help="questions at a time (to a service 8, else 1)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Raises GuardrailError."""
    from ..errors import GuardrailError
    from ..evaluation.alone import standing_alone
    from ..evaluation.rows import read
    from ..evaluation.saving import save
    from ..evaluation.tuned import scored_by, tunable
    from ..evaluation.tuning import Goal, tune
    from ..evaluation.writing import with_thresholds
    from . import figures
    from .progress import progress

    if arguments.max_fpr == 1 or arguments.target_recall == 0:
        raise GuardrailError("every threshold does that: give a budget below 1, or a recall above 0")
    goal = Goal(arguments.target_recall, arguments.max_fpr)
    data = read(arguments.data, limit=arguments.limit, seed=arguments.seed)
    models, covered = tunable(arguments.policy, arguments.action)
    if unknown := set(arguments.category) - covered:
        raise GuardrailError(
            f"no rule with do: {arguments.action} is about {len(unknown)} of the categories given. "
            f"Such rules are about: {', '.join(sorted(covered)) or 'none'}."
        )
    asked = set(arguments.category or covered) & set(data.labelled)
    if not asked:
        raise GuardrailError(
            f"{data.name} has no labels for what this policy's rules do with do: {arguments.action}. "
            f"They are about: {', '.join(sorted(covered)) or 'no category of a model'}."
        )
    with progress(f"policy {arguments.policy}") as tick:
        scored = scored_by(arguments.policy, data, workers=arguments.workers, tick=tick)
    choices = tune(data, scored, goal, asked, arguments.least)
    print("\n".join(figures.choices(choices, shutil.get_terminal_size(ROOM).columns)))
    if not any(choice.threshold is not None for choice in choices):
        return 1
    if arguments.write is not None:
        day = datetime.now(UTC).date().isoformat()
        sample = "" if len(data.rows) == data.total else f" of {data.total:,}"
        about = (
            f"for a {goal}, by `guardrail tune` on {day}",
            f"on {data.name}: {len(data.rows):,} rows{sample}, sha256 {data.sha256[:16]}; chosen on these very rows,",
            "so expect somewhat worse elsewhere. In brackets: 95 % intervals.",
        )
        text = standing_alone(arguments.policy)
        written = with_thresholds(text, choices, about=about, models=models, action=arguments.action)
        save(written, arguments.write, choices, arguments.action)
        print(f"written: {arguments.write}")
    return 0
