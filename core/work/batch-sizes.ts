import { isUnsound } from './breaker.ts';
import type { ConnectionRow } from '../store/index.ts';

/**
 * How many items a process's next batch of each connection takes. A failed batch is followed by one of a quarter, so that
 * fewer calls hang together and an item that always fails soon stands alone; what goes through, by one of twice as many.
 */
export class BatchSizes {
  readonly #below = new Map<string, number>();

  of(connection: ConnectionRow, most: number): number {
    if (isUnsound(connection)) return 1;
    return Math.min(this.#below.get(connection.connectionId) ?? most, most);
  }

  failed({ connectionId }: ConnectionRow, size: number): void {
    this.#below.set(connectionId, Math.max(1, Math.floor(size / 4)));
  }

  went({ connectionId }: ConnectionRow, size: number, most: number): void {
    if (size * 2 < most) this.#below.set(connectionId, size * 2);
    else this.#below.delete(connectionId);
  }
}
