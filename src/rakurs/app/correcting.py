"""How is a mapping put right that turned out wrong after its files were loaded?

The remembered profile is corrected, so that the next file of that shape comes in right, and every table is made again
from the raw zone, where the files lie as they came.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from rakurs.app import accounts, jobs
from rakurs.app.serving import current
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.sources import files
from rakurs.state.models import LoadJob, User

_NOT_CORRECTABLE = Text(
    ru="Поправить можно сопоставление, которое подтвердил человек, и только когда загрузка закончена.",
    en="Only a mapping that a person confirmed can be corrected, and only once the load is done.",
)


def correctable(job: LoadJob) -> Collection[str]:
    """The files of a finished load that were read by a profile somebody confirmed."""
    report = jobs.report_of(job)
    if report is None or not job.is_finished:
        return ()
    names = {profile.name for profile in files.remembered(current().home.profiles)}
    return [file.file for file in report.files if file.shape in names]


def loaded_part(job: LoadJob, file: str) -> files.Inspected:
    """One file of a finished load with what its columns were taken for. BadInput where it cannot be corrected."""
    part = current().loaded_before(file) if file in correctable(job) else None
    if part is None:
        raise BadInput(_NOT_CORRECTABLE)
    return part


def correct(job: LoadJob, part: files.Inspected, profile: files.Profile, *, owner: User | None) -> None:
    """Keep the corrected profile under its old name, and read again in the background what was read by it."""
    before = part.mapping
    shape = replace(profile.files[0], mapping=replace(profile.files[0].mapping, name=before.name))
    known = next(item for item in files.remembered(current().home.profiles) if item.name == before.name)
    read_by = known.fitting(part.scan.columns, stem=Path(part.file).stem)
    kept = [other for other in known.files if other is not read_by]
    current().remember(replace(known, files=(shape, *kept)))
    accounts.note(owner, "mapping", job.id, detail={"files": [part.file], "corrected": True})
    jobs.read_again(job, [part.file])
