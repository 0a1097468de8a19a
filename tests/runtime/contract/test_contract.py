"""Laws of the contract: same bits for one robot and for thousands, no allocation, full precision in the metadata."""

import json
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.configs.schema.observation import OBSERVATION_TERMS
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.goal_spec import TipGoal
from sim2real.runtime.contract.manifest import (
    CONTRACT_KEY,
    PROVENANCE_KEY,
    ContractError,
    differences,
    from_metadata,
    to_metadata,
)
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.contract.observation_term import Sizes, find_term
from sim2real.runtime.contract.robot import ImuSpec, LinkSpec, TipSpec, robot_spec
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import CommandSpec, Contract, ObservationTermSpec, contract_of

N = 4096
TICKS = 7


IMUS = tuple(ImuSpec(name=name, body="trunk", stale_after=0.1) for name in ("first", "second"))
COMMANDS = tuple(CommandSpec(name=name, low=-1.0, high=1.0, default=0.0) for name in ("tip_z", "tip_x", "tip_y"))


def tip_of(joints: int) -> TipSpec:
    """A chain through some joints, with no number that could hide a mistake."""
    links = tuple(
        LinkSpec(
            joint=f"j{i}",
            position=(0.1 + i, -0.2, 0.3 * i),
            axis=((0.0, 0.6, -0.8), (1.0, 0.0, 0.0), (0.48, 0.64, 0.6))[i % 3],
            rotation=((0.5, -0.5, 0.5, 0.5), (1.0, 0.0, 0.0, 0.0), (0.8, 0.0, -0.6, 0.0))[i % 3],
        )
        for i in range(joints)
    )
    return TipSpec(links=links, position=(0.05, 0.02, -0.3))


def rich_contract(joints: int = 3) -> Contract:
    """A contract with every term, histories, clips and a filter, for several joints, IMUs and commands."""
    base = contract_of(load_task("pendulum_swingup"))
    joint = base.robot.joints[0]
    robot = base.robot.model_copy(
        update={
            "joints": tuple(
                joint.model_copy(update={"name": f"j{i}", "default_position": 0.1 * i}) for i in range(joints)
            ),
            "imus": IMUS,
            "tip": tip_of(joints),
        }
    )
    term = base.observation[0]
    observation = tuple(
        term.model_copy(
            update={
                "term": name,
                "width": find_term(name).width_for(Sizes(joints, len(IMUS), len(COMMANDS))),
                "scale": 0.3 + i,
                "clip": None if i % 2 else 1.7,
                "history": 1 + i % 4,
            }
        )
        for i, name in enumerate(OBSERVATION_TERMS.names)
    )
    action = base.action.model_copy(update={"scale": (0.5,) * joints, "offset": (0.0,) * joints, "smoothing": 0.3})
    return base.model_copy(
        update={
            "robot": robot,
            "observation": observation,
            "action": action,
            "commands": COMMANDS,
            "phase_frequency": 1.7,
            "goal": TipGoal(kind="tip", distance=0.02, hold=2.0),
        }
    )


def relative_contract(joints: int = 3) -> Contract:
    """The same with position targets that move from the last one."""
    contract = rich_contract(joints)
    names = [joint.name for joint in contract.robot.joints]
    action = contract.action.model_copy(
        update={"target": "position", "relative": True, "scale": tuple(0.1 + 0.03 * i for i in range(len(names)))}
    )
    return contract.model_copy(update={"action": action})


def stepped_contract(joints: int = 3) -> Contract:
    """The same with position targets of their own, that go only so far in a tick."""
    contract = relative_contract(joints)
    action = contract.action.model_copy(
        update={"relative": False, "step": tuple(0.05 + 0.04 * i for i in range(joints)), "scale": (0.5,) * joints}
    )
    return contract.model_copy(update={"action": action})


def random_signals(rng: np.random.Generator, n: int, joints: int) -> Signals:
    signals = Signals.zeros(n, joints, len(IMUS), len(COMMANDS))
    for name in Signals.__slots__:
        values = getattr(signals, name)
        values[...] = rng.normal(scale=4.0, size=values.shape)
    signals.orientation /= np.linalg.norm(signals.orientation, axis=-1, keepdims=True)
    signals.clock[...] = np.abs(signals.clock)
    return signals


