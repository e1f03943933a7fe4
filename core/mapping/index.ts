export * from './difference.ts';
export * from './fold-record.ts';
export { writtenValue } from './written-value.ts';
