import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { enketoCompose } from "../../../components/beanstalk/enketoCompose";
import { eventually, freePort } from "../../http";
import { find, optionsOf, previewOf } from "../../support";

interface Compose {
  services: { enketo: { command: string[] } };
}

/** The command as Compose runs it: `$$` becomes `$`. Compose would interpolate what follows one `$` only. */
function commandOf(): [program: string, ...args: string[]] {
  const [program = "", ...args] = (parse(enketoCompose("").yaml) as Compose).services.enketo.command;
  for (const arg of args) expect(arg.replaceAll("$$", "")).not.to.include("$");
  return [program, ...args.map((arg) => arg.replaceAll("$$", "$"))];
}

describe("components/beanstalk/enketoCompose", () => {
  it("runs the image on the port that Beanstalk's load balancer calls, with the environment's variables", () => {
    expect(parse(enketoCompose("enketo/enketo-express:4.1.1").yaml)).to.deep.equal({
      services: {
        enketo: {
          image: "enketo/enketo-express:4.1.1",
          command: (parse(enketoCompose("").yaml) as Compose).services.enketo.command,
          env_file: [".env"],
          ports: ["80:8005"],
          restart: "always",
        },
      },
    });
  });

  // Up to version 6 the image's own start script stops where it finds no config.json, and with one the variables
  // would not be read. Version 7 has its program in a folder of its own.
  for (const folder of [".", "packages/enketo-express"]) {
    it(`starts the program in ${folder} instead of the image's script`, () => {
      const image = mkdtempSync(join(tmpdir(), "enketo-"));
      try {
        mkdirSync(join(image, folder), { recursive: true });
        writeFileSync(join(image, folder, "index.js"), "console.log(process.cwd())");
        const [program, ...args] = commandOf();
        expect(execFileSync(program, args, { cwd: image, encoding: "utf8" }).trim()).to.equal(
          join(image, folder),
        );
      } finally {
        rmSync(image, { recursive: true });
      }
    });
  }

  describe("gives Enketo", () => {
    let image: string;
    before(() => {
      image = mkdtempSync(join(tmpdir(), "enketo-"));
      writeFileSync(join(image, "index.js"), "console.log(JSON.stringify(process.env))");
    });
    after(() => {
      rmSync(image, { recursive: true });
    });

    /** Starts it with variables, and returns those that Enketo gets. */
    function start(variables: Record<string, string>): unknown {
      const [program, ...args] = commandOf();
      const env = { PATH: `${join(process.execPath, "..")}:/bin:/usr/bin`, ...variables };
      return JSON.parse(execFileSync(program, args, { cwd: image, env, encoding: "utf8" }));
    }

    it("Iaso's token under both of its own names, and plain addresses of Redis as they are", () => {
      const variables = { ENKETO_API_TOKEN: "token", ENKETO_REDIS_MAIN_URL: "redis://main:6379" };
      expect(start(variables)).to.include({
        ENKETO_API_KEY: "token",
        ENKETO_LINKED_FORM_AND_DATA_SERVER_API_KEY: "token",
        ENKETO_REDIS_MAIN_URL: "redis://main:6379",
      });
    });

    it("the addresses of both Redis with their password, if they have one", () => {
      const variables = {
        ENKETO_REDIS_AUTH_TOKEN: "secret",
        ENKETO_REDIS_MAIN_URL: "rediss://master.main:6379",
        ENKETO_REDIS_CACHE_URL: "rediss://master.cache:6379",
      };
      expect(start(variables)).to.include({
        ENKETO_REDIS_MAIN_URL: "rediss://:secret@master.main:6379",
        ENKETO_REDIS_CACHE_URL: "rediss://:secret@master.cache:6379",
      });
    });
  });

  it("keeps idle connections open longer than the load balancer does, in every process of Enketo", async () => {
    const enketo = find(await previewOf("staging"), "aws:elasticbeanstalk/environment:Environment", "enketo");
    const idle = Number(optionsOf(enketo)["aws:elbv2:loadbalancer IdleTimeout"]);
    const image = mkdtempSync(join(tmpdir(), "enketo-"));
    const port = await freePort();
    // Like Enketo's app.js: the workers listen, not the first process.
    writeFileSync(
      join(image, "index.js"),
      `const cluster = require("node:cluster");
if (cluster.isPrimary) cluster.fork();
else require("node:http").createServer((_, response) => response.end("ok")).listen(${port}, "127.0.0.1");
`,
    );
    const [program, ...args] = commandOf();
    const server = spawn(program, args, { cwd: image, stdio: "ignore" });
    try {
      const { headers } = await eventually(() => fetch(`http://127.0.0.1:${port}/`));
      const [, seconds] = /timeout=(\d+)/.exec(headers.get("keep-alive") ?? "") ?? [];
      expect(idle).to.be.greaterThan(0);
      expect(Number(seconds)).to.be.greaterThan(idle);
    } finally {
      server.kill();
      rmSync(image, { recursive: true });
    }
  });

  it("has one fingerprint per content", () => {
    const { fingerprint } = enketoCompose("enketo/enketo-express:4.1.1");
    expect(fingerprint).to.match(/^[0-9a-f]{16}$/);
    expect(enketoCompose("enketo/enketo-express:4.1.1").fingerprint).to.equal(fingerprint);
    expect(enketoCompose("enketo/enketo-express:4.1.2").fingerprint).not.to.equal(fingerprint);
  });
});
