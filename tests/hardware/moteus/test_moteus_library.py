"""The vendor's library as a client of the emulator over a pseudo-terminal, and a client that is killed."""

import asyncio
import math
import multiprocessing
import signal
import time
from collections.abc import Awaitable, Callable, Iterator

import moteus
import pytest
from moteus_bench import moteus_robot
from served import serving

from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.emulator.pty import PtyServer
from sim2real.hardware.moteus.tables import Fault, Mode
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.types import JointCommand, JointState

pytestmark = pytest.mark.realtime

R = moteus.Register
PATIENCE_S = 30.0
LAG_NS = 110_000_000


@pytest.fixture
def server() -> Iterator[PtyServer]:
    with serving(moteus_robot(3)) as server:
        yield server


def motors(server: PtyServer) -> list:
    return list(server.emulated.motors.values())


Scene = Callable[[list[moteus.Controller]], Awaitable[None]]


def act(server: PtyServer, scene: Scene) -> None:
    """Run a test coroutine with three controllers of the library behind one adapter."""

    async def play() -> None:
        # On a busy machine the emulator may start late.
        transport = moteus.Fdcanusb(server.ports["main"], command_timeout=2.0, response_timeout=2.0)
        try:
            await scene([moteus.Controller(id=motor, transport=transport) for motor in (1, 2, 3)])
        finally:
            transport.close()
            await asyncio.sleep(0)

    asyncio.run(play())


async def until(ask: Callable[[], Awaitable], done: Callable) -> object:
    deadline = time.monotonic() + PATIENCE_S
    while not done(result := await ask()):
        assert time.monotonic() < deadline, result
        await asyncio.sleep(0.005)
    return result


def test_query(server):
    async def scene(controllers) -> None:
        for controller in controllers:
            seen = await controller.query()
            assert seen.id == controller.id
            assert seen.values[R.MODE] == Mode.STOPPED
            assert seen.values[R.POSITION] == 0.0
            assert seen.values[R.VOLTAGE] == 24.0
            assert seen.values[R.FAULT] == 0
        seen = await controllers[0].custom_query({R.FIRMWARE_VERSION: moteus.INT32, R.MODEL_NUMBER: moteus.INT32})
        assert seen.values[R.FIRMWARE_VERSION] == 0x000109

    act(server, scene)


def test_position_command_to_convergence_with_position_and_velocity(server):
    async def scene(controllers) -> None:
        controller = controllers[0]
        await controller.set_stop()

        def ask():
            return controller.set_position(
                position=0.4, velocity=0.0, accel_limit=20.0, maximum_torque=1.0, watchdog_timeout=20.0, query=True
            )

        def there(seen) -> bool:
            return abs(seen.values[R.POSITION] - 0.4) < 0.006 and abs(seen.values[R.VELOCITY]) < 0.01

        await until(ask, there)
        # Motion at a velocity: the reported velocity matches the change of position.
        await until(
            lambda: controller.set_position(position=math.nan, velocity=1.5, watchdog_timeout=20.0, query=True),
            lambda seen: abs(seen.values[R.VELOCITY] - 1.5) < 0.05,
        )
        before, start = (await controller.query()).values[R.POSITION], server.emulated.now_ns
        await until(controller.query, lambda seen: seen.values[R.POSITION] - before > 1.0)
        seconds = (server.emulated.now_ns - start) * 1e-9
        after = (await controller.query()).values[R.POSITION]
        assert (after - before) / seconds == pytest.approx(1.5, rel=0.3)
        await controller.set_stop()

    act(server, scene)


def test_gain_scales_weaken_the_hold(server):
    async def scene(controllers) -> None:
        stiff, soft = controllers[:2]
        for controller in (stiff, soft):
            await controller.set_stop()
        torques = {}
        for controller, scale in ((stiff, 1.0), (soft, 0.25)):
            seen = await until(
                lambda controller=controller, scale=scale: controller.set_position(
                    position=0.004, kp_scale=scale, kd_scale=scale, velocity_limit=-1.0, accel_limit=-1.0,
                    watchdog_timeout=20.0, query=True,
                ),
                lambda seen: seen.values[R.MODE] == Mode.POSITION,
            )  # fmt: skip
            # Too little to overcome friction, so that the error stays.
            seen = await controller.custom_query({R.POSITION_KP: moteus.F32, R.POSITION: moteus.F32})
            torques[scale] = seen.values[R.POSITION_KP]
        assert torques[1.0] == pytest.approx(4.0 * 0.004, rel=1e-3)
        assert torques[0.25] == pytest.approx(torques[1.0] / 4.0, rel=1e-3)

    act(server, scene)


