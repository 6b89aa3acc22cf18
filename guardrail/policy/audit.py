"""Problems that span several keys of a policy: names that are not there, rules that never match.

Works on what fits the spec. It must never guess: where a part was left out because it does not fit,
what depends on it is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from ..categories import OPENAI_MODERATION
from ..errors import Problem
from . import combinations, spec, taxonomy, texts
from .ai_text import AiTextCheck
from .explain import Fitted, dotted, shown
from .services import OpenAIInlineCheck
from .tree import Node

MODEL_CATEGORIES = frozenset({*OPENAI_MODERATION, *taxonomy.ALONE})


def produced(check: spec.Check) -> frozenset[str] | None:
    """The categories a check can find; None where only its backend can tell, when it is made."""
    match check:
        case spec.WordsCheck() | spec.PatternsCheck():
            return frozenset({check.category})
        case spec.PersonalCheck():
            return frozenset(f"personal/{entity}" for entity in check.entities)
        case spec.SecretsCheck():
            return frozenset({"secret"})
        case spec.LocalCheck():
            wanted = check.categories
            return MODEL_CATEGORIES if wanted is None else frozenset(taxonomy.categories_of(wanted, MODEL_CATEGORIES))
        case AiTextCheck():
            return frozenset(taxonomy.AI_TEXT)
        case _:
            return None


def problems(fitted: Fitted, root: Node, own: str) -> Iterator[Problem]:
    """Every problem across keys. ``own`` is the file whose rules are the user's own, not inherited."""
    yield from _references(fitted, root)
    yield from _rules(fitted, root, own)
    yield from _identity(fitted, root)
    yield from _texts(fitted, root)
    yield from _strategies(fitted, root, own)
    yield from combinations.problems(fitted, root)
    policy = fitted.policy
    if policy.paths.only and policy.paths.skip:
        node = root.at(["paths", "only"])
        yield Problem(node.where, "`paths` has both `only` and `skip`", "Keep one of them.")


def _strategies(fitted: Fitted, root: Node, own: str) -> Iterator[Problem]:
    """A word about streams on a check that reads none."""
    policy = fitted.policy
    if {"input", "output"} & fitted.lost:
        return
    for name, check in policy.checks.items():
        node = root.at(["checks", name, "stream"])
        if isinstance(check, OpenAIInlineCheck):
            continue  # it judges requests too when their answer ends
        if check.stream != "window" and name in policy.input and name not in policy.output and node.file == own:
            what = f"the check `{name}` has `stream: {check.stream}` and reads requests only, which never stream"
            yield Problem(node.where, what, "Take the line away, or list the check under output.")


def _listed(policy: spec.Policy) -> set[str]:
    return {*policy.input, *policy.output}


def _used(policy: spec.Policy) -> set[str]:
    """Those that are listed, and those they put together."""
    return combinations.reached(policy, _listed(policy))


def _references(fitted: Fitted, root: Node) -> Iterator[Problem]:
    policy = fitted.policy
    names = {*policy.checks, *fitted.lost_checks}
    for key, listed in (("input", policy.input), ("output", policy.output)):
        for i, name in enumerate(listed):
            if name not in names and "checks" not in fitted.lost - {"checks"} and not _all_lost(fitted):
                near = get_close_matches(name, names, 1)
                defined = f"The checks are: {', '.join(sorted(names))}." if names else "There are none."
                remedy = f"Did you mean `{near[0]}`?" if near else f"Define it under checks. {defined}"
                node = root.at([key, i])
                yield Problem(node.where, f"`{key}` names the check {shown(node)}, which does not exist", remedy)
    for name in policy.checks:
        if name not in _used(policy) and not {"input", "output", "checks"} & fitted.lost:
            where = root.at(["checks", name]).where
            yield Problem(where, f"the check `{name}` is never used", "List it under input or output, or remove it.")


def _all_lost(fitted: Fitted) -> bool:
    """Whether `checks` as a whole does not fit, so that no name is known."""
    return "checks" in fitted.lost and not fitted.lost_checks


