import { existsSync } from 'node:fs';
import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, longest first: whatever begins last is waited for alone. */
const longest = [
  'test/conformance/hubspot.test.ts',
  'test/conformance/hubspot-before.test.ts',
  'test/conformance/one-by-one.test.ts',
  'test/conformance/of-its-own-names.test.ts',
  'test/kills.chaos.test.ts',
  'test/faulty-vendor.chaos.test.ts',
  'test/crm-chaos.test.ts',
  'test/chaos.test.ts',
  'test/outage.test.ts',
  'test/silent-database.chaos.test.ts',
  'service/database/embedded.test.ts',
  'test/joins-undone.test.ts',
  'test/changes-seen.test.ts',
  'test/gauges.test.ts',
  'test/commands.test.ts',
  'test/lifecycle.test.ts',
  'test/lives.property.test.ts',
  'test/joins-undone.property.test.ts',
  'test/starts.test.ts',
  'test/same-message.property.test.ts',
];

/** Longest files first, then as Vitest does by itself: by their size. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const root = this.ctx.config.root;
    const gone = longest.filter((file) => !existsSync(path.join(root, file)));
    if (gone.length > 0) throw new Error(`Files that are no more begin first: ${gone.join(', ')}`);
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.indexOf(path.relative(root, moduleId));
      return place === -1 ? longest.length : place;
    };
    const bySize = super.sort.bind(this);
    return (await bySize(files)).toSorted((x, y) => rank(x) - rank(y));
  }
}
