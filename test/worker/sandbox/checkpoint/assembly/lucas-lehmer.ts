/** The Mersenne job's own arithmetic, with a checkpoint after every term: `--exponent P --iterations N`. */
import { checkpoint, hex64, print, wholeOption } from 'kernel-sdk';
import { SchoolbookTerm } from '../../../../../jobs/mersenne/assembly/schoolbook';
import { Term } from '../../../../../jobs/mersenne/assembly/term';
import { WeightedTerm } from '../../../../../jobs/mersenne/assembly/weighted';

const exponent = wholeOption('--exponent') as u32;
const iterations = wholeOption('--iterations') as u32;
const term: Term = exponent < 2000 ? new SchoolbookTerm(exponent) : new WeightedTerm(exponent);
for (let i: u32 = 0; i < iterations; i++) {
  term.next();
  checkpoint();
}
print(hex64(term.low64()));
