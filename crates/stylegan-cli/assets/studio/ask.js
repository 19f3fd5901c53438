// How the studio is asked by HTTP: an answer, or one sentence on why there is none.

/** Statuses of answers that may be others soon: the page has no cookie, it took too long, too many ask at once. */
const PASSING = [401, 408, 503];

/** Asks the studio. A refusal and silence are errors that say what to do; `passing` where asking again may help. */
export async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw problem("The studio does not answer. If it was ended in the terminal, start it again, and open its new link.", true);
  }
  if (!answer.ok) throw problem((await answer.text()).trim(), PASSING.includes(answer.status));
  return answer;
}

const problem = (sentence, passing) => Object.assign(new Error(sentence), { passing });
