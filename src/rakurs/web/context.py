"""What does every page know? Its language and theme, the menu, what this person may do."""

from typing import Any

from django.http import HttpRequest

from rakurs.analyses import AREAS
from rakurs.app.connections import has_trouble
from rakurs.app.news import has_unread
from rakurs.app.serving import current
from rakurs.state.models import User
from rakurs.web.language import page_language

THEMES = ("system", "light", "dark")


def page(request: HttpRequest) -> dict[str, Any]:
    """Language, theme and menu. Somebody not logged in gets no menu."""
    asked = request.COOKIES.get("theme", "")
    known: dict[str, Any] = {"language": page_language(), "theme": asked if asked in THEMES else "system"}
    user = getattr(request, "user", None)
    if isinstance(user, User):
        known |= {
            "areas": AREAS,
            "may_load": user.may("load"),
            "may_administer": user.may("administer"),
            "company": current().company,
            "has_news": has_unread(user),
            "has_trouble": user.may("load") and has_trouble(),
        }
    return known
