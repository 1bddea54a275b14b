"""What models said on past days, held against what came."""
# ruff: noqa: D101, RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0007_predictions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=64)),
                ("scored_on", models.DateField()),
                ("until", models.DateField()),
                ("rows", models.BigIntegerField()),
                ("predicted", models.FloatField()),
                ("came", models.FloatField()),
                ("low", models.FloatField()),
                ("high", models.FloatField()),
                ("auc", models.FloatField(null=True)),
                ("auc_low", models.FloatField(null=True)),
                ("auc_high", models.FloatField(null=True)),
            ],
            options={
                "ordering": ["-scored_on"],
                "constraints": [models.UniqueConstraint(fields=("name", "scored_on"), name="one record of a day")],
            },
        ),
    ]
