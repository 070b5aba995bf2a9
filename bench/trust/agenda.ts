/** What happens next in simulated time: a binary heap of moments, each with a host's number. */
export class Agenda {
  private readonly heap: { at: number; host: number }[] = [];

  add(at: number, host: number): void {
    const { heap } = this;
    let hole = heap.length;
    const entry = { at, host };
    heap.push(entry);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= at) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = entry;
  }

  next(): { at: number; host: number } | undefined {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || first === last) return first;
    let hole = 0;
    for (;;) {
      const left = 2 * hole + 1;
      const [one, two] = [heap[left], heap[left + 1]];
      if (one === undefined) break;
      const [child, entry] = two !== undefined && two.at < one.at ? [left + 1, two] : [left, one];
      if (entry.at >= last.at) break;
      heap[hole] = entry;
      hole = child;
    }
    heap[hole] = last;
    return first;
  }
}
