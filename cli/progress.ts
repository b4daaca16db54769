/** Between two lines of progress that a script's log gets; a terminal gets one line that changes. */
const LOG_EVERY_MS = 30_000;

/** Where the progress of a command is told: never among what it prints. */
export interface Progress {
  /** Tells how far it is. What comes often is told now and then. */
  at(text: string): void;
  /** Tells something that is to stay, on a line of its own. */
  say(text: string): void;
  /** Ends the line that changes: what follows begins on a new one. */
  end(): void;
}

/** Progress on standard error: on a terminal a line that is written over, otherwise a line every half minute. */
export function progressOn(
  output: NodeJS.WritableStream & { readonly isTTY?: boolean | undefined; readonly columns?: number },
  clock: () => number = Date.now,
): Progress {
  const isTerminal = output.isTTY === true;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let isLineOpen = false;
  const end = () => {
    if (isLineOpen) output.write('\n');
    isLineOpen = false;
  };
  return {
    end,
    at(text) {
      if (isTerminal) {
        const { columns = 0 } = output;
        const width = columns > 0 ? columns : 80; // Some terminals say that they have none.
        output.write(`\r\u001b[K${text.slice(0, width - 1)}`); // Whatever stood there is cleared.
        isLineOpen = true;
      } else if (clock() - toldAtMs >= LOG_EVERY_MS) {
        toldAtMs = clock();
        output.write(`${text}\n`);
      }
    },
    say(text) {
      end();
      output.write(`${text}\n`);
    },
  };
}
