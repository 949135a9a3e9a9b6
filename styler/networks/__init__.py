"""Networks to extract features from: `NETWORKS` maps a name to a `NetworkSpec`, `find_network` a name or a path."""

from styler.networks import applications, compact
from styler.networks.custom import find_network, is_graph, is_saved_model, network_file
from styler.networks.spec import NETWORKS, NetworkSpec

__all__ = [
    "NETWORKS",
    "NetworkSpec",
    "applications",
    "compact",
    "find_network",
    "is_graph",
    "is_saved_model",
    "network_file",
]
