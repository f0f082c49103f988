import { type Progress } from "../../cli/progress";

export type Notify = (text: string) => Promise<void>;

/** Milliseconds a webhook may take. */
const TIMEOUT = 5000;

/**
 * Notifications by a Slack incoming webhook; none where `webhook` is undefined. A webhook that fails is said, never
 * with its URL (which is a secret), and has no other consequence.
 *
 * @see https://api.slack.com/messaging/webhooks
 */
export function createNotifier(webhook: string | undefined, progress: Progress): Notify {
  if (webhook === undefined || webhook === "") return () => Promise.resolve();
  progress.hide(webhook);
  return async (text) => {
    try {
      const response = await fetch(webhook, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text: progress.redact(text) }),
        signal: AbortSignal.timeout(TIMEOUT),
      });
      if (!response.ok) progress.warn(`Slack was not notified: HTTP ${response.status}`);
    } catch (error) {
      // The message of the error can hold the URL.
      progress.warn(`Slack was not notified: ${error instanceof Error ? error.name : "unknown error"}`);
    }
  };
}

/** Slack reads these three characters as markup. */
export function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
