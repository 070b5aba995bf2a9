import type { JobView } from '../protocol/http.ts';
import { plainText } from './terminal.ts';

/** Why a job is paused, in words. */
export function tellPause({ cause, reason }: NonNullable<JobView['paused']>): string {
  const who = {
    owner: 'its owner paused it',
    operator: 'an operator paused it',
    kernel_disabled: 'an operator disabled its kernel',
    credit_spent: 'the credit for it is spent',
  }[cause];
  return reason === '' ? who : `${who} (${plainText(reason)})`;
}
