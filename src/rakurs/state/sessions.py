"""Where are sessions kept? In a table that also says whose each is, so that a person can see and end their own."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.utils import timezone

SEEN_NOTED_EVERY = timedelta(minutes=5)
ADDRESS = "address"
AGENT = "agent"


class SessionStore(DatabaseSessions):
    """Django's sessions in the database, with the person, address and browser in columns of their own."""

    @classmethod
    def get_model_class(cls) -> Any:
        from rakurs.state.models import Session  # noqa: PLC0415 - models need the settings, which name this module

        return Session

    def _get_session_from_db(self) -> Any:
        row: Any = super()._get_session_from_db()  # type: ignore[misc]  # the stubs leave it out
        if row is not None and timezone.now() - row.seen_at > SEEN_NOTED_EVERY:
            self.get_model_class().objects.filter(pk=row.pk).update(seen_at=timezone.now())
        return row

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        row.user_id = data.get(SESSION_KEY)
        row.address = data.get(ADDRESS)
        row.agent = data.get(AGENT, "")[:300]
        kept = self.get_model_class().objects.filter(session_key=row.session_key).values("started_at").first()
        if kept:
            row.started_at = kept["started_at"]
        return row
