import {
  type CountryCode,
  findPhoneNumbersInText,
  isSupportedCountry,
  parsePhoneNumberFromString,
  type PhoneNumber,
} from 'libphonenumber-js/max';

/** What a person typed, as a number. */
export type PhoneReading =
  { readonly e164: string; readonly extension?: string } | { readonly unreadable: string };

/**
 * One E.164 per subscriber, from the digits WhatsApp shows or a number in E.164. Spellings WhatsApp and people use
 * side by side are brought to one: Brazil's mobiles get their ninth digit, Argentina's their 9, Mexico's lose their 1.
 * An Argentine national number belongs to one line, fixed or mobile, so the 9 never joins two subscribers.
 * WhatsApp vouches for its ids, so digits that no numbering plan knows pass as they are. Undefined: not a number.
 */
export function canonicalPhone(digitsOrE164: string): string | undefined {
  const digits = asciiDigits(digitsOrE164).replace(/^\+/, '');
  if (!/^[1-9]\d{6,14}$/.test(digits)) return undefined;
  const brazil = /^55(\d{2})([6-9]\d{7})$/.exec(digits);
  if (brazil !== null) return `+55${brazil[1] ?? ''}9${brazil[2] ?? ''}`;
  const mexico = /^521(\d{10})$/.exec(digits);
  if (mexico !== null) return `+52${mexico[1] ?? ''}`;
  const argentina = /^54([1-8]\d{9})$/.exec(digits);
  if (argentina !== null) return `+549${argentina[1] ?? ''}`;
  return `+${digits}`;
}

/**
 * Reads what a person typed, in the region (ISO 3166 alpha-2) of the business it concerns; never in an assumed country.
 * Undefined: only what says its own country can be read.
 */
export function readPhone(typed: string, region: string | undefined): PhoneReading {
  const country = (region ?? '').toUpperCase();
  const text = asciiDigits(typed.normalize('NFKC')).replace(/\(0\)/, '').trim();
  const readings = [
    isSupportedCountry(country) ? parsePhoneNumberFromString(text, country) : undefined,
    // People write 00 for the plus also where the country dials another prefix.
    parsePhoneNumberFromString(text.replace(/^\D*00/, '+')),
    country === 'MX' ? parsePhoneNumberFromString(withoutMexicanTrunk(text), country) : undefined,
  ].filter((reading) => reading !== undefined);
  for (const reading of readings) {
    const e164 = canonicalPhone(reading.number);
    if (e164 !== undefined && parsePhoneNumberFromString(e164)?.isPossible() === true) {
      return { e164, ...extensionOf(reading) };
    }
  }
  const digits = text.replace(/\D/g, '').length;
  if (country === '' && readings.length === 0 && digits >= 6) {
    return { unreadable: 'It has no country code, and the country of the business is not known.' };
  }
  return {
    unreadable:
      readings.length === 0
        ? 'It holds no phone number.'
        : 'It is too short or too long to be a phone number.',
  };
}

/** Characters of a field that are looked through: nobody writes more numbers into one. */
const longestSearched = 250;

/** Reads a field in which people may have written several numbers: each that is found where the whole is not one. */
export function readPhones(typed: string, region: string | undefined): readonly PhoneReading[] {
  const whole = readPhone(typed, region);
  if ('e164' in whole) return [whole];
  const country = (region ?? '').toUpperCase();
  const text = asciiDigits(typed.slice(0, longestSearched).normalize('NFKC'));
  const found = findPhoneNumbersInText(text, isSupportedCountry(country) ? { defaultCountry: country } : {});
  const phones = new Set(found.flatMap(({ number }) => canonicalPhone(number.number) ?? []));
  return phones.size === 0 ? [whole] : [...phones].map((e164) => ({ e164 }));
}

/** Until 2019 a call inside Mexico began with 01, to a mobile with 044 or 045; address books still hold them. */
function withoutMexicanTrunk(text: string): string {
  return text.replace(/^\D*(?:01|04[45])(?=(?:\D*\d){10}\D*$)/, '');
}

/** Every spelling in E.164 under which the same subscriber may stand in a CRM. */
export function phoneCandidates(e164: string): string[] {
  const canonical = canonicalPhone(e164);
  if (canonical === undefined) return [];
  const brazil = /^\+55(\d{2})9([6-9]\d{7})$/.exec(canonical);
  if (brazil !== null) return [canonical, `+55${brazil[1] ?? ''}${brazil[2] ?? ''}`];
  const mexico = /^\+52(\d{10})$/.exec(canonical);
  if (mexico !== null) return [canonical, `+521${mexico[1] ?? ''}`];
  const argentina = /^\+549([1-8]\d{9})$/.exec(canonical);
  if (argentina !== null) return [canonical, `+54${argentina[1] ?? ''}`];
  return [canonical];
}

/** ISO 3166 alpha-2 of a number's country. */
export function regionOf(e164: string): CountryCode | undefined {
  return parsePhoneNumberFromString(e164)?.country;
}

/** The country's code of a number in E.164, such as 91; undefined: no numbering plan knows it. */
export function callingCodeOf(e164: string): string | undefined {
  return parsePhoneNumberFromString(e164)?.countryCallingCode;
}

function extensionOf(number: PhoneNumber): { extension?: string } {
  return number.ext === undefined ? {} : { extension: number.ext };
}

/** Digits of any script as 0–9. Unicode's decimal digits stand in runs of whole tens, each counting up from zero. */
function asciiDigits(text: string): string {
  return text.replace(/[^\P{Nd}0-9]/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    let start = code;
    while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start -= 1;
    return String((code - start) % 10);
  });
}
