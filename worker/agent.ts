/**
 * The volunteer's agent on Node: joins a grid, computes for it, and never loses a finished unit.
 *
 *   const agent = openAgent({ urls: [url], dataDir, name, team: null, cores: 2, onEvent: print });
 *   process.once('SIGINT', () => agent.finish());
 *   const end = await agent.done;
 *
 * The steps are ask → fetch → run → report; lifecycle.ts tells an agent's life, grid-work.ts the
 * steps. `done` rejects when the folder cannot be used, and when we made a mistake.
 */
import type { EmitEvent } from './events.ts';
import { type AgentEnd, Lifecycle } from './lifecycle.ts';
import { nodePlatform } from './platform/node.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import type { AgentStatus } from './status.ts';

export type { AgentEvent } from './events.ts';
export type { AgentEnd } from './lifecycle.ts';
export { PlaceUnusable } from './platform/platform.ts';
export type { AgentStatus } from './status.ts';

export interface AgentOptions {
  /** Of the grid's coordinators, one or several: http(s)://host:port. */
  urls: readonly string[];
  /** Keys, leases, results and downloads; one agent at a time. */
  dataDir: string;
  name: string;
  team: string | null;
  /** ISO 3166-1 alpha-2; said when the host first works on the grid. */
  country?: string;
  cores: number;
  /** Stop when there has been no work for 5 s. */
  once?: boolean;
  /** Stop after this many units. */
  maxUnits?: number;
  /**
   * How often a unit that runs is saved, if its job allows it; a minute when nothing is said. More
   * often loses less to a crash and costs more: the unit stands still while it is saved.
   */
  saveEveryMs?: number;
  onEvent: EmitEvent;
  /** What runs kernels. */
  openSandbox: (options: { threads: number }) => Sandbox;
}

export interface Agent {
  /** How it ended. */
  done: Promise<AgentEnd>;
  /** Takes no new work, finishes what runs, reports it and ends. */
  finish(): void;
  /** Gives back what runs, reports what is finished and ends. */
  stop(): void;
  /** Freezes what runs and gives back what has not begun. */
  pause(): void;
  resume(): void;
  status(): AgentStatus;
}

/** Little to lose, and little to pay for a kernel whose snapshot takes a second to write. */
const saveEveryMs = 60_000;

export function openAgent(options: AgentOptions): Agent {
  const life = new Lifecycle({
    platform: nodePlatform,
    sandbox: options.openSandbox({ threads: options.cores }),
    urls: options.urls.map((url) => url.replace(/\/+$/, '')),
    place: options.dataDir,
    name: options.name,
    team: options.team,
    country: options.country ?? null,
    cores: options.cores,
    once: options.once ?? false,
    unitsMax: options.maxUnits ?? Number.POSITIVE_INFINITY,
    saveEveryMs: options.saveEveryMs ?? saveEveryMs,
    onEvent: options.onEvent,
  });
  return {
    done: life.done,
    finish: () => life.finish(),
    stop: () => life.stop(),
    pause: () => life.pause(),
    resume: () => life.resume(),
    status: () => life.status,
  };
}
