"""How hard does a test try? `make test` a little everywhere, `make prove` as often as a proof wants."""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
IS_PROOF = os.environ.get("RAKURS_TEST_EFFORT") == "proof"


def tries(few: int, many: int) -> int:
    """How many kills, random companies or examples: few of them in every run, many where it is to be proved."""
    return many if IS_PROOF else few


def some_of(items: Sequence[T], every: int) -> list[T]:
    """Of many that are alike each `every`-th, always the same; all of them where it is to be proved."""
    return list(items if IS_PROOF else items[::every])
