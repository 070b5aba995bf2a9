"""Celery over Redis, one task a unit: what a warm round of them costs, as one line of JSON.

usage: celery_peer.py SOCKET REDIS_PID TASKS

A producer (this process), a worker (another), and the Redis at SOCKET, which holds the queue and keeps each result. CPU is of
all three together, as it is for BullMQ. Celery's settings are its own but for these: no gossip, mingle or heartbeats, which are
for several workers, and `solo`, the pool that cost least of solo, threads and prefork.
"""

import json
import os
import subprocess
import sys
import time

import celery
import redis
from cpu import cpu_micros

socket, redis_pid, tasks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
app = celery.Celery("peer", broker=f"redis+socket://{socket}", backend=f"redis+socket://{socket}")
RESULT = {"output": '{"ok":true}\n', "fuel": 1_000_000}


@app.task(name="unit")
def unit(number):
    return RESULT


def run(count, results):
    """Until all their results are kept. Each is a key of its own."""
    wanted = results.dbsize() + count
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(count):
            unit.apply_async((number,), producer=producer)
    # The broker's own keys come and go: a handful.
    while results.dbsize() < wanted - 1 or app.backend.client.llen("celery") > 0:
        time.sleep(0.05)


def main():
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    worker = subprocess.Popen([sys.executable, *sys.argv, "worker"], **quiet)
    try:
        results = redis.Redis(unix_socket_path=socket)
        run(tasks // 10, results)
        pids = [os.getpid(), worker.pid, redis_pid]
        cpu, at = cpu_micros(pids), time.perf_counter()
        run(tasks, results)
        seconds = time.perf_counter() - at
        cost = (cpu_micros(pids) - cpu) / tasks
        version = f"Celery {celery.__version__}"
        print(json.dumps({"version": version, "unitsPerSecond": tasks / seconds, "cpuMicrosPerUnit": cost}))
    finally:
        worker.terminate()
        worker.wait()


if sys.argv[4:] == ["worker"]:
    plain = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", "--pool=solo", "--loglevel=ERROR", *plain])
else:
    main()
