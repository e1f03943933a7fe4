export * from './state.ts';
export * from './opt-words.ts';
