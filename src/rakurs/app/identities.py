"""Which records may be one customer, what speaks for it, and what did people decide?"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.app.documents import Document
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.frames import with_json_text
from rakurs.core.text import Language, Text
from rakurs.identity.addresses import ADDRESS_FIELDS, KPP_FIELDS
from rakurs.identity.likeness import COMPARED
from rakurs.schema import CUSTOMERS
from rakurs.schema.identities import IDENTITIES, IDENTITY_DECISIONS, IDENTITY_PAIRS, RULES
from rakurs.warehouse.identities import SURE, DecisionKind
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]

PAGE_SIZE = 20
SHOWN = ("name", "kind", "phone", "email", "tax_id", "birth_date", "city", "created_on")
OWN_FIELDS = {"kpp": KPP_FIELDS, "address": ADDRESS_FIELDS}
"""What is shown of the company's own fields, under the names these go by."""
_RECORD = Text(ru="Записи", en="record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two records that may be one customer. `weights` tells what each comparison adds, in doublings of the odds."""

    left: Mapping[str, Any]
    right: Mapping[str, Any]
    rule: str
    probability: float | None
    weights: Mapping[str, float]
    keys: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
    """What both are known by, where no weights were learned: keys speak for a pair or against it."""

    @property
    def steps(self) -> tuple["Step", ...]:
        """What speaks for one customer and against: from the chance that any two records are one, to the pair's own."""
        return _weighed(self.probability, self.weights) if self.probability is not None else _keyed(self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One piece of evidence. `weight` says how many times it doubles the odds (halves them where negative), `start` and
    `level` the odds before and after it, in doublings too; None where it is a key, of which nobody learned how much it says.
    """

    name: str
    is_for: bool
    weight: float | None = None
    start: float | None = None
    level: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityState:
    """How many records there are, how many customers they are, and how many pairs wait for people."""

    records: int
    customers: int
    waiting: int
    by_rule: Mapping[str, int]
    """Records that share their customer with another, by what joined them."""


CHANCE = "chance"
ALL_TOLD = "all_told"
EVIDENCE: Mapping[str, Text] = {
    CHANCE: Text(ru="Любые две записи", en="Any two records"),
    **{item.name: item.title for item in CUSTOMERS.columns},
    "named": Text(ru="Имя", en="Name"),
    "address": Text(ru="Адрес", en="Address"),
    "kpp": Text(ru="КПП", en="KPP"),
    ALL_TOLD: Text(ru="Всё вместе", en="All told"),
}
"""What a step is called."""
_KEYS = ("tax_id", "kpp", "phone", "email", "named", "birth_date", "address", "kind")
_ONLY_FOR, _ONLY_AGAINST = frozenset({"address"}), frozenset({"kpp", "kind"})
"""People move and share a kind; another branch or kind is a reason to doubt."""
_NEVER_SURE = 1e-12


def _weighed(probability: float, weights: Mapping[str, float]) -> tuple[Step, ...]:
    """The bridge from chance to the odds of the pair: what speaks for it first, the strongest of each side first."""
    known = min(max(probability, _NEVER_SURE), 1 - _NEVER_SURE)
    total = log2(known / (1 - known))
    ordered = sorted(weights.items(), key=lambda item: (item[1] < 0, -abs(item[1]), item[0]))
    level = total - sum(weights.values())
    steps = [Step(name=CHANCE, is_for=level > 0, weight=level, start=0.0, level=level)]
    for name, weight in ordered:
        steps.append(Step(name=name, is_for=weight > 0, weight=weight, start=level, level=level + weight))
        level += weight
    return (*steps, Step(name=ALL_TOLD, is_for=total > 0, weight=total, start=0.0, level=total))


def _keyed(keys: tuple[Mapping[str, Any], Mapping[str, Any]] | None) -> tuple[Step, ...]:
    """The keys both records have: in common they speak for one customer, different against."""
    if keys is None:
        return ()
    left, right = keys
    told = [Step(name=name, is_for=left[name] == right[name]) for name in _KEYS if left[name] and right[name]]
    kept = [step for step in told if step.name not in (_ONLY_AGAINST if step.is_for else _ONLY_FOR)]
    return tuple(sorted(kept, key=lambda step: not step.is_for))


def state_of(workspace: Workspace) -> IdentityState:
    """The company's records and customers as of now."""
    with workspace.reading() as reader:
        alive = nw.col("deleted_at").is_null()
        rules = _live(reader).group_by("rule").agg(nw.len().alias("records")).sort("rule")
        return IdentityState(
            records=reader.count(reader.records(CUSTOMERS.name).filter(alive)),
            customers=reader.count(reader.frame(CUSTOMERS.name).filter(alive)),
            waiting=reader.count(_waiting(reader)),
            by_rule={row["rule"]: row["records"] for row in reader.collect(rules).to_pylist()},
        )


def pairs_to_judge(workspace: Workspace, *, limit: int = PAGE_SIZE, offset: int = 0) -> tuple[list[Pair], int]:
    """Pairs that nobody has judged and no rule joined, the likeliest first, and how many there are."""
    with workspace.reading() as reader:
        waiting = _waiting(reader)
        page = waiting.with_columns((-nw.col("probability").fill_null(1.0)).alias("first")).sort(
            "first", "left_id", "right_id"
        )
        rows = reader.pages(page, limit=limit, offset=offset).to_pylist()
        records = _records(reader, {row[side] for row in rows for side in ("left_id", "right_id")})
        unweighed = [row[side] for row in rows if row["probability"] is None for side in ("left_id", "right_id")]
        keys = {row["record_id"]: row for row in reader.keys_of(unweighed)}
        found = [
            Pair(
                left=records[row["left_id"]],
                right=records[row["right_id"]],
                rule=row["rule"],
                probability=row["probability"],
                weights={name: row[f"{name}_weight"] for name in COMPARED if row[f"{name}_weight"]},
                keys=(keys[row["left_id"]], keys[row["right_id"]]) if row["left_id"] in keys else None,
            )
            for row in rows
            if row["left_id"] in records and row["right_id"] in records
        ]
        return found, reader.count(waiting)


def records_of(workspace: Workspace, customer_id: str) -> list[dict[str, Any]]:
    """The records that are this customer, with why; none where it is one record."""
    with workspace.reading() as reader:
        mine = _live(reader).filter(nw.col("customer_id") == nw.lit(customer_id)).sort("record_id")
        told = {row["record_id"]: row for row in reader.collect(mine).to_pylist()}
        records = _records(reader, set(told))
    return [records[one] | {"rule": told[one]["rule"]} for one in told if one in records]


def customer_of(workspace: Workspace, record_id: str) -> str | None:
    """Whose record it is, where the customer goes by another id; None for any other id."""
    with workspace.reading() as reader:
        mine = reader.aliases().filter(nw.col("record_id") == nw.lit(record_id)).select("customer_id")
        found = reader.collect(mine)["customer_id"].to_pylist()
    return found[0] if found else None


def decide(workspace: Workspace, left_id: str, right_id: str, kind: DecisionKind, *, by: str = "") -> bool:
    """One customer, never one, or left to the rules again; whether a customer changed. UnknownName for no such record."""
    if left_id == right_id:
        reason = Text(ru="Нужны две разные записи.", en="Two different records are needed.")
        raise BadParameter("right_id", right_id, reason)
    with workspace.reading() as reader:
        known = _records(reader, {left_id, right_id})
    for record_id in (left_id, right_id):
        if record_id not in known:
            raise UnknownName(_RECORD, record_id, ())
    return workspace.decide_identity([(left_id, right_id)], kind, by=by)


def part(workspace: Workspace, record_id: str, *, by: str = "") -> bool:
    """The record is a customer of its own: never one with any record it now shares its customer with."""
    with workspace.reading() as reader:
        live = reader.collect(_live(reader).select("record_id", "customer_id")).to_pylist()
    of = {row["record_id"]: row["customer_id"] for row in live}
    if record_id not in of:
        raise UnknownName(_RECORD, record_id, ())
    others = [one for one, customer in of.items() if customer == of[record_id] and one != record_id]
    return workspace.decide_identity([(record_id, other) for other in others], "never", by=by)


def _live(reader: Reader) -> Frame:
    return reader.frame(IDENTITIES.name).filter(nw.col("until").is_null())


def _waiting(reader: Reader) -> Frame:
    """Pairs below certainty whose records are not one customer yet, and of which nobody has decided."""
    decisions = reader.frame(IDENTITY_DECISIONS.name)
    last = decisions.group_by("left_id", "right_id").agg(nw.col("decided_at").max())
    judged = (
        decisions.join(last, on=["left_id", "right_id", "decided_at"], how="semi")
        .filter(nw.col("kind") != "forget")
        .select("left_id", "right_id")
    )
    live = _live(reader)
    left = live.select(nw.col("record_id").alias("left_id"), nw.col("customer_id").alias("left_customer"))
    right = live.select(nw.col("record_id").alias("right_id"), nw.col("customer_id").alias("right_customer"))
    is_one = (nw.col("left_customer") == nw.col("right_customer")).fill_null(value=False)
    return (
        reader.frame(IDENTITY_PAIRS.name)
        .filter(nw.col("probability").is_null() | (nw.col("probability") < SURE))
        .join(judged, on=["left_id", "right_id"], how="anti")
        .join(left, on="left_id", how="left")
        .join(right, on="right_id", how="left")
        .filter(~is_one)
    )


def _records(reader: Reader, ids: set[str]) -> dict[str, dict[str, Any]]:
    if not ids:
        return {}
    rows = reader.records(CUSTOMERS.name).filter(
        nw.col("customer_id").is_in(sorted(ids)), nw.col("deleted_at").is_null()
    )
    for name, fields in OWN_FIELDS.items():
        written = [f"{name} {number}" for number in range(len(fields))]
        for field, column in zip(fields, written, strict=True):
            rows = with_json_text(rows, "custom", field, name=column)
        rows = rows.with_columns(nw.coalesce(*written).alias(name))
    wanted = rows.select("customer_id", *SHOWN, *OWN_FIELDS)
    return {row["customer_id"]: row for row in reader.collect(wanted).to_pylist()}


def pair_document(pair: Pair, language: Language) -> Document:
    """A pair as JSON."""
    titles = {item.name: item.title.to(language) for item in CUSTOMERS.columns}
    return {
        "left": _record_document(pair.left),
        "right": _record_document(pair.right),
        "rule": pair.rule,
        "rule_title": RULES[pair.rule].to(language),
        "probability": pair.probability,
        "weights": [
            {"name": name, "title": titles["name" if name == "named" else name], "weight": weight}
            for name, weight in pair.weights.items()
        ],
        "steps": [
            {
                "name": step.name,
                "title": EVIDENCE[step.name].to(language),
                "is_for": step.is_for,
                "weight": step.weight,
                "level": step.level,
            }
            for step in pair.steps
        ],
    }


def _record_document(record: Mapping[str, Any]) -> Document:
    said = {name: value if value is None else str(value) for name, value in record.items()}
    return {"record_id": said.pop("customer_id"), **said}


def state_document(state: IdentityState, language: Language) -> Document:
    """The state as JSON."""
    return {
        "records": state.records,
        "customers": state.customers,
        "waiting": state.waiting,
        "by_rule": [
            {"rule": rule, "title": RULES[rule].to(language), "records": records}
            for rule, records in state.by_rule.items()
        ],
    }
