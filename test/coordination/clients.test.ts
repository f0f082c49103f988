import {
  CopyObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { expect } from "chai";
import { createClients, requireBucketOwner } from "../../coordination/clients";
import { createClients as createDoctorClients } from "../../doctor/clients";
import { ARTIFACTS, AwsDouble, STATIC } from "../deploy/double/aws";
import { DirectTransport } from "../deploy/double/transport";

// The signature is made, and checked by nobody.
process.env["AWS_ACCESS_KEY_ID"] ??= "AKIAEXAMPLE";
process.env["AWS_SECRET_ACCESS_KEY"] ??= "example";

describe("S3 in the first hours of a bucket", () => {
  const transport = new DirectTransport();
  transport.attach({ double: new AwsDouble(), dead: false, onKill: () => undefined });

  it("redirects requests to S3's global host name", async () => {
    const endpoint = "https://s3.amazonaws.com";
    const global = new S3Client({ region: "eu-central-1", endpoint, requestHandler: transport });
    const failure = await global
      .send(new ListObjectsV2Command({ Bucket: ARTIFACTS }))
      .catch((error: unknown) => error);
    expect(failure).to.include({ name: "TemporaryRedirect" });
  });

  for (const region of ["eu-central-1", "us-east-1"]) {
    it(`answers the deploy tool and doctor, which use the regional name, in ${region}`, async () => {
      const doctor = createDoctorClients(region);
      const clients: S3Client[] = [
        createClients({ region, requestHandler: transport }).s3,
        doctor.s3,
        doctor.anonymousS3,
      ];
      for (const client of clients) {
        const hosts: string[] = [];
        client.middlewareStack.add(
          () => (args) => {
            hosts.push((args.request as { hostname: string }).hostname);
            return Promise.resolve({ response: {}, output: { $metadata: {} } });
          },
          { step: "finalizeRequest", priority: "low" },
        );
        await client.send(new HeadBucketCommand({ Bucket: ARTIFACTS }));
        expect(hosts).to.deep.equal([`${ARTIFACTS}.s3.${region}.amazonaws.com`]);
      }
    });
  }
});

describe("a bucket that another account created under our name", () => {
  const attempt = async (owned: boolean, stranger: string, command: "copy" | "list" | "put") => {
    const double = new AwsDouble();
    for (const bucket of [ARTIFACTS, STATIC]) double.s3.strangers.set(bucket, "123456789012");
    double.s3.strangers.set(stranger, "999999999999");
    const transport = new DirectTransport();
    transport.attach({ double, dead: false, onKill: () => undefined });
    const { s3 } = createClients({ region: "eu-central-1", pathStyle: true, requestHandler: transport });
    await s3.send(new PutObjectCommand({ Bucket: STATIC, Key: "static/a.js", Body: "1" }));
    if (owned) requireBucketOwner(s3, "123456789012");
    const sent = {
      list: () => s3.send(new ListObjectsV2Command({ Bucket: ARTIFACTS })),
      put: () => s3.send(new PutObjectCommand({ Bucket: ARTIFACTS, Key: "locks/staging.json", Body: "{}" })),
      copy: () =>
        s3.send(
          new CopyObjectCommand({ Bucket: ARTIFACTS, Key: "bundles/a", CopySource: `${STATIC}/static/a.js` }),
        ),
    }[command]();
    return sent.then(
      () => "done",
      (error: unknown) => (error as Error).name,
    );
  };

  it("refuses requests of our clients, as the target and as the source of a copy", async () => {
    for (const command of ["list", "put", "copy"] as const) {
      expect(await attempt(true, "none", command), command).to.equal("done");
      expect(await attempt(true, ARTIFACTS, command), command).to.equal("AccessDenied");
      expect(await attempt(false, ARTIFACTS, command), command).to.equal("done");
    }
    expect(await attempt(true, STATIC, "copy")).to.equal("AccessDenied");
  });
});
