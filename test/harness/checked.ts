import type { CrmFixture } from './crm-fixture.ts';
import { until } from './until.ts';

/** No check is running any more: for who is to work only once it has seen everything. */
export async function checked({ database }: CrmFixture): Promise<void> {
  await until('the checks', async () => {
    const { rows } = await database.query("select 1 from checks where state = 'running'");
    return rows.length === 0;
  });
}
