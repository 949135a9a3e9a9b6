"""Piece by piece on arrays of the host equals in one piece on tensors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Adam, Lbfgs, walk
from styler.optimizers.base import step
from styler.optimizers.descent import begun, judged, stepped
from styler.optimizers.walk import WHOLE, Pieces
from styler.types import Evaluation, Size
from support.functions import SHAPE, bowl

OPTIMIZERS = {"adam": Adam(), "lbfgs": Lbfgs(tolerance=0.0), "short": Lbfgs(history=2, tolerance=0.0)}
PAIRS = [optimizer for optimizer in OPTIMIZERS if optimizer != "adam"]
START = np.full(SHAPE, 0.5, np.float32)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Four pieces an image, the last one shorter."""
    monkeypatch.setattr(walk, "PIECE", 10)


@pytest.fixture
def evaluate(rng):
    return bowl(rng, dtype=tf.float32)[0]


def zeros(name, shape):
    return np.zeros(shape, np.float32)


class Host:
    """An optimizer on arrays, from an image or from a state of tensors."""

    def __init__(self, optimizer, evaluate, start=START, steps=100, history=None, release=lambda piece: None):
        self.evaluate = evaluate
        self.walk = Pieces(zeros, release)
        self.optimizer = optimizer.on_host(self.walk, steps, history)
        if isinstance(start, np.ndarray):
            self.state = self.optimizer.init(self.walk.filled("iterate", start))
        else:
            fields = self.optimizer.adopted(start)._asdict()
            large = {field: self.walk.filled(name, fields[field]) for field, name in self.optimizer.buffers.items()}
            self.state = start._replace(**(fields | large))

    def objective(self, image):
        value, slope = self.evaluate(tf.constant(image))
        gradient = self.walk.buffer("gradient", image.shape)
        gradient[...] = slope.numpy()
        return Evaluation(value, gradient)

    def step(self):
        self.state = step(self.optimizer, self.state, self.objective)

    @property
    def image(self):
        return self.optimizer.answer(self.state).copy()

    def held(self):
        """Copies of all arrays of the state."""
        return {name: np.array(each) for name, each in self.state._asdict().items()}


def on_tensors(optimizer, evaluate, steps):
    """States after 0, 1, … steps."""
    state, made = optimizer.init(tf.constant(START)), []
    traced = tf.function(lambda state: step(optimizer, state, evaluate), autograph=False)
    for _ in range(steps + 1):
        made.append(state)
        state = traced(state)
    return made


