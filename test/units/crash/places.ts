/**
 * An ordinary run of the tests lets the master die at every third record, beginning with one that chance decides: each restart takes a
 * quarter of a second, and there are hundreds. `bin/test --whole` takes all of them.
 */
const STRIDE = process.env.MERAPI_WHOLE === '1' ? 1 : 3;

/** The numbers of the records at which the master dies, without end. */
export function* crashPlaces(): Generator<number> {
  for (let place = Math.floor(Math.random() * STRIDE); ; place += STRIDE) yield place;
}
