/** The nine fields of a contact and what goes with them, before a CRM's own spelling. Times in milliseconds. */
export interface ContactFields {
  readonly contactId: string;
  /** E.164, or undefined for a person known only by username or BSUID. */
  readonly phone?: string;
  /** Every phone the person holds now, E.164. */
  readonly phones: readonly string[];
  readonly bsuid?: string;
  readonly username?: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly leadSource: LeadSource;
  readonly optInAt?: number;
  readonly firstMessage?: string;
  readonly lastActivityAt?: number;
  readonly lastInboundAt?: number;
  readonly windowState: 'open' | 'closed';
  readonly windowClosesAt?: number;
  /** The first customer message after our last reply; undefined once answered. */
  readonly waitingSince?: number;
  readonly optOut: boolean;
  readonly optOutAt?: number;
  readonly tags: readonly string[];
  /** The latest answer to each question of a WhatsApp Flow, by the question's name. */
  readonly flowAnswers: Readonly<Record<string, string>>;
}

export type LeadSource = 'WhatsApp CTWA' | 'WhatsApp Inbound' | 'WhatsApp';
