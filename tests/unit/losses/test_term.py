import numpy as np
import tensorflow as tf

from styler.losses.gram import GramLoss
from styler.losses.palette import Palette
from styler.losses.term import STYLE, Term


def test_a_term_sees_its_layer_or_its_own_reading_of_the_image(rng):
    image = tf.constant(rng.random((1, 8, 8, 3), np.float32))
    features = {"a": tf.zeros((1, 8, 8, 2)), "b": tf.ones((1, 4, 4, 2))}
    layer = Term(name="style b", group=STYLE, loss=GramLoss(), layer="b")
    colors = Term(name="palette", group=STYLE, loss=GramLoss(), reading=Palette())
    assert layer.read(image, features) is features["b"]
    np.testing.assert_array_equal(colors.read(image, features), Palette()(image))
    assert (layer.subject, colors.subject) == ("b", "palette")
