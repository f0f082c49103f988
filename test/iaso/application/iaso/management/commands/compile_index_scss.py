from pathlib import Path

import sass

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def handle(self, *args, **options):
        folder = Path(__file__).parent.parent.parent / "static/css"
        (folder / "index.css").write_text(sass.compile(filename=str(folder / "index.scss")))
