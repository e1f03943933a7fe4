import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startZoho, uniqueKey } from '../testing/zoho-fixture.ts';

const listed = z.object({
  data: z.array(z.looseObject({ id: z.string() })),
  info: z.looseObject({ more_records: z.boolean(), next_page_token: z.string().nullish() }),
});

describe('a list', () => {
  test('wants fields, fifty at most, and gives what is there of them', async () => {
    const zoho = await startZoho();
    const [id] = await zoho.make('Leads', { Last_Name: 'Rao', City: 'Pune' });
    expect(await zoho.api('GET', '/Leads')).toMatchObject({
      status: 400,
      body: { code: 'REQUIRED_PARAM_MISSING', details: { param_name: 'fields' } },
    });
    const many = Array.from({ length: 51 }, (_, index) => `F${String(index)}`).join();
    expect((await zoho.api('GET', `/Leads?fields=${many}`)).body).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    const { body } = await zoho.api('GET', '/Leads?fields=City,Nothing,Owner');
    expect(listed.parse(body).data).toEqual([
      { id, City: 'Pune', Owner: expect.objectContaining({ name: 'Meera Nair' }) as object },
    ]);
  });

  test('goes by pages to two thousand and by a token for a day', async () => {
    const zoho = await startZoho();
    await zoho.make('Leads', ...['A', 'B', 'C'].map((Last_Name) => ({ Last_Name })));
    const first = listed.parse(
      (await zoho.api('GET', '/Leads?fields=Last_Name&per_page=2&sort_by=id&sort_order=asc')).body,
    );
    expect(first.data.map((row) => row['Last_Name'])).toEqual(['A', 'B']);
    expect(first.info.more_records).toBe(true);
    const next = `/Leads?fields=Last_Name&per_page=2&sort_by=id&sort_order=asc&page_token=${first.info.next_page_token ?? ''}`;
    expect(listed.parse((await zoho.api('GET', next)).body).data.map((row) => row['Last_Name'])).toEqual([
      'C',
    ]);
    expect((await zoho.api('GET', '/Leads?fields=Last_Name&page=11')).body).toMatchObject({
      code: 'DISCRETE_PAGINATION_LIMIT_EXCEEDED',
    });
    zoho.fixture.clock.advance(24 * 60 * 60 * 1_000);
    expect(await zoho.api('GET', next)).toMatchObject({ status: 400, body: { code: 'EXPIRED_VALUE' } });
  });

  test('of what changed since: 304 where nothing did, 204 where nothing is there', async () => {
    const zoho = await startZoho();
    const since = (at: number) =>
      zoho.api('GET', '/Leads?fields=Last_Name', undefined, {
        'if-modified-since': new Date(at).toISOString(),
      });
    expect((await zoho.api('GET', '/Leads?fields=Last_Name')).status).toBe(204);
    await zoho.make('Leads', { Last_Name: 'Rao' });
    const now = zoho.fixture.clock.now();
    expect((await since(now - 60_000)).status).toBe(200);
    expect((await since(now + 1_000)).status).toBe(304);
  });

  test('by ids, as many as the switch says', async () => {
    const zoho = await startZoho({ idsMax: 2 });
    const ids = await zoho.make('Leads', { Last_Name: 'A' }, { Last_Name: 'B' }, { Last_Name: 'C' });
    const byIds = (some: readonly string[]) => zoho.api('GET', `/Leads?fields=Last_Name&ids=${some.join()}`);
    expect(listed.parse((await byIds(ids.slice(0, 2))).body).data).toHaveLength(2);
    expect((await byIds(ids)).status).toBe(400);
  });

  test('cuts rich text, which a read of one gives whole', async () => {
    const zoho = await startZoho();
    await zoho.fields('Leads', {
      field_label: 'Story',
      data_type: 'textarea',
      textarea: { type: 'rich_text' },
    });
    const Story = 'long '.repeat(200);
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao', Story });
    expect(listed.parse((await zoho.api('GET', '/Leads?fields=Story')).body).data[0]?.['Story']).toHaveLength(
      500,
    );
    expect(
      z
        .object({ data: z.array(z.object({ Story: z.string() })) })
        .parse((await zoho.api('GET', `/Leads/${id}?fields=Story`)).body),
    ).toEqual({ data: [{ Story }] });
  });
});

