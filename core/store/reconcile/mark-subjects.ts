/** How a mark is named: by the record it is about, or by a contact that has none or of whom records may not be known. */
export const subjectOfRecord = (recordId: string): string => `record:${recordId}`;
export const subjectOfContact = (contactId: string): string => `contact:${contactId}`;

export const twinsPrefix = 'twins:';

/** Whether a mark asks to look for records of a contact that are not known here. */
export const seeksTwins = ({ subject }: { readonly subject: string }): boolean =>
  subject.startsWith(twinsPrefix);
