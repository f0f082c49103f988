import importlib
import json
import os

from django.conf import settings
from django.contrib.auth.decorators import login_required, user_passes_test
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt

from iaso import tasks
from iaso.models import Account, Form, FormAttachment, OrgUnit, Profile, Task


def health(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT postgis_version()")
    return JsonResponse({"up": True, "VERSION": settings.VERSION, "DEPLOYED_BY": os.environ.get("DEPLOYED_BY")})


@login_required
def dashboard(request):
    context = {"script": settings.STATIC_URL + settings.WEBPACK["dashboard"], "style": settings.STATIC_URL + "css/index.css"}
    return render(request, "dashboard.html", {**context, "title": gettext("Organisation units")})


def body(request):
    return json.loads(request.body) if request.content_type == "application/json" else request.POST


@user_passes_test(lambda user: user.is_superuser)
@transaction.atomic
def set_up_account(request):
    data = body(request)
    account = Account.objects.create(name=data["account_name"])
    user = User.objects.create_user(data["user_username"], password=data["password"])
    Profile.objects.create(user=user, account=account)
    Form.objects.create(name="Demo Form")
    OrgUnit.objects.create(name="Main org unit", location=Point(4.3, 50.8, 0))
    return JsonResponse({"created_account_id": account.id}, status=201)


@login_required
def forms(request):
    # As in Iaso, a user without an account gets an error.
    Profile.objects.get(user=request.user)
    return JsonResponse({"forms": list(Form.objects.values("id", "name"))})


@login_required
def attachments(request):
    form = get_object_or_404(Form, id=request.POST["form_id"])
    attachment = FormAttachment.objects.create(form=form, file=request.FILES["file"])
    return JsonResponse({"id": attachment.id, "file": attachment.file.url}, status=201)


@login_required
def bulk_update(request):
    return JsonResponse({"task": {"id": tasks.send(tasks.count_org_units, request.user).id}}, status=201)


@login_required
def task(request, number):
    found = get_object_or_404(Task, id=number)
    return JsonResponse({"id": found.id, "status": found.status, "result": found.result})


@csrf_exempt
def run_task(request):
    tasks.run(request.body)
    return HttpResponse()


@csrf_exempt
def launch_task(request, name, username):
    module, function = name.rsplit(".", 1)
    if module.startswith("plugins.") and module.split(".")[1] not in settings.PLUGINS:
        return JsonResponse({"status": "skipped"}, status=400)
    user = User.objects.filter(username=username).first()
    if user is None:
        return JsonResponse({"status": "fail"})
    launched = tasks.send(getattr(importlib.import_module(module), function), user)
    return JsonResponse({"status": "success", "task": {"id": launched.id}})
