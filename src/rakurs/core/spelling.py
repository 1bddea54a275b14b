"""How is a word compared, whatever the capitals, the letter ё, the signs in a phone number or the keyboard's layout?"""

import re
from difflib import get_close_matches

_LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_RUSSIAN = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_SWAPPED = str.maketrans(
    _LATIN + _RUSSIAN + _LATIN.upper() + _RUSSIAN.upper(), _RUSSIAN + _LATIN + _RUSSIAN.upper() + _LATIN.upper()
)

LEAST_LIKENESS = 0.8
PHONE_DIGITS = 10
"""A phone number without its country: +7, 8 and nothing before it are one number."""


def plain_words(text: str) -> str:
    """Lower case, ё as е, one space between words."""
    return " ".join(text.lower().replace("ё", "е").split())


def typed_in_other_layout(text: str) -> str:
    """What the same keys give on the other layout, Russian for English and back: «агттуд» -> "funnel"."""
    return text.translate(_SWAPPED)


def only_digits(text: str) -> str:
    """The digits of a text; of a number as long as a phone's, the last ten."""
    digits = re.sub(r"\D", "", text)
    return digits[-PHONE_DIGITS:] if len(digits) in (PHONE_DIGITS, PHONE_DIGITS + 1) else digits


def spellings(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of a query as typed, and as typed on the other layout; all words of either are to be found."""
    asked = (plain_words(text), plain_words(typed_in_other_layout(text)))
    return tuple(tuple(words.split()) for words in dict.fromkeys(asked) if words)


def is_found(spelt: tuple[tuple[str, ...], ...], text: str) -> bool:
    """Whether all words of any spelling stand in `text`."""
    plain = plain_words(text)
    return any(all(word in plain for word in words) for words in spelt)


def is_nearly_found(spelt: tuple[tuple[str, ...], ...], text: str) -> bool:
    """Whether each word of any spelling is a word of `text` but for a slip of a finger: «finnel» for "funnel"."""
    known = re.findall(r"\w+", plain_words(text))
    return any(all(get_close_matches(word, known, n=1, cutoff=LEAST_LIKENESS) for word in words) for words in spelt)
