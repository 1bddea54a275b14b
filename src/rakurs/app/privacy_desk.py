"""What may a face do about one person's data: look, hand it over, erase, let in again, and set how long data is kept?"""

from collections.abc import Mapping
from pathlib import Path

from rakurs.app import privacy, privacy_runs, privacy_state, retention, retention_runs
from rakurs.app.accounts import note
from rakurs.app.documents import Document
from rakurs.app.privacy_export import known_of, write_archive
from rakurs.app.workspace import Workspace
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Language
from rakurs.state.models import User
from rakurs.warehouse import persons


def look(workspace: Workspace, who: str, *, language: Language, by: User | None = None) -> Document:
    """The preview: who it is and what would go, by table. UnknownName, SeveralPeople."""
    found = privacy.found(workspace, who)
    if by is not None:
        note(by, "person looked up", f"customers/{found.person.customer_id or '—'}", rows=sum(found.counts.values()))
    return privacy.found_document(found, language)


def hand_over(workspace: Workspace, who: str, target: Path, *, by: User | None = None) -> Path:
    """All that is known of the person as one archive. UnknownName, SeveralPeople."""
    warehouse, _ = workspace.whole
    with warehouse.examining() as cursor:
        person = persons.person_named(cursor, who)
        deals = privacy.deals_of(cursor, person)
    notes = privacy_state.notes_about(person.records, deals)
    known = known_of(workspace, who, notes=notes, segments=privacy_state.segment_titles())
    note(by, "person exported", f"customers/{person.customer_id or '—'}", rows=known.rows)
    return write_archive(known, target)


def erase(workspace: Workspace, who: str, *, with_deals: bool = False, by: User | None = None) -> str:
    """Keep that the person is to be erased; the id of the erasure. A server does it by itself; without one, `go_on` does."""
    plan = privacy.begun(workspace, who, with_deals=with_deals, by="" if by is None else by.login)
    return plan.erasure


def go_on(workspace: Workspace, *, progress: Progress = silent) -> None:
    """All erasures that have not come to their end, those of a backup that came back included, here and now."""
    privacy.begun_again(workspace)
    for plan in privacy.plans(workspace.home):
        privacy_runs.carried_out(workspace, plan, progress=progress)


def let_in(workspace: Workspace, erasure: str, *, by: User | None = None) -> None:
    """Take in again what comes of a person who was erased. UnknownName for an erasure that never was."""
    privacy.readmitted(workspace.home, erasure)
    note(by, "person let in", erasure)


def erasures(workspace: Workspace, language: Language) -> list[Document]:
    """Whoever is being erased, then whoever was, the latest first."""
    waiting = privacy.plans(workspace.home)
    told = [privacy.plan_document(plan, language) for plan in reversed(waiting)]
    names = {plan.erasure for plan in waiting}
    return told + [
        privacy.erasure_document(item, language)
        for item in privacy.history(workspace.home)
        if item.erasure not in names
    ]


def kept_for(workspace: Workspace, language: Language) -> Document:
    """How long each kind of data is kept, and what is past now."""
    settings = retention.retention_of(workspace.home)
    past = [retention.due_document(item, language) for item in retention_runs.due(workspace, settings)]
    return retention.retention_document(settings, language) | {"past": past}


def past_under(workspace: Workspace, months: Mapping[str, int | None], language: Language) -> list[Document]:
    """What would be past if kinds were kept for these months. UnknownName, BadParameter."""
    settings = retention.settled(retention.retention_of(workspace.home), months)
    return [retention.due_document(item, language) for item in retention_runs.due(workspace, settings)]


def keep_for(workspace: Workspace, months: Mapping[str, int | None], *, by: User | None = None) -> None:
    """Keep kinds of data for these months from now on. UnknownName, BadParameter."""
    settings = retention.changed(workspace.home, months)
    note(by, "retention settings", detail={kind: settings.months(kind) for kind in retention.KINDS})


def settings_for(workspace: Workspace, language: Language) -> Document:
    """How long each kind of data is kept, without looking what is past."""
    return retention.retention_document(retention.retention_of(workspace.home), language)


def let_go_soon(workspace: Workspace) -> None:
    """Let the server let go what is past, now instead of at night."""
    retention.asked_now(workspace.home)


def let_go(
    workspace: Workspace, language: Language, *, by: User | None = None, progress: Progress = silent
) -> list[Document]:
    """Let go what is past, here and now; what it was."""
    return [
        retention.due_document(item, language) for item in retention_runs.applied(workspace, by=by, progress=progress)
    ]
