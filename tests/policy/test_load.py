"""A policy file in, a checked policy or every problem out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.errors import PolicyError, Problem
from guardrail.policy import services, sources, spec, tree
from guardrail.policy.load import Loaded, load

SECRET = "a-long-and-secret-value"


def write(folder: Path, text: str, name: str = "app.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path | str, env: Mapping[str, str] | None = None) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        load(path, env=env or {})
    return list(caught.value.problems)


HEAD = "guardrail: 1\n"
WORDS = "checks: {w: {use: words, words: [a], category: custom/w}}\ninput: [w]\nrules: [{when: custom/w, do: refuse}]\n"


@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"),
    [
        ("", None, "the file is empty", "guardrail: 1"),
        ("# nothing\n", None, "the file is empty", "guardrail: 1"),
        ("- a\n", 1, "a list, not a mapping", "guardrail: 1"),
        ("name: x\n", 1, "`guardrail` is missing", "guardrail: 1"),
        ("\nguardrail: 2\n", 2, "a version", "guardrail: 1"),
        ("guardrail: true\n", 1, "a version", "guardrail: 1"),
        (HEAD + "a: [1\n", 3, "not valid YAML", "Correct"),
        (HEAD + "a: 'x\n", 3, "not valid YAML", "Correct"),
        (HEAD + "a: \x07\n", 2, "not valid YAML", "Remove"),
        (HEAD + "name: a\nname: b\n", 3, "second time (first on line 2)", "one of them"),
        (HEAD + "name: !!python/object:os.system x\n", 2, "a tag", "Remove"),
        (HEAD + "name: *nope\n", 2, "*nope has no anchor", "&nope"),
        (HEAD + "---\nname: a\n", 2, "second document", "one policy"),
        (HEAD + "? [a]\n: b\n", 2, "a list stands where a key", "word"),
        (HEAD + "nmae: x\n", 2, "unknown key `nmae`", "`name`"),
        (HEAD + "zzz: x\n", 2, "unknown key `zzz`", "Possible here"),
        (HEAD + "caps:\n  bdy: 1\n", 3, "unknown key `caps.bdy`", "`body`"),
        (
            HEAD + WORDS + "limits:\n  - per: user\n    tke: x\n    take: 1 request/day\n",
            7,
            "`limits[0].tke`",
            "`take`",
        ),
        (HEAD + "checks:\n  h: {use: local, on_eror: flag}\ninput: [h]\n", 3, "`checks.h.on_eror`", "`on_error`"),
        (HEAD + "checks: {h: {use: lcal}}\ninput: [h]\n", 2, "`checks.h.use` is `lcal`", "`local`"),
        (HEAD + "checks: {h: {on_error: flag}}\ninput: [h]\n", 2, "`checks.h` has no `use`", "words, patterns"),
        (HEAD + "checks: {h: local}\ninput: [h]\n", 2, "`checks.h` is text, not a mapping", "use"),
        (HEAD + "checks: [a]\n", 2, "`checks` is a list, not a mapping", "key: value"),
        (HEAD + "checks: {w: {use: words, words: [a]}}\ninput: [w]\n", 2, "`checks.w` has no `category`", "custom/"),
        (HEAD + "mode: enforec\n", 2, "`mode` is `enforec`", "`enforce`"),
        (HEAD + "unclaimed: 3\n", 2, "`unclaimed` is a number", "walk, pass, refuse"),
        (HEAD + "input: harm\n", 2, "`input` is text, not a list", "list"),
        (HEAD + "limits:\n", 2, "`limits` is empty, not a list", "list"),
        (HEAD + "name: 12\n", 2, "`name` is a number, not text", "quotes"),
        (HEAD + "identity: {required: maybe}\n", 2, "`identity.required` is text, not true or false", "true"),
        (HEAD + "caps:\n  body: big\n", 3, "`caps.body` is not a size", "10MiB"),
        (HEAD + "caps:\n  chars: 0\n", 3, "`caps.chars`: it should be greater", "another value"),
        (HEAD + "limits: [{per: user, take: 5/s}]\n", 2, "`limits[0].take` is not a rate", "60 requests/minute"),
        (HEAD + "checks: {A_b: {use: secrets}}\ninput: [A_b]\n", 2, "is not a name for a check", "hyphens"),
        (HEAD + "rules:\n  - when: harm\n    do: refuse\n    at_least: 1.5\n", 5, "`rules[0].at_least`", "another"),
        (HEAD + "rules:\n  - {when: harm, do: refuse, at_least: 0.5, point: strict}\n", 3, "both `point` and", "one"),
        (HEAD + "rules: [{when: hram, do: refuse}]\n", 2, "unknown category `hram`", "`harm`"),
        (HEAD + "rules: [{when: custom/none, do: refuse}]\n", 2, "unknown category `custom/none`", "Known are"),
        (HEAD + WORDS + "output:\n  - w\n  - ww\n", 7, "names the check `ww`", "`w`"),
        (HEAD + "input: [zzzz]\n", 2, "names the check `zzzz`", "Define it"),
        (HEAD + "rules: [{when: harm, do: refuse}]\n", 2, "no listed check can find `harm`", "List a check"),
        (HEAD + "checks: {w: {use: secrets}}\ninput: [w]\n", 2, "no rule is about", "Add a rule for secret"),
        (HEAD + "checks:\n  w: {use: secrets}\n", 3, "never used", "List it"),
        (HEAD + WORDS.replace("words: [a]", "file: no.txt"), 2, "the words file cannot be read", "relative"),
        (HEAD + WORDS.replace("words: [a], ", ""), 2, "`checks.w` has no words", "file: words.txt"),
        (HEAD + "name: ${NAME_OF_APP}\n", 2, "variable NAME_OF_APP is not set", "Set NAME_OF_APP"),
        (HEAD + "name: a ${NAME OF APP}\n", 2, "without a variable's name", "$${"),
        (HEAD + "refusals: {language: sv}\n", 2, "`default` does not exist in `sv`", "refusals.texts.default"),
        (HEAD + WORDS.replace("refuse}", "refuse, say: crysis}"), 4, "no refusal text `crysis`", "`crisis`"),
        (HEAD + WORDS.replace("refuse}", "refuse, say: sale}"), 4, "no refusal text `sale`", "refusals.texts"),
        (
            HEAD + WORDS.replace("refuse}", "refuse, say: sale}") + "refusals: {texts: {sale: {de: Nein}}}\n",
            4,
            "`sale` does not exist in `en`",
            "refusals.texts.sale",
        ),
        (HEAD + "identity:\n  from: [scope]\n", 3, "`identity.from` needs a secret", "GUARDRAIL_SECRET"),
        (HEAD + "identity:\n  forward: safety_identifier\n", 3, "`identity.forward` needs a secret", "secret"),
        (HEAD + "record:\n  text: hash\n", 3, "`record.text` needs a secret", "secret"),
        (
            HEAD + "identity:\n  secret: short\nrecord: {text: hash}\n",
            3,
            "`identity.secret` is empty or shorter",
            "random",
        ),
        (
            HEAD + f"identity:\n  secret: {SECRET}\n  from:\n    - header: x-user\n",
            5,
            "`identity.from[0]` has no `trusted`",
            "networks of your proxies",
        ),
        (HEAD + "paths:\n  only: [/a]\n  skip: [/b]\n", 3, "both `only` and `skip`", "one of them"),
        (HEAD + "checks: {o: {use: openai}}\ninput: [o]\n", 2, "`checks.o` has no `api_key`", "${OPENAI_API_KEY}"),
        (HEAD + "extends: defualt\n", 2, "no policy of this name", "default"),
        (HEAD + "extends: ./none.yaml\n", 2, "which is not there", "relative to this file"),
        (HEAD + "extends: app.yaml\n", 2, "in a circle", "Remove"),
        (HEAD + "extends: default\nchecks:\n  harmm: null\n", 4, "no parent has it", "`harm`"),
    ],
)
def test_a_problem_says_where_what_and_what_to_do(
    tmp_path: Path, text: str, line: int | None, what: str, remedy: str
) -> None:
    path = write(tmp_path, text)
    found = problems(path)
    assert len(found) == 1, found
    assert found[0].where == (str(path) if line is None else f"{path}:{line}")
    assert what in found[0].what
    assert remedy in found[0].remedy


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    text = """\
guardrail: 1
mode: enforec
surprise: 1
checks:
  a: {use: words, words: [x], category: custom/a}
  b: {use: personal-data, entities: [passport]}
  c: {use: words, file: missing.txt, category: custom/c}
