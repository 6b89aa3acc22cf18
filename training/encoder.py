"""The accurate tier while it is learnt: a pruned MiniLM, mean-pooled, with one linear output a label.

Needs torch and transformers. Knows windows and labels as arrays; never a row's text, nor a policy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from guardrail.local.categories import LEARNT
from guardrail.local.pieces import SLACK, WINDOW

from .vocabulary import base
from .windows import Corpus, Ints, draw, long_positives, owners, surrounded, worst

EPOCHS = 3
"""As many as ``SHARES`` has places for."""
BATCH = 64
RATE = 1.2e-4
HEAD_RATE = 2e-3
WARM = 0.06
DROP = 0.1
"""Of the pooled vector; the layers' own is off, which halves the time on a CPU."""
COMMON = 3.0
"""The most a positive counts for being rare: (negatives / positives) ** 0.25, up to this."""
POSITIONS = WINDOW + SLACK + 2
"""Of the longest window, with its two marks."""

SHARES = (0.2, 0.2, 0.3, 0.3)
"""What the base encoder and the ends of the three epochs count for in the weights that ship. The mean of points on the
way, and of where it began, is better on sources unseen than the end alone (Izmailov et al. 2018, arXiv 1803.05407;
Wortsman et al. 2022, arXiv 2109.01903): on the development rows mean AUPRC .792 against .756 for the end, .770 for
the second epoch's, .775 for the three epochs' alone, .788 with .3 of the base."""

Say = Callable[[str], None]
State = dict[str, dict[str, Any]]


@dataclass(slots=True)
class Encoder:
    """``body``: a BertModel on the pruned vocabulary. ``head``: pooled vector to logits (outputs,)."""

    body: Any
    head: Any

    def logits(self, ids: Any, mask: Any) -> Any:
        """(batch, outputs) of padded windows with their marks."""
        hidden = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weight).sum(1) / weight.sum(1)
        return self.head(functional.dropout(pooled, DROP, training=self.body.training).float())


def fresh(rows: list[int], seed: int) -> Encoder:
    """The base encoder with the word vectors ``rows`` only, and an untrained head."""
    from transformers import BertModel

    torch.manual_seed(seed)
    body = BertModel.from_pretrained(
        str(base()),
        attn_implementation="eager",
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        add_pooling_layer=False,
        local_files_only=True,
    )
    vectors = body.embeddings.word_embeddings.weight.detach()[rows].clone()
    body.embeddings.word_embeddings = torch.nn.Embedding.from_pretrained(vectors, freeze=True, padding_idx=0)
    body.config.vocab_size = len(rows)
    head = torch.nn.Linear(body.config.hidden_size, len(LEARNT))
    with torch.no_grad():
        head.weight.mul_(0.1)
        head.bias.fill_(-3.0)
    return Encoder(body, head)


def state(model: Encoder) -> State:
    """A copy of the weights as they are."""
    parts = {"body": model.body, "head": model.head}
    return {
        name: {key: value.detach().clone() for key, value in part.state_dict().items()} for name, part in parts.items()
    }


def averaged(states: Sequence[State], shares: Sequence[float] = SHARES) -> State:
    """The weighted mean of weights; the first state's head is untrained and counts for nothing."""
    of_head = [0.0, *(share / sum(shares[1:]) for share in shares[1:])]
    return {
        name: {
            key: sum(share * each[name][key] for share, each in zip(by, states, strict=True))
            if value.is_floating_point()
            else value
            for key, value in states[0][name].items()
        }
        for name, by in (("body", shares), ("head", of_head))
    }


def padded(windows: Sequence[NDArray[np.int32]], marks: tuple[int, int]) -> tuple[Any, Any]:
    """Windows with their opening and closing mark, to the length of the longest, and the mask."""
    ids = np.zeros((len(windows), max(map(len, windows)) + 2), dtype=np.int64)
    mask = np.zeros_like(ids)
    for at, pieces in enumerate(windows):
        ids[at, 0], ids[at, len(pieces) + 1] = marks
        ids[at, 1 : len(pieces) + 1] = pieces
        mask[at, : len(pieces) + 2] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def outputs(model: Encoder, held: Corpus, marks: tuple[int, int], chosen: Ints | None = None) -> NDArray[np.float32]:
    """Logits (windows, outputs) of all windows, or of those chosen."""
    chosen = np.arange(len(held.start)) if chosen is None else chosen
    order = np.argsort(held.end[chosen] - held.start[chosen], kind="stable")
    found = np.zeros((len(chosen), len(LEARNT)), dtype=np.float32)
    model.body.eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for at in range(0, len(order), 2 * BATCH):
            part = order[at : at + 2 * BATCH]
            found[part] = model.logits(*padded(_pieces(held, chosen[part]), marks)).float().numpy()
    return found


def _pieces(held: Corpus, chosen: Ints) -> list[NDArray[np.int32]]:
    return [held.ids[a:b] for a, b in zip(held.start[chosen].tolist(), held.end[chosen].tolist(), strict=True)]


