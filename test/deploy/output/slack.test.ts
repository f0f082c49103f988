import { expect } from "chai";
import { createNotifier, escapeSlack } from "../../../deploy/output/slack";
import { systemClock } from "../../../coordination/clock";
import { AwsDouble } from "../double/aws";
import { silentProgress } from "../double/runs";
import { serve } from "../double/server";

describe("deploy/output/slack", () => {
  it("posts the text, without secrets that are in it", async () => {
    const double = new AwsDouble();
    const running = await serve(double);
    const progress = silentProgress(systemClock);
    progress.hide("a-password");
    await createNotifier(`${running.url}/slack/x`, progress)("deployed with a-password");
    await running.stop();
    expect(double.slack).to.deep.equal(['{"text":"deployed with [secret]"}']);
  });

  const broken: [string, (url: string) => string][] = [
    ["that answers with an error", (url) => `${url}/slack/very-secret`],
    ["that nobody listens to", () => "http://127.0.0.1:9/very-secret"],
    ["that is no URL", () => "very-secret"],
  ];
  for (const [name, webhook] of broken) {
    it(`survives a webhook ${name}, and never prints it`, async () => {
      const double = new AwsDouble();
      double.slackStatus = 500;
      const running = await serve(double);
      const lines: string[] = [];
      await createNotifier(webhook(running.url), silentProgress(systemClock, lines))("text");
      await running.stop();
      expect(lines).to.have.length(1);
      expect(lines[0]).to.contain("Slack was not notified");
      expect(lines[0]).not.to.contain("very-secret");
    });
  }

  it("escapes Slack's markup", () => {
    expect(escapeSlack("<a> & b")).to.equal("&lt;a&gt; &amp; b");
  });
});
