"""What did a person open last? A short list per user, newest first."""

from typing import Any

from rakurs.state.models import Preference, User

NAME = "recent"
KEPT = 8


def recent(user: User) -> list[dict[str, str]]:
    """Titles and addresses, newest first."""
    kept = Preference.objects.filter(user=user, name=NAME).first()
    return list(kept.value) if kept is not None else []


def opened(user: User, *, title: str, href: str, icon: str) -> None:
    """Put a page in front of the list; nothing is written when it stands there already."""
    entry: dict[str, Any] = {"title": title, "href": href, "icon": icon}
    before = recent(user)
    if before[:1] == [entry]:
        return
    kept = [entry, *(item for item in before if item["href"] != href)][:KEPT]
    Preference.objects.update_or_create(user=user, name=NAME, defaults={"value": kept})
