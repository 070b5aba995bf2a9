/** The bench's volunteers as the bench sees them: a process that it gives orders. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { VolunteersOrder } from './volunteers-process.ts';

export class Load {
  private readonly child: ChildProcess;

  constructor(order: VolunteersOrder) {
    this.child = fork(new URL('./volunteers-process.js', import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child.send(order);
  }

  /** Results recorded so far. */
  recorded(): Promise<number> {
    return this.ask('count') as Promise<number>;
  }

  /** Volunteers who have been welcomed. */
  welcome(): Promise<number> {
    return this.ask('welcome') as Promise<number>;
  }

  /** Milliseconds from each want to its lease, since this was last asked. */
  roundTrips(): Promise<number[]> {
    return this.ask('roundTrips') as Promise<number[]>;
  }

  /** They ask for their first leases, where they were to wait for that. */
  begin(): void {
    this.child.send('begin');
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    if (child.connected) child.send('stop');
    await ended;
  }

  private async ask(order: 'count' | 'welcome' | 'roundTrips'): Promise<unknown> {
    const reply = once(this.child, 'message');
    this.child.send(order);
    return (await reply)[0];
  }
}
