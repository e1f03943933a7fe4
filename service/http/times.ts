/** A time in milliseconds as the API tells it, ISO 8601 in UTC; what is no time stays so. */
export function iso<At extends number | null | undefined>(at: At): At extends number ? string : At;
export function iso(at: number | null | undefined): string | null | undefined {
  return typeof at === 'number' ? new Date(at).toISOString() : at;
}
