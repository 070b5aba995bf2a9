import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WallClock } from '../../../worker/sandbox/wall-clock.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('a wall clock says when its limit is over, pauses not counted', () => {
  const onLimit = vi.fn();
  const clock = new WallClock(1000, onLimit);
  vi.advanceTimersByTime(600);
  clock.pause();
  vi.advanceTimersByTime(10_000);
  expect(clock.elapsedMs).toBe(600);
  clock.resume();
  vi.advanceTimersByTime(399);
  expect(onLimit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onLimit).toHaveBeenCalledOnce();
});

it('a wall clock that was paused for good leaves no timer', () => {
  const clock = new WallClock(1000, () => {});
  clock.resume();
  clock.pause();
  clock.pause();
  expect(vi.getTimerCount()).toBe(0);
  expect(clock.elapsedMs).toBe(0);
});