def row(signals: Signals, index: int) -> Signals:
    return Signals(*(getattr(signals, name)[index : index + 1].copy() for name in Signals.__slots__))


@pytest.mark.parametrize("contract_for", [rich_contract, relative_contract, stepped_contract])
@pytest.mark.parametrize("index", [0, 1, 7, 8, 2047, 4093, 4094, 4095])
def test_one_robot_and_thousands_give_the_same_bits(index: int, contract_for: Callable[[], Contract]) -> None:
    contract = contract_for()
    rng = np.random.default_rng(index)
    many, one = ObservationPipeline(contract, N), ObservationPipeline(contract, 1)
    many_actions, one_action = ActionPipeline(contract, N), ActionPipeline(contract, 1)
    for _ in range(TICKS):
        signals = random_signals(rng, N, 3)
        observations = many.observe(signals, many_actions.last_action)
        observation = one.observe(row(signals, index), one_action.last_action)
        assert observations[index].tobytes() == observation[0].tobytes()
        actions = rng.normal(size=(N, 3)).astype(np.float32)
        targets, target = many_actions.apply(actions), one_action.apply(actions[index : index + 1].copy())
        for name in ("position", "velocity", "effort", "stiffness", "damping"):
            assert getattr(targets, name)[index].tobytes() == getattr(target, name)[0].tobytes()
        assert many_actions.last_action[index].tobytes() == one_action.last_action[0].tobytes()


@settings(max_examples=60, deadline=None)
@given(value=st.floats(-1e6, 1e6), n=st.integers(1, 70), data=st.data())
def test_any_value_gives_the_same_bits_in_any_place(value: float, n: int, data: st.DataObject) -> None:
    contract = rich_contract(1)
    index = data.draw(st.integers(0, n - 1))
    signals = Signals.zeros(n, 1, len(IMUS), len(COMMANDS))
    signals.joint_position[index], signals.joint_velocity[index] = value, -value
    signals.angular_velocity[index], signals.clock[index] = value, abs(value)
    signals.command[index], signals.tip[index] = 0.3 * value, 0.7 * value
    turn = np.array([np.cos(value), np.sin(value), 0.3 * value, 1.0])
    signals.orientation[index] = turn / np.linalg.norm(turn)
    many = ObservationPipeline(contract, n).observe(signals, np.zeros((n, 1), np.float32))
    one = ObservationPipeline(contract, 1).observe(row(signals, index), np.zeros((1, 1), np.float32))
    assert many[index].tobytes() == one[0].tobytes()


@settings(max_examples=60, deadline=None)
@given(
    actions=st.lists(st.floats(-3.0, 3.0, width=32), min_size=1, max_size=20), n=st.integers(1, 1000), data=st.data()
)
def test_relative_targets_are_the_same_bits_in_any_place(actions: list[float], n: int, data: st.DataObject) -> None:
    contract, index = relative_contract(2), data.draw(st.integers(0, n - 1))
    many, one = ActionPipeline(contract, n), ActionPipeline(contract, 1)
    for value in actions:
        action = np.zeros((n, 2), np.float32)
        action[index] = value, -value
        targets, target = many.apply(action), one.apply(action[index : index + 1].copy())
        assert targets.position[index].tobytes() == target.position[0].tobytes()
        assert many.last_action[index].tobytes() == one.last_action[0].tobytes()


def test_restarting_rows_equals_a_first_observation() -> None:
    contract = rich_contract()
    rng = np.random.default_rng(5)
    pipeline, fresh = ObservationPipeline(contract, 8), ObservationPipeline(contract, 2)
    none = np.zeros((8, 3), np.float32)
    for _ in range(5):
        observation = pipeline.observe(random_signals(rng, 8, 3), none)
    untouched = observation[[0, 1, 3, 4, 5, 6]].copy()
    first, rows = random_signals(rng, 2, 3), np.array([2, 7])
    pipeline.restart(rows, first, none[:2])
    assert observation[rows].tobytes() == fresh.observe(first, none[:2]).tobytes()
    assert observation[[0, 1, 3, 4, 5, 6]].tobytes() == untouched.tobytes()


