export * from './gate.ts';
export { fieldsAskedFor, isField } from './values.ts';
export * from './settings.ts';
