import { describe } from 'vitest';
import type { OpenAccount } from './account.ts';
import { consent } from './consent.ts';
import { creating } from './creating.ts';
import { fields } from './fields.ts';
import { lives } from './lives.ts';
import { people } from './people.ts';
import { policies } from './policies.ts';
import { shared } from './shared.ts';
import { stageFor } from './stage.ts';
import { timeline } from './timeline.ts';
import { told } from './told.ts';
import { trouble } from './trouble.ts';

/**
 * What the engine promises of every CRM, told in the words of the port: the same sentences for each. `open` opens an
 * account of its own for every test.
 */
export function describeConformance(label: string, open: OpenAccount): void {
  const stage = stageFor(open);
  describe(`${label}: a new record`, () => creating(stage));
  describe(`${label}: when calls fail`, () => trouble(stage));
  describe(`${label}: whose record it is`, () => people(stage));
  describe(`${label}: records and people, many to many`, () => shared(stage));
  describe(`${label}: who becomes a record`, () => policies(stage));
  describe(`${label}: who decides a field`, () => fields(stage));
  describe(`${label}: consent`, () => consent(stage));
  for (const news of ['webhooks', 'polls', 'nothing'] as const) {
    describe(`${label}: records that are merged and deleted, told by ${news}`, () => lives(stage, news));
  }
  for (const news of ['webhooks', 'polls'] as const) {
    describe(`${label}: what the CRM tells by ${news}`, () => told(stage, news));
  }
  describe(`${label}: the timeline`, () => timeline(stage));
}
