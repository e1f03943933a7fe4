import { z } from 'zod';

/** A token, an app's secret or its id, as an environment names it. */
export const token = (least: number): z.ZodString =>
  z
    .string()
    .min(least)
    .regex(/^[\x21-\x7e]*$/, 'must be of letters, digits and signs, without blanks: copy it whole');
