// The bytes from a guest agent, split into messages:
//
//   skipping -> reading   the byte FF, with which the answer to guest-sync-delimited begins
//   reading  -> reading   a line feed ends a message; FF drops what came before it
//   any      -> skipping  skip(), before each synchronisation
//
// The guest is not trusted: it may send anything, without end. Memory is bounded by the longest answer that is expected.

/** The byte that begins the answer to guest-sync-delimited. No text in UTF-8 contains it. */
export const SENTINEL = 0xff;
const LINE_FEED = 0x0a;

/** Splits the bytes from an agent into messages. */
export class AgentFraming {
  /** The parts of the message whose end has not been received. */
  #parts: Buffer[] = [];
  #length = 0;
  #skips = true;

  /** Drops all bytes until the next sentinel. */
  skip(): void {
    this.#skips = true;
    this.#drop();
  }

  /** Whether bytes are dropped until the next sentinel. */
  get skips(): boolean {
    return this.#skips;
  }

  /** How many bytes of an incomplete message are kept. */
  get pending(): number {
    return this.#length;
  }

  /** Adds bytes from the agent, and yields the messages that they complete, without the line feed; empty lines are left out. */
  *receive(chunk: Buffer): Generator<Buffer> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skips) {
        const sentinel = chunk.indexOf(SENTINEL, at);
        if (sentinel < 0) return;
        this.#skips = false;
        at = sentinel + 1;
        continue;
      }
      const feed = chunk.indexOf(LINE_FEED, at);
      const end = feed < 0 ? chunk.length : feed;
      const part = chunk.subarray(at, end);
      const sentinel = part.lastIndexOf(SENTINEL);
      if (sentinel >= 0) this.#drop();
      this.#keep(part.subarray(sentinel + 1));
      if (feed < 0) return;
      at = feed + 1;
      if (this.#length > 0) yield this.#take();
    }
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#length += part.length;
  }

  #take(): Buffer {
    const message = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#drop();
    return message;
  }

  #drop(): void {
    this.#parts = [];
    this.#length = 0;
  }
}
