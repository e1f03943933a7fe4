/** A person's name as far as they told us. Empty strings where they did not. */
export interface PersonName {
  readonly firstName: string;
  readonly lastName: string;
}

/** Stands before a name and is none. */
const title = String.raw`(?:(?:dr|mr|mrs|ms|miss|shri|smt)\b\.?\s*)?`;

/** Titles before a name in a profile; where the word is a name or initials too, its full stop tells. */
const profileTitle = /^(?:(?:dr|mr|mrs|miss|prof|smt)\b\.?|(?:ms|shri|sri|er|adv|ca|capt|col|maj|lt)\.)\s*/iu;

/** "My name is …" in a few languages; the name is what follows. Written rules, not guesses. */
const introductions: readonly RegExp[] = [
  new RegExp(String.raw`\b(?:my name is|this is|i am|i['’]m|name\s*:)\s+${title}(?<name>[^.,!?\n]+)`, 'iu'),
  /मेरा नाम\s+(?<name>[^.,!?\n।]+?)\s+है/u,
  /\bmera naam\s+(?<name>[^.,!?\n]+?)\s+hai\b/iu,
];

/** Words that follow "I am" and are no name. */
const notNames: ReadonlySet<string> = new Set(
  (
    'a an the not from in at on of for very so just also already still here there looking interested waiting trying ' +
    'calling writing asking going coming having getting sorry happy sure ready fine good ok okay new your my his her ' +
    'this that to and but who what regarding about with unable able facing using planning thinking wondering urgent ' +
    'student agent owner doctor teacher dealer manager customer client parent father mother buyer seller engineer'
  ).split(' '),
);

/**
 * First and last name: the profile name, else what the first message says in so many words, else nothing.
 * A profile name without a letter, or that is a link or a number, is none.
 */
export function readName(told: { profileName?: string; firstMessage?: string }): PersonName {
  const profile = withoutTitles(plain(told.profileName ?? ''));
  if (/\p{L}/u.test(profile) && !/(?:https?:|www\.|\w@\w)/iu.test(profile)) return split(profile);
  return split(introducedName(told.firstMessage ?? ''));
}

/** "Dr." is what somebody is, not what they are called. */
function withoutTitles(name: string): string {
  const rest = name.replace(profileTitle, '');
  return rest === name ? name : withoutTitles(rest);
}

/** Long messages are stories, not introductions. */
const longestIntroduction = 300;

function introducedName(message: string): string {
  // What begins with a bracket is how we show what is no text, such as the answers of a form.
  if (message.length > longestIntroduction || message.startsWith('[')) return '';
  for (const introduction of introductions) {
    const words = plain(introduction.exec(message)?.groups?.['name'] ?? '').split(' ');
    const name: string[] = [];
    for (const word of words) {
      if (name.length === 3 || !/^[\p{L}\p{M}'’.-]+$/u.test(word) || notNames.has(word.toLowerCase())) break;
      // After "I am", in Latin letters, a name is capitalised.
      if (/^\p{Ll}/u.test(word) && name.length > 0) break;
      name.push(word);
    }
    const [first] = name;
    if (first !== undefined && !/^\p{Ll}/u.test(first)) return name.join(' ');
  }
  return '';
}

/**
 * Without emoji, control and invisible characters, single-spaced. Combining marks stay with their letters, and so do
 * joiners between letters, which spell Indic conjuncts and Persian words.
 */
function plain(text: string): string {
  return text
    .toWellFormed()
    .replace(/[0-9#*]\uFE0F?\u20E3/gu, '')
    .replace(/[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}][\uFE0F\u200D]*/gu, '')
    .replace(/[\p{Cc}\u200B\u2028\u2029\u2800\u3164\uFFFD]/gu, ' ')
    .replace(/(?<![\p{L}\p{M}])[\u200C\u200D]|[\u200C\u200D](?!\p{L})/gu, '')
    .replace(/[[\p{Default_Ignorable_Code_Point}\p{Co}]--[\u200C\u200D]]/gv, '')
    .replace(/\s+/gu, ' ')
    .trim();
}

function split(name: string): PersonName {
  const space = name.indexOf(' ');
  return space === -1
    ? { firstName: name, lastName: '' }
    : { firstName: name.slice(0, space), lastName: name.slice(space + 1) };
}