input: [a, b, c, d]
rules:
  - {when: custom/a, do: refuse, at_least: 7}
  - {when: custom/c, do: refuse, say: nothing-such}
  - {when: fraud, do: flag}
identity: {from: [scope]}
paths: {only: [/a], skip: [/b]}
record: {text: "${WHAT}"}
"""
    path = write(tmp_path, text)
    lines = [int(problem.where.rpartition(":")[2]) for problem in problems(path)]
    assert lines == [2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize(
    "text",
    [
        "checks:\n  h: {use: local, on_error: maybe}\ninput: [h]\nrules: [{when: harm, do: refuse}]\n",
        "checks:\n  h: {use: local}\ninput: h\nrules: [{when: harm, do: refuse}]\n",
        "checks:\n  h: {use: local}\ninput: [h]\nrules: [{when: harm, do: block}]\n",
        "checks: 5\ninput: [h]\nrules: [{when: harm, do: refuse}]\n",
        "refusals: {texts: 5, language: sv}\n",
    ],
)
def test_a_part_that_does_not_fit_raises_no_second_problem(tmp_path: Path, text: str) -> None:
    assert len(problems(write(tmp_path, HEAD + text))) == 1


def test_a_source_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = problems("observer")
    assert "Did you mean observe?" in found.remedy
    assert problems("none.yaml")[0].what.startswith("cannot be read")
    assert problems(tmp_path)[0].what.startswith("cannot be read")
    assert problems("a\0b.yaml")[0].what.startswith("cannot be read")
    assert problems("")
    (tmp_path / "latin.yaml").write_bytes(b"guardrail: 1\nname: \xff\n")
    assert problems("latin.yaml")[0].where == "latin.yaml:2"


def test_a_file_without_an_ending_is_found_by_being_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, HEAD, "mine")
    (tmp_path / "default").mkdir()
    assert load("mine", env={}).name == "mine"
    assert load("default", env={}).name == "default"


def test_json_is_a_policy_too(tmp_path: Path) -> None:
    assert load(write(tmp_path, '{"guardrail": 1, "mode": "observe"}', "a.json"), env={}).spec.mode == "observe"


def test_words_that_other_yaml_versions_read_as_yes_and_no(tmp_path: Path) -> None:
    text = HEAD + "checks: {w: {use: words, on: [user], words: [no, off, on, y], category: custom/w}}\n"
    text += "input: [w]\nrules: [{when: custom/w, do: flag}]\n"
    for head in ("", "%YAML 1.1\n---\n"):
        assert load(write(tmp_path, head + text), env={}).words["w"] == ("no", "off", "on", "y")


def test_aliases_repeat_a_value_and_cannot_blow_up(tmp_path: Path) -> None:
    text = HEAD + WORDS.replace("[a]", "&w [a, b]") + "refusals: {texts: {default: &d {en: No}, review: *d}}\n"
    assert load(write(tmp_path, text), env={}).spec.refusals.texts["review"] == {"en": "No"}
    bomb = HEAD + "a0: &a0 [x]\n"
    bomb += "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30))
    assert "values" in problems(write(tmp_path, bomb))[0].what
    tower = HEAD + "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 5000))
    assert "levels" in problems(write(tmp_path, tower))[0].what
    assert "levels" in problems(write(tmp_path, HEAD + "a: " + "[" * 10_000))[0].what
    assert "no anchor" in problems(write(tmp_path, HEAD + "a: &x [*x]\n"))[0].what


WHOLE = r"""
guardrail: 1
name: my-app
extends: default
mode: enforce
unclaimed: walk
paths: {skip: [/static, /admin]}
on_bug: refuse
checks:
  bad-words: {use: words, words: [foo, bar], file: words.txt, category: custom/bad-words}
  tickets:   {use: patterns, patterns: ['\bTICKET-\d{6}\b'], category: custom/ticket}
  personal:  {use: personal-data, entities: [email, phone, card, iban, ip]}
  secrets:   {use: secrets}
  harm:      {use: openai, api_key: ${OPENAI_API_KEY}, timeout: 2s, on_error: flag}
