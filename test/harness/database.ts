import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { asSuperuser, cloneTemplate, databaseAt } from './template.ts';

/** A database of one's own, empty but for the schema. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Clones the template, which the first test file to ask makes. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const server = { url: inject('databaseUrl'), citus: inject('citus') };
  await asSuperuser(server.url, (client) => cloneTemplate(client, server, name));
  return { url: urlOf(name), drop: () => drop(name) };
}

/** One in which nobody ever made a table. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const name = `empty_${randomBytes(6).toString('hex')}`;
  await asSuperuser(inject('databaseUrl'), (client) => client.query(`create database ${name}`));
  return { url: urlOf(name), drop: () => drop(name) };
}

async function drop(name: string): Promise<void> {
  await asSuperuser(inject('databaseUrl'), (client) => client.query(`drop database ${name} with (force)`));
}

const urlOf = (name: string): string => databaseAt(inject('databaseUrl'), name);