def _rules(fitted: Fitted, root: Node, own: str) -> Iterator[Problem]:
    policy = fitted.policy
    custom = {c.category for c in policy.checks.values() if isinstance(c, spec.WordsCheck | spec.PatternsCheck)}
    categories = [root.at(["checks", name, "category"]).value for name in policy.checks]
    suggested = [name for name in taxonomy.names(custom) if name in categories or name not in custom]
    used = {name: check for name, check in policy.checks.items() if name in _listed(policy)}
    certain = not {"checks", "input", "output"} & fitted.lost
    opaque = any(produced(check) is None for check in used.values())
    for number, rule in zip(fitted.rules, policy.rules, strict=True):
        node = root.at(["rules", number])
        for i, when in enumerate(rule.when):
            named = node.at(["when", i])
            if not taxonomy.known(when, custom):
                # The check that declares it may be taken out by a child, or have a mistake itself.
                if when.startswith("custom/") and (node.file != own or not certain or opaque):
                    continue
                alike = [name for name in suggested if name.startswith("custom/") == when.startswith("custom/")]
                near = get_close_matches(when, alike, 1)
                remedy = f"Did you mean `{near[0]}`?" if near else f"Known are: {', '.join(suggested)}."
                yield Problem(named.where, f"unknown category {shown(named)}", remedy)
            elif certain and node.file == own and not any(_finds(check, when) for check in used.values()):
                remedy = "List a check that finds it under input or output, or remove the rule."
                yield Problem(named.where, f"no listed check can find {shown(named)}", remedy)
    if "rules" in fitted.lost:
        return
    for name, check in used.items():
        if not any(_finds(check, when) for rule in policy.rules for when in rule.when):
            node = root.at(["checks", name])
            category = node.entries.get("category")
            found = shown(category) if category else ", ".join(sorted(produced(check) or ()))
            yield Problem(node.where, f"no rule is about what the check `{name}` finds", f"Add a rule for {found}.")


def _finds(check: spec.Check, when: str) -> bool:
    """Whether a check can find something that a rule for ``when`` is about."""
    if isinstance(check, spec.SecretsCheck) and when.startswith("secret/"):
        return True
    found = produced(check)
    return found is None or any(taxonomy.matches(when, category) for category in found)


def _identity(fitted: Fitted, root: Node) -> Iterator[Problem]:
    identity = fitted.policy.identity
    if identity.secret is not None or "identity" in fitted.lost:
        return
    remedy = "Add identity: {secret: ${GUARDRAIL_SECRET}}; users are known by a keyed pseudonym only."
    for needed, path in (
        (bool(identity.sources), ["identity", "from"]),
        (identity.forward is not None, ["identity", "forward"]),
        (fitted.policy.record.text == "hash", ["record", "text"]),
    ):
        if needed:
            yield Problem(root.at(path).where, f"`{dotted(path)}` needs a secret, and there is none", remedy)


def _texts(fitted: Fitted, root: Node) -> Iterator[Problem]:
    """Texts that would have to be said and are not there."""
    policy = fitted.policy
    if "refusals" in fitted.lost:
        return
    language = policy.refusals.language
    ours = texts.shipped()
    own: Mapping[str, Mapping[str, str]] = policy.refusals.texts
    said: dict[str, Node] = {"default": root.at(["refusals", "language"])}
    for number, rule in zip(fitted.rules, policy.rules, strict=True):
        if rule.say is not None:
            said.setdefault(rule.say, root.at(["rules", number, "say"]))
    spoken = root.at(["refusals", "language"])
    for template, node in said.items():
        have = {**ours.get(template, {}), **own.get(template, {})}
        if not have:
            names = sorted({*ours, *own})
            near = get_close_matches(template, names, 1)
            remedy = f"Did you mean `{near[0]}`?" if near else "Write it under refusals.texts."
            yield Problem(node.where, f"there is no refusal text {shown(node)}", remedy)
        elif texts.lookup(language, have) is None:
            remedy = f"Write it under refusals.texts.{template}, or choose another language."
            asked = shown(spoken) if isinstance(spoken.value, str) else f"`{language}`"
            where = spoken.where if template in ours else node.where
            yield Problem(where, f"the refusal text `{template}` does not exist in {asked}", remedy)
