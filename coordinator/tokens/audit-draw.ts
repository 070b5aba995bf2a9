/**
 * The draw that says whether a replica's result is audited: a keyed hash of the replica's name, as a
 * number from 0 up to 1. A host cannot foresee it, and whoever decides twice draws the same. Eight
 * neighbours share one HMAC, because it costs more than everything else that is done for a unit.
 */
import { createHmac } from 'node:crypto';

const bytesPerDraw = 4;
const drawsPerHash = 32 / bytesPerDraw;

/** Draws for the replicas of some units, in the order given; `replicas` names whose they are. */
export function auditDraws(
  secret: Uint8Array,
  replicas: string,
  units: readonly number[],
): number[] {
  let hashed = -1;
  let hash: Buffer = Buffer.alloc(0);
  return units.map((unit) => {
    const group = Math.floor(unit / drawsPerHash);
    if (group !== hashed) {
      hash = createHmac('sha256', secret).update(`audit\0${replicas}\0${group}`).digest();
      hashed = group;
    }
    return hash.readUInt32LE((unit % drawsPerHash) * bytesPerDraw) / 2 ** 32;
  });
}
