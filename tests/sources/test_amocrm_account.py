"""The account on loopback answers as an amoCRM does, so that a connector tested on it meets what it will meet."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from sources.amocrm_account import Account
from sources.amocrm_dictionaries import LOST, WON
from sources.amocrm_refusals import Faults, Limits

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture
def account() -> Iterator[Account]:
    with Account(now=NOW) as opened:
        yield opened


@pytest.fixture
def client(account: Account) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {account.token}"}
    with httpx.Client(base_url=account.url + "/api/v4/", headers=headers) as opened:
        yield opened


def walk(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(path, params=params)
    found: list[dict[str, Any]] = []
    while answer.status_code == 200:
        assert answer.headers["content-type"] == "application/hal+json"
        body = answer.json()
        found += next(iter(body["_embedded"].values()))
        if "next" not in body["_links"]:
            return found
        answer = client.get(body["_links"]["next"]["href"])
    assert answer.status_code == 204, answer.text
    assert not answer.content
    return found


def test_every_list_comes_whole(account: Account, client: httpx.Client) -> None:
    truth = account.truth()
    leads = walk(client, "leads", limit=50, **{"with": "contacts,loss_reason", "order[updated_at]": "asc"})
    assert [one["updated_at"] for one in leads] == sorted(one["updated_at"] for one in leads)
    assert len({one["id"] for one in leads}) == truth["lead"] == 200
    won = Counter(one["pipeline_id"] for one in leads if one["status_id"] == WON)
    assert won == Counter({key: count for key, count in truth["won"].items() if count})
    assert all((one["closed_at"] is not None) == (one["status_id"] in (WON, LOST)) for one in leads)
    assert {len(one["_embedded"]["contacts"]) for one in leads} == {0, 1, 2}
    assert any(one["_embedded"]["loss_reason"] for one in leads)
    plain = walk(client, "leads", limit=250)
    assert [one["id"] for one in plain] == sorted(account.records["lead"])
    assert "contacts" not in plain[0]["_embedded"]
    assert {str(one["custom_fields_values"]) for one in plain} > {"None", "[]"}
    for path in ("contacts", "companies", "tasks", "users"):
        kind = {"companies": "company"}.get(path, path[:-1])
        assert len(walk(client, path, limit=7)) == truth[kind]
    notes = [note for owner in ("leads", "contacts", "companies") for note in walk(client, f"{owner}/notes")]
    assert len(notes) == truth["calls"] == 80


def test_events_lead_to_the_present_status(account: Account, client: httpx.Client) -> None:
    moves = walk(client, "events", limit=100, **{"filter[type]": "lead_status_changed,lead_restored"})
    assert len(moves) == account.truth()["status_changes"]
    chain: dict[int, Any] = {}
    for move in moves:
        assert chain.get(move["entity_id"], move["value_before"]) == move["value_before"]
        chain[move["entity_id"]] = move["value_after"]
    for number, value in chain.items():
        lead = account.records["lead"][number]
        assert value == [{"lead_status": {"id": lead["status_id"], "pipeline_id": lead["pipeline_id"]}}]


def test_dictionaries(account: Account, client: httpx.Client) -> None:
    pipelines = walk(client, "leads/pipelines")
    assert len(pipelines) == 3
    for pipeline in pipelines:
        statuses = {one["id"]: one for one in pipeline["_embedded"]["statuses"]}
        assert (statuses[WON]["sort"], statuses[LOST]["sort"]) == (10_000, 11_000)
        assert [one["type"] for one in statuses.values()].count(1) == 1
    assert client.get("account").json()["id"] == account.account_id
    assert {one["code"] for one in walk(client, "contacts/custom_fields")} >= {"PHONE", "EMAIL"}
    assert "groups" in walk(client, "users", **{"with": "group"})[0]["_embedded"]
    assert client.get("webhooks").json()["_total_items"] == 1
    assert len(walk(client, "leads/loss_reasons")) == 4


def test_a_lead_lives_and_its_changes_are_found(account: Account, client: httpx.Client) -> None:
    contact = account.add_contact(name="Зоя", phones=["+79161234567", "89031234567"])
    before = account.truth()
    account.advance(timedelta(hours=1))
    since = int(account.now().timestamp())
    lead = account.add_lead(name="Новая", price=500, contacts=[contact])
    account.change_lead(lead, status_id=WON)
    changed = walk(client, "leads", **{"filter[updated_at][from]": since, "with": "contacts"})
    assert [(one["id"], one["status_id"]) for one in changed] == [(lead, WON)]
    assert changed[0]["_embedded"]["contacts"][0]["is_main"] is True
    assert changed[0]["closed_at"] >= since
    hook = parse_qs(account.hook("leads", "status", lead).decode())
    assert hook["leads[status][0][status_id]"] == ["142"]
    assert hook["leads[status][0][old_status_id]"] == [str(account.records["pipeline"][5204152]["id"] * 10 + 1)]
    assert hook["account[subdomain]"] == [account.subdomain]
    phones = parse_qs(account.hook("contacts", "add", contact).decode())
    assert phones["contacts[add][0][custom_fields][0][values][1][value]"] == ["89031234567"]
    account.add_call(lead, duration=0)
    assert account.truth()["missed"] == before["missed"] + 1
    account.delete("lead", lead)
    assert client.get(f"leads/{lead}").status_code == 204
    bin_ = walk(client, "leads", **{"with": "only_deleted"})
    assert [(one["id"], one["is_deleted"]) for one in bin_] == [(lead, True)]
    assert "price" not in bin_[0]
    account.answers.bare_deleted = False
    assert walk(client, "leads", **{"with": "only_deleted"})[0]["price"] == 500
    assert account.truth()["calls"] == before["calls"]
    account.restore(lead)
    account.change_lead(lead, pipeline_id=5204300)
    assert client.get(f"leads/{lead}").json()["closed_at"] is None
    account.delete("contact", contact)
    assert client.get(f"leads/{lead}", params={"with": "contacts"}).json()["_embedded"]["contacts"] == []
    told = walk(client, "events", **{"filter[entity]": "lead", "filter[entity_id][]": lead})
    kinds = ["lead_added", "lead_status_changed", "lead_deleted", "lead_restored", "lead_status_changed"]
    assert [one["type"] for one in told] == kinds


@pytest.mark.parametrize(
    "asked",
    [
        "leads?limit=251",
        "events?limit=101",
        "leads?page=0",
        "leads?filter[updated]=1",
        "leads?filter[updated_at][from]=2026-05-01",
        "leads?order[price]=asc",
        "leads?with=contact",
        "leads?start=50",
        "events?filter[entity_id]=5",
        "leads?" + "&".join(f"filter[id][]={number}" for number in range(251)),
    ],
)
def test_mistakes_are_refused(client: httpx.Client, asked: str) -> None:
    answer = client.get(asked)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() == {"title", "type", "status", "detail"}


def test_faults(account: Account, client: httpx.Client) -> None:
    account.faults.rate = 3
    assert [client.get("account").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    account.faults.bans = True
    assert [client.get("account").status_code for _ in range(20)][-1] == 403
    account.limits = Limits(Faults(every=2, kinds=["500", "garbage", "drop", "half"]))
    assert [client.get("account").status_code for _ in range(2)] == [200, 500]
    client.get("account")
    with pytest.raises(ValueError, match="Expecting"):
        client.get("account").json()
    for _ in range(2):
        assert client.get("account").status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("account")
    seen: list[str] = []
    account.limits = Limits(Faults(forbidden={"events"}, on_request=lambda path, params: seen.append(path)))
    assert client.get("events").status_code == 403
    assert client.get("account", headers={"Authorization": "Bearer other"}).status_code == 401
    account.faults.revoked = True
    assert client.get("account").json()["status"] == 401
    assert seen == ["/api/v4/events", "/api/v4/account", "/api/v4/account"]
    assert account.requests[-3:] == [("/api/v4/events", 403), ("/api/v4/account", 401), ("/api/v4/account", 401)]


def test_a_list_is_live_and_many_share_a_second() -> None:
    with Account(leads=1000, now=NOW) as account:
        headers = {"Authorization": f"Bearer {account.token}"}
        with httpx.Client(base_url=account.url + "/api/v4/", headers=headers) as client:
            asked = {"limit": 250, "order[updated_at]": "asc", "page": 1}
            first = [one["id"] for one in client.get("leads", params=asked).json()["_embedded"]["leads"]]
            ahead = client.get("leads", params=asked | {"page": 2}).json()["_embedded"]["leads"]
            account.change_lead(first[0], price=1)
            shifted = client.get("leads", params=asked | {"page": 2}).json()["_embedded"]["leads"]
            assert shifted[0]["id"] == ahead[1]["id"]
    assert max(Counter(one["updated_at"] for one in account.records["lead"].values()).values()) >= 299


def test_the_same_seed_makes_the_same_account_quickly() -> None:
    began = time.monotonic()
    account = Account(now=NOW, leads=2000)
    assert time.monotonic() - began < 2
    assert account.truth() == Account(now=NOW, leads=2000).truth()
    assert account.truth() != Account(now=NOW, leads=2000, seed=2).truth()
