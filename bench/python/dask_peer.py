"""dask.distributed, one task a unit: what a warm round of them costs, as one line of JSON.

usage: dask_peer.py TASKS

A client (this process), a scheduler and a worker of one thread, each a process of its own. CPU is the scheduler's alone, as ours is
without its volunteers. Nothing of it is on disk: a scheduler that is killed has lost everything.
"""

import json
import subprocess
import sys
import tempfile
import time

import distributed
from cpu import cpu_micros

tasks = int(sys.argv[1])
RESULT = {"output": '{"ok":true}\n', "fuel": 1_000_000}


def unit(number):
    return RESULT


def start(module, *arguments):
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(client, first, count):
    futures = client.map(unit, range(first, first + count), pure=False)
    distributed.wait(futures)


def main():
    with tempfile.TemporaryDirectory(prefix="manyhands-bench-") as folder:
        where = f"{folder}/scheduler.json"
        scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", where)
        worker = start(
            "dask_worker", "--scheduler-file", where, "--nthreads", "1", "--no-nanny", "--local-directory", folder
        )
        try:
            with distributed.Client(scheduler_file=where) as client:
                run(client, 0, tasks // 10)
                cpu, at = cpu_micros([scheduler.pid]), time.perf_counter()
                run(client, tasks, tasks)
                seconds = time.perf_counter() - at
                cost = (cpu_micros([scheduler.pid]) - cpu) / tasks
            version = f"dask.distributed {distributed.__version__}"
            print(json.dumps({"version": version, "unitsPerSecond": tasks / seconds, "cpuMicrosPerUnit": cost}))
        finally:
            for process in (worker, scheduler):
                process.terminate()
                process.wait()


main()
