"""The counter of the company's own site: is it on, for which sites, and what may it keep?"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from rakurs.app.home import Home
from rakurs.app.inbox_jobs import inbox
from rakurs.app.secret_files import keep_secretly
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.sources import events, site

MOST_BYTES = 64 << 10
"""Of one call: what a browser sends when a page is left is no more."""

_NO_SITE = Text(
    ru="«{written}»: это не адрес сайта. Напишите его, как в строке браузера: shop.ru.",
    en="“{written}” is no address of a site. Write it as in the browser's line: shop.ru.",
)


class SiteSettings(BaseModel):
    """`domains` are the sites that are counted, with all below them; without one the counter is off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: tuple[str, ...] = ()
    needs_consent: bool = False


def hosts(written: Iterable[str]) -> tuple[str, ...]:
    """Hosts as they stand in addresses, however a person wrote them: `https://www.shop.ru/` is `shop.ru`. BadInput names a wrong one."""
    return tuple(dict.fromkeys(_host(address) for address in written))


def _host(written: str) -> str:
    text = written.strip().lower()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        known = host.removeprefix("www.").encode("idna").decode()
    except (UnicodeError, ValueError) as wrong:
        raise BadInput(_NO_SITE.filled(written=written)) from wrong
    if not known or any(sign.isspace() for sign in known):
        raise BadInput(_NO_SITE.filled(written=written))
    return known


def site_of(home: Home) -> SiteSettings:
    """The settings kept in `home`; the counter is off in a new one."""
    if not home.site_file.exists():
        return SiteSettings()
    return SiteSettings.model_validate_json(home.site_file.read_text(encoding="utf-8"))


def save_site(home: Home, settings: SiteSettings) -> None:
    """Keep `settings` in `home`."""
    keep_secretly(home.site_file, settings.model_dump())


def is_robot(agent: str) -> bool:
    """Whether a program looks at the site, by how it calls itself; one that says nothing is one."""
    import crawleruseragents  # noqa: PLC0415 - compiles a thousand patterns

    return not agent.strip() or crawleruseragents.is_crawler(agent)


def is_counted(settings: SiteSettings, page: str) -> bool:
    """Whether pages of that address are counted."""
    return site.is_of((site.parts_of(page).hostname or "").removeprefix("www."), settings.domains)


def counted(workspace: Workspace) -> dict[str, Any]:
    """How many visits and events there are, and when the last came."""
    tables = workspace.state.tables
    found = {name: tables.get(table) for name, table in (("visits", "visits"), ("events", "web_events"))}
    loaded = max((state.loaded_at for state in found.values() if state and state.loaded_at), default=None)
    return {**{name: state.rows if state else 0 for name, state in found.items()}, "at": loaded}


def take(settings: SiteSettings, body: bytes) -> None:
    """Keep what a page's script sent; on the disk when this returns. Raises BadInput, or InboxFull when too much waits."""
    batch = site.batch_of(body)
    rows = site.rows_of(batch, now=datetime.now(UTC), domains=settings.domains)
    inbox().put([events.line_of(table, row) for table, row in rows])
