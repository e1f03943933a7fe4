import type { PhoneList, Spelling } from '@sangam/core/crm';

const readTags = (written: string): string[] => written.split(', ').filter((tag) => tag !== '');

export const spelling: Spelling = {
  write(value, { options }) {
    switch (value.kind) {
      case 'text': {
        const { text = '' } = value;
        const takes = options === undefined || text === '' || options.some((one) => one.value === text);
        return takes ? text : undefined;
      }
      case 'time':
        return value.at === undefined ? '' : new Date(value.at).toISOString().slice(0, 19).replace('T', ' ');
      case 'flag':
        return value.set ? 'Yes' : 'No';
      case 'tags':
        return value.tags.join(', ');
    }
  },
  same: (x, y) => x === y,
  readFlag: (written) => (written === 'Yes' ? true : written === 'No' ? false : undefined),
  readTime: (written) =>
    /^[-\d]{10} [:\d]{8}$/.test(written) ? Date.parse(`${written.replace(' ', 'T')}Z`) : undefined,
  readTags,
  writeTags(wanted, current) {
    const written = wanted.join(', ');
    return new Set(wanted).symmetricDifference(new Set(readTags(current))).size === 0 ? undefined : written;
  },
};

/** What comes and goes is said by lines that begin with a word. */
export const phonesByLine: PhoneList = {
  in: (written) => written.split('\n').filter((line) => line !== ''),
  write: (phones) => phones.join('\n'),
  change: ({ added, removed }) =>
    [...removed.map((phone) => `without ${phone}`), ...added.map((phone) => `with ${phone}`)].join('\n'),
};

/** The list as it is now, with what comes and without what goes. */
export function changedPhones(current: string, change: string): string {
  const lines = change.split('\n');
  const said = (word: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? line.slice(word.length + 1) : []));
  const [added, removed] = [said('with'), said('without')];
  if (added.length + removed.length === 0) return change;
  return phonesByLine.write([
    ...phonesByLine.in(current).filter((phone) => !removed.includes(phone)),
    ...added,
  ]);
}
