"""Extract hidden and cell states of a recurrent network that was built without returning them.

python examples/extract_states.py
"""

import keras
import numpy as np

from styler import FeatureExtractor


def sentiment_model() -> keras.Model:
    """Build a model that maps words to one number, as an example of a trained model."""
    words = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(1000, 16, mask_zero=True)(words)
    x = keras.layers.Bidirectional(keras.layers.GRU(8, return_sequences=True), name="reader")(x)
    return keras.Model(words, keras.layers.Dense(1, name="mood")(keras.layers.LSTM(12, name="memory")(x)))


def main() -> None:
    states = ["memory:state_h", "memory:state_c", "reader:backward.sequence", "mood"]
    extractor = FeatureExtractor(sentiment_model(), states)
    sentences = np.array([[4, 17, 256, 9, 3], [12, 5, 0, 0, 0]], np.int32)  # the second has two words
    for address, tensor in extractor(sentences).items():
        print(f"{address:<26} {tuple(tensor.shape)}")


if __name__ == "__main__":
    main()
