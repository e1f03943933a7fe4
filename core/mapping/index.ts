export * from './difference.ts';
export * from './fold-record.ts';
export { carried, standInsOf, writtenValue } from './written-value.ts';
export { fieldOfNumber, ownNumberOf, ownNumbersOf } from './phone-list.ts';
