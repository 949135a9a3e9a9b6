"""The `styler` program with a small network of random weights, "tiny", among its networks: run as a script."""

from __future__ import annotations

import sys

from styler.cli.app import main, prepare_environment
from styler.cli.quiet import import_tensorflow


def register() -> None:
    prepare_environment(sys.argv[1:])
    import_tensorflow()  # as quietly as in the program itself
    from styler.networks import NETWORKS
    from support.networks import tiny_network

    NETWORKS.add("tiny", tiny_network())


if __name__ == "__main__":
    register()
    main()
