"""Does the cache answer from memory, forget with the data, and stay within its budget?"""

from itertools import count

from rakurs.app.cache import AnswerCache


def test_the_same_question_is_computed_once_per_data_version() -> None:
    cache, asked = AnswerCache(), count()
    answers = [cache.get("rating", version=version, compute=lambda: next(asked)) for version in (1, 1, 2, 2, 1)]
    assert answers == [0, 0, 1, 1, 2]


def test_other_rights_are_another_question() -> None:
    cache = AnswerCache()
    everything = cache.get(("rating", "all"), version=1, compute=lambda: "all rows")
    own = cache.get(("rating", "own"), version=1, compute=lambda: "own rows")
    assert (everything, own) == ("all rows", "own rows")


def test_the_least_recently_asked_goes_first() -> None:
    cache, computed = AnswerCache(budget_bytes=100), []

    def ask(key: str) -> None:
        cache.get(key, version=1, compute=lambda: computed.append(key), weigh=lambda _: 40)

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert computed == ["a", "b", "c", "b"]


def test_an_answer_larger_than_the_budget_is_not_kept() -> None:
    cache, asked = AnswerCache(budget_bytes=100), count()
    for _ in range(2):
        last = cache.get("all rows", version=1, compute=lambda: next(asked), weigh=lambda _: 101)
    assert last == 1


def test_an_answer_that_was_overtaken_by_a_load_is_not_kept() -> None:
    cache = AnswerCache()

    def overtaken() -> str:
        cache.get("other", version=2, compute=lambda: "new")
        return "old"

    assert cache.get("slow", version=1, compute=overtaken) == "old"
    assert cache.get("slow", version=2, compute=lambda: "new") == "new"
