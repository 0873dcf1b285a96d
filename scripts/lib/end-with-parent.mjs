/**
 * Preloaded into a child (`node --import`): ends it with SIGTERM when its parent vanishes, even by `kill -9`.
 * The parent holds the other end of a pipe, which the system closes with it. Works without the child's help.
 */
import { Socket } from 'node:net';

const descriptor = process.env.TOWPATH_PARENT_PIPE;
// Not for the children of this process: their descriptors are others.
delete process.env.TOWPATH_PARENT_PIPE;

if (descriptor !== undefined) {
  const parent = new Socket({ fd: Number(descriptor) });
  parent.on('error', () => {});
  parent.on('close', () => process.kill(process.pid, 'SIGTERM'));
  parent.resume();
  parent.unref();
}
