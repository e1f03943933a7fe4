/** Many byte strings as one parameter: the server cuts them out by `substr`, which spares the hex of `bytea[]`. */
export interface Blob {
  readonly bytes: Buffer;
  /** 1-based, as `substr` counts. Null where there are no bytes. */
  readonly starts: (number | null)[];
  readonly sizes: (number | null)[];
}

export function blobOf(parts: readonly (Buffer | null)[]): Blob {
  let next = 1;
  const starts = parts.map((part) => {
    const here = next;
    next += part?.length ?? 0;
    return part === null ? null : here;
  });
  return {
    bytes: Buffer.concat(parts.filter((part) => part !== null)),
    starts,
    sizes: parts.map((part) => part?.length ?? null),
  };
}
