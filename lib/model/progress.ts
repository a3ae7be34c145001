import * as z from 'zod';

/** The longest text of a progress, in characters. */
const LONGEST_TEXT = 200;

/** The progress of something that takes long. */
export const Progress = z.object({
  /** What is being done, e.g. `copying disk/0`. */
  text: z.string().max(LONGEST_TEXT),
  /** Bytes, or another unit that the text names. */
  done: z.number().min(0),
  /** The value of `done` at the end; null while it is unknown. */
  total: z.number().min(0).nullable(),
});
export type Progress = z.infer<typeof Progress>;

/** Reports progress. It may be called very often: the receiver decides how much of it is kept. */
export type Tell = (progress: Progress) => void;
