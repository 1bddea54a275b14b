"""A program sees every channel, says which are one, and cost and leads meet; only who may load, and a mistake changes nothing."""

from time import monotonic, sleep

import httpx

from offices import Office


def read_as(client: httpx.Client) -> dict[str, str]:
    return {one["channel_id"]: one["read_as"] for one in client.get("/api/v1/channels").json()["channels"]}


def test_channels_are_one_until_parted(office: Office) -> None:
    rows = [{"channel_id": "ads:1", "name": "Ads"}, {"channel_id": "crm:ADS", "name": "ads"}]
    with office.as_("boss") as boss, office.as_("anna") as anna:
        assert anna.get("/api/v1/channels").status_code == 403
        assert boss.post("/api/v1/rows/channels", json=rows).status_code == 202
        began = monotonic()
        while "crm:ADS" not in (before := read_as(boss)):
            assert monotonic() - began < 20
            sleep(0.05)
        assert before["ads:1"] == "ads:1"
        joined = {"channels": ["ads:1", "crm:ADS"]}
        assert anna.post("/api/v1/channels/joined", json=joined).status_code == 403
        told = boss.post("/api/v1/channels/joined", json=joined)
        assert told.status_code == 200, told.text
        assert {one["read_as"] for one in told.json()["channels"] if one["channel_id"] in joined["channels"]} == {
            "ads:1"
        }
        again = boss.post("/api/v1/channels/joined", json=joined)
        assert again.status_code == 422
        wrong = boss.post("/api/v1/channels/joined", json={"channels": ["ads:1", "nowhere"]})
        assert wrong.status_code == 422
        assert "nowhere" in wrong.text
        assert boss.delete("/api/v1/channels/ads:1/joined").status_code == 200
        assert read_as(boss) == before
