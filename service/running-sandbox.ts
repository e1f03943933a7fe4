import { SangamError } from '@sangam/core/errors';

/** Where the sandbox answers now; undefined: no process runs it. */
export type SandboxUrl = () => Promise<string | undefined>;

/** Where the sandbox answers. Throws `sandbox_away` (later) while no process runs it. */
export async function runningSandbox(url: SandboxUrl, origin: 'crm' | 'whatsapp'): Promise<string> {
  const running = await url();
  if (running !== undefined) return running;
  throw new SangamError({
    code: 'sandbox_away',
    origin,
    retry: 'later',
    message: 'No process runs the sandbox just now.',
  });
}
