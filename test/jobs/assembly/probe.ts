/** A kernel that does one thing per run, for the tests of the SDK: the first argument says which. */
import {
  args,
  env,
  exit,
  fail,
  flag,
  hex64,
  json,
  numberOption,
  option,
  print,
  progress,
  readFile,
  readStdin,
  text,
  warn,
  wholeOption,
  writeFile,
} from 'kernel-sdk';

const what = args()[1];
if (what == 'args') print(args().join('|'));
if (what == 'options') {
  print(
    option('--name')! +
      ' ' +
      wholeOption('--count').toString() +
      ' ' +
      json(numberOption('--factor')),
  );
  print(flag('--quick') ? 'quick' : 'slow');
  print(wholeOption('--seed', 7).toString());
}
if (what == 'env')
  print(env('MANYHANDS_UNIT_INDEX')! + ' ' + (env('NOT_THERE') === null ? 'null' : 'set'));
if (what == 'stdin') print(text(readStdin()));
if (what == 'copy') writeFile('/data/copy', readFile('/data/original'));
if (what == 'missing') readFile('/data/nowhere');
if (what == 'numbers') {
  print(json(0.1) + ' ' + json(-1.5e300) + ' ' + json(3) + ' ' + json(NaN) + ' ' + json(Infinity));
  print(hex64(0xdeadbeef) + ' ' + hex64(u64.MAX_VALUE) + ' ' + i64.MIN_VALUE.toString());
}
if (what == 'progress') progress(0.5);
if (what == 'exit') exit(3);
if (what == 'fail') fail('the sky is not blue', 4);
if (what == 'abort') {
  warn('before');
  const three = new StaticArray<u32>(3);
  three[args().length + 1] = 1;
}