def learn(
    model: Encoder,
    held: Corpus,
    sources: Ints,
    marks: tuple[int, int],
    *,
    seed: int,
    epochs: int = EPOCHS,
    say: Say,
    after: Callable[[int], None] = lambda _epoch: None,
    kept: Path | None = None,
) -> NDArray[np.float32]:
    """Masked binary cross-entropy over windows drawn from the rows. ``sources``: a number for each row.

    Returns the logits (rows, outputs) that each row's window had when it was last learnt from, NaN where it
    never was: what a student may be taught by. ``kept``: a file of how far it has come, written after every epoch and
    gone on from where it is there, as if it had never stopped.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    boost = torch.from_numpy(_boost(held))
    slow = [p for p in model.body.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": slow, "lr": RATE}, {"params": list(model.head.parameters()), "lr": HEAD_RATE}],
        weight_decay=0.01,
        fused=True,
    )
    row_of = owners(held.first)
    plan = draw(held.first, held.labels, sources, rng, None)
    total = epochs * math.ceil(len(plan) / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / total))
    said = np.full(held.labels.shape, np.nan, dtype=np.float32)
    begun, done, average = time.monotonic(), 0, 0.0
    parts = {"body": model.body, "head": model.head, "optimiser": optimiser, "schedule": schedule}
    first = 0
    if kept is not None and kept.is_file():
        first, done, average, said = _resumed(kept, parts, rng)
        say(f"going on after epoch {first}")
    before = done
    for epoch in range(first, epochs):
        if epoch:
            long = long_positives(held.first, held.labels)
            say(f"epoch {epoch + 1}: choosing among {len(long)} windows of long positive rows")
            plan = draw(held.first, held.labels, sources, rng, (long, outputs(model, held, marks, long)))
        model.body.train()
        pieces, drawn = surrounded(held, plan, rng)
        alone = np.ones(len(plan), dtype=np.bool_)
        alone[drawn] = False
        for places in _batches(pieces, rng):
            part = plan[places]
            want = held.labels[row_of[part]]
            truth = torch.from_numpy((want == 1).astype(np.float32))
            weight = torch.from_numpy(held.weight[row_of[part]][:, None] * (want >= 0)).float()
            weight = weight * torch.where(truth == 1, boost, torch.ones_like(boost))
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model.logits(*padded([pieces[place] for place in places], marks))
            loss = (functional.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weight).sum()
            loss = loss / len(part)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(slow, 1.0)
            optimiser.step()
            schedule.step()
            said[row_of[part[alone[places]]]] = logits.detach().float().numpy()[alone[places]]
            done += 1
            average = loss.item() if done == 1 else 0.98 * average + 0.02 * loss.item()
            if done % 200 == 0:
                left = (time.monotonic() - begun) / (done - before) * (total - done)
                say(f"epoch {epoch + 1}, step {done} of {total}, loss {average:.3f}, about {left / 60:.0f} min left")
        after(epoch)
        if kept is not None:
            _keep(kept, parts, rng, epoch + 1, done, average, said)
    return said


def _keep(
    kept: Path,
    parts: dict[str, Any],
    rng: np.random.Generator,
    epoch: int,
    done: int,
    average: float,
    said: NDArray[np.float32],
) -> None:
    held: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
    held |= {"numbers": rng.bit_generator.state, "torch": torch.get_rng_state(), "said": said}
    held |= {"epoch": epoch, "done": done, "average": average}
    ready = kept.with_suffix(".new")
    torch.save(held, ready)
    ready.replace(kept)


def _resumed(
    kept: Path, parts: dict[str, Any], rng: np.random.Generator
) -> tuple[int, int, float, NDArray[np.float32]]:
    """Put everything back as it was; the epochs and steps done, the loss so far, and what was said."""
    held = torch.load(kept, weights_only=False)  # of this very command
    for name, part in parts.items():
        part.load_state_dict(held[name])
    rng.bit_generator.state = held["numbers"]
    torch.set_rng_state(held["torch"])
    return held["epoch"], held["done"], held["average"], held["said"]


def _rate(share: float) -> float:
    return share / WARM if share < WARM else max(0.02, (1.0 - share) / (1.0 - WARM))


def _boost(held: Corpus) -> NDArray[np.float32]:
    positives, negatives = (held.labels == 1).sum(axis=0), (held.labels == 0).sum(axis=0)
    found: NDArray[np.float32] = np.clip((negatives / np.maximum(positives, 1)) ** 0.25, 1.0, COMMON).astype(np.float32)
    return found


def _batches(pieces: Sequence[NDArray[np.int32]], rng: np.random.Generator) -> Iterator[Ints]:
    """Places of windows of about one length, a batch at a time, in random order."""
    lengths = np.array([len(one) for one in pieces])
    plan = rng.permutation(len(pieces))
    pool = 50 * BATCH
    parts: list[Ints] = []
    for at in range(0, len(plan), pool):
        near = plan[at : at + pool]
        near = near[np.argsort(lengths[near], kind="stable")]
        parts.extend(near[n : n + BATCH] for n in range(0, len(near), BATCH))
    for number in rng.permutation(len(parts)).tolist():
        yield parts[number]


def rows_logits(model: Encoder, held: Corpus, marks: tuple[int, int]) -> NDArray[np.float32]:
    """The greatest logit of each row's windows."""
    return worst(held.first, outputs(model, held, marks))
