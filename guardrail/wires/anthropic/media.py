"""What a block's data are: its type says whether they are an image or a file.

The table knows a place, and images and documents stand at the same one. Knows blocks, no bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...text import Medium, Path


def refined(media: Sequence[Medium], tree: Any) -> list[Medium]:
    """The media of a whole body, with the modality that their blocks name, and base64 as data URLs."""
    return [_refined(medium, tree) for medium in media]


def _refined(medium: Medium, tree: Any) -> Medium:
    if medium.path[-2:-1] != ("source",):
        return medium
    block = _at(tree, medium.path[:-2])
    source = block.get("source") if isinstance(block, dict) else None
    if not isinstance(source, dict) or not isinstance(block, dict):
        return medium
    modality = "image" if block.get("type") == "image" else medium.modality
    kind, link = source.get("media_type"), medium.source
    if source.get("type") == "base64" and isinstance(kind, str) and modality == "image":
        link = f"data:{kind};base64,{link}"
    return replace(medium, modality=modality, source=link)


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree
