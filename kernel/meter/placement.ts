/**
 * Decides which blocks get a counter and what it adds, so that the charges along any way from
 * SETTLED to SETTLED sum up to the costs along it, with few counters, and those in cold blocks.
 *
 * The idea is Knuth's (with Stevenson, "Optimal measurement points for program frequency counts",
 * 1973): grow a spanning tree over the points, hottest blocks first. Along the tree nothing is
 * charged; instead each point gets a potential, the cost of the way to it through the tree. A block
 * that would close a cycle (a chord) is charged its cost plus the difference of the potentials at
 * its ends. Around any cycle the potentials cancel and the costs remain. About half of all blocks
 * end up without a counter, the hot ones first.
 */
import type { FlowGraph } from './flow-graph.ts';

/** The charge of every block, 0 for those in the tree; may be negative. */
export function placeCounters(graph: FlowGraph): Float64Array {
  const { points, costs, froms, tos, heats } = graph;
  const charges = new Float64Array(graph.blocks);
  const order = Array.from(costs.keys()).sort((a, b) => (heats[b] ?? 0) - (heats[a] ?? 0));
  const chords = order.filter(
    (block) => !points.join(froms[block] ?? 0, tos[block] ?? 0, costs[block] ?? 0),
  );
  for (const block of chords)
    charges[block] = (costs[block] ?? 0) - points.difference(froms[block] ?? 0, tos[block] ?? 0);
  return charges;
}
