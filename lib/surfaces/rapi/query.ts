import { MerapiError } from '../../base/errors.ts';

/** The arguments of a URL's query string. As in Ganeti, an argument with an empty value counts as not given. */
export class QueryArgs {
  readonly #values: URLSearchParams;

  /** @param text the query string without the question mark, still percent-encoded. */
  constructor(text: string) {
    this.#values = new URLSearchParams(text);
  }

  /** All values of an argument, in the order of the URL. */
  all(name: string): string[] {
    return this.#values.getAll(name).filter((value) => value !== '');
  }

  /** The first value of an argument; null when it is not given. */
  text(name: string): string | null {
    return this.all(name)[0] ?? null;
  }

  /** Whether an argument is an integer other than 0; false when it is not given. @throws MerapiError wrong_input for another text */
  flag(name: string): boolean {
    const text = this.text(name);
    if (text === null) return false;
    if (!/^\s*[+-]?[0-9]+\s*$/.test(text))
      throw new MerapiError('wrong_input', `Argument '${name}' must be an integer (0 or 1), not '${text}'`);
    return BigInt(text.trim().replace(/^\+/, '')) !== 0n;
  }
}
