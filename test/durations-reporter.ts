// A reporter of Node's test runner: writes a line of JSON for each test that has ended, which test/durations.ts reads.
import type { TestEvent } from 'node:test/reporters';
import type { EndedTest } from './durations.ts';

/** A suite counts as its tests, and a test with its subtests; only what stands at the top of a file adds to the time of the file. */
export default async function* durationsReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, nesting, file, details } = event.data;
    const ended: EndedTest = { file: file ?? '', name, nesting, ms: details.duration_ms };
    yield `${JSON.stringify(ended)}\n`;
  }
}