def test_watchdog_latches_until_stopped(server):
    async def scene(controllers) -> None:
        controller = controllers[0]
        await controller.set_position(position=0.1, watchdog_timeout=0.05)
        await until(controller.query, lambda seen: seen.values[R.MODE] == Mode.TIMEOUT)
        for _ in range(3):
            seen = await controller.set_position(position=0.1, watchdog_timeout=0.05, query=True)
        assert seen.values[R.MODE] == Mode.TIMEOUT
        await controller.set_stop()
        assert (await controller.query()).values[R.MODE] == Mode.STOPPED

    act(server, scene)


def test_fault_and_recovery(server):
    async def scene(controllers) -> None:
        controller = controllers[1]
        await controller.set_position(position=0.1, watchdog_timeout=20.0)
        server.emulated.electrics.temperature[1] = 80.0
        seen = await until(controller.query, lambda seen: seen.values[R.MODE] == Mode.FAULT)
        assert seen.values[R.FAULT] == Fault.OVER_TEMPERATURE
        assert not motors(server)[1].torque_enabled
        server.emulated.electrics.temperature[1] = 30.0
        await controller.set_stop()
        seen = await controller.query()
        assert (seen.values[R.MODE], seen.values[R.FAULT]) == (Mode.STOPPED, 0)

    act(server, scene)


def test_several_controllers_in_one_cycle(server):
    async def scene(controllers) -> None:
        transport = controllers[0].transport
        for controller in controllers:
            await controller.set_stop()

        async def cycle():
            return await transport.cycle(
                [
                    controller.make_position(position=0.1 * controller.id, watchdog_timeout=20.0, query=True)
                    for controller in controllers
                ]
            )

        def all_there(results) -> bool:
            return len(results) == 3 and all(abs(r.values[R.POSITION] - 0.1 * r.id) < 0.006 for r in results)

        results = await until(cycle, all_there)
        assert sorted(result.id for result in results) == [1, 2, 3]

    act(server, scene)


def test_discovery_and_the_diagnostic_console(server):
    async def scene(controllers) -> None:
        found = await controllers[0].transport.discover(timeout=0.5)
        assert sorted(info.can_id for info in found) == [1, 2, 3]
        assert len({info.uuid for info in found}) == 3
        stream = moteus.Stream(controllers[0])
        assert await asyncio.wait_for(stream.command(b"conf get id.id", allow_any_response=True), PATIENCE_S) == b"1"
        await asyncio.wait_for(stream.command(b"conf set servo.pid_position.kp 7"), PATIENCE_S)
        assert motors(server)[0].control.kp == 7.0

    act(server, scene)


def drive(path: str) -> None:
    """Hold positions until killed."""
    config = moteus_robot(3)
    clock = MonotonicClock()
    hardware = RobotHardware(config, open_serial_ports(config, {"main": path}, clock), clock)
    state, command = JointState.empty(3), JointCommand.zeros(3)
    hardware.open()
    hardware.enable()
    command.stiffness[:], command.damping[:] = 4.0, 0.05
    while True:
        hardware.read(state)
        hardware.write(command)
        clock.sleep_until_ns(clock.now_ns() + 5_000_000)


def test_the_motors_of_a_killed_client_stop_in_time(server):
    process = multiprocessing.get_context("spawn").Process(target=drive, args=(server.ports["main"],), daemon=True)
    process.start()
    deadline = time.monotonic() + PATIENCE_S
    while not all(motor.mode == Mode.POSITION for motor in motors(server)):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    killed_ns = server.emulated.now_ns
    watchdog_ns = round(server.emulated.config.safety.watchdog * 1e9)
    while any(motor.driven for motor in motors(server)):
        # In emulated time, which may lag behind on a busy machine.
        assert server.emulated.now_ns < killed_ns + watchdog_ns + LAG_NS
        time.sleep(0.001)
