"""Keys that sign what they send."""
# ruff: noqa: D101, RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0010_writing"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="signing",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
    ]
