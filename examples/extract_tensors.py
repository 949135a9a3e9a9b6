"""Extract tensors of a graph written for TensorFlow 1, whose weights are in a session.

python examples/extract_tensors.py
"""

import numpy as np
import tensorflow as tf

from styler import FeatureExtractor

v1 = tf.compat.v1


def old_program() -> tuple[tf.Graph, v1.Session]:
    """Build a graph with placeholders, variables and a session, in the style of TensorFlow 1."""
    graph = tf.Graph()
    with graph.as_default():
        image = v1.placeholder(tf.float32, (None, 28, 28, 1), name="image")
        kernel = v1.get_variable("kernel", (5, 5, 1, 8), initializer=v1.glorot_uniform_initializer(seed=1))
        hidden = tf.nn.relu(tf.nn.conv2d(image, kernel, 2, "SAME"), name="hidden")
        tf.reduce_mean(hidden, [1, 2], name="summary")
        session = v1.Session()
        session.run(v1.global_variables_initializer())
    return graph, session


def main() -> None:
    graph, session = old_program()
    extractor = FeatureExtractor((graph, session), ["hidden", "summary"])
    session.close()  # the extractor has copied its values
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    for name, tensor in extractor(images).items():
        print(f"{name:<8} {tuple(tensor.shape)}")


if __name__ == "__main__":
    main()
