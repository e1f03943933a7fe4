export * from './difference.ts';
export * from './fold-record.ts';
export { standInsOf, writtenValue } from './written-value.ts';