input:  [bad-words, tickets, personal, secrets, harm]
output: [bad-words, tickets, personal, secrets, harm]
rules:
  - {when: custom/bad-words, do: refuse}
  - {when: custom/ticket, do: redact, mask: "[ticket]"}
  - {when: [personal/card, personal/iban, secret], do: redact}
  - {when: personal, do: flag}
  - {when: harm, point: balanced, do: refuse}
  - {when: self-harm, point: balanced, do: refuse, say: crisis}
identity: {from: [{header: x-user-id, trusted: [10.0.0.0/8]}, scope], secret: ${GUARDRAIL_SECRET}}
limits:
  - {per: user, take: 60 requests/minute}
  - {per: global, take: 1000 requests/minute}
caps: {body: 10MiB, chars: 200000, messages: 500, output_tokens: 2048}
refusals: {manner: answer, language: en, texts: {default: {en: "I can't help with that."}}, crisis_resource: "..."}
record: {text: none}
custom:
  - {path: /chat, request: {user: [$.message]}, response: {assistant: [$.reply]}}
"""


def test_a_policy_with_every_part_is_understood_as_written(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("baz\n", encoding="utf-8")
    loaded = load(write(tmp_path, WHOLE), env={"OPENAI_API_KEY": "key", "GUARDRAIL_SECRET": SECRET})
    policy = loaded.spec
    assert loaded.words["bad-words"] == ("foo", "bar", "baz")
    tickets, harm = policy.checks["tickets"], policy.checks["harm"]
    assert isinstance(tickets, spec.PatternsCheck)
    assert tickets.patterns == (r"\bTICKET-\d{6}\b",)
    assert isinstance(harm, services.OpenAICheck)
    assert harm.api_key.get_secret_value() == "key"
    assert (harm.timeout, harm.on_error) == (2.0, "flag")
    assert policy.identity.sources[1] == "scope"
    assert policy.input[0] == "test-string"
    assert policy.rules[-1].say == "crisis"
    assert policy.custom[0].response == {"assistant": ("$.reply",)}


# Parents


def test_lists_grow_mappings_merge_and_the_child_wins(tmp_path: Path) -> None:
    write(
        tmp_path,
        HEAD
        + WORDS
        + "name: base\nmode: observe\nlimits: [{per: global, take: 9 requests/day}]\n"
        + "caps: {chars: 10, messages: 20}\npaths: {skip: [/a]}\n"
        + "custom: [{path: /x, request: {user: [$.q]}}]\n",
        "base.yaml",
    )
    child = HEAD + "extends: base.yaml\nmode: enforce\ncaps: {chars: 5}\npaths: {skip: [/b]}\ninput: [w, s]\n"
    child += "checks: {s: {use: secrets}}\nrules: [{when: secret, do: redact}]\n"
    child += "limits: [{per: user, take: 1 request/day}]\ncustom: [{path: /y, request: {user: [$.q]}}]\n"
    loaded = load(write(tmp_path, child), env={})
    policy = loaded.spec
    assert (loaded.name, policy.mode) == ("app", "enforce")
    assert (policy.caps.chars, policy.caps.messages) == (5, 20)
    assert policy.paths.skip == ("/b",)
    assert policy.input == ("w", "s")
    assert [rule.when[0] for rule in policy.rules] == ["custom/w", "secret"]
    assert [limit.per for limit in policy.limits] == ["global", "user"]
    assert [route.path for route in policy.custom] == ["/x", "/y"]
    assert [Path(name).name for name in loaded.origin] == ["app.yaml", "base.yaml"]


def test_a_check_is_taken_out_with_null(tmp_path: Path) -> None:
    policy = load(write(tmp_path, HEAD + "extends: default\nchecks: {harm: null, test-string: null}\n"), env={}).spec
    assert sorted(policy.checks) == ["personal", "secrets"]
    assert policy.input == policy.output == ("personal", "secrets")
    back = HEAD + "extends: default\nchecks: {harm: null}\ninput: [harm]\n"
    assert "`harm`, which does not exist" in problems(write(tmp_path, back))[0].what


def test_a_check_of_another_kind_replaces_the_parents_whole(tmp_path: Path) -> None:
    text = HEAD + "extends: default\nchecks:\n  harm: {use: openai, api_key: '${K}'}\n  personal: {entities: [card]}\n"
    text += "  test-string: {use: secrets}\n"
    checks = load(write(tmp_path, text), env={"K": "key"}).spec.checks
    assert checks["harm"].use == "openai"
    assert checks["personal"].model_dump()["entities"] == ("card",)


def test_a_problem_in_a_parent_points_to_the_parent(tmp_path: Path) -> None:
    base = write(tmp_path, HEAD + "mode: observe\nrules:\n  - {when: hram, do: flag}\n", "base.yaml")
    path = write(tmp_path, HEAD + "extends: base.yaml\nmode: enforec\n")
    assert sorted(p.where for p in problems(path)) == [f"{path}:3", f"{base}:4"]


def test_a_longer_circle_of_parents(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "extends: ./c.yaml\n", "b.yaml")
    last = write(tmp_path, HEAD + "extends: ../" + tmp_path.name + "/app.yaml\n", "c.yaml")
    (found,) = problems(write(tmp_path, HEAD + "extends: b.yaml\n"))
    assert Path(found.where.rpartition(":")[0]).name == last.name


def test_a_words_file_is_found_beside_the_policy_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "words.txt").write_text("\ufeffone\n# note\n\n  two words \none\n", encoding="utf-8")
    base = HEAD + WORDS.replace("words: [a]", "words: [zero, one], file: words.txt")
    write(tmp_path / "sub", base, "base.yaml")
    loaded = load(write(tmp_path, HEAD + "extends: sub/base.yaml\n"), env={})
    assert loaded.words == {"w": ("zero", "one", "two words")}
    assert loaded.origin[-1].endswith("words.txt")


# Variables and secrets


def test_variables_are_replaced_once_and_literally(tmp_path: Path) -> None:
    text = HEAD + "name: ${A}-${B:-b}-${C:-c}-$${A}\ncaps: {chars: '${N}'}\n"
    loaded = load(write(tmp_path, text), env={"A": "${B}", "C": "", "N": "12"})
    assert loaded.hash == load(write(tmp_path, text), env={"A": "x", "C": "", "N": "13"}).hash
    assert loaded.name == "${B}-b-c-${A}"
    assert loaded.spec.caps.chars == 12


def test_a_value_cannot_add_keys(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, HEAD + "name: ${A}\n"), env={"A": "x, mode: observe"})
    assert loaded.spec.mode == "enforce"
    assert loaded.name == "x, mode: observe"


SECRETIVE = HEAD + (
    "extends: default\n"
    "checks: {harm: {use: openai, api_key: ${KEY}}}\n"
    "identity: {from: [scope], secret: ${GUARDRAIL_SECRET}}\n"
)


def test_no_secret_is_shown_or_hashed(tmp_path: Path) -> None:
    path = write(tmp_path, SECRETIVE)
    first = load(path, env={"KEY": "key-one", "GUARDRAIL_SECRET": SECRET})
    second = load(path, env={"KEY": "key-two", "GUARDRAIL_SECRET": SECRET * 2})
    assert first.hash == second.hash
    shown = repr(first) + str(first) + repr(first.spec.model_dump()) + repr(first.places)
    assert "key-one" not in shown
    assert SECRET not in shown
    secret = first.spec.identity.secret
    assert secret is not None
    assert secret.get_secret_value() == SECRET


def test_a_secret_written_in_the_file_is_not_shown_or_hashed(tmp_path: Path) -> None:
    def loaded(secret: str) -> Loaded:
        return load(write(tmp_path, SECRETIVE.replace("${GUARDRAIL_SECRET}", secret)), env={"KEY": "k"})

    assert loaded(SECRET).hash == loaded(SECRET[::-1]).hash
    assert SECRET not in repr(loaded(SECRET)) + repr(loaded(SECRET).places)


@pytest.mark.parametrize(
    "text",
    [
        "mode: ${V}",
        "caps: {body: ${V}}",
        "caps: {chars: ${V}}",
        "checks: {h: {use: ${V}}}",
        "identity: {secret: ${V}}",
        "identity: {from: [{header: ${V}, trusted: [${V}]}]}",
        "identity: {forward: ${V}}",
        "refusals: {language: ${V}}",
        "rules: [{when: ${V}, do: ${V}, say: ${V}}]",
        "input: [${V}]",
        "extends: ${V}",
        "limits: [{per: ${V}, take: ${V}}]",
        "checks: {o: {use: openai, api_key: ${V}, url: ${V}, timeout: ${V}}}",
        "checks: {w: {use: words, file: ${V}, category: ${V}}}",
    ],
)
def test_no_problem_shows_the_value_of_a_variable(tmp_path: Path, text: str) -> None:
    value = "zq/π"
    with pytest.raises(PolicyError) as caught:
        load(write(tmp_path, HEAD + text + "\n"), env={"V": value})
    assert "zq" not in str(caught.value)
    assert "π" not in repr(caught.value.problems)


def test_the_hash_follows_the_rules_and_the_words(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("one\n", encoding="utf-8")
    text = HEAD + WORDS.replace("words: [a]", "file: words.txt")
    first = load(write(tmp_path, text), env={}).hash
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert load(write(tmp_path, "# only a comment\n" + text), env={}).hash == first
    assert load(write(tmp_path, text.replace("do: refuse", "do: flag")), env={}).hash != first
    words.write_text("two\n", encoding="utf-8")
    assert load(write(tmp_path, text), env={}).hash != first


# Places


def test_locate_gives_the_nearest_line_there_is(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "extends: default\nrules:\n  - when: harm\n    do: refuse\n")
    loaded = load(path, env={})
    default = sources.shipped()["default"]
    last = len(loaded.spec.rules) - 1
    assert loaded.locate(("rules", last)) == f"{path}:4"
    assert loaded.locate(("rules", last, "do")) == f"{path}:5"
    assert loaded.locate(("rules", last, "point")) == f"{path}:4"
    assert loaded.locate(("rules", 99)) == f"{path}:3"
    assert loaded.locate(("nothing",)) == f"{path}:1"
    harm = default.read_text(encoding="utf-8").splitlines().index("  harm:") + 1
    assert loaded.locate(("checks", "harm", "url")) == f"{default}:{harm}"


# Policies that ship


@pytest.mark.parametrize("name", ["default", "strict", "observe"])
def test_a_shipped_policy_needs_no_environment(name: str) -> None:
    loaded = load(name, env={})
    assert loaded.name == name
    assert loaded.words == {"test-string": ("GUARDRAIL-TEST-REFUSE",)}
    assert loaded.spec.identity.sources == ()
    assert loaded.spec.identity.forward is None
    assert loaded.spec.limits == ()
    assert loaded.spec.caps.output_tokens is None


def test_production_says_what_it_lacks() -> None:
    (found,) = problems("production")
    assert "GUARDRAIL_SECRET is not set" in found.what
    assert load("production", env={"GUARDRAIL_SECRET": SECRET}).spec.identity.forward == "safety_identifier"


def test_what_tells_the_shipped_policies_apart() -> None:
    assert sorted(sources.shipped()) == ["default", "observe", "production", "strict"]
    assert load("observe", env={}).spec.mode == "observe"
    strict = load("strict", env={}).spec
    assert strict.unclaimed == "refuse"
    assert any(rule.when == ("personal",) and rule.do == "redact" for rule in strict.rules)
    assert any(rule.point == "strict" for rule in strict.rules)
    assert len({load(name, env={}).hash for name in ("default", "observe", "strict")}) == 3


def test_an_installed_package_has_its_policies_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "guardrail"
    (package / "_policies").mkdir(parents=True)
    (tmp_path / "policies").mkdir()
    inside = write(package / "_policies", HEAD, "inside.yaml")
    write(tmp_path / "policies", HEAD, "beside.yaml")
    monkeypatch.setattr(sources, "files", lambda _: package)
    assert sources.shipped() == {"inside": inside}
    inside.unlink()
    assert list(sources.shipped()) == ["beside"]


# Anything at all

PIECES = st.sampled_from(
    [
        *("guardrail: 1\n", "checks:\n", "  a:\n", "    use: ", "words\n", "rules: ", "[", "]", "{", "}", "when: harm"),
        *(", ", ": ", "- ", "\n", "  ", "&a ", "*a", "!t ", "'", '"', "|\n", "? ", "${X}", "${", "null", "~", "1e9"),
        *("extends: default\n", "identity:\n", "from: ", "\t", "\x00", "\ud7ff", "%YAML 1.9\n---\n", "---\n", "<<: "),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=15).map("".join) | st.text(max_size=60))
def test_no_text_raises_anything_but_a_policy_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.yaml"
    path.write_text(text, encoding="utf-8")
    attempt(path)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(0, 1)
    | st.sampled_from(["harm", "a", "", "words", "${X}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["use", "words", "when", "do", "from", "header", "texts", "default", "a", "file", "per"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KEYS = [
    *("extends", "name", "mode", "paths", "checks", "input", "output", "rules", "identity", "limits", "caps"),
    *("refusals", "record", "custom", "unclaimed", "on_bug"),
]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_no_shape_raises_anything_but_a_policy_error(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    for base in ({}, {"extends": "default"}):
        path = tmp_path_factory.getbasetemp() / "shape.json"
        path.write_text(json.dumps({"guardrail": 1, **base, **document}), encoding="utf-8")
        attempt(path)


def attempt(path: Path) -> None:
    found: tuple[Problem, ...] = ()
    try:
        load(path, env={})
    except PolicyError as error:
        found = error.problems or (Problem("", "", ""),)
    assert all(problem.where and problem.what and problem.remedy for problem in found)


def test_numbers_are_read_by_the_core_schema() -> None:
    text = "[1, -2, 0o17, 0x1F, 1.5, .5, 1e3, 1_000, 012, .inf, true, null, ~, yes, 99999999999999999999]"
    node = tree.read(text, "f")
    assert node is not None
    assert node.plain() == [
        *(1, -2, 15, 31, 1.5, 0.5, 1000.0, "1_000", 12, float("inf"), True, None, None, "yes", 1e20),
    ]
