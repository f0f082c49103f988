import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { unknownValue } from "@pulumi/pulumi/runtime/rpc";
import { expect } from "chai";
import { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { call, FakeEngine } from "./fakeEngine";
import { Hosts, serveHosts } from "./serve";

type Values = Record<string, JavaScriptValue>;

const URN = "urn:pulumi:staging::iaso::command:local:Command::image";

describe("the attached provider for commands", () => {
  const engine = new FakeEngine();
  const folder = mkdtempSync(join(tmpdir(), "iaso-command-provider-"));
  let hosts: Hosts;
  let client: ResourceProviderClient;

  before(async () => {
    await engine.start();
    hosts = await serveHosts(folder, () => ({ ...process.env, OWN: "of the lab" }));
    client = new ResourceProviderClient(`127.0.0.1:${hosts.port}`, grpc.credentials.createInsecure());
    const handshake = new messages.ProviderHandshakeRequest().setEngineAddress(engine.address);
    await call((done) => client.handshake(handshake, done));
  });
  after(() => {
    client.close();
    hosts.close();
    engine.stop();
    rmSync(folder, { recursive: true });
  });

  const create = async (inputs: Values, preview = false) => {
    const request = new messages.CreateRequest()
      .setUrn(URN)
      .setName("image")
      .setPreview(preview)
      .setProperties(Struct.fromJavaScript(inputs));
    const response = await call<messages.CreateResponse>((done) => client.create(request, done));
    return { id: response.getId(), outputs: values(response.getProperties()) };
  };
  const update = async (olds: Values, news: Values, preview = false) => {
    const request = new messages.UpdateRequest()
      .setUrn(URN)
      .setPreview(preview)
      .setOlds(Struct.fromJavaScript(olds))
      .setNews(Struct.fromJavaScript(news));
    const response = await call<messages.UpdateResponse>((done) => client.update(request, done));
    return values(response.getProperties());
  };
  const remove = (state: Values) => {
    const request = new messages.DeleteRequest().setUrn(URN).setProperties(Struct.fromJavaScript(state));
    return call((done) => client.delete(request, done));
  };
  const diff = async (olds: Values, news: Values) => {
    const request = new messages.DiffRequest()
      .setUrn(URN)
      .setOldInputs(Struct.fromJavaScript(olds))
      .setNews(Struct.fromJavaScript(news));
    const response = await call<messages.DiffResponse>((done) => client.diff(request, done));
    return { changed: response.getDiffsList(), replaced: response.getReplacesList() };
  };

  it("runs no command in a preview, whose output is unknown", async () => {
    const inputs = { create: "touch created", update: "touch created" };
    const unknown = { ...inputs, stdout: unknownValue, stderr: unknownValue };
    expect((await create(inputs, true)).outputs).to.deep.equal(unknown);
    expect(await update(inputs, inputs, true)).to.deep.equal(unknown);
    expect(existsSync(join(folder, "created"))).to.equal(false);
  });

  it("runs create in the program's folder, with its own variables", async () => {
    engine.lines.length = 0;
    const inputs = {
      create: 'pwd; echo "$OWN, $COLOUR"; echo warning >&2',
      environment: { COLOUR: "blue" },
    };
    const { id, outputs } = await create(inputs);
    expect(id).to.match(/^image[0-9a-f]{8}$/);
    expect(outputs).to.deep.equal({
      ...inputs,
      stdout: `${folder}\nof the lab, blue`,
      stderr: "warning",
    });
    expect(engine.lines).to.deep.include({ message: "warning\n", urn: URN });
  });

  it("gives the output of the run before to update and delete", async () => {
    const inputs = { create: "echo one; echo two", update: 'echo "after $PULUMI_COMMAND_STDOUT"' };
    const { outputs } = await create(inputs);
    const updated = await update(outputs, inputs);
    expect(updated.stdout).to.equal("after one\ntwo");
    await remove({ ...updated, delete: 'test "$PULUMI_COMMAND_STDOUT" = "after one\ntwo" && touch deleted' });
    expect(existsSync(join(folder, "deleted"))).to.equal(true);
  });

  it("runs create in an update without a command of its own, and nothing in a delete", async () => {
    const inputs = { create: "echo created" };
    expect((await update({}, inputs)).stdout).to.equal("created");
    await remove(inputs);
  });

  it("fails with the command and all that it has printed", async () => {
    const error: unknown = await create({ create: "echo told; echo refused >&2; exit 4" }).catch(
      (e: unknown) => e,
    );
    expect((error as grpc.ServiceError).details)
      .to.include('exit status 4: running "echo told; echo refused >&2; exit 4":\n')
      .and.include("told\n")
      .and.include("refused\n");
  });

  it("replaces for other triggers and updates for any other change", async () => {
    const inputs = { create: "true", triggers: ["1"] };
    expect(await diff(inputs, inputs)).to.deep.equal({ changed: [], replaced: [] });
    expect(await diff(inputs, { ...inputs, triggers: ["2"] })).to.deep.equal({
      changed: ["triggers"],
      replaced: ["triggers"],
    });
    expect(await diff(inputs, { triggers: ["1"], create: "false", delete: "true" })).to.deep.equal({
      changed: ["create", "delete"],
      replaced: [],
    });
  });
});

function values(struct: Struct | undefined): Values {
  return struct?.toJavaScript() ?? {};
}