def test_observations_continue_from_their_state_bit_for_bit() -> None:
    contract = rich_contract()
    rng = np.random.default_rng(6)
    one, other, none = ObservationPipeline(contract, 4), ObservationPipeline(contract, 4), np.zeros((4, 3), np.float32)
    for _ in range(5):
        one.observe(random_signals(rng, 4, 3), none)
    one.reset(np.array([2]))
    other.load_state_dict(one.state_dict())
    for _ in range(5):
        signals = random_signals(rng, 4, 3)
        assert one.observe(signals, none).tobytes() == other.observe(signals, none).tobytes()


def contract_with(term: str, width: int, **updates: object) -> Contract:
    """A contract of one term."""
    base = contract_of(load_task("pendulum_swingup"))
    entry = ObservationTermSpec(term=term, width=width, scale=1.0, clip=None, history=1)
    robot = base.robot.model_copy(update={"imus": IMUS[:1]})
    return base.model_copy(update={"robot": robot, "observation": (entry,), "commands": COMMANDS, **updates})


def observed(contract: Contract, signals: Signals) -> list[float]:
    n = len(signals.joint_position)
    return ObservationPipeline(contract, n).observe(signals, np.zeros((n, 1), np.float32))[0].tolist()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4))
def test_projected_gravity_is_the_world_s_down_seen_from_the_body(parts: list[float]) -> None:
    turn = np.array(parts)
    if np.linalg.norm(turn) < 0.1:
        return
    w, x, y, z = turn / np.linalg.norm(turn)
    # The rotation matrix from its definition: each column is the turned axis, q·v·q⁻¹.
    vector = np.array([x, y, z])
    columns = [
        axis + 2.0 * w * np.cross(vector, axis) + 2.0 * np.cross(vector, np.cross(vector, axis)) for axis in np.eye(3)
    ]
    signals = Signals.zeros(1, 1, 1, 0)
    signals.orientation[0, 0] = [w, x, y, z]
    expected = np.array(columns) @ np.array([0.0, 0.0, -1.0])
    np.testing.assert_allclose(observed(contract_with("projected_gravity", 3), signals), expected, atol=1e-6)


def test_gravity_points_down_on_the_z_axis_of_an_upright_body_and_forward_of_one_that_pitches_down() -> None:
    contract, signals = contract_with("projected_gravity", 3), Signals.zeros(1, 1, 1, 0)
    assert observed(contract, signals) == [0.0, 0.0, -1.0]
    signals.orientation[0, 0] = [np.sqrt(0.5), 0.0, np.sqrt(0.5), 0.0]  # nose down: +90° about y
    np.testing.assert_allclose(observed(contract, signals), [1.0, 0.0, 0.0], atol=1e-7)


def test_the_gyro_and_the_command_come_through_in_order() -> None:
    signals = Signals.zeros(1, 1, 1, 3)
    signals.angular_velocity[0, 0] = [1.0, 2.0, 3.0]
    signals.command[0] = [4.0, 5.0, 6.0]
    assert observed(contract_with("gyro", 3), signals) == [1.0, 2.0, 3.0]
    assert observed(contract_with("command", 3), signals) == [4.0, 5.0, 6.0]


@settings(max_examples=100, deadline=None)
@given(ticks=st.integers(0, 10_000_000))
def test_the_phase_turns_with_its_frequency_for_days(ticks: int) -> None:
    signals = Signals.zeros(1, 1, 0, 0)
    signals.clock[0, 0] = ticks / 50.0
    turns = (ticks * 3) % 100 / 100.0  # 1.5 Hz at 50 Hz: 3 hundredths of a turn each tick, in whole numbers
    expected = [np.sin(2.0 * np.pi * turns), np.cos(2.0 * np.pi * turns)]
    np.testing.assert_allclose(observed(contract_with("phase", 2, phase_frequency=1.5), signals), expected, atol=1e-6)


def test_what_a_contract_does_not_use_is_not_in_its_metadata() -> None:
    document = json.loads(to_metadata(contract_of(load_task("pendulum_swingup")), {})[CONTRACT_KEY])
    assert not {"commands", "phase_frequency"} & set(document)
    assert not {"imus", "tip"} & set(document["robot"])
    assert "relative" not in document["action"]
    assert "kind" not in document["goal"]


