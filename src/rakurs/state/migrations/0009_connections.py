"""Systems that are followed, and the runs of following."""
# ruff: noqa: D101, RUF012

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import rakurs.state.models.ids


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0008_records"),
    ]

    operations = [
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=rakurs.state.models.ids.new_id, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("source", models.CharField(max_length=40)),
                ("title", models.CharField(max_length=120)),
                ("prefix", models.CharField(max_length=40, unique=True)),
                ("every_minutes", models.PositiveIntegerField(default=15)),
                ("is_paused", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1)),
                ("cursor", models.JSONField(default=dict)),
                ("compared_at", models.DateTimeField(null=True)),
                ("heard_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="SyncRun",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=rakurs.state.models.ids.new_id, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("wanted", models.JSONField()),
                ("status", models.CharField(default="waiting", max_length=16)),
                ("step_ru", models.CharField(blank=True, max_length=300)),
                ("step_en", models.CharField(blank=True, max_length=300)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("fetched", models.BigIntegerField(default=0)),
                ("closed", models.JSONField(default=list)),
                ("attempt", models.PositiveIntegerField(default=1)),
                ("is_cancel_asked", models.BooleanField(default=False)),
                ("is_refused", models.BooleanField(default=False)),
                ("report", models.JSONField(null=True)),
                ("error_ru", models.TextField(blank=True)),
                ("error_en", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="state.connection"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["waiting", "fetching", "loading"])),
                        fields=("connection",),
                        name="one_run_of_a_connection",
                    )
                ],
            },
        ),
    ]
