"""Runs many scenarios on all processors; the results are in the order of the jobs, whichever ends first."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool

from sim2real.configs.errors import UserError
from sim2real.hardware.worker_pool import interrupts_held, worker_pool
from sim2real.runtime.hil.job import Job, JobResult, run_job


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def run_jobs(
    jobs: Sequence[Job], workers: int, done: Callable[[JobResult], None] = lambda _result: None
) -> tuple[JobResult, ...]:
    """Run scenarios.

    Args:
        jobs: What to run.
        workers: Processes; with one, or one job, everything runs in this process.
        done: Called with each result as it arrives.

    Raises:
        UserError: A worker process was killed.
    """
    results: dict[int, JobResult] = {}
    if min(workers, len(jobs)) <= 1:
        for index, job in enumerate(jobs):
            results[index] = run_job(job)
            done(results[index])
        return tuple(results.values())
    with worker_pool(min(workers, len(jobs))) as pool:
        with interrupts_held():
            futures = {pool.submit(run_job, job): index for index, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                done(results[futures[future]])
        except BrokenProcessPool as error:
            raise UserError("a worker process died; the machine may have run out of memory: try --jobs 1") from error
    return tuple(results[index] for index in range(len(jobs)))
