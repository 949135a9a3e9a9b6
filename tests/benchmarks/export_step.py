"""Write one value and gradient of the objective as StableHLO, to be run where there is XLA but no TensorFlow.

    python tests/benchmarks/export_step.py FOLDER [--size 512] [--loss gram] [--precision float32] [--network compact]

FOLDER gets `step.stablehlo`, a module whose arguments are the image, the content and style targets, the weights of the
terms and all weights of the network (constants of this size would not travel), and `args.npz` with the arguments in
their order. Its outputs are the value and the gradient; `--check` computes both here and prints the value. Photo and
painting are noise: time does not depend on what they show.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import styler
from styler.images.reading import read_image
from styler.inputs import Inputs
from styler.networks import find_network
from styler.render.engine import Engine
from styler.render.memory_watch import MemoryWatch
from styler.render.octaves import Octaves
from styler.render.pyramid import Stage
from styler.types import Size


def networks_own_weights(engine: Engine) -> tuple[Any, Any]:
    """The network's variables and a function image, values -> features."""
    extract: Any = engine.objective.extract
    extractor = extract if hasattr(extract, "model") else extract.__closure__[0].cell_contents
    model, prepare = extractor.model, engine.network.preprocess

    def features(image: tf.Tensor, values: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs, _ = model.stateless_call([], values, prepare(image), training=False)
        cast = [tf.cast(each, tf.float32) for each in outputs]
        return dict(zip(extractor.addresses, cast, strict=True))

    return model.variables, features


def exported(config: styler.RenderConfig, size: int) -> tuple[str, list[tf.Tensor], Any]:
    """StableHLO text, its arguments and the function itself."""
    random = np.random.default_rng(0)
    photo, painting = (read_image(random.random((size, size, 3)).astype(np.float32)) for _ in range(2))
    engine = Engine(config, find_network(config.network))
    octaves = Octaves(config=config, engine=engine, inputs=Inputs.of(photo, [painting]), memory=MemoryWatch())
    octave = octaves.started(Stage(size=Size(size, size), steps=1))
    targets, start = octave.targets, engine.program.optimizer.answer(octave.descent.state)
    variables, features = networks_own_weights(engine)
    leaves = tf.nest.flatten(targets, expand_composites=True)
    count = len(leaves)

    def step(image: tf.Tensor, *rest: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        aims = tf.nest.pack_sequence_as(targets, rest[:count])
        objective = replace(engine.objective, extract=lambda x: features(x, list(rest[count:])))
        return objective.at(aims)(image)

    arguments = [start, *leaves, *(tf.convert_to_tensor(variable) for variable in variables)]
    compiled = tf.function(step, jit_compile=True, autograph=False)
    text = compiled.experimental_get_compiler_ir(*arguments)(stage="stablehlo")
    return str(text), arguments, compiled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=512, help="side of the square, pixels, without margin")
    parser.add_argument("--loss", default="gram")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--network", default="compact")
    parser.add_argument("--check", action="store_true", help="run it here, too")
    args = parser.parse_args()
    config = styler.RenderConfig(loss=args.loss, precision=args.precision, network=args.network, init="style")
    text, arguments, compiled = exported(config, args.size)
    args.folder.mkdir(parents=True, exist_ok=True)
    (args.folder / "step.stablehlo").write_text(text)
    np.savez(args.folder / "args.npz", **{f"a{i:03d}": a.numpy() for i, a in enumerate(arguments)})
    print(f"{len(text):,} characters, {len(arguments)} arguments")
    if args.check:
        print("value", float(compiled(*arguments)[0]))


if __name__ == "__main__":
    main()
