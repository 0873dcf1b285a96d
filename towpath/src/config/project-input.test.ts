/** The types that a user's editor checks and the schema that a start checks are the same. */
import { expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import { defineProject } from './define-project.ts';
import type { ProjectInput } from './project-input.ts';
import type { projectSchema } from './schema.ts';

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

it('has one type', () => {
  expectTypeOf<DeepReadonly<z.input<typeof projectSchema>>>().toEqualTypeOf<DeepReadonly<ProjectInput>>();
  expectTypeOf(defineProject).returns.toEqualTypeOf<ProjectInput>();
});
