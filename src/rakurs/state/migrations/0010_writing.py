"""What may be written into systems, and what was."""
# ruff: noqa: D101, RUF012

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import rakurs.state.models.ids


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0009_connections"),
    ]

    operations = [
        migrations.CreateModel(
            name="WritePermit",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="write_permit",
                        serialize=False,
                        to="state.connection",
                    ),
                ),
                ("kinds", models.JSONField(default=list)),
                ("run_limit", models.PositiveIntegerField(default=500)),
                ("day_limit", models.PositiveIntegerField(default=2000)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WriteRun",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=rakurs.state.models.ids.new_id, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("prefix", models.CharField(db_index=True, max_length=40)),
                ("subject", models.CharField(db_index=True, max_length=32)),
                ("title", models.CharField(max_length=200)),
                ("asked", models.JSONField()),
                ("lacking", models.JSONField(default=list)),
                ("status", models.CharField(default="drafting", max_length=16)),
                ("step_ru", models.CharField(blank=True, max_length=300)),
                ("step_en", models.CharField(blank=True, max_length=300)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("attempt", models.PositiveIntegerField(default=1)),
                ("is_cancel_asked", models.BooleanField(default=False)),
                ("error_ru", models.TextField(blank=True)),
                ("error_en", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("drafted_at", models.DateTimeField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
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
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="write_runs",
                        to="state.connection",
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="undone_by",
                        to="state.writerun",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="WriteDeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(db_index=True, max_length=64)),
                ("mark", models.CharField(max_length=24)),
                ("kind", models.CharField(max_length=8)),
                ("record", models.CharField(blank=True, max_length=40)),
                ("customer_id", models.CharField(max_length=200)),
                ("customer", models.CharField(blank=True, max_length=300)),
                ("field", models.CharField(blank=True, max_length=16)),
                ("value", models.TextField(blank=True)),
                ("before", models.TextField(blank=True)),
                ("text", models.TextField(blank=True)),
                ("to", models.CharField(blank=True, max_length=40)),
                ("due_at", models.DateTimeField(null=True)),
                ("status", models.CharField(default="planned", max_length=8)),
                ("reason", models.CharField(blank=True, max_length=16)),
                ("words", models.TextField(blank=True)),
                ("answer", models.CharField(blank=True, max_length=40)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deeds", to="state.writerun"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddConstraint(
            model_name="writerun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["waiting", "writing"])),
                fields=("prefix",),
                name="one_writing_of_a_system",
            ),
        ),
        migrations.AddIndex(
            model_name="writedeed",
            index=models.Index(fields=["run", "status", "kind"], name="deeds_of_a_run"),
        ),
        migrations.AddIndex(
            model_name="writedeed",
            index=models.Index(fields=["sent_at"], name="deeds_of_a_day"),
        ),
        migrations.AddConstraint(
            model_name="writedeed",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind__in", ["comment", "task"]), ("status__in", ["sent", "done"])),
                fields=("key",),
                name="each_deed_once",
            ),
        ),
    ]
