/** Memory of hosts and accounts that is bounded: keys cost a stranger nothing, so many may come and never again. */

/** Ten times the hosts that a coordinator is made for; those told of longest ago go first. */
const rememberedMax = 100_000;

export function remember<Id, Known>(memory: Map<Id, Known>, id: Id, known: Known): void {
  memory.delete(id);
  memory.set(id, known);
  const [oldest] = memory.keys();
  if (memory.size > rememberedMax && oldest !== undefined) memory.delete(oldest);
}
