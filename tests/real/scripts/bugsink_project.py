"""Prepare a fresh Bugsink in the current folder; run by Bugsink's own Python. Prints the DSN and a token as JSON."""

import json
import os
import sys
from pathlib import Path

import django
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "bugsink_conf"
sys.path.insert(0, str(Path.cwd()))
django.setup()
call_command("migrate", verbosity=0)
call_command("migrate", database="snappea", verbosity=0)

from bsmain.models import AuthToken  # noqa: E402 -- models can be imported once Django is set up
from projects.models import Project  # noqa: E402 -- as above
from teams.models import Team  # noqa: E402 -- as above

project = Project.objects.create(name="shop", team=Team.objects.create(name="team"))
print(json.dumps({"id": project.id, "dsn": project.dsn, "token": AuthToken.create_full_access().token}))
