"""The web server of an environment on which Iaso is not deployed yet.

Answers GET and HEAD with 200: a health report on /_health/, a page elsewhere. Refuses all other methods with 405, so
that the daemon of a worker puts background tasks back into the queue instead of losing them.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Iaso is not deployed yet</title>
<h1>Iaso is not deployed yet</h1>
<p>This environment is ready. Deploy a version of Iaso to it: <code>npm run deploy</code>.</p>
"""
HEALTH = json.dumps({"up": True, "VERSION": None}).encode()


class Handler(BaseHTTPRequestHandler):
    server_version = "iaso-on-aws"
    sys_version = ""

    def do_GET(self):
        health = self.path.split("?")[0] == "/_health/"
        body = HEALTH if health else PAGE
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if health else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def refuse(self):
        self.send_response(405)
        self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    do_DELETE = do_OPTIONS = do_PATCH = do_POST = do_PUT = refuse

    def log_request(self, code="-", size="-"):
        """nginx keeps the access log."""


if __name__ == "__main__":
    # The proxy forwards to this port: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/python-configuration-procfile.html
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