@pytest.mark.parametrize("contract_for", [rich_contract, relative_contract, stepped_contract])
def test_the_metadata_carries_imus_commands_the_tip_and_the_phase(contract_for: Callable[[], Contract]) -> None:
    contract = contract_for()
    assert from_metadata(to_metadata(contract, {}))[0] == contract


@pytest.mark.parametrize("removed", ["imus", "commands", "phase_frequency", "tip"])
def test_a_contract_without_what_its_terms_need_is_refused(removed: str) -> None:
    metadata = to_metadata(rich_contract(), {})
    document = json.loads(metadata[CONTRACT_KEY])
    del (document["robot"] if removed in ("imus", "tip") else document)[removed]
    with pytest.raises(ContractError, match="not valid"):
        from_metadata(metadata | {CONTRACT_KEY: json.dumps(document)})


def test_an_imu_that_differs_is_named() -> None:
    robot = rich_contract().robot
    other = robot.model_copy(update={"imus": (IMUS[0].model_copy(update={"body": "head"}),)})
    assert differences(robot, other) == [
        "imus.first.body: model trunk, robot head",
        "imus.second.body: model trunk, robot missing",
        "imus.second.stale_after: model 0.1, robot missing",
    ]


def test_a_tip_that_differs_is_named_link_by_link() -> None:
    robot = rich_contract().robot
    tip = tip_of(3)
    first = tip.links[0].model_copy(update={"axis": (0.0, 1.0, 0.0)})
    other = robot.model_copy(update={"tip": TipSpec(links=(first, *tip.links[1:]), position=(0.0, 0.0, 0.1))})
    assert differences(robot, other) == [
        "tip.links.0.axis: model (0.0, 0.6, -0.8), robot (0.0, 1.0, 0.0)",
        "tip.position: model (0.05, 0.02, -0.3), robot (0.0, 0.0, 0.1)",
    ]
    without = differences(robot, robot.model_copy(update={"tip": None}))
    assert "tip.position: model (0.05, 0.02, -0.3), robot missing" in without
    assert "tip.links.2.joint: model j2, robot missing" in without


