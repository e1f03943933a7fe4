import { z } from 'zod';
import type { Answer } from '../http.ts';
import { associationTypes, toPair } from './association-types.ts';
import { batchAnswer } from './batch.ts';
import { answerError, notFound, validationError } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import type { Asked, Operations } from './operation.ts';
import { reading } from './property-operations.ts';
import { isLive } from '../shared/record.ts';
import type { Portal } from './record-context.ts';

/** Inputs and associations of one record that an answer takes. From memory. */
const inputsMax = 1_000;
const pageMax = 500;

const readBody = z.object({
  inputs: z
    .array(z.object({ id: z.string(), after: z.string().optional() }))
    .min(1)
    .max(inputsMax),
});

interface AssociatedPage {
  readonly results: readonly object[];
  readonly paging?: { readonly next: { readonly after: string } };
}

/** Contacts and communications from either side. docs/vendors/hubspot.md §4.7; shapes of version 4, from memory. */
export function associationOperations(portal: Portal): Operations {
  return { ...from(portal, 'contacts'), ...from(portal, 'communications') };
}

function from(portal: Portal, name: ObjectType['name']): Operations {
  const { typeId, to, name: typeName } = associationTypes[name];
  const { objectType, records, clock } = portal[name];

  /** Living ones by ascending id; undefined = there is no such record. */
  const associated = (id: string): string[] | undefined => {
    const record = records.find('hs_object_id', id);
    if (record === undefined) return undefined;
    const ids =
      name === 'contacts'
        ? portal.associations.communicationsOf(record.id)
        : portal.associations.contactsOf(record.id);
    return [...ids]
      .filter((each) => isLive(portal[to].records.exact(each)))
      .toSorted((a, b) => Number(a) - Number(b));
  };

  /** `after` is the last id of the page before. */
  const page = (ids: readonly string[], after: string | undefined, limit: number): string[] =>
    ids.filter((id) => after === undefined || Number(id) > Number(after)).slice(0, limit + 1);

  const toPage = (
    ids: readonly string[],
    limit: number,
    toResult: (id: string) => object,
  ): AssociatedPage => {
    const last = ids[limit - 1];
    return {
      results: ids.slice(0, limit).map(toResult),
      ...(ids.length > limit && last !== undefined ? { paging: { next: { after: last } } } : {}),
    };
  };

  const labelled = (id: string): object => ({
    toObjectId: Number(id),
    associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId, label: null }],
  });

  const batchRead = reading(readBody, ({ inputs }) => {
    const errors: object[] = [];
    const results: object[] = [];
    for (const { id, after } of inputs) {
      const ids = page(associated(id) ?? [], after, pageMax);
      if (ids.length === 0) {
        errors.push(noAssociations(name, to, id));
        continue;
      }
      const { results: found, ...paging } = toPage(ids, pageMax, labelled);
      results.push({ from: { id }, to: found, ...paging });
    }
    return batchAnswer({ status: 200, results, errors, at: clock.now() });
  });

  const read = ({ id, version, query }: Asked): Answer => {
    const ids = associated(id);
    if (ids === undefined) return answerError(notFound());
    const limit = Math.min(Number(query.get('limit') ?? pageMax), pageMax);
    if (!(limit >= 1)) return answerError(validationError('limit is a number from 1 to 500.'));
    const toResult = version === 'v3' ? (each: string) => ({ id: each, type: typeName }) : labelled;
    const found = page(ids, query.get('after') ?? undefined, limit);
    return { status: 200, body: toPage(found, limit, toResult) };
  };

  const associate = ({ id, toId }: Asked): Answer => {
    const [record, target] = [
      records.find('hs_object_id', id),
      portal[to].records.find('hs_object_id', toId),
    ];
    if (record === undefined || target === undefined) return answerError(notFound());
    portal.associate([toPair(objectType, record.id, target.id)]);
    const result = {
      from: { id: record.id },
      to: { id: target.id },
      associationSpec: { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: typeId },
    };
    return batchAnswer({ status: 200, results: [result], errors: [], at: clock.now() });
  };

  return {
    [`POST /crm/associations/${name}/${to}/batch/read`]: batchRead,
    [`GET /crm/objects/${name}/{id}/associations/${to}`]: read,
    [`PUT /crm/objects/${name}/{id}/associations/default/${to}/{id}`]: associate,
  };
}

function noAssociations(name: string, to: string, id: string): object {
  return {
    status: 'error',
    errors: [],
    links: {},
    category: 'OBJECT_NOT_FOUND',
    subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
    message: `No ${to} is associated with ${name} ${id}.`,
    context: { fromObjectId: [id], fromObjectType: [name], toObjectType: [to] },
  };
}
