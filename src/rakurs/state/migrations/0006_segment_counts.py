"""When a segment was last counted, and what went wrong."""
# ruff: noqa: D101, RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0005_notices"),
    ]

    operations = [
        migrations.AddField("segment", "counted_version", models.PositiveIntegerField(null=True)),
        migrations.AddField("segment", "counted_on", models.DateField(null=True)),
        migrations.AddField("segment", "observed_from", models.DateField(null=True)),
        migrations.AddField("segment", "problem_ru", models.TextField(blank=True)),
        migrations.AddField("segment", "problem_en", models.TextField(blank=True)),
    ]
