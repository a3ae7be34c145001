import * as z from 'zod';

/** The most characters of its words. */
const LONGEST_TEXT = 200;

/** How far something that takes long has come. */
export const Progress = z.object({
  /** What is done, e.g. `copying disk/0`. */
  text: z.string().max(LONGEST_TEXT),
  /** Bytes, or another unit that the words name. */
  done: z.number().min(0),
  /** What `done` comes to in the end; null while nobody knows. */
  total: z.number().min(0).nullable(),
});
export type Progress = z.infer<typeof Progress>;

/** Takes word of how far something has come. It may be told very often; who listens decides how much of it is kept. */
export type Tell = (progress: Progress) => void;
