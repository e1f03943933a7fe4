import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  appId,
  codeOf,
  openWhatsapp,
  templatesPath,
  type WhatsappFixture,
} from '../testing/whatsapp-fixture.ts';

const body = { type: 'BODY', text: 'Hello {{1}}, we are here.', example: { body_text: [['Asha']] } };
const submission = { name: 'greeting', language: 'en', category: 'UTILITY', components: [body] };

const submit = (whatsapp: WhatsappFixture, changes: object = {}) =>
  whatsapp.graph('POST', templatesPath, { ...submission, ...changes });
const list = async (whatsapp: WhatsappFixture, query = '') =>
  (await whatsapp.graph('GET', `${templatesPath}?${query}`)).body as {
    data: Record<string, unknown>[];
    paging?: { cursors: { after: string; before: string } };
  };
const subcodeOf = ({ body: told }: { body: unknown }) =>
  (told as { error: { error_subcode?: number } }).error.error_subcode;

test('the list comes in pages, forwards and back', async () => {
  const whatsapp = await openWhatsapp();
  const all = (await list(whatsapp, 'fields=name,language,status')).data;
  expect(all).toContainEqual({ id: expect.any(String), name: 'welcome', language: 'hi', status: 'APPROVED' });
  expect(all.map(({ status }) => status)).toEqual(expect.arrayContaining(['PAUSED', 'REJECTED']));
  const first = await list(whatsapp, 'limit=2&fields=name,language,status');
  const second = await list(
    whatsapp,
    `limit=2&fields=name,language,status&after=${first.paging?.cursors.after ?? ''}`,
  );
  expect([...first.data, ...second.data]).toEqual(all.slice(0, 4));
  const back = await list(
    whatsapp,
    `limit=2&fields=name,language,status&before=${second.paging?.cursors.before ?? ''}`,
  );
  expect(back.data).toEqual(first.data);
  const last = await list(whatsapp, 'limit=1000');
  expect((await list(whatsapp, `after=${last.paging?.cursors.after ?? ''}`)).data).toEqual([]);
});

test('a name, a language, a status or a category chooses; fields that are not named are not told', async () => {
  const whatsapp = await openWhatsapp();
  expect((await list(whatsapp, 'name=order_update&language=hi')).data).toEqual([
    expect.objectContaining({ name: 'order_update', language: 'hi', parameter_format: 'NAMED' }),
  ]);
  expect((await list(whatsapp, 'status=PAUSED')).data).toMatchObject([{ name: 'paused_offer' }]);
  const [only] = (await list(whatsapp, 'category=AUTHENTICATION&fields=quality_score')).data;
  expect(only).toEqual({ id: expect.any(String), quality_score: { score: 'GREEN' } });
});

test('one that is submitted is pending, then approved, and told', async () => {
  const whatsapp = await openWhatsapp();
  const reply = await submit(whatsapp);
  expect(reply).toMatchObject({ status: 200, body: { status: 'PENDING', category: 'UTILITY' } });
  const { id } = reply.body as { id: string };
  expect((await whatsapp.graph('GET', `/${id}`)).body).toMatchObject({
    id,
    name: 'greeting',
    status: 'APPROVED',
  });
  expect(await whatsapp.changes()).toEqual([
    {
      field: 'message_template_status_update',
      value: {
        event: 'APPROVED',
        message_template_id: Number(id),
        message_template_name: 'greeting',
        message_template_language: 'en',
        reason: 'NONE',
        message_template_category: 'UTILITY',
      },
    },
  ]);
  expect(
    (await whatsapp.sendTemplate('greeting', [{ type: 'body', parameters: [{ type: 'text', text: 'A' }] }]))
      .status,
  ).toBe(200);
});

describe('rule templateReview', () => {
  test('pending: nobody approves it', async () => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { templateReview: 'pending' } } });
    await submit(whatsapp);
    await whatsapp.call('PUT', '/clock', { advanceMs: 86_400_000 });
    expect((await list(whatsapp, 'name=greeting')).data).toMatchObject([{ status: 'PENDING' }]);
    expect(codeOf(await whatsapp.sendTemplate('greeting'))).toBe(132_001);
    await whatsapp.control('PUT', '/templates/greeting/en', { status: 'REJECTED' });
    expect(await whatsapp.changes()).toMatchObject([
      { value: { event: 'REJECTED', reason: 'TAG_CONTENT_MISMATCH' } },
    ]);
  });

  test('so many milliseconds: once they have passed, over a restart too', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'sandbox-'));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    const rules = { whatsapp: { templateReview: 60_000 } };
    const before = await openWhatsapp({ dataDir, rules });
    await submit(before);
    await before.call('PUT', '/clock', { advanceMs: 59_000 });
    expect((await list(before, 'name=greeting')).data).toMatchObject([{ status: 'PENDING' }]);
    await before.stop();
    const after = await openWhatsapp({ dataDir, rules });
    await after.call('PUT', '/clock', { advanceMs: 1_000 });
    expect((await list(after, 'name=greeting')).data).toMatchObject([{ status: 'APPROVED' }]);
    expect(await after.changes()).toMatchObject([{ value: { event: 'APPROVED' } }]);
  });
});

