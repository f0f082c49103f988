import { expect } from "chai";
import { previewOf } from "../support";
import { judgeAddress } from "./mediaAddress";

const SIGNED_AT = Date.UTC(2026, 10, 25, 12, 0, 0);
const HOST = "https://example-iaso-staging-media.s3.eu-central-1.amazonaws.com/forms/a%20b.jpg";
const SIGNATURE =
  "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-Signature=0123";

describe("test/iaso/mediaAddress", () => {
  it("judges signed addresses by the media bucket's policy", async () => {
    const document = await previewOf("staging");
    const judge = (address: string, minutes = 0) =>
      judgeAddress(document, address, SIGNED_AT + minutes * 60_000);
    expect(judge(HOST + SIGNATURE)).to.equal("allow");
    expect(judge(HOST + SIGNATURE, 15)).to.equal("allow");
    expect(judge(HOST + SIGNATURE, 16)).to.equal("deny");
    expect(judge(HOST + SIGNATURE, 61)).to.equal("expired");
    expect(judge(HOST)).not.to.equal("allow");
    expect(judge((HOST + SIGNATURE).replace("https:", "http:"))).to.equal("deny");
    expect(judge(HOST + SIGNATURE.replace("AWS4-HMAC-SHA256", "AWS"))).to.equal("deny");
  });
});
