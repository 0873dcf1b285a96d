/** Makes sure that moto has loaded `sitecustomize.py`: without it, a replay would make other identifiers. */
import type { MotoClient } from '../gateway/moto-client.ts';
import { numberRequest } from './journaled-client.ts';

export class NotRepeatableError extends Error {
  readonly hint =
    "Use moto's own moto_server with a Python that reads PYTHONPATH (not started with -I or -E): python3 -m pip install 'moto[server]==5.2.1'";
}

/** @throws NotRepeatableError */
export async function checkRepeatable(moto: MotoClient): Promise<void> {
  const response = await moto.send(
    numberRequest({ method: 'GET', url: '/moto-api/', rawHeaders: [] }, 1, Date.now(), null),
  );
  await response.body.dump();
  if (response.headers['x-towpath-seed'] !== '1')
    throw new NotRepeatableError(
      'The control plane ignores the numbers of the journal: it could not be brought back after a stop.',
    );
}
