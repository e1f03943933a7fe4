/** Ids of one person as one provider-signed event shows them. Each is absent when the event does not show it. */
export interface Identities {
  /** E.164 in canonical form (`canonicalPhone`): one spelling per person. */
  readonly phone?: string;
  /** The digits exactly as WhatsApp shows them; what a send addresses. */
  readonly waId?: string;
  /** Business-scoped user id, byte-exact, `CC.…`. Unique per business portfolio. docs/vendors/whatsapp.md §2.2. */
  readonly bsuid?: string;
  /** `CC.ENT.…`. */
  readonly parentBsuid?: string;
  /** Without leading `@`, lower case. */
  readonly username?: string;
}
