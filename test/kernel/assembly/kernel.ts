// A kernel as AssemblyScript makes it: loops with the test first, allocation, strings, recursion
// and floats. It leaves a checksum at address 0.

@external('manyhands', 'checkpoint')
declare function checkpoint(): void;

function primesBelow(limit: i32): i32 {
  const composite = new Uint8Array(limit);
  let count = 0;
  for (let i = 2; i < limit; i++) {
    if (composite[i]) continue;
    count++;
    for (let multiple = i * i; multiple < limit; multiple += i) composite[multiple] = 1;
  }
  return count;
}

function trace(size: i32): f64 {
  const a = new Float64Array(size * size);
  const b = new Float64Array(size * size);
  for (let i = 0; i < size * size; i++) {
    a[i] = <f64>i / 3;
    b[i] = Math.sqrt(<f64>i);
  }
  let sum = 0.0;
  for (let i = 0; i < size; i++)
    for (let k = 0; k < size; k++) sum += a[i * size + k] * b[k * size + i];
  return sum;
}

function ackermann(m: i32, n: i32): i32 {
  if (m == 0) return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

function sorted(count: i32): string {
  const words = new Array<string>();
  let state: u32 = 12345;
  for (let i = 0; i < count; i++) {
    state = state * 1103515245 + 12345;
    words.push((state >> 16).toString());
  }
  return words.sort((a, b) => (a < b ? -1 : 1)).join(' ');
}

let sum = primesBelow(2000);
checkpoint();
sum += <i32>trace(20);
checkpoint();
sum += ackermann(2, 9);
checkpoint();
const text = sorted(60);
for (let i = 0; i < text.length; i++) sum = sum * 31 + text.charCodeAt(i);
store<i32>(0, sum);

export function abort(message: usize, file: usize, line: i32, column: i32): void {
  unreachable();
}
