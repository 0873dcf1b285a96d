/** A figure that is held against its goal, as one line. A goal that is missed makes the exit code 1. */
export function report(name: string, value: string, met: boolean): void {
  if (!met) process.exitCode = 1;
  console.log(`${met ? 'ok    ' : 'MISSED'} ${name.padEnd(36)} ${value}`);
}
