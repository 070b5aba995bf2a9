/**
 * One coordinator on one Redis, for now: outputs are files in its own data folder, so a second one
 * could acknowledge results that the first cannot serve. It says so instead of starting. Ownership
 * is a key that runs out, so a coordinator that died does not keep the next one out for long.
 */
import type { Logger } from 'pino';
import type { Clock } from './flow/context.ts';
import type { Store } from './store/store.ts';

/** Three renewals in the time of one ownership: two may be lost. */
const ownMs = 10_000;
const renewMs = 3000;

export class GridOwned extends Error {
  constructor() {
    super('another coordinator runs on this Redis');
  }
}

/** Throws GridOwned. `lost` is told should another coordinator own the grid later. */
export async function ownGrid(
  store: Store,
  coordinatorId: string,
  clock: Clock,
  log: Logger,
  lost: (error: Error) => void,
): Promise<{ close(): Promise<void> }> {
  if (!(await store.peers.own(coordinatorId, ownMs))) throw new GridOwned();
  let cancel: () => void;
  const renewLater = () => {
    cancel = clock.after(renewMs, () => void renew());
  };
  const renew = async () => {
    try {
      if (!(await store.peers.own(coordinatorId, ownMs))) {
        log.error('another coordinator has taken this grid over');
        lost(new GridOwned());
        return;
      }
    } catch (error) {
      log.debug({ err: error }, 'ownership of the grid could not be renewed yet');
    }
    renewLater();
  };
  renewLater();
  return {
    async close() {
      cancel();
      await store.peers.disown(coordinatorId).catch(() => {
        // Redis is gone: the ownership runs out by itself.
      });
    },
  };
}
