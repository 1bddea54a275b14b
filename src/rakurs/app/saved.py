"""Questions people keep: who may open one, who may change it, and what did it ask before?

A report is a question, never rows: whoever opens it gets the numbers of their own scope.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from rakurs.app.accounts import note
from rakurs.app.asked import AnalysisAsked, PivotAsked, asked_of, kept_asked
from rakurs.core.errors import BadParameter, NotAllowed, UnknownName
from rakurs.core.text import Text
from rakurs.state.models import Audience, Report, ReportVersion, User

REPORT = Text(ru="Отчёта", en="report")
AUDIENCES: Mapping[str, Text] = {
    Audience.PRIVATE: Text(ru="Только я", en="Only me"),
    Audience.LINK: Text(ru="Все, у кого есть ссылка", en="Everyone who has the link"),
    Audience.EVERYONE: Text(ru="Вся компания", en="The whole company"),
}
NOT_YOURS = Text(
    ru="Этот отчёт принадлежит другому человеку. Сохраните себе копию.",
    en="This report belongs to somebody else. Save a copy of your own.",
)


NO_SHARING = Text(
    ru="Вашей роли не дано делиться отчётами. Попросите владельца.",
    en="Your role may not share reports. Ask the owner.",
)


def audiences_for(user: User) -> list[dict[str, Any]]:
    """Whom this person may show a report to, with the words for it."""
    allowed = AUDIENCES if user.may("share") else {Audience.PRIVATE: AUDIENCES[Audience.PRIVATE]}
    return [{"value": str(name), "title": title} for name, title in allowed.items()]


def create_report(
    owner: User, asked: AnalysisAsked | PivotAsked, *, title: str, about: str = "", audience: str = Audience.PRIVATE
) -> Report:
    """A new report, for its owner alone unless told otherwise; refused whole when its owner may not share."""
    with transaction.atomic():
        report = Report.objects.create(
            owner=owner, title=_title(title), about=about.strip(), asked=kept_asked(asked), audience=Audience.PRIVATE
        )
        _add_version(report, by=owner)
        note(owner, "save report", report.id)
        if audience != Audience.PRIVATE:
            share_report(report, audience, by=owner)
    return report


def reports_of(user: User) -> QuerySet[Report]:
    """What stands in this person's list: their own, and those shown to the whole company."""
    return Report.objects.select_related("owner").filter(Q(owner=user) | Q(audience=Audience.EVERYONE))


def report_for(user: User, report_id: str) -> Report:
    """The report of that address, when this person may open it; otherwise it does not exist for them."""
    found = Report.objects.select_related("owner").filter(pk=report_id).first()
    if found is None or (found.owner != user and found.audience == Audience.PRIVATE):
        raise UnknownName(REPORT, report_id, ())
    return found


def asked_in(report: Report | ReportVersion) -> AnalysisAsked | PivotAsked:
    """What a report, or one of its versions, asks."""
    return asked_of(report.asked)


def rename_report(report: Report, *, by: User, title: str, about: str) -> None:
    """A new name and description; what is asked stays."""
    _must_own(report, by)
    report.title, report.about = _title(title), about.strip()
    report.save(update_fields=["title", "about", "updated_at"])
    note(by, "rename report", report.id)


def save_version(report: Report, asked: AnalysisAsked | PivotAsked, *, by: User) -> Report:
    """The report asks `asked` from now on; what it asked before is kept. The same question changes nothing."""
    _must_own(report, by)
    with transaction.atomic():
        current = Report.objects.select_for_update().get(pk=report.pk)
        if asked_in(current) == asked:
            return current
        latest = ReportVersion.objects.filter(report=current).order_by("-number").first()
        current.asked, current.version = kept_asked(asked), (latest.number if latest else 0) + 1
        current.save(update_fields=["asked", "version", "updated_at"])
        _add_version(current, by=by)
        note(by, "change report", current.id, detail={"version": current.version})
    return current


def restore_version(report: Report, number: int, *, by: User) -> Report:
    """An earlier question becomes the newest version, so that nothing between is lost."""
    version = ReportVersion.objects.filter(report=report, number=number).first()
    if version is None:
        raise UnknownName(Text(ru="Версии", en="version"), str(number), ())
    return save_version(report, asked_in(version), by=by)


def duplicate_report(report: Report, *, owner: User, title: str = "") -> Report:
    """A copy that belongs to `owner`, private, with a history of its own."""
    return create_report(owner, asked_in(report), title=title or report.title, about=report.about)


def share_report(report: Report, audience: str, *, by: User) -> None:
    """Who besides the owner may open it from now on."""
    _must_own(report, by)
    if audience not in AUDIENCES:
        allowed = ", ".join(AUDIENCES)
        raise BadParameter("audience", audience, Text(ru=f"Допустимо: {allowed}.", en=f"Allowed: {allowed}."))
    if audience != Audience.PRIVATE and not by.may("share"):
        raise NotAllowed(NO_SHARING)
    report.audience = audience
    report.save(update_fields=["audience", "updated_at"])
    note(by, "share report", report.id, detail={"audience": audience})


def delete_report(report: Report, *, by: User) -> None:
    """The report and its history are gone."""
    _must_own(report, by)
    note(by, "delete report", report.id, detail={"title": report.title, "asked": report.asked})
    report.delete()


def report_document(report: Report, user: User) -> dict[str, Any]:
    """A report as a program sees it."""
    return {
        "id": report.id,
        "title": report.title,
        "about": report.about,
        "owner": report.owner.login,
        "is_mine": report.owner == user,
        "audience": report.audience,
        "version": report.version,
        "updated_at": report.updated_at.isoformat(),
        "asked": report.asked,
    }


def versions_document(report: Report, user: User) -> dict[str, Any]:
    """A report as a program sees it, with its versions, newest first."""
    versions = [
        {
            "number": item.number,
            "title": item.title,
            "at": item.at.isoformat(),
            "by": item.by.login if item.by else None,
            "asked": item.asked,
        }
        for item in ReportVersion.objects.filter(report=report).select_related("by")
    ]
    return {**report_document(report, user), "versions": versions}


def _must_own(report: Report, by: User) -> None:
    if report.owner != by:
        raise NotAllowed(NOT_YOURS)


def _add_version(report: Report, *, by: User) -> None:
    ReportVersion.objects.create(report=report, number=report.version, title=report.title, asked=report.asked, by=by)


def _title(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned or len(cleaned) > 200:
        raise BadParameter("title", title, Text(ru="От 1 до 200 букв.", en="1 to 200 letters."))
    return cleaned