@pytest.mark.parametrize(
    ("at", "value", "what"),
    [
        (("robot", "tip", "links", 1, "joint"), "elbow", "tip: no joint 'elbow'; valid: j0, j1, j2"),
        (("robot", "joints", 1, "name"), "j0", "joint names repeat"),
        (("commands", 0, "name"), "sideways", "needs the commands tip_x, tip_y, tip_z"),
        (("action", "target"), "effort", "only position targets can be relative"),
        (("action", "scale"), [0.1], "one value for each of the 3 joints"),
        (("observation", 0, "width"), 7, "has width 7, this robot gives 3"),
        (("observation", -1, "width"), 4, "has width 4, this robot gives 3"),
        (("goal", "kind"), "wish", "'wish'"),
        (("goal",), "tip", "goal"),
        (("goal", "distance"), 0.0, "goal.tip.distance"),
        (
            ("goal",),
            {"joint": "elbow", "position": 0.0, "tolerance": 0.1, "wrap": False, "hold": 1.0},
            "no joint 'elbow'; valid: j0, j1, j2",
        ),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(at: tuple[str | int, ...], value: object, what: str) -> None:
    metadata = to_metadata(relative_contract(), {})
    document = json.loads(metadata[CONTRACT_KEY])
    owner = document
    for key in at[:-1]:
        owner = owner[key]
    owner[at[-1]] = value
    with pytest.raises(ContractError, match=what):
        from_metadata(metadata | {CONTRACT_KEY: json.dumps(document)})


def test_an_upright_goal_needs_an_imu() -> None:
    metadata = to_metadata(contract_of(load_task("so101_hold")), {})
    document = json.loads(metadata[CONTRACT_KEY])
    document["goal"] = {"kind": "upright", "tolerance": 0.1, "hold": 1.0}
    with pytest.raises(ContractError, match="'upright' needs an IMU"):
        from_metadata(metadata | {CONTRACT_KEY: json.dumps(document)})


@pytest.mark.parametrize(
    ("term", "needs"),
    [("gyro", "an IMU"), ("projected_gravity", "an IMU"), ("command", "commands"), ("phase", "phase")],
)
def test_a_term_with_nothing_behind_it_is_refused(term: str, needs: str) -> None:
    with pytest.raises(UserError, match=f"'{term}' needs .*{needs}"):
        load_task("pendulum_swingup", (f"observation.0.term={term}",))


def test_history_holds_past_ticks_oldest_first() -> None:
    base = contract_of(load_task("pendulum_swingup"))
    term = base.observation[0].model_copy(update={"history": 3, "scale": 1.0, "clip": None})
    pipeline = ObservationPipeline(base.model_copy(update={"observation": (term,)}), 1)
    signals, action = Signals.zeros(1, 1, 0, 0), np.zeros((1, 1), np.float32)
    seen = []
    for tick in (1.0, 2.0, 3.0, 4.0):
        signals.joint_position[:] = tick
        seen.append(pipeline.observe(signals, action)[0].tolist())
    assert seen == [[1, 1, 1], [1, 1, 2], [1, 2, 3], [2, 3, 4]]
    pipeline.reset()
    assert pipeline.observe(signals, action)[0].tolist() == [4, 4, 4]


@pytest.mark.parametrize("contract_for", [rich_contract, relative_contract, stepped_contract])
def test_a_tick_allocates_no_arrays(contract_for: Callable[[], Contract]) -> None:
    contract = contract_for()
    observe, act = ObservationPipeline(contract, N), ActionPipeline(contract, N)
    signals, action = random_signals(np.random.default_rng(0), N, 3), np.zeros((N, 3), np.float32)
    observe.observe(signals, act.last_action)
    act.apply(action)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    observe.observe(signals, act.last_action)
    act.apply(action)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < N  # one byte a robot: less than any array of them


def test_effort_actions_are_clipped_scaled_and_never_exceed_the_limit() -> None:
    pipeline = ActionPipeline(contract_of(load_task("pendulum_swingup")), 4)
    targets = pipeline.apply(np.array([[0.5], [-1.0], [7.0], [-np.inf]], np.float32))
    np.testing.assert_array_equal(targets.effort[:, 0], [0.3, -0.6, 0.6, -0.6])
    assert not targets.stiffness.any()
    assert not targets.damping.any()


actions_in_a_row = st.lists(st.floats(-3.0, 3.0, width=32), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(actions=actions_in_a_row, smoothing=st.sampled_from([0.0, 0.4]), start=st.floats(-1.0, 1.0))
def test_a_target_goes_no_farther_than_its_step_and_the_last_action_is_what_it_came_to(
    actions: list[float], smoothing: float, start: float
) -> None:
    base = stepped_contract(2)
    contract = base.model_copy(update={"action": base.action.model_copy(update={"smoothing": smoothing})})
    pipeline, step = ActionPipeline(contract, 1), np.array(contract.action.step)
    pipeline.reset(position=np.full((1, 2), start))
    last, filtered = np.full(2, start), 0.0
    for value in actions:
        filtered = smoothing * pipeline.last_action[0].astype(float) + (1.0 - smoothing) * np.clip(value, -1.0, 1.0)
        target = pipeline.apply(np.full((1, 2), value, np.float32)).position[0].copy()
        np.testing.assert_allclose(target, np.clip(0.5 * filtered, last - step, last + step), atol=1e-6)
        np.testing.assert_allclose(0.5 * pipeline.last_action[0], target, atol=1e-6)
        last = target


def test_without_a_step_a_target_jumps_and_the_contract_says_nothing_of_it() -> None:
    base = stepped_contract(2)
    contract = base.model_copy(update={"action": base.action.model_copy(update={"step": (), "smoothing": 0.0})})
    assert ActionPipeline(contract, 1).apply(np.ones((1, 2), np.float32)).position[0].tolist() == [0.5, 0.5]
    assert "step" not in contract.model_dump()["action"]


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"target": "effort"}, "only position targets can be relative or have a step"),
        ({"step": (0.1,)}, "action step must have one value for each of the 2 joints, or none"),
    ],
)
def test_a_step_that_means_nothing_is_refused(update: dict[str, object], message: str) -> None:
    base = stepped_contract(2)
    document = base.model_dump() | {"action": base.action.model_dump() | update}
    with pytest.raises(ValueError, match=message):
        Contract.model_validate(document)


def test_an_action_that_is_not_a_number_stays_visible() -> None:
    targets = ActionPipeline(contract_of(load_task("pendulum_swingup")), 1).apply(np.array([[np.nan]], np.float32))
    assert np.isnan(targets.effort).all()


