export { type EmbeddedDatabase, openEmbeddedDatabase } from './embedded.ts';
export * from './private-file.ts';
