"""How does a person or a program say what the columns of a waiting load mean, so that it goes on?

What is confirmed is an entry of a profile's `files`: exactly what the YAML says, and what is proposed in the first place.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rakurs.app import accounts, jobs
from rakurs.app.serving import current
from rakurs.core.errors import BadInput, UnknownName, UnreadableFile
from rakurs.core.text import Language, Text
from rakurs.sources import files
from rakurs.state.models import LoadJob, User

_FILE = Text(ru="Файла без сопоставления", en="file that waits for a mapping")
_NOT_WAITING = Text(
    ru="Эта загрузка не ждёт сопоставления: оно нужно только при состоянии needs_mapping.",
    en="This load does not wait for a mapping: only one with the status needs_mapping does.",
)
_DOES_NOT_FIT = Text(
    ru="в match есть столбцы, которых нет в файле, или имя файла не подходит под file.",
    en="match names columns that the file lacks, or the file's name is not like `file`.",
)
_LACKING = Text(
    ru="таблице {table} не хватает обязательных столбцов: {columns}.",
    en="{table} lacks columns it requires: {columns}.",
)
_NOTHING = Text(
    ru="ни одна таблица не получает значений. Назовите хотя бы одну в tables.",
    en="no table gets a value. Name at least one under tables.",
)


def proposed_documents(job: LoadJob, language: Language) -> list[dict[str, Any]]:
    """What each waiting file is taken for, column by column, and the mapping to confirm or to correct."""
    with current().unknown(_paths(job)) as waiting:
        return [_document(part, language) for part in waiting]


def confirm_mappings(job: LoadJob, mappings: Mapping[str, Mapping[str, Any] | None], *, owner: User | None) -> None:
    """Remember what the named files mean, all or none, and let the load go on once no file waits any more.

    A file's mapping is an entry of a profile's `files`; None confirms what was proposed. `match` may be left out: then
    it is the file's whole header.
    """
    if job.status != LoadJob.Status.NEEDS_MAPPING:
        raise BadInput(_NOT_WAITING)
    with current().unknown(_paths(job)) as waiting:
        parts = {Path(part.file).name: part for part in waiting}
        for name in mappings:
            if name not in parts:
                raise UnknownName(_FILE, name, parts)
        profiles = {name: _profile(parts[name], mapping) for name, mapping in mappings.items()}
    confirm(job, profiles, owner=owner)


def confirm(job: LoadJob, profiles: Mapping[str, files.Profile], *, owner: User | None) -> list[str]:
    """Remember a checked profile per named file, say in the audit who did, and go on; the files that still wait."""
    if job.status != LoadJob.Status.NEEDS_MAPPING:
        raise BadInput(_NOT_WAITING)
    for profile in profiles.values():
        current().remember(profile)
    accounts.note(owner, "mapping", job.id, detail={"files": list(profiles)})
    return continue_when_known(job)


def continue_when_known(job: LoadJob) -> list[str]:
    """Let a waiting load go on when every file of it is known; the files that still are not."""
    with current().unknown(_paths(job)) as waiting:
        left = [part.file for part in waiting]
    LoadJob.objects.filter(pk=job.pk).update(unknown_files=left)
    job.refresh_from_db()
    if not left:
        jobs.go_on(job)
    return left


def checked_profile(part: files.Inspected, text: str) -> files.Profile:
    """The profile in `text`, which must fit `part` and give every table what it requires."""
    name = Path(part.file).name
    profile = files.profile_from(text, file=name)
    shape = profile.fitting(part.scan.columns, stem=Path(name).stem)
    if shape is None:
        raise UnreadableFile(name, _DOES_NOT_FIT)
    for table in shape.mapping.tables:
        lacking = files.lacking_columns(table)
        if lacking:
            raise UnreadableFile(name, _LACKING.filled(table=table.table, columns=", ".join(lacking)))
    if not any(table.values for table in shape.mapping.tables):
        raise UnreadableFile(name, _NOTHING)
    return profile


def _profile(part: files.Inspected, mapping: Mapping[str, Any] | None) -> files.Profile:
    if mapping is None:
        return checked_profile(part, files.profile_yaml(part.profile))
    proposed = part.profile
    entry = {"match": list(proposed.files[0].match), **mapping}
    # JSON is YAML: one reader says what is wrong with either.
    return checked_profile(part, json.dumps({"name": proposed.name, "files": [entry]}, ensure_ascii=False))


def _document(part: files.Inspected, language: Language) -> dict[str, Any]:
    text = files.profile_yaml(part.profile)
    written: dict[str, Any] = yaml.safe_load(text)
    entry = {**{key: value for key, value in written.items() if key not in {"name", "files"}}, **written["files"][0]}
    return {
        "file": Path(part.file).name,
        "rows_estimate": part.rows_estimate,
        "notes": [note.to(language) for note in part.notes],
        "columns": [
            {
                "column": guess.column,
                "samples": list(guess.samples),
                "table": guess.table,
                "field": guess.target,
                "confidence": guess.confidence,
            }
            for guess in part.guesses
        ],
        "mapping": entry,
        "profile": text,
    }


def _paths(job: LoadJob) -> list[Path]:
    return [Path(path) for path in job.paths]
