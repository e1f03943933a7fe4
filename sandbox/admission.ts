import type { Response } from 'express';

/** Whether a caller may use what is not the vendors' own; asked only where it matters. */
type Admits = () => Promise<boolean>;

const noted = new WeakMap<Response, Admits>();

export function noteAdmission(response: Response, admits: Admits): void {
  noted.set(response, admits);
}

/** Nobody is admitted whom nobody asked. */
export async function isAdmitted(response: Response): Promise<boolean> {
  return (await noted.get(response)?.()) ?? false;
}
