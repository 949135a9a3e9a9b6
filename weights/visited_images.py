"""Images that an optimizer visits: mixtures, noise, half-optimized renders, points of disagreement.

A network that is right on photos alone lets an optimizer cheat: it finds images that match for the network
and look wrong. These sources show the student such images while it still learns.
"""

import concurrent.futures
import pathlib

import keras
import numpy as np
from keras import ops
from PIL import Image

HELD_OUT = 24  # images kept from training to measure on, every n-th of the list, at most a sixth of all


class ImageSource:
    """Random crops of photos and paintings, and images made from them; float32 RGB 0..1, (B, S, S, 3)."""

    def __init__(self, photos: pathlib.Path, paintings: pathlib.Path, side: int, random: np.random.Generator) -> None:
        self.side, self.random = side, random
        with concurrent.futures.ThreadPoolExecutor() as threads:
            self.photos = list(threads.map(open_rgb, sorted(photos.glob("*.jpg"))))
            self.paintings = list(threads.map(open_rgb, sorted(paintings.glob("*.jpg"))))
        every = [*self.photos, *self.paintings]
        count = max(1, min(HELD_OUT, len(every) // 6))
        kept = every[:: len(every) // count][:count]
        self.photos = [i for i in self.photos if not any(i is k for k in kept)]
        self.paintings = [i for i in self.paintings if not any(i is k for k in kept)]
        self.held_out = np.stack([center(image, side) for image in kept])

    def crop(self, images: list[Image.Image]) -> np.ndarray:
        """A square of random place, size and flip."""
        image = images[self.random.integers(len(images))]
        short = min(image.size)
        edge = float(np.clip(self.side * 2 ** self.random.uniform(-0.3, 2.2), 32, short))
        left, top = (self.random.uniform(0, extent - edge) for extent in image.size)
        part = image.resize((self.side, self.side), Image.BICUBIC, box=(left, top, left + edge, top + edge))
        pixels = np.asarray(part, np.float32) / 255
        pixels = pixels[:, ::-1] if self.random.random() < 0.5 else pixels
        return pixels.transpose(1, 0, 2) if self.random.random() < 0.2 else pixels

    def any_crop(self) -> np.ndarray:
        return self.crop(self.photos if self.random.random() < 0.5 else self.paintings)

    def plain(self, count: int) -> np.ndarray:
        """Crops with changes of color, contrast and a little noise."""
        crops = [jitter(self.any_crop(), self.random) for _ in range(count)]
        return np.stack(crops) if crops else self.nothing()

    def mixtures(self, count: int) -> np.ndarray:
        """Cut-and-paste, swapped frequencies, random color matrices, sharpened images, colored noise."""
        made = [self.mixture() for _ in range(count)]
        return np.float32(np.clip(np.stack(made), 0, 1)) if made else self.nothing()

    def nothing(self) -> np.ndarray:
        return np.zeros((0, self.side, self.side, 3), np.float32)

    def mixture(self) -> np.ndarray:
        kind, random = self.random.integers(6), self.random
        one = self.any_crop()
        if kind == 0:
            other, mask = self.any_crop(), smooth_noise(random, self.side, 1)[..., :1] > 0
            return np.where(mask, one, other)
        if kind == 1:
            other, width = self.any_crop(), int(2 ** random.uniform(1, 4))
            return blur(one, width) + (other - blur(other, width)) * random.uniform(0.5, 1.8)
        if kind == 2:
            return (one - 0.5) @ random_colors(random) * random.uniform(0.6, 2.0) + random.uniform(0.2, 0.8, 3)
        if kind == 3:
            return one + (one - blur(one, int(2 ** random.uniform(1, 3)))) * random.uniform(0.5, 3.0)
        if kind == 4:
            noise = sum(smooth_noise(random, self.side, 2**k) * random.uniform(0, 0.5) for k in range(6))
            return noise @ random_colors(random) + random.uniform(0.2, 0.8, 3)
        return one + smooth_noise(random, self.side, 1) @ random_colors(random) * random.uniform(0.02, 0.25)


class RenderPool:
    """Renders under way: each visit moves some of them a few steps toward a painting's statistics.

    The pool keeps all ages from untouched photo to nearly finished, made with the student as it is now.
    """

    def __init__(self, student: keras.Model, layers, source: ImageSource, size: int) -> None:
        features = keras.Model(student.input, [student.get_layer(name).output for name in layers])
        self.features, self.source, self.size, self.random = features, source, size, source.random
        self.gradient = image_gradient(features, statistics_distance)
        self.images = source.plain(size)
        self.styles = source.plain(size)

    def predict(self, images: np.ndarray) -> list[np.ndarray]:
        """The student's activations, one array a layer."""
        return self.features.predict_on_batch(network_inputs(images))

    def advance(self, count: int) -> np.ndarray:
        """Move `count` renders on and return them, float32 0..1."""
        picked = self.random.choice(self.size, count, replace=False)
        for index in picked:
            if self.random.random() < 0.12:
                self.images[index] = self.source.any_crop() if self.random.random() < 0.8 else self.source.mixture()
                self.styles[index] = self.source.crop(self.source.paintings)
        from_styles = self.predict(self.styles[picked])
        images, rate = self.images[picked], 0.02 * 2 ** self.random.uniform(-1, 1)
        for _ in range(6):
            slope = self.gradient(images, from_styles)
            images = np.clip(images - rate * normalized(slope), 0, 1)
        self.images[picked] = images
        return np.float32(images)


def statistics_distance(features, image, wanted):
    """Squared differences of channel means and normalized Gram matrices, each layer weighing the same."""
    total = 0.0
    for got, target in zip(features, wanted, strict=True):
        gram, aim = (ops.einsum("bijc,bijd->bcd", f, f) / (f.shape[1] * f.shape[2]) for f in (got, target))
        total += ops.sum(ops.mean(ops.square(gram - aim), (1, 2)) / ops.mean(ops.square(aim), (1, 2)))
    return total


def image_gradient(model: keras.Model, function):
    """(images, *args) -> d function(model outputs, images, *args) / d images, compiled, on either backend."""
    if keras.backend.backend() == "jax":
        import jax

        def value(image, trainable, fixed, args):
            inputs = image if model.layers[0].name != "inputs" else network_inputs(image)
            return function(model.stateless_call(trainable, fixed, inputs)[0], image, *args)

        compiled = jax.jit(jax.grad(value))
        return lambda image, *args: np.asarray(
            compiled(
                image,
                [v.value for v in model.trainable_variables],
                [v.value for v in model.non_trainable_variables],
                args,
            )
        )
    import tensorflow as tf

    @tf.function
    def gradient(image, *args):
        with tf.GradientTape() as tape:
            tape.watch(image)
            inputs = image if model.layers[0].name != "inputs" else network_inputs(image)
            value = function(model(inputs), image, *args)
        return tape.gradient(value, image)

    return lambda image, *args: gradient(tf.constant(image), *args).numpy()


def perturbed(images: np.ndarray, gradient, random: np.random.Generator) -> np.ndarray:
    """One or two steps toward where student and teachers disagree most, root-mean-square 0.01 to 0.1."""
    for _ in range(random.integers(1, 3)):
        amplitude = 10 ** random.uniform(-2, -1, (len(images), 1, 1, 1))
        images = np.clip(images + amplitude * normalized(gradient(images)), 0, 1).astype(np.float32)
    return images


def network_inputs(image):
    from styler.networks.compact import to_inputs

    return to_inputs(image)


def normalized(slope: np.ndarray) -> np.ndarray:
    """Scaled to root-mean-square 1 per image, single values bounded to 3."""
    size = np.sqrt(np.mean(slope**2, axis=(1, 2, 3), keepdims=True)) + 1e-12
    return np.clip(slope / size, -3, 3)


def jitter(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    contrast, offset = random.uniform(0.6, 1.4), random.uniform(-0.15, 0.15, 3) * random.integers(0, 2)
    gray = image.mean(-1, keepdims=True)
    image = gray + (image - gray) * random.uniform(0.3, 1.7)
    noise = random.normal(0, random.uniform(0, 0.04), image.shape)
    return np.float32(np.clip((image - 0.5) * contrast + 0.5 + offset + noise, 0, 1))


def random_colors(random: np.random.Generator) -> np.ndarray:
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    return axes * random.uniform(0.3, 1.3, 3)


def smooth_noise(random: np.random.Generator, side: int, cell: int) -> np.ndarray:
    """Gaussian noise of unit variance, features of about `cell` pixels."""
    small = random.normal(size=(side // cell + 2, side // cell + 2, 3))
    planes = [Image.fromarray(np.float32(small[..., c])).resize((side, side), Image.BICUBIC) for c in range(3)]
    return np.stack([np.asarray(plane) for plane in planes], -1)


def blur(image: np.ndarray, width: int) -> np.ndarray:
    side = image.shape[0]
    low = Image.fromarray(np.uint8(np.clip(image, 0, 1) * 255)).resize((max(2, side // width),) * 2, Image.BOX)
    return np.asarray(low.resize((side, side), Image.BICUBIC), np.float32) / 255


def open_rgb(path: pathlib.Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def center(image: Image.Image, side: int) -> np.ndarray:
    left, top = ((extent - 2 * side) / 2 for extent in image.size)
    box = (max(0, left), max(0, top), min(image.width, left + 2 * side), min(image.height, top + 2 * side))
    return np.asarray(image.resize((side, side), Image.BICUBIC, box=box), np.float32) / 255
