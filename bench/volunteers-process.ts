/** The bench's volunteers, in a process of their own, so that their CPU time is not the server's. */
import { setTimeout as wait } from 'node:timers/promises';
import {
  type EchoOptions,
  type EchoVolunteer,
  newHoldings,
  openEchoVolunteer,
} from './echo-volunteer.ts';

export type VolunteersOrder = {
  url: string;
  count: number;
  /** Whose hosts they all are: nobody may then check anybody. Else each is of an account of its own. */
  isOneAccount?: boolean;
} & EchoOptions;

/** More connections on their way at once than this fill the listener's queue. */
const connectingMax = 64;

const volunteers: EchoVolunteer[] = [];

process.on(
  'message',
  (order: VolunteersOrder | 'count' | 'welcome' | 'roundTrips' | 'begin' | 'stop') => {
    if (order === 'stop') {
      for (const volunteer of volunteers) volunteer.close();
      process.disconnect();
      process.exit();
    } else if (order === 'count') {
      process.send?.(volunteers.reduce((sum, volunteer) => sum + volunteer.recorded, 0));
    } else if (order === 'welcome') {
      process.send?.(volunteers.filter(({ isWelcome }) => isWelcome).length);
    } else if (order === 'roundTrips') {
      process.send?.(volunteers.flatMap((volunteer) => volunteer.takeRoundTrips()));
    } else if (order === 'begin') {
      for (const volunteer of volunteers) volunteer.begin();
    } else void open(order);
  },
);

async function open({
  url,
  count,
  isOneAccount = false,
  ...options
}: VolunteersOrder): Promise<void> {
  const { account } = newHoldings();
  for (let i = 0; i < count; i++) {
    while (volunteers.filter(({ isWelcome }) => !isWelcome).length >= connectingMax) await wait(5);
    const holdings = newHoldings();
    if (isOneAccount) holdings.account = account;
    volunteers.push(openEchoVolunteer(url, `echo-${i}`, options, holdings));
  }
}
