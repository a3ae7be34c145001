/**
 * Coalesces concurrent calls of `ask`: at most one runs and one is queued, however many callers there are. Callers that come while
 * one runs share the queued one, so nobody gets an answer to a question that was asked before their call.
 * @param ask is called with the argument of the last of the callers that share the answer
 */
export function shared<Given, Answer>(
  ask: (given: Given) => Promise<Answer>,
): (given: Given) => Promise<Answer> {
  let running: Promise<unknown> | null = null;
  let next: { given: Given; answer: Promise<Answer> } | null = null;
  const begin = (given: Given) => {
    const answer = ask(given);
    const ended = answer
      .catch(() => undefined)
      .then(() => {
        if (running === ended) running = null;
      });
    running = ended;
    return answer;
  };
  return (given) => {
    if (next) {
      next.given = given;
      return next.answer;
    }
    if (!running) return begin(given);
    const waiting = { given, answer: undefined as unknown as Promise<Answer> };
    waiting.answer = running.then(() => {
      next = null;
      return begin(waiting.given);
    });
    next = waiting;
    return waiting.answer;
  };
}
