import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

const MIB = 1024 * 1024;

/** MiB of the file system that holds the folder, or will hold it once it is made. */
export async function spaceOf(folder: string): Promise<{ size: number; free: number }> {
  try {
    const { bsize, blocks, bavail } = await statfs(folder);
    return { size: Math.floor((blocks * bsize) / MIB), free: Math.floor((bavail * bsize) / MIB) };
  } catch (error) {
    const parent = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error;
    return spaceOf(parent);
  }
}
