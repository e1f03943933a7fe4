import type { Answer } from '../http.ts';
import { isError } from './catalogue.ts';
import type { HubspotError } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import type { Draft } from './writing.ts';

/** What every input of a write batch may carry. */
export interface Batch {
  readonly id?: string;
  readonly objectWriteTraceId?: string | undefined;
}

interface Done<Input> {
  readonly input: Input;
  readonly draft: Draft;
}

type Outcome<Input> =
  | { readonly done: readonly Done<Input>[]; readonly errors: readonly object[] }
  | { readonly refused: HubspotError };

/**
 * Drafts every input. One objection refuses the whole batch, unless HubSpot answers per item.
 * docs/vendors/hubspot.md §4.2.
 */
export function runBatch<Input extends Batch>(
  inputs: readonly Input[],
  perItem: boolean,
  draft: (input: Input) => Draft | HubspotError,
): Outcome<Input> {
  const done: Done<Input>[] = [];
  const errors: object[] = [];
  for (const input of inputs) {
    const drafted = draft(input);
    if (!isError(drafted)) done.push({ input, draft: drafted });
    else if (perItem) errors.push(toItemError(drafted, whichOf(input)));
    else return { refused: drafted };
  }
  return { done, errors };
}

function whichOf({ id, objectWriteTraceId }: Batch): object {
  if (objectWriteTraceId !== undefined) return { objectWriteTraceId: [objectWriteTraceId] };
  return id === undefined ? {} : { ids: [id] };
}

/** An error inside a batch's answer says in `context` which input it is about. */
export function toItemError({ category, message, extra }: HubspotError, context: object = {}): object {
  return {
    status: 'error',
    category,
    message,
    errors: [],
    links: {},
    ...extra,
    context: { ...contextOf(extra), ...context },
  };
}

function contextOf(extra: HubspotError['extra']): object {
  const context = extra?.['context'];
  return typeof context === 'object' && context !== null ? context : {};
}

export function notFoundInBatch({ singular }: ObjectType, ids: readonly string[]): HubspotError {
  return {
    status: 404,
    category: 'OBJECT_NOT_FOUND',
    message: `Could not get some ${singular} objects, they may be deleted or not exist. Check that ids are valid.`,
    extra: { context: { ids } },
  };
}

/** 207 once an item failed. docs/vendors/hubspot.md §4.2. */
export function batchAnswer({
  status,
  results,
  errors,
  at,
}: {
  status: number;
  results: readonly object[];
  errors: readonly object[];
  at: number;
}): Answer {
  const time = new Date(at).toISOString();
  const body = { status: 'COMPLETE', results, startedAt: time, completedAt: time };
  return errors.length === 0
    ? { status, body }
    : { status: 207, body: { ...body, numErrors: errors.length, errors } };
}
