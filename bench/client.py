"""``guard(client)``: one call of the openai SDK against the stub, CPU of this process beside the bare client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

import openai

from guardrail import Guard, guard

from .machine import cores
from .measure import Effort, middle, progress, turn_by_turn
from .model import ANSWER_TOKENS, PROMPT_CHARS
from .processes import server
from .rows import Aim, Row
from .texts import prose, tokens

_AIM = Aim(0.2, "added 1.0 ms", on="added")


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:
    progress("client: the openai SDK")
    usable = cores()
    guards = {
        "no log": Guard.from_policy(policies["exact"], log="none"),
        "logged to SQLite": Guard.from_policy(policies["exact"], log=f"sqlite:///{folder / 'client.db'}"),
    }
    try:
        with (
            (folder / "client.stderr").open("wb") as errors,
            server(["bench.stub"], usable[-1] if usable else None, errors) as (url, _),
            openai.OpenAI(base_url=f"{url}/v1", api_key="bench", max_retries=0) as bare,
        ):
            functions = {"bare": _calls(bare)}
            functions |= {name: _calls(guard(bare, policy=one)) for name, one in guards.items()}
            taken = turn_by_turn(functions, effort, clock=time.process_time)
        for name, one in guards.items():
            stats = one.stats()
            if not stats["decisions"] or stats["outcomes"] != {"allowed": stats["decisions"]}:
                raise RuntimeError(f"not every call of the guarded client ({name}) was judged and allowed")
    finally:
        for one in guards.values():
            one.close()
    taken = {name: [seconds * 1e3 for seconds in samples] for name, samples in taken.items()}
    for name in guards:
        yield Row(
            "client",
            f"one openai call, {name}",
            "ms CPU",
            middle(taken[name]),
            middle(taken["bare"]),
            "unguarded",
            _AIM,
            samples={"guarded": taken[name], "bare": taken["bare"]},
        )


def _calls(client: openai.OpenAI) -> Callable[[int], None]:
    turn, expected = cycle(prose(PROMPT_CHARS)), "".join(tokens(ANSWER_TOKENS))

    def calls(count: int) -> None:
        for prompt in islice(turn, count):
            answer = client.chat.completions.create(model="bench", messages=[{"role": "user", "content": prompt}])
            if answer.choices[0].message.content != expected:
                raise RuntimeError("a harmless answer did not come through the client as it was")

    return calls
