import type { Category } from './template.ts';

/** What a message costs since 1 October 2026, as its statuses tell it. docs/vendors/whatsapp.md §1.7, §3.7. */
export type Pricing = {
  readonly billable: boolean;
  readonly pricing_model: 'PMP';
  readonly type: 'regular' | 'free_customer_service' | 'free_entry_point';
  readonly category: string;
};

export function pricingOf(message: {
  /** Undefined = free-form. */
  category: Category | undefined;
  endpoint: 'messages' | 'marketing_messages';
  isFreeEntry: boolean;
  /** Free-form messages of this month before it. */
  serviceMessages: number;
  freeServiceMessages: number;
}): Pricing {
  const { category, endpoint, isFreeEntry, serviceMessages, freeServiceMessages } = message;
  const priced = (type: Pricing['type'], name: string): Pricing => ({
    billable: type === 'regular',
    pricing_model: 'PMP',
    type,
    category: name,
  });
  if (isFreeEntry) return priced('free_entry_point', 'referral_conversion');
  if (category !== undefined)
    return priced('regular', endpoint === 'marketing_messages' ? 'marketing_lite' : category.toLowerCase());
  return priced(serviceMessages < freeServiceMessages ? 'free_customer_service' : 'regular', 'service');
}
