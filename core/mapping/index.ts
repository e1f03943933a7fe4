export { valuesToWrite } from './values-to-write.ts';
