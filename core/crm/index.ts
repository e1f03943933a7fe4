export * from './change.ts';
export * from './connector.ts';
export type * from './contact-fields.ts';
export * from './errors.ts';
export * from './field.ts';
export * from './mapping.ts';
export * from './phones.ts';
export * from './settings.ts';
export type * from './timeline.ts';
