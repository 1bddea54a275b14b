"""Is the quality of leads learned from what was known when they came, and from nothing that success itself brought?"""

from datetime import date, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest

from engines import ENGINES, ON_EVERY_ENGINE, EngineUnderTest, inputs_on
from rakurs.core.model import Fitted
from rakurs.models.leads import MODEL

TODAY = date(2026, 3, 31)
STAGES = [
    {"pipeline_id": "p", "stage_id": "new", "name": "New", "position": 1, "outcome": "open"},
    {"pipeline_id": "p", "stage_id": "won", "name": "Won", "position": 2, "outcome": "won"},
    {"pipeline_id": "p", "stage_id": "lost", "name": "Lost", "position": 3, "outcome": "lost"},
]
Rows = dict[str, list[dict[str, Any]]]


def lead(name: str, day: date, **more: Any) -> dict[str, Any]:
    return {"lead_id": name, "created_at": day.isoformat(), **more}


def deal(name: str, day: date, closed: date | None, stage: str = "won", **more: Any) -> dict[str, Any]:
    return {
        "deal_id": name,
        "pipeline_id": "p",
        "created_at": day.isoformat(),
        "closed_at": closed.isoformat() if closed else None,
        "stage_id": stage if closed else "new",
        "amount": 1000,
        **more,
    }


def made(chances: dict[str, float], count: int = 3_000) -> Rows:
    """Leads of two years: the channel decides. Whoever bought becomes a customer on that day, a company always."""
    random = Random(3)
    rows: Rows = {"stages": STAGES, "leads": [], "deals": [], "customers": []}
    for number in range(count):
        channel, day = random.choice(sorted(chances)), TODAY - timedelta(days=random.randrange(730))
        closed = day + timedelta(days=random.randrange(1, 60))
        known = {"channel_id": channel}
        if random.random() < chances[channel] and closed <= TODAY:
            rows["customers"].append({"customer_id": f"c{number}", "kind": "company", "created_at": day.isoformat()})
            rows["deals"].append(deal(f"d{number}", day, closed, customer_id=f"c{number}"))
            known |= {"customer_id": f"c{number}", "converted_deal_id": f"d{number}"}
        rows["leads"].append(lead(f"l{number}", day, **known))
    return rows


def learned(rows: Rows) -> tuple[Fitted, list[dict[str, Any]]]:
    engine, bound = ENGINES[0], MODEL.params().bound(TODAY)
    inputs = inputs_on(engine, MODEL, rows)
    fitted = MODEL.fit(engine.collect(MODEL.samples(inputs, bound)).sort_by(MODEL.key), bound)
    return fitted, MODEL.score(fitted.artefact, engine.collect(MODEL.present(inputs, bound)), bound).to_pylist()


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_a_lead_is_seen_as_when_it_came(engine: EngineUnderTest) -> None:
    day = date(2026, 3, 1)
    rows: Rows = {
        "stages": STAGES,
        "customers": [
            {"customer_id": "old", "kind": "company", "region": "Tula", "created_at": "2026-01-01"},
            {"customer_id": "same day", "kind": "company", "region": "Tula", "created_at": "2026-03-01 09:00"},
        ],
        "leads": [
            lead("first", date(2026, 1, 5), customer_id="old"),
            lead("again", day, customer_id="old", channel_id="ads"),
            lead("made a customer", day, customer_id="same day"),
            lead("nobody", day),
            lead("over", day, customer_id="old", converted_deal_id="lost"),
            lead("under way", day, converted_deal_id="open"),
            # The sixtieth day before today is in, the one before it is not.
            lead("last", TODAY - timedelta(days=59)),
            lead("too old", TODAY - timedelta(days=60)),
            lead("tomorrow", TODAY + timedelta(days=1)),
        ],
        "deals": [
            deal("won before", date(2026, 1, 5), date(2026, 2, 28), customer_id="old"),
            deal("won that day", date(2026, 1, 5), day, customer_id="old"),
            deal("lost", day, TODAY, "lost"),
            deal("open", day, None),
        ],
    }
    bound = MODEL.params().bound(TODAY)
    found = {
        row["lead_id"]: row for row in engine.collect(MODEL.present(inputs_on(engine, MODEL, rows), bound)).to_pylist()
    }
    assert set(found) == {"again", "made a customer", "nobody", "under way", "last"}
    again = found["again"]
    assert (again["customer_kind"], again["region"], again["channel"]) == ("company", "Tula", "ads")
    assert (again["came_before"], again["won_before"]) == (1, 1)
    for name in ("made a customer", "nobody"):
        known = found[name]
        assert [known[part] for part in ("customer_kind", "region", "came_before", "won_before")] == [None] * 4


def test_the_channels_chance_comes_back_and_what_success_brought_tells_nothing() -> None:
    chances = {"ads": 0.1, "friends": 0.5}
    fitted, said = learned(made(chances))
    (auc,) = [measure for measure in fitted.card.measures if measure.name == "auc"]
    # By the channel alone; a company would tell all.
    assert auc.value < 0.8
    told = sorted({round(row["score"], 3) for row in said})
    assert told[0] == pytest.approx(0.1, abs=0.04)
    assert told[-1] == pytest.approx(0.5, abs=0.06)
    assert np.mean([float(row["amount"]) / row["score"] for row in said]) == pytest.approx(1000, rel=1e-3)


def test_a_lead_that_won_too_late_did_not_win() -> None:
    engine, bound = ENGINES[0], MODEL.params().bound(TODAY)
    day = TODAY - timedelta(days=120)
    rows: Rows = {
        "stages": STAGES,
        "leads": [lead(name, day, converted_deal_id=name) for name in ("in time", "late", "unloaded")],
        "deals": [
            deal("in time", day, day + timedelta(days=90)),
            deal("late", day, day + timedelta(days=91)),
        ],
    }
    found = engine.collect(MODEL.samples(inputs_on(engine, MODEL, rows), bound)).to_pylist()
    assert {row["lead_id"]: (row["label"], row["came_amount"]) for row in found} == {
        "in time": (1, 1000),
        "late": (0, None),
        "unloaded": (0, None),
    }
