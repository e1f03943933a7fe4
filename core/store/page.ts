/** One page of a list: at most `limit` rows behind `after`, the key of the last row already seen. */
export interface Page<Key> {
  readonly limit: number;
  readonly after?: Key | undefined;
}
