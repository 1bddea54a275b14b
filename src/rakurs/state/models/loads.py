"""Which loads does the server do in the background, and how far is each?"""

from typing import ClassVar

from django.db import models

from rakurs.state.models.ids import new_id
from rakurs.state.models.people import User


class LoadJob(models.Model):
    """One load that the server does in the background: what to load, how far it is, what came of it."""

    class Status(models.TextChoices):
        """received -> inspecting -> loading -> done; it may stop for a mapping, a cancellation or an error."""

        RECEIVED = "received"
        INSPECTING = "inspecting"
        NEEDS_MAPPING = "needs_mapping"
        LOADING = "loading"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    FINISHED: ClassVar[frozenset[str]] = frozenset({Status.DONE, Status.FAILED, Status.CANCELLED})

    id = models.CharField(max_length=32, primary_key=True, default=new_id)
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="loads")
    paths = models.JSONField(default=list)
    profile = models.CharField(max_length=500, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    status = models.CharField(max_length=16, default=Status.RECEIVED)
    step_ru = models.CharField(max_length=300, blank=True)
    step_en = models.CharField(max_length=300, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=1)
    is_cancel_asked = models.BooleanField(default=False)
    report = models.JSONField(null=True, blank=True)
    error_ru = models.TextField(blank=True)
    error_en = models.TextField(blank=True)
    unknown_files = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.id}: {self.status}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in self.FINISHED
