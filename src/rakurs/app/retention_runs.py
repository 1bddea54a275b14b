"""How does what is past go? What rows tell of people is washed out, deleted customers are erased, journals are cut."""

from datetime import UTC

from rakurs.app import privacy, privacy_runs, privacy_state, retention
from rakurs.app.accounts import note
from rakurs.app.retention import Due, KindName, Retention
from rakurs.app.workspace import Workspace
from rakurs.core.loading import Progress, silent
from rakurs.state.models import User

WASHED: tuple[KindName, ...] = ("site", "calls", "words")


def due(workspace: Workspace, settings: Retention) -> list[Due]:
    """What is past under these settings."""
    return retention.due(workspace, settings, older=privacy_state.before)


def applied(workspace: Workspace, *, by: User | None = None, progress: Progress = silent) -> list[Due]:
    """Let go what is past; what it was. Done again it changes nothing more, so a killed run is simply done again."""
    found = [item for item in due(workspace, retention.retention_of(workspace.home)) if item.rows]
    by_kind = {item.kind: item for item in found}
    past = [retention.past_of(kind, by_kind[kind].until) for kind in WASHED if kind in by_kind]
    outdated = by_kind["raw"].until if "raw" in by_kind else None
    if past or outdated is not None:
        warehouse, rules = workspace.whole
        warehouse.erase(past=past, outdated=outdated, progress=progress, **rules)
        warehouse.compact(patience=privacy_runs.PATIENCE_SECONDS)
    if "deleted" in by_kind:
        records = retention.deleted_before(workspace, by_kind["deleted"].until)
        privacy_runs.carried_out(workspace, privacy.begun_for(workspace, records), progress=progress)
    if "journals" in by_kind:
        privacy_state.forget_before(by_kind["journals"].until.replace(tzinfo=UTC))
        privacy_state.emptied()
    if found:
        note(by, "retention", detail={item.kind: dict(item.rows) for item in found})
    retention.noted(workspace.home, workspace.clock_today)
    return found
