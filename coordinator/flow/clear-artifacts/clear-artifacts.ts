/**
 * clear artifacts: what nothing names any more goes, some days after the last that named it.
 *
 *   1. what time is it, and how many artifacts are there?
 *   2. mark    everything that anything names, from all of Redis and the whole archive (mark-named.ts)
 *   3. sweep   what was not marked, and is old, is set aside; what is aside since the round before and
 *              was not marked now either is removed (sweep.ts)
 *
 * So an artifact goes when two rounds in a row did not find its name. That is what makes it safe: when one is named at the
 * very moment at which it is set aside, whoever asks for it brings it back, and the next round finds the name. A steward
 * that was thought dead and goes on does no harm for the same reason, and nor does a crash anywhere.
 *
 * Each round is noted in Redis, and beside the artifacts. When the two differ somebody with another Redis clears here: a grid that was restored
 * on a backup, to try it, beside the one that lives. It does not know what was computed since, so it clears nothing until the
 * other one has not done so for three rounds.
 *
 * When anything cannot be read nothing goes in that round: one file may hold the only name of an artifact.
 */
import { NamedArtifacts, seedBytes } from '../../domain/named-artifacts.ts';
import { ArchiveDamaged } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { type Breath, Interrupted } from './breath.ts';
import { markNamed, NamesUnsure } from './mark-named.ts';
import { sweep } from './sweep.ts';
import type { ClearingTimes } from './times.ts';

export type ClearContext = Pick<
  Context,
  'store' | 'artifacts' | 'grid' | 'now' | 'randomBytes' | 'log' | 'cleared'
>;

/** Does nothing when the last round, whosever that was, is not long enough ago. `breath` may end it at any time. */
export async function clearArtifacts(
  context: ClearContext,
  times: ClearingTimes,
  breath: Breath,
): Promise<void> {
  const { store, artifacts, now, log } = context;
  const last = await store.grid.lastClearing();
  if (last !== null && Math.abs(now() - last) < times.everyMs) return;
  // Before it has come to anything: what fails does so a day later again, and not at once.
  const begun = now();
  await store.grid.beginClearing(begun);
  try {
    if (await isAnothers(context, last, times)) {
      log.warn(
        'no artifact is cleared: a grid with another Redis does so here, which may be newer',
      );
      return;
    }
    await artifacts.note(`${begun}`);
    await clear(context, times, breath);
  } catch (error) {
    if (error instanceof Interrupted) log.debug('clearing artifacts was interrupted');
    else if (error instanceof ArchiveDamaged || error instanceof NamesUnsure)
      log.warn(
        { err: error },
        'no artifact is cleared: not everything that may name one can be read',
      );
    else throw error;
  }
}

/** `last`: the round before, by Redis. A crash between its two notes costs three rounds. */
async function isAnothers(
  { artifacts }: ClearContext,
  last: number | null,
  { everyMs }: ClearingTimes,
): Promise<boolean> {
  const note = await artifacts.lastNote();
  if (note === null || note.text === `${last}`) return false;
  return (await artifacts.now()) - note.at < 3 * everyMs;
}

async function clear(context: ClearContext, times: ClearingTimes, breath: Breath): Promise<void> {
  const { artifacts, randomBytes, log } = context;
  const begunAt = await artifacts.now();
  let count = 0;
  for await (const _ of artifacts.list()) {
    count++;
    await breath();
  }
  const named = new NamedArtifacts(count, randomBytes(seedBytes));
  await markNamed(context, named, breath);
  const swept = await sweep(artifacts, named, begunAt, times, breath);
  context.cleared.artifacts += swept.removed;
  context.cleared.bytes += swept.bytesRemoved;
  log.info({ artifacts: count, ...swept }, 'artifacts that nothing names were cleared');
}
