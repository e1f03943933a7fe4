import { z } from 'zod';
import { Refusal, type WrongField } from '@sangam/core/errors';

/** A request whose inputs are not as they should be. */
export function wrongInput(fields: readonly WrongField[]): Refusal {
  const lines = fields.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return new Refusal('invalid', 'bad_request', lines.join('\n'), fields);
}

/** Every name that is not known here is a field of its own. */
export function wrongFields(error: z.ZodError): WrongField[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          path: z.core.toDotPath([...issue.path, key]),
          message: 'is not known here',
        }))
      : [{ path: z.core.toDotPath(issue.path), message: issue.message }],
  );
}
