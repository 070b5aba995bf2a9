// A kernel as clang makes it: loops turned around, unrolled and vectorised, switches, recursion and
// calls through pointers. Without a library: the test needs a compiler and nothing else.
typedef unsigned int u32;
typedef unsigned char u8;

__attribute__((import_module("manyhands"), import_name("checkpoint"))) void checkpoint(void);

// The compiler calls these by itself where it may not use the instructions.
__attribute__((no_builtin("memcpy"))) void *memcpy(void *to, const void *from, unsigned long n) {
  for (unsigned long i = 0; i < n; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
  return to;
}
__attribute__((no_builtin("memset"))) void *memset(void *to, int value, unsigned long n) {
  for (unsigned long i = 0; i < n; i++) ((u8 *)to)[i] = value;
  return to;
}

static u8 text[4096];
static int numbers[600];
static double field[64 * 64], next[64 * 64];

static u32 crc(const u8 *bytes, int count) {
  u32 value = ~0u;
  for (int i = 0; i < count; i++) {
    value ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
  }
  return ~value;
}

static int up(int a, int b) { return a < b; }
static int down(int a, int b) { return a > b; }
static int odd(int a, int b) { return (a & 1) < (b & 1) || ((a & 1) == (b & 1) && a < b); }

static void quicksort(int *from, int *to, int (*before)(int, int)) {
  if (to - from < 2) return;
  int pivot = from[(to - from) / 2], *left = from, *right = to - 1;
  while (left <= right) {
    while (before(*left, pivot)) left++;
    while (before(pivot, *right)) right--;
    if (left <= right) {
      int swapped = *left;
      *left++ = *right;
      *right-- = swapped;
    }
  }
  quicksort(from, right + 1, before);
  quicksort(left, to, before);
}

static void relax(int rounds) {
  for (int round = 0; round < rounds; round++) {
    for (int y = 1; y < 63; y++)
      for (int x = 1; x < 63; x++) {
        const double *c = field + y * 64 + x;
        next[y * 64 + x] = (c[-1] + c[1] + c[-64] + c[64]) / 4;
      }
    __builtin_memcpy(field, next, sizeof field);
  }
}

static int interpret(const u8 *code, int steps) {
  int stack[16] = {1, 1}, top = 2, at = 0, result = 0;
  while (steps-- > 0) {
    switch (code[at++ & 255] & 7) {
      case 0: stack[top & 15] = at; top++; break;
      case 1: top--; result += stack[top & 15]; break;
      case 2: stack[top & 15] ^= stack[(top - 1) & 15]; break;
      case 3: if (result & 1) at += 3; break;
      case 4: stack[(top - 1) & 15] *= 5; break;
      case 5: result = (result << 1) - stack[top & 15]; break;
      case 6: if (top > 100) return result; break;
      default: result++;
    }
  }
  return result;
}

__attribute__((export_name("_start"))) void start(void) {
  u32 state = 1;
  for (int i = 0; i < 4096; i++) text[i] = (state = state * 1103515245 + 12345) >> 16;
  for (int i = 0; i < 600; i++) numbers[i] = text[i] * 257 + text[i + 600];
  for (int i = 0; i < 64 * 64; i++) field[i] = text[i];
  u32 sum = crc(text, 4096);
  checkpoint();
  int (*orders[])(int, int) = {up, down, odd};
  for (int i = 0; i < 3; i++) {
    quicksort(numbers, numbers + 600, orders[i]);
    sum = sum * 31 + numbers[300];
  }
  checkpoint();
  relax(5);
  sum += (u32)(field[64 * 32 + 32] * 1000);
  checkpoint();
  sum += interpret(text, 20000);
  text[0] = sum;
  text[1] = sum >> 8;
  text[2] = sum >> 16;
  text[3] = sum >> 24;
}
