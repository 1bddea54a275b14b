"""Which pairs of records surely are one customer, by a key in common and names that can be one name?"""

MOST_NAMES = 5
"""A phone or mailbox under more names than that belongs to nobody: a switchboard, or what is typed to get past a form."""
MOST_FACES = 20
STRENGTH = {"tax_id": 0.9999, "phone": 0.999, "email": 0.998, "birth_date": 0.995, "address": 0.993}
KEYED = (
    ("tax_id", "tax_id"),
    ("phone", "phone"),
    ("email", "email"),
    ("birth_date", "named_birth"),
    ("address", "placed"),
)
"""Rules, the surest first, each with the column of keys that two records must have in common."""

_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґўқәғңөұү"
_ONE_BYTE_EACH = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+,-.:;<=>?"


def links_sql(keys: str) -> str:
    """One row per pair with a key in common: `left_id` < `right_id`, `rule`, the surest one, and `is_sure`.

    Sure are pairs whose names can be one name and that do not contradict each other. What shares a tax id, or two keys, and
    yet differs is a question for people; branches of one legal entity, whose tax id is one and KPP another, are no question. An
    address is a key of those only whose names agree. Records that say the same all over are linked to the first of them, so a customer
    whom a shop wrote down anew with every order costs as many links as records, not as pairs.
    """
    shared = ", ".join(f"{rule}_heads as ({_heads(keys, key)})" for rule, key in KEYED)
    also = {"tax_id": f"not ({other_branch('a', 'b')})", "address": names_agree("a", "b")}
    parts = [
        f"""
        select head as left_id, record_id as right_id, '{rule}' as rule, {place} as place, true as is_sure
        from {rule}_heads where record_id <> head
        union all
        select a.record_id, b.record_id, '{rule}', {place}, {_can_be_one()}
        from {rule}_heads as a join {rule}_heads as b on a.{key} = b.{key} and a.record_id < b.record_id
        where {also.get(rule, "true")} and a.record_id = a.head and b.record_id = b.head and a.names <= {MOST_NAMES} and a.faces <= {MOST_FACES}
        """
        for place, (rule, key) in enumerate(KEYED)
    ]
    return f"""
        with {shared}
        select left_id, right_id, arg_min(rule, place) as rule, bool_or(is_sure) as is_sure
        from ({" union all ".join(parts)})
        group by left_id, right_id
        having bool_or(is_sure) or count(*) > 1 or bool_or(rule = 'tax_id')
    """


def _heads(keys: str, key: str) -> str:
    """The records that share `key` with another: the first that says the same (`head`), how many names and ways to say it."""
    same = f"{key}, named, birth_date, tax_id, kind, kpp"
    return f"""
        select *, count(distinct named) over (partition by {key}) as names,
            count(distinct head) over (partition by {key}) as faces
        from (
            select *, min(record_id) over (partition by {same}) as head from {keys}
            where {key} in (select {key} from {keys} where {key} is not null group by {key} having count(*) > 1)
        )
    """


def contradicts(left: str, right: str) -> str:
    """SQL: whether two rows of keys cannot be one customer."""
    return (
        f"coalesce({left}.tax_id <> {right}.tax_id, false) or coalesce({left}.birth_date <> {right}.birth_date, false) "
        f"or coalesce({left}.kind <> {right}.kind, false)"
    )


def other_branch(left: str, right: str) -> str:
    """SQL: whether two rows of keys are known to be different branches."""
    return f"coalesce({left}.kpp <> {right}.kpp, false)"


def _can_be_one() -> str:
    return f"not ({contradicts('a', 'b')}) and {names_agree('a', 'b')}"


def names_agree(left: str, right: str) -> str:
    """SQL: whether two names can be one. Each word of the shorter stands in the longer, by an initial, or one of them with a
    slip of the pen; numbers in them are the same ones. Iwanow Alexander and Iwanowa Alexandra differ in two words.
    """
    shorter = f"case when len({left}.words) <= len({right}.words) then {left}.words else {right}.words end"
    longer = f"case when len({left}.words) <= len({right}.words) then {right}.words else {left}.words end"
    strange = f"list_filter({shorter}, lambda word: not list_contains({longer}, word) and not {_has_initial(longer)})"
    slip = f"""
        len({strange}) = 1 and list_bool_or(list_transform(
            list_filter({longer}, lambda other: not list_contains({shorter}, other)),
            lambda other: len(other) >= 4 and damerau_levenshtein({_by_letter(f"{strange}[1]")}, {_by_letter("other")}) <= if(len(other) >= 8, 2, 1)
        ))
    """
    numbers = "list_sort(list_filter({side}.words, lambda word: regexp_matches(word, '\\d')))"
    same_numbers = f"{numbers.format(side=left)} = {numbers.format(side=right)}"
    return (
        f"({left}.words is null or {right}.words is null or {left}.named = {right}.named "
        f"or ({same_numbers} and coalesce(len({strange}) = 0 or ({slip}), false)))"
    )


def _by_letter(word: str) -> str:
    """The engine counts slips in bytes, and a Cyrillic letter has two."""
    return f"translate({word}, '{_LETTERS}', '{_ONE_BYTE_EACH}')"


def _has_initial(longer: str) -> str:
    return (
        f"len(list_filter({longer}, lambda other: (len(word) = 1 and starts_with(other, word)) "
        "or (len(other) = 1 and starts_with(word, other)))) > 0"
    )
