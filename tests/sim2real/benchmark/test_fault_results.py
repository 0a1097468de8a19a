"""Laws of a campaign's results on disk: nothing that was computed is lost or computed twice."""

import json

import pytest

pytest.importorskip("mujoco")

from sim2real.benchmark import faults as module
from sim2real.benchmark.fault_result import ScenarioResult
from sim2real.benchmark.fault_results import ResultFile
from sim2real.benchmark.faults import CampaignInterrupt, bench_faults
from sim2real.configs.errors import UserError

PLANTS = ("inertia", "mujoco")


def made(name: str, *problems: str) -> ScenarioResult:
    return ScenarioResult(name, ("silent",), "early", "inertia", "FAULT", False, ("said",), problems, 0.25)


@pytest.fixture
def runs(monkeypatch):
    ran: list[str] = []

    def run_one(name, seed, plants):
        ran.append(name)
        return made(name, *(["torque is on: knee"] if len(ran) == 2 else []))

    monkeypatch.setattr(module, "run_one", run_one)
    return ran


def test_a_result_comes_back_as_it_was():
    for result in (made("a/b/c/0"), made("a/b/c/1", "one", "two")):
        assert ScenarioResult.of(json.loads(json.dumps(result.document()))) == result


def test_results_are_there_as_they_come_and_are_not_run_again(runs, tmp_path):
    path = tmp_path / "results.jsonl"
    first = bench_faults(["pendulum"], 4, 0, 1, output=path)
    assert len(path.read_bytes().splitlines()) == 5
    again = bench_faults(["pendulum"], 4, 0, 1, output=path)
    assert again == first
    assert len(runs) == 4
    more, results = bench_faults(["pendulum"], 400, 0, 1, output=path)
    assert len(results) == more["figures"]["scenarios"] == 400
    assert len(runs) == 400 + sum(name not in {result.id for result in results} for name in runs)


def test_a_file_that_was_cut_anywhere_goes_on(runs, tmp_path):
    path = tmp_path / "results.jsonl"
    whole = bench_faults(["pendulum"], 3, 0, 1, output=path)
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with ResultFile(path, 0, PLANTS) as file:
            kept = data[:size].split(b"\n")[1:-1]
            assert list(file.results) == [json.loads(line)["id"] for line in kept]
        assert path.read_bytes() == (data[:size][: data[:size].rfind(b"\n") + 1] or data[: data.find(b"\n") + 1])
    path.write_bytes(data[:-20])
    assert [each.id for each in bench_faults(["pendulum"], 3, 0, 1, output=path)[1]] == [each.id for each in whole[1]]


@pytest.mark.parametrize("content", [b"# A README\n", b"[1, 2]\n", b"{}\n", b'{"bench": "faults"', b"\xff\n"])
def test_another_file_is_refused_and_stays_as_it_is(content, tmp_path):
    path = tmp_path / "notes.md"
    path.write_bytes(content + (b"" if content.endswith(b"\n") else b"x"))
    before = path.read_bytes()
    with pytest.raises(UserError, match="give another --output"):
        ResultFile(path, 0, PLANTS)
    assert path.read_bytes() == before


def test_another_campaign_is_refused_with_what_differs(tmp_path):
    path = tmp_path / "results.jsonl"
    with ResultFile(path, 0, PLANTS) as file:
        file.add(made("a/b/c/0"))
    for seed, plants in ((1, PLANTS), (0, PLANTS[:1])):
        with pytest.raises(UserError, match=r"of another campaign .*seed 0.*; this one: "):
            ResultFile(path, seed, plants)


def test_an_interrupt_gives_what_there_is(runs, monkeypatch, tmp_path):
    run = module.run_one

    def interrupted(name, seed, plants):
        if len(runs) == 3:
            raise KeyboardInterrupt
        return run(name, seed, plants)

    monkeypatch.setattr(module, "run_one", interrupted)
    with pytest.raises(CampaignInterrupt, match="3 of 5 scenarios") as found:
        bench_faults(["pendulum"], 5, 0, 1, output=tmp_path / "results.jsonl")
    assert [each.id for each in found.value.results] == runs
    assert len((tmp_path / "results.jsonl").read_bytes().splitlines()) == 4
