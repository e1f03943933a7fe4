/** Hides what should not stand in a CRM: card numbers, PAN, Aadhaar numbers and one-time passwords. */
export function maskText(text: string): string {
  return maskPasswords(maskNumbers(text)).replace(/\b[A-Z]{5}\d{4}[A-Z]\b/gi, hide);
}

/** What stands in place of a hidden digit or letter. */
const mark = '•';

function hide(text: string): string {
  return text.replace(/[\p{L}\p{N}]/gu, mark);
}

/** Digits in usual groupings, not part of a longer run nor of a phone with its plus. */
const grouped = /(?<![\d+])\d(?:[ -]?\d){11,18}(?!\d)/g;

function maskNumbers(text: string): string {
  return text.replace(grouped, (run) => {
    const digits = run.replace(/\D/g, '');
    const card = digits.length >= 13 && isLuhn(digits);
    return card || isAadhaar(digits) ? hide(run) : run;
  });
}

function isLuhn(digits: string): boolean {
  const sum = Array.from(digits)
    .toReversed()
    .reduce((total, digit, place) => {
      const doubled = Number(digit) * (place % 2 === 1 ? 2 : 1);
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
  return sum % 10 === 0;
}

/** Twelve digits that begin with 2 to 9 and carry the check digit of Verhoeff's scheme. Source: UIDAI, Aadhaar numbers. */
function isAadhaar(digits: string): boolean {
  return /^[2-9]\d{11}$/.test(digits) && verhoeff(digits) === 0;
}

/** Verhoeff's check in the dihedral group D5: reflections are 5 to 9. */
function verhoeff(digits: string): number {
  return Array.from(digits)
    .toReversed()
    .reduce((check, digit, place) => product(check, permuted(Number(digit), place)), 0);
}

function product(x: number, y: number): number {
  const turn = x < 5 ? (x % 5) + (y % 5) : x - y + 10;
  const sameSide = x < 5 === y < 5;
  return (turn % 5) + (sameSide ? 0 : 5);
}

const permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

function permuted(digit: number, times: number): number {
  let value = digit;
  for (let time = 0; time < times % 8; time += 1) value = permutation[value] ?? value;
  return value;
}

/** Words beside which a short number is a one-time password, in English and in Hindi as it is typed. */
const passwordWord =
  '(?:o\\.?t\\.?p\\.?|one[- ]time (?:password|code|pin)|(?:verification|security|login|access|passcode) ?(?:code|pin)?|code|pin|passcode|password|cvv|ओटीपी|कोड|पिन)';
const between = '[^\\d\\n]{0,24}';
const shortNumber = '\\d(?:[ -]?\\d){2,7}';
const afterWord = new RegExp(
  `(?<![\\p{L}])(${passwordWord})(?![\\p{L}])(${between})(?<!\\d)(${shortNumber})(?![\\d])`,
  'giu',
);
const beforeWord = new RegExp(
  `(?<![\\d+])(${shortNumber})(?!\\d)([^\\d\\n]{0,24}?)(?<![\\p{L}])(${passwordWord})(?![\\p{L}])`,
  'giu',
);

function maskPasswords(text: string): string {
  return text
    .replace(afterWord, (_all, word: string, gap: string, number: string) => `${word}${gap}${hide(number)}`)
    .replace(beforeWord, (_all, number: string, gap: string, word: string) => `${hide(number)}${gap}${word}`);
}
