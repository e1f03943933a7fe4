/** Names of this machine as an address holds them. */
const names: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** Whether a host is this machine alone: one we listen on, or that of an address. */
export function isLoopback(host: string): boolean {
  return names.has(host);
}