describe('what was deleted', () => {
  test('lies sixty days in the bin, is known for another sixty, and is told from a time on', async () => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    const day = 24 * 60 * 60 * 1_000;
    expect((await zoho.api('DELETE', `/Leads/${id}`)).body).toMatchObject({
      data: [{ code: 'SUCCESS', details: { id } }],
    });
    expect((await zoho.api('GET', `/Leads/${id}`)).status).toBe(204);
    const gone = (type: string, since?: number) =>
      zoho.api(
        'GET',
        `/Leads/deleted?type=${type}`,
        undefined,
        since === undefined ? {} : { 'if-modified-since': new Date(since).toISOString() },
      );
    expect((await gone('recycle')).body).toMatchObject({
      data: [{ id, display_name: 'Rao', type: 'recycle' }],
    });
    expect((await gone('permanent')).status).toBe(204);
    expect((await gone('all', zoho.fixture.clock.now() + 1_000)).status).toBe(304);
    zoho.fixture.clock.advance(61 * day);
    expect((await gone('all')).body).toMatchObject({ data: [{ id, type: 'permanent' }] });
    expect((await zoho.control('POST', `/records/Leads/${id}/restore`)).status).toBe(400);
    zoho.fixture.clock.advance(60 * day);
    expect((await gone('all')).status).toBe(204);
  });

  test.each([
    [false, 201, 400],
    [true, 400, 200],
  ])(
    'binKeepsUniqueValues %s: a new record of the value %i, restoring the old %i',
    async (binKeepsUniqueValues, insert, restore) => {
      const zoho = await startZoho({ binKeepsUniqueValues });
      await zoho.fields('Leads', uniqueKey);
      const record = { Last_Name: 'Rao', Our_Key: 'k1' };
      const [id = ''] = await zoho.make('Leads', record);
      await zoho.api('DELETE', `/Leads?ids=${id}`);
      expect((await zoho.write('POST', '/Leads', [record])).status).toBe(insert);
      expect((await zoho.control('POST', `/records/Leads/${id}/restore`)).status).toBe(restore);
    },
  );
});

describe('COQL', () => {
  test('compares, joins in parentheses, sorts and pages', async () => {
    const zoho = await startZoho();
    await zoho.make(
      'Leads',
      { Last_Name: 'Rao', City: 'Pune', No_of_Employees: 5 },
      { Last_Name: 'Iyer', City: 'Goa', No_of_Employees: 50 },
      { Last_Name: 'Khan' },
    );
    const names = async (rest: string) =>
      (await zoho.coql(`select Last_Name from Leads where ${rest}`)).rows.map((row) => row['Last_Name']);
    expect(await names("City in ('Pune', 'Goa')")).toEqual(['Rao', 'Iyer']);
    expect(await names('(No_of_Employees >= 5 and No_of_Employees < 50) or (City is null)')).toEqual([
      'Rao',
      'Khan',
    ]);
    expect(await names("Last_Name like '%y%'")).toEqual(['Iyer']);
    expect(await names('City is not null order by Last_Name asc limit 1, 1')).toEqual(['Rao']);
    expect(await names("((City = 'pune' or City = 'Goa') and (No_of_Employees > 5))")).toEqual(['Iyer']);
    expect((await zoho.coql("select Last_Name from Leads where City = 'Delhi'")).status).toBe(204);
  });

  test('is read by time, to go on behind the last row', async () => {
    const zoho = await startZoho();
    const [first = ''] = await zoho.make('Leads', { Last_Name: 'A' });
    const at = (await zoho.coql(`select Modified_Time from Leads where id = '${first}'`)).rows[0]?.[
      'Modified_Time'
    ];
    const [second] = await zoho.make('Leads', { Last_Name: 'B' });
    zoho.fixture.clock.advance(5_000);
    const [third] = await zoho.make('Leads', { Last_Name: 'C' });
    zoho.fixture.clock.advance(5_000);
    await zoho.write('PUT', '/Leads', [{ id: first, City: 'Pune' }]);
    const after = `((Modified_Time > '${String(at)}') or (Modified_Time = '${String(at)}' and id > '${first}'))`;
    const { rows } = await zoho.coql(
      `select id from Leads where ${after} order by Modified_Time asc, id asc limit 2000`,
    );
    expect(rows.map(({ id }) => id)).toEqual([second, third, first]);
  });

  test('refuses what it does not know', async () => {
    const zoho = await startZoho();
    const code = async (query: string) => (await zoho.coql(query)).body;
    const columns = (count: number) => Array.from({ length: count }, () => 'City').join();
    const values = Array.from({ length: 51 }, (_, index) => `'${String(index)}'`).join();
    expect(await code('select City from Leads')).toMatchObject({
      code: 'SYNTAX_ERROR',
      details: { clause: 'where' },
    });
    expect(await code("select City from Leads where City = 'a' and City = 'b' and City = 'c'")).toMatchObject(
      { code: 'SYNTAX_ERROR' },
    );
    expect(await code("select City from Leads where City between 'a' and 'b'")).toMatchObject({
      code: 'SYNTAX_ERROR',
    });
    expect(await code("select count(id) from Leads where City = 'a'")).toMatchObject({
      code: 'SYNTAX_ERROR',
    });
    expect(await code("select Nothing from Leads where City = 'a'")).toMatchObject({
      code: 'INVALID_QUERY',
      details: { column_name: 'Nothing' },
    });
    expect(await code("select City from Nothing where City = 'a'")).toMatchObject({ code: 'INVALID_QUERY' });
    expect(await code("select City from Leads where Description = 'a'")).toMatchObject({
      code: 'INVALID_QUERY',
    });
    expect(await code(`select ${columns(51)} from Leads where City = 'a'`)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    expect(await code(`select City from Leads where City in (${values})`)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    expect(await code("select City from Leads where City = 'a' limit 2001")).toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    expect(await code("select City from Leads where City = 'a' limit 99900, 200")).toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    const nested =
      Array.from({ length: 25 }, () => "(City = 'a' or ").join('') + "City = 'a'" + ')'.repeat(25);
    expect(await code(`select City from Leads where ${nested}`)).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await zoho.control('PUT', '/rules', { coqlRowsMax: 200 });
    expect(await code("select City from Leads where City = 'a' limit 201")).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 200 },
    });
  });

  test('sees what was just written, unless the switch lets it lag', async () => {
    const zoho = await startZoho();
    await zoho.make('Leads', { Last_Name: 'Rao', City: 'Pune' });
    const found = async () => (await zoho.coql("select id from Leads where City = 'Pune'")).rows.length;
    expect(await found()).toBe(1);
    await zoho.control('PUT', '/rules', { coqlLagMs: 10_000 });
    await zoho.make('Leads', { Last_Name: 'Iyer', City: 'Pune' });
    expect(await found()).toBe(0);
    zoho.fixture.clock.advance(10_001);
    expect(await found()).toBe(2);
  });

  test.each([
    ['told', 1],
    ['left out', 0],
  ] as const)('converted leads that are not asked for are %s', async (coqlConverted, count) => {
    const zoho = await startZoho({ coqlConverted });
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    await zoho.api('POST', `/Leads/${id}/actions/convert`, {});
    const found = async (where: string) =>
      (await zoho.coql(`select id, Converted__s from Leads where ${where}`)).rows.length;
    expect(await found(`id = '${id}'`)).toBe(count);
    expect(await found(`id = '${id}' and Converted__s = true`)).toBe(1);
  });
});

