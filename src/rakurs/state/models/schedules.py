"""What goes out by itself: reports by mail and chat on a day and hour, alerts on a number, and what came of each."""

from typing import ClassVar

from django.db import models

from rakurs.state.models.ids import new_id
from rakurs.state.models.people import User


class Notice(models.Model):
    """Something that is told to people and chats. `subject` is a subject of `app.subjects` as JSON.

    A person gets the numbers of their own scope; a chat those of the owner's.
    """

    id = models.CharField(max_length=32, primary_key=True, default=new_id)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=200)
    subject = models.JSONField()
    people = models.ManyToManyField(User, related_name="+", blank=True)
    chats = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:  # noqa: D106
        abstract = True
        ordering: ClassVar[list[str]] = ["title", "id"]

    def __str__(self) -> str:
        return self.title


class Subscription(Notice):
    """A report that goes out on its day and hour, by the company's clock. `next_at` is when it is due again."""

    class Frequency(models.TextChoices):
        """Every day, on one weekday (0 is Monday), on one day of the month (its last day where it has fewer)."""

        DAILY = "daily"
        WEEKLY = "weekly"
        MONTHLY = "monthly"

    frequency = models.CharField(max_length=8, choices=Frequency.choices, default=Frequency.WEEKLY)
    weekday = models.PositiveSmallIntegerField(default=0)
    day = models.PositiveSmallIntegerField(default=1)
    at = models.TimeField()
    files = models.JSONField(default=list)
    skips_empty = models.BooleanField(default=True)
    next_at = models.DateTimeField(db_index=True)


class Alert(Notice):
    """A number that is watched: told when it becomes so (`once`), or each time it is looked at and is so.

    `grain` and `level` (per cent) are of the condition "forecast"; `against` is what the last look held the number against:
    "forecast", "usual" where the past was too short for one, "nothing" where it was shorter still.
    """

    class Condition(models.TextChoices):
        """Beyond a threshold, away from what its own past lets expect, or nothing new for days."""

        ABOVE = "above"
        BELOW = "below"
        UNUSUAL = "unusual"
        FORECAST = "forecast"
        NO_DATA = "no_data"

    condition = models.CharField(max_length=8, choices=Condition.choices)
    grain = models.CharField(max_length=5, default="day")
    level = models.PositiveSmallIntegerField(default=95)
    against = models.CharField(max_length=8, blank=True, default="")
    threshold = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    is_told_each_time = models.BooleanField(default=False)
    is_on = models.BooleanField(default=False)
    looked_at = models.DateTimeField(null=True, blank=True)


class Delivery(models.Model):
    """What came of telling one recipient once. The key of a notice, a due moment and a recipient is told once only."""

    class Status(models.TextChoices):
        """Sent, left out because there was nothing to say, or refused by the other side."""

        SENT = "sent"
        EMPTY = "empty"
        FAILED = "failed"

    notice_id = models.CharField(max_length=32, db_index=True)
    title = models.CharField(max_length=200)
    due_at = models.DateTimeField()
    recipient = models.CharField(max_length=200)
    status = models.CharField(max_length=8, choices=Status.choices)
    detail_ru = models.TextField(blank=True)
    detail_en = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["notice_id", "due_at", "recipient"], name="told_once")
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.recipient} {self.status}"
