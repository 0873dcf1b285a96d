"""What gunicorn loads in its worker."""

import os

from .app import create_app
from .settings import read_settings

app = create_app(read_settings(os.environ))
