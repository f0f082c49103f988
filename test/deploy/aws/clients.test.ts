import { HeadBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import { createClients } from "../../../deploy/aws/clients";
import { createClients as createDoctorClients } from "../../../doctor/clients";
import { ARTIFACTS, AwsDouble } from "../double/aws";
import { DirectTransport } from "../double/transport";

// The signature is made, and checked by nobody.
process.env["AWS_ACCESS_KEY_ID"] ??= "AKIAEXAMPLE";
process.env["AWS_SECRET_ACCESS_KEY"] ??= "example";

describe("S3 in the first hours of a bucket", () => {
  const transport = new DirectTransport();
  transport.attach({ double: new AwsDouble(), dead: false, onKill: () => undefined });

  it("redirects who calls the bucket by S3's global host name", async () => {
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
