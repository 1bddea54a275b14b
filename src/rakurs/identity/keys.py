"""How is a record written in one way? Phone, mailbox, tax id, name, address: what two records of one customer have in common.

In the engine, in columns. Only phones that are not plain Russian mobiles go through phonenumbers, each text once.
"""

from collections.abc import Iterable

import pyarrow as pa

from rakurs.identity.addresses import KPP_FIELDS, addresses_sql, field_sql

REGION = "RU"
FORMS = (
    "ооо",
    "оао",
    "зао",
    "пао",
    "ао",
    "нао",
    "ип",
    "чп",
    "тоо",
    "гк",
    "нко",
    "фгуп",
    "муп",
    "llc",
    "ltd",
    "inc",
    "jsc",
)
SOLE_TRADER = ("ип", "чп")
LONG_FORMS = (
    ("общество с ограниченной ответственностью", "ооо"),
    ("публичное акционерное общество", "пао"),
    ("закрытое акционерное общество", "зао"),
    ("открытое акционерное общество", "оао"),
    ("акционерное общество", "ао"),
    ("индивидуальный предприниматель", "ип"),
)
LATIN, CYRILLIC = "aceopxyktmhb", "асеорхуктмнв"
"""Latin letters that look like Cyrillic ones: a name typed in two alphabets is one name."""
YANDEX = ("ya.ru", "yandex.ru", "yandex.com", "yandex.by", "yandex.kz")
_MOBILE = r"^(\+?7|8)?9\d{9}$"
_PLAIN = r"regexp_replace(phone, '[\s().\-]', '', 'g')"


def needs_parsing_sql(records: str) -> str:
    """The different phones of `records` that are not plain Russian mobiles, as text."""
    return f"select distinct phone from {records} where phone is not null and not regexp_matches({_PLAIN}, '{_MOBILE}')"


def parsed_phones(texts: Iterable[str]) -> pa.Table:
    """One row per text that holds a phone that can exist: `written`, and `dialled`, the digits in international form.

    An extension is cut off: what is before it is the company's own number. Source: libphonenumber.
    """
    from phonenumbers import NumberParseException, is_valid_number, parse  # noqa: PLC0415 - slow to import

    found: dict[str, str] = {}
    for text in texts:
        try:
            number = parse(text, REGION)
        except NumberParseException:
            continue
        if is_valid_number(number):
            found[text] = f"{number.country_code}{number.national_number}"
    return pa.table({"written": list(found), "dialled": list(found.values())}, schema=PHONES)


PHONES = pa.schema([("written", pa.string()), ("dialled", pa.string())])


def keys_sql(records: str, phones: str) -> str:
    """One row per record of `records` with what it is known by.

    Columns: `record_id`, `kind` (person or company; a sole trader is a person), `phone`, `email`, `tax_id`, `words` (the
    name's words without legal form, sorted), `named` (the same as one text), `birth_date`, `city`, `created_at`, and
    `named_birth`, name and birth date where they are a key: the name has three words, or two and the city is known; `address`, and
    `placed`, the same where with a name it is a key: a company's, or a person's of two words with a flat, of three without;
    `kpp`, which of the branches under its tax id; null where the record does not say or what it says cannot be. `phones` is `parsed_phones`.
    """
    return f"""
        with plain as (
            select customer_id as record_id, kind, birth_date, created_at, phone as written,
                right({_PLAIN}, 10) as last_ten, regexp_matches({_PLAIN}, '{_MOBILE}') as is_mobile,
                lower(trim(email)) as mail,
                regexp_replace(tax_id, '\\D', '', 'g') as tax,
                nullif(trim(replace(lower(city), 'ё', 'е')), '') as city,
                {_spelled("name")} as spelled,
                upper(regexp_replace({field_sql("custom", KPP_FIELDS)}, '\\s', '', 'g')) as kpp
            from {records}
        ),
        split as (
            select *, split_part(mail, '@', 1) as box, split_part(mail, '@', 2) as host,
                list_filter(string_split_regex(spelled, '[^\\p{{L}}\\p{{N}}]+'), lambda word: word <> '') as all_words
            from plain
        ),
        worded as (
            select *,
                list_sort(list_filter(all_words, lambda word: not list_contains({_listed(FORMS)}, word))) as words,
                list_has_any(all_words, {_listed(SOLE_TRADER)}) as is_sole
            from split
        )
        select record_id,
            case when is_sole then 'person' else kind end as kind,
            case when is_mobile then {_not_one_digit("last_ten", "'7' || last_ten")}
                else {_not_one_digit("right(dialled, 9)", "dialled")} end as phone,
            case when regexp_matches(mail, '^[^@\\s]+@[^@\\s]+\\.[^@\\s.]+$') then
                case when list_contains({_listed(YANDEX)}, host)
                        then replace(split_part(box, '+', 1), '.', '-') || '@yandex.ru'
                    when host in ('gmail.com', 'googlemail.com')
                        then replace(split_part(box, '+', 1), '.', '') || '@gmail.com'
                    else mail end end as email,
            case when {_is_tax_id("tax")} then tax end as tax_id,
            case when len(words) > 0 then words end as words,
            case when len(words) > 0 then array_to_string(words, ' ') end as named,
            birth_date, city, created_at,
            case when len(words) >= 3 then array_to_string(words, ' ') || ' ' || birth_date
                when len(words) = 2 then array_to_string(words, ' ') || ' ' || birth_date || ' ' || city
                end as named_birth,
            address,
            case when kind = 'company' and not is_sole and len(words) > 0 then address
                when len(list_filter(words, lambda word: len(word) > 1)) >= if(has_flat, 2, 3) then address end as placed,
            case when regexp_matches(kpp, '^\\d{{4}}[\\dA-Z]{{2}}\\d{{3}}$') then kpp end as kpp
        from worded left join {phones} on not is_mobile and {phones}.written = worded.written
            left join ({addresses_sql(records)}) using (record_id)
    """


def _listed(words: Iterable[str]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def _spelled(column: str) -> str:
    """Lower case, е for ё, one alphabet, legal forms short."""
    text = f"replace(lower({column}), 'ё', 'е')"
    for long, short in LONG_FORMS:
        text = f"replace({text}, '{long}', '{short}')"
    return f"case when regexp_matches({text}, '\\p{{Cyrillic}}') then translate({text}, '{LATIN}', '{CYRILLIC}') else {text} end"


def _not_one_digit(digits: str, phone: str) -> str:
    """Phones of a digit or two are what is typed to get past a form."""
    return f"case when len(list_distinct(string_split({digits}, ''))) > 2 then {phone} end"


def _is_tax_id(tax: str) -> str:
    """Ten or twelve digits with the right control digits. Source: Order of the Federal Tax Service ММВ-7-6/435@, 2012."""

    def control(weights: tuple[int, ...]) -> str:
        terms = " + ".join(f"{weight} * {tax}[{place}]::integer" for place, weight in enumerate(weights, 1))
        return f"(({terms}) % 11 % 10) = {tax}[{len(weights) + 1}]::integer"

    eleven = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    return (
        f"case len({tax}) when 10 then {control(eleven[1:])} "
        f"when 12 then {control(eleven)} and {control((3, *eleven))} else false end"
    )
