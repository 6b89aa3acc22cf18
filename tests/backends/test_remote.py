"""What every service's backend does between a text and its scores, in both colours, against a server on loopback."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from guardrail.backends.chat import said
from guardrail.backends.dialect import Question
from guardrail.backends.line import Line
from guardrail.backends.memory import Memory
from guardrail.backends.models import MOST
from guardrail.backends.part import Item
from guardrail.backends.remote import Remote
from guardrail.errors import NotEvaluated
from guardrail.flow import Await, Fetch, Flow, Gather, Reply, Settled, arun, resumed, together

from .plain import CATEGORIES, Loop, Plain, Server, Threads, documented, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(params=["threads", "loop"])
def world(request: pytest.FixtureRequest) -> Iterator[Threads | Loop]:
    made = Threads() if request.param == "threads" else Loop()
    yield made
    made.close()


def remote(server: Server, *, batch: int = 8, **options: Any) -> Remote:
    criteria = options.pop("criteria", ())
    return Remote(Plain(server.url, batch=batch, criteria=criteria), **{"timeout": 20.0, "attempts": 1, **options})


def found(answers: Any) -> list[set[str]]:
    assert not isinstance(answers, Exception), answers
    return [{name for name, score in one.scores.items() if score > 0.5} for one in answers]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def reason(error: Any) -> str:
    assert isinstance(error, NotEvaluated), error
    return error.reason


def test_texts_go_together_as_far_as_the_service_takes_them(world: Threads | Loop, server: Server) -> None:
    texts = [f"text {n} [hate]" if n % 3 == 0 else f"text {n}" for n in range(20)]
    (answers,) = world.all(remote(server).texts(texts, "input"))
    assert found(answers) == [{"hate"} if n % 3 == 0 else set() for n in range(20)]
    assert sorted(len(asked["texts"]) for asked in server.asked) == [4, 8, 8]
    assert {asked["side"] for asked in server.asked} == {"input"}


def test_a_text_is_asked_about_once_and_known_again(world: Threads | Loop, server: Server) -> None:
    backend = remote(server)
    (first,) = world.all(backend.texts(["a [hate]", "b", "a [hate]"], "input"))
    (second,) = world.all(backend.texts(["b", "c", "a [hate]"], "input"))
    assert found(first) == [{"hate"}, set(), {"hate"}]
    assert found(second) == [set(), set(), {"hate"}]
    assert server.texts() == ["a [hate]", "b", "c"]
    assert backend.stats()["known"] == 2


def test_the_other_side_and_another_prompt_are_other_questions(world: Threads | Loop, server: Server) -> None:
    backend = remote(server)
    for side, prompt in (("input", ""), ("output", ""), ("output", "what?"), ("output", "what?")):
        world.all(backend.texts(["a"], side, prompt))  # type: ignore[arg-type]
    assert [(asked["side"], asked["prompt"]) for asked in server.asked] == [
        ("input", ""),
        ("output", ""),
        ("output", "what?"),
    ]


def test_what_many_want_at_the_same_time_is_asked_once(world: Threads | Loop, server: Server) -> None:
    backend, all_here = remote(server, memory=Memory(("x",), seconds=0)), threading.Event()

    def wait(asked: dict[str, Any]) -> tuple[int, Any]:
        all_here.wait(20)
        return documented(asked)

    server.reply = wait
    flows = [backend.texts(["a [hate]", f"own {n}"], "input") for n in range(10)]
    timer = threading.Timer(0.3, all_here.set)
    timer.start()
    answers = world.all(*flows)
    timer.join()
    assert [found(one) for one in answers] == [[{"hate"}, set()]] * 10
    assert server.texts().count("a [hate]") < 10
    assert backend.stats()["joined"] > 0
    assert [found(one) for one in world.all(backend.texts(["a [hate]"], "input"))] == [[{"hate"}]]
    assert backend.stats().get("known", 0) == 0  # nothing is kept where the policy says so


def test_a_failure_is_told_to_all_who_wait_and_not_remembered(world: Threads | Loop, server: Server) -> None:
    backend = remote(server)
    server.reply = lambda _: (400, {})
    answers = world.all(*(backend.texts(["a"], "input") for _ in range(3)))
    assert {reason(one) for one in answers} == {"status"}
    server.reply = documented
    (again,) = world.all(backend.texts(["a"], "input"))
    assert found(again) == [set()]


def test_one_request_that_fails_leaves_none_of_the_texts_judged(world: Threads | Loop, server: Server) -> None:
    server.reply = lambda asked: (500, {}) if "b" in asked["texts"] else documented(asked)
    (answer,) = world.all(remote(server, batch=1).texts(["a", "b", "c"], "input"))
    assert reason(answer) == "status"


def test_every_criterion_is_asked_about_and_the_answers_are_one(world: Threads | Loop, server: Server) -> None:
    def one(asked: dict[str, Any]) -> tuple[int, Any]:
        status, body = documented(asked)
        return status, {"scores": [{asked["about"]: each[asked["about"]]} for each in body["scores"]]}

    server.reply = one
    (answers,) = world.all(remote(server, criteria=("hate", "sexual")).texts(["[hate] [sexual]", "x"], "input"))
    assert [set(each.scores) for each in answers] == [{"hate", "sexual"}] * 2
    assert found(answers) == [{"hate", "sexual"}, set()]
    assert sorted(asked["about"] for asked in server.asked) == ["hate", "sexual"]


def test_no_more_requests_are_under_way_than_the_line_allows(world: Threads | Loop, server: Server) -> None:
    backend = remote(server, batch=1, line=Line(concurrency=3))
    flows = [backend.texts([f"{n} {k}" for k in range(5)], "input") for n in range(6)]
    assert all(found(one) == [set()] * 5 for one in world.all(*flows))
    assert len(server.asked) == 30
    assert server.most <= 3


def test_a_second_request_beside_a_slow_one_brings_the_answer(world: Threads | Loop, server: Server) -> None:
    slow, over = threading.Event(), threading.Event()

    def first_is_slow(asked: dict[str, Any]) -> tuple[int, Any]:
        if not slow.is_set():
            slow.set()
            over.wait(20)
        return documented(asked)

    server.reply = first_is_slow
    backend = remote(server, hedge=0.2)
    (answers,) = world.all(backend.texts(["[hate]"], "input"))
    over.set()
    assert found(answers) == [{"hate"}]
    assert backend.stats()["hedged"] == 1
    assert backend.stats()["requests"] == 2


def test_a_second_request_goes_only_where_a_place_is_free(world: Threads | Loop, server: Server) -> None:
    def late(asked: dict[str, Any]) -> tuple[int, Any]:
        threading.Event().wait(0.3)
        return documented(asked)

    server.reply = late
    backend = remote(server, hedge=0.05, line=Line(concurrency=1))
    (answers,) = world.all(backend.texts(["[hate]"], "input"))
    assert found(answers) == [{"hate"}]
    assert backend.stats()["requests"] == 1


def test_one_deadline_for_all_windows_and_tries(world: Threads | Loop, server: Server) -> None:
    over = threading.Event()

    def never(asked: dict[str, Any]) -> tuple[int, Any]:
        over.wait(20)
        return documented(asked)

    server.reply = never
    backend = remote(server, batch=1, timeout=0.6, attempts=5, line=Line(concurrency=2))
    (answer,) = world.all(backend.texts(["a", "b", "c", "d", "e"], "input"))
    over.set()
    assert reason(answer) == "timeout"
    assert len(server.asked) <= 4


def test_after_failures_in_a_row_nobody_goes_and_a_probe_opens_the_way(world: Threads | Loop, server: Server) -> None:
    now = [0.0]
    line = Line(failures=3, clock=lambda: now[0])
    backend = remote(server, line=line)
    server.reply = lambda _: (200, b"<html>")
    assert [reason(world.all(backend.texts([f"{n}"], "input"))[0]) for n in range(3)] == ["malformed"] * 3
    assert reason(world.all(backend.texts(["x"], "input"))[0]) == "open"
    assert len(server.asked) == 3
    assert backend.stats()["breaker"] == "open"
    server.reply = documented
    now[0] += 6
    assert found(world.all(backend.texts(["x"], "input"))[0]) == [set()]
    assert backend.stats()["breaker"] == "closed"


def test_another_model_behind_the_same_name_is_said_once(
    world: Threads | Loop, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    backend = remote(server)
    for n, model in enumerate(("m-1", "m-1", "m-2", "m-2")):
        server.reply = lambda asked, model=model: (200, {**documented(asked)[1], "model": model})  # type: ignore[misc]
        with caplog.at_level(logging.WARNING, "guardrail"):
            world.all(backend.texts([f"{n}"], "input"))
    assert [record.getMessage() for record in caplog.records] == [
        "backend plain answers with another model: m-2, before m-1"
    ]
    assert backend.stats()["model_changes"] == 1


def test_a_service_that_goes_to_and_fro_between_models_is_told_of_once_and_counted_each_time(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    backend, world = remote(server, memory=Memory(("x",), seconds=0)), Threads()

    def answer_as(*models: str) -> None:
        for model in models:
            server.reply = lambda asked, model=model: (200, {**documented(asked)[1], "model": model})  # type: ignore[misc]
            world.all(backend.texts(["a"], "input"))

    with caplog.at_level(logging.WARNING, "guardrail"):
        answer_as("m-1", "m-2", "m-1", "m-2", "m-3", "m-1")
        assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
            "m-2, before m-1",
            "m-3, before m-2",
        ]
        assert backend.stats()["model_changes"] == 5
        answer_as(*(f"new-{n}" for n in range(MOST + 5)))
    world.close()
    assert len(caplog.records) == MOST - 1
    assert backend.stats()["model_changes"] == 5 + MOST + 5


def test_answers_of_the_wrong_number_are_no_answer(world: Threads | Loop, server: Server) -> None:
    server.reply = lambda _: (200, {"scores": [dict.fromkeys(CATEGORIES, 0.0)]})
    (answer,) = world.all(remote(server).texts(["a", "b"], "input"))
    assert reason(answer) == "malformed"


def test_a_flow_that_is_dropped_leaves_nobody_waiting(server: Server) -> None:
    """Whoever waited for its answer asks again."""
    backend = remote(server)
    dropped = backend.texts(["a [hate]"], "input")
    next(dropped)  # it has asked, and nobody drives it
    waiting = backend.texts(["a [hate]"], "input")
    next(waiting)
    dropped.close()
    world = Threads()
    effect = waiting.send(None)
    (answers,) = [run_from(waiting, effect, world)]
    world.close()
    assert found(answers) == [{"hate"}]


def given(flow: Flow[Any], answer: Any) -> Any:
    """What a flow asks next, or how it ends."""
    try:
        return flow.send(answer)
    except StopIteration as stop:
        return stop.value
    except NotEvaluated as error:
        return error


def failing(gathered: Any, reason: str) -> list[Settled]:
    """The one request that was asked for has ended so."""
    assert isinstance(gathered, Gather), gathered
    (fetch,) = gathered.effects
    assert isinstance(fetch, Fetch)
    assert fetch.ended is not None
    fetch.ended(NotEvaluated(reason))
    return [Settled(error=NotEvaluated(reason))]


@pytest.mark.parametrize("why", ["timeout", "busy"])
def test_who_joined_another_that_was_late_asks_in_the_time_that_is_left(why: str) -> None:
    now = [0.0]
    backend = Remote(Plain("http://127.0.0.1:1/"), timeout=10.0, clock=lambda: now[0])
    first = backend.texts(["a"], "input")
    asked = next(first)
    now[0] = 4.0
    joined = [backend.texts(["a"], "input") for _ in range(5)]
    assert all(isinstance(next(flow), Await) for flow in joined)
    now[0] = 10.0
    assert reason(given(first, failing(asked, why))) == why  # who was late itself does not ask again
    asked, *waiting = [given(flow, None) for flow in joined]
    assert all(isinstance(effect, Await) for effect in waiting), "of many one asks"
    assert [effect.timeout for effect in waiting] == [4.0] * 4
    (fetch,) = asked.effects
    assert fetch.timeout == 4.0
    now[0] = 11.0
    fetch.ended(Reply(200, (), b'{"scores": [{"hate": 0.9}]}'))
    assert found(given(joined[0], [Settled(Reply(200, (), b""))])) == [{"hate"}]
    assert [found(given(flow, None)) for flow in joined[1:]] == [[{"hate"}]] * 4


def test_asking_in_anothers_place_comes_to_an_end() -> None:
    """Each asks once at most, and none with next to no time left; what the service said itself is told to all."""
    now = [0.0]
    backend = Remote(Plain("http://127.0.0.1:1/"), timeout=10.0, clock=lambda: now[0])
    hasty = backend.texts(["a"], "input")
    assert reason(given(hasty, failing(next(hasty), "busy"))) == "busy"  # nobody asks twice, whatever time is left
    first, second, third, fourth, last = flows = [backend.texts(["a"], "input") for _ in range(5)]
    asked = next(first)
    for flow, at in zip(flows[1:], (0.5, 3.0, 5.0, 6.0), strict=True):
        now[0] = at
        assert isinstance(next(flow), Await)
    now[0] = 10.0
    given(first, failing(asked, "timeout"))
    assert reason(given(second, None)) == "timeout"  # it had half a second left
    asked = given(third, None)
    assert isinstance(given(fourth, None), Await)
    assert isinstance(given(last, None), Await)
    now[0] = 13.0
    assert reason(given(third, failing(asked, "timeout"))) == "timeout"
    asked = given(fourth, None)
    assert isinstance(given(last, None), Await)
    assert reason(given(fourth, failing(asked, "status"))) == "status"
    assert reason(given(last, None)) == "status"


def test_one_who_has_more_time_than_the_one_it_joined_gets_its_answer(world: Threads | Loop, server: Server) -> None:
    over = threading.Event()

    def first_hangs(asked: dict[str, Any]) -> tuple[int, Any]:
        if asked["about"] == "slow":
            over.wait(20)
        return documented(asked)

    server.reply = first_hangs
    memory = Memory(("x",))
    first, second = remote(server, memory=memory, timeout=0.4, criteria=("slow",)), remote(server, memory=memory)
    leader, joined = first.texts(["a [hate]"], "input"), [second.texts(["a [hate]"], "input") for _ in range(5)]
    begun = [resumed(flow, next(flow)) for flow in (leader, *joined)]
    late, *answers = world.all(*begun)
    over.set()
    assert reason(late) == "timeout"
    assert [found(one) for one in answers] == [[{"hate"}]] * 5
    assert [asked["about"] for asked in server.asked].count("") == 1


def run_from(flow: Any, effect: Any, world: Threads) -> Any:
    from guardrail.flow import run

    return run(flow, world.world.perform, effect)


def test_names_tell_apart_what_an_answer_depends_on() -> None:
    one, other = Memory(("openai", "m", "hash")), Memory(("openai", "m", "hash"))
    assert one.name("a", "b") == one.name("a", "b")
    assert one.name("a", "b") != one.name("ab", "")
    assert one.name("a") != other.name("a")  # every process, and every policy, has a key of its own


def test_a_service_that_hangs_opens_the_breaker_in_both_colours(world: Threads | Loop, server: Server) -> None:
    over = threading.Event()

    def never(asked: dict[str, Any]) -> tuple[int, Any]:
        over.wait(20)
        return documented(asked)

    server.reply = never
    backend = remote(server, timeout=0.2, line=Line(failures=2))
    for n in range(2):
        assert reason(world.all(backend.texts([f"{n}"], "input"))[0]) == "timeout"
    until(lambda: backend.stats()["breaker"] == "open")  # a thread that was given up tells of it when it has ended
    assert reason(world.all(backend.texts(["x"], "input"))[0]) == "open"
    over.set()


def test_waiting_here_is_not_held_against_the_service(world: Threads | Loop, server: Server) -> None:
    def late(asked: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(0.3)
        return documented(asked)

    server.reply = late
    backend = remote(server, timeout=0.5, line=Line(concurrency=1, failures=1))
    answers = world.all(*(backend.texts([f"{n}"], "input") for n in range(3)))
    assert [found(one) for one in answers if not isinstance(one, Exception)] == [[set()]]
    assert {reason(one) for one in answers if isinstance(one, Exception)} <= {"busy", "timeout"}
    until(lambda: not server.inside)
    assert backend.stats()["breaker"] == "closed"


def test_a_model_that_chatters_closes_the_way_for_nobody(world: Threads | Loop, server: Server) -> None:
    chat = {"choices": [{"message": {"role": "assistant", "content": "Well, it depends."}, "finish_reason": "stop"}]}
    server.reply = lambda _: (200, chat)
    backend = remote(server, line=Line(failures=1))
    for n in range(3):
        assert reason(world.all(backend.texts([f"{n}"], "input"))[0]) == "malformed"
    assert backend.stats()["breaker"] == "closed"


@pytest.mark.parametrize("end", ["stop", "content_filter"])
def test_a_model_that_says_nothing_closes_the_way_for_nobody(world: Threads | Loop, server: Server, end: str) -> None:
    chat = {"choices": [{"message": {"role": "assistant", "content": ""}, "finish_reason": end}]}
    server.reply = lambda _: (200, chat)

    class Chat(Plain):
        def read(self, question: Question, reply: Reply) -> Any:
            return said(reply)

    backend = Remote(Chat(server.url), timeout=20.0, attempts=1, line=Line(failures=1))
    for n in range(3):
        assert reason(world.all(backend.texts([f"{n}"], "input"))[0]) in ("empty", "refused")
    assert backend.stats()["breaker"] == "closed"


def test_a_query_that_takes_its_time_is_within_the_deadline(world: Threads | Loop, server: Server) -> None:
    over, made = threading.Event(), list[str]()

    class Slow(Plain):
        def query(self, question: Question) -> Any:
            if question.texts != ("quick",):
                over.wait(20)
                made.extend(question.texts)
            return super().query(question)

    backend = Remote(Slow(server.url, batch=1, slow=True), timeout=0.5, attempts=1)
    quick = Remote(Slow(server.url, batch=1, slow=True), timeout=20.0, attempts=1)
    late, found_ = world.all(backend.texts(["a", "b"], "input"), quick.texts(["quick"], "input"))
    assert not made, "it waited for them"
    over.set()
    assert reason(late) == "timeout"
    assert found(found_) == [set()]
    assert not backend.memory._asked


def test_a_flow_that_has_less_time_than_its_check_counts_alike(world: Threads | Loop, server: Server) -> None:
    over = threading.Event()
    assert found(world.all(remote(server).texts(["a"], "input"))[0]) == [set()]  # makes the client

    def never(asked: dict[str, Any]) -> tuple[int, Any]:
        over.wait(20)
        return documented(asked)

    def within(seconds: float, text: str) -> Flow[Any]:
        return (yield from together([backend.texts([text], "input")], seconds))

    server.reply = never
    backend = remote(server, timeout=2.0, line=Line(failures=2))
    (settled,) = world.all(within(1.5, "a"))
    assert reason(settled[0].error) == "timeout"
    until(lambda: not backend.line._inside)
    world.all(within(0.3, "b"))  # too little to say anything of the service
    until(lambda: not backend.line._inside)
    assert backend.stats()["breaker"] == "closed"
    world.all(within(1.5, "c"))
    until(lambda: backend.stats()["breaker"] == "open")
    over.set()


def test_closing_the_world_of_one_loop_is_not_held_against_the_service(server: Server) -> None:
    """Whoever waits in another for what it had asked asks for it itself."""
    over, first = threading.Event(), threading.Event()

    def first_hangs(asked: dict[str, Any]) -> tuple[int, Any]:
        if not first.is_set():
            first.set()
            over.wait(20)
        return documented(asked)

    server.reply = first_hangs
    backend, loop, threads = remote(server, line=Line(failures=1)), Loop(), Threads()
    joined: list[Any] = []
    joining = threading.Thread(target=lambda: joined.extend(threads.all(backend.texts(["a [hate]"], "input"))))

    async def close() -> Any:
        asking = asyncio.create_task(_outcome(backend.texts(["a [hate]"], "input"), loop))
        await asyncio.to_thread(first.wait, 20)
        joining.start()
        await asyncio.to_thread(until, lambda: backend.stats().get("joined") == 1)
        await loop.world.aclose()
        return await asking

    assert reason(loop.runner.run(close())) == "closed"
    joining.join()
    assert found(joined[0]) == [{"hate"}]
    assert backend.stats()["breaker"] == "closed"
    over.set()
    loop.close()
    threads.close()


async def _outcome(flow: Flow[Any], loop: Loop) -> Any:
    try:
        return await arun(flow, loop.world.perform)
    except NotEvaluated as error:
        return error


def test_what_one_gave_up_is_asked_for_again_before_another_has_ended(world: Threads | Loop, server: Server) -> None:
    backend, early = remote(server), list[list[str]]()
    gives_up, goes_on = backend.texts(["a"], "input"), backend.texts(["b"], "input")
    next(gives_up), next(goes_on)  # they have asked, and nobody drives them

    def close() -> None:
        until(lambda: backend.stats().get("joined") == 2)
        gives_up.close()
        with suppress(AssertionError):
            until(lambda: bool(server.texts()))
        early.append(server.texts())
        goes_on.close()

    closing = threading.Thread(target=close)
    closing.start()
    (answers,) = world.all(backend.texts(["a", "b"], "input"))
    closing.join()
    assert found(answers) == [set(), set()]
    assert early == [["a"]]


def test_queries_that_take_their_time_are_made_side_by_side(world: Threads | Loop, server: Server) -> None:
    together = threading.Barrier(4)

    class Slow(Plain):
        def query(self, question: Any) -> Any:
            together.wait(20)  # breaks where one waits for another to end
            return super().query(question)

    dialect = Slow(server.url, batch=1, slow=True)
    (answers,) = world.all(Remote(dialect, timeout=20.0).texts(["a", "b", "c [hate]", "d"], "input"))
    assert found(answers) == [set(), set(), {"hate"}, set()]
    assert len(server.asked) == 4


def test_nothing_that_is_shown_of_a_question_is_a_text() -> None:
    shown = repr(Question(("canary",), prompt="canary", image="canary")) + repr(Item(b"x", "canary", "canary"))
    assert "canary" not in shown
