"""A small random company with everything that makes real data hard, the same for the same seed."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

Rows = dict[str, list[dict[str, Any]]]

TODAY = date(2026, 4, 10)
FIRST = datetime.fromisoformat("2025-11-20")

STAGES = [
    {"pipeline_id": "sales", "stage_id": "new", "name": "Новая", "position": 10, "outcome": "open", "norm_hours": 48},
    {"pipeline_id": "sales", "stage_id": "talk", "name": "Разговор", "position": 20, "outcome": "open"},
    {"pipeline_id": "sales", "stage_id": "test", "name": "Проба", "position": 20, "outcome": "open"},
    {"pipeline_id": "sales", "stage_id": "offer", "name": "Предложение", "position": 35, "outcome": "open"},
    {"pipeline_id": "sales", "stage_id": "won", "name": "Успех", "position": 40, "outcome": "won"},
    {"pipeline_id": "sales", "stage_id": "prepaid", "position": 41, "outcome": "won"},
    {"pipeline_id": "sales", "stage_id": "lost", "name": "Отказ", "position": 50, "outcome": "lost"},
    {"pipeline_id": "service", "stage_id": "new", "position": 1, "outcome": "open"},
    {"pipeline_id": "service", "stage_id": "work", "position": 2, "outcome": "open"},
    {"pipeline_id": "service", "stage_id": "won", "position": 3, "outcome": "won"},
    {"pipeline_id": "service", "stage_id": "lost", "position": 4, "outcome": "lost"},
    {"pipeline_id": "service", "stage_id": "spam", "position": 0, "outcome": "lost"},
]
MANAGERS = ("anna", "boris", "vera")
CUSTOMERS = tuple(f"c{number}" for number in range(8))
CHANNELS = ("site", "call")
PRODUCTS = ("p1", "p2", "p3", "p4")


def _maybe(random: Random, values: tuple[str, ...], chance: float = 0.85) -> str | None:
    return random.choice(values) if random.random() < chance else None


def _moment(random: Random, after: datetime = FIRST, days: int = 130) -> datetime:
    """Often a round midnight, so that boundaries and ties happen."""
    moment = after + timedelta(days=random.randrange(days))
    return moment if random.random() < 0.4 else moment + timedelta(seconds=random.randrange(86_400))


def random_company(seed: int, *, deals: int = 14, orders: int = 16) -> Rows:
    random = Random(seed)
    rows: Rows = {
        "stages": list(STAGES),
        "pipelines": [{"pipeline_id": "sales", "name": "Продажи"}],
        "employees": [
            {"employee_id": "anna", "name": "Анна", "department": "Опт", "branch": "Центр"},
            {"employee_id": "boris", "name": "Борис", "department": "Опт"},
        ],
        "channels": [{"channel_id": "site", "name": "Сайт"}],
        "loss_reasons": [{"loss_reason_id": "price", "name": "Дорого", "is_controllable": True}],
        "customers": [
            {"customer_id": customer, "name": customer.upper(), "kind": random.choice(["person", "company", None])}
            for customer in CUSTOMERS[:6]
        ],
        "products": [
            {"product_id": "p1", "name": "Стул", "category": "Мебель", "unit_cost": "3.5"},
            {"product_id": "p2", "category": "Мебель", "unit_cost": "10"},
            {"product_id": "p3", "category": "Свет"},
        ],
        "deals": [],
        "deal_stage_events": [],
        "orders": [],
        "order_lines": [],
        "payments": [],
        "plans": [],
        "campaigns": [{"campaign_id": "spring", "channel_id": "site"}, {"campaign_id": "stray"}],
        "leads": [],
        "ad_costs": [],
        "service_costs": [],
        "activities": [],
        "promotions": [],
        "visits": [],
        "web_events": [],
        "stock": [],
        "experiment_assignments": [],
        "subscriptions": [],
        "survey_responses": [],
        "reviews": [],
    }
    for number in range(random.randrange(deals + 1)):
        _add_deal(rows, random, f"d{number}")
    for number in range(random.randrange(orders + 1)):
        _add_order(rows, random, f"o{number}")
    _add_plans(rows, random)
    _add_advertising(rows, Random(f"advertising {seed}"))
    _add_stock(rows, Random(f"stock {seed}"))
    _add_service(rows, Random(f"service {seed}"))
    _add_promotions(rows, Random(f"promotions {seed}"))
    _add_site(rows, Random(f"site {seed}"))
    _add_subscriptions(rows, Random(f"subscriptions {seed}"))
    _add_experiments(rows, Random(f"experiments {seed}"))
    _add_said(rows, Random(f"said {seed}"))
    return rows


def _add_deal(rows: Rows, random: Random, deal_id: str) -> None:
    pipeline = random.choice(["sales", "sales", "service"])
    own = [stage for stage in STAGES if stage["pipeline_id"] == pipeline]
    created = _moment(random)
    has_history = random.random() < 0.8
    way = [random.choice(own) for _ in range(random.randrange(1, 6))] if has_history else []
    at = created
    for stage in way:
        name = stage["stage_id"] if random.random() < 0.95 else "forgotten"
        event = {"deal_id": deal_id, "stage_id": name, "entered_at": at, "pipeline_id": random.choice([pipeline, None])}
        if not any(
            (row["deal_id"], row["stage_id"], row["entered_at"]) == (deal_id, name, at)
            for row in rows["deal_stage_events"]
        ):
            rows["deal_stage_events"].append(event)
        at = at + timedelta(seconds=random.choice([0, 3600, 5000, 86_400, 200_000]))
    present = way[-1] if way and random.random() < 0.9 else random.choice(own)
    is_final = present["outcome"] != "open"
    rows["deals"].append(
        {
            "deal_id": deal_id,
            "pipeline_id": pipeline if random.random() < 0.9 else None,
            "created_at": created,
            "closed_at": at if is_final and random.random() < 0.7 else None,
            "stage_id": present["stage_id"] if random.random() < 0.9 else None,
            "customer_id": _maybe(random, CUSTOMERS),
            "manager_id": _maybe(random, MANAGERS),
            "channel_id": _maybe(random, CHANNELS),
            "product_id": _maybe(random, PRODUCTS),
            "loss_reason_id": _maybe(random, ("price", "silence"), 0.7),
            "amount": random.choice([None, 0, 100, 100, 250.5, 999.99]),
            "margin": random.choice([None, 20, 50]),
            "currency": random.choice([None, "RUB", "RUB", "USD"]),
            "deleted_at": datetime.fromisoformat("2026-04-01") if random.random() < 0.05 else None,
        }
    )


def _add_order(rows: Rows, random: Random, order_id: str) -> None:
    ordered = _moment(random)
    has_amount = random.random() < 0.6
    rows["orders"].append(
        {
            "order_id": order_id,
            "source": random.choice(["shop", "desk"]),
            "ordered_at": ordered,
            "customer_id": _maybe(random, CUSTOMERS),
            "manager_id": _maybe(random, MANAGERS),
            "channel_id": _maybe(random, CHANNELS),
            "deal_id": _maybe(random, tuple(row["deal_id"] for row in rows["deals"]) or ("none",), 0.2),
            "status": random.choice([None, "paid", "новый", " Отменён "]) if random.random() < 0.3 else None,
            "paid_at": ordered + timedelta(hours=5) if random.random() < 0.3 else None,
            "amount": random.choice([50, 50, 120.25, -30, 0]) if has_amount else None,
            "discount": random.choice([None, 5]),
        }
    )
    for number in range(random.choice([0, 1, 2, 3])):
        rows["order_lines"].append(
            {
                "order_id": order_id,
                "line_no": number + 1,
                "product_id": random.choice(PRODUCTS),
                "quantity": random.choice([1, 2, "0.5"]),
                "price": random.choice([10, "3.33", 40]),
                "cost": random.choice([None, None, 4]),
                "discount": random.choice([None, 1]),
                "is_return": random.random() < 0.15,
            }
        )
    if random.random() < 0.3:
        rows["payments"].append(
            {
                "payment_id": f"pay {order_id}",
                "order_id": order_id,
                "paid_at": ordered + timedelta(days=2),
                "amount": 20,
                "is_refund": random.random() < 0.3,
            }
        )


def _add_subscriptions(rows: Rows, random: Random) -> None:
    for number in range(random.randrange(60)):
        started = _moment(random)
        subscription = {
            "subscription_id": f"s{number}",
            "started_at": started,
            "ended_at": _moment(random, started, 200) if random.random() < 0.5 else None,
            "customer_id": _maybe(random, CUSTOMERS),
            "plan": random.choice(["free", "tied", None]),
            "monthly_price": random.choice([None, 100, "99.9"]),
            "currency": random.choice([None, "RUB", "USD"]),
            "product_id": _maybe(random, PRODUCTS, 0.5),
            "channel_id": _maybe(random, CHANNELS),
        }
        rows["subscriptions"].append(subscription)


def _add_experiments(rows: Rows, random: Random) -> None:
    # A customer takes part in an experiment once.
    taken = [(experiment, customer) for experiment in ("e0", "e1") for customer in CUSTOMERS]
    for experiment, customer in random.sample(taken, random.randrange(len(taken))):
        assignment = {
            "experiment_id": experiment,
            "customer_id": customer,
            "assigned_at": _moment(random),
            "arm": random.choice(["treatment", "control"]),
            "experiment": random.choice([None, "letter"]),
            "cost": random.choice([None, 0, 5, 7.5]),
            "currency": random.choice([None, "RUB", "USD"]),
        }
        rows["experiment_assignments"].append(assignment)


def _add_said(rows: Rows, random: Random) -> None:
    for number in range(random.randrange(40)):
        response = {
            "response_id": f"a{number}",
            "answered_at": _moment(random),
            "kind": random.choice(["nps", "csat", "ces", "other", None]),
            "score": random.choice([None, 0, 1, 4, 5, 6, 6.5, 7, 9, 10, 11]),
            "survey": random.choice([None, "spring"]),
            "customer_id": _maybe(random, CUSTOMERS),
            "employee_id": _maybe(random, [row["employee_id"] for row in rows["employees"]], 0.5),
            "deal_id": _maybe(random, [*(row["deal_id"] for row in rows["deals"]), "gone"], 0.5),
            "order_id": _maybe(random, [*(row["order_id"] for row in rows["orders"]), "gone"], 0.5),
        }
        rows["survey_responses"].append(response)
    for number in range(random.randrange(20)):
        review = {
            "review_id": f"r{number}",
            "published_at": _moment(random),
            "rating": random.choice([None, 1, 4, 4.5, 5]),
            "platform": random.choice([None, "maps"]),
            "branch": random.choice([None, "south"]),
            "answered_at": _moment(random) if random.random() < 0.3 else None,
            "customer_id": _maybe(random, CUSTOMERS),
            "product_id": _maybe(random, PRODUCTS, 0.5),
        }
        rows["reviews"].append(review)


def _add_stock(rows: Rows, random: Random) -> None:
    for _ in range(random.randrange(10)):
        count = {
            "product_id": random.choice(PRODUCTS),
            "quantity": random.choice([0, 3, "2.5", -1, 100]),
            "counted_at": _moment(random),
            "place": random.choice([None, "shop", "depot"]),
            "reserved": random.choice([None, 1]),
        }
        rows["stock"].append(count)


def _add_service(rows: Rows, random: Random) -> None:
    for number in range(random.randrange(8)):
        cost = {
            "cost_id": f"cost {number}",
            "spent_at": _moment(random),
            "amount": random.choice([0, 10, 99.99, -5]),
            "kind": random.choice([None, "delivery", "service"]),
            "currency": random.choice([None, "RUB", "USD"]),
            "customer_id": _maybe(random, CUSTOMERS, 0.5),
            "order_id": _maybe(random, ("o0", "o1", "o2"), 0.5),
            "deal_id": _maybe(random, ("d0", "d1"), 0.3),
        }
        rows["service_costs"].append(cost)
    for number in range(random.randrange(8)):
        activity = {
            "activity_id": f"served {number}",
            "at": _moment(random),
            "kind": random.choice(["meeting", "call", "task", None]),
            "customer_id": _maybe(random, CUSTOMERS),
            "deal_id": _maybe(random, ("d0", "d1"), 0.3),
            "employee_id": _maybe(random, MANAGERS),
            "duration_seconds": random.choice([None, 0, 60, 5_400]),
        }
        rows["activities"].append(activity)


def _add_promotions(rows: Rows, random: Random) -> None:
    for number in range(random.randrange(6)):
        begin = _moment(random).date()
        end = random.choice([begin, date(2026, 3, 15), date(2026, 5, 20)])
        promotion = {
            "promotion_id": f"promotion {number}",
            "starts_on": begin,
            "ends_on": end,
            "product_id": _maybe(random, PRODUCTS, 0.5),
            "category": _maybe(random, ("Мебель", "Свет"), 0.4),
        }
        rows["promotions"].append(promotion)


def _add_site(rows: Rows, random: Random) -> None:
    for number in range(1, random.randrange(2, 10)):
        visitor = random.choice([None, "v1", "v2", "v3"])
        visit = {
            "visit_id": f"visit {number}",
            "started_at": _moment(random),
            "visitor_id": visitor,
            "customer_id": _maybe(random, CUSTOMERS, 0.2),
            "channel_id": _maybe(random, CHANNELS),
            "campaign_id": _maybe(random, ("spring", "stray"), 0.5),
        }
        rows["visits"].append(visit)
        event = {
            "event_id": f"event {number}",
            "at": _moment(random),
            "kind": random.choice(["page", "form", "phone", "goal", None]),
            "visit_id": random.choice([f"visit {number}", "unknown", None]),
            "visitor_id": visitor,
            "customer_id": _maybe(random, CUSTOMERS, 0.3),
        }
        rows["web_events"].append(event)


def _add_advertising(rows: Rows, random: Random) -> None:
    campaigns = ("spring", "stray", "unlisted")
    for number in range(random.randrange(12)):
        cost = {
            "spent_at": _moment(random),
            "amount": random.choice([0, 10, 99.99, 250]),
            "channel_id": _maybe(random, CHANNELS, 0.6),
            "campaign_id": _maybe(random, campaigns, 0.5),
            "currency": random.choice([None, "RUB", "RUB", "USD"]),
            "clicks": random.choice([None, 3]),
        }
        rows["ad_costs"].append(cost)
        lead = {
            "lead_id": f"l{number}",
            "created_at": _moment(random),
            "customer_id": _maybe(random, CUSTOMERS, 0.5),
            "channel_id": _maybe(random, CHANNELS),
            "campaign_id": _maybe(random, campaigns, 0.3),
            "manager_id": _maybe(random, MANAGERS),
            "converted_deal_id": _maybe(random, ("d0", "d1"), 0.4),
        }
        rows["leads"].append(lead)


def _add_plans(rows: Rows, random: Random) -> None:
    cuts: list[dict[str, str]] = [
        {},
        {"department": "Опт"},
        *({"employee_id": manager} for manager in MANAGERS),
        {"pipeline_id": "sales"},
        {"product_category": "Мебель"},
    ]
    for month in ("2026-01", "2026-03", "2026-04", "2026-05"):
        for metric in ("revenue", "margin", "sales", "won"):
            rows["plans"].extend(
                {"month": month, "metric": metric, "target": random.choice([0, 3, 100, 500]), **cut}
                for cut in cuts
                if random.random() < 0.4
            )
