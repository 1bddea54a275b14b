"""Who looked at what? A line of the audit per person, subject and minute, however often a page is asked for meanwhile."""

from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Any

from django.utils import timezone

from rakurs.app.accounts import note
from rakurs.state.models import User

_Look = tuple[int, str, str]


class _Minute:
    """The looks of the present minute: filters, sorting and refreshes of a page that is open are not looks anew."""

    began: datetime | None = None
    noted: frozenset[_Look] = frozenset()
    lock = Lock()


def looked(user: User, deed: str, subject: str, *, detail: Mapping[str, Any] | None = None) -> None:
    """Write down that `user` saw `subject`, unless it stands in the audit for this minute already."""
    if _is_first(timezone.now().replace(second=0, microsecond=0), (user.pk, deed, subject)):
        note(user, deed, subject, detail=detail)


def _is_first(minute: datetime, look: _Look) -> bool:
    with _Minute.lock:
        if minute != _Minute.began:
            _Minute.began, _Minute.noted = minute, frozenset()
        is_first = look not in _Minute.noted
        _Minute.noted |= {look}
    return is_first
