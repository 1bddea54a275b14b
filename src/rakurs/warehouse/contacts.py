"""Which phones, mailboxes, tax ids and words stand in a text? Each in the one way it is compared, as SQL of the engine."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import permutations

MOST_WORDS = 4
"""A longer name is no person's."""
DIGITS = 10
"""A phone is known by its last digits, with or without the country's code."""
_PHONE = r"\+?\d[\d\s().\-‐-―]{8,}\d"
_EMAIL = r"[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+\.[^\s@<>,;:\"()\[\].]+"
_TAX_ID = r"\d{10,12}"
_A_WORD = r"[\p{L}\p{N}]+"
_BETWEEN_WORDS = r"[^\p{L}\p{N}]+"
_BETWEEN_NAMES = r"[\s,.]+"
_PATRONYMIC = ("вич", "вна", "ична", "инична", "оглы", "кызы")


def phones_sql(text: str) -> str:
    """The phones written in `text`, as a list of structs `written` and `known`, the last ten digits."""
    return _found(text, _PHONE, f"right({digits_sql('it')}, {DIGITS})", f"len(known) = {DIGITS}")


def emails_sql(text: str) -> str:
    """The mailboxes written in `text`, as a list of structs `written` and `known`, in lower case."""
    return _found(text, _EMAIL, "lower(it)", "true")


def tax_ids_sql(text: str) -> str:
    """The numbers as long as a tax id in `text`, as a list of structs `written` and `known`."""
    return _found(text, _TAX_ID, "it", "len(known) <> 11")


def names_sql(text: str) -> str:
    """Two and three words with capitals side by side in `text`, which may be a full name, as such a list; `known` are the
    words in their alphabetical order.
    """
    words = f"regexp_extract_all({text}, '{_A_WORD}')"
    pairs = f"list_zip({words}, {words}[2:])"
    threes = f"list_zip({words}, {words}[2:], {words}[3:])"
    ways = [
        f"list_transform(list_filter({pairs}, lambda it: it[2] is not null), lambda it: [it[1], it[2]])",
        f"list_transform(list_filter({threes}, lambda it: it[3] is not null), lambda it: [it[1], it[2], it[3]])",
    ]
    known = "array_to_string(list_sort(list_transform(it, lambda word: replace(lower(word), 'ё', 'е'))), ' ')"
    written = f"regexp_extract({text}, array_to_string(it, '{_BETWEEN_NAMES}'))"
    is_name = "len(list_filter(it, lambda word: len(word) > 1 and word[1] <> lower(word[1]))) = len(it)"
    found = f"list_filter(list_concat({', '.join(ways)}), lambda it: {is_name})"
    each = f"list_transform({found}, lambda it: {{'written': {written}, 'known': {known}}})"
    return f"list_filter({each}, lambda it: it.written <> '')"


CONTACTS: Mapping[str, Callable[[str], str]] = {"phone": phones_sql, "email": emails_sql, "tax_id": tax_ids_sql}
"""By what somebody is found, besides the ids of his records."""


def digits_sql(text: str) -> str:
    """The digits of a text."""
    return f"regexp_replace({text}, '\\D', '', 'g')"


def phone_sql(text: str) -> str:
    """The last ten digits of a whole cell: what calls and visits find their customer by."""
    return f"right({digits_sql(text)}, {DIGITS})"


def words_sql(name: str) -> str:
    """The words of a name, each once, in lower case and with one spelling of ё."""
    spelled = f"replace(lower({name}), 'ё', 'е')"
    words = f"list_filter(string_split_regex({spelled}, '{_BETWEEN_WORDS}'), lambda word: word <> '')"
    return f"list_distinct({words})"


def words_of(name: str) -> tuple[str, ...]:
    """The same words, in their order."""
    return tuple(dict.fromkeys(re.findall(r"[^\W_]+", name.lower().replace("ё", "е"))))


def full_names(name: str) -> tuple[tuple[str, ...], ...]:
    """The words by which a name names one person in full: all of them, and without the patronymic; none where there is one word."""
    told = tuple(word for word in words_of(name) if len(word) > 1)
    short = tuple(word for word in told if not word.endswith(_PATRONYMIC))
    return tuple(dict.fromkeys(words for words in (told, short) if 2 <= len(words) <= MOST_WORDS))


def full_name_pattern(names: Iterable[tuple[str, ...]]) -> str | None:
    """A pattern that finds these full names in any text, their words in any order; None where there are none.

    What stands before and after the name are groups 1 and 3.
    """
    ways = {_BETWEEN_NAMES.join(way).replace("е", "[её]") for words in names for way in permutations(words)}
    if not ways:
        return None
    spelled = "|".join(sorted(ways, key=lambda way: (-len(way), way)))
    return rf"(?i)(^|[^\p{{L}}\p{{N}}])({spelled})($|[^\p{{L}}\p{{N}}])"


def _found(text: str, pattern: str, known: str, wanted: str) -> str:
    quoted = pattern.replace("'", "''")
    each = f"lambda it: {{'written': it, 'known': {known}}}"
    condition = wanted.replace("known", "it.known")
    return f"list_filter(list_transform(regexp_extract_all({text}, '{quoted}'), {each}), lambda it: {condition})"
