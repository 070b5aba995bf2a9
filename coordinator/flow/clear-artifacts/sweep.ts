/**
 * What was not marked goes a step on its way: here, aside, gone. What is aside and was marked is brought back, which
 * happens when it was named while it was set aside, or was taken for another one that is named.
 */
import { type Artifacts, hexOf, type Listed } from '../../artifacts/artifacts.ts';
import type { NamedArtifacts } from '../../domain/named-artifacts.ts';
import type { Breath } from './breath.ts';
import type { ClearingTimes } from './times.ts';

export type Swept = {
  setAside: number;
  broughtBack: number;
  removed: number;
  bytesRemoved: number;
};

/** S3 answers after some milliseconds, and has many answers under way. */
const atOnceMax = 16;

/** `begunAt`: when the marks were begun, by the clock of the artifacts. */
export async function sweep(
  artifacts: Artifacts,
  named: NamedArtifacts,
  begunAt: number,
  { graceMs, restMs }: Omit<ClearingTimes, 'everyMs'>,
  breath: Breath,
): Promise<Swept> {
  const swept: Swept = { setAside: 0, broughtBack: 0, removed: 0, bytesRemoved: 0 };
  const step = async (one: Listed, isNamed: boolean) => {
    const { shelf, digest, bytes, isAside } = one;
    if (!isAside) {
      await artifacts.setAside(shelf, digest);
      swept.setAside++;
    } else if (isNamed) {
      if (await artifacts.bringBack(shelf, digest)) swept.broughtBack++;
      // In S3 it is there twice now.
      await artifacts.removeAside(one);
    } else if (await artifacts.removeAside(one)) {
      swept.removed++;
      swept.bytesRemoved += bytes;
    }
  };
  let underWay: Promise<void>[] = [];
  try {
    for await (const one of artifacts.list()) {
      await breath();
      const isNamed = named.has(Buffer.from(hexOf(one.digest), 'hex'));
      const isDue = one.isAside
        ? one.at <= begunAt - restMs
        : !isNamed && one.at <= begunAt - graceMs;
      if (!isDue) continue;
      underWay.push(step(one, isNamed));
      if (underWay.length < atOnceMax) continue;
      await Promise.all(underWay);
      underWay = [];
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
  return swept;
}
