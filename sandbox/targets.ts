import { ControlError } from './http.ts';

/** Throws `ControlError` 400 for an address the sandbox does not call. */
export type MustBeTarget = (url: string) => void;

/**
 * The sandbox calls the service it belongs to and nothing else: told an address by a request it would otherwise reach
 * whatever this machine reaches.
 */
export function targetsOf(ownHosts: () => readonly string[]): MustBeTarget {
  return (url) => {
    const { protocol, host } = new URL(url);
    if (protocol === 'http:' && ownHosts().includes(host.toLowerCase())) return;
    throw new ControlError(
      400,
      'foreign_target',
      `The sandbox calls its own service only: http://${ownHosts().join(' or http://')}.`,
    );
  };
}
