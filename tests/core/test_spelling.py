"""Are words found whatever the capitals, the letter ё, the layout, and numbers whatever the signs between?"""

import pytest

from rakurs.core.spelling import is_found, is_nearly_found, only_digits, plain_words, spellings, typed_in_other_layout


def test_capitals_and_yo_make_no_difference() -> None:
    assert plain_words("  Пётр   АЛЁШИН ") == "петр алешин"


@pytest.mark.parametrize(
    ("typed", "meant"), [("агттуд", "funnel"), ("ptktysq", "зеленый"), ("Gtnhjd", "Петров"), ("куаштв", "refind")]
)
def test_the_other_layout(typed: str, meant: str) -> None:
    assert typed_in_other_layout(typed) == meant
    assert typed_in_other_layout(meant) == typed


@pytest.mark.parametrize(
    "phone", ["+7 (992) 285-46-50", "8 992 285 46 50", "89922854650", "9922854650", "7-992-2854650"]
)
def test_a_phone_in_any_notation_is_the_same_ten_digits(phone: str) -> None:
    assert only_digits(phone) == "9922854650"


def test_other_numbers_keep_all_their_digits() -> None:
    assert only_digits("ИНН 771234567890") == "771234567890"
    assert only_digits("46-50") == "4650"


def test_all_words_must_be_found_in_one_spelling() -> None:
    assert is_found(spellings("воронка прод"), "Воронка продаж")
    assert not is_found(spellings("воронка клиентов"), "Воронка продаж")
    assert is_found(spellings("djhjyrf"), "Воронка продаж")


def test_a_slip_of_a_finger_is_forgiven_but_not_another_word() -> None:
    assert is_nearly_found(spellings("ашттуд"), "Воронка продаж Sales funnel")
    assert not is_nearly_found(spellings("когорты"), "Воронка продаж Sales funnel")
    assert spellings("   ") == ()
