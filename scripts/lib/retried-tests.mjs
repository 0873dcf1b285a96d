/**
 * A vitest reporter that names the tests that passed only when they were tried again: no other reporter tells them from
 * those that passed at once. Writes a JSON list of titles into the file that `RETRIED_TESTS` names.
 */
import { writeFileSync } from 'node:fs';

export default class RetriedTests {
  onTestRunEnd(modules) {
    const titles = modules.flatMap((module) =>
      [...module.children.allTests()]
        .filter((test) => test.diagnostic()?.flaky)
        .map((test) => `${module.relativeModuleId} > ${test.fullName}`),
    );
    writeFileSync(process.env.RETRIED_TESTS, JSON.stringify(titles));
  }
}
