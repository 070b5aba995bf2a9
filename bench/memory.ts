/** What processes keep in memory, from /proc (proc(5)). Linux only. */
import { readFile } from 'node:fs/promises';

/** Resident set size, bytes. */
export const rssBytes = (pid: number): Promise<number> => statusBytes(pid, 'VmRSS');

/** The most it ever was, bytes. */
export const peakRssBytes = (pid: number): Promise<number> => statusBytes(pid, 'VmHWM');

async function statusBytes(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
}

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
