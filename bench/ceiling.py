"""The ceiling of every HTTP ratio: the same server and Flask, returning constant bytes under the same headers.

`python -m bench.ceiling PORT WORKERS THREADS FILE`; FILE is JSON: {name: {"headers": [[name, value]], "body": text}}.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from flask import Flask, Response
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer


def application(file: Path) -> Flask:
    """Answers `/<name>` with what the file holds under the name."""
    answers = {
        name: (each["body"].encode(), [(header, value) for header, value in each["headers"]])
        for name, each in json.loads(file.read_text()).items()
    }
    app = Flask(__name__, static_folder=None)

    @app.get("/<name>")
    def constant(name: str) -> Response:
        body, headers = answers[name]
        return Response(body, 200, headers)

    return app


def main(port: int, workers: int, threads: int, file: Path) -> None:
    """Serve with the options of `fhir-gateway serve`."""
    server = MPServer(
        "bench.ceiling:application",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        websockets=False,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=partial(application, file), wrap_loader=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
