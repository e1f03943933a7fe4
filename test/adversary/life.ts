import { minute } from '../conformance/set-up.ts';
import type { CrmFixture } from '../harness/crm-fixture.ts';
import type { CrmWorkspace } from '../harness/crm-workspace.ts';
import type { MemoryCrm } from '../harness/memory-crm/index.ts';
import { type Change, type Person, text } from '../harness/whatsapp.ts';
import type { Draw } from './draw.ts';
import { type Human, shownWhole } from './human.ts';

/** Two humans by their index, whom a member joined. */
export type Pair = readonly [number, number];

/** What a member did and may take back. */
export interface Decision {
  readonly id: string;
  readonly kind: string;
  readonly pair: Pair | undefined;
}

export interface LifeParts {
  readonly seed: number;
  readonly draw: Draw;
  readonly fixture: CrmFixture;
  readonly openedAt: number;
  readonly crm: CrmWorkspace;
  /** Where the CRM is one in memory. */
  readonly memory: MemoryCrm | undefined;
  /** The CRM makes no second record with a phone that one has. */
  readonly refusesTwins: boolean;
  /** Numbers that somebody gave up are given to others. */
  readonly numbersChangeHands: boolean;
}

/** Echoes of our own writes are known for ten minutes; who hears nothing for so long may miss that. */
const echoesKnownMs = 9 * minute;

/** One business, a few people who write to it, and what whoever watched from outside knows of what happened. */
export class Life {
  readonly seed: number;
  readonly draw: Draw;
  readonly fixture: CrmFixture;
  readonly openedAt: number;
  readonly crm: CrmWorkspace;
  readonly memory: MemoryCrm | undefined;
  readonly refusesTwins: boolean;
  readonly numbersChangeHands: boolean;
  readonly humans: Human[] = [];
  readonly log: string[] = [];

  /** Webhooks of WhatsApp that come late. */
  readonly heldBack: Change[] = [];
  decisions: Decision[] = [];
  /** Records that users removed. */
  readonly removed: string[] = [];
  lastRemovedAt = 0;
  /** What users of the CRM wrote, as `field|value`. */
  readonly typed = new Set<string>();
  usersSetOptOut = false;
  usersClearedOptOut = false;
  /** Users merged records or gave one somebody's phone: what stands on a record may come from another. */
  valuesCarried = false;
  anyRestored = false;
  anyErased = false;
  /** A join was undone that another one was made upon: whom of the two that meant nobody can say. */
  joinsUnsure = false;
  /** News came so late that an echo may be taken for somebody's change. */
  lateEchoes = false;
  #deafSince: number | undefined;
  #ids = 0;
  #numbers = 200;

  constructor(parts: LifeParts) {
    this.seed = parts.seed;
    this.draw = parts.draw;
    this.fixture = parts.fixture;
    this.openedAt = parts.openedAt;
    this.crm = parts.crm;
    this.memory = parts.memory;
    this.refusesTwins = parts.refusesTwins;
    this.numbersChangeHands = parts.numbersChangeHands;
  }

  get now(): number {
    return this.fixture.clock.now();
  }

  say(what: string): void {
    this.log.push(`${String(Math.round((this.now - this.openedAt) / 1000))}s ${what}`);
  }

  /** A number nobody had in this life: what is written says whose it is. */
  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  wamidOf(id: number): string {
    return `wamid.${String(this.seed)}.${String(id)}`;
  }

  wordsOf(id: number): string {
    return `words w${String(id)}x.`;
  }

  nextNumber(): number {
    this.#numbers += 1;
    return this.#numbers;
  }

  /** WhatsApp tells time in whole seconds: what is written after something else is later. */
  tick(): number {
    this.fixture.clock.advance(1000);
    return this.now;
  }

  someHuman(): Human {
    const human = this.draw.pick(this.humans);
    if (human === undefined) throw new Error('Nobody lives here.');
    return human;
  }

  /** A webhook of WhatsApp: now, now and once more, or (where it may wait) later, when others have come before it. */
  async deliver(change: Change, mayWait = true): Promise<void> {
    if (mayWait && this.draw.chance(0.1)) {
      this.say('  (held back)');
      this.heldBack.push(change);
      return;
    }
    await this.crm.receive(change);
    if (this.draw.chance(0.1)) await this.crm.receive(change);
  }

  async deliverHeldBack(): Promise<void> {
    while (this.heldBack.length > 0) {
      const change = this.draw.take(this.heldBack);
      if (change !== undefined) await this.crm.receive(change);
    }
  }

  async writes(human: Human, person: Person = shownWhole(human), mayWait = false): Promise<void> {
    const at = this.tick();
    const id = this.nextId();
    const words = this.wordsOf(id);
    human.said.push({ words, at });
    human.lastWroteAt = at;
    this.sees(human, person);
    this.say(`${String(human.index)} writes ${words} as ${JSON.stringify(person)}`);
    await this.deliver(text(person, this.wamidOf(id), at, words), mayWait);
  }

  /** They wrote as WhatsApp shows them. */
  sees(human: Human, { phone, bsuid }: Person): void {
    human.known = true;
    human.shownTogether ||= phone !== undefined && bsuid !== undefined;
  }

  setDeaf(deaf: boolean): void {
    this.crm.deaf = deaf;
    if (this.#deafSince !== undefined && this.now - this.#deafSince > echoesKnownMs) this.lateEchoes = true;
    this.#deafSince = deaf ? (this.#deafSince ?? this.now) : undefined;
  }

  /** From now on nobody's records and opt-outs follow from what they did themselves. */
  everybodyUnsure(): void {
    for (const human of this.humans) human.recordsUnsure = human.optOutUnsure = true;
  }

  noteTyped(values: Readonly<Record<string, string>>): void {
    for (const [field, value] of Object.entries(values)) this.typed.add(`${field}|${value}`);
  }

  async contactIdOf({ bsuid }: Human): Promise<string | undefined> {
    const contact = await this.crm.contactOf({ bsuid }).catch(() => undefined);
    return contact?.contactId;
  }

  /** Whom members joined with this one, and this one. */
  groupOf(index: number): Set<number> {
    const pairs = this.decisions.flatMap(({ pair }) => (pair === undefined ? [] : [pair]));
    const group = new Set([index]);
    for (let size = 0; size !== group.size;) {
      size = group.size;
      for (const pair of pairs)
        if (pair.some((one) => group.has(one))) for (const one of pair) group.add(one);
    }
    return group;
  }
}

/** A member of the workspace, as whoever corrects and erases. */
export function actorOf({ crm }: Life): { readonly workspaceId: string; readonly memberId: string } {
  return { workspaceId: crm.workspaceId, memberId: '6a1a4d6a-0000-4000-8000-000000000001' };
}
