import type { Connector } from '../../crm/index.ts';
import type { ConnectionRow } from '../../store/index.ts';
import { wholeMappingOf } from '../mapping-of.ts';
import { fieldsToRead } from '../reconcile/resolve.ts';

/**
 * Which of the fields a decision may need an account has: in shadow ours may not be there. Asking costs some vendors as much
 * as a scan: the answer is believed for a while, unless fields are needed that were not asked about, as once more is known of
 * the account, or another mapping was chosen.
 */
export class ReadableFields {
  readonly #answers = new Map<
    string,
    { readonly needed: ReadonlySet<string>; readonly existing: ReadonlySet<string>; readonly until: number }
  >();

  /** `scan`: who believes it, until then (milliseconds). */
  async of(
    scan: string,
    connector: Connector,
    connection: ConnectionRow,
    { now, until }: { readonly now: number; readonly until: number },
  ): Promise<string[]> {
    const needed = (): string[] => fieldsToRead(connector, wholeMappingOf(connection, connector.traits));
    let answer = this.#answers.get(scan);
    if (answer === undefined || answer.until <= now || !answer.needed.isSupersetOf(new Set(needed()))) {
      const existing = new Set((await connector.fields()).map(({ name }) => name));
      answer = { needed: new Set(needed()), existing, until };
      this.#answers.set(scan, answer);
    }
    const { existing } = answer;
    return needed().filter((field) => existing.has(field));
  }

  forget(scan: string): void {
    this.#answers.delete(scan);
  }
}
