"""How is an address written in one way? City, street, house and flat, however people shorten and order them.

In the engine, in columns. The canonical table of customers has no address: it is a field of the company's own, under the names
such fields go by.
"""

from collections.abc import Mapping, Sequence

ADDRESS_FIELDS = (
    "address",
    "Address",
    "Адрес",
    "адрес",
    "Адрес доставки",
    "Фактический адрес",
    "Почтовый адрес",
    "Юридический адрес",
)
KPP_FIELDS = ("kpp", "KPP", "КПП", "кпп")
"""The reason code of registration: branches of one legal entity share its tax id and differ in it."""

_HYPHENED = {
    "пр-кт": "проспект",
    "пр-т": "проспект",
    "пр-д": "проезд",
    "б-р": "бульвар",
    "р-н": "район",
    "пл-дь": "площадь",
}
_WORDS: Mapping[str, str] = {
    "г": "город",
    "гор": "город",
    "обл": "область",
    "респ": "республика",
    "улица": "ул",
    "просп": "проспект",
    "пр": "проспект",
    "пер": "переулок",
    "ш": "шоссе",
    "бул": "бульвар",
    "наб": "набережная",
    "пл": "площадь",
    "туп": "тупик",
    "мкр": "микрорайон",
    "мкрн": "микрорайон",
    "дом": "д",
    "владение": "д",
    "вл": "д",
    "корпус": "к",
    "корп": "к",
    "строение": "стр",
    "с": "стр",
    "квартира": "кв",
    "офис": "кв",
    "оф": "кв",
    "помещение": "кв",
    "пом": "кв",
    "комната": "кв",
    "ком": "кв",
}
_CITIES = {"спб": "санкт  петербург", "питер": "санкт  петербург", "мск": "москва"}
_SAID_OFTEN = ("россия", "рф", "российская", "федерация", "ул", "город")
"""Words that tell nothing: a street without another word for it is a street."""
_TWO_WORDS = "санкт|нижний|великий|набережные|старый|новый|сергиев|йошкар|улан"
_LETTER = r"\p{L}"
_NUMBER = r"(\d+(?:/\d+)?\p{L}?)"
_PLACES = (r" \d{6} ", r" \p{L}+  (?:область|край|район) ", r" республика  \p{L}+ ")
_CITY = rf" город  ((?:(?:{_TWO_WORDS})  )?\p{{L}}+) "
_CAPITAL = " (москва|санкт  петербург) "


def field_sql(custom: str, names: Sequence[str]) -> str:
    """SQL: the first of the own fields called so that is filled, as text."""
    found = ", ".join(f"nullif(trim(json_extract_string({custom}, '$.\"{name}\"')), '')" for name in names)
    return f"coalesce({found})"


def addresses_sql(records: str) -> str:
    """One row per record of `records` whose address says city, street and house: `record_id`, `address`, `has_flat`.

    The city is the address' own, or the record's. A region, an index and a country say nothing more and are left out.
    """
    marked = ", ".join(f"{_extract('words', _marked(mark))} as {name}" for name, mark in _MARKS.items())
    told = (_marked(f"(?:{'|'.join(_MARKS.values())})"), f" (?:{'|'.join(_SAID_OFTEN)}) ")
    tail = rf"^( .*\p{{L}}.*?) {_NUMBER} (?: {_NUMBER} )?$"
    return f"""
        with written as (
            select customer_id as record_id, {_tokens(_lower("city"))} as city,
                {field_sql("custom", ADDRESS_FIELDS)} as text
            from {records} where custom is not null
        ),
        worded as (select *, {_tokens(_spread(_lower("text")))} as said from written where text is not null),
        narrowed as (select *, {_removed("said", *_PLACES)} as words from worded),
        placed as (
            select record_id, words, coalesce(
                {_extract("words", _CAPITAL)}, case when contains(words, ' ' || city || ' ') then city end,
                {_extract("words", _CITY)}, city
            ) as city
            from (select * replace (nullif(trim(replace(city, ' город ', '')), '') as city) from narrowed)
        ),
        numbered as (
            select record_id, city, {marked}, replace({_removed("words", *told)}, ' ' || city || ' ', '') as rest
            from placed where city is not null
        ),
        ended as (
            select *, regexp_extract(rest, '{tail}', ['before', 'first', 'second']) as tail from numbered
        ),
        parted as (
            select record_id, city, block, building,
                case when house is null then tail['before'] else rest end as street,
                coalesce(house, nullif(tail['first'], '')) as house,
                coalesce(flat, case when house is null then nullif(tail['second'], '') end) as flat
            from ended
        )
        select record_id, flat is not null as has_flat,
            concat_ws(' ', city, array_to_string(list_sort(string_split_regex(trim(street), ' +')), ' '), 'д', house,
                'к ' || block, 'стр ' || building, 'кв ' || flat) as address
        from parted where house is not null and regexp_matches(street, '{_LETTER}')
    """


_MARKS = {"house": "д", "block": "к", "building": "стр", "flat": "кв"}


def _marked(mark: str) -> str:
    return f" {mark}  {_NUMBER} "


def _lower(column: str) -> str:
    text = f"replace(lower({column}), 'ё', 'е')"
    for short, long in _HYPHENED.items():
        text = f"replace({text}, '{short}', '{long}')"
    return text


def _spread(text: str) -> str:
    """A number apart from the word before it, and a house's letter beside its number: д5 а is д 5а."""
    apart = f"regexp_replace({text}, '(\\p{{L}})(\\d)', '\\1 \\2', 'g')"
    apart = f"regexp_replace({apart}, '(\\d)(\\p{{L}}\\p{{L}})', '\\1 \\2', 'g')"
    return f"regexp_replace({apart}, '(\\d) ?\"?([абвг])\"?([^\\p{{L}}]|$)', '\\1\\2\\3', 'g')"


def _tokens(text: str) -> str:
    """The words as text, each with a space of its own on both sides: so patterns of words beside each other never overlap."""
    pairs = {**_WORDS, **_CITIES}
    names, values = (", ".join(f"'{word}'" for word in words) for words in (pairs, pairs.values()))
    words = f"list_filter(string_split_regex({text}, '[^\\p{{L}}\\p{{N}}/]+'), lambda word: word <> '')"
    plain = f"list_transform({words}, lambda word: coalesce(map([{names}], [{values}])[word], word))"
    return f"' ' || array_to_string({plain}, '  ') || ' '"


def _extract(column: str, pattern: str) -> str:
    return f"nullif(regexp_extract({column}, '{pattern}', 1), '')"


def _removed(column: str, *patterns: str) -> str:
    text = column
    for pattern in patterns:
        text = f"regexp_replace({text}, '{pattern}', '', 'g')"
    return text
