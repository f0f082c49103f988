import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { ExternalServices } from "../../components/externalServices";
import { simulate } from "../../preview/simulate";
import { find } from "../support";

const mailgun = {
  domain: "mg.example.org",
  dkimSelector: "mx",
  dkimRecord: "k=rsa; p=AAAA",
  region: "eu",
} as const;
const email = {
  host: "smtp.eu.mailgun.org",
  port: 587,
  user: "postmaster@mg.example.org",
  from: "Iaso <no-reply@mg.example.org>",
};

async function make(own: { mailgun?: typeof mailgun }) {
  let external: ExternalServices | undefined;
  const document = await simulate(() => {
    external = new ExternalServices("external-services", {
      sentry: { dsn: pulumi.secret("https://key@sentry.example.org/1") },
      mail: { ...email, password: pulumi.secret("mail-password") },
      ...own,
    });
  });
  return { document, external: external! };
}

/** What an output holds, secret or not. */
function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

describe("components/externalServices", () => {
  it("separates the application's plain settings from its secrets", async () => {
    const { external } = await make({ mailgun });
    expect(external.email).to.deep.equal(email);
    expect(external.dnsRecords).to.deep.equal(mailgun);
    expect(Object.keys(external.secrets)).to.have.members(["EMAIL_HOST_PASSWORD", "SENTRY_URL"]);
    for (const [variable, value] of [
      ["EMAIL_HOST_PASSWORD", "mail-password"],
      ["SENTRY_URL", "https://key@sentry.example.org/1"],
    ] as const) {
      expect(await pulumi.isSecret(external.secrets[variable])).to.equal(true);
      expect(await valueOf(external.secrets[variable])).to.equal(value);
    }
  });

  it("needs no records and creates nothing if another provider sends mail", async () => {
    const { document, external } = await make({});
    expect(external.dnsRecords).to.equal(undefined);
    expect(document.resources.filter(({ custom }) => custom)).to.deep.equal([]);
    expect(find(document, "iaso:index:ExternalServices").outputs).to.deep.equal({ mailHost: email.host });
    expect(JSON.stringify(document)).not.to.match(/mail-password|sentry\.example/);
  });
});
