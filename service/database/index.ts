export { type EmbeddedDatabase, openEmbeddedDatabase } from './embedded.ts';
