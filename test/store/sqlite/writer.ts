// The program that the suite of stores kills in the midst of its commits. Its argument is the file of the store.
import { systemClock } from '../../../lib/base/clock.ts';
import { openSqliteStore } from '../../../lib/store/sqlite/store.ts';
import { writeUntilKilled } from '../suite/writer.ts';

await writeUntilKilled(await openSqliteStore(process.argv[2] ?? '', systemClock));