test('rule submittedUtility: what is submitted as utility is marketing at once', async () => {
  const whatsapp = await openWhatsapp({ rules: { whatsapp: { submittedUtility: 'made marketing' } } });
  expect((await submit(whatsapp)).body).toMatchObject({ category: 'MARKETING' });
});

const withBody = (text: string, more: object = {}) => ({ components: [{ ...body, text, ...more }] });
const withButtons = (...buttons: object[]) => ({ components: [body, { type: 'BUTTONS', buttons }] });
const withHeader = (header: object) => ({ components: [{ type: 'HEADER', ...header }, body] });
const quick = (text: string) => ({ type: 'QUICK_REPLY', text });

test.each<[string, object]>([
  ['a name with capitals', { name: 'Greeting' }],
  ['a name with spaces', { name: 'a greeting' }],
  ['a name of more than 512 characters', { name: 'a'.repeat(513) }],
  ['an unknown language', { language: 'xx' }],
  ['an unknown category', { category: 'NEWS' }],
  ['no body', { components: [{ type: 'FOOTER', text: 'bye' }] }],
  ['two bodies', { components: [body, body] }],
  ['an unknown component', { components: [body, { type: 'SIDEBAR' }] }],
  ['a body of more than 1,024 characters', withBody('a'.repeat(1_025))],
  ['an empty body', withBody(' ')],
  ['a variable first', withBody('{{1}}, hello.')],
  ['a variable last', withBody('Hello {{1}}')],
  ['numbers that leave one out', withBody('Hello {{2}} there.')],
  ['names in a positional template', withBody('Hello {{name}} there.')],
  ['a variable without its example', withBody('Hello {{1}} there.', { example: undefined })],
  [
    'a name with capitals in a named template',
    { parameter_format: 'NAMED', ...withBody('Hello {{Name}} there.') },
  ],
  ['a header of more than 60 characters', withHeader({ format: 'TEXT', text: 'a'.repeat(61) })],
  [
    'a header with two variables',
    withHeader({ format: 'TEXT', text: '{{1}} {{2}}', example: { header_text: ['a', 'b'] } }),
  ],
  ['a header of an unknown format', withHeader({ format: 'AUDIO' })],
  ['an image without a sample', withHeader({ format: 'IMAGE' })],
  ['a footer of more than 60 characters', { components: [body, { type: 'FOOTER', text: 'a'.repeat(61) }] }],
  ['a footer with a variable', { components: [body, { type: 'FOOTER', text: 'for {{1}} only' }] }],
  ['a button of more than 25 characters', withButtons(quick('a'.repeat(26)))],
  ['a button without a text', withButtons({ type: 'QUICK_REPLY' })],
  ['eleven buttons', withButtons(...Array.from({ length: 11 }, (_, index) => quick(String(index))))],
  [
    'three links',
    withButtons(...['a', 'b', 'c'].map((text) => ({ type: 'URL', text, url: 'https://example.com' }))),
  ],
  ['a link that is none', withButtons({ type: 'URL', text: 'a', url: 'example' })],
  [
    'a link with its variable inside',
    withButtons({ type: 'URL', text: 'a', url: 'https://e.com/{{1}}/b', example: ['x'] }),
  ],
  ['a link without its example', withButtons({ type: 'URL', text: 'a', url: 'https://e.com/{{1}}' })],
  ['no phone number', withButtons({ type: 'PHONE_NUMBER', text: 'Call' })],
  [
    'two requests for a number',
    withButtons(...[1, 2].map(() => ({ type: 'REQUEST_CONTACT_INFO', text: 'Share' }))),
  ],
  ['an unknown button', withButtons({ type: 'DANCE', text: 'a' })],
])('Meta refuses %s', async (_, changes) => {
  const whatsapp = await openWhatsapp();
  const reply = await submit(whatsapp, changes);
  expect(reply).toMatchObject({ status: 400, body: { error: { code: 100, type: 'OAuthException' } } });
  expect((await list(whatsapp, 'name=greeting')).data).toEqual([]);
});

