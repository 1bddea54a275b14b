"""What may be written into which system, what was, and what came of each deed?"""

from typing import ClassVar

from django.db import models

from rakurs.state.models.connections import Connection
from rakurs.state.models.ids import new_id
from rakurs.state.models.people import User


class WritePermit(models.Model):
    """What may be written over a connection: kinds of deeds, and how many of them in a run and in a day. Without a row, nothing."""

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="write_permit"
    )
    kinds = models.JSONField(default=list)
    run_limit = models.PositiveIntegerField(default=500)
    day_limit = models.PositiveIntegerField(default=2000)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.connection_id}: {', '.join(self.kinds)}"


class WriteRun(models.Model):
    """One writing: what was asked, the preview that was made of it, and how far it is.

    `prefix` is the connection's, and outlives it: what was done is not done again when the system is connected anew.
    `subject` is the segment it is about; `undoes` the run whose fields it brings back; `lacking` the fields it makes first.
    """

    class Status(models.TextChoices):
        """drafting -> ready -> waiting -> writing -> done, or an end without it; a preview nobody wants is dropped."""

        DRAFTING = "drafting"
        READY = "ready"
        DROPPED = "dropped"
        WAITING = "waiting"
        WRITING = "writing"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    MOVING: ClassVar[frozenset[str]] = frozenset({Status.DRAFTING, Status.WAITING, Status.WRITING})
    UNDER_WAY: ClassVar[tuple[str, ...]] = (Status.WAITING, Status.WRITING)
    STOPPED: ClassVar[frozenset[str]] = frozenset({Status.FAILED, Status.CANCELLED})

    id = models.CharField(max_length=32, primary_key=True, default=new_id)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="write_runs")
    prefix = models.CharField(max_length=40, db_index=True)
    subject = models.CharField(max_length=32, db_index=True)
    title = models.CharField(max_length=200)
    asked = models.JSONField()
    lacking = models.JSONField(default=list)
    undoes = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="undone_by")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    status = models.CharField(max_length=16, default=Status.DRAFTING)
    step_ru = models.CharField(max_length=300, blank=True)
    step_en = models.CharField(max_length=300, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=1)
    is_cancel_asked = models.BooleanField(default=False)
    error_ru = models.TextField(blank=True)
    error_en = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    drafted_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["prefix"],
                condition=models.Q(status__in=["waiting", "writing"]),
                name="one_writing_of_a_system",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}: {self.title}, {self.status}"

    @property
    def is_moving(self) -> bool:
        """Whether something happens to it by itself."""
        return self.status in self.MOVING


class WriteDeed(models.Model):
    """One thing to write about one record: what exactly, and what came of it.

    `key` tells it from every other (system, record, kind, campaign, content); `mark` is its visible part, which a comment or
    task carries. `before` is what stood in the field when the preview was made. `reason` says why it is skipped, `words` is
    what the system said where it failed, `answer` the id it has there.
    """

    class Status(models.TextChoices):
        """planned -> sent -> done or failed; skipped from the beginning, or when its time came."""

        PLANNED = "planned"
        SENT = "sent"
        DONE = "done"
        FAILED = "failed"
        SKIPPED = "skipped"

    run = models.ForeignKey(WriteRun, on_delete=models.CASCADE, related_name="deeds")
    key = models.CharField(max_length=64, db_index=True)
    mark = models.CharField(max_length=24)
    kind = models.CharField(max_length=8)
    record = models.CharField(max_length=40, blank=True)
    customer_id = models.CharField(max_length=200)
    customer = models.CharField(max_length=300, blank=True)
    field = models.CharField(max_length=16, blank=True)
    value = models.TextField(blank=True)
    before = models.TextField(blank=True)
    text = models.TextField(blank=True)
    to = models.CharField(max_length=40, blank=True)
    due_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=8, default=Status.PLANNED)
    reason = models.CharField(max_length=16, blank=True)
    words = models.TextField(blank=True)
    answer = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["run", "status", "kind"], name="deeds_of_a_run"),
            models.Index(fields=["sent_at"], name="deeds_of_a_day"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["key"],
                condition=models.Q(kind__in=["comment", "task"], status__in=["sent", "done"]),
                name="each_deed_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.record}: {self.status}"
