export { baseAfter, valuesToWrite } from './values-to-write.ts';
