"""CPU time that processes have used so far, user and system, from /proc (proc(5)). Linux only."""

import os


def cpu_micros(pids):
    """Microseconds, summed over the processes."""
    micros_per_tick = 1_000_000 // os.sysconf("SC_CLK_TCK")
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        # utime and stime.
        ticks += int(fields[11]) + int(fields[12])
    return ticks * micros_per_tick
