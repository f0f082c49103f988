import django.contrib.gis.db.models.fields
import django.db.models.deletion

from django.conf import settings
from django.contrib.postgres.operations import CreateExtension, TrigramExtension
from django.db import migrations, models


def user(field):
    return field(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)


def owner(model):
    return models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=model)


ID = ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        CreateExtension("postgis"),
        TrigramExtension(),
        migrations.CreateModel("Account", [ID, ("name", models.TextField(unique=True))]),
        migrations.CreateModel(
            "OrgUnit",
            [
                ID,
                ("name", models.TextField()),
                ("location", django.contrib.gis.db.models.fields.PointField(dim=3, null=True, srid=4326)),
            ],
        ),
        migrations.CreateModel("Form", [ID, ("name", models.TextField())]),
        migrations.CreateModel("Profile", [ID, ("account", owner("iaso.account")), ("user", user(models.OneToOneField))]),
        migrations.CreateModel(
            "FormAttachment",
            [ID, ("file", models.FileField(upload_to="form_attachments")), ("form", owner("iaso.form"))],
        ),
        migrations.CreateModel(
            "Task",
            [
                ID,
                ("name", models.TextField()),
                ("status", models.TextField(default="QUEUED")),
                ("result", models.TextField(default="")),
                ("launcher", user(models.ForeignKey)),
            ],
        ),
    ]
