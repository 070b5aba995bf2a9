/*
 * What every bench kernel is made of: one function, `run`, that does a millisecond or so of work and
 * returns a checksum of it. The same source is
 *
 *   - a WASI command that prints the checksum; a bench may also call its export `run` directly, again
 *     and again in one instance, which is how metered and unmetered code are compared;
 *   - a native program that runs once for every byte on its stdin, and prints the checksum and the
 *     nanoseconds of each run. Driven from outside, its runs alternate with those of the others.
 */
#include <stdint.h>
#include <stdio.h>

#ifdef __wasm__

__attribute__((export_name("run"))) uint32_t run(void);

int main(void) {
  printf("%u\n", run());
  return 0;
}

#else

#include <time.h>

/* Not inlined: the native compiler must not see that nobody reads most of the work. */
__attribute__((noinline)) uint32_t run(void);

int main(void) {
  while (getchar() != EOF) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    uint32_t checksum = run();
    clock_gettime(CLOCK_MONOTONIC, &end);
    long long ns = (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec;
    printf("%u %lld\n", checksum, ns);
    fflush(stdout);
  }
  return 0;
}

#endif
