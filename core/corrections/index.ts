export * from './corrections.ts';
export * from './change-tags.ts';
export * from './dead-letters.ts';
export * from './erase.ts';
export * from './statement.ts';
