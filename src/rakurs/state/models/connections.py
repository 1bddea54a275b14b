"""Which systems does a company follow, and how did each run of following go?"""

from typing import ClassVar

from django.db import models

from rakurs.state.models.ids import new_id
from rakurs.state.models.people import User


class Connection(models.Model):
    """A system that is followed. Its settings hold keys, so they stand in a file of the home, not here.

    `prefix` stands before the ids of its rows and is never changed. `version` rises with its settings, so
    that a run of other settings is known; `cursor` is where the next run of changes begins; `compared_at` when what was deleted was last looked for; `heard_at` when the system last told of a change by itself.
    """

    id = models.CharField(max_length=32, primary_key=True, default=new_id)
    source = models.CharField(max_length=40)
    title = models.CharField(max_length=120)
    prefix = models.CharField(max_length=40, unique=True)
    every_minutes = models.PositiveIntegerField(default=15)
    is_paused = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    cursor = models.JSONField(default=dict)
    compared_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["created_at", "id"]

    def __str__(self) -> str:
        return self.title


class SyncRun(models.Model):
    """One run of a connection: what it was to bring (`wanted`), how far it is, what came of it.

    A run that failed is tried again as the same run, from where it stopped: `attempt` counts.
    """

    class Status(models.TextChoices):
        """waiting -> fetching -> loading -> done, or an end without it."""

        WAITING = "waiting"
        FETCHING = "fetching"
        LOADING = "loading"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    FINISHED: ClassVar[frozenset[str]] = frozenset({Status.DONE, Status.FAILED, Status.CANCELLED})

    id = models.CharField(max_length=32, primary_key=True, default=new_id)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="runs")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    wanted = models.JSONField()
    status = models.CharField(max_length=16, default=Status.WAITING)
    step_ru = models.CharField(max_length=300, blank=True)
    step_en = models.CharField(max_length=300, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    fetched = models.BigIntegerField(default=0)
    closed = models.JSONField(default=list)
    attempt = models.PositiveIntegerField(default=1)
    is_cancel_asked = models.BooleanField(default=False)
    is_refused = models.BooleanField(default=False)
    report = models.JSONField(null=True)
    error_ru = models.TextField(blank=True)
    error_en = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=models.Q(status__in=["waiting", "fetching", "loading"]),
                name="one_run_of_a_connection",
            )
        ]

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.status}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.status in self.FINISHED
