import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

/** What Prometheus reads at /metrics. Labels never carry a workspace's or a person's data. */
export interface Metrics {
  readonly registry: Registry;
  readonly webhooks: Counter<'answer'>;
  readonly webhookSeconds: Histogram;
  readonly received: Counter;
  readonly fresh: Counter;
  readonly applied: Counter;
  readonly parked: Counter<'reason'>;
  readonly kept: Counter<'field'>;
  readonly differing: Counter;
  readonly newContacts: Counter;
  readonly crmRecords: Counter<'crm' | 'outcome'>;
  readonly crmEntries: Counter<'crm' | 'outcome'>;
  readonly sendAttempts: Counter<'outcome'>;
  readonly crmFailures: Counter<'crm' | 'code'>;
  readonly tickFailures: Counter<'step'>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `sangam_${name}`, help, labelNames, registers: [registry] });
  return {
    registry,
    webhooks: counter('webhooks_total', 'Webhook requests by the status they were answered with.', [
      'answer',
    ]),
    webhookSeconds: new Histogram({
      name: 'sangam_webhook_seconds',
      help: 'Time from a webhook request to its answer.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [registry],
    }),
    received: counter('events_received_total', 'Events in acknowledged webhooks, repeats included.'),
    fresh: counter('events_fresh_total', 'Events not seen before.'),
    applied: counter('events_applied_total', 'Events applied or parked.'),
    parked: counter('dead_letters_total', 'Dead letters by reason.', ['reason']),
    kept: counter(
      'events_kept_total',
      'Events acknowledged and kept that nothing applies, by webhook field.',
      ['field'],
    ),
    differing: counter(
      'messages_differing_total',
      'Messages that arrived with differing contents under one id.',
    ),
    newContacts: counter('contacts_created_total', 'People who wrote for the first time.'),
    crmRecords: counter('crm_records_total', 'Records written to CRMs by outcome.', ['crm', 'outcome']),
    crmEntries: counter('crm_timeline_entries_total', 'Timeline entries written to CRMs by outcome.', [
      'crm',
      'outcome',
    ]),
    sendAttempts: counter('send_attempts_total', 'Messages handed to WhatsApp by what it answered.', [
      'outcome',
    ]),
    crmFailures: counter('crm_calls_failed_total', 'CRM calls that failed as a whole.', ['crm', 'code']),
    tickFailures: counter('work_failed_total', 'Ticks that failed and were taken again.', ['step']),
  };
}

/** Fields WhatsApp is known to send; what it calls things beyond them makes no label of its own. */
const knownFields: ReadonlySet<string> = new Set([
  'account_alerts',
  'account_review_update',
  'account_settings_update',
  'account_update',
  'automatic_events',
  'business_capability_update',
  'calls',
  'flows',
  'group_lifecycle_update',
  'group_participants_update',
  'group_settings_update',
  'history',
  'message_template_components_update',
  'message_template_quality_update',
  'message_template_status_update',
  'messages',
  'phone_number_name_update',
  'phone_number_quality_update',
  'security',
  'smb_app_state_sync',
  'smb_message_echoes',
  'standby',
  'template_category_update',
  'user_preferences',
]);

/** The label a kept event is counted under. */
export function fieldOfKept(what: string): string {
  const [field = ''] = what.split('/');
  return knownFields.has(field) ? field : 'other';
}
