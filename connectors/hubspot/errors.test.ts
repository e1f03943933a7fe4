import { FieldsMissing } from '@sangam/core/crm';
import { expect, test } from 'vitest';
import { readRefusal, refusalError } from './errors.ts';

const never = 'never' as const;
const later = 'later' as const;

test.each([
  [400, {}, { category: 'VALIDATION_ERROR' }, 'batch_refused', never],
  [401, {}, { category: 'EXPIRED_AUTHENTICATION' }, 'token_doubted', later],
  [403, {}, { category: 'MISSING_SCOPES' }, 'missing_scope', never],
  [403, {}, { errors: [{ context: { requiredGranularScopes: ['a.b'] } }] }, 'missing_scope', never],
  [403, {}, { category: 'FORBIDDEN', correlationId: 'f00d' }, 'access_doubted', later],
  [404, {}, { category: 'OBJECT_NOT_FOUND' }, 'not_found', later],
  [409, {}, { category: 'CONFLICT' }, 'batch_refused', never],
  [413, {}, undefined, 'batch_refused', never],
  [423, {}, {}, 'locked', { afterMs: 2_000 }],
  [429, {}, { policyName: 'SECONDLY' }, 'rate_limited', { afterMs: 1_000 }],
  [429, {}, { policyName: 'TEN_SECONDLY_ROLLING' }, 'rate_limited', { afterMs: 10_000 }],
  [429, {}, { policyName: 'DAILY' }, 'daily_limit', { afterMs: 3_600_000 }],
  [429, {}, { policyName: 'A_NEW_ONE' }, 'rate_limited', later],
  [429, { 'retry-after': '7' }, { policyName: 'DAILY' }, 'daily_limit', { afterMs: 7_000 }],
  [477, { 'retry-after': '3600' }, {}, 'moving', { afterMs: 3_600_000 }],
  [477, {}, {}, 'moving', later],
  [500, {}, undefined, 'unavailable', later],
  [502, {}, '<html>Bad gateway</html>', 'unavailable', later],
  [503, { 'retry-after': 'Mon, 23 Nov 2020 10:00:00 GMT' }, {}, 'unavailable', { afterMs: 0 }],
  [503, { 'retry-after': 'soon' }, {}, 'unavailable', later],
  [526, {}, null, 'unavailable', later],
  [302, {}, [], 'unexpected_answer', later],
])('status %i with %j and %j is %s, to be repeated: %j', (status, headers, body, code, retry) => {
  expect(readRefusal(status, new Headers(headers), body)).toMatchObject({ code, retry });
});

test.each(
  [400, 401, 403, 404, 409].flatMap((status) =>
    [undefined, {}, { message: 'Forbidden' }, [], 'no'].map((body) => [status, body] as const),
  ),
)("%i with %j is none of HubSpot's words, and passes", (status, body) => {
  expect(readRefusal(status, new Headers(), body).retry).toBe(later);
});

test('a scope that is missing is named', () => {
  const context = { requiredGranularScopes: ['crm.objects.contacts.write'] };
  const { explanation } = readRefusal(403, new Headers(), {
    category: 'MISSING_SCOPES',
    errors: [{ context }],
  });
  expect(explanation).toContain('crm.objects.contacts.write');
});

const missing = (name: string): object => ({
  message: `Property values were not valid: [{"isValid":false,"message":"Property \\"${name}\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"${name}"}]`,
});

test.each([
  ['as a list in the message', missing('wa_tags')],
  ['in a sentence', { message: 'Property "wa_tags" does not exist' }],
  [
    'in the list of errors',
    { errors: [{ code: 'PROPERTY_DOESNT_EXIST', context: { propertyName: ['wa_tags'] } }] },
  ],
])('a property that is missing is named, told %s', (_, body) => {
  const error = refusalError(readRefusal(400, new Headers(), body));
  expect(error).toBeInstanceOf(FieldsMissing);
  expect(error).toMatchObject({ code: 'fields_missing', retry: 'never', fields: ['wa_tags'] });
});

test('without our own key nothing can be parked: a person has to set up', () => {
  const refusal = readRefusal(400, new Headers(), missing('sangam_contact_id'));
  expect(refusalError(refusal)).toMatchObject({ code: 'not_provisioned', retry: 'never' });
});

test.each([
  ['in the list of errors', { errors: [{ code: 'INVALID_OPTION', context: { propertyName: ['wa_tags'] } }] }],
  [
    'in the list of errors, the name not in a list',
    { errors: [{ code: 'INVALID_OPTION', context: { propertyName: 'wa_tags' } }] },
  ],
  [
    'inside the message',
    { message: 'Property values were not valid: [{"error":"INVALID_OPTION","name":"wa_tags"}]' },
  ],
  [
    'inside the message of an error',
    {
      errors: [{ message: 'Property values were not valid: [{"error":"INVALID_OPTION","name":"wa_tags"}]' }],
    },
  ],
])('a problem is found %s', (_, body) => {
  expect(readRefusal(400, new Headers(), body).problems).toEqual([
    { code: 'INVALID_OPTION', properties: ['wa_tags'] },
  ]);
});

test.each([
  ['Contact already exists. Existing ID: 51', 409, { property: 'email', recordId: '51' }],
  [
    'Cannot set PropertyValueCoordinates{portalId=1, propertyName=sangam_contact_id, value=c1} on 7. 51 already has that value.',
    400,
    { property: 'sangam_contact_id', recordId: '51' },
  ],
  [
    'Cannot set PropertyValueCoordinates{portalId=1, propertyName=nickname, value=a} on 9. 8 already has\n that, } on 7. 51 already has that value.',
    400,
    { property: 'nickname', recordId: '51' },
  ],
  ['Something else is wrong', 400, undefined],
])('%s', (message, status, conflict) => {
  expect(readRefusal(status, new Headers(), { message }).conflict).toEqual(conflict);
});

test('the explanation names property, code and reference, and no value of a customer', () => {
  const { explanation } = readRefusal(400, new Headers(), {
    message:
      'Property values were not valid: [{"isValid":false,"message":"asha@home is invalid","error":"INVALID_EMAIL","name":"email"}]',
    correlationId: 'f00d',
  });
  expect(explanation).toBe(
    "HubSpot refused what was written (email: INVALID_EMAIL; status 400; HubSpot's reference f00d).",
  );
});
