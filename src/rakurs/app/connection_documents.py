"""How does a connection look to a program or a command? As plain values in one language, without any secret."""

from collections.abc import Mapping

from rakurs.app.connections import ADVICE, HEALTH, State, due_at, source_of
from rakurs.app.documents import Document
from rakurs.core.text import Language, Text
from rakurs.sources.live import LiveSource, Reached
from rakurs.state.models import SyncRun

STATUS_WORDS: Mapping[str, Text] = {
    SyncRun.Status.WAITING: Text(ru="В очереди", en="Waiting"),
    SyncRun.Status.FETCHING: Text(ru="Читаю", en="Reading"),
    SyncRun.Status.LOADING: Text(ru="Загружаю", en="Loading"),
    SyncRun.Status.DONE: Text(ru="Готово", en="Done"),
    SyncRun.Status.FAILED: Text(ru="Не получилось", en="Failed"),
    SyncRun.Status.CANCELLED: Text(ru="Остановлено", en="Stopped"),
}
KIND_WORDS: Mapping[str, Text] = {
    "full": Text(ru="Всё заново", en="Everything anew"),
    "changes": Text(ru="Изменения", en="Changes"),
    "period": Text(ru="Период", en="A period"),
}


def source_document(source: LiveSource, language: Language) -> Document:
    """What can be followed, and what it asks for."""
    return {
        "name": source.name,
        "title": source.title.to(language),
        "about": source.about.to(language),
        "unverified": source.unverified.to(language),
        "settings": [
            {
                "name": field.name,
                "title": field.title.to(language),
                "hint": field.hint.to(language),
                "kind": field.kind,
                "is_required": field.is_required,
                "way": field.way,
            }
            for field in source.fields
        ],
    }


def state_document(state: State, language: Language) -> Document:
    """A connection and how it does."""
    connection = state.connection
    due = due_at(connection, state.latest)
    return {
        "id": connection.pk,
        "source": connection.source,
        "source_title": source_of(connection).title.to(language),
        "title": connection.title,
        "prefix": connection.prefix,
        "every_minutes": connection.every_minutes,
        "is_paused": connection.is_paused,
        "health": state.health,
        "health_title": HEALTH[state.health].to(language),
        "advice": ADVICE[state.health].to(language) if state.health in ADVICE else "",
        "lag_seconds": None if state.lag is None else round(state.lag.total_seconds()),
        "next_run_at": None if due is None else due.isoformat(timespec="seconds"),
        "heard_at": None if connection.heard_at is None else connection.heard_at.isoformat(timespec="seconds"),
        "latest_run": None if state.latest is None else run_document(state.latest, language),
    }


def run_document(run: SyncRun, language: Language) -> Document:
    """One run: how far it is, what came of it."""
    tables = [] if run.report is None else run.report["tables"]
    return {
        "id": run.pk,
        "kind": run.wanted["kind"],
        "kind_title": KIND_WORDS[run.wanted["kind"]].to(language),
        "from_day": run.wanted["from_day"],
        "to_day": run.wanted["to_day"],
        "status": run.status,
        "status_title": STATUS_WORDS[run.status].to(language),
        "attempt": run.attempt,
        "step": run.step_ru if language == "ru" else run.step_en,
        "done": run.done,
        "total": run.total,
        "fetched": run.fetched,
        "changed": sum(table["inserted"] + table["updated"] + table.get("removed", 0) for table in tables),
        "quarantined": sum(table["quarantined"] for table in tables),
        "tables": tables,
        "closed": list(run.closed),
        "error": run.error_ru if language == "ru" else run.error_en,
        "created_at": run.created_at.isoformat(timespec="seconds"),
        "started_at": None if run.started_at is None else run.started_at.isoformat(timespec="seconds"),
        "finished_at": None if run.finished_at is None else run.finished_at.isoformat(timespec="seconds"),
    }


def reached_document(reached: Reached, language: Language) -> Document:
    """What a connection test found."""
    return {
        "who": reached.who,
        "counts": [{"title": title.to(language), "records": count} for title, count in reached.counts],
        "closed": [title.to(language) for title in reached.closed],
        "advice": reached.advice.to(language) if reached.advice else "",
    }
