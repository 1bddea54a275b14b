"""What did people make out of the answers? Saved reports, dashboards, segments, and what each prefers to see."""

from typing import ClassVar

from django.db import models

from rakurs.state.models.ids import new_id
from rakurs.state.models.people import User


class Audience(models.TextChoices):
    """Who besides the owner opens it: nobody, whoever was given the address, everyone in the company.

    Whoever opens it sees the numbers of their own scope: sharing shares the question, never the rows.
    """

    PRIVATE = "private"
    LINK = "link"
    EVERYONE = "everyone"


class Made(models.Model):
    """Something a person made, named, and may share."""

    id = models.CharField(max_length=32, primary_key=True, default=new_id)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=200)
    about = models.TextField(blank=True)
    audience = models.CharField(max_length=16, choices=Audience.choices, default=Audience.PRIVATE)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:  # noqa: D106
        abstract = True
        ordering: ClassVar[list[str]] = ["title", "id"]

    def __str__(self) -> str:
        return self.title


class Report(Made):
    """A saved question. `asked` is a question of `app.asked` as JSON; `version` numbers its latest `ReportVersion`."""

    asked = models.JSONField()
    version = models.PositiveIntegerField(default=1)


class ReportVersion(models.Model):
    """What a report asked at one time. Rows are only ever added, so that any version can be brought back."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    asked = models.JSONField()
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["report", "number"], name="one_version_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.title}, {self.number}"


class Dashboard(Made):
    """Tiles on a grid. `tiles` and `filters` are those of `app.dashboards` as JSON."""

    tiles = models.JSONField(default=list)
    filters = models.JSONField(default=dict)


class Segment(Made):
    """A set of customers. `definition` is one of `app.segment_definitions` as JSON; who is in it stands in the warehouse.

    `counted_version` and `counted_on` are the data and the business day of its last count; before `observed_from` its
    history was reckoned afterwards. `problem_ru` and `problem_en` say why the last count failed.
    """

    definition = models.JSONField()
    is_living = models.BooleanField(default=False)
    counted_version = models.PositiveIntegerField(null=True)
    counted_on = models.DateField(null=True)
    observed_from = models.DateField(null=True)
    problem_ru = models.TextField(blank=True)
    problem_en = models.TextField(blank=True)


class Preference(models.Model):
    """One thing a person set for themselves: the home dashboard, news already seen, what they opened last."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="preferences")
    name = models.CharField(max_length=60)
    value = models.JSONField()

    class Meta:  # noqa: D106
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "name"], name="one_preference_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.name}"