def test_smoothing_is_a_first_order_filter() -> None:
    base = contract_of(load_task("pendulum_swingup"))
    contract = base.model_copy(update={"action": base.action.model_copy(update={"smoothing": 0.5})})
    pipeline = ActionPipeline(contract, 1)
    one = np.ones((1, 1), np.float32)
    assert [float(pipeline.apply(one).effort[0, 0]) for _ in range(3)] == pytest.approx([0.3, 0.45, 0.525])
    pipeline.reset()
    assert float(pipeline.apply(one).effort[0, 0]) == pytest.approx(0.3)


@settings(max_examples=100, deadline=None)
@given(value=st.floats(-1e9, 1e9))
def test_the_metadata_carries_every_bit_of_a_float(value: float) -> None:
    base = contract_of(load_task("pendulum_swingup"))
    term = base.observation[0].model_copy(update={"scale": value})
    contract = base.model_copy(update={"observation": (term, *base.observation[1:])})
    read, provenance = from_metadata(to_metadata(contract, {"seed": "3"}))
    assert read == contract
    assert np.float64(read.observation[0].scale).tobytes() == np.float64(value).tobytes()
    assert provenance == {"seed": "3"}
    assert read.digest() == contract.digest()


def good_metadata() -> dict[str, str]:
    return to_metadata(contract_of(load_task("pendulum_swingup")), {"seed": "0"})


@pytest.mark.parametrize("key", sorted(good_metadata()))
def test_a_missing_entry_is_refused_and_named(key: str) -> None:
    metadata = good_metadata()
    del metadata[key]
    with pytest.raises(ContractError, match=key.replace(".", r"\.")):
        from_metadata(metadata)


def _paths(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [path for key, item in value.items() for path in [(*at, key), *_paths(item, (*at, key))]]
    if isinstance(value, list):
        return [path for index, item in enumerate(value) for path in _paths(item, (*at, index))]
    return []


@pytest.mark.parametrize("path", _paths(json.loads(good_metadata()[CONTRACT_KEY])), ids=str)
def test_a_contract_with_any_field_missing_is_refused(path: tuple[str | int, ...]) -> None:
    metadata = good_metadata()
    document = json.loads(metadata[CONTRACT_KEY])
    owner = document
    for key in path[:-1]:
        owner = owner[key]
    del owner[path[-1]]
    metadata[CONTRACT_KEY] = json.dumps(document)
    if path == ("recurrent_state",):  # the one field with a default: what a feed-forward policy has
        assert from_metadata(metadata)[0].recurrent_state == ()
        return
    with pytest.raises(ContractError, match="not valid"):
        from_metadata(metadata)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (CONTRACT_KEY, "{"),
        (CONTRACT_KEY, "[]"),
        (CONTRACT_KEY, "x" * 1_000_001),
        (PROVENANCE_KEY, "{"),
        (PROVENANCE_KEY, '{"seed": 3}'),
        (PROVENANCE_KEY, "[" * 100_000),
    ],
)
def test_malformed_entries_are_refused(key: str, text: str) -> None:
    with pytest.raises(ContractError):
        from_metadata(good_metadata() | {key: text})


def test_a_contract_changed_after_export_is_refused() -> None:
    metadata = good_metadata()
    document = json.loads(metadata[CONTRACT_KEY])
    document["robot"]["joints"][0]["effort_max"] = 4.0
    with pytest.raises(ContractError, match="digest"):
        from_metadata(metadata | {CONTRACT_KEY: json.dumps(document)})


def test_differences_name_every_field_with_both_values() -> None:
    robot = robot_spec(load_task("pendulum_swingup").robot)
    assert differences(robot, robot) == []
    joint = robot.joints[0].model_copy(update={"effort_max": 0.4, "name": "elbow"})
    other = robot.model_copy(update={"name": "arm", "joints": (joint,)})
    found = differences(robot, other)
    assert "name: model pendulum, robot arm" in found
    assert "joints: model ['pivot'], robot ['elbow']" in found
    assert "joints.elbow.effort_max: model missing, robot 0.4" in found
    assert "joints.pivot.effort_max: model 0.6, robot missing" in found
