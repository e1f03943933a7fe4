import { describe, expect, test } from 'vitest';
import { readName } from './index.ts';

describe('the name of a profile', () => {
  test.each([
    ['Asha Rao', 'Asha', 'Rao'],
    ['Asha', 'Asha', ''],
    ['  Asha   Devi  Rao ', 'Asha', 'Devi Rao'],
    ['🌸Asha🌸 Rao💃', 'Asha', 'Rao'],
    ['आशा राव', 'आशा', 'राव'],
    ['Nguyễn Văn A', 'Nguyễn', 'Văn A'],
    ['\u200eAsha\u202e Rao', 'Asha', 'Rao'],
    ['👩‍💻 Asha 👨‍👩‍👧 Rao', 'Asha', 'Rao'],
    ['Asha❤️‍🔥Rao', 'AshaRao', ''],
    ['🏴󠁧󠁢󠁥󠁮󠁧󠁿 Asha 1️⃣', 'Asha', ''],
    ['ক্‌ষ রাও', 'ক্‌ষ', 'রাও'],
    ['Asha\u200bRao', 'Asha', 'Rao'],
    ['Dr. Asha Rao', 'Asha', 'Rao'],
    ['dr asha rao', 'asha', 'rao'],
    ['Prof. Dr. Asha', 'Asha', ''],
    ['Mrs.Rao', 'Rao', ''],
    ['Shri. Mohan Lal', 'Mohan', 'Lal'],
    ['Shri Kulkarni', 'Shri', 'Kulkarni'],
    ['MS Dhoni', 'MS', 'Dhoni'],
    ['Drew Mrinal', 'Drew', 'Mrinal'],
  ])('"%s" is split at its first space', (profileName, firstName, lastName) => {
    expect(readName({ profileName })).toEqual({ firstName, lastName });
  });

  test.each([
    '',
    'Dr.',
    'Mr. Dr.',
    '🌸🌸',
    '👩‍💻',
    '\u3164',
    '+91 98123 45678',
    'https://x.example',
    '...',
    '\ud800',
  ])('"%s" is none', (profileName) => {
    expect(readName({ profileName })).toEqual({ firstName: '', lastName: '' });
  });
});

describe('without one, the first message', () => {
  test.each([
    ['Hi, my name is Asha Rao. I want to know more', 'Asha', 'Rao'],
    ['Hello, this is Bela', 'Bela', ''],
    ['I am Chitra from Pune', 'Chitra', ''],
    ['This is Dr. Asha Rao', 'Asha', 'Rao'],
    ['मेरा नाम आशा है', 'आशा', ''],
  ])('"%s" introduces a person', (firstMessage, firstName, lastName) => {
    expect(readName({ firstMessage })).toEqual({ firstName, lastName });
  });

  test.each([
    'I am interested in the blue one',
    'this is urgent',
    'hello',
    'I am looking for a flat',
    'I am Student',
    'my name is',
    '[answered a form]\nPet name: Bruno',
  ])('"%s" does not', (firstMessage) => {
    expect(readName({ firstMessage })).toEqual({ firstName: '', lastName: '' });
  });
});
