/** Teams over HTTP. What a member earns counts for the team that they are in at that moment, for good. */
import { z } from 'zod';
import { accountIdSchema, teamIdSchema } from './ids.ts';

/** GET /v1/teams/{name} */
export const teamViewSchema = z.object({
  teamId: teamIdSchema,
  name: z.string(),
  /** Accounts in it at present. */
  members: z.int(),
  founder: accountIdSchema,
  foundedAt: z.iso.datetime(),
});
export type TeamView = z.infer<typeof teamViewSchema>;
