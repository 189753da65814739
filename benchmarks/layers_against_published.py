"""Single layers, published cycles on a Cortex-M33, against the cost model; no fit saw them.

    python benchmarks/layers_against_published.py

Silicon Labs EFR32xG24 (Cortex-M33, 78 MHz), CMSIS-NN through TensorFlow Lite Micro: MLTK's
profile_model tutorial. Shapes are those that its figures of multiply-accumulates imply.
"""

import layers
import numpy as np

from sprd.device.costs import costs
from sprd.device.graph import read_graph
from sprd.device.instructions import count_instructions
from sprd.device.latency import OPERATOR_CYCLES


def main() -> None:
    """Prints a line a layer."""
    rng = np.random.default_rng(0)
    factor = costs().cores["cortex-m33"].cycles_per_instruction
    published = (
        ("convolution 3x3x1->24, 48x48", layers.convolution(
            (48, 48, 1), 24, (3, 3), (1, 1), True, rng), 6_300_000),
        ("average pool 2x2, 48x48x24", layers.pool(
            "AVERAGE_POOL_2D", (48, 48, 24), (2, 2), (2, 2), False, rng), 759_400),
        ("convolution 3x3x24->16, stride 2, 24x24", layers.convolution(
            (24, 24, 24), 16, (3, 3), (2, 2), False, rng), 1_400_000),
        ("convolution 3x3x16->24, 11x11", layers.convolution(
            (11, 11, 16), 24, (3, 3), (1, 1), False, rng), 956_100),
        ("fully connected 384->3", layers.fully_connected(384, 3, rng), 5_100),
    )  # fmt: skip
    for name, model, cycles in published:
        graph = read_graph(model)
        told = factor * sum(count or 0.0 for count in count_instructions(graph)) + OPERATOR_CYCLES
        print(f"{name:42}{cycles:>10,}{told:>12,.0f}{told / cycles - 1:>+8.1%}")


if __name__ == "__main__":
    main()
