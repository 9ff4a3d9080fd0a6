"""Command line: ``python -m skstruct demo`` and ``python -m skstruct doctor``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m skstruct", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo", help="fit real data beside scikit-learn: plans, times, errors, certificates"
    )
    doctor = commands.add_parser(
        "doctor",
        help="which BLAS is loaded, its kernels and threads, and the settings worth changing",
    )
    for command in (demo, doctor):
        command.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )
    options = parser.parse_args(arguments)
    if options.command == "doctor":
        from skstruct._doctor import run_doctor

        return run_doctor(as_json=options.json)

    from skstruct._demo import run_demo  # scikit-learn takes a second to import

    return run_demo(as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
