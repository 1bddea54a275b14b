"""Which records are one customer? What waits for people, what speaks for each pair, and their decisions."""

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from rakurs.app import identities
from rakurs.app.accounts import note
from rakurs.app.formats import Format
from rakurs.app.identities import ALL_TOLD, CHANCE, EVIDENCE, OWN_FIELDS, PAGE_SIZE, SHOWN, Pair, Step
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.identities import RULES
from rakurs.warehouse.identities import DecisionKind
from rakurs.web.access import format_of, may, user_of, workspace
from rakurs.web.language import said
from rakurs.web.tables import pages_of
from rakurs.web.views.pages import page_or_part, whole_number

DONE = {
    "merge": Text(
        ru="Теперь это один клиент: все числа уже следуют.", en="They are one customer now: all numbers follow."
    ),
    "never": Text(ru="Это разные клиенты и останутся разными.", en="They are different customers and stay so."),
    "forget": Text(ru="Решение снято: теперь снова решают правила.", en="Taken back: the rules decide again."),
}
_COLUMNS = {item.name: item for item in stored(CUSTOMERS).columns}
LEAST_BAR = 0.8
"""Hundredths of the axis: a bar of nothing is still seen."""
MOST_DOUBLINGS = 40.0


@may("load", "personal_data")
def index(request: HttpRequest) -> HttpResponse:
    """How many customers the records are, and the pairs that wait."""
    offset, form = whole_number(request.GET.get("offset")), format_of()
    found, total = identities.pairs_to_judge(workspace(), offset=offset)
    state = identities.state_of(workspace())
    context = {
        "state": state,
        "joined": state.records - state.customers,
        "rules": [{"title": said(RULES[rule]), "records": count} for rule, count in state.by_rule.items()],
        "pairs": [_pair(pair, form) for pair in found],
        "total": total,
        "pages": pages_of(total, offset=offset, limit=PAGE_SIZE, given={}),
    }
    return page_or_part(request, whole="rakurs/identities.html", part="rakurs/_identities.html", context=context)


@require_POST
@may("load", "personal_data")
def decide(request: HttpRequest) -> HttpResponse:
    """One customer, or never; on a card, a record becomes a customer of its own."""
    left, right = request.POST.get("left", ""), request.POST.get("right", "")
    kind, user = request.POST.get("kind", ""), user_of(request)
    try:
        if kind == "part":
            identities.part(workspace(), left, by=user.login)
            kind = "never"
        elif kind in DONE:
            identities.decide(workspace(), left, right, cast("DecisionKind", kind), by=user.login)
        else:
            return redirect("identities")
    except BadInput as wrong:
        messages.error(request, said(wrong.message))
    else:
        note(user, f"identity {kind}", f"{left} {right}".strip())
        messages.success(request, said(DONE[kind]))
    back = request.POST.get("back", "")
    return redirect("card", "customers", back) if back else redirect("identities")


def _pair(pair: Pair, form: Format) -> dict[str, Any]:
    rows = [
        {
            "title": said(EVIDENCE.get(name) or _COLUMNS[name].title),
            "left": left,
            "right": right,
            "mark": _mark(left, right),
        }
        for name in (*SHOWN, *OWN_FIELDS)
        for left, right in [(_shown(pair.left, name, form), _shown(pair.right, name, form))]
        if left or right
    ]
    return {
        "left_id": pair.left["customer_id"],
        "right_id": pair.right["customer_id"],
        "rule": said(RULES[pair.rule]),
        "probability": None if pair.probability is None else form.shown(pair.probability, Unit.SHARE),
        "rows": rows,
        "steps": _bridge(pair.steps, form),
    }


def _bridge(steps: tuple[Step, ...], form: Format) -> list[dict[str, Any]]:
    """The steps as floating bars over one axis of doublings, in hundredths of its length; keys have no bars."""
    ends = [end for step in steps for end in (step.start, step.level) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=0.0)

    def place(value: float) -> float:
        return (value - low) / ((high - low) or 1.0) * 100

    drawn: list[dict[str, Any]] = []
    for step in steps:
        shown: dict[str, Any] = {"title": said(EVIDENCE[step.name]), "is_for": step.is_for, "is_bar": False}
        if step.weight is not None and step.start is not None and step.level is not None:
            left, right = sorted((place(step.start), place(step.level)))
            shown |= {
                "is_bar": True,
                "is_whole": step.name in {CHANCE, ALL_TOLD},
                "x": f"{left:.1f}",
                "width": f"{max(right - left, LEAST_BAR):.1f}",
                "even": f"{place(0.0):.1f}",
                "times": form.compact(2 ** min(abs(step.weight), MOST_DOUBLINGS), Unit.NUMBER),
            }
        drawn.append(shown)
    return drawn


def _shown(record: Mapping[str, Any], name: str, form: Format) -> str:
    value = record[name]
    if value is None:
        return ""
    if name in OWN_FIELDS:
        return str(value)
    choices = _COLUMNS[name].choices
    return said(choices[value]) if choices and value in choices else form.shown(value, _COLUMNS[name].unit)


def _mark(left: str, right: str) -> str:
    """Whether both say the same, one says nothing, or they differ."""
    if not left or not right:
        return "silent"
    return "same" if left.casefold() == right.casefold() else "other"
