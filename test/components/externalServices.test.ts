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
      mail: email,
      ...own,
    });
  });
  return { document, external: external! };
}

describe("components/externalServices", () => {
  it("separates the application's plain settings from the names of its secrets", async () => {
    const { external } = await make({ mailgun });
    expect(external.email).to.deep.equal(email);
    expect(external.dnsRecords).to.deep.equal(mailgun);
    expect(external.secrets).to.have.members(["EMAIL_HOST_PASSWORD", "SENTRY_URL"]);
  });

  it("needs no records and creates nothing if another provider sends mail", async () => {
    const { document, external } = await make({});
    expect(external.dnsRecords).to.equal(undefined);
    expect(document.resources.filter(({ custom }) => custom)).to.deep.equal([]);
    expect(find(document, "iaso:index:ExternalServices").outputs).to.deep.equal({ mailHost: email.host });
  });
});
