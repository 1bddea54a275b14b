"""What people set of models, and the fits that are kept."""
# ruff: noqa: D101, RUF012

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import rakurs.state.models.ids


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0006_segment_counts"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelSettings",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("params", models.JSONField(default=dict)),
                ("is_on", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="ModelFit",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=rakurs.state.models.ids.new_id, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(db_index=True, max_length=64)),
                ("status", models.CharField(default="waiting", max_length=16)),
                ("params", models.JSONField(default=dict)),
                ("as_of", models.DateField(null=True)),
                ("data_version", models.BigIntegerField(default=0)),
                ("artefact", models.JSONField(null=True)),
                ("card", models.JSONField(null=True)),
                ("missing", models.JSONField(default=list)),
                ("is_current", models.BooleanField(default=False)),
                ("is_cancel_asked", models.BooleanField(default=False)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("scored_on", models.DateField(null=True)),
                ("scored_version", models.BigIntegerField(default=0)),
                ("scored_rows", models.BigIntegerField(default=0)),
                ("error_ru", models.TextField(blank=True)),
                ("error_en", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "id"],
            },
        ),
    ]
