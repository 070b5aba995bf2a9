// An agent for a test: in a folder of its own, ended and removed after the test.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Agent, type AgentEvent, type AgentOptions, openAgent } from '../../worker/agent.ts';
import type { Sandbox } from '../../worker/sandbox/sandbox.ts';
import { TestCoordinator } from '../support/test-coordinator.ts';
import { echoSandbox } from './sandboxes.ts';

/** What a host is when a test makes its agent by hand. */
export const aHost = {
  name: 'a host',
  team: null,
  country: null,
  cores: 1,
  once: false,
  unitsMax: Number.POSITIVE_INFINITY,
  saveEveryMs: 60_000,
  onEvent: () => undefined,
};

export async function aFolder(): Promise<string> {
  const folder = await mkdtemp(joinPath(tmpdir(), 'mh-worker-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Stopped after the agents that joined it later: what ends last was there first. */
export async function aGrid(): Promise<TestCoordinator> {
  const grid = await new TestCoordinator().start();
  onTestFinished(() => grid.stop());
  return grid;
}

type Joined<S> = { agent: Agent; sandbox: S; events: AgentEvent[]; dataDir: string };

export async function join<S extends Sandbox = ReturnType<typeof echoSandbox>>(
  grid: TestCoordinator,
  sandbox?: S,
  options: Partial<AgentOptions> = {},
): Promise<Joined<S>> {
  const dataDir = options.dataDir ?? (await aFolder());
  const events: AgentEvent[] = [];
  const used = sandbox ?? (echoSandbox() as unknown as S);
  const agent = openAgent({
    urls: [grid.url],
    name: 'a host',
    team: null,
    cores: 2,
    onEvent: (event) => events.push(event),
    openSandbox: () => used,
    ...options,
    dataDir,
  });
  // Registered after the folder's removal, and so runs before it.
  onTestFinished(async () => {
    agent.stop();
    await agent.done.catch(() => undefined);
  });
  return { agent, sandbox: used, events, dataDir };
}
