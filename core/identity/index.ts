export type * from './identities.ts';
export * from './evidence.ts';
export * from './resolve.ts';
