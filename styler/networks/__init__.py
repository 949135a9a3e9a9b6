"""Networks that provide features.

`NETWORKS` maps names to `NetworkSpec`s. `find_network` also accepts the path of a file.
"""

from styler.networks import applications, compact
from styler.networks.custom import decoder_file, find_network, is_graph, is_saved_model, network_file
from styler.networks.spec import NETWORKS, NetworkSpec

__all__ = [
    "NETWORKS",
    "NetworkSpec",
    "applications",
    "compact",
    "decoder_file",
    "find_network",
    "is_graph",
    "is_saved_model",
    "network_file",
]
