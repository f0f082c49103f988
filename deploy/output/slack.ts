import { type Progress } from "../../cli/progress";

export type Notify = (text: string) => Promise<void>;

/** Milliseconds a webhook may take. */
const TIMEOUT = 5000;

/**
 * Creates the function that posts to a Slack incoming webhook; without a webhook it does nothing. A webhook that fails
 * is only a warning, which never contains the webhook's URL, a secret.
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
      // The error's message can contain the URL.
      progress.warn(`Slack was not notified: ${error instanceof Error ? error.name : "unknown error"}`);
    }
  };
}

/** Escapes the three characters that Slack reads as markup. */
export function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
