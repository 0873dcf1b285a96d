/** What `towpath.config.ts` imports: types and completion for the editor, and nothing at run time. */
import type { ProjectInput } from './project-input.ts';

export type * from './project-input.ts';

/** Describes a project. What is wrong with it is said when Towpath loads it. */
export function defineProject(input: ProjectInput): ProjectInput {
  return input;
}
