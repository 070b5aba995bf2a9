/**
 * How a thread that is busy with a kernel learns that a snapshot is wanted: one shared number, as
 * no message reaches it before the kernel returns. The kernel's calls look at it, which costs
 * nothing that could be measured; whoever wants a snapshot sets it.
 *
 * A page has shared memory only when it is served as cross-origin isolated. Without, nothing is
 * saved there; what was saved elsewhere goes on all the same.
 */
export type SaveWish = Int32Array<SharedArrayBuffer>;

/** Null where there is no shared memory. */
export const aSaveWish = (): SaveWish | null =>
  typeof SharedArrayBuffer === 'undefined' ? null : new Int32Array(new SharedArrayBuffer(4));

export const wishSave = (wish: SaveWish): void => void Atomics.store(wish, 0, 1);

export const isSaveWished = (wish: SaveWish | null): boolean =>
  wish !== null && Atomics.load(wish, 0) === 1;

export const forgetSaveWish = (wish: SaveWish | null): void => {
  if (wish !== null) Atomics.store(wish, 0, 0);
};
