"""How is a person struck out of a text, whatever it is a text of? His contacts and full name go, his ids become other ids."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Any

STRUCK = "***"
_WORDS = frozenset({"text", "comment", "note"})
"""Keys under which people's own words stand."""
_APART = r"[\s().\-]*"
_BETWEEN = r"[\s,.]+"


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What texts are searched for: contacts and names that are nobody else's, and `ids`, each with the id in its place.

    `all_contacts` and `all_names` also hold what others share with him, `source_ids` the ids without a prefix that his
    sources know: they go from what is about him alone. `deals` are the ids of his deals.
    """

    ids: Mapping[str, str]
    source_ids: Mapping[str, str]
    deals: frozenset[str]
    contacts: Mapping[str, Collection[str]]
    names: Collection[tuple[str, ...]]
    all_contacts: Mapping[str, Collection[str]]
    all_names: Collection[tuple[str, ...]]

    def is_about_him(self, field: str, value: Any) -> bool:
        """Whether a field tells that all of its row is about him."""
        if not isinstance(value, str) or not names_somebody(field):
            return False
        return self.other_id(value) != value or value.removeprefix("deals/") in self.deals

    def struck(self, text: str, *, is_his: bool = False) -> str:
        """The text without him; `is_his` tells that it is about him alone."""
        pattern = self._his_pattern if is_his else self._pattern
        return pattern.sub(STRUCK, text) if pattern is not None else text

    def other_id(self, text: str) -> str:
        """The text with his ids replaced where they stand as a whole, or at the end of an address: `customers/17`."""
        if text in self.ids:
            return self.ids[text]
        place, slash, name = text.rpartition("/")
        if slash and place.endswith("customers") and name in self.ids:
            return f"{place}/{self.ids[name]}"
        words = text.split(" ")
        # The audit names two records of a decision so.
        return " ".join(self.ids.get(word, word) for word in words) if len(words) == 2 else text

    def cleaned(self, value: Any, *, key: str = "", is_his: bool = False) -> Any:
        """A JSON value without him: ids only where the key says that an id stands there; words about him wholly."""
        if isinstance(value, Mapping):
            return {name: self.cleaned(item, key=name, is_his=is_his) for name, item in value.items()}
        if isinstance(value, list):
            return [self.cleaned(item, key=key, is_his=is_his) for item in value]
        if not isinstance(value, str):
            return value
        if is_his and key in _WORDS:
            return STRUCK
        return self.struck(self.other_id(value) if names_somebody(key) else value, is_his=is_his)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return _pattern_of(self.contacts, self.names)

    @cached_property
    def _his_pattern(self) -> re.Pattern[str] | None:
        return _pattern_of(self.all_contacts, self.all_names)


def names_somebody(key: str) -> bool:
    """Whether a field or a key of that name holds the id of a customer."""
    name = key.rpartition(".")[2]
    return name in {"customer_id", "customer", "subject", "record_id", "left_id", "right_id", "ids", "unmatched", "who"}


def _pattern_of(contacts: Mapping[str, Collection[str]], names: Iterable[tuple[str, ...]]) -> re.Pattern[str] | None:
    ways = [rf"(?:\+?\d{_APART})?{_APART.join(digits)}(?!\d)" for digits in contacts.get("phone", ())]
    ways += [rf"(?<![\w.+\-]){re.escape(email)}(?![\w\-]|\.\w)" for email in contacts.get("email", ())]
    ways += [rf"(?<!\d){number}(?!\d)" for number in contacts.get("tax_id", ())]
    for words in names:
        ways += [
            rf"(?<!\w){_BETWEEN.join(map(re.escape, way)).replace('е', '[её]')}(?!\w)" for way in permutations(words)
        ]
    return re.compile("|".join(sorted(ways, key=lambda way: (-len(way), way))), re.IGNORECASE) if ways else None
