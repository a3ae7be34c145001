import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

const MIB = 1024 * 1024;

/** Size and free space (MiB) of the file system of a folder; of its nearest existing parent when the folder does not exist yet. */
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
