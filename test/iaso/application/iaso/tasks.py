"""Background tasks, sent through SQS as Iaso sends them."""

import importlib
import json
import os

import boto3

from geopy.point import Point
from iaso_extra import describe

from iaso.models import OrgUnit, Task


def send(function, user):
    """Stores a task and sends it to the queue."""
    task = Task.objects.create(name=function.__name__, launcher=user)
    client = boto3.client("sqs", region_name=os.environ["BEANSTALK_SQS_REGION"])
    body = {"module": function.__module__, "method": function.__name__, "task_id": task.id}
    client.send_message(QueueUrl=os.environ["BEANSTALK_SQS_URL"], MessageBody=json.dumps(body), MessageAttributes={})
    return task


def run(body):
    """Runs a task unless it ran already."""
    message = json.loads(body)
    task = Task.objects.get(id=message["task_id"])
    if task.status != "QUEUED":
        return
    function = getattr(importlib.import_module(message["module"]), message["method"])
    try:
        task.result, task.status = str(function()), "SUCCESS"
    except Exception as error:
        task.result, task.status = repr(error), "ERRORED"
    task.save()


def count_org_units():
    assert os.environ["WORKER"] == "true"
    return f"{OrgUnit.objects.count()} at {Point(50.8, 4.3)} {describe()}"
