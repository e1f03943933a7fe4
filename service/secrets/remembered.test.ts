import { expect, test } from 'vitest';
import { createRemembered } from './remembered.ts';

test('what is there is read once, by whoever asks; what is not there, or failed, is asked for again', async () => {
  const read: string[] = [];
  const remembered = createRemembered((id) => {
    read.push(id);
    if (id === 'fails') return Promise.reject(new Error('Away.'));
    return Promise.resolve(id === 'nobody' ? undefined : `secret of ${id}`);
  });
  expect(await Promise.all([remembered.of('a'), remembered.of('a')])).toEqual(['secret of a', 'secret of a']);
  await remembered.of('a');
  expect(read).toEqual(['a']);
  for (const id of ['nobody', 'nobody']) expect(await remembered.of(id)).toBeUndefined();
  for (const id of ['fails', 'fails']) await expect(remembered.of(id)).rejects.toThrow('Away.');
  expect(read).toEqual(['a', 'nobody', 'nobody', 'fails', 'fails']);
  remembered.refresh();
  await remembered.of('a');
  expect(read.at(-1)).toBe('a');
});

test('of more than it keeps it forgets those nobody asked for lately', async () => {
  const read: string[] = [];
  const remembered = createRemembered((id) => {
    read.push(id);
    return Promise.resolve(id);
  });
  const ids = Array.from({ length: 10_001 }, (_, index) => String(index));
  for (const id of ids) await remembered.of(id);
  expect(read).toHaveLength(ids.length);
  for (const id of ['10000', '0']) await remembered.of(id);
  expect(read.slice(ids.length)).toEqual(['0']);
});

test('a read of before a refresh that comes to nothing drops nothing that was read since', async () => {
  const answers: ((value: string | undefined) => void)[] = [];
  const remembered = createRemembered(
    () => new Promise<string | undefined>((answer) => answers.push(answer)),
  );
  const early = remembered.of('a');
  remembered.refresh();
  const late = remembered.of('a');
  answers[1]?.('the newer');
  answers[0]?.(undefined);
  expect(await Promise.all([early, late])).toEqual([undefined, 'the newer']);
  expect(await Promise.race([remembered.of('a'), Promise.resolve('read again')])).toBe('the newer');
  expect(answers).toHaveLength(2);
});
