/**
 * Rounds go over many things that have nothing to do with each other. Should one of them meet a defect of ours, it is
 * told of and stays as it is, and stops none of the others: else a single unit could hold up the whole grid's checks, or
 * everybody's credit. When Redis is away none of them can go on, and the round is repeated.
 */
import { OutcomeUnknown, StorageRefuses } from './store.ts';

/** Takes some together, and singly where they fail together. */
export async function eachByItself<Item>(
  groups: readonly (readonly Item[])[],
  step: (group: readonly Item[]) => Promise<void>,
  failed: (item: Item, error: unknown) => void,
): Promise<void> {
  for (const group of groups) {
    try {
      await step(group);
    } catch (error) {
      if (error instanceof OutcomeUnknown || error instanceof StorageRefuses) throw error;
      const [first] = group;
      if (first === undefined || group.length > 1)
        await eachByItself(
          group.map((item) => [item]),
          step,
          failed,
        );
      else failed(first, error);
    }
  }
}
