/** Checks the input of an API action against its schema, with AWS's error. */
import type { z } from 'zod';
import { AwsError } from '../contract.ts';

/** @throws AwsError with every problem: where it is and what was expected */
export function parseInput<T extends z.ZodType>(
  schema: T,
  input: unknown,
  code = 'InvalidParameterException',
): z.infer<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'request'}: ${message}`,
  );
  throw new AwsError(code, `${problems.length} validation error(s) detected: ${problems.join('; ')}`);
}
