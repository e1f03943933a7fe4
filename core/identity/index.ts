export type * from './identities.ts';
export * from './phone.ts';
export * from './name.ts';
export * from './evidence.ts';
export * from './resolve.ts';
