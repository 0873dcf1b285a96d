/** The Flask example under gunicorn, as its image starts it. Needs the packages named below. */
import { join } from 'node:path';
import { APP_DIR, type RunningService, runService } from './built-service.ts';

export const FLASK_DIR = join(APP_DIR, '..', 'examples', 'flask');
export const FLASK_PACKAGES = 'gunicorn python3-flask python3-redis python3-prometheus-client';

export function startFlaskService(env: Readonly<Record<string, string>>): RunningService {
  // What Python would leave beside the source is no business of a test.
  const python = { PATH: process.env.PATH ?? '', PYTHONDONTWRITEBYTECODE: '1' };
  return runService('gunicorn', [], FLASK_DIR, { ...python, ...env });
}
