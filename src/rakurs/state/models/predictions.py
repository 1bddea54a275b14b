"""Which fits of models are kept, and how far is the one being made?"""

from typing import ClassVar

from django.db import models

from rakurs.state.models.ids import new_id
from rakurs.state.models.people import User


class ModelSettings(models.Model):
    """What people set of a model: its parameters, and whether it works at all."""

    name = models.CharField(max_length=64, primary_key=True)
    params = models.JSONField(default=dict)
    is_on = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class ModelRecord(models.Model):
    """What a model said on a past day, held against what came: how many, the mean of both, and whether the order was right."""

    name = models.CharField(max_length=64)
    scored_on = models.DateField()
    until = models.DateField()
    rows = models.BigIntegerField()
    predicted = models.FloatField()
    came = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    auc = models.FloatField(null=True)
    auc_low = models.FloatField(null=True)
    auc_high = models.FloatField(null=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-scored_on"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["name", "scored_on"], name="one record of a day")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.scored_on}"


class ModelFit(models.Model):
    """One fit of a model: of which data, under which parameters, how good. The current one scores."""

    class Status(models.TextChoices):
        """waiting -> learning -> scoring -> ready; or it stops for too little data, a cancellation or an error."""

        WAITING = "waiting"
        LEARNING = "learning"
        SCORING = "scoring"
        READY = "ready"
        NOT_ENOUGH = "not_enough"
        FAILED = "failed"
        CANCELLED = "cancelled"

    UNDER_WAY: ClassVar[frozenset[str]] = frozenset({Status.WAITING, Status.LEARNING, Status.SCORING})

    id = models.CharField(max_length=32, primary_key=True, default=new_id)
    name = models.CharField(max_length=64, db_index=True)
    status = models.CharField(max_length=16, default=Status.WAITING)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    params = models.JSONField(default=dict)
    as_of = models.DateField(null=True)
    data_version = models.BigIntegerField(default=0)
    artefact = models.JSONField(null=True)
    card = models.JSONField(null=True)
    missing = models.JSONField(default=list)
    is_current = models.BooleanField(default=False)
    is_cancel_asked = models.BooleanField(default=False)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    scored_on = models.DateField(null=True)
    scored_version = models.BigIntegerField(default=0)
    scored_rows = models.BigIntegerField(default=0)
    error_ru = models.TextField(blank=True)
    error_en = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.name}: {self.status}"

    @property
    def is_under_way(self) -> bool:
        """Whether it is still being made."""
        return self.status in self.UNDER_WAY

    def error_in(self, language: str) -> str:
        """What went wrong, in words; empty where nothing did."""
        return self.error_ru if language == "ru" else self.error_en
