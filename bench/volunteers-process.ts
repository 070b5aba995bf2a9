/** The bench's volunteers, in a process of their own, so that their CPU time is not the server's. */
import { type EchoVolunteer, openEchoVolunteer } from './echo-volunteer.ts';

export type VolunteersOrder = { url: string; count: number; leaseUnits: number };

let volunteers: EchoVolunteer[] = [];

process.on('message', (order: VolunteersOrder | 'count' | 'stop') => {
  if (order === 'stop') {
    for (const volunteer of volunteers) volunteer.close();
    process.disconnect();
  } else if (order === 'count') {
    process.send?.(volunteers.reduce((sum, volunteer) => sum + volunteer.recorded, 0));
  } else {
    volunteers = Array.from({ length: order.count }, (_, i) =>
      openEchoVolunteer(order.url, order.leaseUnits, `echo-${i}`),
    );
  }
});
