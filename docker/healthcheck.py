"""Exit with 0 if the service of this container is ready. No curl in the image, no proxy in the way."""

import http.client
import os
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("OSUSUME_PORT", "8000")), timeout=3)
connection.request("GET", "/health/ready")
response = connection.getresponse()
sys.exit(None if response.status == http.client.OK else response.read().decode())
