/**
 * However long the machine takes, as much time passes as a test says, and yet no two things happen at one instant: it goes on
 * by a millisecond where it is asked in another turn of the event loop.
 */
export function createSlowClock(): () => number {
  let instant = Date.now();
  let asked = false;
  return () => {
    if (!asked) {
      instant += 1;
      asked = true;
      setImmediate(() => {
        asked = false;
      });
    }
    return instant;
  };
}
