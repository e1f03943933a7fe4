import type { AccountFacts, CrmValues, FieldOptions, KnownFacts, WriteOutcome } from '@sangam/core/crm';

/** How several options of one field stand beside each other, on one side of the connector. */
interface Several {
  split(written: string): readonly string[];
  join(options: readonly string[]): string;
}

/** Within the engine options are called as people see them; the vendor calls them by ids that each account has of its own. */
export interface OptionForms {
  readonly ids: Several;
  readonly labels: Several;
}

/** The options of one account, at the connector's edge. */
export interface OptionIds {
  /**
   * Has writes made as the vendor takes them, and answers as the engine knows it: options that are missing there are added
   * first. One that carries an option the account has not even then is not made, and its field refused.
   */
  write<Write extends { readonly values: CrmValues }>(
    writes: readonly Write[],
    itemOf: (write: Write) => string,
    make: (writes: readonly Write[]) => Promise<readonly WriteOutcome[]>,
  ): Promise<WriteOutcome[]>;
  /** As the engine knows them: where an id is not known, the account's options are looked up anew. */
  toLabels(records: readonly CrmValues[]): Promise<CrmValues[]>;
}

export function createOptionIds(vendor: {
  readonly forms: OptionForms;
  readonly facts: Pick<KnownFacts, 'now'>;
  /** Reads the account's options, and saves them among its facts. */
  readonly renew: () => Promise<void>;
  readonly add: (field: string, labels: readonly string[]) => Promise<void>;
}): OptionIds {
  const { forms, facts, renew } = vendor;
  /** Ids no option had when they were last looked up, such as those of options that were taken away. */
  const unknown = new Set<string>();
  // Where two added one option at once it would stand there twice.
  let turn: Promise<unknown> = Promise.resolve();
  const oneByOne = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const optionsOf = (field: string): FieldOptions | undefined => facts.now().options?.[field];

  const addMissing = async (writes: readonly CrmValues[]): Promise<void> => {
    const missing = (): Map<string, string[]> => {
      const found = new Map<string, string[]>();
      for (const [field, options] of Object.entries(facts.now().options ?? {})) {
        const there = new Set(Object.values(options.labels));
        const wanted = writes.flatMap((values) => parts(values[field] ?? '', options, forms.labels));
        const added = [...new Set(wanted)].filter((label) => !there.has(label));
        if (added.length > 0) found.set(field, added);
      }
      return found;
    };
    if (missing().size === 0) return;
    await renew();
    const absent = missing();
    for (const [field, labels] of absent) await vendor.add(field, labels);
    if (absent.size > 0) await renew();
  };

  const toIds = (values: CrmValues): { readonly values: CrmValues; readonly lacking?: Lacking } => {
    let lacking: Lacking | undefined;
    const told = mapValues(values, (field, written) => {
      const options = optionsOf(field);
      if (options === undefined) return written;
      const idOf = new Map(Object.entries(options.labels).map(([id, label]) => [label, id]));
      const ids = parts(written, options, forms.labels).map((label) => {
        const id = idOf.get(label);
        if (id === undefined) lacking ??= { field, label };
        return id ?? '';
      });
      return forms.ids.join(ids);
    });
    return lacking === undefined ? { values: told } : { values: told, lacking };
  };

  const toLabels = async (records: readonly CrmValues[]): Promise<CrmValues[]> => {
    const strange = records.flatMap((values) =>
      Object.entries(values).flatMap(([field, written]) => {
        const options = optionsOf(field);
        if (options === undefined) return [];
        return parts(written, options, forms.ids).flatMap((id) =>
          Object.hasOwn(options.labels, id) ? [] : `${field} ${id}`,
        );
      }),
    );
    if (strange.some((one) => !unknown.has(one))) {
      await renew();
      for (const one of strange) unknown.add(one);
    }
    return records.map((values) =>
      mapValues(values, (field, written) => {
        const options = optionsOf(field);
        return options === undefined ? written : labelled(written, options, forms).written;
      }),
    );
  };

  return {
    async write(writes, itemOf, make) {
      await oneByOne(() => addMissing(writes.map(({ values }) => values)));
      const told = writes.map((one) => ({ one, ...toIds(one.values) }));
      const refused = told.flatMap(({ one, lacking }): WriteOutcome[] =>
        lacking === undefined ? [] : [{ item: itemOf(one), ...refusalOf(lacking) }],
      );
      const sent = told.flatMap(({ one, values, lacking }) =>
        lacking === undefined ? [{ ...one, values }] : [],
      );
      const made = sent.length === 0 ? [] : await make(sent);
      const labels = await toLabels(made.map((one) => (one.outcome === 'written' ? one.values : {})));
      const answered = made.map((one, index): WriteOutcome =>
        one.outcome === 'written' ? { ...one, values: labels[index] ?? {} } : one,
      );
      return [...refused, ...answered];
    },
    toLabels,
  };
}

/** An option that an account does not get. */
interface Lacking {
  readonly field: string;
  readonly label: string;
}

const refusalOf = ({ field, label }: Lacking) =>
  ({
    outcome: 'refused',
    code: 'option_missing',
    field,
    explanation: `The CRM has no option “${label}” in this field, and took none: add it there, and replay this.`,
  }) as const;

/** What a webhook's ids say; undefined: one of them is not known. */
export function labelOfTold(
  forms: OptionForms,
  field: string,
  written: string,
  { options = {} }: Pick<AccountFacts, 'options'>,
): string | undefined {
  const known = options[field];
  if (known === undefined) return written;
  const told = labelled(written, known, forms);
  return told.complete ? told.written : undefined;
}

/**
 * An id no option has any more is of one that was taken away. In a field that holds several it is left out; in one that holds
 * one it stands for itself, so that the field is not taken for empty.
 */
function labelled(
  written: string,
  options: FieldOptions,
  forms: OptionForms,
): { readonly written: string; readonly complete: boolean } {
  const ids = parts(written, options, forms.ids);
  const labels = ids.flatMap((id) => (Object.hasOwn(options.labels, id) ? (options.labels[id] ?? []) : []));
  const complete = labels.length === ids.length;
  if (!options.several) return { written: labels[0] ?? written, complete };
  return { written: forms.labels.join(labels), complete };
}

function parts(written: string, { several }: FieldOptions, form: Several): readonly string[] {
  if (written === '') return [];
  return several ? form.split(written) : [written];
}

function mapValues(values: CrmValues, map: (field: string, written: string) => string): CrmValues {
  return Object.fromEntries(Object.entries(values).map(([field, written]) => [field, map(field, written)]));
}
