import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, Problem, type Call } from "./client.ts";
import { keyNumber } from "./key.ts";

interface Connection {
  readonly lost: boolean;
  /** Why the service, which can be reached, does not open a stream now. */
  readonly refusal?: Problem;
  readonly retryAt: number;
  readonly note: string;
}

const connected: Connection = { lost: false, retryAt: 0, note: "" };

/** Whether the service can be reached: the frame shows it in one line. */
export const connection = signal<Connection>(connected);

/** The state of one question: the last answer stays until a new one comes. */
export interface AnswerState<Answer> {
  readonly answer: Answer | undefined;
  /** The call that `answer` answers: the one before while a new call is under way. */
  readonly answeredCall: Call | undefined;
  readonly problem: Problem | undefined;
  /** When the call under way was sent, by the page's clock; `undefined` where none is. */
  readonly pendingSince: number | undefined;
  readonly stopped: boolean;
  /** When the call is sent again without a click. */
  readonly retryAt: number | undefined;
  readonly stop: () => void;
  readonly again: () => void;
}

interface State<Answer> {
  readonly answer?: Answer;
  readonly answeredCall?: Call;
  readonly problem?: Problem;
  readonly pendingSince?: number;
  readonly stopped?: boolean;
  readonly retryAt?: number;
}

/** The latest answers to the present key, so that Back shows them at once. */
const remembered = new Map<string, unknown>();
const mostRemembered = 40;
keyNumber.subscribe(() => remembered.clear());

function remember(name: string, answer: unknown): void {
  remembered.delete(name);
  remembered.set(name, answer);
  if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value!);
}

/**
 * Sends a call, and sends it again when it changes; the one before is cancelled, and a late answer
 * never replaces a newer one.
 * @param call `undefined`: there is nothing to ask yet
 * @param everyMs repeats the call so long after each answer, and after each problem but that of a
 *   key (401, 403)
 * @param asks how the call is sent; always the same function for a call
 * @returns the same object until something of it changes
 */
export function useAnswer<Answer>(
  call: Call | undefined,
  everyMs?: number,
  asks: (call: Call, signal: AbortSignal) => Promise<Answer> = ask,
): AnswerState<Answer> {
  const name = call === undefined ? undefined : `${keyNumber.value} ${JSON.stringify(call)}`;
  const [state, setState] = useState<State<Answer>>(() => {
    if (name === undefined) return {};
    const answer = remembered.get(name) as Answer | undefined;
    return {
      ...(answer !== undefined && { answer, answeredCall: call }),
      pendingSince: Date.now(),
    };
  });
  const isNew = useRef(true);
  const [round, setRound] = useState(0);
  const controller = useRef<AbortController | undefined>(undefined);
  const attempts = useRef(0);

  useEffect(() => {
    if (call === undefined || name === undefined) return;
    const mine = new AbortController();
    controller.current = mine;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = (ms: number) => {
      timer = setTimeout(() => setRound((value) => value + 1), ms);
    };
    const known = remembered.get(name) as Answer | undefined;
    // The first state has all of it: one drawing less for each question of a first load.
    if (!isNew.current || state.pendingSince === undefined) {
      setState((before) => ({
        ...(known === undefined ? before : { ...before, answer: known, answeredCall: call }),
        pendingSince: Date.now(),
        stopped: false,
        retryAt: undefined,
      }));
    }
    isNew.current = false;
    asks(call, mine.signal).then(
      (answer) => {
        if (mine.signal.aborted) return;
        attempts.current = 0;
        reached();
        remember(name, answer);
        setState({ answer, answeredCall: call });
        if (everyMs !== undefined) later(everyMs);
      },
      (error: unknown) => {
        if (mine.signal.aborted) return;
        const problem =
          error instanceof Problem ? error : new Problem(500, { title: String(error) });
        const isRefused = problem.status === 401 || problem.status === 403;
        const retryMs =
          retryAfter(problem, attempts.current++) ?? (isRefused ? undefined : everyMs);
        if (problem.status === 0 && retryMs !== undefined) lost(retryMs);
        if (retryMs !== undefined) later(retryMs);
        setState((before) => ({
          ...(before.answer !== undefined && {
            answer: before.answer,
            answeredCall: before.answeredCall,
          }),
          problem,
          retryAt: retryMs === undefined ? undefined : Date.now() + retryMs,
        }));
      },
    );
    return () => {
      mine.abort();
      clearTimeout(timer);
    };
  }, [name, round]);

  return useMemo(
    () => ({
      answer: state.answer,
      answeredCall: state.answeredCall,
      problem: state.problem,
      pendingSince: state.pendingSince,
      stopped: state.stopped === true,
      retryAt: state.retryAt,
      stop() {
        controller.current?.abort();
        setState((before) => ({ ...before, pendingSince: undefined, stopped: true }));
      },
      again() {
        attempts.current = 0;
        setRound((value) => value + 1);
      },
    }),
    [state],
  );
}

/**
 * The question whose answer is shown. Numbers keep the name and the unit of their own question while
 * another one is under way, and where that was stopped or failed.
 * @param question what `call` is made from: another question makes another call
 * @returns the present question as long as there is no answer
 */
export function useAnswered<Question>(
  { answeredCall }: AnswerState<unknown>,
  call: Call | undefined,
  question: Question,
): Question {
  const questions = useRef(new WeakMap<Call, Question>());
  if (call !== undefined) questions.current.set(call, question);
  return (answeredCall && questions.current.get(answeredCall)) ?? question;
}

/** The answer to a call; `undefined` while there is only one to the call before it. */
export function currentAnswer<Answer>(
  { answer, answeredCall }: AnswerState<Answer>,
  call: Call | undefined,
): Answer | undefined {
  return JSON.stringify(answeredCall) === JSON.stringify(call) ? answer : undefined;
}

/**
 * A call that met a busy or absent store is repeated once, a failure of the network again and
 * again.
 */
function retryAfter({ status, retryAfterMs }: Problem, attempts: number): number | undefined {
  if (status === 0) return Math.min(30_000, 1_000 * 2 ** attempts);
  if ((status === 429 || status === 503) && attempts === 0) return retryAfterMs ?? 1_000;
  return undefined;
}

export function lost(retryMs: number): void {
  connection.value = { ...connected, lost: true, retryAt: Date.now() + retryMs };
}

/** Notes that a stream is refused; its end takes the note back. */
export function refused(refusal: Problem, retryMs: number): void {
  connection.value = { ...connected, refusal, retryAt: Date.now() + retryMs };
}

/** Notes that nobody waits any more for the stream that was refused. */
export function gaveUp(refusal: Problem | undefined): void {
  if (refusal !== undefined && connection.peek().refusal === refusal) connection.value = connected;
}

/** Notes that an answer has come. */
function reached(): void {
  if (connection.value.lost) reconnected("Connected again.");
}

/** Notes that a cut stream continues; the note says whether something was missed. */
export function reconnected(note: string): void {
  connection.value = { ...connected, note };
}
