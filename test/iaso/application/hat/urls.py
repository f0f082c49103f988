from django.contrib.auth.views import LoginView
from django.urls import path

from iaso import views


urlpatterns = [
    path("_health/", views.health),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("dashboard/", views.dashboard),
    path("api/setupaccount/", views.set_up_account),
    path("api/forms/", views.forms),
    path("api/formattachments/", views.attachments),
    path("api/tasks/create/orgunitsbulkupdate/", views.bulk_update),
    path("api/tasks/<int:number>/", views.task),
    path("tasks/task/", views.run_task),
    path("tasks/launch_task/<str:name>/<str:username>/", views.launch_task),
]
