import { z } from 'zod';

/** An id as Meta shows it. `name`: what it is called there. */
export const metaId = (name: string) =>
  z.string().max(32).regex(/^\d+$/, `must be the digits Meta shows as ${name}`);
