"""Nobody is shown another's rows: every route of the resolver, asked by everyone with another branch's ids."""

import json
from collections.abc import Generator, Iterator

import httpx
import pytest
from walking import (
    EVERYTHING_THERE_IS,
    FOREIGN,
    LIMITED,
    OF_ANOTHER,
    PEOPLE,
    PIVOT,
    PRIVATE,
    QUERIES,
    SEES_NO_PERSONAL_DATA,
    House,
    addresses,
    cell,
    house_of,
    two_branches,
)

from processes import Machine
from rakurs.analyses import AREAS
from routes import Route

ANALYSES = {analysis.name for area in AREAS for analysis in area.analyses}
OPEN_TO_ANYBODY = {
    "api-root": "answers nothing to anybody",
    "site_script": "visitors of the company's site have no account; the script tells nothing of the company",
    "collect": "visitors of the company's site have no account: it takes from the named sites and answers nothing",
    "hook_below": "the same, under a path that the system adds by itself",
    "hook": "a followed system has no account: it proves itself by the token of its webhook",
    "health": "whoever watches the process has no account",
    "login": "the way in",
    "login_code": "the second step of the way in",
    "join": "whoever was invited has no account yet; a wrong link opens nothing",
    "set_language": "the login page itself is read in a language",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    machine = Machine(tmp_path_factory.mktemp("walk") / "home")
    machine.run("load", str(two_branches(tmp_path_factory.mktemp("branches") / "files")))
    with machine.served() as served:
        yield house_of(machine, served)


def asked(client: httpx.Client, address: str) -> tuple[int, str]:
    """Status and text; of an endless stream only the first piece."""
    with client.stream("GET", address) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return answer.status_code, next(answer.iter_text())
        answer.read()
        return answer.status_code, answer.text


def kinds(house: House) -> dict[str, list[str]]:
    """Addresses by what answers them: the routes the API has per analysis are one kind, as a page's are."""
    found: dict[str, list[str]] = {}
    for route in house.routes:
        parts = route.route.split("/")
        is_of_one = route.is_api and len(parts) > 3 and parts[3] in ANALYSES
        kind = "/".join([*parts[:3], "<name>", *parts[4:]]) if is_of_one else route.route
        found.setdefault(kind, []).extend(walked(house, route))
    # Plain before narrowed, so that whoever asks every fourth address asks some of both.
    return {kind: sorted(set(known), key=lambda address: "manager=" in address) for kind, known in found.items()}


def walked(house: House, route: Route) -> Iterator[str]:
    """The addresses of a route, with the queries its kind understands."""
    for address in addresses(route, house.ids):
        parts = address.removeprefix("/api/v1").split("/")
        if parts[1] in {"reports", "analyses"} and set(parts[2:3]) & ANALYSES:
            if "members" in route.route:
                yield address + cell(parts[2], is_api=route.is_api)
            elif len(parts) > 3:
                yield address + EVERYTHING_THERE_IS
                yield address + OF_ANOTHER
            else:
                yield address
        else:
            yield address
            if route.name in QUERIES:
                yield address + QUERIES[route.name]


def share_of(who: str, known: list[str]) -> list[str]:
    """The addresses of one kind that `who` asks: all of a few; of many each limited user asks every fourth."""
    place = LIMITED.index(who)
    return known if len(known) <= len(LIMITED) else known[place :: len(LIMITED)]


def test_the_walk_knows_everybody_and_every_route(house: House) -> None:
    assert set(PEOPLE) == {*LIMITED, "boss", SEES_NO_PERSONAL_DATA}
    assert len(house.routes) > 60
    known = {route.name for route in house.routes}
    assert known >= {"home", "report", "download", "members", "account", "loads", "login"}
    with house.browser("boss") as boss:  # what the walk looks for is there to be found
        status, text = asked(boss, "/reports/customer_rating/?period=all")
        assert (status, FOREIGN in text) == (200, True)
        assert PRIVATE in asked(boss, "/reports/rfm/members/?period=all")[1]
        for known in ("report_id", "key", "segment_id"):
            page = {"report_id": "my", "key": "dashboards", "segment_id": "segments"}[known]
            assert FOREIGN in asked(boss, f"/{page}/{house.ids[known][0]}/")[1], known
        tile = f"/dashboards/{house.ids['key'][1]}/tiles/managers/"
        assert FOREIGN in asked(boss, tile)[1]
        assert FOREIGN in asked(boss, f"/build/{QUERIES['build']}")[1]
        assert FOREIGN in asked(boss, f"/search{QUERIES['palette']}")[1]
        for page in ("notices", "data/loads", "settings", "settings/audit"):
            assert FOREIGN in asked(boss, f"/{page}/")[1], page


def test_nobody_unknown_is_let_in(house: House) -> None:
    with house.browser(None) as stranger:
        for route in house.routes:
            if route.name in OPEN_TO_ANYBODY:
                continue
            address = next(addresses(route, house.ids))
            for headers in ({}, {"HX-Request": "true"}):
                answer = stranger.get(address, headers=headers)
                if route.is_api:
                    assert answer.status_code in {401, 405}, (address, answer.status_code)
                else:
                    assert answer.status_code == 302, (address, answer.status_code)
                    assert answer.headers["location"].startswith("/login"), address


@pytest.mark.parametrize("who", LIMITED)
def test_a_limited_user_is_never_shown_another_branch(house: House, who: str) -> None:
    wanted = [address for known in kinds(house).values() for address in share_of(who, known)]
    shown = found_in(house, who, wanted, FOREIGN)
    assert not shown, shown


@pytest.mark.parametrize("who", LIMITED)
def test_a_question_sent_by_a_limited_user_reaches_no_other_branch(house: House, who: str) -> None:
    period = {"from_day": "2026-01-01", "to_day": "2026-02-01"}
    with house.program(who) as program:
        for address, body in (
            ("/api/v1/ask", {"asked": PIVOT}),
            ("/api/v1/ask/members", {"asked": PIVOT, "cell": {"manager_id": "m2"}}),
            ("/api/v1/reconcile", {"params": {"metric": "deals_won", **period}, "ids": "d5\nd7"}),
        ):
            answer = program.post(address, json=body)
            assert answer.status_code == 200, (address, answer.text)
            assert FOREIGN not in answer.text, address
            if "members" in address:
                assert answer.json()["ids"] == []


def test_whoever_may_not_see_personal_data_is_never_shown_any(house: House) -> None:
    marks = ("members", "download", "export", "customers", "segments", "search")
    wanted = [address for known in kinds(house).values() for address in known if any(mark in address for mark in marks)]
    shown = found_in(house, SEES_NO_PERSONAL_DATA, wanted, PRIVATE)
    assert not shown, shown


def test_a_limited_user_never_reaches_what_takes_the_whole_company(house: House) -> None:
    for who in LIMITED:
        with house.browser(who) as client:
            for route in house.routes:
                if route.route.startswith(("settings/", "data/")):
                    address = next(addresses(route, house.ids))
                    assert asked(client, address)[0] in {403, 404, 405}, (who, address)


def found_in(house: House, who: str, wanted: list[str], word: str) -> list[str]:
    """The addresses at which `who` was shown `word`; every answer must be one, never a failure."""
    shown: list[str] = []
    failed: list[str] = []
    with house.browser(who) as browser, house.program(who) as program:
        for address in wanted:
            status, text = asked(program if address.startswith("/api/") else browser, address)
            if status >= 500:
                failed.append(address)
            if word in text:
                shown.append(address)
    assert not failed, (failed, house.served.printed[-3000:])
    return shown


def test_nothing_is_changed_without_the_token_of_a_form(house: House) -> None:
    with house.browser("boss") as boss:
        for known in kinds(house).values():
            is_api = known[0].startswith("/api/")
            for method in ("POST", "PUT", "PATCH", "DELETE") if is_api else ("POST",):
                answer = boss.request(method, known[0])
                refused = {401, 403, 405} if is_api else {403}
                assert answer.status_code in refused, (method, known[0], answer.status_code)


def test_whoever_may_not_share_keeps_what_they_make_to_themselves(house: House) -> None:
    for who, status in (("manager", 403), ("head", 302)):
        with house.browser(who) as client:
            client.get("/account/")
            made: dict[str, str] = {}
            for name, address, fields in (
                ("my", "/my/new", {"asked": json.dumps(PIVOT)}),
                ("dashboards", "/dashboards/new", {}),
                ("segments", "/segments/new/?way=list", {"ids": "c1"}),
            ):
                location = sent(client, address, title="Моё", **fields).headers["location"]
                made[name] = "/".join(location.split("/")[:3])
            everyone = {"deed": "share", "audience": "everyone"}
            assert sent(client, f"{made['my']}/change", **everyone).status_code == status
            assert sent(client, f"{made['dashboards']}/share", **everyone).status_code == status
            assert sent(client, f"{made['segments']}/change", **everyone).status_code == status
            shared = {"title": "Сразу всем", "asked": json.dumps(PIVOT), "audience": "everyone"}
            assert sent(client, "/my/new", **shared).status_code == status
            assert ("Сразу всем" in client.get("/my/").text) == (status == 302)
            private = {"deed": "share", "audience": "private"}
            assert sent(client, f"{made['segments']}/change", **private).status_code == 302


def sent(client: httpx.Client, address: str, **fields: str) -> httpx.Response:
    return client.post(address, data={**fields, "csrfmiddlewaretoken": client.cookies["csrftoken"]})