@pytest.fixture(scope="module")
def paths():
    """Optimizer -> its states on tensors, the same for all tests."""
    evaluate, _ = bowl(np.random.default_rng(0), dtype=tf.float32)
    return {name: on_tensors(optimizer, evaluate, 18) for name, optimizer in OPTIMIZERS.items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_path_as_on_tensors(evaluate, paths, name):
    mine = Host(OPTIMIZERS[name], evaluate)
    for theirs in paths[name][1:13]:
        mine.step()
        np.testing.assert_allclose(mine.image, OPTIMIZERS[name].answer(theirs), atol=2e-4)
        assert (int(mine.state.steps), int(mine.state.evaluations)) == (int(theirs.steps), int(theirs.evaluations))
        assert float(mine.state.value) == pytest.approx(float(theirs.value), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("made", [0, 1, 7, 14])
def test_going_on_where_tensors_stand(evaluate, paths, name, made):
    """With a full ring that begins anywhere, a part of one, and none."""
    mine = Host(OPTIMIZERS[name], evaluate, paths[name][made])
    for theirs in paths[name][made + 1 : made + 5]:
        mine.step()
        np.testing.assert_allclose(mine.image, OPTIMIZERS[name].answer(theirs), atol=2e-5)
        assert (int(mine.state.steps), int(mine.state.evaluations)) == (int(theirs.steps), int(theirs.evaluations))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_another_octave_goes_on_alike(evaluate, paths, name):
    optimizer, larger = OPTIMIZERS[name], np.random.default_rng(2).uniform(size=(1, 5, 6, 3)).astype(np.float32)
    before = paths[name][6]
    theirs = optimizer.resample(before, tf.constant(larger))
    mine = Host(optimizer, evaluate, before)
    other = Host(optimizer, evaluate, larger)
    state = other.optimizer.resample(mine.state, other.walk.buffers["iterate"])
    for field, tensor in theirs._asdict().items():
        np.testing.assert_allclose(getattr(state, field), tensor, rtol=1e-5, atol=1e-6, err_msg=field)


def dense_inverse_hessian(moves, turns):
    """BFGS updates of the inverse Hessian one by one (Nocedal & Wright 2006, eq. 7.16-7.20), oldest first."""
    inverse = moves[-1] @ turns[-1] / (turns[-1] @ turns[-1]) * np.eye(moves[0].size)
    for s, y in zip(moves, turns, strict=True):
        left = np.eye(s.size) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    return inverse


def order(state):
    """Places of the ring that hold a pair, oldest first."""
    length = len(state.known)
    return [place for place in (np.arange(length) + int(state.newest) + 1) % length if bool(state.known[place])]


def pairs(state):
    """Moves and turns, oldest first, float64."""
    return [
        [np.array(ring[place], np.float64).ravel() for place in order(state)] for ring in (state.moves, state.turns)
    ]


RINGS = list(itertools.product([1, 2, 4, 14], [1, 2, 5, 12]))
QUICK_RINGS = {(1, 1), (2, 5), (4, 2), (14, 5), (14, 12)}  # fewer pairs than there is room for, as many, and more


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    ("made", "room"), [pytest.param(*ring, marks=[] if ring in QUICK_RINGS else pytest.mark.slow) for ring in RINGS]
)
def test_the_newest_pairs_are_kept_as_far_as_there_is_room(evaluate, paths, name, made, room):
    """Fewer or more than there were, of a ring that begins anywhere; the direction is that of these pairs alone."""
    theirs, optimizer = paths[name][made], Lbfgs(history=room)
    state, search = optimizer.begin(optimizer.adopted(theirs))
    before = [each[-room:] for each in pairs(theirs)]
    for kept, newest in zip(pairs(state), before, strict=True):
        np.testing.assert_array_equal(kept, newest)
    places = np.ix_(order(state), order(state))
    for table, others in ((state.cross, before[0]), (state.inner, before[1])):
        products = [[one @ other for other in before[1]] for one in others]
        np.testing.assert_allclose(table.numpy()[places].ravel(), np.ravel(products), rtol=1e-3, atol=1e-7)
    expected = -np.array(theirs.gradient, np.float64).ravel()
    if before[0]:
        expected = dense_inverse_hessian(*before) @ expected
    np.testing.assert_allclose(search.direction.numpy().ravel(), expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("room", [1, 3])
def test_the_host_goes_on_with_fewer_pairs(evaluate, paths, room):
    short = Lbfgs(history=room, tolerance=0.0)
    mine, theirs = Host(Lbfgs(tolerance=0.0), evaluate, paths["lbfgs"][8], history=room), paths["lbfgs"][8]
    theirs = short.adopted(theirs)
    for _ in range(3):
        mine.step()
        theirs = step(short, theirs, evaluate)
        np.testing.assert_allclose(mine.image, theirs.image, atol=2e-5)
    assert mine.walk.buffers["moves"].shape == (room, *SHAPE)


@pytest.mark.parametrize(("steps", "most", "kept"), [(100, None, 10), (4, None, 4), (100, 3, 3), (2, 50, 2), (1, 0, 1)])
def test_no_more_pairs_are_kept_than_steps_can_fill_and_memory_holds(steps, most, kept):
    assert Lbfgs().on_host(Pieces(zeros), steps, most).history == kept


def test_an_optimizer_for_saved_arrays_has_as_many_pairs_as_they_have(paths):
    arrays = {f"state.{name}": np.array(each) for name, each in paths["short"][3]._asdict().items()}
    assert Lbfgs().like(arrays).history == 2
    assert Lbfgs().like({}).history == Lbfgs().history
    assert Adam().like(arrays) == Adam()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("value", [0.0, 1e9], ids=["accepted", "refused"])
def test_until_a_step_is_finished_the_state_is_as_it_was(evaluate, name, value):
    """Whatever a trial comes to; a second start gives the same trial, to the bit."""
    mine = Host(OPTIMIZERS[name], evaluate)
    for _ in range(5):
        mine.step()
    held = mine.held()
    ready, trial = mine.optimizer.begin(mine.state)
    image = np.array(trial.image)
    for _ in range(2):
        trial = mine.optimizer.judge(ready, trial, mine.objective(trial.image)._replace(value=tf.constant(value)))
    for field, array in mine.held().items():
        np.testing.assert_array_equal(array, held[field], err_msg=field)
    np.testing.assert_array_equal(mine.optimizer.begin(mine.state)[1].image, image)


@pytest.mark.parametrize("name", ["adam", "short"])
def test_an_evaluation_that_breaks_off_changes_nothing_of_what_follows(evaluate, name):
    straight, broken = Host(OPTIMIZERS[name], evaluate), Host(OPTIMIZERS[name], evaluate)

    def breaking(image):
        broken.walk.buffer("gradient", image.shape)[...] = 7.0
        raise MemoryError

    for _ in range(4):
        with pytest.raises(MemoryError):
            step(broken.optimizer, broken.state, breaking)
        broken.step()
        straight.step()
        np.testing.assert_array_equal(broken.image, straight.image)


@pytest.mark.parametrize("optimizer", [Adam(learning_rate=0.5), Lbfgs()], ids=["adam", "lbfgs"])
def test_setbacks_and_giving_up_are_the_same(optimizer):
    """Where nothing is a number after three evaluations."""

    def failing():
        count = iter(range(100))
        objective, _ = bowl(np.random.default_rng(1), center=0.3, dtype=tf.float32)

        def evaluate(image):
            bad = np.float32(0.0 if next(count) < 3 else np.nan)
            return Evaluation(objective(image).value + bad, objective(image).gradient + bad)

        return evaluate

    def until_the_end(optimizer, state, objective):
        descent, reason = begun(state), ""
        while not reason:
            descent, reason = judged(optimizer, stepped(optimizer, descent, objective))
        return descent, reason

    mine = Host(optimizer, failing())
    ends = [
        (each, *until_the_end(each, state, objective))
        for each, state, objective in (
            (mine.optimizer, mine.state, mine.objective),
            (optimizer, optimizer.init(tf.constant(START)), failing()),
        )
    ]
    images = [np.array(each.answer(descent.state)) for each, descent, _ in ends]
    np.testing.assert_allclose(*images, atol=1e-6)
    assert np.isfinite(images[0]).all()
    assert ends[0][2] == ends[1][2]
    for field, mine_of_it in ends[0][1].watch._asdict().items():
        np.testing.assert_allclose(mine_of_it, getattr(ends[1][1].watch, field), rtol=1e-5)


@pytest.mark.parametrize("optimizer", [Adam(), Lbfgs(history=3, tolerance=0.0)], ids=["adam", "lbfgs"])
def test_every_piece_of_every_large_buffer_is_let_go(evaluate, optimizer):
    """Pieces are views: what is written into them shows in the buffers."""
    released = []
    mine = Host(optimizer, evaluate, release=released.append)
    for _ in range(6):
        mine.step()
    assert max(piece.shape[-1] for piece in released) <= walk.PIECE
    for piece in released:
        piece[...] = np.nan
    assert set(optimizer.buffers.values()) < set(mine.walk.buffers)
    for name, buffer in mine.walk.buffers.items():
        assert np.isnan(buffer).all(), name


WALKS = pytest.mark.parametrize("through", [WHOLE, Pieces(zeros)], ids=["whole", "pieces"])


@WALKS
def test_a_formula_sees_images_and_rings_and_its_sums_add_up(rng, through):
    image, other = (rng.uniform(size=SHAPE).astype(np.float32) for _ in range(2))
    ring = rng.uniform(size=(4, *SHAPE)).astype(np.float32)

    def formula(one, two, many):
        assert many.shape == (4, *one.shape)
        return (one + two, one * many[2]), (tf.reduce_sum(one * two), tf.reduce_sum(many * one, 1))

    made, sums = through.apply(formula, image, other, ring, into=["sum", "product"])
    np.testing.assert_allclose(made[0], image + other, rtol=1e-6)
    np.testing.assert_allclose(made[1], image * ring[2], rtol=1e-6)
    np.testing.assert_allclose(sums[0], (image * other).sum(), rtol=1e-5)
    np.testing.assert_allclose(sums[1], (ring * image).sum((1, 2, 3, 4)), rtol=1e-5)


@WALKS
def test_one_place_of_a_ring_is_written(rng, through):
    image = through.zeros("image", rng.uniform(size=SHAPE).astype(np.float32)) + np.float32(3)
    ring = through.stored(through.ring("ring", 3, image), tf.constant(1), tf.subtract, image, 0.5 * image)
    np.testing.assert_array_equal(np.array(ring).reshape(3, -1).max(1), [0, 1.5, 0])
    np.testing.assert_array_equal(np.array(ring)[1], np.full(SHAPE, 1.5))


@WALKS
@pytest.mark.parametrize("method", ["bicubic", "bilinear"])
def test_an_image_of_another_size(rng, through, method):
    image = rng.uniform(size=SHAPE).astype(np.float32)
    expected = tf.image.resize(image, (7, 5), method)
    np.testing.assert_allclose(through.resized(f"{method} image", image, Size(7, 5), method), expected, atol=1e-6)


def test_what_comes_out_may_go_where_it_came_from(rng):
    pieces = Pieces(zeros)
    values = rng.uniform(size=SHAPE).astype(np.float32)
    image = pieces.filled("image", tf.constant(values))
    (made,), _ = pieces.apply(lambda each: ((2.0 * each,), ()), image, into=["image"])
    assert made is image
    np.testing.assert_array_equal(image, 2 * values)


def test_sums_over_many_pieces_are_exact_beyond_their_precision(monkeypatch):
    """2^24 + 1 is no float32: adding ones to it one by one would change nothing."""
    monkeypatch.setattr(walk, "PIECE", 1)
    image = np.ones((1, 2, 16, 1), np.float32)
    image[0, 0, 0, 0] = 2.0**24
    _, (total,) = Pieces(zeros).apply(lambda each: ((), (tf.reduce_sum(each),)), image)
    assert float(total) == 2.0**24 + 32 - 1 + 1  # the nearest float32 to 2^24 + 31
