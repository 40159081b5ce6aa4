"""The Rasa server, with what stands in for Rasa's own parts.

    python -m runtime.server --model models/x.tar.gz [--host 127.0.0.1] [--port 5005]
        [--endpoints endpoints.yml] [--credentials credentials.yml]

Public are the channels' webhooks and `/healthz`; every other path of Rasa's HTTP API wants
`RASA_TOKEN`. If something is missing, it says which in one sentence and ends with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

from runtime import without_tensorflow
from runtime.serving import Unable, quiet_logs, refuse_taken_port, serve
from storage.secrets import MissingSecret, secret

# By how much it goes behind the intake where processors are scarce (`nice`).
BEHIND_INTAKE = 5


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 1 and one sentence if it cannot."""
    begun = time.monotonic()
    options = _options(arguments)
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    if os.environ.get("QUDAO_INTAKE_URL"):
        # A vendor gives up after seconds; a shopper's answer may take a little longer.
        os.nice(BEHIND_INTAKE)
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    warnings.simplefilter("ignore", DeprecationWarning)
    quiet_logs()
    try:
        token = secret("RASA_TOKEN")
        _refuse_missing(options)
        refuse_taken_port(options.host, options.port)
        modules = without_tensorflow.model_components(options.model)
        if not without_tensorflow.needs_tensorflow(modules):
            without_tensorflow.keep_out()
        # Only now: importing Rasa's server decides whether TensorFlow comes with it.
        from runtime.application import build_app

        app = build_app(options.model, options.endpoints, options.credentials, token)
    except (Unable, MissingSecret, ValueError) as error:
        print(f"rasa server: {error}", file=sys.stderr)
        return 1

    serve(app, "rasa", options.host, options.port, begun)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m runtime.server", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the model's .tar.gz")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5005)
    parser.add_argument("--endpoints", type=Path, default=Path("endpoints.yml"))
    parser.add_argument("--credentials", type=Path, default=Path("credentials.yml"))
    return parser.parse_args(arguments)


def _refuse_missing(options: argparse.Namespace) -> None:
    wanted = {
        "--model": (options.model, "train one with `make train`"),
        "--endpoints": (options.endpoints, "it names the action server and the stores"),
        "--credentials": (options.credentials, "it names the channels"),
    }
    for option, (path, advice) in wanted.items():
        if not path.is_file():
            raise Unable(f"{option} {path}: there is no such file; {advice}")


if __name__ == "__main__":
    sys.exit(main())
