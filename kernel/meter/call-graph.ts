/**
 * Who can call whom, and with that: how deep the call stack can get. Engines differ in how deep they
 * go before a stack overflow, so a kernel must never get there:
 *
 * - functions on no cycle of calls stand on the stack at most once each; the longest way through
 *   them is known beforehand and must fit `STATIC_STACK_BYTES`;
 * - functions on a cycle (recursion) count their frames at run time against what that leaves of
 *   `STACK_BYTES`.
 *
 * An indirect call can reach every function of its signature that stands in any element segment.
 */
import { KernelRefused } from '../refused.ts';
import type { KernelModule } from './module.ts';
import type { FunctionPlan } from './plan.ts';

/**
 * By our upper estimate of frames. The least that a host gives is what Chromium gives a worker: 500 KiB,
 * of which the runner and the calls that it answers need 5, but up to 46 the first time, when V8 compiles
 * them (of Node's stack, with programs of the WASI test suite and their own frames). (Node's main thread has
 * 984 KiB, Node's workers 4 MiB; and so much is needed there: V8 11.3 compiles functions of over 8,192 values with
 * another register allocator, and the frame of QuickJS's interpreter was seen to be twice our estimate.)
 */
const STACK_BYTES = 448 * 1024;
/** QuickJS needs 3,048 bytes of it, a program in C that prints 1,896: recursion is counted elsewhere. */
const STATIC_STACK_BYTES = 128 * 1024;

export interface Recursion {
  /** Indices, within `plans`, of the functions that count their frames. */
  recursive: Set<number>;
  /** What they may take together. */
  stackBytes: number;
}

/** Throws KernelRefused when calls nest too deep without any recursion. */
export function findRecursion(module: KernelModule, plans: readonly FunctionPlan[]): Recursion {
  const callees = calleeLists(module, plans);
  const groups = stronglyConnected(callees);
  const recursive = new Set<number>();
  const depthBelow = new Array<number>(callees.length).fill(0);
  let deepestOfAll = 0;

  // Groups come callees first, so what lies below a group is known when its turn comes.
  for (const group of groups) {
    const [first = 0] = group;
    const isCycle = group.length > 1 || callees[first]?.includes(first);
    let deepest = 0;
    for (const member of group)
      for (const callee of callees[member] ?? [])
        deepest = Math.max(deepest, depthBelow[callee] ?? 0);
    for (const member of group) {
      const plan = plans[member];
      if (isCycle && plan !== undefined) recursive.add(member);
      const own = isCycle || plan === undefined ? 0 : plan.frameBytes;
      depthBelow[member] = deepest + own;
      deepestOfAll = Math.max(deepestOfAll, deepest + own);
      if (deepest + own > STATIC_STACK_BYTES)
        throw new KernelRefused(
          'limit_exceeded',
          `Calls nest deeper than ${STATIC_STACK_BYTES} bytes of stack, recursion aside.`,
          plan?.codeStart ?? 0,
        );
    }
  }
  return { recursive, stackBytes: STACK_BYTES - deepestOfAll };
}

/**
 * Vertices are the functions with a body, then one per signature that is called indirectly: that
 * keeps a table of n functions called from m places at n + m edges.
 */
function calleeLists(module: KernelModule, plans: readonly FunctionPlan[]): number[][] {
  const signatures = new Map<string, number>();
  const lists: number[][] = plans.map((plan) => {
    const list: number[] = [];
    for (const callee of plan.callees)
      if (callee >= module.importedFunctions) list.push(callee - module.importedFunctions);
    for (const signature of plan.indirect) {
      const vertex = signatures.get(signature) ?? plans.length + signatures.size;
      signatures.set(signature, vertex);
      list.push(vertex);
    }
    return list;
  });
  for (let i = 0; i < signatures.size; i++) lists.push([]);
  for (const target of module.tableFunctions) {
    const vertex = signatures.get(module.functions[target]?.signature ?? '');
    if (vertex !== undefined && target >= module.importedFunctions)
      lists[vertex]?.push(target - module.importedFunctions);
  }
  return lists;
}

/**
 * Tarjan's strongly connected components (1972), callees before callers. Without recursion of our
 * own: the module chooses how deep this would go.
 */
function stronglyConnected(edges: readonly (readonly number[])[]): number[][] {
  const groups: number[][] = [];
  const order = new Int32Array(edges.length).fill(-1);
  const low = new Int32Array(edges.length);
  const isOpen = new Uint8Array(edges.length);
  const open: number[] = [];
  const path: { vertex: number; next: number }[] = [];
  let counter = 0;

  const visit = (vertex: number) => {
    order[vertex] = low[vertex] = counter++;
    isOpen[vertex] = 1;
    open.push(vertex);
    path.push({ vertex, next: 0 });
  };
  const lower = (vertex: number, to: number | undefined) => {
    low[vertex] = Math.min(low[vertex] ?? 0, to ?? 0);
  };

  for (let root = 0; root < edges.length; root++) {
    if (order[root] !== -1) continue;
    visit(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { vertex } = top;
      const target = edges[vertex]?.[top.next++];
      if (target !== undefined) {
        if (order[target] === -1) visit(target);
        else if (isOpen[target]) lower(vertex, order[target]);
        continue;
      }
      path.pop();
      const caller = path.at(-1);
      if (caller !== undefined) lower(caller.vertex, low[vertex]);
      if (low[vertex] !== order[vertex]) continue;
      const group: number[] = [];
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        isOpen[member] = 0;
        group.push(member);
        if (member === vertex) break;
      }
      groups.push(group);
    }
  }
  return groups;
}