test('what is at a limit is taken', async () => {
  const whatsapp = await openWhatsapp();
  const components = [
    { type: 'header', format: 'text', text: 'a'.repeat(60) },
    { type: 'body', text: 'a'.repeat(1_024) },
    { type: 'footer', text: 'a'.repeat(60) },
    {
      type: 'buttons',
      buttons: [quick('a'.repeat(25)), ...Array.from({ length: 9 }, (_, index) => quick(String(index)))],
    },
  ];
  expect((await submit(whatsapp, { name: 'a'.repeat(512), components })).status).toBe(200);
});

test('an authentication template gets its words and its link from Meta', async () => {
  const whatsapp = await openWhatsapp();
  const components = [
    { type: 'BODY', add_security_recommendation: true },
    { type: 'FOOTER', code_expiration_minutes: 10 },
    { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE', text: 'Copy Code' }] },
  ];
  expect((await submit(whatsapp, { category: 'AUTHENTICATION', components })).status).toBe(200);
  expect((await list(whatsapp, 'name=greeting')).data).toMatchObject([
    { components: [{ text: expect.stringContaining('{{1}}') }, {}, { buttons: [{ type: 'URL' }] }] },
  ]);
});

test('a sample of a header comes by the resumable upload, in parts; an address is refused with 2388273', async () => {
  const whatsapp = await openWhatsapp();
  const header = (handle: string) => withHeader({ format: 'IMAGE', example: { header_handle: [handle] } });
  const refused = await submit(whatsapp, header('https://example.com/sample.jpg'));
  expect([codeOf(refused), subcodeOf(refused)]).toEqual([100, 2_388_273]);
  const opened = await whatsapp.graph('POST', `/${appId}/uploads?file_length=6&file_type=image/jpeg`);
  const { id } = opened.body as { id: string };
  const put = (offset: number, bytes: string) =>
    whatsapp.graph('POST', `/${id}`, bytes, {
      authorization: 'OAuth access-token',
      file_offset: String(offset),
    });
  expect((await put(3, 'def')).status).toBe(400);
  expect((await put(0, 'abc')).body).toEqual({ id, file_offset: 3 });
  expect((await whatsapp.graph('GET', `/${id}`)).body).toEqual({ id, file_offset: 3 });
  const { h } = (await put(3, 'def')).body as { h: string };
  expect((await submit(whatsapp, header(h))).status).toBe(200);
  expect((await whatsapp.graph('POST', '/999/uploads?file_length=6&file_type=image/jpeg')).status).toBe(400);
});

test('a name stands once in each language, and for 30 days after it was deleted in none', async () => {
  const whatsapp = await openWhatsapp();
  await submit(whatsapp);
  expect(subcodeOf(await submit(whatsapp))).toBe(2_388_024);
  expect((await submit(whatsapp, { language: 'hi' })).status).toBe(200);
  const [, hindi] = (await list(whatsapp, 'name=greeting')).data;
  const one = `${templatesPath}?name=greeting&hsm_id=${String(hindi?.['id'])}`;
  expect((await whatsapp.graph('DELETE', one)).body).toEqual({ success: true });
  expect((await list(whatsapp, 'name=greeting')).data).toMatchObject([{ language: 'en' }]);
  expect((await whatsapp.graph('DELETE', `${templatesPath}?name=greeting`)).body).toEqual({ success: true });
  expect((await whatsapp.graph('DELETE', `${templatesPath}?name=greeting`)).status).toBe(400);
  expect(subcodeOf(await submit(whatsapp))).toBe(2_388_023);
  await whatsapp.call('PUT', '/clock', { advanceMs: 30 * 86_400_000 });
  expect((await submit(whatsapp)).status).toBe(200);
});

test('rule deletedNameDays 0: a deleted name is free at once', async () => {
  const whatsapp = await openWhatsapp({ rules: { whatsapp: { deletedNameDays: 0 } } });
  await submit(whatsapp);
  await whatsapp.graph('DELETE', `${templatesPath}?name=greeting`);
  expect((await submit(whatsapp)).status).toBe(200);
});

test('an edit goes to review; the category of an approved one stays', async () => {
  const whatsapp = await openWhatsapp();
  const { id } = (await submit(whatsapp)).body as { id: string };
  await whatsapp.rules({ templateReview: 'pending' });
  expect(codeOf(await whatsapp.graph('POST', `/${id}`, { category: 'MARKETING' }))).toBe(100);
  expect(codeOf(await whatsapp.graph('POST', `/${id}`, withBody('{{1}}')))).toBe(100);
  expect((await whatsapp.graph('POST', `/${id}`, withBody('Dear {{1}}, hello.'))).body).toEqual({
    success: true,
  });
  expect((await whatsapp.graph('GET', `/${id}`)).body).toMatchObject({
    status: 'PENDING',
    components: [{ text: 'Dear {{1}}, hello.' }],
  });
  expect(codeOf(await whatsapp.graph('POST', `/${id}`, withBody('Dear {{1}}, hello.')))).toBe(100);
});

test('each thing Meta changes is told by a webhook of its own, with its time', async () => {
  const whatsapp = await openWhatsapp();
  const change = (changes: object) => whatsapp.control('PUT', '/templates/welcome/en', changes);
  await change({ status: 'PAUSED' });
  await change({ category: 'MARKETING', quality: 'YELLOW' });
  await change({
    components: [
      { type: 'HEADER', format: 'TEXT', text: 'Hi' },
      { type: 'BODY', text: 'New words.' },
    ],
  });
  await change({ quality: 'YELLOW' });
  const named = {
    message_template_name: 'welcome',
    message_template_language: 'en',
    message_template_id: expect.any(Number) as number,
  };
  const changes = await whatsapp.changes();
  const expected = [
    { field: 'message_template_status_update', value: { event: 'PAUSED', reason: 'NONE', ...named } },
    {
      field: 'template_category_update',
      value: { previous_category: 'UTILITY', new_category: 'MARKETING', ...named },
    },
    {
      field: 'message_template_quality_update',
      value: { previous_quality_score: 'GREEN', new_quality_score: 'YELLOW', ...named },
    },
    {
      field: 'message_template_components_update',
      value: { message_template_title: 'Hi', message_template_element: 'New words.', ...named },
    },
  ];
  expect(changes).toHaveLength(expected.length);
  for (const one of expected)
    expect(changes).toContainEqual(
      expect.objectContaining({ field: one.field, value: expect.objectContaining(one.value) as object }),
    );
  expect(whatsapp.webhooks[0]?.body).toMatchObject({
    entry: [{ id: '200000000000001', time: expect.any(Number) as number }],
  });
  expect(await whatsapp.control('PUT', '/templates/nothing/en', {})).toMatchObject({ status: 404 });
  expect((await list(whatsapp, 'name=welcome&language=en&fields=previous_category')).data).toMatchObject([
    { previous_category: 'UTILITY' },
  ]);
});

test('what was made, changed and deleted is there after a restart', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sandbox-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const before = await openWhatsapp({ dataDir });
  await submit(before);
  await before.control('PUT', '/templates/welcome/en', { quality: 'RED' });
  await before.graph('DELETE', `${templatesPath}?name=login_code`);
  const told = (await before.control('GET', '/templates')).body;
  await before.stop();
  for (let start = 1; start <= 2; start += 1) {
    const after = await openWhatsapp({ dataDir });
    expect((await after.control('GET', '/templates')).body).toEqual(told);
    expect(subcodeOf(await submit(after, { name: 'login_code' }))).toBe(2_388_023);
    const { id } = (await submit(after, { name: `again_${String(start)}` })).body as { id: string };
    expect((told as { results: { id: string }[] }).results.map((one) => one.id)).not.toContain(id);
    await after.graph('DELETE', `${templatesPath}?name=again_${String(start)}`);
    await after.stop();
  }
});

test('without the token, of another account or of an unknown template nothing is told', async () => {
  const whatsapp = await openWhatsapp();
  expect(codeOf(await whatsapp.call('GET', `/whatsapp/v26.0${templatesPath}`))).toBe(190);
  expect(codeOf(await whatsapp.graph('GET', '/999/message_templates'))).toBe(100);
  expect(codeOf(await whatsapp.graph('GET', '/1000000000000999'))).toBe(100);
  expect(codeOf(await whatsapp.graph('POST', '/1000000000000999', {}))).toBe(100);
  expect(
    (await whatsapp.call('GET', `/whatsapp/v26.0${templatesPath}?access_token=access-token`)).status,
  ).toBe(200);
});
