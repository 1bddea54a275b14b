"""Are links joined to customers without joining two people, whatever the order?"""

from datetime import date
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from rakurs.identity import Decision, Link, Person, clustered

RECORDS = "abcdef"


def link(pair: str, probability: float = 0.9, rule: str = "phone") -> Link:
    return Link(left_id=pair[0], right_id=pair[1], rule=rule, probability=probability)


def decided(pair: str, kind: str) -> Decision:
    return Decision(left_id=pair[0], right_id=pair[1], kind=kind)  # type: ignore[arg-type]


def sets(*asked: object) -> list[str]:
    return sorted("".join(cluster) for cluster in clustered(*asked))  # type: ignore[arg-type]


def test_links_are_joined_and_tell_what_brought_each_record() -> None:
    (found,) = clustered([link("ab", 0.9), link("bc", 0.99, "tax_id")], [], {})
    assert {record: one.rule for record, one in found.items()} == {"a": "phone", "b": "tax_id", "c": "tax_id"}
    assert sets([link("ab"), link("cd")], [], {}) == ["ab", "cd"]


def test_a_chain_ends_where_it_would_join_two_people() -> None:
    born = {"a": Person(birth_date=date(1980, 1, 2)), "c": Person(birth_date=date(1991, 1, 2))}
    assert sets([link("ab", 0.99), link("bc", 0.9)], [], born) == ["ab"]
    assert sets([link("ab", 0.9), link("bc", 0.99)], [], born) == ["bc"]
    taxed = {"a": Person(tax_id="1"), "b": Person(tax_id="1"), "d": Person(tax_id="2")}
    assert sets([link("ab"), link("bc"), link("cd", 0.8)], [], taxed) == ["abc"]


def test_never_holds_through_any_chain_and_a_merge_overrules_what_contradicts() -> None:
    assert sets([link("ab"), link("bc"), link("cd")], [decided("ad", "never")], {}) == ["abc"]
    born = {"a": Person(birth_date=date(1980, 1, 2)), "b": Person(birth_date=date(1991, 1, 2))}
    assert sets([], [decided("ab", "merge")], born) == ["ab"]
    assert sets([link("ab")], [], born) == []
    assert sets([], [decided("ab", "merge"), decided("bc", "merge"), decided("ac", "never")], {}) == ["ab"]


def test_nothing_gives_nothing() -> None:
    assert clustered([], [], {}) == []
    assert clustered([], [decided("ab", "never")], {}) == []


def test_the_order_of_links_does_not_matter() -> None:
    links = [link("ab"), link("bc"), link("cd"), link("de")]
    people = {"a": Person(kind="person"), "d": Person(kind="company")}
    answers = {tuple(sets(list(order), [], people)) for order in permutations(links)}
    assert len(answers) == 1


PAIRS = st.tuples(st.sampled_from(RECORDS), st.sampled_from(RECORDS)).filter(lambda pair: pair[0] < pair[1])


@given(
    links=st.lists(st.tuples(PAIRS, st.sampled_from([0.5, 0.9, 0.99])), max_size=8),
    never=st.lists(PAIRS, max_size=4),
    taxes=st.dictionaries(st.sampled_from(RECORDS), st.sampled_from("12"), max_size=4),
)
def test_no_customer_contradicts_himself_or_a_decision(
    links: list[tuple[tuple[str, str], float]], never: list[tuple[str, str]], taxes: dict[str, str]
) -> None:
    people = {record: Person(tax_id=tax) for record, tax in taxes.items()}
    found = clustered(
        [link("".join(pair), sure) for pair, sure in links], [decided("".join(pair), "never") for pair in never], people
    )
    seen = [record for cluster in found for record in cluster]
    assert len(seen) == len(set(seen))
    for cluster in found:
        assert len({taxes[record] for record in cluster if record in taxes}) <= 1
        assert not any(one in cluster and other in cluster for one, other in never)


def test_branches_that_a_tax_id_alone_joins_stay_apart_through_a_record_without_a_branch() -> None:
    people = {"a": Person(branch="1"), "b": Person(), "c": Person(branch="2")}
    by_tax = [link("ab", rule="tax_id"), link("bc", 0.8, rule="tax_id")]
    assert sets(by_tax, [], people) == ["ab"]
    assert sets([link("ab", rule="tax_id"), link("bc", 0.8)], [], people) == ["abc"]
