export * from './event.ts';
export * from './signature.ts';
export * from './split.ts';
export * from './parse.ts';
export { identitiesFrom } from './identities.ts';
export * from './stop.ts';
export { poorness } from './content.ts';
export * from './account-alert.ts';
