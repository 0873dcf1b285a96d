/** An overlay that also tells when a request may have changed something, once it is done. */
import type { Overlay } from '../contract.ts';

const READS = /^(?:Describe|Get|List)/;

/** @param changed called after every request that is no mere look */
export function noticeWrites(overlay: Overlay, changed: () => void): Overlay {
  return {
    service: overlay.service,
    async handle(request, forward) {
      if (READS.test(request.action)) return overlay.handle(request, forward);
      try {
        return (await overlay.handle(request, forward)) ?? (await forward());
      } finally {
        changed();
      }
    },
  };
}
