"""Alerts on a period that did not come as forecast."""
# ruff: noqa: D101, RUF012

from django.db import migrations, models

CONDITIONS = [
    ("above", "Above"),
    ("below", "Below"),
    ("unusual", "Unusual"),
    ("forecast", "Forecast"),
    ("no_data", "No Data"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0011_signing"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alert",
            name="condition",
            field=models.CharField(choices=CONDITIONS, max_length=8),
        ),
        migrations.AddField(
            model_name="alert",
            name="grain",
            field=models.CharField(default="day", max_length=5),
        ),
        migrations.AddField(
            model_name="alert",
            name="level",
            field=models.PositiveSmallIntegerField(default=95),
        ),
        migrations.AddField(
            model_name="alert",
            name="against",
            field=models.CharField(blank=True, default="", max_length=8),
        ),
    ]
