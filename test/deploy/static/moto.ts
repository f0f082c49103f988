import { type ChildProcess, spawn } from "node:child_process";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { freePort } from "../../http";

/** Moto's server on this machine: AWS's protocol over HTTP, with S3's versions and checksums. */
export class Moto {
  private constructor(
    private readonly child: ChildProcess,
    readonly endpoint: string,
  ) {}

  static async start(): Promise<Moto> {
    const port = await freePort();
    const child = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    const endpoint = `http://127.0.0.1:${port}`;
    for (let tries = 0; ; tries += 1) {
      const answered = await fetch(`${endpoint}/moto-api/`).then(
        () => true,
        () => false,
      );
      if (answered) return new Moto(child, endpoint);
      if (tries === 200 || child.exitCode !== null) throw new Error("moto_server did not start");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  stop(): void {
    this.child.kill();
  }

  client(maxSockets = 50): S3Client {
    return new S3Client({
      endpoint: this.endpoint,
      region: "eu-central-1",
      forcePathStyle: true,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      requestHandler: new NodeHttpHandler({ httpAgent: { maxSockets } }),
    });
  }

  async makeBucket(name: string, versioned = true): Promise<S3Client> {
    const s3 = this.client();
    await s3.send(
      new CreateBucketCommand({
        Bucket: name,
        CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      }),
    );
    if (versioned) {
      const VersioningConfiguration = { Status: "Enabled" } as const;
      await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
    }
    return s3;
  }
}
