import { MerapiError } from '../../base/errors.ts';

/** The arguments behind the question mark of a URL. As in Ganeti, an argument without a value counts as not given. */
export class QueryArgs {
  readonly #values: URLSearchParams;

  /** @param text what follows the question mark, still encoded. */
  constructor(text: string) {
    this.#values = new URLSearchParams(text);
  }

  /** All values of an argument, in their order. */
  all(name: string): string[] {
    return this.#values.getAll(name).filter((value) => value !== '');
  }

  /** The first value of an argument; null when it is not given. */
  text(name: string): string | null {
    return this.all(name)[0] ?? null;
  }

  /** Whether an argument is an integer other than 0. @throws MerapiError wrong_input when it is no integer. */
  flag(name: string): boolean {
    const text = this.text(name);
    if (text === null) return false;
    if (!/^\s*[+-]?[0-9]+\s*$/.test(text))
      throw new MerapiError('wrong_input', `Argument '${name}' must be an integer (0 or 1), not '${text}'`);
    return BigInt(text.trim().replace(/^\+/, '')) !== 0n;
  }
}
