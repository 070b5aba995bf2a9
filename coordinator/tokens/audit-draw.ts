/**
 * The draw that says whether a replica's result is audited: a keyed hash of the replica's name, as a
 * number from 0 up to 1. A host cannot foresee it, and whoever decides twice draws the same. Eight
 * neighbours share one HMAC, because it costs more than everything else that is done for a unit.
 */
import { createHmac } from 'node:crypto';
import type { LeaseId } from '../../protocol/ids.ts';

const bytesPerDraw = 4;
const drawsPerHash = 32 / bytesPerDraw;

/** Draws for positions of one lease, in the order given. */
export function auditDraws(
  secret: Uint8Array,
  leaseId: LeaseId,
  positions: readonly number[],
): number[] {
  let hashed = -1;
  let hash: Buffer = Buffer.alloc(0);
  return positions.map((position) => {
    const group = Math.floor(position / drawsPerHash);
    if (group !== hashed) {
      hash = createHmac('sha256', secret).update(`audit\0${leaseId}\0${group}`).digest();
      hashed = group;
    }
    return hash.readUInt32LE((position % drawsPerHash) * bytesPerDraw) / 2 ** 32;
  });
}
