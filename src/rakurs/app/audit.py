"""Who saw, changed and took out what? The audit, asked."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from rakurs.state.models import Alert, AuditEvent, Dashboard, Report, Segment, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines: of a person, a deed, a text in the subject, days (both included, on the company's clock)."""

    who: str = ""
    deed: str = ""
    text: str = ""
    first: date | None = None
    last: date | None = None
    timezone: str = "UTC"

    def events(self) -> "QuerySet[AuditEvent]":
        """The lines, the newest first."""
        found = AuditEvent.objects.all()
        if self.who:
            found = found.filter(who=self.who)
        if self.deed:
            found = found.filter(deed=self.deed)
        if self.text:
            found = found.filter(Q(subject__icontains=self.text) | Q(who__icontains=self.text))
        if self.first:
            found = found.filter(at__gte=self._midnight(self.first))
        if self.last:
            found = found.filter(at__lt=self._midnight(self.last + timedelta(days=1)))
        return found

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=ZoneInfo(self.timezone))


def people_in_audit() -> list[str]:
    """Everybody the audit names."""
    return list(AuditEvent.objects.order_by("who").values_list("who", flat=True).distinct())


def deeds_in_audit() -> list[str]:
    """Every deed the audit names."""
    return list(AuditEvent.objects.order_by("deed").values_list("deed", flat=True).distinct())


def subject_titles(events: Iterable[AuditEvent]) -> dict[str, str]:
    """What the reports, dashboards, segments and notices named by these lines are called, by id; of what still stands."""
    ids = {event.subject for event in events}
    kinds: tuple[Any, ...] = (Report, Dashboard, Segment, Subscription, Alert)
    return {pk: title for kind in kinds for pk, title in kind.objects.filter(pk__in=ids).values_list("pk", "title")}


def write_audit(lines: AuditFilter, file: TextIO) -> int:
    """Every line as CSV, the newest first; how many there were. Memory does not grow with them."""
    writer = csv.writer(file)
    writer.writerow(("at", "who", "deed", "subject", "rows", "detail"))
    count = 0
    for row in _rows(lines):
        writer.writerow(row)
        count += 1
    return count


def _rows(lines: AuditFilter) -> Iterator[tuple[Any, ...]]:
    for event in lines.events().iterator(chunk_size=2_000):
        # A line that begins like a formula would be run by a spreadsheet.
        texts = (event.who, event.deed, event.subject, str(event.detail or ""))
        who, deed, subject, detail = (f"'{text}" if text.startswith(("=", "+", "-", "@")) else text for text in texts)
        yield event.at.isoformat(timespec="seconds"), who, deed, subject, event.rows, detail


def audit_document(event: AuditEvent) -> dict[str, Any]:
    """A line as a program sees it."""
    return {
        "at": event.at.isoformat(timespec="seconds"),
        "who": event.who,
        "deed": event.deed,
        "subject": event.subject,
        "rows": event.rows,
        "detail": event.detail,
    }
