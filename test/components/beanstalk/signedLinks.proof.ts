import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { find, namespaceOf, previewOf } from "../../support";
import { installed, skip } from "../../deploy/source/checkout";

// Run by `npm run test:signed-links`: the first run installs boto3 and django-storages into node_modules/.cache/.

const VENV = join(__dirname, "../../../node_modules/.cache/signed-links");

/** The versions that Iaso pins: https://github.com/BLSQ/iaso/blob/2d5404b/pyproject.toml */
const PACKAGES = ["boto3==1.42.44", "django-storages==1.14.2", "Django>=4.2,<5"];

/** Prints the links that Iaso's two ways to S3 sign, with the settings of hat/settings.py. */
const SCRIPT = `
import os, boto3
from django.conf import settings
settings.configure(
    AWS_S3_REGION_NAME=os.environ["AWS_S3_REGION_NAME"],
    AWS_STORAGE_BUCKET_NAME=os.environ["AWS_STORAGE_BUCKET_NAME"],
    AWS_S3_SIGNATURE_VERSION="s3v4",
)
from storages.backends.s3boto3 import S3Boto3Storage
print(S3Boto3Storage().url("forms/a.xml"))
print(boto3.client("s3", region_name=settings.AWS_S3_REGION_NAME).generate_presigned_url(
    ClientMethod="get_object",
    Params={"Bucket": settings.AWS_STORAGE_BUCKET_NAME, "Key": "forms/a.xml"},
    ExpiresIn=3600,
))
`;

describe("links that Iaso signs", function () {
  this.timeout(300_000);

  before(function () {
    if (!installed("python3", "--version")) skip(this, "python3 is not installed");
    if (existsSync(join(VENV, "bin/django-admin"))) return;
    mkdirSync(dirname(VENV), { recursive: true });
    execFileSync("python3", ["-m", "venv", VENV]);
    execFileSync(join(VENV, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
  });

  const linksWith = (variables: Record<string, unknown>): URL[] => {
    const output = execFileSync(join(VENV, "bin/python"), ["-c", SCRIPT], {
      encoding: "utf8",
      env: {
        ...(variables as Record<string, string>),
        AWS_ACCESS_KEY_ID: "id",
        AWS_SECRET_ACCESS_KEY: "key",
      },
    });
    return output
      .trim()
      .split("\n")
      .map((link) => new URL(link));
  };

  for (const role of ["web", "worker"])
    it(`name the regional endpoint of S3 with the variables of ${role}, and the global one without ours`, async () => {
      const environment = find(
        await previewOf("staging"),
        "aws:elasticbeanstalk/environment:Environment",
        role,
      );
      const variables = namespaceOf(environment, "aws:elasticbeanstalk:application:environment");
      const aws = Object.fromEntries(Object.entries(variables).filter(([name]) => name.startsWith("AWS_")));
      const bucket = variables["AWS_STORAGE_BUCKET_NAME"] as string;
      const links = linksWith(aws);
      expect(links.map(({ host, pathname }) => [host, pathname])).to.deep.equal(
        Array(2).fill(["s3.eu-central-1.amazonaws.com", `/${bucket}/forms/a.xml`]),
      );
      // Otherwise a newer boto3 needs no variable.
      const without = linksWith({ ...aws, AWS_ENDPOINT_URL_S3: "" });
      expect(without.map(({ host }) => host)).to.deep.equal(Array(2).fill(`${bucket}.s3.amazonaws.com`));
    });
});
