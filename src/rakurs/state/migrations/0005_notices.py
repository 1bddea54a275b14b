"""Scheduled reports, alerts on numbers, and what came of each."""
# ruff: noqa: D101, RUF012

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import rakurs.state.models.ids


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0004_note"),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=rakurs.state.models.ids.new_id, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("subject", models.JSONField()),
                ("chats", models.JSONField(default=list)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "condition",
                    models.CharField(
                        choices=[
                            ("above", "Above"),
                            ("below", "Below"),
                            ("unusual", "Unusual"),
                            ("no_data", "No Data"),
                        ],
                        max_length=8,
                    ),
                ),
                ("threshold", models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True)),
                ("is_told_each_time", models.BooleanField(default=False)),
                ("is_on", models.BooleanField(default=False)),
                ("looked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("people", models.ManyToManyField(blank=True, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ["title", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("notice_id", models.CharField(db_index=True, max_length=32)),
                ("title", models.CharField(max_length=200)),
                ("due_at", models.DateTimeField()),
                ("recipient", models.CharField(max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[("sent", "Sent"), ("empty", "Empty"), ("failed", "Failed")], max_length=8
                    ),
                ),
                ("detail_ru", models.TextField(blank=True)),
                ("detail_en", models.TextField(blank=True)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-at", "-id"],
                "constraints": [models.UniqueConstraint(fields=("notice_id", "due_at", "recipient"), name="told_once")],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=rakurs.state.models.ids.new_id, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("subject", models.JSONField()),
                ("chats", models.JSONField(default=list)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "frequency",
                    models.CharField(
                        choices=[("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")],
                        default="weekly",
                        max_length=8,
                    ),
                ),
                ("weekday", models.PositiveSmallIntegerField(default=0)),
                ("day", models.PositiveSmallIntegerField(default=1)),
                ("at", models.TimeField()),
                ("files", models.JSONField(default=list)),
                ("skips_empty", models.BooleanField(default=True)),
                ("next_at", models.DateTimeField(db_index=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("people", models.ManyToManyField(blank=True, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ["title", "id"],
                "abstract": False,
            },
        ),
    ]
