"""Is the state there and as this program needs it? Set Django up, reach the database, bring its tables up to date."""

import django
from django.core.management import call_command
from django.db import OperationalError, connection

from rakurs.core.errors import StateUnreachable
from rakurs.core.text import Text

_UNREACHABLE = Text(
    ru="База пользователей и загрузок не отвечает: {reason}. Проверьте, что PostgreSQL работает, и RAKURS_STATE_URL.",
    en="The database of users and loads does not answer: {reason}. Check that PostgreSQL runs, and RAKURS_STATE_URL.",
)


def open_state() -> None:
    """Afterwards the models can be used. Raises StateUnreachable where a named database does not answer."""
    django.setup()
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as error:
        if connection.vendor != "postgresql":
            raise
        raise StateUnreachable(_UNREACHABLE.filled(reason=str(error).strip().splitlines()[-1])) from error
