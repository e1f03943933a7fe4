export * from './asking.ts';
export * from './gate.ts';
export { keptBack, pair } from './obstacles.ts';
export { fieldsAskedFor, isField } from './values.ts';
export * from './settings.ts';
export * from './after-error.ts';
