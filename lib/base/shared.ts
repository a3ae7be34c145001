/**
 * Lets those who ask for the same at about the same time share an answer, so that however many ask, one asking is under way and one
 * waits. Nobody gets an answer that was asked for before they came.
 * @param ask gets what the last of those gave who share the answer
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
