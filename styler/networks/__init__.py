"""Networks to extract features from: `NETWORKS` maps a name to a `NetworkSpec`."""

from styler.networks import compact, vgg
from styler.networks.spec import NETWORKS, NetworkSpec

__all__ = ["NETWORKS", "NetworkSpec", "compact", "vgg"]
