from django.contrib.auth.models import User
from django.contrib.gis.db import models


class Account(models.Model):
    name = models.TextField(unique=True)


class Profile(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)


class OrgUnit(models.Model):
    name = models.TextField()
    location = models.PointField(null=True, dim=3, srid=4326)


class Form(models.Model):
    name = models.TextField()


class FormAttachment(models.Model):
    form = models.ForeignKey(Form, on_delete=models.CASCADE)
    file = models.FileField(upload_to="form_attachments")


class Task(models.Model):
    name = models.TextField()
    status = models.TextField(default="QUEUED")
    launcher = models.ForeignKey(User, on_delete=models.CASCADE)
    result = models.TextField(default="")
