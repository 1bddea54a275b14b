"""One page per customer, deal and employee: sections, timeline, notes."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from rakurs.analyses import card_named
from rakurs.app import card_desk
from rakurs.app.cards import MOMENTS_AT_ONCE, MOST_MOMENTS
from rakurs.app.identities import customer_of, records_of
from rakurs.app.looking import looked
from rakurs.app.membership import memberships
from rakurs.app.notes import notes_of, remove_note, write_note
from rakurs.app.offering import CUSTOMERS, offers_for
from rakurs.app.recent import opened
from rakurs.core.errors import BadInput, BadParameter, UnknownName
from rakurs.core.units import Unit
from rakurs.schema.identities import RULES
from rakurs.web.access import format_of, scope_for, user_of, workspace
from rakurs.web.cards import event_choices, section_pages, timeline_days
from rakurs.web.language import said
from rakurs.web.links import query
from rakurs.web.views.pages import is_part, page_or_part, whole_number

BESIDE = ("facts",)
"""Shapes that stand in the narrow column."""
MOST_CHOICES = 2_000


def card(request: HttpRequest, card_name: str, subject_id: str) -> HttpResponse:
    """The whole card, or the part of it that the page asks for later; a POST writes or removes a note."""
    if request.method == "POST":
        return _changed_note(request, card_name, subject_id)
    if is_part(request) and "section" in request.GET:
        return _section(request, card_name, subject_id, request.GET["section"])
    if is_part(request) and "timeline" in request.GET:
        return _timeline(request, card_name, subject_id)
    if is_part(request) and "offers" in request.GET:
        return _offers(request, subject_id)
    form, user, scope = format_of(), user_of(request), scope_for(request)
    try:
        answer = card_desk.card(workspace(), card_name, subject_id, scope=scope)
    except UnknownName:
        # A link to a record that has since become one customer with another.
        customer = customer_of(workspace(), subject_id) if card_name == CUSTOMERS else None
        if customer is None:
            raise
        card_desk.card(workspace(), card_name, customer, scope=scope)
        return redirect("card", card_name, customer)
    records = _records(card_name, subject_id)
    looked(user, "card", f"{card_name}/{subject_id}")
    if not is_part(request):
        opened(user, title=answer.label, href=request.path, icon=answer.card.icon)
    sections = section_pages(answer, form)
    context = {
        "card": answer.card,
        "subject": answer.subject,
        "label": answer.label,
        "main": [section for section in sections.values() if section.shown not in BESIDE],
        "aside": [section for section in sections.values() if section.shown in BESIDE],
        "notes": notes_of(card_name, subject_id, *(record["customer_id"] for record in records)),
        "may_remove_any": user.may("administer"),
        "groups": memberships(card_name, subject_id, user=user, scope=scope),
        "has_offers": card_name == CUSTOMERS,
        "records": records,
        "may_judge": user.may("load") and user.may("personal_data"),
        "timeline_href": f"{request.path}{query({'timeline': MOMENTS_AT_ONCE})}",
    }
    return page_or_part(request, whole="rakurs/card.html", part="rakurs/_card.html", context=context)


def _records(card_name: str, subject_id: str) -> list[dict[str, Any]]:
    """The records that are this customer, where there is more than one, and what joined each."""
    found = records_of(workspace(), subject_id) if card_name == CUSTOMERS else []
    return [one | {"why": said(RULES[one["rule"]])} for one in found]


def _section(request: HttpRequest, card_name: str, subject_id: str, name: str) -> HttpResponse:
    answer = card_desk.card_section(workspace(), card_name, subject_id, name, scope=scope_for(request))
    pages = section_pages(answer, format_of())
    return render(request, "rakurs/_card_section.html", {"section": pages[name], "card": answer.card})


def _timeline(request: HttpRequest, card_name: str, subject_id: str) -> HttpResponse:
    form = format_of()
    shown = max(whole_number(request.GET.get("timeline"), otherwise=MOMENTS_AT_ONCE), 1)
    kind = request.GET.get("kind", "")
    events = card_named(card_name).events
    kinds = [event.name for event in events if event.name == kind]
    found = card_desk.timeline(workspace(), card_name, subject_id, scope=scope_for(request), kinds=kinds, limit=shown)
    context = {
        "days": timeline_days(found, form),
        "kinds": event_choices(events, form),
        "kind": kinds[0] if kinds else "",
        "more": query({"timeline": shown + MOMENTS_AT_ONCE, "kind": kind}) if found.has_more else "",
        "is_cut": len(found.moments) >= MOST_MOMENTS,
    }
    return render(request, "rakurs/_card_timeline.html", context)


def _offers(request: HttpRequest, customer_id: str) -> HttpResponse:
    """What to offer this customer, with what he takes just now."""
    form, scope = format_of(), scope_for(request)
    taken = [product for product in request.GET.getlist("bought") if product]
    known = workspace().options("product", scope=scope)[:MOST_CHOICES]
    context: dict[str, Any] = {"known": known}
    try:
        try:
            found = offers_for(workspace(), customer_id, scope=scope, taken=taken)
        except BadParameter as refused:
            # What was typed last is no product: the offers stay, and it is said.
            context["wrong"] = refused.message
            taken = taken[:-1]
            found = offers_for(workspace(), customer_id, scope=scope, taken=taken)
    except BadInput as refused:
        return render(request, "rakurs/_offers.html", {"lacks": refused.message})
    names = dict(known)
    context["taken"] = [{"id": product, "name": names.get(product, product)} for product in taken]
    context["offers"] = [
        {
            "offer": offer,
            "chance": form.shown(offer.chance, Unit.SHARE),
            "margin": form.shown(offer.expected_margin, Unit.MONEY),
        }
        for offer in found
    ]
    return render(request, "rakurs/_offers.html", context)


def _changed_note(request: HttpRequest, card_name: str, subject_id: str) -> HttpResponse:
    user = user_of(request)
    # Whoever may not see the card may not write on it either.
    card_desk.seen_subject(workspace(), card_name, subject_id, scope=scope_for(request))
    removed = request.POST.get("remove")
    if removed is not None:
        remove_note(user, card_name, subject_id, whole_number(removed))
    else:
        write_note(user, card_name, subject_id, request.POST.get("text", ""))
    return redirect(f"{request.path}#notes")
