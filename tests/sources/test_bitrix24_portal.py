"""The portal on loopback answers as a Bitrix24 does, so that a connector tested on it meets what it will meet."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from sources.bitrix24_dictionaries import SMART, STAGE_SEMANTICS
from sources.bitrix24_php import php_query
from sources.bitrix24_portal import Portal
from sources.bitrix24_records import rows_sum
from sources.bitrix24_values import MOSCOW, moment


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal() as opened:
        yield opened


@pytest.fixture
def client(portal: Portal) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=portal.url) as opened:
        yield opened


def ask(client: httpx.Client, method: str, **params: Any) -> dict[str, Any]:
    answer = client.post(method, json=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_same_seed_makes_the_same_company(portal: Portal) -> None:
    again = Portal(now=portal.now())
    assert [d["TITLE"] for d in again.records["deal"].values()] == [d["TITLE"] for d in portal.records["deal"].values()]
    assert Portal(seed=2).code != portal.code


def test_pages_of_fifty_with_total_and_next(portal: Portal, client: httpx.Client) -> None:
    first = ask(client, "crm.deal.list")
    assert (len(first["result"]), first["total"], first["next"]) == (50, 200, 50)
    assert {"start", "finish", "duration", "processing", "date_start", "operating_reset_at"} <= first["time"].keys()
    last = ask(client, "crm.deal.list", start=150)
    assert len(last["result"]) == 50
    assert "next" not in last
    deal = first["result"][0]
    assert all(value is None or isinstance(value, str) for value in deal.values())
    assert not any(name.startswith("UF_") for name in deal)
    big = ask(client, "crm.deal.list", start=-1, order={"ID": "ASC"}, filter={">ID": deal["ID"]})
    assert big["total"] == 0
    assert "next" not in big
    assert big["result"][0] == first["result"][1]


def test_selects_with_custom_fields_and_phones(portal: Portal, client: httpx.Client) -> None:
    deal = ask(client, "crm.deal.list", select=["*", "UF_*"])["result"][0]
    assert "UF_CRM_1721244482250" in deal
    assert set(ask(client, "crm.deal.list", SELECT=["TITLE"])["result"][0]) == {"ID", "TITLE"}
    phones = [c for c in portal.records["contact"].values() if "PHONE" in c]
    assert 0 < len(phones) < 120
    (found,) = ask(client, "crm.contact.list", filter={"ID": phones[0]["ID"]}, select=["NAME", "PHONE"])["result"]
    assert found["PHONE"] == phones[0]["PHONE"]
    assert "PHONE" not in ask(client, "crm.contact.list", filter={"ID": phones[0]["ID"]})["result"][0]
    assert ask(client, "crm.contact.get", id=phones[0]["ID"])["result"]["PHONE"] == phones[0]["PHONE"]
    fields = ask(client, "crm.deal.fields")["result"]
    assert fields["UF_CRM_1721244500003"]["items"][0] == {"ID": "45", "VALUE": "Розница"}


def test_filters_mean_what_the_documentation_says(portal: Portal, client: httpx.Client) -> None:
    deals = portal.records["deal"].values()

    def count(**asked: Any) -> int:
        return ask(client, "crm.deal.list", filter=asked)["total"]

    assert count(STAGE_ID=["WON", "C3:WON"]) == sum(d["STAGE_ID"] in ("WON", "C3:WON") for d in deals)
    assert count(**{"!@CATEGORY_ID": [0, 3]}) == sum(d["CATEGORY_ID"] == "7" for d in deals)
    assert count(**{">OPPORTUNITY": 1000}) == sum(Decimal(d["OPPORTUNITY"]) > 1000 for d in deals)
    assert count(**{"%TITLE": "поставка"}) == sum("Поставка" in d["TITLE"] for d in deals)
    assert count(**{"=%TITLE": "поставка%"}) == sum(d["TITLE"].startswith("Поставка") for d in deals)
    assert count(**{"!CONTACT_ID": ""}) == sum(d["CONTACT_ID"] is not None for d in deals)
    assert count(**{">id": 10**9, "NO_SUCH": 1}) == 200
    [(bulk, same)] = Counter(d["DATE_MODIFY"] for d in deals).most_common(1)
    assert same > 50
    assert count(**{">=DATE_MODIFY": bulk}) == sum(moment(d["DATE_MODIFY"]) >= moment(bulk) for d in deals)
    # One moment in twenty is written in the time of Greenwich already.
    in_greenwich = datetime.fromisoformat(bulk).astimezone(MOSCOW).replace(tzinfo=UTC).isoformat()
    assert count(**{">=DATE_MODIFY": in_greenwich}) < count(**{">=DATE_MODIFY": bulk})
    broken = client.get("crm.deal.list?filter[%3E%3DDATE_MODIFY]=2026-01-01T00:00:00+03:00")
    assert broken.status_code == 400
    assert broken.json()["error"] == "INVALID_ARG_VALUE"
    by_sum = ask(client, "crm.deal.list", order={"OPPORTUNITY": "DESC"})["result"]
    sums = [Decimal(d["OPPORTUNITY"]) for d in by_sum]
    assert sums == sorted(sums, reverse=True)


def test_a_batch_walks_by_references(portal: Portal, client: httpx.Client) -> None:
    commands = {
        "p0": "crm.deal.list?" + urlencode({"order[ID]": "ASC", "filter[>ID]": 0, "start": -1, "select[]": "ID"})
    }
    for n in range(1, 4):
        after = {"order[ID]": "ASC", "filter[>ID]": f"$result[p{n - 1}][49][ID]", "start": -1, "select[]": "ID"}
        commands[f"p{n}"] = "crm.deal.list?" + urlencode(after)
    found = ask(client, "batch", halt=0, cmd=commands)["result"]
    ids = [int(deal["ID"]) for n in range(4) for deal in found["result"][f"p{n}"]]
    assert ids == list(portal.records["deal"])
    assert found["result_error"] == []
    assert portal.subcalls == {"crm.deal.list": 4}
    more = ask(client, "batch", cmd={**commands, "p4": commands["p3"].replace("p2", "p9")})["result"]["result"]["p4"]
    assert int(more[0]["ID"]) == ids[0]  # an id that is not there reads as nothing, and every id is above nothing
    items = {
        "a": "crm.item.list?entityTypeId=2&start=-1&order[id]=ASC&select[]=id",
        "b": "crm.item.list?entityTypeId=2&start=-1&order[id]=ASC&select[]=id&filter[>id]=$result[a][items][49][id]",
    }
    assert ask(client, "batch", cmd=items)["result"]["result"]["b"]["items"][0] == {"id": ids[50]}


def test_what_a_batch_refuses(portal: Portal, client: httpx.Client) -> None:
    portal.faults.missing_scopes = {"telephony"}
    cmd = ["user.current", "batch?cmd[a]=user.get", "no.such", "voximplant.statistic.get", "crm.deal.list"]
    found = ask(client, "batch", cmd=cmd)["result"]
    assert set(found["result"]) == {"0", "4"}
    assert {key: error["error"] for key, error in found["result_error"].items()} == {
        "1": "ERROR_BATCH_METHOD_NOT_ALLOWED",
        "2": "ERROR_METHOD_NOT_FOUND",
        "3": "insufficient_scope",
    }
    assert found["result_total"] == {"4": 200}
    assert ask(client, "batch", cmd=cmd, halt=1)["result"]["result"] == [portal.records["user"][1]]
    many = ask(client, "batch", cmd={f"k{n}": "profile" for n in range(52)})["result"]
    assert len(many["result"]) == 50
    assert many["result_error"]["k51"]["error"] == "ERROR_BATCH_LENGTH_EXCEEDED"


def test_parameters_come_as_json_form_or_query(portal: Portal, client: httpx.Client) -> None:
    form = {"filter[@ID][]": list(portal.records["deal"])[:2], "select[]": ["ID", "TITLE"]}
    by_form = client.post("crm.deal.list", data=form).json()
    by_query = client.get("crm.deal.list.json?" + urlencode(form, doseq=True)).json()
    by_json = ask(client, "crm.deal.list", filter={"@ID": form["filter[@ID][]"]}, select=["ID", "TITLE"])
    assert by_form["result"] == by_query["result"] == by_json["result"]
    assert len(by_form["result"]) == 2
    assert php_query("filter[>=DATE]=1") == {"filter_>": "DATE]=1"}


def test_universal_methods_speak_in_numbers(portal: Portal, client: httpx.Client) -> None:
    first = next(iter(portal.records["deal"].values()))
    (item,) = ask(client, "crm.item.list", entityTypeId=2, filter={"id": first["ID"]})["result"]["items"]
    assert item["id"] == int(first["ID"])
    assert Decimal(str(item["opportunity"])) == Decimal(first["OPPORTUNITY"])
    assert item["createdTime"] == first["DATE_CREATE"]
    assert item["ufCrm_1721244482250"] == first["UF_CRM_1721244482250"]
    either = {"0": {"logic": "OR", "0": {"stageId": "WON"}, "1": {"stageId": "C3:WON"}}}
    won = sum(d["STAGE_ID"] in ("WON", "C3:WON") for d in portal.records["deal"].values())
    assert ask(client, "crm.item.list", entityTypeId=2, filter=either)["total"] == won
    refused = client.post("crm.item.list", json={"entityTypeId": 2, "filter": {">ID": 1}})
    assert (refused.status_code, refused.json()["error"]) == (400, "INVALID_ARG_VALUE")
    (kind,) = ask(client, "crm.type.list")["result"]["types"]
    assert ask(client, "crm.item.list", entityTypeId=kind["entityTypeId"])["total"] == 12
    assert kind["entityTypeId"] == SMART


def test_dictionaries_goods_people_and_calls(portal: Portal, client: httpx.Client) -> None:
    categories = ask(client, "crm.category.list", entityTypeId=2)["result"]["categories"]
    assert [c["id"] for c in categories] == [0, 3, 7]
    stages = ask(client, "crm.status.list", filter={"ENTITY_ID": "DEAL_STAGE_3"}, order={"SORT": "ASC"})["result"]
    assert stages[0]["STATUS_ID"] == "C3:NEW"
    assert {s["SEMANTICS"] for s in stages} == {None, "S", "F"}
    catalogs = ask(client, "catalog.catalog.list")["result"]["catalogs"]
    assert {c["productIblockId"] for c in catalogs} == {None, 23}
    refused = client.post("catalog.product.list", json={"select": ["id"], "filter": {"iblockId": 23}})
    assert refused.status_code == 400
    goods = ask(client, "catalog.product.list", select=["id", "iblockId", "name"], filter={"iblockId": [23, 24]})
    assert goods["total"] == 30
    assert ask(client, "catalog.price.list")["total"] == 30
    assert client.post("crm.item.productrow.list", json={}).json()["error"] == "REQUIRED_ARG_MISSING"
    owner = next(iter(portal.rows_of))
    rows = ask(client, "crm.item.productrow.list", filter={"=ownerType": "D", "=ownerId": owner})["result"]
    assert [row["id"] for row in rows["productRows"]] == portal.rows_of[owner]
    assert len(ask(client, "user.get", FILTER={"ACTIVE": True})["result"]) == 8
    assert len(ask(client, "department.get")["result"]) == 4
    calls = ask(client, "voximplant.statistic.get", FILTER={"CALL_FAILED_CODE": "304"}, SORT="ID", ORDER="ASC")
    assert calls["total"] == portal.truth()["calls_by_code"]["304"]
    ignored = ask(client, "voximplant.statistic.get", filter={"CALL_FAILED_CODE": "304"})
    assert ignored["total"] == 80
    assert set(ask(client, "scope")["result"]) == {"catalog", "crm", "department", "telephony", "user"}


def test_truth_agrees_with_records_and_history(portal: Portal) -> None:
    truth, deals = portal.truth(), portal.records["deal"]
    won = [d for d in deals.values() if d["STAGE_SEMANTIC_ID"] == "S"]
    assert truth["won_count"] == len(won)
    assert truth["won_sum"] == sum(Decimal(d["OPPORTUNITY"]) for d in won)
    assert truth["won_count"] + truth["lost"] + truth["open"] == truth["counts"]["deal"] == 200
    last = {row["OWNER_ID"]: row for row in portal.records["stagehistory"].values()}
    for deal_id, deal in deals.items():
        assert last[deal_id]["STAGE_ID"] == deal["STAGE_ID"]
        assert moment(last[deal_id]["CREATED_TIME"]) == moment(deal["MOVED_TIME"])
        assert STAGE_SEMANTICS[deal["STAGE_ID"]] == (int(deal["CATEGORY_ID"]), deal["STAGE_SEMANTIC_ID"])
        created, moved, modified = (moment(deal[n]) for n in ("DATE_CREATE", "MOVED_TIME", "DATE_MODIFY"))
        assert created <= moved <= modified <= portal.clock()
        if deal["IS_MANUAL_OPPORTUNITY"] == "N":
            rows = [portal.records["productrow"][n] for n in portal.rows_of[deal_id]]
            assert rows_sum(rows) == Decimal(deal["OPPORTUNITY"])


def test_a_portal_lives_on(portal: Portal, client: httpx.Client) -> None:
    before = portal.truth()
    deal = portal.add_deal(TITLE="Новая", OPPORTUNITY=Decimal("10.50"), CATEGORY_ID=3)
    portal.advance(timedelta(hours=1))
    since = portal.now().replace(microsecond=0)
    portal.change_deal(deal, STAGE_ID="C3:EXECUTING")
    portal.change_deal(deal, STAGE_ID="C3:WON")
    portal.change_deal(deal, CATEGORY_ID=7, STAGE_ID="C7:LOSE")
    asked = {"OWNER_ID": deal}
    told = ask(client, "crm.stagehistory.list", entityTypeId=2, order={"ID": "ASC"}, filter=asked)["result"]["items"]
    assert [(row["TYPE_ID"], row["STAGE_ID"]) for row in told] == [
        (1, "C3:NEW"),
        (2, "C3:EXECUTING"),
        (3, "C3:WON"),
        (5, "C7:LOSE"),
    ]
    changed = ask(client, "crm.deal.list", filter={">=DATE_MODIFY": since.isoformat()})["result"]
    assert [(d["ID"], d["OPPORTUNITY"], d["CLOSED"]) for d in changed] == [(str(deal), "10.50", "Y")]
    with pytest.raises(ValueError, match="no stage"):
        portal.change_deal(deal, STAGE_ID="WON")
    portal.set_product_rows(deal, [{"productName": "Ложка", "price": 0.1, "quantity": 3}])
    portal.change("contact", next(iter(portal.records["contact"])), PHONE=["+79991234567"])
    found = ask(client, "crm.contact.list", filter={"PHONE": "+79991234567"}, select=["PHONE"])["result"]
    assert found[0]["PHONE"][0]["VALUE"] == "+79991234567"
    portal.delete("deal", deal)
    gone = client.post("crm.deal.get", json={"ID": deal})
    assert (gone.status_code, gone.json()) == (400, {"error": "", "error_description": "Not found"})
    after = portal.truth()
    assert after["won"] == before["won"]
    assert after["counts"] == before["counts"]
    body = parse_qs(portal.event("onCrmDealDelete", deal).decode())
    assert body["data[FIELDS][ID]"] == [str(deal)]
    assert body["auth[application_token]"] == [portal.application_token]
    assert b"application_token" not in portal.event("ONCRMDEALADD", deal, token=None)


def test_limits(portal: Portal, client: httpx.Client) -> None:
    portal.faults.rate, portal.faults.burst = 0.5, 3
    assert [client.post("profile").status_code for _ in range(4)] == [200, 200, 200, 503]
    portal.faults.rate = None
    portal.faults.operating_limit, portal.faults.operating_cost = 10, 6
    assert [client.post("crm.deal.list").status_code for _ in range(3)] == [200, 200, 429]
    assert client.post("crm.lead.list").json()["time"]["operating"] == 6
    portal.advance(timedelta(minutes=10))
    assert client.post("crm.deal.list").status_code == 200


def test_faults(portal: Portal, client: httpx.Client) -> None:
    portal.faults.every, portal.faults.kinds = 1, ("500", "502", "garbage", "drop", "half", "slow")
    portal.faults.slow_seconds = 0.01
    assert client.post("profile").json()["error"] == "INTERNAL_SERVER_ERROR"
    assert client.post("profile").status_code == 502
    assert client.post("profile").text.startswith("<!DOCTYPE")
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("profile")
    assert client.post("profile").status_code == 200
    assert [status for _, status in portal.requests] == [500, 502, 200, 0, 200, 200]
    portal.faults.every = None
    portal.faults.on_request = lambda method, params: portal.delete("deal", next(iter(portal.records["deal"])))
    assert [ask(client, "crm.deal.list")["total"] for _ in range(2)] == [199, 198]


def test_keys_and_tokens(portal: Portal, client: httpx.Client) -> None:
    assert client.post("no.such").status_code == 404
    wrong = httpx.post(f"{portal.origin}/rest/1/wrong/profile")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "INVALID_CREDENTIALS")
    assert client.post("event.bind").status_code == 403

    def by_token(method: str) -> httpx.Response:
        return httpx.post(f"{portal.origin}/rest/{method}", json={"auth": portal.access_token, "start": -1})

    assert by_token("crm.deal.list").status_code == 200
    assert by_token("event.bind").json()["result"] is True
    portal.advance(timedelta(hours=2))
    assert (by_token("profile").status_code, by_token("profile").json()["error"]) == (401, "expired_token")
    refresh = {"grant_type": "refresh_token", "client_id": portal.client_id, "client_secret": portal.client_secret}
    asked = {**refresh, "refresh_token": portal.refresh_token}
    given = httpx.get(f"{portal.origin}/oauth/token/", params=asked).json()
    assert (given["access_token"], given["refresh_token"]) == (portal.access_token, portal.refresh_token)
    assert given["expires_in"] == 3600
    assert by_token("profile").status_code == 200
    assert httpx.get(f"{portal.origin}/oauth/token/", params=asked).json()["error"] == "invalid_grant"
    assert (portal.refreshes, portal.early_refreshes) == (1, 0)
    portal.faults.revoked = True
    assert client.post("profile").status_code == 401
