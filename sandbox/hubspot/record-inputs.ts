import { z } from 'zod';

// Not `z.record`, which copies every value: this is the sandbox's hottest path, and each value is checked later anyway.
/** Property values as a caller writes them. */
export const recordProperties = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'properties must be an object',
);