describe('search', () => {
  test('is behind what was written, and by the clock catches up', async () => {
    const zoho = await startZoho();
    await zoho.make('Leads', { Last_Name: 'Rao', Phone: '+91 98123 45678', Email: 'asha@example.com' });
    const phone = `/Leads/search?phone=${encodeURIComponent('+919812345678')}`;
    expect((await zoho.api('GET', phone)).status).toBe(204);
    zoho.fixture.clock.advance(30_001);
    expect((await zoho.api('GET', phone)).status).toBe(200);
    expect((await zoho.api('GET', '/Leads/search?email=Asha@example.com')).status).toBe(200);
    expect((await zoho.api('GET', '/Leads/search?word=rao')).status).toBe(200);
  });

  test('by criteria: equals contains, and what it has not is refused', async () => {
    const zoho = await startZoho({ searchLagMs: 0 });
    await zoho.make('Leads', { Last_Name: 'Rao', City: 'Pune West' });
    const status = async (criteria: string) =>
      (await zoho.api('GET', `/Leads/search?criteria=${encodeURIComponent(criteria)}`)).status;
    expect(await status('(City:equals:Pune)')).toBe(200);
    expect(await status('((City:starts_with:Pune)and(Last_Name:in:Rao,Iyer))')).toBe(200);
    expect(await status('((City:equals:Goa)or(Last_Name:equals:Rao))')).toBe(200);
    expect(await status('(City:equals:Goa)')).toBe(204);
    expect(await status('(City:sounds_like:Goa)')).toBe(400);
    expect(await status(`(${Array.from({ length: 11 }, () => '(City:equals:Pune)').join('and')})`)).toBe(400);
    expect((await zoho.api('GET', '/Leads/search')).status).toBe(400);
    expect((await zoho.api('GET', '/Leads/search?word=rao&page=11')).body).toMatchObject({
      code: 'LIMIT_REACHED',
    });
  });
});
